"""Laws of `reconcile`: order-free, settled by one pass, losing nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.core.decision import Decision, Side, as_it_stands
from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.ids import ReplicaName
from sync.core.merge import reconcile
from sync.core.models import UNKNOWN, Canonical, Field, Fields, Provenance, Snapshot, Value
from sync.core.policy import FieldPolicy, MergePolicy, PolicyName
from sync.text import rephrase

EXAMPLES = int(os.environ.get("TRACKDOWN_EXAMPLES", "300"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

NAMES = [ReplicaName(name) for name in ("azure", "github", "jira")]
START = datetime(2026, 1, 1, tzinfo=UTC)

Projection = Callable[[Fields], Fields]


def faithful(fields: Fields) -> Fields:
    """A tracker that holds everything."""
    return dict(fields)


def poor_words(fields: Fields) -> Fields:
    """A tracker that knows only open and done, and no P2 or P3."""
    out = dict(fields)
    if Field.STATUS in out and out[Field.STATUS] not in (None, "done"):
        out[Field.STATUS] = "open"
    if out.get(Field.PRIORITY) in ("P2", "P3"):
        del out[Field.PRIORITY]
    return out


def poor_sets(fields: Fields) -> Fields:
    """A tracker without blanks in labels and without body formatting (it writes capitals)."""
    out = dict(fields)
    labels = out.get(Field.LABELS)
    if isinstance(labels, frozenset):
        out[Field.LABELS] = frozenset(label for label in labels if " " not in label)
    body = out.get(Field.BODY)
    if isinstance(body, str):
        out[Field.BODY] = body.upper()
    return out


PROJECTIONS: Mapping[str, Projection] = {"faithful": faithful, "poor_words": poor_words, "poor_sets": poor_sets}

texts = st.lists(st.sampled_from(["a", "b", "c", "# d", "- e", ""]), max_size=6).map("\n".join)
labels = st.frozensets(st.sampled_from(["red", "blue", "deep sea", "green"]), max_size=3)
VALUES: Mapping[Field, st.SearchStrategy[Value]] = {
    Field.TITLE: st.sampled_from(["t1", "t2", "t3", "t4"]),
    Field.BODY: texts,
    Field.STATUS: st.sampled_from(["open", "in_progress", "review", "done"]),
    Field.PRIORITY: st.sampled_from([None, "P0", "P1", "P2"]),
    Field.LABELS: labels,
    Field.PARENT: st.sampled_from([None, "parent-1", "parent-2"]),
    Field.REPORTER: st.sampled_from([None, "ada", "grace"]),
    Field("custom.customer"): st.sampled_from([None, "acme", "initech"]),
    Field("custom.regions[]"): st.frozensets(st.sampled_from(["emea", "apac"]), max_size=2),
}
all_fields = st.fixed_dictionaries(dict(VALUES))
provenances = st.builds(
    Provenance,
    replica=st.sampled_from(NAMES),
    at=st.one_of(st.none(), st.integers(0, 20).map(lambda n: START + timedelta(seconds=n))),
    uncertainty=st.sampled_from([timedelta(), timedelta(seconds=2)]),
)


@st.composite
def a_side(draw: st.DrawFn, name: ReplicaName, canonical: Fields) -> Side:
    """A side in step, behind, edited, both, or met for the first time."""
    project = PROJECTIONS[draw(st.sampled_from(sorted(PROJECTIONS)))]
    past = draw(all_fields)
    agreed = {f: (canonical[f] if draw(st.booleans()) else past[f]) for f in canonical}
    base = Snapshot(fields=dict(project(agreed)))
    met = draw(st.booleans())
    edits = {f: v for f, v in draw(all_fields).items() if draw(st.integers(0, 2)) == 0}
    seen = {**base.fields, **project(edits)}
    if draw(st.integers(0, 9)) == 0:
        seen[Field.STATUS] = UNKNOWN
    return Side(
        replica=name,
        tells=draw(st.sampled_from([frozenset(), frozenset({Field.REPORTER})])),
        rephrase=draw(st.sampled_from([as_it_stands, rephrase])),
        fields=frozenset(VALUES),
        project=project,
        base=base if met else None,
        agreed=agreed if met else {},
        head=Snapshot(fields=seen),
        touched=replace(draw(provenances), replica=name),
    )


@st.composite
def a_meeting(draw: st.DrawFn) -> tuple[Canonical | None, list[Side], MergePolicy]:
    """A canonical ticket (or none yet), up to three sides and a policy for each field."""
    fields = draw(all_fields)
    canonical = draw(
        st.one_of(st.none(), st.just(Canonical(fields=fields, provenance={f: draw(provenances) for f in fields})))
    )
    sides = [draw(a_side(name, fields)) for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))]
    if canonical is None:
        sides = [replace(side, base=None, agreed={}) for side in sides]
    policies = {
        f: draw(st.sampled_from([FieldPolicy(PolicyName.LAST_WRITER), FieldPolicy(PolicyName.PREFER, NAMES[1])]))
        for f in VALUES
        if draw(st.integers(0, 3)) == 0
    }
    return canonical, sides, MergePolicy(order=tuple(NAMES), fields=policies)


def carried_out(sides: list[Side], decision: Decision) -> list[Side]:
    """The sides after every decided write was done and observed."""
    after = []
    for side in sides:
        told = decision.sides[side.replica]
        holds = side.project(decision.after.fields)
        written = {f: holds[f] for f in told.writes if f in holds}
        agreed = {**told.agreed, **{f: decision.after.fields[f] for f in told.writes}}
        base = Snapshot(fields={**told.base, **written})
        after.append(replace(side, base=base, head=base, agreed=agreed, overrun=()))
    return after


@many
@given(a_meeting(), st.randoms(use_true_random=False))
def test_the_order_of_the_sides_does_not_matter(meeting, random):
    """Any order of the sides gives the same decision."""
    canonical, sides, policy = meeting
    shuffled = list(sides)
    random.shuffle(shuffled)
    assert reconcile(canonical, shuffled, policy) == reconcile(canonical, sides, policy)


@many
@given(a_meeting())
def test_a_second_run_decides_nothing(meeting):
    """Once a decision is carried out, deciding again finds nothing to do."""
    canonical, sides, policy = meeting
    first = reconcile(canonical, sides, policy)
    second = reconcile(first.after, carried_out(sides, first), policy)
    assert second.is_quiet, second


@many
@given(a_meeting())
def test_an_unfinished_run_is_finished_by_the_next(meeting):
    """When no write was carried out, the next run wants the same writes and reports no conflict again."""
    canonical, sides, policy = meeting
    first = reconcile(canonical, sides, policy)
    undone = []
    for side in sides:
        told = first.sides[side.replica]
        base = Snapshot(fields=told.base)
        undone.append(replace(side, base=base, head=base, agreed=told.agreed))
    second = reconcile(first.after, undone, policy)
    assert second.conflicts == ()
    assert not second.changes
    assert {n: set(s.writes) for n, s in second.sides.items()} == {n: set(s.writes) for n, s in first.sides.items()}


@many
@given(a_meeting())
def test_nothing_that_somebody_wrote_is_lost(meeting):
    """Every edited value is in the result, is how its side shows the result, was part of a merge, or is kept in a conflict."""
    canonical, sides, policy = meeting
    decision = reconcile(canonical, sides, policy)
    for side in sides:
        for name in VALUES:
            if not side.edited(name) or name in side.tells:  # what nobody can set there, nobody wrote there
                continue
            value = side.seen[name]
            result = decision.after.fields.get(name)
            shown = side.project({**decision.after.fields}).get(name)
            conflicts = [conflict for conflict in decision.conflicts if conflict.field is name]
            kept = [claim.value for conflict in conflicts for claim in conflict.claims if claim.replica == side.replica]
            kept += [side.project({name: claim}).get(name) for claim in kept]
            worded = side.step(name)[1]  # the same, in the words of the text that this side was settled with
            if any(equal(name, place, said) for place in (result, shown, *kept) for said in (value, worded)):
                continue
            agreed = canonical is not None and equal(name, side.project(canonical.fields).get(name), value)
            if agreed and not side.had(name):
                continue  # met for the first time and already the same: nobody's edit, and it was superseded
            rule = policy.of(name).name
            assert rule is PolicyName.MERGE, (name, value, decision)
            old = side.base.fields.get(name) if side.base else None
            if shape_of(name) is Shape.SET:
                assert isinstance(result, frozenset), result
                added = (value or frozenset()) - (old or frozenset())
                assert added <= result, (value, result)
            else:
                if not side.had(name) and canonical is not None:
                    old = canonical.fields[name]  # what both had when they met is nobody's edit
                new_lines = set(str(worded).split("\n")) - set(str(old or "").split("\n")) - {""}
                assert new_lines <= set(f"{result}\n{shown}".split("\n")), (value, result)


@many
@given(a_meeting())
def test_a_side_that_nobody_edited_and_that_is_in_step_is_left_alone(meeting):
    """No write goes to a side for a field whose canonical value it was already settled with and nobody touched there."""
    canonical, sides, policy = meeting
    decision = reconcile(canonical, sides, policy)
    for side in sides:
        for name in decision.sides[side.replica].writes:
            assert side.edited(name) or not side.delivered(name, decision.after.fields[name])


@many
@given(a_meeting())
def test_under_manual_nothing_moves_until_a_person_decides(meeting):
    """A conflict under `manual` changes the field nowhere; other fields flow."""
    canonical, sides, policy = meeting
    manual = MergePolicy(order=policy.order, fields={name: FieldPolicy(PolicyName.MANUAL) for name in VALUES})
    decision = reconcile(canonical, sides, manual)
    for conflict in decision.conflicts:
        assert not conflict.settled
        assert conflict.field not in decision.changes.fields
        assert all(conflict.field not in side.writes.fields for side in decision.sides.values())


@many
@given(a_meeting())
def test_whoever_wrote_over_a_value_is_not_overruled_by_it(meeting):
    """A scalar that somebody replaced where it stood comes back only if somebody else wrote it anew."""
    canonical, sides, policy = meeting
    if canonical is None:
        return
    after = reconcile(canonical, sides, policy).after.fields
    for name in (field for field in VALUES if shape_of(field) is Shape.SCALAR):
        old = canonical.fields[name]
        replaced = [side for side in sides if side.base and side.delivered(name, old) and side.edited(name)]
        knew = any(
            side.had(name) and equal(name, side.base.fields[name], old) and name not in side.tells for side in replaced
        )
        anew = any(
            side.edited(name) and equal(name, side.seen[name], side.project({name: old}).get(name)) for side in sides
        )
        if knew and not anew:
            assert not equal(name, after[name], old), (name, old)


@many
@given(a_meeting(), st.sampled_from([field for field in VALUES if shape_of(field) is Shape.SCALAR]))
def test_every_word_on_what_waits_for_a_person_is_a_claim(meeting, name):
    """While a field waits, nothing moves it, and whatever somebody writes, even the value that it has, is told."""
    canonical, sides, policy = meeting
    if canonical is None:
        return
    decision = reconcile(canonical, sides, policy, frozenset({name}))
    assert equal(name, decision.after.fields[name], canonical.fields[name])
    assert all(name not in side.writes.fields for side in decision.sides.values())
    told = [claim.value for conflict in decision.conflicts if conflict.field is name for claim in conflict.claims]
    for side in sides:
        wrote = side.had(name) and side.edited(name) and name not in side.tells
        if wrote and len([one for one in sides if one.edited(name)]) == 1:
            assert any(equal(name, side.seen[name], value) for value in told), (side.seen[name], told)
