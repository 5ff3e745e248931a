"""Search, and the reads of many issues at once."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from adapters.jira.simulator import jql
from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.index import Position
from adapters.jira.simulator.model import Change, Issue
from adapters.jira.simulator.routing import Answer, Call, JsonObject, page, route, split

_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration "
    "guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_SMALL_FIELDS = {"id", "key", "updated"}
RECONCILE_LIMIT = 50
BULK_ISSUE_LIMIT = 100
BULK_CHANGELOG_LIMIT = 1000


@route("GET", "/search", only="cloud")
@route("POST", "/search", only="cloud")
def removed_search(_call: Call) -> Answer:
    raise ApiError(410, _REMOVED)


@route("GET", "/search/jql", only="cloud")
def search_by_query(call: Call) -> Answer:
    args = call.request.args
    return _search_cloud(
        call,
        {
            "jql": args.get("jql", ""),
            "nextPageToken": args.get("nextPageToken"),
            "maxResults": call.number("maxResults", 50),
            "fields": call.words("fields"),
            "expand": args.get("expand"),
            "properties": call.words("properties"),
            "reconcileIssues": [int(number) for number in call.words("reconcileIssues")],
        },
    )


@route("POST", "/search/jql", only="cloud")
def search_by_body(call: Call) -> Answer:
    return _search_cloud(call, call.body())


@route("POST", "/search/approximate-count", only="cloud")
def approximate_count(call: Call) -> Answer:
    return 200, {"count": len(_found(call, str(call.body().get("jql") or ""), bounded=True))}


@route("GET", "/search", only="server")
def search_server_by_query(call: Call) -> Answer:
    args = call.request.args
    names: JsonObject = {"jql": args.get("jql", ""), "fields": call.words("fields"), "expand": call.words("expand")}
    names["validateQuery"] = args.get("validateQuery", "true")
    sizes = {"startAt": call.number("startAt", 0), "maxResults": call.number("maxResults", 50)}
    return _search_server(call, names | sizes)


@route("POST", "/search", only="server")
def search_server_by_body(call: Call) -> Answer:
    body = call.body()
    if unknown := sorted(set(body) - {"jql", "startAt", "maxResults", "fields", "expand", "validateQuery"}):
        raise ApiError(400, f'Unrecognized field "{unknown[0]}" (Class SearchRequestBean), not marked as ignorable')
    return _search_server(call, body)


@route("POST", "/issue/bulkfetch", only="cloud")
def bulk_fetch(call: Call) -> Answer:
    body = call.body()
    wanted = body.get("issueIdsOrKeys") or []
    if not 0 < len(wanted) <= BULK_ISSUE_LIMIT:
        raise ApiError(400, f"You must request between 1 and {BULK_ISSUE_LIMIT} issues.")
    issues, errors = _issues(call, wanted)
    return 200, {
        "issues": [
            call.render.issue(
                issue,
                body.get("fields") or ["*navigable"],
                expand=body.get("expand") or [],
                properties=body.get("properties") or [],
                searched=True,
            )
            for issue in issues
        ],
        "issueErrors": errors,
    }


@route("POST", "/changelog/bulkfetch", only="cloud")
def bulk_changelog(call: Call) -> Answer:
    body = call.body()
    wanted, field_ids = body.get("issueIdsOrKeys") or [], body.get("fieldIds") or []
    if not 0 < len(wanted) <= BULK_CHANGELOG_LIMIT or len(field_ids) > 10:
        raise ApiError(400, "Request between 1 and 1000 issues and at most 10 fields.")
    size = min(int(body.get("maxResults") or 1000), 10_000)
    issues, _ = _issues(call, wanted)
    entries = sorted(
        (
            (change.created, issue.id, change.id, change)
            for issue in issues
            for change in issue.changes
            if not field_ids or any(item.field_id in field_ids for item in change.items)
        ),
        key=lambda entry: entry[:3],
    )
    start = int(_untoken(body["nextPageToken"])) if body.get("nextPageToken") else 0
    grouped: dict[int, list[Change]] = {}
    for _, issue_id, _, change in entries[start : start + size]:
        grouped.setdefault(issue_id, []).append(change)
    result: JsonObject = {
        "issueChangeLogs": [
            {"issueId": str(issue_id), "changeHistories": [call.render.change(each, field_ids) for each in changes]}
            for issue_id, changes in grouped.items()
        ]
    }
    return 200, result | ({"nextPageToken": _token(start + size)} if start + size < len(entries) else {})


@route("POST", "/comment/list", only="cloud")
def comments_by_id(call: Call) -> Answer:
    wanted = call.body().get("ids") or []
    if not 0 < len(wanted) <= 1000:
        raise ApiError(400, "Request between 1 and 1000 comments.")
    rows = []
    for number in wanted if call.person else ():
        owner = call.world.comment_owners.get(int(number))
        if owner is None or call.world.issues[owner].archived:
            continue
        visible = call.render.visible_comments(call.world.issues[owner])
        rows += [
            call.render.comment(owner, comment, expand=call.words("expand"))
            for comment in visible
            if comment.id == int(number)
        ]
    return 200, {"startAt": 0, "maxResults": 1048576, "total": len(rows), "isLast": True, "values": rows}


def _search_cloud(call: Call, body: JsonObject) -> Answer:
    fields = split(body.get("fields")) or ["id"]
    size = int(50 if body.get("maxResults") is None else body["maxResults"])
    size = min(size, 5000 if set(fields) <= _SMALL_FIELDS else 100)
    reconcile = body.get("reconcileIssues") or []
    if len(reconcile) > RECONCILE_LIMIT:
        raise ApiError(400, f"At most {RECONCILE_LIMIT} issues can be reconciled.")
    call.world.index.reconcile(int(number) for number in reconcile)
    text = str(body.get("jql") or "")
    found = _found(call, text, bounded=True)
    start = 0
    if body.get("nextPageToken"):
        about, *position = _untoken(body["nextPageToken"])
        if about != text:
            raise ApiError(400, "The provided next page token is invalid or expired.")
        start = bisect_right(found, (position[0], position[1]))
    taken = found[start : start + size]
    options: dict[str, Any] = {
        "expand": split([body.get("expand") or ""]), "properties": split(body.get("properties")), "searched": True,
    }  # fmt: skip
    result: JsonObject = {"issues": [call.render.issue(_entry(call, each), fields, **options) for each in taken]}
    last = start + len(taken) >= len(found)
    result["isLast"] = last
    return 200, result if last or not taken else result | {"nextPageToken": _token([text, *taken[-1]])}


def _search_server(call: Call, body: JsonObject) -> Answer:
    lenient = str(body.get("validateQuery", True)).lower() == "false"
    found = _found(call, str(body.get("jql") or ""), bounded=False, lenient=lenient)
    size = min(int(50 if body.get("maxResults") is None else body["maxResults"]), 1000)
    taken, about = page(found, int(body.get("startAt") or 0), size)
    fields = split(body.get("fields")) or ["*navigable"]
    expand = split(body.get("expand"))
    issues = [call.render.issue(_entry(call, each), fields, expand=expand, searched=True) for each in taken]
    return 200, {"expand": "schema,names", **about, "issues": issues}


def _found(call: Call, text: str, *, bounded: bool, lenient: bool = False) -> list[Position]:
    """The positions that match in the index as it is now; nothing for nobody."""
    world = call.world
    world.index.refresh(world.now())
    query = jql.parse(text, bounded=bounded)
    if call.person is None:
        return []
    plan = jql.bind(query, world, call.render.zone, lenient=lenient)
    # The pages of one query over an unchanged index share one list: a pull stays linear.
    about = (text, plan.start, plan.end, world.index.revision)
    if world.index.latest[0] != about:
        found = world.index.select(
            start=plan.start, end=plan.end, keep=plan.keep, order=query.order, descending=query.descending
        )
        world.index.latest = (about, found)
    return world.index.latest[1]


def _entry(call: Call, position: Position) -> Issue:
    return call.world.index.entries[abs(position[1])]


def _issues(call: Call, wanted: Sequence[str]) -> tuple[list[Issue], list[JsonObject]]:
    found: dict[int, Issue] = {}
    errors: list[JsonObject] = []
    for name in wanted:
        try:
            if call.person is None:
                raise ApiError(404)
            issue = call.world.find(str(name))
            found[issue.id] = issue
        except ApiError:
            errors.append(
                {"id": str(name), "errorMessage": "Issue does not exist or you do not have permission to see it."}
            )
    return [found[number] for number in sorted(found)], errors


def _token(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _untoken(token: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise ApiError(400, "The provided next page token is invalid or expired.") from error
