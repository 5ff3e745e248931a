"""Private tickets do not become public: not at the first sync, and not when a project is opened to everybody later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.core.capabilities import Visibility
from sync.core.errors import AuthFailed
from sync.core.ids import ReplicaName
from sync.shell.cli.main import run
from sync.testing.memory import MemoryKnobs, MemoryTracker
from tests.scenarios.world import ALIKE, AZURE, GITHUB, JIRA, World
from tests.system.bridged import Bridged, bridged

PUBLIC, INTERNAL, PRIVATE, UNKNOWN = Visibility.PUBLIC, Visibility.INTERNAL, Visibility.PRIVATE, Visibility.UNKNOWN
CANARY = "canary-of-a-private-ticket"


def world_of(folder: Path, seen: dict[ReplicaName, Visibility], **settings: Any) -> World:
    knobs = {name: replace(one, visibility=seen.get(name, PRIVATE)) for name, one in ALIKE.items()}
    return World(folder, knobs, **settings)


def open_up(tracker: MemoryTracker, visibility: Visibility) -> None:
    tracker.knobs = replace(tracker.knobs, visibility=visibility)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    made: list[World] = []

    def _make(seen: dict[ReplicaName, Visibility], **settings: Any) -> World:
        made.append(world_of(tmp_path, seen, **settings))
        return made[-1]

    yield _make
    for world in made:
        world.close()


def halts(report: Any) -> list[str]:
    return [one.name for one in report.halts]


def test_a_first_sync_into_a_public_project_halts_with_the_mend(make: Any) -> None:
    """Nothing is written anywhere, the plan says the same, and each cycle after it halts the same way."""
    world = make({GITHUB: PUBLIC})
    world.trackers[JIRA].create(title=CANARY)
    assert halts(world.plan()) == ["wider_audience"]
    for _ in range(2):
        report = world.cycle()
        assert halts(report) == ["wider_audience"]
        assert "allow_publish = true" in report.halts[0].mend
        assert "[bridges.b]" in report.halts[0].mend
        assert world.writes() == 0
    assert world.trackers[GITHUB].tickets() == world.trackers[AZURE].tickets() == []


def test_a_project_that_turns_public_halts_the_next_cycle_that_would_write(make: Any) -> None:
    """What was found at the probe is not believed for a day; what waited goes on when the project is private again."""
    world = make({})
    ref = world.trackers[JIRA].create(title="Known")
    world.settle()
    open_up(world.trackers[GITHUB], PUBLIC)
    world.trackers[JIRA].edit(ref, title=CANARY)
    before = world.writes()
    assert halts(world.cycle()) == ["wider_audience"]
    assert world.writes() == before
    open_up(world.trackers[GITHUB], PRIVATE)
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == [CANARY] * 3


def test_who_said_that_it_may_is_not_asked(make: Any) -> None:
    """With `allow_publish` the tickets are copied, and no request is spent on the question."""
    world = make({GITHUB: PUBLIC}, allow_publish=True)
    ref = world.trackers[JIRA].create(title="Everybody may know")
    assert not world.cycle().halts
    assert world.native(JIRA, ref, GITHUB)["title"] == "Everybody may know"
    assert not any("visibility" in one.adapter.traffic.by_route for one in world.bridge.replicas.values())


@pytest.mark.parametrize(
    ("seen", "directions"),
    [
        ({JIRA: PUBLIC, GITHUB: PUBLIC, AZURE: PUBLIC}, {}),
        ({JIRA: PRIVATE, GITHUB: UNKNOWN, AZURE: PRIVATE}, {}),
        ({JIRA: PRIVATE, GITHUB: PUBLIC, AZURE: PRIVATE}, {GITHUB: "in"}),
        ({JIRA: PRIVATE, GITHUB: INTERNAL, AZURE: INTERNAL}, {JIRA: "out"}),
    ],
    ids=["all public", "nobody knows", "only read from", "the private one is only written to"],
)
def test_what_gets_out_to_nobody_passes(make: Any, seen: Any, directions: Any) -> None:
    """Equal audiences, and directions in which nothing private flows to where more people read."""
    world = make(seen, directions=directions)
    ref = world.trackers[GITHUB].create(title="From GitHub")
    assert not world.cycle().halts
    assert world.everywhere(GITHUB, ref, "title") == ["From GitHub"] * 3


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({JIRA: PRIVATE, GITHUB: INTERNAL, AZURE: PRIVATE}, "everybody in its organisation"),
        ({JIRA: UNKNOWN, GITHUB: PUBLIC, AZURE: PUBLIC}, "jira (jira) can not"),
        ({JIRA: INTERNAL, GITHUB: PUBLIC, AZURE: PUBLIC}, "jira (jira) can not"),
    ],
)
def test_narrower_is_compared_and_doubt_counts_as_narrow(make: Any, seen: Any, told: str) -> None:
    """An organisation is wider than those who were let in, and of an unknown origin the careful answer is believed."""
    world = make(seen)
    world.trackers[JIRA].create(title=CANARY)
    report = world.cycle()
    assert told in report.halts[0].message
    assert world.writes() == 0


def test_an_idle_cycle_does_not_ask(make: Any) -> None:
    """A cycle that writes nothing costs its feeds, whoever may read the projects."""
    world = make({})
    world.trackers[JIRA].create(title="Quiet")
    world.settle()
    asked = sum(one.adapter.traffic.by_route.get("visibility", 0) for one in world.bridge.replicas.values())
    assert asked
    assert set(world.cycle().requests.values()) == {1}


def test_a_tracker_that_does_not_say_is_not_written(make: Any) -> None:
    """Silence is no permission: the replica is told as failing in this cycle, and written in the next."""
    world = make({})
    ref = world.trackers[JIRA].create(title="Waiting")
    adapter = world.bridge.replicas[GITHUB].adapter
    asked = adapter.visibility

    def silent() -> Visibility:
        raise AuthFailed("the token may not look")

    adapter.visibility = silent
    report = world.cycle()
    assert [one.replica for one in report.failures] == [GITHUB]
    assert world.trackers[GITHUB].tickets() == []
    adapter.visibility = asked
    world.settle()
    assert world.native(JIRA, ref, GITHUB)["title"] == "Waiting"


def test_a_bridge_of_public_projects_goes_on_without_the_one_that_is_down(make: Any) -> None:
    """What was read of it was read while it was public: its silence halts nobody."""
    world = make(dict.fromkeys((JIRA, GITHUB, AZURE), PUBLIC))
    world.trackers[JIRA].create(title="One")
    world.settle()
    world.bridge.resting = frozenset({JIRA})
    ref = world.trackers[AZURE].create(title="Two")
    assert not world.cycle().halts
    assert world.native(AZURE, ref, GITHUB)["title"] == "Two"


VISIBILITIES = st.sampled_from(list(Visibility))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seen=st.tuples(VISIBILITIES, VISIBILITIES, VISIBILITIES),
    later=st.tuples(VISIBILITIES, VISIBILITIES, VISIBILITIES),
    edits=st.lists(st.sampled_from(["title", "text", "comment", "new", "labels"]), max_size=4),
)
def test_no_byte_of_a_private_ticket_is_sent_to_a_public_project(
    tmp_path_factory: Any, seen: Any, later: Any, edits: Any
) -> None:
    """Whatever the projects are and become: while Jira is narrower, no request to a wider one holds what was written there."""
    world = world_of(tmp_path_factory.mktemp("exposed"), dict(zip((JIRA, GITHUB, AZURE), seen, strict=True)))
    sent: list[tuple[ReplicaName, Visibility, str]] = []
    for name, one in world.bridge.replicas.items():
        one.adapter.write = _noted(one.adapter.write, world.trackers[name], name, sent)
    try:
        jira = world.trackers[JIRA]
        ref = jira.create(title=f"{CANARY} title", text=f"{CANARY} body")
        world.cycle()
        for name, visibility in zip((JIRA, GITHUB, AZURE), later, strict=True):
            open_up(world.trackers[name], visibility)
        for edit in edits:
            match edit:
                case "comment":
                    jira.comment(ref, f"{CANARY} comment")
                case "new":
                    jira.create(title=f"{CANARY} another")
                case "labels":
                    jira.edit(ref, labels=[CANARY])
                case _:
                    jira.edit(ref, **{edit: f"{CANARY} {edit} {len(sent)}"})
            world.cycle()
        for _, there, told in sent:
            jira_is = seen[0] if told.startswith("0") else later[0]
            assert not (CANARY in told and there.is_wider_than(jira_is))
    finally:
        world.close()


def _noted(write: Any, tracker: MemoryTracker, name: ReplicaName, sent: list[Any]) -> Any:
    opened = tracker.knobs

    def noted(op: Any, content: Any = None) -> Any:
        turn = "0" if tracker.knobs is opened else "1"
        sent.append((name, tracker.knobs.visibility, turn + json.dumps(op.payload, default=str)))
        return write(op, content)

    return noted


# -- through the real adapters ---------------------------------------------------------------------------


@pytest.fixture
def trackers(tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path) as found:
        yield found


def turn(world: Bridged, name: str, *, public: bool) -> None:
    match name:
        case "github":
            world.github.repository.private = not public
        case "azure":
            world.azure.organisation.visibility = "public" if public else "private"
        case "jira":
            world.jira.site = replace(world.jira.site, public=public)


@pytest.mark.parametrize("name", ["jira", "github", "azure"])
def test_each_adapter_says_who_may_read(trackers: Bridged, name: str) -> None:
    """Private, then opened to everybody, then private again: each answer is the present one and costs one request."""
    with trackers.opened() as bridge:
        adapter = bridge.replicas[ReplicaName(name)].adapter
        adapter.probe()
        for public in (False, True, False):
            turn(trackers, name, public=public)
            before = adapter.traffic.requests
            assert adapter.visibility() is (PUBLIC if public else PRIVATE)
            assert adapter.traffic.requests == before + 1


def test_jira_data_center_shows_strangers_what_it_shows(tmp_path: Path) -> None:
    """There an answer to nobody is marked as such, and is no failed login of ours."""
    with bridged(tmp_path, jira={"deployment": "server"}) as world, world.opened() as bridge:
        adapter = bridge.replicas[JIRA].adapter
        assert adapter.visibility() is PRIVATE
        turn(world, "jira", public=True)
        assert adapter.visibility() is PUBLIC


def test_a_repository_that_turned_public_gets_no_byte(trackers: Bridged, capsys: pytest.CaptureFixture[str]) -> None:
    """The command halts with 3 and says where to allow it; the doctor says the same; no request to GitHub holds the words."""
    trackers.jira.add_issue("Known")
    trackers.until_quiet()
    turn(trackers, "github", public=True)
    trackers.jira.add_issue(CANARY)
    trackers.while_passes()
    trackers.github.requests.clear()
    config = str(trackers.config)
    assert run(["sync", "--json", "--config", config]) == 3
    (halt,) = json.loads(capsys.readouterr().out)["bridges"][0]["halts"]
    assert "github (acme/payments) can be read by everybody" in halt["message"]
    assert "[bridges.payments]" in halt["mend"]
    assert run(["doctor", "--json", "--config", config]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [one["message"] for one in findings if one["verdict"] == "problem"] == [halt["message"]]
    assert CANARY not in json.dumps([issue.title for issue in trackers.github.repository.issues.values()])
    trackers.bridge_config = "allow_publish = true"
    assert run(["sync", "--json", "--config", str(trackers.config)]) == 0
    assert CANARY in json.dumps([issue.title for issue in trackers.github.repository.issues.values()])


def test_memory_is_private_by_default() -> None:
    """A tracker in memory publishes nothing unless it is told to."""
    assert MemoryKnobs().visibility is PRIVATE
