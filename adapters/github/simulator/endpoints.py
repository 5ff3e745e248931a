"""The endpoints of the simulated GitHub: one function each, from a `Call` to a status and a body."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from adapters.github.simulator.call import Answer, Call
from adapters.github.simulator.payload import label_names, names_of, text_of
from adapters.github.simulator.state import ISSUES_OFF, ApiError, Comment, Event, Issue, JsonObject, invalid

LOCK_REASONS = ("off-topic", "too heated", "resolved", "spam")

# -- issues ----------------------------------------------------------------------------------------


def list_issues(call: Call) -> Answer:
    """GET /issues"""
    if not call.repository.has_issues:
        raise ApiError(410, ISSUES_OFF, see="/issues/issues#list-repository-issues")
    sort = call.choice("sort", "created", "updated", "comments")
    descending = call.choice("direction", "desc", "asc") == "desc"
    state = call.choice("state", "open", "closed", "all")
    since = call.since()
    if sort == "created" and since is None:
        rows: list[Issue] = list(call.repository.issues.values())
    else:
        rows = call.repository.updated_since("issues", since)
    if sort == "created" and since is not None:
        rows = sorted(rows, key=lambda issue: issue.number)
    if sort == "comments":
        rows = sorted(rows, key=lambda issue: len(issue.comments))
    if state != "all":
        rows = [issue for issue in rows if issue.state == state]
    return call.page(_filtered(call, rows), call.render.issue, newest_first=descending)


def _filtered(call: Call, rows: list[Issue]) -> list[Issue]:
    args = call.request.args
    if labels := args.get("labels"):
        wanted = {name.strip().lower() for name in labels.split(",")}
        rows = [issue for issue in rows if wanted <= {label.name.lower() for label in issue.labels}]
    tests: dict[str, Callable[[Issue], Iterable[str]]] = {
        "assignee": lambda issue: (user.login.lower() for user in issue.assignees),
        "creator": lambda issue: [issue.user.login.lower()] if issue.user else [],
        "milestone": lambda issue: [str(issue.milestone.number)] if issue.milestone else [],
        "type": lambda issue: [issue.type.name.lower()] if issue.type else [],
    }
    for name, values in tests.items():
        asked = args.get(name)
        if asked == "*":
            rows = [issue for issue in rows if any(True for _ in values(issue))]
        elif asked == "none":
            rows = [issue for issue in rows if not any(True for _ in values(issue))]
        elif asked:
            rows = [issue for issue in rows if asked.lower() in values(issue)]
    return rows


def create_issue(call: Call) -> Answer:
    """POST /issues"""
    issue = call.world.create_issue(call.repository, call.by, call.payload())
    rendered = call.render.issue(call.repository, issue)
    call.headers["Location"] = rendered["url"]
    return 201, rendered


def get_issue(call: Call, number: int) -> Answer:
    """GET /issues/{n}"""
    return 200, call.render.issue(call.repository, call.issue(number))


def edit_issue(call: Call, number: int) -> Answer:
    """PATCH /issues/{n}"""
    issue = call.world.edit_issue(call.issue(number), call.by, call.payload())
    return 200, call.render.issue(call.repository, issue)


def lock_issue(call: Call, number: int) -> Answer:
    """PUT and DELETE /issues/{n}/lock"""
    call.need_push()
    issue, locking = call.issue(number), call.request.method == "PUT"
    reason = text_of(call.payload(), "lock_reason") if locking else None
    if reason not in (None, *LOCK_REASONS):
        raise invalid("Issue", "lock_reason", value=reason)
    call.world.set_lock(issue, call.by, locked=locking, reason=reason)
    return 204, None


def change_assignees(call: Call, number: int) -> Answer:
    """POST and DELETE /issues/{n}/assignees; who may not be assigned is left out in silence"""
    issue, adding = call.issue(number), call.request.method == "POST"
    named = call.world.assignable(names_of(call.payload(), "assignees", "login"))
    users = [user for user in issue.assignees if adding or user not in named]
    users += [user for user in named if adding and user not in users]
    if call.by.user.push and call.world.set_assignees(issue, call.by, users[:10]):
        call.world.touch(issue, call.by.at)
    return 201 if adding else 200, call.render.issue(call.repository, issue)


def issue_labels(call: Call, number: int) -> Answer:
    """GET, POST (add), PUT (replace) and DELETE (all) /issues/{n}/labels"""
    issue, method = call.issue(number), call.request.method
    if method != "GET":
        call.need_push()
        sent = names_of(call.body(), "labels") if method != "DELETE" else []
        kept = [label.name for label in issue.labels] if method == "POST" else []
        if call.world.set_labels(issue, call.by, label_names(kept + sent)):
            call.world.touch(issue, call.by.at)
        if method == "DELETE":
            return 204, None
    return 200, [call.render.label(call.repository, label) for label in issue.labels]


def remove_label(call: Call, number: int, name: str) -> Answer:
    """DELETE /issues/{n}/labels/{name}"""
    call.need_push()
    issue = call.issue(number)
    kept = [label.name for label in issue.labels if label.name.lower() != name.lower()]
    if len(kept) == len(issue.labels):
        raise ApiError(404, "Label does not exist", see="/issues/labels#remove-a-label-from-an-issue")
    call.world.set_labels(issue, call.by, kept)
    call.world.touch(issue, call.by.at)
    return 200, [call.render.label(call.repository, label) for label in issue.labels]


def issue_events(call: Call, number: int) -> Answer:
    """GET /issues/{n}/events"""
    return call.page(call.issue(number).events, call.render.event)


def timeline(call: Call, number: int) -> Answer:
    """GET /issues/{n}/timeline"""
    entries = call.render.timeline(call.repository, call.issue(number))
    return call.page(entries, lambda _, entry: entry)


def repository_events(call: Call) -> Answer:
    """GET /issues/events, newest first, each with its issue"""
    return call.page(call.repository.events, lambda _, event: _event_of(call, event), newest_first=True)


def one_event(call: Call, event_id: int) -> Answer:
    """GET /issues/events/{id}"""
    found = next((event for event in call.repository.events if event.id == event_id), None)
    if found is None:
        raise ApiError(404, "Not Found", see="/issues/events#get-an-issue-event")
    return 200, _event_of(call, found)


def _event_of(call: Call, event: Event) -> JsonObject:
    issue = call.render.issue(call.repository, call.repository.issues[event.number])
    return {**call.render.event(call.repository, event), "issue": issue}


# -- comments --------------------------------------------------------------------------------------


def list_comments(call: Call) -> Answer:
    """GET /issues/comments, those of pull requests too; `direction` counts only beside `sort`"""
    sort, descending = call.choice("sort", "created", "updated"), call.choice("direction", "asc", "desc") == "desc"
    rows: list[Comment] = call.repository.updated_since("comments", call.since())
    if sort == "created":
        rows = sorted(rows, key=lambda comment: comment.id)
    return call.page(rows, call.render.comment, newest_first=descending and "sort" in call.request.args)


def issue_comments(call: Call, number: int) -> Answer:
    """GET and POST /issues/{n}/comments"""
    issue = call.issue(number)
    if call.request.method == "POST":
        comment = call.world.add_comment(issue, call.by, text_of(call.payload(), "body"))
        rendered = call.render.comment(call.repository, comment)
        call.headers["Location"] = rendered["url"]
        return 201, rendered
    since = call.since()
    rows = [comment for comment in issue.comments.values() if since is None or comment.updated_at >= since]
    return call.page(rows, call.render.comment)


def one_comment(call: Call, comment_id: int) -> Answer:
    """GET, PATCH and DELETE /issues/comments/{id}"""
    comment = call.comment(comment_id)
    if call.request.method == "DELETE":
        call.world.delete_comment(call.repository, comment, call.by)
        return 204, None
    if call.request.method == "PATCH":
        call.world.edit_comment(call.repository, comment, call.by, text_of(call.payload(), "body"))
    return 200, call.render.comment(call.repository, comment)


# -- the repository --------------------------------------------------------------------------------


def get_repository(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}"""
    return 200, call.render.repository(call.repository, call.by.user)


def repository_labels(call: Call) -> Answer:
    """GET and POST /labels"""
    if call.request.method == "GET":
        return call.page(list(call.repository.labels.values()), call.render.label)
    call.need_push()
    payload = call.payload()
    name = label_names([text_of(payload, "name") or ""])[0]
    if name.lower() in call.repository.labels:
        raise invalid("Label", "name", "already_exists")
    color = _color(payload)
    label = call.world.label(call.repository, name)
    label.color, label.description = color or label.color, text_of(payload, "description")
    rendered = call.render.label(call.repository, label)
    call.headers["Location"] = rendered["url"]
    return 201, rendered


def one_label(call: Call, name: str) -> Answer:
    """GET, PATCH and DELETE /labels/{name}; issues follow without a move of their `updated_at`"""
    label, labels = call.label(name), call.repository.labels
    if call.request.method == "GET":
        return 200, call.render.label(call.repository, label)
    call.need_push()
    del labels[label.name.lower()]
    if call.request.method == "DELETE":
        for issue in call.repository.issues.values():
            if label in issue.labels:
                issue.labels.remove(label)
        return 204, None
    payload = call.payload()
    new = text_of(payload, "new_name") or text_of(payload, "name") or label.name
    try:
        if new.lower() in labels:
            raise invalid("Label", "name", "already_exists")
        label.name, label.color = label_names([new])[0], _color(payload) or label.color
    finally:
        labels[label.name.lower()] = label
    if "description" in payload:
        label.description = text_of(payload, "description")
    return 200, call.render.label(call.repository, label)


def _color(payload: JsonObject) -> str | None:
    color = text_of(payload, "color")
    if color is not None and not (len(color) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in color)):
        raise invalid("Label", "color")
    return color


def list_assignees(call: Call) -> Answer:
    """GET /assignees"""
    rows = [user for user in call.world.users.values() if user.assignable and user.reads]
    return call.page(rows, lambda _, user: call.render.user(user))


def check_assignee(call: Call, login: str) -> Answer:
    """GET /assignees/{login}"""
    if not call.world.assignable([login]):
        raise ApiError(404, "Not Found", see="/issues/assignees#check-if-a-user-can-be-assigned")
    return 204, None
