"""What the sides claim for one field, and how claims of each shape are joined."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from sync.core.conflict import Claim, Conflict, Reason, settle
from sync.core.decision import Side
from sync.core.fieldrules import equal
from sync.core.ids import ReplicaName
from sync.core.models import UNKNOWN, Field, FieldEvent, Provenance, Value, is_empty
from sync.core.policy import MergePolicy
from sync.core.textmerge import Edit, common_base, merge_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A field's new value and its origin, with the conflict that led there, if any."""

    value: Value
    source: Provenance
    conflict: Conflict | None = None


def join_scalars(
    name: Field,
    value: Value,
    mine: Claim | None,
    claimants: Sequence[Side],
    backers: Sequence[Side],
    policy: MergePolicy,
) -> Verdict:
    """One value wins whole: equal claims agree, a poorer claim gives way to the richer one it is a shadow of.

    `backers` wrote the canonical value themselves, as far as their tracker can hold it.
    """
    claims = [claim for side in claimants for claim in _last_words(name, _steps(side, name))]
    claims += [replace(claim, value=value) for side in backers for claim in _last_words(name, _steps(side, name))]
    if mine is not None:
        # Whoever had seen the canonical value and wrote something else has spoken for it: it is no rival to the others any more.
        unaware = [side for side in claimants if _canonical_is_rival(side, name, mine)]
        claims += [mine] if unaware and not any(side.had(name) for side in claimants if side not in unaware) else []
    rivals = _without_shadows(name, claims, [*claimants, *backers], policy)
    latest = _latest(rivals)
    if all(equal(name, claim.value, latest.value) for claim in rivals):
        return Verdict(value=latest.value, source=latest.source)
    conflict = settle(name, _reason(claimants, name), value, rivals, policy, kept=claims)
    assert conflict.winner is not None
    return Verdict(value=conflict.proposed, source=conflict.winner.source, conflict=conflict)


def _last_words(name: Field, steps: Sequence[tuple[Value, Claim]]) -> list[Claim]:
    """The claims of one side without those over which the next step was written."""
    nexts: list[Value] = [old for old, _ in steps[1:]]
    return [
        claim
        for number, (_, claim) in enumerate(steps)
        if number == len(nexts) or not equal(name, claim.value, nexts[number])
    ]


def merge_sets(name: Field, value: Value, claimants: Sequence[Side]) -> Verdict:
    """Every side's additions and removals are applied; a member that one side added and another removed stays, and is told."""
    added: dict[str, Claim] = {}
    removed: dict[str, Claim] = {}
    sources: list[Claim] = []
    for side in claimants:
        for old, claim in _steps(side, name):
            now, before = as_set(claim.value), as_set(old)
            added.update(dict.fromkeys(now - before, claim))
            removed.update(dict.fromkeys(before - now, claim))
            sources.append(claim)
    disputed = {member for member in added if member in removed}
    merged = frozenset(as_set(value) | added.keys()) - frozenset(removed.keys() - disputed)
    last = _latest(sources)
    conflict = None
    if disputed:
        parties = {id(claim): claim for member in disputed for claim in (added[member], removed[member])}
        conflict = Conflict(
            field=name,
            reason=Reason.CONCURRENT,
            base=value,
            claims=tuple(parties.values()),
            proposed=merged,
            winner=None,
            settled=True,
        )
    return Verdict(value=merged, source=last.source, conflict=conflict)


def merge_text(
    name: Field,
    value: Value,
    mine: Claim | None,
    claimants: Sequence[Side],
    backers: Sequence[Side],
    policy: MergePolicy,
) -> Verdict:
    """Lines are merged jointly; only where several rewrote the same lines is there a conflict, about those lines."""
    if len(claimants) == 1 and not backers and (mine is None or _stands_alone(claimants[0], name, mine)):
        claim = claims_of(claimants[0], name)[-1]
        return Verdict(value=claim.value, source=claim.source)
    heads = sorted(as_text(side.seen[name]) for side in claimants)
    canonical = common_base(heads) if mine is None else as_text(value)
    edits: list[Edit] = []
    by_side: dict[Hashable, Claim] = {} if mine is None else {None: mine}
    for side in [*claimants, *backers]:
        for number, (old, claim) in enumerate(_steps(side, name)):
            key = (side.replica, number)
            head = canonical if side in backers else as_text(claim.value)
            past = as_text(old) if side.had(name) else common_base([canonical, head])
            # An edit that we ran over began at what stood there before, whatever this side was settled with since.
            settled = past == canonical if claim.run_over else side.delivered(name, value)
            edits.append(Edit(side=key, base=past, head=head, delivered=settled or mine is None))
            by_side[key] = claim
    merged = merge_texts(canonical, edits)
    last = _latest(list(by_side.values()))
    if not merged.overlaps:
        return Verdict(value=merged.render(), source=last.source)
    parties = {key for overlap in merged.overlaps for key, _ in overlap.versions}
    keys = {id(by_side[key]): key for key in parties}
    conflict = settle(
        name, _reason(claimants, name), value, [by_side[key] for key in sorted(parties, key=repr)], policy
    )
    assert conflict.winner is not None
    chosen = merged.render(keys[id(conflict.winner)])
    return Verdict(value=chosen, source=conflict.winner.source, conflict=replace(conflict, proposed=chosen))


def claims_of(side: Side, name: Field) -> list[Claim]:
    """What a side claims: the edits that we ran over, then the value that stands there if a person wrote it."""
    return [claim for _, claim in _steps(side, name)]


def as_set(value: Value) -> frozenset[str]:
    """A set's members; empty for nothing and for unknown."""
    return value if isinstance(value, frozenset) else frozenset()


def as_text(value: Value) -> str:
    """A text; empty for nothing and for unknown."""
    return value if isinstance(value, str) else ""


def _steps(side: Side, name: Field) -> list[tuple[Value, Claim]]:
    """Each step that people took on this side, with the value that it started from."""
    steps: list[tuple[Value, Claim]] = [
        (event.old, Claim(value=event.new, source=_source(side, event), run_over=True))
        for event in side.overrun
        if event.field is name and event.new is not UNKNOWN
    ]
    if side.edited(name):
        past, value = side.step(name)
        seen = side.seen[name]
        written = [
            e for e in side.history or () if e.field is name and e.new is not UNKNOWN and equal(name, e.new, seen)
        ]
        source = _source(side, written[-1]) if written else side.touched or Provenance(replica=side.replica)
        steps.append((past, Claim(value=value, source=source)))
    return steps


def _source(side: Side, event: FieldEvent) -> Provenance:
    uncertainty = side.clock_uncertainty
    return Provenance(replica=side.replica, author=event.author, at=event.at, uncertainty=uncertainty)


def _canonical_is_rival(side: Side, name: Field, mine: Claim) -> bool:
    """Whether the canonical value is news to this side: not settled with it, and not what it had before its edit."""
    told = [*(event for event in side.overrun if event.field is name), *_since_base(side, name)]
    seen = any(equal(name, event.old, mine.value) for event in told)
    if seen and not any(equal(name, event.new, mine.value) for event in told):
        return False  # it was written by somebody who saw the canonical value, which nobody else had brought there
    if any(event.field is name for event in side.overrun):
        return True
    if side.delivered(name, mine.value):
        # Where the tracker shows less than the canonical value, nothing may have been written: the edit may be of before.
        was = side.base.fields[name] if side.base is not None and side.had(name) else mine.value
        return not equal(name, was, mine.value) and name not in side.taken and _is_older(side)
    if is_empty(mine.value) and not side.had(name):
        return False
    if side.base is None or not side.had(name):
        return True
    holds = side.project({name: mine.value}).get(name, UNKNOWN)
    return holds is UNKNOWN or not equal(name, holds, side.base.fields[name])


def _since_base(side: Side, name: Field) -> list[FieldEvent]:
    """What the history tells of the field after the base: times may be too coarse to leave out what came before it."""
    events = [event for event in side.history or () if event.field is name]
    if side.base is None or not side.had(name):
        return events
    made = [number for number, event in enumerate(events) if equal(name, event.new, side.base.fields[name])]
    return events[made[-1] + 1 :] if made else events


def _is_older(side: Side) -> bool:
    """Whether what stands there may have been written before the side was settled with anything, and only not been listed yet."""
    head, settled = side.touched, side.settled_at
    if head is None or head.at is None or settled is None:
        return False
    return head.at + head.uncertainty - 2 * side.clock_uncertainty < settled


def _stands_alone(side: Side, name: Field, mine: Claim) -> bool:
    """Whether the side edited exactly the canonical text, so that its head is the whole new text."""
    if side.overrun or side.base is None or not side.had(name):
        return False
    return equal(name, side.base.fields[name], mine.value)


def _without_shadows(name: Field, claims: Sequence[Claim], sides: Sequence[Side], policy: MergePolicy) -> list[Claim]:
    """Drop a claim that is only how its tracker shows another one: "open" beside "in review", where it knows no review."""
    by_replica: Mapping[ReplicaName | None, Side] = {side.replica: side for side in sides}

    def shown(claim: Claim, on: Claim) -> bool:
        side = by_replica.get(on.replica) if not on.canonical else None
        if side is None:
            return equal(name, claim.value, on.value)
        return equal(name, side.project({name: claim.value}).get(name, UNKNOWN), on.value)

    kept: list[Claim] = []
    for poorer in claims:
        richer = [
            other
            for other in claims
            if other is not poorer
            and not equal(name, other.value, poorer.value)
            and shown(other, on=poorer)
            # Each a shadow of the other: both trackers are poor, and the bridge's order decides which word stays.
            and (not shown(poorer, on=other) or policy.rank(other.replica) < policy.rank(poorer.replica))
        ]
        if not richer:
            kept.append(poorer)
    return kept or list(claims)


def _latest(claims: Sequence[Claim]) -> Claim:
    return max(claims, key=lambda claim: str(claim.source.at or ""))


def _reason(claimants: Sequence[Side], name: Field) -> Reason:
    if any(event.field is name for side in claimants for event in side.overrun):
        return Reason.OVERWRITTEN
    return Reason.CONCURRENT if all(side.had(name) for side in claimants) else Reason.FIRST_MEETING
