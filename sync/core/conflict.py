"""Claims on a field, and how two or more of them are settled. The losers are always kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sync.core.ids import ReplicaName
from sync.core.models import Field, Provenance, Value
from sync.core.policy import FieldPolicy, MergePolicy, PolicyName

_EVER = datetime.min.replace(tzinfo=UTC)


class Reason(StrEnum):
    """Why there is a conflict."""

    CONCURRENT = "concurrent"  # two sides wrote the field since they last agreed
    OVERWRITTEN = "overwritten"  # our own write ran over a person's edit; it was found in the history
    FIRST_MEETING = "first_meeting"  # the tickets were joined and had no common past
    DIRECTION = "direction"  # edited on a side that only receives
    DELETED = "deleted"  # edited here, deleted there


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Somebody wrote `value`; `canonical` marks the agreed ticket's own, not yet delivered, value, `run_over` one that we wrote over."""

    value: Value
    source: Provenance
    canonical: bool = False
    run_over: bool = False

    @property
    def replica(self) -> ReplicaName | None:
        """The replica where it was written."""
        return self.source.replica


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two or more claims on one field: all of them, what the policy proposes and what was chosen.

    `chosen` equals `proposed` when the policy settled it and is None while it waits for a person; `uncertain` says
    that the clocks could not tell who was last.
    """

    field: Field
    reason: Reason
    base: Value
    claims: tuple[Claim, ...]
    proposed: Value
    winner: Claim | None
    settled: bool
    uncertain: bool = False


def settle(
    name: Field,
    reason: Reason,
    base: Value,
    claims: Sequence[Claim],
    policy: MergePolicy,
    kept: Sequence[Claim] | None = None,
) -> Conflict:
    """Settle differing claims by the field's policy; the result does not depend on their order.

    `kept` are all the claims to remember, where some can't win because they only shadow another one.
    """
    ordered = tuple(sorted(claims, key=lambda claim: _stable_key(claim, policy)))
    rule = policy.of(name)
    if rule.name is PolicyName.PREFER and (preferred := _preferred(ordered, rule)) is not None:
        winner, uncertain = preferred, False
    else:
        winner, uncertain = _last_writer(ordered)
    settled = rule.name is not PolicyName.MANUAL
    return Conflict(
        field=name,
        reason=reason,
        base=base,
        claims=ordered if kept is None else tuple(sorted(kept, key=lambda claim: _stable_key(claim, policy))),
        proposed=winner.value,
        winner=winner,
        settled=settled,
        uncertain=uncertain,
    )


def _preferred(claims: Sequence[Claim], rule: FieldPolicy) -> Claim | None:
    return next((claim for claim in claims if claim.replica == rule.prefer), None)


def _last_writer(claims: Sequence[Claim]) -> tuple[Claim, bool]:
    """The latest claim; when others may have been later within the clocks' error, the first in the bridge's order of those."""
    latest = max(claims, key=lambda claim: claim.source.at or _EVER)
    if latest.source.at is None:
        return claims[0], len(claims) > 1
    rivals = [claim for claim in claims if _may_be_later(claim, latest)]
    return rivals[0], len(rivals) > 1


def _may_be_later(claim: Claim, latest: Claim) -> bool:
    if claim.source.at is None or latest.source.at is None:
        return True  # an edit whose time nobody knows may have been the last
    return latest.source.at - claim.source.at <= _sum(claim.source.uncertainty, latest.source.uncertainty)


def _sum(a: timedelta, b: timedelta) -> timedelta:
    return timedelta() if not a and not b else a + b


def _stable_key(claim: Claim, policy: MergePolicy) -> tuple[int, bool, str, str]:
    return (
        policy.rank(claim.replica),
        claim.canonical,
        str(claim.source.at),
        repr(sorted(claim.value) if isinstance(claim.value, frozenset) else claim.value),
    )
