"""What a Jira project is: who we are there, what it holds, and what its screens ask for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from adapters.jira.client import JiraClient
from adapters.jira.codec_links import LINKS
from adapters.jira.probing_fields import asked, read_plans, read_screens
from adapters.jira.wire import as_list, as_object, at, text_at
from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.errors import AuthFailed, Rejected
from sync.core.models import Field, JsonObject

TITLE_LIMIT: Final = 255
TEXT_LIMIT: Final = 32767
_NEEDED: Final = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS")
#: Permissions without which a field can only be read.
_FOR_FIELDS: Final = {
    "LINK_ISSUES": Field.LINKS,
    "WORK_ON_ISSUES": Field.SPENT,
    "MODIFY_REPORTER": Field.REPORTER,
}
_FOR_FILES: Final = "CREATE_ATTACHMENTS"
_FOR_DELETES: Final = "DELETE_ISSUES"
_EPIC_LINK: Final = "com.pyxis.greenhopper.jira:gh-epic-link"
_EPIC_NAME: Final = "com.pyxis.greenhopper.jira:gh-epic-label"
#: Fields that a create gives, or that Jira fills by itself.
_FILLED: Final = frozenset({"project", "issuetype", "summary", "reporter", "parent"})
#: Fields that a project's screens may lack.
_OPTIONAL: Final = {
    "description": Field.BODY,
    "priority": Field.PRIORITY,
    "labels": Field.LABELS,
    "assignee": Field.ASSIGNEES,
}

#: What a project carries, as far as its screens allow.
FIELDS: Final = frozenset(
    {
        Field.TITLE,
        Field.BODY,
        Field.KIND,
        Field.TYPE,
        Field.STATUS,
        Field.REASON,
        Field.PRIORITY,
        Field.LABELS,
        Field.ASSIGNEES,
        Field.PARENT,
    }
)


def probe(client: JiraClient, project: str, *, public_comments: bool) -> Capabilities:
    """Ask everything that a bridge has to know, without writing."""
    cloud = client.cloud
    account = _account(client)
    about = _project(client, project)
    permissions = as_object(at(_permissions(client, project), "permissions"))
    lacking = [name for name in _NEEDED if at(permissions, name, "havePermission") is False]
    types = [kind for kind in as_list(about.get("issueTypes")) if text_at(kind, "name")]
    statuses, by_type, words = _statuses(client, project)
    screens = read_screens(client, project, types)
    customs = {} if cloud else _custom_fields(client)
    slots = screens.slots(simplified=at(about, "simplified") is True)
    links = as_list(at(asked(client, "issueLinkType"), "issueLinkTypes"))
    extra: JsonObject = {
        "deployment": "cloud" if cloud else "server",
        "account": account,
        **_about_project(about, types, project),
        "status_words": words,
        "epic_link": customs.get(_EPIC_LINK, ""),
        "epic_name": customs.get(_EPIC_NAME, ""),
        "public_comments": public_comments,
        "fields": screens.fields(slots),
        "slots": {**slots, Field.REPORTER.value: "reporter"},
        **read_plans(client, about, sprints=Field.SPRINT.value in slots),
        **({LINKS: [_link_type(row) for row in links]} if links else {}),
    }
    hidden = {field for name, field in _OPTIONAL.items() if screens.rows and name not in screens.rows}
    carried = {Field(name) for name in slots} | {Field.REPORTER} | ({Field.LINKS} if links else set())
    tells = {field for name, field in _FOR_FIELDS.items() if not _may(permissions, name)}
    tells |= set() if "reporter" in screens.rows else {Field.REPORTER}
    unfilled = screens.needed - _FILLED - set(_OPTIONAL) - set(customs.values()) - set(slots.values())
    return Capabilities(
        server="Jira Cloud" if cloud else "Jira Data Center",
        account=account,
        fields=(FIELDS - hidden) | carried,
        tells=frozenset(tells & carried),
        facts=ProjectFacts(
            statuses=statuses,
            statuses_by_type=by_type,
            types=tuple(text_at(kind, "name") for kind in types),
            priorities=_names(asked(client, "priority")),
            resolutions=_names(asked(client, "resolution")),
            custom=screens.custom(),
            extra=extra,
        ),
        max_assignees=1,
        title_limit=TITLE_LIMIT,
        body_limit=TEXT_LIMIT,
        history=True,
        attachments=at(asked(client, "attachment/meta"), "enabled") is True and _may(permissions, _FOR_FILES),
        can_write="CREATE_ISSUES" not in lacking and "EDIT_ISSUES" not in lacking,
        can_delete=_may(permissions, _FOR_DELETES),
        clock_resolution=timedelta(milliseconds=1),
        feeds=1,
        notes=(
            *(f"The bot lacks {name} in {project}." for name in lacking),
            *(f"New issues ask for '{name}', which the bridge does not fill." for name in sorted(unfilled)),
        ),
    )


def _account(client: JiraClient) -> str:
    me = client.myself()
    account = text_at(me, "accountId") or text_at(me, "name")
    if not account:
        raise AuthFailed(f"{client.tracker}: Jira takes us for nobody. Check auth.user and auth.token.")
    return account


def _about_project(about: JsonObject, types: list[Any], project: str) -> JsonObject:
    return {
        "project": text_at(about, "key") or project,
        "project_id": text_at(about, "id"),
        "subtasks": [text_at(kind, "name") for kind in types if at(kind, "subtask") is True],
        "simplified": at(about, "simplified") is True,
        "service": text_at(about, "projectTypeKey") == "service_desk",
    }


def _project(client: JiraClient, project: str) -> JsonObject:
    try:
        return as_object(client.get(f"project/{project}"))
    except Rejected as error:
        raise Rejected(
            f"{client.tracker}: there is no project {project}, or the bot may not see it. Check `project` and give the "
            f"bot's account the Browse Projects permission. ({error})",
            error.problems,
        ) from None


def _permissions(client: JiraClient, project: str) -> Any:
    # Cloud wants the permissions by name; Data Center gives all of them and knows no such parameter.
    names = ",".join((*_NEEDED, *_FOR_FIELDS, _FOR_FILES, _FOR_DELETES))
    params = {"projectKey": project} | ({"permissions": names} if client.cloud else {})
    return asked(client, "mypermissions", params)


def _may(permissions: JsonObject, name: str) -> bool:
    return at(permissions, name, "havePermission") is not False


def _link_type(row: Any) -> JsonObject:
    return {name: text_at(row, name) for name in ("name", "inward", "outward")}


def _statuses(client: JiraClient, project: str) -> tuple[dict[str, str], dict[str, tuple[str, ...]], dict[str, str]]:
    """Status word → category, type → its status words, status id → word; words are untranslated where told."""
    told = {text_at(row, "id"): text_at(row, "untranslatedName") for row in as_list(asked(client, "status"))}
    statuses: dict[str, str] = {}
    by_type: dict[str, tuple[str, ...]] = {}
    words: dict[str, str] = {}
    for kind in as_list(client.get(f"project/{project}/statuses")):
        rows = [row for row in as_list(at(kind, "statuses")) if text_at(row, "name")]
        for row in rows:
            identifier = text_at(row, "id")
            words[identifier] = told.get(identifier) or text_at(row, "name")
            statuses[words[identifier]] = text_at(row, "statusCategory", "key")
        by_type[text_at(kind, "name")] = tuple(words[text_at(row, "id")] for row in rows)
    return statuses, by_type, words


def _custom_fields(client: JiraClient) -> dict[str, str]:
    """Kind of custom field → its id on this site."""
    rows = as_list(client.get("field"))
    return {text_at(row, "schema", "custom"): text_at(row, "id") for row in rows if text_at(row, "schema", "custom")}


def _names(rows: Any) -> tuple[str, ...]:
    return tuple(name for row in as_list(rows) if (name := text_at(row, "name")))
