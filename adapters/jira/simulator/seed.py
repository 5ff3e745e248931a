"""A believable project: what an online-payments team has on its board."""

from __future__ import annotations

import functools
import random
from datetime import timedelta
from typing import Any

from adapters.jira.simulator.catalogue import EPIC_NAME
from adapters.jira.simulator.markup import to_document
from adapters.jira.simulator.model import Issue
from adapters.jira.simulator.state import World

_AREAS = (
    "checkout", "refunds", "card payments", "SEPA transfers", "payouts", "invoices", "chargebacks", "fraud rules",
    "merchant onboarding", "ledger export", "webhooks", "currency conversion", "3-D Secure", "subscriptions",
)  # fmt: skip
_EPICS = ("Rebuild {area}", "Second release of {area}", "Make {area} auditable", "Open {area} to partners")
_BUGS = (
    "{area}: amounts are rounded twice", "{area}: retry books the payment again", "{area}: timeout shows a blank page",
    "{area}: wrong currency in the receipt", "{area}: status stays pending for ever",
)  # fmt: skip
_FEATURES = (
    "Show the fee before {area} is confirmed", "Let support staff search {area} by reference",
    "Send a mail when {area} fails", "Offer {area} in the mobile app", "Export {area} as CSV",
)  # fmt: skip
_IMPROVEMENTS = ("Speed up the list of {area}", "Log {area} with the trace id", "Replace the old client in {area}")
_TASKS = (
    "Write tests for {area}",
    "Review the copy of {area}",
    "Add a metric for {area}",
    "Update the runbook of {area}",
)
_LABELS = ("backend", "frontend", "compliance", "customer-request", "flaky-test", "performance", "security", "ux")
_REMARKS = (
    "I can reproduce this on staging.", "The provider confirmed it: their side is fixed.", "Let's split this one.",
    "See the log of *payment-gateway* around {{12:40}}.", "Waiting for the answer of the bank.", "Done in the last release.",
)  # fmt: skip
_TEXT = """h2. What happens

Customers of {area} see this about {count} times a day. It began with the release of _{month}_.

* reference: {{{{REF-{count:06d}}}}}
* first seen by [support|https://support.acme.example/cases/{count}]

h2. What we want

# a clear message
# no second booking

{{code:python}}
assert ledger.total() == sum(entry.amount for entry in entries)
{{code}}"""
_MONTHS = ("January", "March", "June", "September")
_PATHS = (
    (),
    ("In Progress",),
    ("In Progress", "In Review"),
    ("Blocked",),
    ("In Progress", "Done"),
    ("Done",),
    ("Done", "Reopened"),
)
_STEP = timedelta(seconds=40)
#: A ticket lives at most so long: made, moved twice (two readings of the clock each), commented three times.
_MOST_STEPS = 8


_document = functools.cache(to_document)


def fill(world: World, tickets: int) -> None:
    """Make `tickets` issues with their history, one step of time after another, the last one an hour ago."""
    chance = random.Random(20260101)
    clock = world.now
    moment = clock() - timedelta(hours=1) - _STEP * (tickets * _MOST_STEPS)

    def tick() -> Any:
        nonlocal moment
        moment += _STEP
        return moment

    world.now = tick
    try:
        epics: list[Issue] = []
        parents: list[Issue] = []
        for number in range(tickets):
            level = 1 if number % 10 == 0 else -1 if number % 5 == 3 else 0
            issue = _make(world, chance, number, level, epics, parents)
            _live(world, chance, issue)
            (epics if level == 1 else parents if level == 0 else []).append(issue)
    finally:
        world.now = clock
    world.index.refresh(clock())


def _make(
    world: World, chance: random.Random, number: int, level: int, epics: list[Issue], parents: list[Issue]
) -> Issue:
    area = _AREAS[number % len(_AREAS)]
    kinds = [kind for kind in world.catalogue.types.values() if kind.level == level]
    kind = kinds[number % len(kinds)]
    patterns = {"Epic": _EPICS, "Bug": _BUGS, "Story": _FEATURES, "Improvement": _IMPROVEMENTS}.get(kind.name, _TASKS)
    title = f"{patterns[number % len(patterns)].format(area=area)} ({number + 1})"
    text = _TEXT.format(area=area, count=1 + number % 7, month=_MONTHS[number % 4])
    values: dict[str, Any] = {
        "type": kind.id, "summary": title[0].upper() + title[1:],
        "description": _document(text) if world.catalogue.cloud else text,
        "priority": str(1 + chance.choice((0, 1, 1, 2, 2, 2, 2, 3, 4))),
        "labels": tuple(sorted(chance.sample(_LABELS, chance.choice((0, 1, 1, 2))))),
        "assignee": chance.choice((None, "ada", "grace", "alan")),
    }  # fmt: skip
    if level == -1:
        values["parent"] = parents[-1 - chance.randrange(min(3, len(parents)))].id
    elif level == 0 and chance.random() < 0.8:
        values["parent"] = epics[-1].id
    if level == 1 and EPIC_NAME in world.catalogue.fields:
        values["custom"] = {EPIC_NAME: values["summary"]}
    return world.create(chance.choice(("ada", "grace", "alan")), world.projects[0], values, {})


def _live(world: World, chance: random.Random, issue: Issue) -> None:
    names = {status.untranslated: status.id for status in world.catalogue.statuses.values()}
    for step in chance.choice(_PATHS):
        if step in names:
            resolution = {"resolution": world.catalogue.done_resolution} if step == "Done" else {}
            world.transition(chance.choice(("ada", "grace", "alan")), world.issues[issue.id], names[step], resolution)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3))):
        remark = chance.choice(_REMARKS)
        body = _document(remark) if world.catalogue.cloud else remark
        world.add_comment(chance.choice(("ada", "grace", "alan")), world.issues[issue.id], body, None, {})
