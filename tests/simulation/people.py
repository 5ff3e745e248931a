"""What people do in one tracker: every value that can be is one that nobody wrote before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any, Final

from sync.core.errors import TrackerError
from sync.testing.memory import ACCOUNT, MemoryTracker
from tests.scenarios.world import PEOPLE

Word = Callable[[str], str]
Ticket = dict[str, Any]
#: Nobody makes more than this of one kind: large histories take long and show nothing that small ones don't.
MOST_TICKETS, MOST_COMMENTS, MOST_FILES = 4, 4, 3
#: What a tracker that is poisoned refuses for ever.
POISON: Final = "poison"
LINKS = ("relates", "duplicates", "duplicated_by")


def act(tracker: MemoryTracker, number: int, what: str, random: Random, word: Word) -> bool:
    """Do it as a person would, if it can be done there now; says whether."""
    if what == "create":
        return _create(tracker, random, word)
    if what == "restore":
        return _restore(tracker)
    tickets = tracker.tickets()
    if not tickets:
        return False
    ticket = tickets[number % len(tickets)]
    author = random.choice(PEOPLE)
    with suppress(TrackerError):  # what the tracker refuses a person is not done
        if (work := WORKS.get(what)) is not None:
            return work(tracker, ticket, random, word)
        key, value = _value(tracker, ticket, what, random, word)
        if key not in ticket:
            return False
        tracker.edit(ticket["id"], author=author, **{key: value})
        return True
    return False


def _create(tracker: MemoryTracker, random: Random, word: Word) -> bool:
    if len(tracker.tickets()) >= MOST_TICKETS:
        return False
    native: dict[str, Any] = {
        "text": "\n".join(word("line") for _ in range(3)),
        "type": random.choice(("Issue", "Issue", "Epic", "Bug", "Task")),
    }
    if random.random() < 0.4:
        native["labels"] = [word("label")]
    tracker.create(title=word("title"), author=random.choice(PEOPLE), **native)
    return True


def _value(tracker: MemoryTracker, ticket: Ticket, what: str, random: Random, word: Word) -> tuple[str, Any]:
    """The payload key and its new value."""
    match what:
        case "title":
            return what, word("title")
        case "poison":
            return random.choice((("title", word(POISON)), ("labels", [*ticket["labels"], word(POISON)])))
        case "text":
            return what, _text(ticket["text"], random, word)
        case "labels" | "components" | "milestones":
            kept = [one for one in ticket.get(what, ()) if random.random() < 0.8]
            return what, [*kept, *(word(what) for _ in range(random.choice((0, 1, 1))))]
        case "people":
            return what, random.sample(PEOPLE, random.randrange((tracker.knobs.max_assignees > 1 and 3) or 2))
        case "state":
            return what, random.choice(sorted(set(tracker.knobs.statuses.values())))
        case "priority":
            return what, random.choice([None, *tracker.knobs.priorities.values()])
        case "type":
            return what, random.choice(["Issue", "Epic", "Task", "Bug", "Feature"])
        case "parent":
            epics = [one["id"] for one in tracker.tickets() if one["type"] == "Epic" and one["id"] != ticket["id"]]
            return what, random.choice([None, *epics, *epics])
        case "links":
            kept = [link for link in ticket.get("links", ()) if random.random() < 0.6]
            others = [one["id"] for one in tracker.tickets() if one["id"] != ticket["id"]]
            if others and random.random() < 0.8:
                kept.append(f"{random.choice(LINKS)}:{random.choice(others)}")
            return what, list(dict.fromkeys(kept))
    return _plan(tracker, ticket, random, word)


def _plan(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> tuple[str, Any]:
    values: Mapping[str, Any] = {
        "estimate": random.choice([None, 60 * random.randrange(1, 1000)]),
        "remaining": random.choice([None, 60 * random.randrange(1, 1000)]),
        "points": random.choice([None, random.randrange(100)]),
        "start": random.choice([None, f"2026-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"]),
        "due": random.choice([None, f"2026-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"]),
        "severity": random.choice([None, *tracker.knobs.severities.values()]),
        "sprint": random.choice([None, word("sprint")]),
        "reporter": random.choice(PEOPLE),
    }
    told = {str(name) for name in tracker.knobs.tells}
    key = random.choice([name for name in values if name not in told])
    return key, values[key]


def _text(text: str, random: Random, word: Word) -> str:
    lines = text.split("\n")
    place = random.randrange(len(lines) + 1)
    lines[place : place + random.randrange(2)] = [word("line")]
    return "\n".join(lines)


def _comment(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> bool:
    if len(ticket["comments"]) >= MOST_COMMENTS:
        return False
    tracker.comment(ticket["id"], word("said"), author=random.choice(PEOPLE), restricted=random.random() < 0.05)
    return True


def _recomment(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> bool:
    if not ticket["comments"]:
        return False
    comment = random.choice(ticket["comments"])
    head = comment["text"].split("\n\n")[0] + "\n\n" if comment["author"] == ACCOUNT else ""
    tracker.edit_comment(comment["id"], head + word("said"), author=random.choice(PEOPLE))
    return True


def _uncomment(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> bool:
    if not ticket["comments"]:
        return False
    tracker.delete_comment(random.choice(ticket["comments"])["id"], author=random.choice(PEOPLE))
    return True


def _attach(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> bool:
    if len(ticket["files"]) >= MOST_FILES or not tracker.knobs.attachments:
        return False
    name = word("file")
    tracker.attach(ticket["id"], name, f"content of {name}".encode(), author=random.choice(PEOPLE))
    return True


def _detach(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> bool:
    if not ticket["files"]:
        return False
    tracker.detach(ticket["id"], random.choice(ticket["files"])["id"], author=random.choice(PEOPLE))
    return True


def _delete(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> bool:
    tracker.delete(ticket["id"], author=random.choice(PEOPLE))
    return True


def _restore(tracker: MemoryTracker) -> bool:
    """A ticket that was deleted, or moved to another project, comes back."""
    row = next((row for row in tracker._rows.values() if row.deleted), None)
    if row is None:
        return False
    row.deleted = False
    tracker._log(row.payload["id"], "ada", "deleted", old=True, new=False)
    tracker._touch(row)
    return True


def _copy(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> bool:
    """Somebody makes a ticket out of another one, marker and all."""
    if len(tracker.tickets()) >= MOST_TICKETS:
        return False
    tracker.create(title=word("title"), text=ticket["text"], marker=ticket["marker"], author=random.choice(PEOPLE))
    return True


def _copy_comment(tracker: MemoryTracker, ticket: Ticket, random: Random, word: Word) -> bool:
    if not ticket["comments"] or len(ticket["comments"]) >= MOST_COMMENTS:
        return False
    copied = random.choice(ticket["comments"])
    head = copied["text"].split("\n\n")[0] + "\n\n" if copied["marker"] else ""
    tracker.comment(ticket["id"], head + word("said"), marker=copied["marker"], author=random.choice(PEOPLE))
    return True


WORKS: Final[Mapping[str, Callable[[MemoryTracker, Ticket, Random, Word], bool]]] = {
    "comment": _comment,
    "recomment": _recomment,
    "uncomment": _uncomment,
    "attach": _attach,
    "detach": _detach,
    "delete": _delete,
    "copy": _copy,
    "copy_comment": _copy_comment,
}
