"""What is known of each tracker's API and what we make of it: one row a fact, in a file for each tracker.

A row is [fact, evidence, respected by, shown by, simulator]:

    evidence      words of `EVIDENCE`, with commas between; `unverified` stays until somebody has seen it
    respected by  the file that minds it, with a few words after it if need be; `no: why`; `partly: file and what is missing`
    shown by      path::name of a test, or ""
    simulator     yes, no or partly: whether the simulated tracker behaves so
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
TRACKERS = ("github", "jira", "azure_devops")
EVIDENCE = {
    "spec": "in the official description",
    "recorded": "seen in a recording of the real service",
    "probe": "seen on the wire, the client library against a server of ours",
    "library": "read in the client library's source",
    "page": "read on a page of the vendor's",
    "second-hand": "told by somebody who cites the vendor's page, or its source",
    "live": "told by somebody who tried it with the real service",
    "unverified": "**unverified**: common knowledge or an open question that nobody could check",
}
SIMULATED = ("yes", "no", "partly")
_FILE = re.compile(r"(?:adapters|sync|mappings)/[\w./]+\.(?:py|toml)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One row."""

    tracker: str
    topic: str
    fact: str
    evidence: tuple[str, ...]
    respected: str
    test: str
    simulator: str

    @property
    def modules(self) -> list[str]:
        """The files that mind it."""
        return _FILE.findall(self.respected)

    @property
    def answer(self) -> str:
        """Whether it is respected: yes, no or partly."""
        return next((word for word in ("no", "partly") if self.respected.startswith(f"{word}: ")), "yes")


@cache
def facts() -> tuple[Fact, ...]:
    """Every fact of every tracker, in the order of the files."""
    found = []
    for tracker in TRACKERS:
        table = tomllib.loads((HERE / f"{tracker}.toml").read_text(encoding="utf-8"))
        for topic, rows in table["facts"].items():
            for fact, evidence, respected, test, simulator in rows:
                words = tuple(evidence.split(", "))
                found.append(
                    Fact(
                        tracker=tracker,
                        topic=topic,
                        fact=fact,
                        evidence=words,
                        respected=respected,
                        test=test,
                        simulator=simulator,
                    )
                )
    return tuple(found)


def page() -> Iterator[str]:
    """The lines of the page."""
    yield "# Fidelity\n"
    yield "What is known of each tracker's API, whether the adapter minds it, the test that shows it, and whether the simulated"
    yield "tracker behaves so. The rows stand in `docs/fidelity/*.toml`; a test holds that every file and test is there.\n"
    yield "| evidence | means |\n|---|---|"
    yield from (f"| {word} | {meaning} |" for word, meaning in EVIDENCE.items())
    heads = ("", "facts", "respected", "partly", "no", "shown by a test", "simulated", "partly", "unverified")
    yield f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    yield from (_counts(tracker) for tracker in TRACKERS)
    for tracker in TRACKERS:
        title = tomllib.loads((HERE / f"{tracker}.toml").read_text(encoding="utf-8"))["title"]
        yield f"\n## {title}"
        for topic in dict.fromkeys(one.topic for one in facts() if one.tracker == tracker):
            yield f"\n### {title}: {topic[0].lower() + topic[1:]}\n"
            yield "| fact | evidence | respected by | shown by | simulated |\n|---|---|---|---|---|"
            yield from (_row(one) for one in facts() if (one.tracker, one.topic) == (tracker, topic))


def _counts(tracker: str) -> str:
    mine = [one for one in facts() if one.tracker == tracker]
    answers = [sum(one.answer == word for one in mine) for word in ("yes", "partly", "no")]
    simulated = [sum(one.simulator == word for one in mine) for word in ("yes", "partly")]
    unverified = sum("unverified" in one.evidence for one in mine)
    cells = [tracker, len(mine), *answers, sum(bool(one.test) for one in mine), *simulated, unverified]
    return f"| {' | '.join(map(str, cells))} |"


def _row(one: Fact) -> str:
    evidence = ", ".join("**unverified**" if word == "unverified" else word for word in one.evidence)
    respected = _FILE.sub(lambda match: f"[{_short(match[0])}](../../{match[0]})", one.respected)
    path, _, name = one.test.partition("::")
    shown = f"[{name}](../../{path})" if name else "–"
    return f"| {one.fact} | {evidence} | {respected} | {shown} | {one.simulator} |"


def _short(path: str) -> str:
    return "/".join(path.split("/")[-2:])
