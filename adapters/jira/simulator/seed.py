"""A believable project: what an online-payments team has on its board."""

from __future__ import annotations

import functools
import random
from datetime import timedelta
from typing import Any

from adapters.jira.simulator.catalogue import EPIC_NAME
from adapters.jira.simulator.hung import attach, connect, log_time
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
#: A ticket lives at most so long: made, moved twice (two readings of the clock each), commented three times, linked,
#: given a file, worked on.
_MOST_STEPS = 14
_COMPONENTS = ("Checkout", "Ledger", "Mobile app")
_VERSIONS = ("2026.1", "2026.2")
_SPRINTS = (("Sprint 11", "closed"), ("Sprint 12", "active"), ("Sprint 13", "future"))
#: Every so many tickets have more than the fields that all of them have.
_RICH_EVERY = 4


_document = functools.cache(to_document)


def fill(world: World, tickets: int) -> None:
    """Make `tickets` issues with their history, one step of time after another, the last one an hour ago."""
    chance, detail = random.Random(20260101), random.Random(20260102)
    clock = world.now
    moment = clock() - timedelta(hours=1) - _STEP * (tickets * _MOST_STEPS)

    def tick() -> Any:
        nonlocal moment
        moment += _STEP
        return moment

    world.now = tick
    try:
        _plan(world)
        epics: list[Issue] = []
        parents: list[Issue] = []
        for number in range(tickets):
            level = 1 if number % 10 == 0 else -1 if number % 5 == 3 else 0
            rich = number % _RICH_EVERY == 1
            values = _details(world, detail, level) if rich else {}
            issue = _make(world, chance, number, level, epics, parents, values)
            _live(world, chance, issue)
            if rich:
                _hang(world, detail, world.issues[issue.id], parents)
            (epics if level == 1 else parents if level == 0 else []).append(issue)
    finally:
        world.now = clock
    world.index.refresh(clock())


def _plan(world: World) -> None:
    """Components, versions and sprints of the project, unless it has some."""
    number = world.project_number(world.projects[0])
    if world.planning.components_of(number):
        return
    for name in _COMPONENTS:
        world.planning.add_component(number, name)
    for name in _VERSIONS:
        world.planning.add_version(number, name, released=name == _VERSIONS[0])
    for name, state in _SPRINTS:
        now = world.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        times = {} if state == "future" else {"start": now, "end": now}
        world.planning.add_sprint(1, name, state=state, **times, **({"complete": now} if state == "closed" else {}))


def _details(world: World, detail: random.Random, level: int) -> dict[str, Any]:
    """Plans, estimates and custom fields of a new ticket."""
    site, number = world.catalogue, world.project_number(world.projects[0])
    custom: dict[str, Any] = {}
    for spec in site.fields.values():
        if not spec.editable or spec.id in site.hidden:
            continue
        if spec.name in ("Story Points", "Story point estimate"):
            custom[spec.id] = float(detail.choice((1, 2, 3, 5, 8)))
        elif spec.name == "Severity":
            custom[spec.id] = detail.choice(spec.options).id
        elif spec.kind == "gh-sprint" and level == 0:
            custom[spec.id] = (2,) if detail.random() < 0.5 else (1, 2)
        elif spec.name == "Customer reference":
            custom[spec.id] = f"ACME-{detail.randrange(100, 1000)}"
    values: dict[str, Any] = {
        "components": (detail.choice(world.planning.components_of(number)).id,),
        "fix_versions": (world.planning.versions_of(number)[-1].id,),
        "duedate": f"2026-{detail.randrange(1, 13):02}-{detail.randrange(1, 29):02}",
        "custom": custom,
    }
    if "timetracking" not in site.hidden:
        values |= dict.fromkeys(("original_estimate", "remaining_estimate"), 3600 * detail.randrange(2, 17))
    return values


def _hang(world: World, detail: random.Random, issue: Issue, parents: list[Issue]) -> None:
    """A link to an earlier ticket, a log, a day's work."""
    if parents:
        kind = detail.choice(tuple(world.catalogue.link_types.values()))
        connect(world, "ada", kind, issue, world.issues[parents[-1].id])
    attach(world, "grace", issue, "payment-gateway.log", "text/plain", b"12:40 timeout\n")
    if "timetracking" not in world.catalogue.hidden:
        log_time(world, "alan", world.issues[issue.id], 3600)


def _make(
    world: World,
    chance: random.Random,
    number: int,
    level: int,
    epics: list[Issue],
    parents: list[Issue],
    more: dict[str, Any],
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
        more = more | {"custom": {**more.get("custom", {}), EPIC_NAME: values["summary"]}}
    return world.create(chance.choice(("ada", "grace", "alan")), world.projects[0], values | more, {})


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
