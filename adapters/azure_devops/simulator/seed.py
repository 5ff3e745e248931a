"""A believable project: an online-payments team's half year, the same every time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from random import Random

from adapters.azure_devops.simulator import comments
from adapters.azure_devops.simulator.editing import Editor
from adapters.azure_devops.simulator.errors import JsonObject
from adapters.azure_devops.simulator.fields import PRIORITY
from adapters.azure_devops.simulator.process import WorkItemType
from adapters.azure_devops.simulator.state import HIERARCHY_UP, Item, Organisation, User

_THEMES = (
    "Checkout", "Refunds", "Card vault", "Payouts", "Invoicing", "Fraud rules", "Subscriptions", "Ledger",
    "Disputes", "Webhooks", "Onboarding", "Reporting",
)  # fmt: skip
_BUGS = (
    "{theme} times out when the acquirer answers late",
    "{theme} shows the wrong currency for Swiss customers",
    "{theme} counts a retried payment twice",
    "{theme} page is blank after the session expired",
)
_STORIES = (
    "{theme}: let merchants export the last 90 days",
    "{theme}: explain a declined card in the customer's language",
    "{theme}: support instant bank transfers",
    "{theme}: show who approved a manual change",
)
_TASKS = (
    "Write the migration for {theme}",
    "Add metrics to {theme}",
    "Review the error messages of {theme}",
    "Load-test {theme} with yesterday's traffic",
)
_TAGS = ("backend", "frontend", "security", "compliance", "mobile", "customer report", "quick win", "data")
_COMMENTS = (
    "<div>Reproduced on staging with the test card.</div>",
    "<div>The acquirer confirmed that this is on <b>our</b> side.</div>",
    "<div>Let us ship it behind a switch first.</div>",
    "<div>Merged; will watch the dashboards until tomorrow.</div>",
)
_BODY = (
    "<div>Seen by {who} in production.</div><div><br></div><ul><li>happens about once in {n} payments</li>"
    '<li>the log says <code>{code}</code></li></ul><div>See <a href="https://wiki.acme.example/{n}">the notes</a>.</div>'
)


class Seeder:
    """Fills an organisation through the same editor that HTTP requests go through."""

    def __init__(self, organisation: Organisation, editor: Editor, people: Sequence[User]) -> None:
        self.organisation, self.editor, self.people = organisation, editor, people
        self.random = Random(20_240_604)
        self.counter = itertools.count(1)
        kinds = {kind.name: kind for kind in organisation.types.values()}
        story = next(n for n in ("User Story", "Product Backlog Item", "Requirement", "Issue") if n in kinds)
        self.epic, self.task, self.story = kinds["Epic"], kinds["Task"], kinds[story]
        self.bug = kinds.get("Bug", self.story)

    def fill(self, tickets: int) -> None:
        """Make so many work items: a tenth epics, a quarter tasks, the others stories and bugs."""
        organisation = self.organisation
        end = organisation.clock.now()
        start = max(
            end - timedelta(days=180),
            organisation.log[-1][0] if organisation.log else end.min.replace(tzinfo=end.tzinfo),
        )
        step = (end - start) / max(1, tickets)
        epics: list[Item] = []
        issues: list[Item] = []
        try:
            for index in range(tickets):
                organisation.pinned = start + step * index
                if index % 10 == 0:
                    epics.append(self._make(self.epic, "{theme} programme", None))
                elif index % 4 == 3 and issues:
                    self._make(self.task, self.random.choice(_TASKS), self.random.choice(issues[-20:]))
                else:
                    bug = self.random.random() < 0.45
                    titles = _BUGS if bug else _STORIES
                    issues.append(self._make(self.bug if bug else self.story, self.random.choice(titles), epics[-1]))
        finally:
            organisation.pinned = None

    def _make(self, kind: WorkItemType, title: str, parent: Item | None) -> Item:
        random, number = self.random, next(self.counter)
        author, theme = random.choice(self.people), random.choice(_THEMES)
        body = _BODY.format(who=random.choice(self.people).name, n=number * 7, code=f"E{number:05}")
        values: JsonObject = {
            "System.Title": f"{title.format(theme=theme)} (#{number})",
            kind.body_field: body,
            PRIORITY: random.choice((1, 2, 2, 3, 3, 4)),
        }
        if tags := random.sample(_TAGS, random.choice((0, 1, 1, 2))):
            values["System.Tags"] = "; ".join(tags)
        if random.random() < 0.7:
            values["System.AssignedTo"] = random.choice(self.people).mail
        operations = [{"op": "add", "path": f"/fields/{name}", "value": value} for name, value in values.items()]
        if parent is not None:
            url = f"http://localhost/_apis/wit/workItems/{parent.id}"
            operations.append({"op": "add", "path": "/relations/-", "value": {"rel": HIERARCHY_UP, "url": url}})
        item = self.editor.create(kind, operations, author)
        states = [state.name for state in kind.states if state.category != "Removed"]
        if (state := random.choice(states)) != states[0]:
            change = [{"op": "add", "path": "/fields/System.State", "value": state}]
            self.editor.update(item, change, random.choice(self.people))
        for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
            comments.add(self.organisation, item, random.choice(self.people), random.choice(_COMMENTS), "html")
        return item
