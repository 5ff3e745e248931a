"""Routes of the reporting feeds, with and without a project."""

from __future__ import annotations

from adapters.azure_devops.simulator.call import Answer, Call, Handler
from adapters.azure_devops.simulator.reporting import MAX_PAGE, Filter

_PAGE = 200


def feeds() -> dict[tuple[str, str], Handler]:
    """Routes of revisions, discussions and links."""
    found: dict[tuple[str, str], Handler] = {}
    for scope in ("", "/<project>"):
        reporting = f"{scope}/_apis/wit/reporting"
        found |= {
            ("GET", f"{reporting}/workitemrevisions"): _reporting_get,
            ("POST", f"{reporting}/workitemrevisions"): _reporting_post,
            ("GET", f"{reporting}/workitemrevisions/discussions"): _discussions,
            ("GET", f"{reporting}/workitemlinks"): _reporting_links,
        }
    return found


def _reporting_get(call: Call) -> Answer:
    chosen = Filter(
        fields=call.words("fields"),
        types=call.words("types"),
        latest_only=call.flag("includeLatestOnly"),
        include_deleted=call.flag("includeDeleted"),
        identity_refs=call.flag("includeIdentityRef"),
        long_text=call.query.get("$expand", "").lower() == "fields",
        discussions_only=call.flag("includeDiscussionChangesOnly"),
        project=call.project_name,
    )
    return _feed(call, chosen, "workItemRevisions")


def _reporting_post(call: Call) -> Answer:
    body = call.body() or {}
    chosen = Filter(
        fields=body.get("fields"),
        types=body.get("types"),
        latest_only=bool(body.get("includeLatestOnly")),
        include_deleted=bool(body.get("includeDeleted")),
        identity_refs=bool(body.get("includeIdentityRef")),
        long_text=call.query.get("$expand", "").lower() == "fields",
        project=call.project_name,
    )
    return _feed(call, chosen, "workItemRevisions")


def _discussions(call: Call) -> Answer:
    names = ("System.Id", "System.Rev", "System.ChangedDate", "System.ChangedBy", "System.CommentCount")
    chosen = Filter(fields=names, discussions_only=True, project=call.project_name)
    return _feed(call, chosen, "workItemRevisions/discussions")


def _feed(call: Call, chosen: Filter, path: str) -> Answer:
    log = call.organisation.log
    start = call.reporting.start(call.query.get("continuationtoken"), call.query.get("startdatetime"), log)
    size = min(call.number("$maxPageSize", _PAGE) or _PAGE, MAX_PAGE)
    return call.reporting.revisions(start, size, chosen, path)


def _reporting_links(call: Call) -> Answer:
    log = call.organisation.link_log
    start = call.reporting.start(call.query.get("continuationtoken"), call.query.get("startdatetime"), log)
    return call.reporting.links(start, MAX_PAGE, call.words("linkTypes"), "workItemLinks")
