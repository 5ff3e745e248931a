"""What a repository and its server can hold: issue types, issue fields, milestones, sub-issues, dependencies, rights."""

from __future__ import annotations

import re

from adapters.github import wire
from adapters.github.client import Client
from adapters.github.home import Home
from adapters.github.links import NATIVE
from adapters.github.places import custom_fields
from sync.core.capabilities import Capabilities, ProjectFacts, Visibility
from sync.core.errors import Forbidden, Rejected
from sync.core.models import LINK_KINDS, Field, JsonObject

TITLE_LIMIT = 256
BODY_LIMIT = 65_536
MAX_ASSIGNEES = 10
#: A repository carries all of a ticket: what GitHub has no place for stands in the block.
FIELDS = frozenset(Field)
#: Who wrote an issue can't be said by anybody else.
TELLS = frozenset({Field.REPORTER})
#: The first Enterprise Server with dependencies between issues.
DEPENDENCIES_SINCE = (3, 19)


def probe(client: Client, home: Home) -> Capabilities:
    """Ask everything; see `Adapter.probe`."""
    account = home.who()
    answer = home.repository()
    repository: JsonObject = answer.body
    enterprise = answer.headers.get("x-github-enterprise-version")
    newest = None if enterprise is None else _newest(client)
    fields = _issue_fields(client, repository)
    depends = newest is None or "issue_dependencies_summary" in newest or _release(enterprise)
    notes, can_write = _rights(repository, home.project)
    return Capabilities(
        server=f"GitHub Enterprise Server {enterprise}" if enterprise else "github.com",
        account=account,
        fields=FIELDS,
        tells=TELLS,
        facts=ProjectFacts(
            types=tuple(f"type:{name}" for name in _types(client)),
            custom=custom_fields(fields),
            extra={
                "account": account,
                "repository": home.repository_id,
                "sub_issues": newest is None or "sub_issues_summary" in newest,
                "dependencies": depends,
                "issue_fields": fields,
                "milestones": _milestones(client),
            },
        ),
        max_assignees=MAX_ASSIGNEES,
        title_limit=TITLE_LIMIT,
        body_limit=BODY_LIMIT,
        history=True,
        own_ends=frozenset(LINK_KINDS) - (NATIVE.keys() if depends else frozenset()),
        can_write=can_write,
        feeds=2,
        notes=notes,
    )


def visibility_of(repository: JsonObject) -> Visibility:
    """Who may read a repository; servers that know no `visibility` say only whether it is private."""
    said, private = repository.get("visibility"), repository.get("private")
    if said in tuple(Visibility):
        return Visibility(said)
    if not isinstance(private, bool):
        return Visibility.UNKNOWN
    return Visibility.PRIVATE if private else Visibility.PUBLIC


def _newest(client: Client) -> JsonObject:
    """The newest issue, which shows what this server knows of issues; empty where there is none."""
    query = {"state": "all", "per_page": "1"}
    rows = wire.objects(client.get("issues", query, what="reading one issue").body)
    return rows[0] if rows else {}


def _release(enterprise: str | None) -> bool:
    found = re.match(r"(\d+)\.(\d+)", enterprise or "")
    return found is not None and (int(found[1]), int(found[2])) >= DEPENDENCIES_SINCE


def _types(client: Client) -> list[str]:
    """An organization's issue types; none where the owner is a user or the server too old."""
    try:
        rows = wire.objects(client.get("issue-types", what="reading the issue types").body)
    except (Rejected, Forbidden):
        return []
    return wire.names_of([row for row in rows if row.get("is_enabled", True)])


def _issue_fields(client: Client, repository: JsonObject) -> list[JsonObject]:
    """An organization's issue fields; none where the owner is a user, the server too old or the token may not look."""
    owner = repository.get("owner")
    login = wire.name_of(owner, "login")
    if login is None or wire.name_of(owner, "type") != "Organization":
        return []
    try:
        rows = wire.objects(client.get(f"/orgs/{login}/issue-fields", what="reading the issue fields").body)
    except (Rejected, Forbidden):
        return []
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "type": row.get("data_type"),
            "options": wire.names_of(row["options"]) if isinstance(row.get("options"), list) else None,
        }
        for row in rows
        if isinstance(row.get("id"), int) and isinstance(row.get("name"), str)
    ]


def _milestones(client: Client) -> list[str]:
    rows = client.rows("milestones", {"state": "all"}, what="listing the milestones")
    return [title for row in rows if (title := wire.name_of(row, "title")) is not None]


def _rights(repository: JsonObject, project: str) -> tuple[tuple[str, ...], bool]:
    if repository.get("has_issues") is False:
        raise Rejected(f"github: issues are turned off in {project}; turn them on in its settings")
    notes: list[str] = []
    permissions = repository.get("permissions")
    if isinstance(permissions, dict) and not permissions.get("push"):
        notes.append("no push access: GitHub would drop labels, assignees and types in silence, so nothing is written")
    if repository.get("archived"):
        notes.append("the repository is archived and can't be written")
    return tuple(notes), not notes
