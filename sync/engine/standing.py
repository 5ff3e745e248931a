"""What a verification says: values for the command line and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sync.core.ids import BridgeName, ReplicaName
from sync.core.models import Field, Value
from sync.engine.report import ReplicaFailure


class Standing(StrEnum):
    """How a ticket and its copy in one tracker stand to each other."""

    IN_STEP = "in step"
    DRIFTED = "drifted"  # the tracker shows something else than is known, and no feed told of it
    LOST = "lost"  # the tracker says that it is not there
    ORPHAN = "orphan"  # it carries our marker, and no link knows it
    PENDING = "pending"  # known, and still to be decided on or written
    NEVER = "never synced"  # it takes part, and has no link


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field: what should stand there, as far as the tracker can hold it, and what does."""

    field: Field
    expected: Value
    found: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One ticket in one tracker that is not in step; `where` is its native key ("": no copy), `key` ours ("": no ticket).

    `mends`: whether the next cycle makes it right once it is told to look.
    """

    replica: ReplicaName
    standing: Standing
    where: str
    key: str
    reason: str
    differences: tuple[Difference, ...] = ()
    mends: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a verification found; `mended` findings were handed to the next cycle."""

    bridge: BridgeName
    in_step: Mapping[ReplicaName, int]
    findings: tuple[Finding, ...]
    failures: tuple[ReplicaFailure, ...]
    mended: int = 0
    interrupted: bool = False
    requests: Mapping[ReplicaName, int] = field(default_factory=dict)
