"""Routes of work items: queries, batches, single items, history, comments, the recycle bin and the feeds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

from adapters.azure_devops.simulator import comments
from adapters.azure_devops.simulator.call import Answer, Call, Handler, collection
from adapters.azure_devops.simulator.errors import ApiError, JsonObject, bad_argument
from adapters.azure_devops.simulator.routes import work_item_type
from adapters.azure_devops.simulator.state import Item, Revision
from adapters.azure_devops.simulator.wiql import Parser, run

BATCH_LIMIT, COMMENT_PAGE = 200, 200
_PATCH_TYPE = "application/json-patch+json"


def tickets() -> dict[tuple[str, str], Handler]:
    """Routes of everything about work items; most exist with and without a project."""
    routes: dict[tuple[str, str], Handler] = {
        ("POST", "/<project>/<team>/_apis/wit/wiql"): _wiql,
        ("POST", "/<project>/_apis/wit/workitems/$<kind>"): _create,
    }
    comments_path = "/<project>/_apis/wit/workitems/<int:number>/comments"
    routes |= {
        ("GET", comments_path): _comments,
        ("POST", comments_path): _add_comment,
        ("GET", f"{comments_path}/<int:comment>"): _comment,
        ("PATCH", f"{comments_path}/<int:comment>"): _edit_comment,
        ("DELETE", f"{comments_path}/<int:comment>"): _delete_comment,
    }
    for scope in ("", "/<project>"):
        wit = f"{scope}/_apis/wit"
        item = f"{wit}/workitems/<int:number>"
        routes |= {
            ("POST", f"{wit}/wiql"): _wiql,
            ("POST", f"{wit}/workitemsbatch"): _batch,
            ("GET", f"{wit}/workitems"): _list,
            ("GET", item): _get,
            ("PATCH", item): _update,
            ("DELETE", item): _delete,
            ("GET", f"{item}/updates"): _updates,
            ("GET", f"{item}/updates/<int:update>"): _update_entry,
            ("GET", f"{item}/revisions"): _revisions,
            ("GET", f"{item}/revisions/<int:rev>"): _revision,
            ("GET", f"{wit}/recyclebin"): _bin,
            ("GET", f"{wit}/recyclebin/<int:number>"): _binned,
            ("PATCH", f"{wit}/recyclebin/<int:number>"): _restore,
            ("DELETE", f"{wit}/recyclebin/<int:number>"): _destroy,
        }
    return routes


# -- queries and reading -------------------------------------------------------------------------


def _wiql(call: Call, **_: str) -> Answer:
    body = call.body()
    text = body.get("query") if isinstance(body, dict) else None
    if not isinstance(text, str):
        raise bad_argument("The query must be given.")
    project = call.project_name
    precise = call.flag("timePrecision")
    query = Parser(text, call.organisation, project=project, me=call.user, time_precision=precise).parse()
    found = run(call.organisation, query)[: call.number("$top", call.wiql_limit + 1)]
    if len(found) > call.wiql_limit:
        message = (
            f"VS402337: The number of work items returned exceeds the size limit of {call.wiql_limit}. "
            "Change the query to return fewer items."
        )
        raise ApiError(400, "WorkItemTrackingQueryResultSizeLimitExceededException", message)
    root = f"{call.render.root}/_apis/wit/workItems"
    answer: JsonObject = {
        "queryType": "flat",
        "queryResultType": "workItem",
        "asOf": call.render.value(call.organisation.now()),
        "columns": [call.render.field_reference(field) for field in query.columns],
        "workItems": [{"id": item.id, "url": f"{root}/{item.id}"} for item in found],
    }
    if query.order:
        answer["sortColumns"] = [
            {"field": call.render.field_reference(field), "descending": descending} for field, descending in query.order
        ]
    return answer


def _several(call: Call, numbers: Iterable[Any], options: JsonObject) -> Answer:
    wanted = list(numbers)
    if len(wanted) > BATCH_LIMIT:
        message = f"VS403474: You requested {len(wanted)} work items which exceeds the limit of {BATCH_LIMIT}"
        raise ApiError(400, "WorkItemPageSizeExceededException", message)
    expand, fields = str(options.get("$expand") or "none").lower(), options.get("fields")
    if fields and expand != "none":
        message = "The expand parameter can not be used with the fields parameter."
        raise bad_argument(message, "ConflictingParametersException")
    values: list[JsonObject | None] = []
    omit = str(options.get("errorPolicy") or "fail").lower() == "omit"
    for number in wanted:
        try:
            item = call.organisation.item(int(number))
            revision = _as_of(item, options.get("asOf"))
        except ApiError:
            if not omit:
                raise
            values.append(None)
            continue
        values.append(
            call.render.work_item(item, expand=expand, fields=fields or None, revision=revision, linked=False)
        )
    return collection(values)


def _as_of(item: Item, moment: Any) -> Revision | None:
    if not moment:
        return None
    parsed = datetime.fromisoformat(str(moment))
    limit = parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    past = [revision for revision in item.revisions if revision.when <= limit]
    if not past:
        message = f"VS403475: Work item {item.id} does not exist as of {moment}."
        raise ApiError(404, "WorkItemUnauthorizedAccessException", message)
    return past[-1]


def _batch(call: Call) -> Answer:
    body = call.body()
    if not isinstance(body, dict) or not isinstance(body.get("ids"), list):
        raise bad_argument("The ids must be given.")
    return _several(call, body["ids"], body)


def _list(call: Call) -> Answer:
    numbers = call.words("ids")
    if not numbers or not all(number.isdigit() for number in numbers):
        raise bad_argument("The ids must be given.")
    options = {
        "$expand": call.query.get("$expand"),
        "fields": call.words("fields"),
        "errorPolicy": call.query.get("errorpolicy"),
        "asOf": call.query.get("asof"),
    }
    return _several(call, numbers, options)


def _get(call: Call, number: int) -> Answer:
    item = call.organisation.item(number)
    expand, fields = call.query.get("$expand", "none").lower(), call.words("fields")
    if fields and expand != "none":
        message = "The expand parameter can not be used with the fields parameter."
        raise bad_argument(message, "ConflictingParametersException")
    revision = _as_of(item, call.query.get("asof"))
    return call.render.work_item(item, expand=expand, fields=fields, revision=revision)


# -- writing -------------------------------------------------------------------------------------


def _operations(call: Call) -> Any:
    if call.request.mimetype != _PATCH_TYPE:
        message = (
            f'The request indicated a Content-Type of "{call.request.mimetype}" for method type '
            f'"{call.request.method}" which is not supported. Valid content types for this method are: {_PATCH_TYPE}.'
        )
        raise ApiError(415, "VssRequestContentTypeNotSupportedException", message)
    if call.flag("bypassRules"):
        message = "TF237124: You do not have permission to bypass the rules of work items."
        raise ApiError(403, "AccessDeniedException", message)
    return call.body()


def _create(call: Call, kind: str) -> Answer:
    found, operations, keep = work_item_type(call, kind), _operations(call), not call.flag("validateOnly")
    if found.name in call.organisation.rules.disabled_types:
        message = f"VS403074: The work item type '{found.name}' is disabled in the project '{call.home.name}'."
        raise ApiError(500, "WorkItemTypeDisabledException", message)
    item = call.editor.create(found, operations, call.user, project=call.home.name, keep=keep)
    if not keep:
        fields = {key: call.render.value(value) for key, value in item.fields.items()}
        return {"id": item.id, "rev": item.id, "fields": fields, "url": call.render.root}
    return call.render.work_item(item, expand=call.query.get("$expand", "none").lower(), relations=True)


def _update(call: Call, number: int) -> Answer:
    item = call.organisation.item(number)
    limit = call.organisation.rules.revision_limit
    if item.rev >= limit:
        message = (
            f"Work item {number} has {item.rev} revisions, but currently, when updating via the API, only work items "
            f"with up to {limit:,} revisions are supported."
        )
        raise ApiError(500, "WorkItemRevisionLimitException", message)
    call.editor.update(item, _operations(call), call.user, keep=not call.flag("validateOnly"))
    return call.render.work_item(item, expand=call.query.get("$expand", "none").lower(), relations=True)


def _delete(call: Call, number: int) -> Answer:
    item = call.organisation.item(number)
    if call.flag("destroy"):
        comments.destroy(call.organisation, item)
        return Response(status=204)
    comments.recycle(call.organisation, item, call.user)
    return call.render.deleted(item)


# -- history -------------------------------------------------------------------------------------


def _page(call: Call, total: int) -> range:
    skip, top = call.number("$skip", 0), min(call.number("$top", BATCH_LIMIT), BATCH_LIMIT)
    return range(total)[skip : skip + top]


def _updates(call: Call, number: int) -> Answer:
    item = call.organisation.item(number)
    return collection([call.render.update(item, index) for index in _page(call, len(item.updates))])


def _update_entry(call: Call, number: int, update: int) -> Answer:
    item = call.organisation.item(number)
    if not 0 < update <= len(item.updates):
        raise ApiError(404, "WorkItemUpdateNotFoundException", f"Work item {number} has no update {update}.")
    return call.render.update(item, update - 1)


def _revisions(call: Call, number: int) -> Answer:
    item = call.organisation.item(number)
    expand = call.query.get("$expand", "none").lower()
    shown = [item.revisions[index] for index in _page(call, item.rev)]
    return collection([call.render.work_item(item, expand=expand, revision=at, linked=False) for at in shown])


def _revision(call: Call, number: int, rev: int) -> Answer:
    item = call.organisation.item(number)
    if not 0 < rev <= item.rev:
        raise ApiError(404, "WorkItemRevisionNotFoundException", f"Work item {number} has no revision {rev}.")
    expand = call.query.get("$expand", "none").lower()
    return call.render.work_item(item, expand=expand, revision=item.revisions[rev - 1])


# -- comments ------------------------------------------------------------------------------------


def _comments(call: Call, number: int) -> Answer:
    item = call.organisation.item(number)
    deleted = call.flag("includeDeleted")
    rendered = "renderedtext" in call.query.get("$expand", "").lower() or call.query.get("$expand", "") == "all"
    known = [comment for comment in item.comments.values() if deleted or not comment.deleted]
    total = len(known)
    if ids := call.words("ids"):
        known = [comment for comment in known if str(comment.id) in ids]
    elif call.query.get("order", "desc").lower() != "asc":
        known.reverse()
    start = call.number("continuationToken", 0)
    top = min(call.number("$top", COMMENT_PAGE), COMMENT_PAGE)
    page = known[start : start + top]
    url = f"{call.render.scope}/_apis/wit/workItems/{number}/comments"
    answer: JsonObject = {
        "totalCount": total,
        "count": len(page),
        "comments": [call.render.comment(item, comment, rendered=rendered) for comment in page],
        "url": url,
    }
    if start + top < len(known):
        answer["continuationToken"] = str(start + top)
        answer["nextPage"] = f"{url}?continuationToken={start + top}"
    return answer


def _add_comment(call: Call, number: int) -> Answer:
    item, body = call.organisation.item(number), call.body() or {}
    kind = call.query.get("format", "html").lower()
    if kind not in ("html", "markdown"):
        raise bad_argument(f"The format '{kind}' is not valid.")
    comment = comments.add(call.organisation, item, call.user, body.get("text"), kind)
    return call.render.comment(item, comment)


def _comment(call: Call, number: int, comment: int) -> Answer:
    item = call.organisation.item(number)
    return call.render.comment(item, comments.find(item, comment, deleted=call.flag("includeDeleted")))


def _edit_comment(call: Call, number: int, comment: int) -> Answer:
    item, body = call.organisation.item(number), call.body() or {}
    found = comments.find(item, comment)
    comments.edit(call.organisation, item, found, call.user, body.get("text"))
    return call.render.comment(item, found)


def _delete_comment(call: Call, number: int, comment: int) -> Answer:
    item = call.organisation.item(number)
    found = comments.find(item, comment)
    comments.delete(call.organisation, item, found, call.user)
    return call.render.comment(item, found)


# -- the recycle bin -----------------------------------------------------------------------------


def _bin(call: Call) -> Answer:
    gone = [item for item in call.organisation.items.values() if item.deleted is not None]
    if ids := call.words("ids"):
        values = [
            call.render.deleted_reference(item, *item.deleted) for item in gone if item.deleted and str(item.id) in ids
        ]
        return collection(values)
    root = f"{call.render.scope}/_apis/wit/recyclebin"
    return collection([{"id": item.id, "url": f"{root}/{item.id}"} for item in gone])


def _binned(call: Call, number: int) -> Answer:
    return call.render.deleted(call.organisation.item(number, deleted=True))


def _restore(call: Call, number: int) -> Answer:
    item = call.organisation.item(number, deleted=True)
    body = call.body()
    if not isinstance(body, dict) or body.get("isDeleted") is not False:
        raise bad_argument("The payload must say that the work item is not deleted.")
    answer = call.render.deleted(item)
    comments.restore(call.organisation, item, call.user)
    answer["resource"] = call.render.work_item(item)
    return answer


def _destroy(call: Call, number: int) -> Answer:
    comments.destroy(call.organisation, call.organisation.item(number, deleted=True))
    return Response(status=204)


def as_response(answer: Answer, version: str) -> Response:
    """An answer as the service sends JSON."""
    kind = f"application/json; charset=utf-8; api-version={version}"
    if isinstance(answer, Response):
        if answer.mimetype != "application/octet-stream" and answer.status_code != 204:
            answer.headers["Content-Type"] = kind
        return answer
    return Response(json.dumps(answer), content_type=kind)
