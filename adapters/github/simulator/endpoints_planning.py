"""The endpoints of what is planned around an issue: sub-issues, dependencies, milestones, issue fields and types."""

from __future__ import annotations

from adapters.github.simulator import milestones, relations
from adapters.github.simulator.call import Answer, Call
from adapters.github.simulator.fields import parse_values
from adapters.github.simulator.state import ApiError, Issue, Milestone

SUB_ISSUES = "/issues/sub-issues"
DEPENDENCIES = "/issues/issue-dependencies"
FIELD_VALUES = "/issues/issue-field-values"
MILESTONES = "/issues/milestones"


def _linked(call: Call, issues: list[Issue]) -> Answer:
    return call.page(issues, lambda _, issue: call.render.linked_issue(issue, call.by.user))


def _changed(call: Call, status: int, issue: Issue) -> Answer:
    rendered = call.render.linked_issue(issue, call.by.user)
    call.headers["Location"] = rendered["url"]
    return status, rendered


# -- sub-issues ------------------------------------------------------------------------------------


def list_sub_issues(call: Call, number: int) -> Answer:
    """GET /issues/{n}/sub_issues"""
    return _linked(call, call.issue(number).children)


def change_sub_issues(call: Call, number: int) -> Answer:
    """POST /issues/{n}/sub_issues and DELETE /issues/{n}/sub_issue, by database id"""
    call.need_push()
    parent, payload = call.issue(number), call.payload()
    child = call.named_issue(payload, "sub_issue_id", SUB_ISSUES)
    if call.request.method == "POST":
        relations.add_child(call.world, parent, call.by, child, replace=bool(payload.get("replace_parent")))
        return _changed(call, 201, parent)
    relations.remove_child(call.world, parent, call.by, child)
    return _changed(call, 200, parent)


def get_parent(call: Call, number: int) -> Answer:
    """GET /issues/{n}/parent"""
    parent = call.issue(number).parent
    if parent is None:
        raise ApiError(404, "Not Found", see=f"{SUB_ISSUES}#get-parent-issue")
    return 200, call.render.linked_issue(parent, call.by.user)


# -- dependencies ----------------------------------------------------------------------------------


def blocked_by(call: Call, number: int) -> Answer:
    """GET and POST /issues/{n}/dependencies/blocked_by"""
    issue = call.issue(number)
    if call.request.method == "GET":
        return _linked(call, issue.blocked_by)
    call.need_push()
    relations.block(call.world, issue, call.by, call.named_issue(call.payload(), "issue_id", DEPENDENCIES))
    return _changed(call, 201, issue)


def remove_blocked_by(call: Call, number: int, issue_id: int) -> Answer:
    """DELETE /issues/{n}/dependencies/blocked_by/{issue_id}: 200 too where there is no such dependency"""
    call.need_push()
    issue = call.issue(number)
    relations.unblock(call.world, issue, call.by, call.named_issue({"issue_id": issue_id}, "issue_id", DEPENDENCIES))
    return 200, call.render.linked_issue(issue, call.by.user)


def blocking(call: Call, number: int) -> Answer:
    """GET /issues/{n}/dependencies/blocking"""
    return _linked(call, call.issue(number).blocking)


# -- milestones ------------------------------------------------------------------------------------


def repository_milestones(call: Call) -> Answer:
    """GET and POST /milestones; an unknown `sort` is taken for the default (as recorded)"""
    if call.request.method == "POST":
        _need_push_or_hide(call)
        made = milestones.create(call.repository, call.by, call.payload(), next(call.world.ids), call.world.due)
        rendered = call.render.milestone(call.repository, made) or {}
        call.headers["Location"] = rendered["url"]
        return 201, rendered
    state = call.choice("state", "open", "closed", "all")
    rows = [milestone for milestone in call.repository.milestones.values() if state in ("all", milestone.state)]
    by = _completeness if call.request.args.get("sort") == "completeness" else _due
    rows.sort(key=by, reverse=call.choice("direction", "asc", "desc") == "desc")
    return call.page(rows, call.render.milestone)


def _due(milestone: Milestone) -> tuple[bool, str]:
    return milestone.due_on is None, str(milestone.due_on)


def _completeness(milestone: Milestone) -> tuple[bool, str]:
    total = sum(milestone.counts.values())
    return False, f"{milestone.counts['closed'] / total if total else 0:.6f}"


def one_milestone(call: Call, number: int) -> Answer:
    """GET, PATCH and DELETE /milestones/{number}"""
    milestone, method = call.milestone(number), call.request.method
    if method != "GET":
        _need_push_or_hide(call)
    if method == "DELETE":
        milestones.delete(call.repository, milestone)
        return 204, None
    if method == "PATCH":
        milestones.edit(call.repository, milestone, call.by, call.payload(), call.world.due)
    return 200, call.render.milestone(call.repository, milestone)


def milestone_labels(call: Call, number: int) -> Answer:
    """GET /milestones/{number}/labels"""
    milestone = call.milestone(number)
    issues = [issue for issue in call.repository.issues.values() if issue.milestone is milestone]
    labels = {label.id: label for issue in issues for label in issue.labels}
    return call.page(list(labels.values()), call.render.label)


def _need_push_or_hide(call: Call) -> None:
    """The description of these endpoints knows no 403."""
    if not call.by.user.push:
        raise ApiError(404, "Not Found", see=MILESTONES)


# -- types and fields of the organization ----------------------------------------------------------


def list_types(call: Call) -> Answer:
    """GET /issue-types: organizations only"""
    if not call.repository.types:
        raise ApiError(404, "Not Found", see="/repos/issue-types")
    return 200, [call.render.type(kind) for kind in call.repository.types.values()]


def list_field_values(call: Call, number: int) -> Answer:
    """GET /issues/{n}/issue-field-values; an Enterprise Server answers it too"""
    return call.page(call.render.field_values(call.repository, call.issue(number)), lambda _, row: row)


def change_field_values(call: Call, number: int) -> Answer:
    """POST (add; an empty array clears all) and PUT (replace) /issues/{n}/issue-field-values"""
    call.need_push()
    issue, payload = call.issue(number), call.payload()
    _need_fields(call)
    values = parse_values(call.repository.fields, payload)
    if call.request.method == "POST" and values:
        values = issue.field_values | values
    if call.world.set_fields(issue, values):
        call.world.touch(issue, call.by.at)
    return 200, call.render.field_values(call.repository, issue)


def delete_field_value(call: Call, number: int, field_id: int) -> Answer:
    """DELETE /issues/{n}/issue-field-values/{field}; 404 where it has no value"""
    call.need_push()
    issue = call.issue(number)
    _need_fields(call)
    if field_id not in issue.field_values:
        raise ApiError(404, "Not Found", see=FIELD_VALUES)
    kept = {key: value for key, value in issue.field_values.items() if key != field_id}
    if call.world.set_fields(issue, kept):
        call.world.touch(issue, call.by.at)
    return 204, None


def _need_fields(call: Call) -> None:
    if not call.repository.fields:
        raise ApiError(404, "Not Found", see=FIELD_VALUES)
