"""What people leave on an issue beside comments: time spent and watching; and archiving."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.jira.simulator import durations
from adapters.jira.simulator.catalogue import Person
from adapters.jira.simulator.errors import ApiError, FieldError
from adapters.jira.simulator.fields_custom import iso_time
from adapters.jira.simulator.hung import keep_time, log_time
from adapters.jira.simulator.model import Issue, Worklog
from adapters.jira.simulator.routing import Answer, Call, JsonObject, page, route

_ARCHIVED_AT_ONCE = 1000


# -- time spent ----------------------------------------------------------------------------------


@route("GET", "/issue/<key>/worklog")
def worklogs(call: Call, key: str) -> Answer:
    issue = _timed(call, key)
    found = call.render.visible_worklogs(issue)
    taken, about = page(found, call.number("startAt", 0), call.number("maxResults", 5000, 5000))
    return 200, about | {"worklogs": [call.render.worklog(issue.id, each) for each in taken]}


@route("POST", "/issue/<key>/worklog")
def log_work(call: Call, key: str) -> Answer:
    who, issue, body = call.who, _timed(call, key, refused=400), call.body()
    call.allow("WORK_ON_ISSUES", status=400 if call.world.catalogue.cloud else 403)
    seconds = _span(body)
    if seconds is None:
        raise ApiError(400, timeLogged="You must indicate the time spent working.")
    values = _described(call, body)
    remaining = _remaining(call, issue, -seconds, ("reduceBy", -1))
    entry = log_time(call.world, who, issue, seconds, remaining=remaining, **values)
    return 201, call.render.worklog(issue.id, entry)


@route("GET", "/issue/<key>/worklog/<worklog_id>")
def read_worklog(call: Call, key: str, worklog_id: str) -> Answer:
    issue = _timed(call, key)
    return 200, call.render.worklog(issue.id, _worklog(call, issue, worklog_id))


@route("PUT", "/issue/<key>/worklog/<worklog_id>")
def change_worklog(call: Call, key: str, worklog_id: str) -> Answer:
    who, issue, body = call.who, _timed(call, key, refused=400), call.body()
    entry = _worklog(call, issue, worklog_id)
    call.allow("EDIT_OWN_WORKLOGS" if entry.author == who else "EDIT_ALL_WORKLOGS")
    seconds = _span(body)
    values: dict[str, Any] = _described(call, body) | ({} if seconds is None else {"seconds": seconds})
    after = replace(entry, **values, update_author=who, updated=call.world.now())
    more = after.seconds - entry.seconds
    entries = [after if each.id == entry.id else each for each in issue.worklogs]
    keep_time(call.world, who, issue, entries, more, _remaining(call, issue, -more, ("reduceBy", -1)), touched=entry)
    return 200, call.render.worklog(issue.id, after)


@route("DELETE", "/issue/<key>/worklog/<worklog_id>")
def delete_worklog(call: Call, key: str, worklog_id: str) -> Answer:
    who, issue = call.who, _timed(call, key, refused=400)
    entry = _worklog(call, issue, worklog_id)
    call.allow("DELETE_OWN_WORKLOGS" if entry.author == who else "DELETE_ALL_WORKLOGS")
    entries = [each for each in issue.worklogs if each.id != entry.id]
    remaining = _remaining(call, issue, entry.seconds, ("increaseBy", 1))
    keep_time(call.world, who, issue, entries, -entry.seconds, remaining, touched=entry)
    return 204, None


# -- watching ------------------------------------------------------------------------------------


@route("GET", "/issue/<key>/watchers")
def watchers(call: Call, key: str) -> Answer:
    """Whoever may not see the list sees at most themselves in it."""
    issue = call.issue(key)
    me = call.person.name if call.person else ""
    shown = [name for name in issue.watchers if name == me or not call.lacks("VIEW_VOTERS_AND_WATCHERS")]
    return 200, call.render.watches(issue) | {"watchers": [call.render.user(name) for name in shown]}


@route("POST", "/issue/<key>/watchers")
def watch(call: Call, key: str) -> Answer:
    """The body is a bare JSON string; an empty body is the caller. Nothing of it shows in `updated`."""
    who, issue = call.who, call.issue(key)
    named = call.json() if call.request.get_data() else call.request.args.get("userName")
    name = _watcher(call, named).name if named is not None else who
    _may_watch(call, name)
    if name not in issue.watchers:
        call.world.write_quietly(issue, watchers=(*issue.watchers, name))
    return 204, None


@route("DELETE", "/issue/<key>/watchers")
def unwatch(call: Call, key: str) -> Answer:
    _, issue, args = call.who, call.issue(key), call.request.args
    named = args.get("accountId") if call.world.catalogue.cloud else args.get("username") or args.get("userName")
    if not named:
        raise ApiError(400, "No user was named.")
    name = _watcher(call, named).name
    _may_watch(call, name)
    call.world.write_quietly(issue, watchers=tuple(each for each in issue.watchers if each != name))
    return 204, None


# -- archiving -----------------------------------------------------------------------------------


@route("PUT", "/issue/archive", only="cloud")
def archive(call: Call) -> Answer:
    return _archived(call, True)


@route("PUT", "/issue/unarchive", only="cloud")
def unarchive(call: Call) -> Answer:
    return _archived(call, False)


@route("PUT", "/issue/<key>/archive", only="server")
def archive_one(call: Call, key: str) -> Answer:
    _, issue = call.who, call.issue(key)
    call.allow("ADMINISTER")
    call.world.archive(issue, True)
    return 204, None


@route("PUT", "/issue/<key>/restore", only="server")
def restore_one(call: Call, key: str) -> Answer:
    _, issue = call.who, call.world.issues.get(call.world.keys.get(key.upper(), 0))
    call.allow("ADMINISTER")
    if issue is None or not issue.archived:
        raise ApiError(404 if issue is None else 403, f"The issue '{key}' is not archived.")
    call.world.archive(issue, False)
    return 204, None


# -- within --------------------------------------------------------------------------------------


def _timed(call: Call, key: str, *, refused: int = 404) -> Issue:
    issue = call.issue(key)
    if not call.site.time_tracking:
        raise ApiError(refused, "Time tracking is not enabled.")
    return issue


def _worklog(call: Call, issue: Issue, worklog_id: str) -> Worklog:
    for entry in call.render.visible_worklogs(issue):
        if str(entry.id) == worklog_id:
            return entry
    raise ApiError(404, f"Cannot find worklog with id: '{worklog_id}'.")


def _span(body: JsonObject) -> int | None:
    """The time spent that was sent, at least a minute."""
    if body.get("timeSpent") is None and body.get("timeSpentSeconds") is None:
        return None
    told = body.get("timeSpent")
    number = body.get("timeSpentSeconds")
    seconds = durations.seconds(told) if told is not None else number if isinstance(number, int) else None
    if seconds is None or seconds < 60:
        raise ApiError(400, timeLogged="Invalid time duration entered.")
    return seconds


def _described(call: Call, body: JsonObject) -> dict[str, Any]:
    values: dict[str, Any] = {"visibility": body["visibility"]} if "visibility" in body else {}
    try:
        if "comment" in body:
            values["comment"] = call.read.text(body["comment"], "comment")
        if body.get("started") is not None:
            values["started"] = iso_time(body["started"])
    except FieldError as error:
        raise ApiError(400, str(error)) from error
    return values


def _remaining(call: Call, issue: Issue, change: int, manual: tuple[str, int]) -> int | None:
    """The remaining estimate after `change` seconds; `manual` is the parameter that says another change, and its sign."""
    args, before = call.request.args, issue.remaining_estimate
    match args.get("adjustEstimate", "auto"):
        case "leave":
            return before
        case "new":
            span = durations.seconds(args.get("newEstimate"))
            if span is None:
                raise ApiError(400, newEstimate="You must supply a valid new estimate.")
            return span
        case "manual":
            span = durations.seconds(args.get(manual[0]))
            if span is None:
                raise ApiError(400, adjustmentAmount="You must supply a valid adjustment amount.")
            change = manual[1] * span
        case "auto":
            pass
        case other:
            raise ApiError(400, f"The value '{other}' of 'adjustEstimate' is not known.")
    return before if before is None else max(0, before + change)


def _watcher(call: Call, named: Any) -> Person:
    person = call.world.catalogue.person(named) if isinstance(named, str) else None
    if person is None:
        raise ApiError(404, "The user does not exist.")
    return person


def _may_watch(call: Call, name: str) -> None:
    if name != call.who:
        status = 403 if call.world.catalogue.cloud else 401
        call.allow("MANAGE_WATCHERS", status=status, message="You do not have permission to manage the watcher list.")


def _archived(call: Call, archived: bool) -> Answer:
    wanted = call.body().get("issueIdsOrKeys") if call.who else None
    call.allow("ADMINISTER")
    if not isinstance(wanted, list) or not 0 < len(wanted) <= _ARCHIVED_AT_ONCE:
        raise ApiError(400, f"Between 1 and {_ARCHIVED_AT_ONCE} issues can be named.")
    world, missing, subtasks, done = call.world, [], [], 0
    for name in map(str, wanted):
        number = int(name) if name.isdecimal() else world.keys.get(name.upper(), 0)
        issue = world.issues.get(number)
        if issue is not None and world.catalogue.types[issue.type].subtask:
            subtasks.append(name)
        elif issue is None or issue.archived == archived:
            missing.append(name)
        else:
            world.archive(issue, archived)
            done += 1
    told = {"issuesNotFound": (missing, "Issue not found"), "issueIsSubtask": (subtasks, "Issue is subtask")}
    errors = {
        name: {"count": len(names), "issueIdsOrKeys": names, "message": message}
        for name, (names, message) in told.items()
        if names
    }
    if not done:
        raise ApiError(400, body={"numberOfIssuesUpdated": 0, "errors": errors})
    return 200, {"numberOfIssuesUpdated": done, "errors": errors}
