"""Three watched trackers, people who work in them, and what is true of them and the store."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters._simulator import served
from sync.core.ids import BridgeName
from sync.store import Store
from sync.store.records import OutboxRecord
from tests.kill.victims import Victim, Victims
from tests.kill.watched import TOKENS, Watch, WatchedAzure, WatchedGitHub, WatchedJira

BRIDGE = BridgeName("payments")
JIRA, GITHUB, AZURE = "jira", "github", "azure"
NAMES = (JIRA, GITHUB, AZURE)
#: An unanswered create is looked for this long; a request that is held on purpose lands within a part of it.
SETTLE = 2.0

CONFIG = """
[store]
url = "sqlite:///t.db"

[trackers.jira]
kind = "jira"
url = "{jira.base_url}"
project = "PAY"
auth = {{ user = "bot@acme.example", token = "jira-token" }}
{pace_jira}

[trackers.github]
kind = "github"
url = "{github.base_url}"
project = "acme/payments"
auth = {{ token = "token-bridge" }}
{pace_github}

[trackers.azure]
kind = "azure_devops"
url = "{azure.url}"
project = "Payments"
auth = {{ token = "{azure_token}" }}

[bridges.payments]
trackers = ["jira", "github", "azure"]
every = "{every}s"
settle = "{settle}s"

[bridges.payments.limits]
mass_floor = 100000
"""


@dataclass(slots=True, kw_only=True)
class Standing:
    """One ticket as its tracker has it: `said` and `files` are tokens, each as often as it stands there."""

    ref: str
    title: str
    said: list[str]
    files: list[str]

    @property
    def token(self) -> str:
        """Which ticket it is."""
        found = TOKENS["ticket"].search(self.title)
        return found[0] if found else ""


@dataclass(slots=True, kw_only=True)
class World:
    """The trackers in this process, and the store that the victims share."""

    jira: WatchedJira
    github: WatchedGitHub
    azure: WatchedAzure
    folder: Path
    watch: Watch
    victims: Victims
    store: Store
    chance: random.Random
    every: float = 0.5
    pace: float = 0.0
    titles: dict[str, str] = field(default_factory=dict)  # what was last written into each ticket's title
    homes: dict[str, str] = field(default_factory=dict)  # where each ticket was born
    said: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    # -- running trackdown --------------------------------------------------------------------------

    @property
    def config(self) -> Path:
        """The config file, written anew."""
        path = self.folder / "trackdown.toml"
        pace = f"seconds_between_writes = {self.pace}" if self.pace else ""
        path.write_text(
            CONFIG.format(
                jira=self.jira, github=self.github, azure=self.azure, azure_token=self.azure.auth()["token"],
                every=self.every, settle=SETTLE, pace_jira=pace, pace_github=pace,
            ),
            encoding="utf-8",
        )  # fmt: skip
        return path

    def start(self, *arguments: str) -> Victim:
        """`trackdown` with these arguments, as a process of its own."""
        return self.victims.command("--config", str(self.config), *arguments)

    def while_passes(self, seconds: float = 5) -> None:
        """Let time pass in the trackers, for the index of their search to catch up."""
        for simulator in (self.jira, self.github, self.azure):
            simulator.clock.advance(seconds)

    def sync(self) -> dict[str, Any]:
        """One cycle by the command line that nobody disturbs; its report."""
        self.while_passes()
        victim = self.start("sync", "--json")
        code = victim.ended()
        said = victim.said()
        assert code == 0, f"sync ended with {code}: {said}"
        report: dict[str, Any] = json.loads(said[said.index("{") :])["bridges"][0]
        return report

    def until_quiet(self, most: int = 12) -> dict[str, Any]:
        """Cycles until one has nothing to do; that one."""
        for _ in range(most):
            report = self.sync()
            if not any(report["writes"].values()) and not report["pulled"] and not self.unfinished():
                return report
        raise AssertionError(f"not quiet after {most} cycles: {report}")

    def unfinished(self) -> list[OutboxRecord]:
        """The requests whose end the store does not know."""
        with self.store.read() as tx:
            return tx.outbox.unfinished(BRIDGE)

    # -- people at work -----------------------------------------------------------------------------

    def new_ticket(self) -> None:
        """Somebody opens a ticket somewhere."""
        token = f"tick{len(self.titles) + 1:05d}"
        home = self.chance.choice(NAMES)
        title = self.titles[token] = f"{token} opened in {home}"
        self.homes[token] = home
        match home:
            case "jira":
                self.jira.add_issue(title, description="Paid *twice*.\n\n* once\n* again")
            case "github":
                self.github.add_issue(title=title, body="Paid **twice**.\n\n- once\n- again")
            case _:
                self.azure.add_issue(title=title, body="<p>Paid <b>twice</b>.</p>")

    def rename(self, standing: dict[str, list[Standing]]) -> None:
        """Somebody renames a ticket where it was opened."""
        token = self.chance.choice(sorted(self.titles))
        home = self.homes[token]
        ref = next(one.ref for one in standing[home] if one.token == token)
        title = self.titles[token] = f"{token} renamed {self.chance.randrange(10**6)}"
        match home:
            case "jira":
                self.jira.edit(ref, summary=title)
            case "github":
                self.github.edit(int(ref), title=title)
            case _:
                self.azure.edit(int(ref), title=title)

    def say(self, standing: dict[str, list[Standing]]) -> None:
        """Somebody comments on a ticket, wherever it stands."""
        where = self.chance.choice([name for name in NAMES if standing[name]])
        ref = self.chance.choice(standing[where]).ref
        token = f"said{len(self.said) + 1:05d}"
        self.said.add(token)
        match where:
            case "jira":
                self.jira.comment(ref, f"{token} in *production*")
            case "github":
                self.github.comment(int(ref), f"{token} in **production**")
            case _:
                self.azure.comment(int(ref), f"<p>{token} in <b>production</b></p>")

    def attach(self, standing: dict[str, list[Standing]]) -> None:
        """Somebody attaches a file where files are taken."""
        places = [name for name in (JIRA, AZURE) if standing[name]]
        if not places:
            return
        where = self.chance.choice(places)
        ref = self.chance.choice(standing[where]).ref
        token = f"file{len(self.files) + 1:05d}"
        self.files.add(token)
        content = f"{token} ".encode() * 50
        if where == JIRA:
            self.jira.attach(ref, f"{token}.txt", content)
        else:
            self.azure.attach(int(ref), f"{token}.txt", content)

    def work(self) -> None:
        """What people do in one moment: there is always something to create."""
        self.new_ticket()
        standing = self.standing()
        for deed, how_often in ((self.say, 0.7), (self.attach, 0.4), (self.rename, 0.6)):
            if self.chance.random() < how_often:
                deed(standing)

    # -- what stands where ----------------------------------------------------------------------------

    def standing(self) -> dict[str, list[Standing]]:
        """Every ticket of every tracker, straight from its state."""
        with self.jira.lock, self.github.lock, self.azure.lock:
            return {
                JIRA: [
                    Standing(
                        ref=issue.key,
                        title=issue.summary,
                        said=_said(json.dumps(one.body) for one in issue.comments),
                        files=[_file(one.filename) for one in issue.attachments],
                    )
                    for issue in self.jira.world.issues.values()
                ],
                GITHUB: [
                    Standing(
                        ref=str(issue.number),
                        title=issue.title,
                        said=_said(one.body for one in issue.comments.values()),
                        files=[],
                    )
                    for issue in self.github.repository.issues.values()
                ],
                AZURE: [
                    Standing(
                        ref=str(key),
                        title=self.azure.organisation.item(key).fields["System.Title"],
                        said=_said(one["text"] for one in self.azure.comments_of(key)),
                        files=[_file(one) for one in _names(self.azure, key)],
                    )
                    for key in self.azure.keys()  # noqa: SIM118 - a method of the simulator
                ],
            }


def _said(texts: Iterator[str] | Any) -> list[str]:
    return [found[0] for text in texts if (found := TOKENS["comment"].search(text))]


def _file(name: str) -> str:
    found = TOKENS["file"].search(name)
    return found[0] if found else name


def _names(azure: WatchedAzure, key: int) -> list[str]:
    relations = azure.issue(key).get("relations") or []
    return [one["attributes"]["name"] for one in relations if one["rel"] == "AttachedFile"]


@contextmanager
def a_world(folder: Path, *, seed: int, **settings: Any) -> Iterator[World]:
    """Three empty trackers that are served, and a store that is set up."""
    watch = Watch()
    jira, github, azure = WatchedJira(), WatchedGitHub(), WatchedAzure()
    with ExitStack() as stack:
        for simulator in (jira, github, azure):
            simulator.watching = watch
            stack.enter_context(served(simulator))
        store = Store(f"sqlite:///{folder}/t.db")
        stack.callback(store.close)
        store.migrate()
        victims = Victims(folder)
        stack.callback(victims.end)
        yield World(
            jira=jira, github=github, azure=azure, folder=folder, watch=watch, victims=victims, store=store, chance=random.Random(seed),
            **settings,
        )  # fmt: skip
