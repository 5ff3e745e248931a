"""A believable project: two years of an online-payments team, the same on every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from adapters.github.simulator.relations import add_child
from adapters.github.simulator.state import By, Issue, JsonObject, Repository
from adapters.github.simulator.world import World

AREAS = (
    *("Checkout", "Refunds", "Card vault", "Payouts", "Invoices", "Ledger", "Webhooks", "Risk rules", "Wallets"),
    *("Direct debit", "Subscriptions", "Merchant portal", "Reconciliation", "Disputes", "FX rates", "Tax engine"),
    *("3-D Secure", "Onboarding", "Reports", "Notifications"),
)
BUGS = (
    *("rejects amounts with three decimals", "times out behind the proxy", "counts a retry twice"),
    *("loses the currency on export", "shows the wrong time zone", "fails for names with an apostrophe"),
)
FEATURES = (
    *("supports partial captures", "accepts Apple Pay", "explains declines to the payer", "keeps an audit trail"),
    *("offers a dry run", "can be paused per merchant"),
)
CHORES = (
    *("drops the old SOAP client", "moves to the new queue", "gets contract tests", "documents its error codes"),
    *("splits its largest module", "measures its slowest queries"),
)
PLACES = ("", " in the EU", " in the UK", " for Switzerland", " for marketplaces", " for resellers", " on mobile")
SAYINGS = (
    "I can reproduce this on staging with the second test merchant.",
    "Support has three more cases of this since Monday.",
    "Fixed by the change in the retry policy, please check:\n\n```python\nclient.retry(times=3)\n```",
    "Waiting for the bank's answer, see the thread with operations.",
    "Let's split this: the export first, the screen later.",
    "Looks good to me. :tada:",
)
STATUSES = ("status: in progress", "status: review", "status: blocked")
LABELS = ("customer", "security", "performance", "tech debt", "good first issue", "documentation")
BODY = """## What happens

{title}. It was seen by {count} merchants last week.

## Steps

1. Open the **{area}** page
2. Choose a payment of `{count}.50 EUR`
3. Watch the log

- [ ] find the cause
- [ ] write a test

See [the runbook](https://runbook.example/{slug}).
"""


@dataclass(slots=True)
class _Writer:
    """Files the tickets one after the other, each at its own time."""

    world: World
    repository: Repository
    random: Random
    people: Sequence[str]

    def by(self, moment: datetime, login: str | None = None) -> By:
        return By(user=self.world.users[login or self.random.choice(self.people)], at=moment)

    def issue(self, title: str, word: str, moment: datetime) -> Issue:
        """A ticket of the type `word`, labelled and assigned as people do."""
        random, area = self.random, title.partition(" ")[0]
        body: str | None = BODY.format(title=title, count=random.randint(2, 90), area=area, slug=area.lower())
        form = random.random()
        if form < 0.05:
            body = None
        elif form < 0.1:
            body = ""
        elif form < 0.4:
            body = (body or "").replace("\n", "\r\n")  # as GitHub's own web editor writes it
        labels = [f"priority: P{random.choice((0, 1, 1, 2, 2, 2, 3, 3))}", *random.sample(LABELS, random.randint(0, 2))]
        payload: JsonObject = {"title": title, "body": body}
        native = self.repository.types.get(word)
        if native is not None:
            payload["type"] = native.name
        else:
            labels.append("kind: epic" if word == "epic" else f"type: {word}")
        if random.random() < 0.2:
            labels.append(random.choice(STATUSES))
        if random.random() < 0.7:
            payload["assignees"] = random.sample(self.people, random.choice((1, 1, 1, 2)))
        return self.world.create_issue(self.repository, self.by(moment), payload | {"labels": labels})

    def life(self, issue: Issue, moment: datetime, until: datetime, *, old: bool) -> None:
        """What happened to the ticket afterwards: talk, and mostly an end; in the `old` days an end had no reason."""
        random, later = self.random, moment
        for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
            later = min(until, later + timedelta(minutes=random.randint(5, 900)))
            self.world.add_comment(issue, self.by(later), random.choice(SAYINGS))
        if random.random() < 0.55:
            later = min(until, later + timedelta(minutes=random.randint(5, 2_000)))
            end: dict[str, Any] = {
                "state": "closed",
                "state_reason": random.choice(("completed",) * 4 + ("not_planned",)),
            }
            self.world.edit_issue(issue, self.by(later), end)
            if old:
                issue.state_reason = issue.events[-1].detail["state_reason"] = None
            if random.random() < 0.1:
                self.world.edit_issue(issue, self.by(later), {"state": "open"})


def fill(world: World, repository: Repository, tickets: int, now: datetime) -> None:
    """File `tickets` issues with unique titles before `now`; 1 in 10 is an epic, 1 in 12 comes with a pull request."""
    writer = _Writer(world, repository, Random(20_260_101), ("ada", "grace", "alan", "linus"))
    step = timedelta(days=365) / max(tickets, 1)
    titles = [
        (kind, f"{area} {what}{place}")
        for trio in zip(BUGS, FEATURES, CHORES, strict=True)
        for place in PLACES
        for area in AREAS
        for kind, what in zip(("bug", "feature", "task"), trio, strict=True)
    ]
    above: dict[str, Issue] = {}  # the epic that issues stand under, and the issue that tasks do
    for index in range(tickets):
        moment = (now - timedelta(days=366) + step * index).replace(microsecond=0)
        round_, place = divmod(index, len(titles))
        word, title = titles[place]
        word, title = ("epic", f"{title}: the whole way") if index % 10 == 0 else (word, title)
        issue = writer.issue(f"{title} ({round_ + 1})" if round_ else title, word, moment)
        parent = above.get("task" if word == "task" else "issue")
        if word == "epic":
            above = {"issue": issue}
        elif parent is not None and world.has("sub-issues") and writer.random.random() < 0.5:
            add_child(world, parent, writer.by(moment), issue)
        if word not in ("epic", "task"):
            above["task"] = issue
        writer.life(issue, moment, now - timedelta(hours=1), old=index < tickets // 12)
        if index % 12 == 5:
            pull = world.create_issue(
                repository, writer.by(moment), {"title": f"Mend #{issue.number}", "body": "As agreed."}, pull=True
            )
            world.add_comment(pull, writer.by(moment), "Please rebase.")
