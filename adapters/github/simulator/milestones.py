"""Milestones of the simulated GitHub: made, edited, deleted, counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapters.github.simulator.payload import text_of
from adapters.github.simulator.state import By, Due, Issue, JsonObject, Milestone, Repository, invalid


def create(repository: Repository, by: By, payload: JsonObject, milestone_id: int, due: Due) -> Milestone:
    """POST a milestone; a title stands only once in a repository."""
    title = _title(repository, payload, None)
    made = Milestone(
        id=milestone_id,
        number=next(repository.milestone_numbers),
        title=title,
        creator=by.user,
        created_at=by.at,
        updated_at=by.at,
    )
    _apply(made, by, payload, due)
    repository.milestones[made.number] = made
    return made


def edit(repository: Repository, milestone: Milestone, by: By, payload: JsonObject, due: Due) -> None:
    """PATCH a milestone; its issues show it without a move of their `updated_at`."""
    title = _title(repository, payload, milestone) if "title" in payload else milestone.title
    _apply(milestone, by, payload, due)
    milestone.title, milestone.updated_at = title, by.at
    repository.revision += 1


def delete(repository: Repository, milestone: Milestone) -> None:
    """DELETE a milestone: its issues lose it in silence."""
    del repository.milestones[milestone.number]
    for issue in repository.issues.values():
        if issue.milestone is milestone:
            issue.milestone = None
    repository.revision += 1


def count(issue: Issue, change: int, at: datetime | None = None) -> None:
    """Count an issue in (1) or out (-1) of its milestone, which is an update of the milestone."""
    if issue.milestone is not None:
        issue.milestone.counts[issue.state] += change
        issue.milestone.updated_at = max(at or issue.milestone.updated_at, issue.milestone.updated_at)


def _title(repository: Repository, payload: JsonObject, own: Milestone | None) -> str:
    title = text_of(payload, "title")
    if title is None or not title.strip():
        raise invalid("Milestone", "title", "missing_field")
    if any(other.title == title and other is not own for other in repository.milestones.values()):
        raise invalid("Milestone", "title", "already_exists")
    return title


def _apply(milestone: Milestone, by: By, payload: JsonObject, due: Due) -> None:
    state = text_of(payload, "state") or milestone.state
    if state not in ("open", "closed"):
        raise invalid("Milestone", "state", value=state)
    if "due_on" in payload:
        milestone.due_on = due_day(text_of(payload, "due_on"), due)
    if "description" in payload:
        milestone.description = text_of(payload, "description")
    if state != milestone.state:
        milestone.state = "open" if state == "open" else "closed"
        milestone.closed_at = by.at if state == "closed" else None


def due_day(text: str | None, due: Due) -> datetime | None:
    """What becomes of a sent `due_on`: a day, its time is lost.

    `utc` is as recorded in 2026, midnight UTC. `pacific` is as recorded until 2019 and reported until 2023: midnight
    on the west coast of America, so that a time before 07:00 or 08:00 UTC falls on the day before. Summer time is
    taken by the month, which is wrong in the first days of November and of March.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("Milestone", "due_on", value=text) from None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    behind = timedelta(hours=0 if due == "utc" else 7 if 3 <= moment.month <= 10 else 8)
    return (moment - behind).replace(hour=0, minute=0, second=0, microsecond=0) + behind
