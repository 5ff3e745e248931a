"""Plans as people read them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console

from sync.core.ids import BridgeName, ReplicaName
from sync.engine.report import PlanReport, ReplicaFailure
from sync.shell.cli.plan_view import render_plan

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def shown(**members: object) -> str:
    """What `plan` says of an otherwise empty plan."""
    out = io.StringIO()
    report = PlanReport(bridge=BridgeName("payments"), made_at=AT, **members)  # type: ignore[arg-type]
    render_plan([report], Console(file=out, width=120))
    return out.getvalue()


def test_an_empty_plan_promises_only_what_was_read():
    """With a tracker that does not answer nobody knows whether everything is in step."""
    assert "everything is in step" in shown()
    failure = ReplicaFailure(replica=ReplicaName("hub"), kind="unreachable", message="no connection")
    told = shown(failures=(failure,))
    assert "in step" not in told
    assert "as far as could be read" in told
