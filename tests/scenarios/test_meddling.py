"""People who write at the very moment at which the bridge does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.core.ports import Adapter, NativeOp, Receipt
from sync.testing.faults import Crash, Fault, FaultyAdapter, Script
from tests.scenarios.world import AZURE, GITHUB, JIRA, World, faulty, with_knobs


class Watched(FaultyAdapter):
    """After its next write, somebody else does something."""

    then: Callable[[], None] | None = None

    def write(self, op: NativeOp, content: Any = None) -> Receipt:
        receipt = super().write(op, content)
        if self.then is not None:
            work, self.then = self.then, None
            work()
        return receipt


@pytest.fixture
def adapters() -> dict[str, Watched]:
    return {}


@pytest.fixture
def world(tmp_path: Path, adapters: dict[str, Watched]) -> Iterator[World]:
    """Writes to Jira answer nothing, as those of a Data Center do."""

    def wrap(name: str, adapter: Adapter) -> Adapter:
        adapters[name] = Watched(adapter, Script(lambda _call: None))
        return adapters[name]

    world = World(tmp_path, with_knobs(JIRA, answers=False), wrap=wrap)
    yield world
    world.close()


@pytest.mark.parametrize(
    ("key", "first", "ours", "theirs", "canonical"),
    [
        ("title", "before", "from github", "from jira", "from jira"),
        ("state", "Open", "Done", "Blocked", "blocked"),
        ("text", "one", "one\ntwo", "one\ntwo\nthree", "one\ntwo\nthree"),
    ],
)
def test_an_edit_between_a_write_and_the_look_after_it_is_kept(
    world: World, adapters: dict[str, Watched], key: str, first: str, ours: str, theirs: str, canonical: str
) -> None:
    """What somebody writes right after our write is no effect of ours, where the tracker has a history that tells them apart."""
    ref = world.trackers[JIRA].create(title="Refunds", **{} if key == "title" else {key: first})
    world.settle()
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), **{key: ours})
    adapters[JIRA].then = lambda: world.trackers[JIRA].edit(ref, author="grace", **{key: theirs})
    world.settle(8)
    assert world.trackers[JIRA].ticket(ref)[key] == theirs
    assert world.native(JIRA, ref, GITHUB)[key] == theirs
    assert canonical in world.canonical(JIRA, ref).values()


def test_an_edit_between_a_create_and_the_look_after_it_is_kept(world: World, adapters: dict[str, Watched]) -> None:
    """What somebody writes into a copy right after it was made is no part of how it was made."""

    def meddle() -> None:
        (copy,) = world.trackers[JIRA].tickets()
        world.trackers[JIRA].edit(copy["id"], text="one\ntwo", author="grace")

    adapters[JIRA].then = meddle
    ref = world.trackers[GITHUB].create(title="Refunds", text="one")
    world.settle(8)
    assert world.trackers[GITHUB].ticket(ref)["text"] == "one\ntwo"
    world.check_converged()


@pytest.mark.parametrize("direction", ["both", "out"])
def test_an_edit_after_a_write_without_an_answer_is_kept(make_world: Callable[..., World], direction: str) -> None:
    """Somebody takes back what we wrote before we know that we did: what stands there is what stood there, and yet an edit."""
    world = make_world(directions={AZURE: direction})
    ref = world.trackers[JIRA].create(title="Refunds", state="Open")
    world.settle()
    faulty(world, AZURE, ("write", Fault.CRASH_AFTER))
    world.trackers[JIRA].edit(ref, state="Done")
    twin = world.twin(JIRA, ref, AZURE)
    with pytest.raises(Crash):
        world.cycle()
    world.clock.advance(61)
    world.reopen()
    world.trackers[AZURE].edit(twin, state="To Do", author="grace")
    world.settle(8)
    claims = [claim.value for conflict in world.conflicts() for claim in conflict.claims]
    assert world.trackers[JIRA].ticket(ref)["state"] == "Open" or "open" in claims


def test_a_link_that_is_made_in_a_new_copy_at_once_stays(world: World, adapters: dict[str, Watched]) -> None:
    """What was made without links and has one was linked by somebody."""
    first = world.trackers[GITHUB].create(title="Refunds")
    world.settle()
    old = world.twin(GITHUB, first, JIRA)

    def meddle() -> None:
        new = world.trackers[JIRA].tickets()[-1]
        world.trackers[JIRA].edit(new["id"], links=[f"relates:{old}"], author="grace")

    adapters[JIRA].then = meddle
    second = world.trackers[GITHUB].create(title="Payments")
    world.settle(8)
    assert world.trackers[GITHUB].ticket(second)["links"] == [f"relates:{first}"]


@pytest.mark.parametrize(
    ("key", "ours", "theirs"),
    [("title", "from jira", "from github"), ("state", "Done", "Review"), ("text", "one", "two")],
)
def test_an_edit_between_the_list_and_a_write_is_seen(
    make_world: Callable[..., World], key: str, ours: str, theirs: str
) -> None:
    """Where no history tells of it afterwards, the look before the write does: nothing is written over it unseen."""
    world = make_world(with_knobs(GITHUB, history=False))
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    twin = world.twin(JIRA, ref, GITHUB)
    adapter = world.bridge.replicas[GITHUB].adapter
    pull = adapter.pull

    def pulling(since: Any) -> Iterator[Any]:
        yield from pull(since)
        world.trackers[GITHUB].edit(twin, author="grace", **{key: theirs})

    world.trackers[JIRA].edit(ref, **{key: ours})
    adapter.pull = pulling
    world.cycle()
    adapter.pull = pull
    world.settle(8)
    (conflict,) = world.conflicts()
    assert theirs.lower() in {claim.value for claim in conflict.claims}
    world.check_converged()
