"""Joint merge of all sides of one ticket: `reconcile` decides, and touches nothing.

For each field and side (`b` base, `h` head, `c` the canonical value as this side can hold it):

    h vs b    c vs b    h vs c
    same      same      same      nothing
    same      differs   differs   write c here
    differs   same      differs   the side claims h
    differs   differs   same      both came to the same: take h as the base, write nothing
    differs   differs   differs   the side claims h and the canonical ticket claims c

`c` counts as differing from `b` only if this side was not yet settled with that canonical value (`Side.delivered`): a value that
the tracker could not hold is not offered to it again, and what it made of the value is not read as an edit.
The claims of all sides are then joined at once, so nothing depends on their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync.core.changes import ChangeSet, FieldChange, diff_fields
from sync.core.claims import Verdict, claims_of, join_scalars, merge_sets, merge_text
from sync.core.conflict import Claim, Conflict, Reason
from sync.core.decision import Decision, Side, SideDecision
from sync.core.fieldrules import PARTNERS, Shape, equal, shape_of
from sync.core.models import UNKNOWN, Canonical, Field, Fields, Provenance, Tombstone, Value, is_empty
from sync.core.policy import MergePolicy, PolicyName


def reconcile(
    canonical: Canonical | None, sides: Sequence[Side], policy: MergePolicy, held: frozenset[Field] = frozenset()
) -> Decision:
    """Decide what the ticket is now and what each side must be told.

    `held` are the fields that wait for a person: they change nowhere, and new claims on them are reported as conflicts.
    Deciding again from the result decides nothing.
    """
    sides = sorted(sides, key=lambda side: (policy.rank(side.replica), side.replica))
    before: Fields = canonical.fields if canonical is not None else {}
    after: dict[Field, Value] = dict(before)
    provenance: dict[Field, Provenance] = dict(canonical.provenance) if canonical is not None else {}
    conflicts: list[Conflict] = []
    waiting = set(held)
    for name in _names(before, sides):
        verdict = _decide(name, canonical, sides, policy)
        if verdict is None:
            conflicts += _put_back(name, before[name], sides) if name in held and name in before else []
            continue
        if verdict.conflict is not None:
            conflicts.append(verdict.conflict)
            if name in held or not verdict.conflict.settled:
                waiting.add(name)
                continue
        is_news = name not in after or not equal(name, after[name], verdict.value)
        if name in held:
            claim = Claim(value=verdict.value, source=verdict.source)
            conflicts += [_one_more(name, before.get(name), claim)] if is_news and verdict.conflict is None else []
            continue
        if is_news:
            after[name] = verdict.value
            provenance[name] = verdict.source
    return Decision(
        before=canonical,
        after=Canonical(fields=after, provenance=provenance),
        changes=diff_fields(before, after),
        conflicts=tuple(conflicts),
        sides={side.replica: _settle_side(side, after, frozenset(waiting)) for side in sides},
    )


def _names(before: Fields, sides: Sequence[Side]) -> list[Field]:
    """Every field that anybody says something about, in the order of the report."""
    custom = {name for side in sides for name in side.seen if name.is_custom} | {
        name for name in before if name.is_custom
    }
    return [*Field, *sorted(custom)]


def _decide(name: Field, canonical: Canonical | None, sides: Sequence[Side], policy: MergePolicy) -> Verdict | None:
    """The field's new value; None where nobody claims anything."""
    present = [side for side in sides if name in side.fields and not isinstance(side.head, Tombstone)]
    known = canonical is not None and name in canonical.fields
    value: Value = canonical.fields[name] if canonical is not None and known else None
    claiming = [side for side in present if side.reads and _claims(side, name, canonical)]
    claimants = _with_a_say(name, claiming, value)
    intruders = [
        side
        for side in present
        if not side.reads and side.base is not None and name in side.base.fields and _claims(side, name, canonical)
    ]
    if not claimants:
        if known:
            return _refused(name, canonical, intruders) if intruders and canonical is not None else None
        shown = [side.seen[name] for side in present if side.reads and side.seen.get(name, UNKNOWN) is not UNKNOWN]
        full = [value for value in shown if not is_empty(value)]
        verdict = Verdict(value=(full or shown)[0], source=Provenance(replica=None)) if shown else None
        return verdict and _with_intruders(name, verdict.value, verdict, intruders, _unheard(name, present))
    # Edits that came to the canonical value by themselves: nothing to write for, but a rival to what the claimants say.
    backers = [
        side
        for side in present
        if side.reads and side not in claiming and ((side.had(name) and side.edited(name)) or _has_overrun(side, name))
    ]
    shape, merges = shape_of(name), policy.of(name).name is PolicyName.MERGE
    mine = _canonical_claim(name, canonical)
    if shape is Shape.SET and merges:
        verdict = merge_sets(name, value, [*claimants, *backers])
    elif shape is Shape.TEXT and merges:
        verdict = merge_text(name, value if known else None, mine, claimants, backers, policy)
    else:
        verdict = join_scalars(name, value, mine, claimants, backers, policy)
    return _with_intruders(name, value, verdict, intruders)


def _claims(side: Side, name: Field, canonical: Canonical | None) -> bool:
    """Whether the side has something to say: an edit that is not already what the canonical ticket says, or one we ran over."""
    if canonical is None or name not in canonical.fields:
        return side.edited(name) or _has_overrun(side, name)
    # Whoever wrote just the canonical value at the same moment as we did backs it.
    backed = canonical.fields[name] if shape_of(name) is Shape.SCALAR else UNKNOWN
    if any(event.field is name and not equal(name, event.new, backed) for event in side.overrun):
        return True
    if not side.edited(name):
        return False
    return not equal(name, side.seen[name], side.project(canonical.fields).get(name, UNKNOWN))


def _has_overrun(side: Side, name: Field) -> bool:
    return any(event.field is name for event in side.overrun)


def _with_a_say(name: Field, claimants: list[Side], value: Value) -> list[Side]:
    """Without those who only tell of the field where somebody else can be told of it too: they could never come round."""
    told = [side for side in claimants if name not in side.tells]
    return told or ([] if not is_empty(value) else claimants[:1])


def _put_back(name: Field, value: Value, sides: Sequence[Side]) -> list[Conflict]:
    """Whoever wrote the canonical value itself while the field waits for a person claims it, as any other value."""
    writers = [side for side in sides if side.reads and name in side.fields and side.had(name) and side.edited(name)]
    return [_one_more(name, value, claims_of(side, name)[-1]) for side in writers]


def _one_more(name: Field, value: Value, claim: Claim) -> Conflict:
    """What somebody wrote while the field waits for a person is another claim on it."""
    return Conflict(
        field=name,
        reason=Reason.CONCURRENT,
        base=value,
        claims=(claim,),
        proposed=claim.value,
        winner=claim,
        settled=False,
    )


def _canonical_claim(name: Field, canonical: Canonical | None) -> Claim | None:
    if canonical is None or name not in canonical.fields:
        return None
    source = canonical.provenance.get(name, Provenance(replica=None))
    return Claim(value=canonical.fields[name], source=source, canonical=True)


def _refused(name: Field, canonical: Canonical, intruders: Sequence[Side]) -> Verdict:
    """Edits on sides that only receive: kept as a conflict, and the canonical value is put back."""
    mine = _canonical_claim(name, canonical)
    assert mine is not None
    conflict = Conflict(
        field=name,
        reason=Reason.DIRECTION,
        base=mine.value,
        claims=(mine, *_intrusions(name, intruders)),
        proposed=mine.value,
        winner=mine,
        settled=True,
    )
    return Verdict(value=mine.value, source=mine.source, conflict=conflict)


def _unheard(name: Field, present: Sequence[Side]) -> list[Claim]:
    """What stands on sides that only receive, in a field of which the ticket has known nothing so far."""
    return [
        Claim(value=side.seen[name], source=side.touched or Provenance(replica=side.replica))
        for side in present
        if not side.reads and side.base is not None and name not in side.agreed and not is_empty(side.seen.get(name))
        if side.seen[name] is not UNKNOWN and not side.edited(name)
    ]


def _with_intruders(
    name: Field, value: Value, verdict: Verdict, intruders: Sequence[Side], others: Sequence[Claim] = ()
) -> Verdict:
    """The verdict of those who have a say; what the others wrote is kept beside it."""
    claims = (*_intrusions(name, intruders), *others)
    told = tuple(claim for claim in claims if not equal(name, claim.value, verdict.value))
    if not told:
        return verdict
    winner = Claim(value=verdict.value, source=verdict.source)
    conflict = verdict.conflict or Conflict(
        field=name,
        reason=Reason.DIRECTION,
        base=value,
        claims=(winner,),
        proposed=verdict.value,
        winner=winner,
        settled=True,
    )
    return replace(verdict, conflict=replace(conflict, claims=(*conflict.claims, *told)))


def _intrusions(name: Field, intruders: Sequence[Side]) -> tuple[Claim, ...]:
    return tuple(claim for side in intruders for claim in claims_of(side, name))


def _settle_side(side: Side, after: Fields, waiting: frozenset[Field]) -> SideDecision:
    """The side's new base and agreement, and what it still has to be told."""
    if isinstance(side.head, Tombstone):
        base: Fields = side.base.fields if side.base is not None else {}
        return SideDecision(base=base, agreed=side.agreed, gone=True)
    agreed: dict[Field, Value] = dict(side.agreed)
    writes: dict[Field, FieldChange] = {}
    open_fields = [
        name for name in after if name in side.fields and name not in waiting and _unsettled(side, name, after[name])
    ]
    # Rendering a body is dear, so it is projected only where it matters.
    holds = side.project(
        {name: value for name, value in after.items() if name in open_fields or name is not Field.BODY}
    )
    for name in open_fields:
        seen = side.seen.get(name, UNKNOWN)
        # A value that was read from this very side is not sent back, whatever a converter would make of it.
        if name in side.tells or _stands_there(side, name, after[name], holds.get(name, UNKNOWN)):
            agreed[name] = after[name]
        elif side.receives and seen is not UNKNOWN:
            writes[name] = FieldChange(old=seen, new=after[name])
            agreed.pop(name, None)
    for name, partner in PARTNERS.items():
        shown = side.seen.get(partner, UNKNOWN)
        if name in writes and partner in after and partner not in waiting and shown is not UNKNOWN:
            writes.setdefault(partner, FieldChange(old=shown, new=after[partner]))
            agreed.pop(partner, None)
    return SideDecision(base=side.seen, agreed=agreed, writes=ChangeSet(fields=writes))


def _stands_there(side: Side, name: Field, value: Value, held: Value) -> bool:
    """Whether the side shows the value: as it is, as this tracker can hold it, or as the very words that it was read from here."""
    seen = side.seen.get(name, UNKNOWN)
    if seen is UNKNOWN:
        return False
    if equal(name, seen, value) or (held is not UNKNOWN and equal(name, seen, held)):
        return True
    return side.edited(name) and equal(name, side.step(name)[1], value)


def _unsettled(side: Side, name: Field, value: Value) -> bool:
    """Whether the side must be looked at: somebody wrote there, or the canonical value moved on.

    Another kind or type may leave room for what the old one had no word or no field for.
    """
    written = side.edited(name) or (shape_of(name) is not Shape.TEXT and any(side.edited(one) for one in PARTNERS))
    return written or not side.delivered(name, value) or _has_overrun(side, name)
