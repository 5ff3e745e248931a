"""Gathers what was checked from every worker and prints it once, at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.contract.tally import TALLY, lines
from tests.contract.whitelist import WHITELIST


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Counter()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["contract"] = dict(session.config.stash[TALLY])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[TALLY].update(getattr(node, "workeroutput", {}).get("contract", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash[TALLY]
    if tally:
        terminalreporter.section("held to the official descriptions")
        terminalreporter.write_line("\n".join(lines(tally, [one.reason for one in WHITELIST])))
