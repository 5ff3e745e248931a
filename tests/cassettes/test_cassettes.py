"""Each adapter's whole vocabulary, replayed without any server or network."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from sync.testing.cassettes import alike, secrets_in
from sync.testing.subject import WRONG_TOKEN
from tests.cassettes.tapes import TAPES, Tape, replayed

#: Steps that every tracker's story has, and the errors that some must end in.
REFUSALS = {
    "create: throttled": "Limited",
    "create: gateway": "Uncertain",
    "a wrong token": "AuthFailed",
    "a wrong project": "Rejected",
}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection here fails."""

    def refused(_self: socket.socket, address: Any) -> None:
        raise AssertionError(f"a connection to {address} was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket.socket, "connect_ex", refused)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: refused(None, "a name server"))  # type: ignore[arg-type]


@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: tape.name)
def test_the_same_calls_give_the_same_results(tape: Tape) -> None:
    """The adapter sends what it sent when it was recorded, all of it, and makes the same of the answers."""
    with replayed(tape) as (told, kept, cassette):
        for now, then in zip(told, kept, strict=False):
            if not alike(json.dumps(now), json.dumps(then)):
                assert now == then, f"'{then[0]}' is another than it was; where that is meant: make cassettes"
        assert len(told) == len(kept)
        assert cassette.all_played


@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: tape.name)
def test_the_story_says_everything(tape: Tape) -> None:
    """Reads, every kind of write, history, recovery and refusals are in it, and end as they should."""
    told = json.loads(tape.transcript.read_text(encoding="utf-8"))["told"]  # which the other test finds again
    steps = dict(map(tuple, told))
    for name, error in REFUSALS.items():
        assert steps[name]["error"] in (error, "NotThere"), (name, steps[name])
    assert steps["create: throttled"]["after"] == 300
    for name in ("pull everything", "pull what changed", "history", "comment_create", "fetch"):
        assert steps[name], name
    assert steps["find a create that was done"] is not None
    assert steps["find a create that was not"] is None
    assert steps["find the comment"] is not None
    refused = {
        name: value for name, value in told if isinstance(value, dict) and "error" in value and name not in REFUSALS
    }
    expected = {"create: refused", "read: throttled"}
    assert set(refused) <= expected, refused


@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: tape.name)
def test_no_cassette_holds_a_secret(tape: Tape) -> None:
    """Headers, parameters, members, shapes and the simulators' own tokens: none is there, nor where it was recorded."""
    token = tape.simulator().auth()["token"]
    assert secrets_in(tape.cassette, secrets=[token, WRONG_TOKEN]) == []
    assert token not in tape.transcript.read_text(encoding="utf-8")


def test_every_cassette_is_played() -> None:
    """No file lies here that no test reads."""
    here = TAPES[0].cassette.parents[1]
    files = {path for path in here.rglob("*") if path.suffix in (".yaml", ".json")}
    assert files == {path for tape in TAPES for path in (tape.cassette, tape.transcript)}
