"""The conformance suite, with every request and every answer held to the official descriptions: `make contract`.

Not collected by `make test`: it runs the whole suite once for each product of each tracker. What a simulator is told to fail with is
no answer of the tracker's and is not judged.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from adapters._simulator import Simulator
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.github.simulator import GitHubSimulator
from adapters.jira.simulator import JiraSimulator
from sync.testing.conformance import AdapterConformance, FlavourConformance, Subject
from sync.testing.conformance_codec import PureCodec
from tests.cassettes.tapes import VARIANTS, Tape, acted
from tests.contract.official import SPECS, Exchange, judge
from tests.contract.tally import TALLY
from tests.contract.whitelist import excuse

#: Which product a simulator imitates.
PRODUCTS: dict[type[Simulator], Callable[[Any], str]] = {
    AzureDevOpsSimulator: lambda one: str(one.organisation.process).lower(),
    GitHubSimulator: lambda one: str(one.world.product),
    JiraSimulator: lambda one: "cloud" if one.catalogue.cloud else "data-center",
}

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the official descriptions are not here")


def _subjects(which: str) -> Iterator[Any]:
    for kind in ("azure_devops", "github", "jira"):
        module = importlib.import_module(f"tests.conformance.drivers_{kind}")
        for name, opened in getattr(module, which).items():
            yield pytest.param(opened, id=f"{kind}-{name}")


def _talking(suite: type[Any]) -> tuple[type[Any], ...]:
    """The parts of a suite that talk to a server."""
    return tuple(part for part in suite.__bases__ if part is not PureCodec)


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """Everything that was asked and answered during a test."""
    met: list[Exchange] = []
    for simulator, product in PRODUCTS.items():
        monkeypatch.setattr(simulator, "handle", _watched(simulator, product, met))
    return met


def _watched(simulator: type[Simulator], product: Callable[[Any], str], met: list[Exchange]) -> Callable[..., Response]:
    plain = simulator.handle

    def handle(self: Any, request: Request) -> Response:
        body = request.get_data(cache=True)
        response = plain(self, request)
        met.append(Exchange.of(self.kind, product(self), request, body, response))
        return response

    return handle


class TestProducts(*_talking(AdapterConformance)):  # type: ignore[misc]
    """The whole suite, for each kind of server."""

    @pytest.fixture(params=_subjects("SUBJECTS"))
    def subject(self, request: pytest.FixtureRequest, exchanges: list[Exchange]) -> Iterator[Subject]:
        with request.param() as subject:
            yield subject
        _judged(exchanges, request.config)


class TestFlavours(*_talking(FlavourConformance)):  # type: ignore[misc]
    """The part about words, for each process, plan and release."""

    @pytest.fixture(params=_subjects("FLAVOURS"))
    def subject(self, request: pytest.FixtureRequest, exchanges: list[Exchange]) -> Iterator[Subject]:
        with request.param() as subject:
            yield subject
        _judged(exchanges, request.config)


@pytest.mark.parametrize("tape", VARIANTS, ids=lambda tape: tape.name)
def test_the_whole_vocabulary(tape: Tape, exchanges: list[Exchange], request: pytest.FixtureRequest) -> None:
    """The story of the cassettes holds to the descriptions too: each field, history, recovery and refusals."""
    with acted(tape) as (told, _):
        assert len(told) > 20
    _judged(exchanges, request.config)


def _judged(exchanges: list[Exchange], config: pytest.Config) -> None:
    tally: Counter[str] = config.stash[TALLY]
    wrong: set[str] = set()
    for exchange in exchanges:
        operation, complaints = judge(exchange)
        tally[f"operation|{exchange.kind} {exchange.product}|{operation}|{exchange.status}"] += 1
        for complaint in complaints:
            entry = excuse(exchange.kind, exchange.product, complaint)
            if entry is None:
                wrong.add(
                    f"{exchange.kind} {exchange.product}: {complaint.side} of {complaint.operation}: {complaint.what}"
                )
            else:
                tally[f"excuse|{entry}"] += 1
    assert not wrong, "\n".join(sorted(wrong))
