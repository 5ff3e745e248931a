"""Issue links and their kinds."""

from __future__ import annotations

from typing import Any

from adapters.jira.simulator.catalogue import LinkType
from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.hung import connect, disconnect
from adapters.jira.simulator.model import Issue, Link
from adapters.jira.simulator.routes_issue import rich_text
from adapters.jira.simulator.routing import Answer, Call, JsonObject, route

_PER_ISSUE = 2000


@route("GET", "/issueLinkType")
def link_types(call: Call) -> Answer:
    _enabled(call)
    return 200, {"issueLinkTypes": [call.render.link_type(kind) for kind in call.world.catalogue.link_types.values()]}


@route("POST", "/issueLink")
def create_link(call: Call) -> Answer:
    """`inwardIssue` is where the link comes from; a link that is there already is "made" again without a trace."""
    _enabled(call)
    who, body = call.who, call.body()
    kind = _kind(call, body.get("type"))
    source, target = (_end(call, body.get(name)) for name in ("inwardIssue", "outwardIssue"))
    refused = f"No Link Issue Permission for issue '{source.key}'"
    call.allow("LINK_ISSUES", status=404 if call.world.catalogue.cloud else 401, message=refused)
    if source.id == target.id:
        raise ApiError(400, "You cannot link an issue to itself.")
    if any(len(issue.links) >= _PER_ISSUE for issue in (source, target)) and call.world.catalogue.cloud:
        raise ApiError(413, f"An issue can have at most {_PER_ISSUE} links.")
    comment = rich_text(call, body["comment"].get("body")) if body.get("comment") else None
    if not any((link.type, link.source, link.target) == (kind.id, source.id, target.id) for link in source.links):
        connect(call.world, who, kind, source, target)
    if comment is not None:
        call.world.add_comment(who, call.world.issues[source.id], comment, body["comment"].get("visibility"), {})
    return 201, None


@route("GET", "/issueLink/<link_id>")
def read_link(call: Call, link_id: str) -> Answer:
    return 200, call.render.link(_link(call, link_id))


@route("DELETE", "/issueLink/<link_id>")
def delete_link(call: Call, link_id: str) -> Answer:
    who, link = call.who, _link(call, link_id)
    refused = f"No Link Issue Permission for issue '{call.world.issues[link.source].key}'"
    call.allow("LINK_ISSUES", status=404 if call.world.catalogue.cloud else 401, message=refused)
    disconnect(call.world, who, link)
    return 204, None


def _enabled(call: Call) -> None:
    if not call.site.issue_linking:
        raise ApiError(404, "Issue linking is currently disabled.")


def _kind(call: Call, wanted: Any) -> LinkType:
    wanted = wanted if isinstance(wanted, dict) else {}
    for kind in call.world.catalogue.link_types.values():
        if (str(wanted["id"]) == kind.id) if "id" in wanted else (wanted.get("name") == kind.name):
            return kind
    told = "id" if "id" in wanted else "name"
    raise ApiError(404, f"No issue link type with {told} '{wanted.get(told)}' found.")


def _end(call: Call, wanted: JsonObject | None) -> Issue:
    return call.issue(str((wanted or {}).get("id") or (wanted or {}).get("key") or ""))


def _link(call: Call, link_id: str) -> Link:
    _enabled(call)
    if not link_id.isdecimal():
        raise ApiError(400, f"Invalid issue link id '{link_id}'.")
    for issue in call.world.issues.values() if call.person else ():
        for link in issue.links:
            if link.id == int(link_id) and not call.world.issues[link.other(issue.id)].archived:
                return link
    raise ApiError(404, f"No issue link with id '{link_id}' exists.")
