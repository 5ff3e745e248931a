"""The cassettes by tracker and variant, how each is recorded from its simulator and how it is replayed without any."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapters._pace import Pace
from adapters._simulator import Simulator, served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.github.simulator import GitHubSimulator
from adapters.jira.simulator import JiraSimulator
from sync.core.ports import Adapter
from sync.testing.cassettes import PLACE, recording, replaying
from sync.testing.subject import WRONG_TOKEN
from tests.cassettes.story import Hand, Transcript, tell

HERE = Path(__file__).parent
#: Real simulators' tokens, which no cassette may hold, and what an adapter says instead when it talks to a cassette.
STAND_IN = "no-token-at-all"
PACE = Pace(first_wait=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """One cassette (`.yaml`) and what its adapter made of it (`.json`)."""

    kind: str
    variant: str
    simulator: Callable[[], Simulator]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.kind}/{self.variant}"

    @property
    def cassette(self) -> Path:
        """What was sent and answered."""
        return HERE / self.kind / f"{self.variant}.yaml"

    @property
    def transcript(self) -> Path:
        """What came of it, and what is needed to have it again."""
        return HERE / self.kind / f"{self.variant}.json"


TAPES = (
    Tape(kind="jira", variant="cloud", simulator=lambda: JiraSimulator(issue_write_limit=1000)),
    Tape(kind="jira", variant="data-center", simulator=lambda: JiraSimulator(deployment="server")),
    Tape(kind="github", variant="github.com", simulator=GitHubSimulator),
    Tape(
        kind="github",
        variant="ghes-3.17",
        simulator=lambda: GitHubSimulator(product="ghes-3.17", owner_type="User"),
    ),
    Tape(kind="azure_devops", variant="agile", simulator=AzureDevOpsSimulator),
)
#: The products that there is no cassette of, too: they differ in words, not in vocabulary.
VARIANTS = (
    *TAPES,
    Tape(
        kind="jira",
        variant="team-managed",
        simulator=lambda: JiraSimulator(style="team-managed", issue_write_limit=1000),
    ),
    *(
        Tape(kind="azure_devops", variant=name.lower(), simulator=partial(AzureDevOpsSimulator, process=name))
        for name in ("Scrum", "Basic", "CMMI")
    ),
)


class Clock:
    """Stands still but for waits, so that what is told of them is the same at every telling."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        """Wait, in no time."""
        self.at += seconds


def opener(kind: str, table: dict[str, Any], clock: Clock) -> Callable[..., Adapter]:
    """What opens adapters on a `[trackers.x]` table; without credentials or a project where that is asked for."""

    def opened(*, wrong_token: bool = False, wrong_project: str | None = None) -> Adapter:
        changed = dict(table)
        if wrong_token:
            changed["auth"] = {**table["auth"], "token": WRONG_TOKEN}
        if wrong_project:
            changed["project"] = wrong_project
        settings = importlib.import_module(f"adapters.{kind}.settings").Settings.model_validate(changed)
        module = importlib.import_module(f"adapters.{kind}.adapter")
        adapter: Adapter = module.open_adapter(settings, replica=kind, pace=PACE, sleep=clock.sleep, now=clock)
        return adapter

    return opened


@contextmanager
def acted(tape: Tape, *, cassette: bool = False) -> Iterator[tuple[Transcript, dict[str, Any]]]:
    """The story as a served simulator answers it, recorded where that is asked for, and what is needed to have it again."""
    driver = importlib.import_module(f"tests.conformance.drivers_{tape.kind}").Driver
    with served(tape.simulator()) as simulator:
        hand = Hand(driver=driver(simulator))
        table = {key: value for key, value in simulator.description().items() if key != "kind"}
        people = {str(person): native for person, native in hand.driver.NAMES.items()}
        secrets = [table["auth"]["token"], WRONG_TOKEN]
        clock = Clock()
        with recording(tape.cassette, here=simulator.base_url, secrets=secrets) if cassette else nullcontext():
            opened, nowhere = opener(tape.kind, table, clock), hand.driver.nowhere
            told = tell(tape.kind, opened, hand, people=people, nowhere=nowhere, wait=clock.sleep)
        settings = {**table, "auth": {**table["auth"], "token": STAND_IN}}
        yield told, {"settings": settings, "people": people, "nowhere": hand.driver.nowhere, "hand": hand.log}


def record(tape: Tape) -> None:
    """Tell the story to the simulator, through the real client library, and keep cassette and transcript."""
    tape.cassette.parent.mkdir(exist_ok=True)
    with acted(tape, cassette=True) as (told, needed):
        text = json.dumps({**needed, "told": told}, indent=1, sort_keys=True, ensure_ascii=False)
        host = urlsplit(needed["settings"]["url"]).netloc
    tape.transcript.write_text(text.replace(host, urlsplit(PLACE).netloc) + "\n", encoding="utf-8")


@contextmanager
def replayed(tape: Tape) -> Iterator[tuple[Transcript, Transcript, Any]]:
    """What the adapter makes of the cassette now, what it made of it when it was recorded, and the cassette."""
    kept = json.loads(tape.transcript.read_text(encoding="utf-8"))
    with replaying(tape.cassette) as cassette:
        clock, hand = Clock(), Hand(log=kept["hand"])
        opened = opener(tape.kind, kept["settings"], clock)
        told = tell(tape.kind, opened, hand, people=kept["people"], nowhere=kept["nowhere"], wait=clock.sleep)
        yield json.loads(json.dumps(told)), kept["told"], cassette


def main(wanted: list[str]) -> None:
    """Record the named tapes anew, or all of them."""
    for tape in TAPES:
        if not wanted or tape.name in wanted or tape.kind in wanted:
            record(tape)
            size = tape.cassette.stat().st_size + tape.transcript.stat().st_size
            print(f"{tape.name}: {size // 1024} kB")  # noqa: T201 - a command


if __name__ == "__main__":
    main(sys.argv[1:])
