"""What a cycle or a plan says about itself: values for the command line, the daemon and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sync.core.ids import BridgeName, ReplicaName, RunId, TicketId
from sync.core.models import Field, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltLine:
    """A guard that stopped the cycle: what it saw, in one sentence, and how a person lifts it.

    What `waits` stopped nothing else: all but this was done.
    """

    name: str
    message: str
    mend: str
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemLine:
    """One thing that could not be read or written; `place` names tracker, ticket and field as people know them."""

    replica: ReplicaName | None
    place: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaFailure:
    """A tracker that could not take part; `kind` is "auth", "unreachable", "refused", "failing" or "limited".

    What is limited is not at fault: it is told as a pause, `after` which it takes part again.
    """

    replica: ReplicaName
    kind: str
    message: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseLine:
    """What waits for a limit of a tracker: `left` writes of tickets and comments, beside the `written` ones of this cycle.

    `why` names the limit; `until` is when the next one may go out, `over` when all should have.
    """

    replica: ReplicaName
    why: str
    left: int
    written: int
    until: datetime
    over: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """One field that a sync would write: from what stands there to what it would become."""

    field: Field
    old: Value
    new: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWrite:
    """One ticket or comment that a sync would create, update or delete in one replica.

    `action` is "create", "update", "comment", "edit comment", "delete comment", "attach", "remove attachment" or "delete"; `where` is
    the native key there ("" for a create), `file` the name of an attachment.
    """

    replica: ReplicaName
    action: str
    ticket: TicketId
    key: str
    title: str
    where: str
    changes: tuple[PlannedChange, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the decision on one ticket rests on: the native versions that were read, and a digest of the canonical ticket."""

    ticket: TicketId
    key: str
    versions: Mapping[ReplicaName, str]
    canonical: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """What a sync would do now, a halt lifted; `rests_on` says for each ticket that is written what that was decided from."""

    bridge: BridgeName
    made_at: datetime
    writes: tuple[PlannedWrite, ...] = ()
    new_tickets: int = 0
    changed_tickets: int = 0
    conflicts: tuple[PlannedConflict, ...] = ()
    halts: tuple[HaltLine, ...] = ()
    problems: tuple[ProblemLine, ...] = ()
    failures: tuple[ReplicaFailure, ...] = ()
    rests_on: tuple[Basis, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedConflict:
    """A conflict that a sync would find; `settled` False means that it would wait for a person."""

    ticket: TicketId
    key: str
    field: Field
    claims: tuple[tuple[ReplicaName | None, Value], ...]
    proposed: Value
    settled: bool


@dataclass(slots=True, kw_only=True)
class CycleReport:
    """One cycle of one bridge. Counts are of tickets, except `writes` and `requests` (per tracker, on the wire).

    `conflicts` are those found in this cycle, `waiting` those open that wait for a person, whenever found. `more_runs` are the
    later cycles that are told together with this one, newest first, where what had waited for a limit was written.
    """

    run: RunId
    name: BridgeName
    pulled: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    conflicts: int = 0
    waiting: int = 0
    problems: list[ProblemLine] = field(default_factory=list)
    halts: list[HaltLine] = field(default_factory=list)
    failures: list[ReplicaFailure] = field(default_factory=list)
    pauses: list[PauseLine] = field(default_factory=list)
    requests: dict[ReplicaName, int] = field(default_factory=dict)
    writes: dict[ReplicaName, int] = field(default_factory=dict)
    adopted: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    more_runs: list[RunId] = field(default_factory=list)

    def unread(self) -> tuple[ReplicaFailure, ...]:
        """The trackers that took no part: those that failed, and those whose limit on reading is used up."""
        limited = (
            ReplicaFailure(replica=pause.replica, kind="limited", message=pause.why)
            for pause in self.pauses
            if not pause.left
        )
        return (*self.failures, *limited)

    def as_json(self) -> dict[str, Any]:
        """The member of `bridges` in `sync --json`."""
        values = asdict(self)
        del values["run"]
        for pause in values["pauses"]:
            pause |= {name: pause[name].isoformat() for name in ("until", "over")}
        for failure in values["failures"]:
            del failure["after"]
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a reviewed plan: with `differences` it was stale, and the cycle wrote nothing."""

    report: CycleReport
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneValue:
    """One value that is set back, of a ticket or (`comment`) of one of its comments."""

    ticket: TicketId
    key: str
    comment: bool
    field: Field
    old: Value
    new: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUndone:
    """What is left as it is, and why; `field` and `replica` where it is about one."""

    ticket: TicketId
    key: str
    reason: str
    field: Field | None = None
    replica: ReplicaName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What becomes of an undo of `run`, itself the run `undo`.

    `refused` could not be taken back, `kept` is not by itself; `conflicts` are those that the run settled. `plan` is all that is
    written, `cycle` what was done; with `differences` it was not what had been reviewed, and nothing was.
    """

    run: RunId
    undo: RunId
    bridge: BridgeName
    undone: tuple[UndoneValue, ...] = ()
    refused: tuple[NotUndone, ...] = ()
    kept: tuple[NotUndone, ...] = ()
    conflicts: tuple[str, ...] = ()
    plan: PlanReport
    cycle: CycleReport
    differences: tuple[str, ...] = ()
