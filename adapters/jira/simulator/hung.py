"""What hangs on an issue beside its comments: links, files and logged time. Values were checked before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.jira.simulator.catalogue import LinkType
from adapters.jira.simulator.history import items, link_item
from adapters.jira.simulator.model import Attachment, ChangeItem, Issue, Link, Worklog
from adapters.jira.simulator.state import World


def connect(world: World, who: str, kind: LinkType, source: Issue, target: Issue) -> None:
    """Link two issues: both are updated, both tell of it."""
    link = Link(id=world.next_number(), type=kind.id, source=source.id, target=target.id)
    for number in (source.id, target.id):
        issue = world.issues[number]
        world.write(who, issue, [link_item(world, link, issue, made=True)], links=(*issue.links, link))


def disconnect(world: World, who: str, link: Link) -> None:
    """Take a link away: both are updated, both tell of it."""
    for number in (link.source, link.target):
        issue = world.issues[number]
        left = tuple(each for each in issue.links if each.id != link.id)
        world.write(who, issue, [link_item(world, link, issue, made=False)], links=left)


def attach(world: World, who: str, issue: Issue, filename: str, mime_type: str, content: bytes) -> Attachment:
    """Add a file to an issue."""
    made = Attachment(
        id=world.next_number(), filename=filename, author=who, created=world.now(), mime_type=mime_type,
        content=content,
    )  # fmt: skip
    world.attachment_owners[made.id] = issue.id
    issue = world.issues[issue.id]
    item = ChangeItem(field="Attachment", field_id="attachment", new=str(made.id), new_text=filename)
    world.write(who, issue, [item], attachments=(*issue.attachments, made))
    return made


def detach(world: World, who: str, issue: Issue, attachment: Attachment) -> None:
    """Take a file away for good."""
    del world.attachment_owners[attachment.id]
    item = ChangeItem(field="Attachment", field_id="attachment", old=str(attachment.id), old_text=attachment.filename)
    left = tuple(each for each in issue.attachments if each.id != attachment.id)
    world.write(who, issue, [item], attachments=left)


def log_time(world: World, who: str, issue: Issue, seconds: int, **values: Any) -> Worklog:
    """Add a worklog; `remaining` is the estimate that is left, by default lower by what was spent."""
    lower = None if issue.remaining_estimate is None else max(0, issue.remaining_estimate - seconds)
    remaining = values.pop("remaining", lower)
    now = world.now()
    entry = Worklog(
        id=world.next_number(), author=who, created=now, update_author=who, updated=now, seconds=seconds,
        **({"started": now} | values),
    )  # fmt: skip
    keep_time(world, who, issue, [*issue.worklogs, entry], seconds, remaining)
    return entry


def keep_time(
    world: World,
    who: str,
    issue: Issue,
    entries: list[Worklog],
    more: int,
    remaining: int | None,
    touched: Worklog | None = None,
) -> None:
    """Keep the worklogs with their sums, `more` seconds in all; the changelog names a worklog that was changed or removed."""
    values: dict[str, Any] = {
        "worklogs": tuple(entries), "time_spent": max(0, (issue.time_spent or 0) + more),
        "remaining_estimate": remaining,
    }  # fmt: skip
    told = [] if touched is None else [
        ChangeItem(field="WorklogId", field_id="WorklogId", old=str(touched.id), old_text=str(touched.id))
    ]  # fmt: skip
    after = replace(issue, **values)
    for name in ("time_spent", "remaining_estimate"):
        if getattr(issue, name) != getattr(after, name):
            told += items(world, name, issue, after)
    world.write(who, issue, told, **values)
