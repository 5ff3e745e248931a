"""A write that had to wait leaves only while the bridge is still its sender's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from adapters._http import TrackerTransport, mount
from sync.core.errors import BridgeBusy, LeaseLost
from sync.core.ids import ReplicaName
from sync.core.ports import Adapter, OpKind, Traffic
from sync.core.vouching import vouch, vouched
from sync.testing.faults import FaultyAdapter, Script
from tests.scenarios.world import JIRA, World


class Waiting(FaultyAdapter):
    """An adapter whose writes wait for their turn, and leave when nobody forbids it."""

    def __init__(self, adapter: Adapter, world: dict[str, World], seconds: float, *, taken: bool) -> None:
        super().__init__(adapter, Script(lambda _call: None))
        self._world, self._seconds, self._taken = world, seconds, taken

    def write(self, op: Any, content: Any = None) -> Any:
        world = self._world["it"]
        if op.kind is OpKind.CREATE:
            world.clock.advance(self._seconds)
            if self._taken:
                with suppress(BridgeBusy):  # the other adapter's write waited, too
                    world.store.acquire(world.bridge.name, ttl=timedelta(seconds=60), holder="another")
        vouch()
        return super().write(op, content)


def waiting(path: Path, seconds: float, *, taken: bool = False) -> World:
    """A ticket in Jira that is about to be copied by adapters that wait."""
    known: dict[str, World] = {}

    def wrap(name: ReplicaName, adapter: Adapter) -> Adapter:
        return adapter if name == JIRA else Waiting(adapter, known, seconds, taken=taken)

    known["it"] = world = World(path, wrap=wrap)
    world.trackers[JIRA].create(title="Refunds")
    return world


def test_nothing_leaves_when_another_took_over(tmp_path: Path) -> None:
    """The write waits for longer than the lease, another worker has the bridge: the tracker never hears of it."""
    world = waiting(tmp_path, 3600, taken=True)
    try:
        with pytest.raises(LeaseLost):
            world.cycle()
        assert [len(tracker.tickets()) for tracker in world.trackers.values()] == [1, 0, 0]
    finally:
        world.close()


def test_the_time_to_settle_begins_when_the_request_leaves(tmp_path: Path) -> None:
    """A create that waited for an hour, with the bridge still ours, goes out; its intent says when."""
    world = waiting(tmp_path, 3600)
    try:
        before = world.clock()
        world.cycle()
        assert [len(tracker.tickets()) for tracker in world.trackers.values()] == [1, 1, 1]
        with world.store.read() as tx:
            (ticket,) = list(tx.tickets.list(world.bridge.name))
            sent = [row.sent_at for name in world.trackers for row in tx.outbox.of_ticket(ticket.id, name)]
        assert all(at is not None and at - before >= timedelta(hours=1) for at in sent)
    finally:
        world.close()


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server that notes what it is asked."""
    asked: list[str] = []

    @Request.application
    def application(request: Request) -> Response:
        asked.append(f"{request.method} {request.get_data(as_text=True)}")
        return Response("{}", mimetype="application/json")

    serving = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}", asked
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_the_question_is_the_last_thing_before_the_wire(server: tuple[str, list[str]]) -> None:
    """A connection asks for each part that it sends: where the body is not vouched for, no request was made."""
    url, asked = server
    answers = iter([None, LeaseLost("taken")])

    def by() -> None:
        if (error := next(answers, None)) is not None:
            raise error

    with requests.Session() as session:
        mount(session, TrackerTransport("tracker", Traffic()))
        with pytest.raises(LeaseLost), vouched(by):
            session.post(url, data="first")
        with vouched(by):
            session.post(url, data="second")
        session.post(url, data="third")
    assert asked == ["POST second", "POST third"]
