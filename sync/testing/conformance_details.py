"""What must hold for the fields beyond the core ones: plans, dates, names, people's own fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, TypeVar

import pytest

from sync.core.changes import diff_fields
from sync.core.errors import PreconditionFailed
from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.ids import NativeRef
from sync.core.models import SEVERITIES, UNKNOWN, Field, Value, is_empty
from sync.testing.subject import Subject, only

T = TypeVar("T")

_AMOUNTS: Final = ("6.5", "0.25", "100", None)
_DAYS: Final = ("2026-02-28", "2026-12-31", None)
VALUES: Final[Mapping[Field, tuple[Value, ...]]] = {
    Field.SEVERITY: (*SEVERITIES, None),
    Field.ESTIMATE: _AMOUNTS,
    Field.REMAINING: _AMOUNTS,
    Field.SPENT: ("0.25", "6.5", "100", "1", None),
    Field.POINTS: ("3", "0.5", "13", None),
    Field.START: _DAYS,
    Field.TARGET: _DAYS,
    Field.DUE: _DAYS,
    Field.ATTACHMENTS: (
        frozenset({"[a.png](https://files.example/1)"}),
        frozenset({"[a.png](https://files.example/1)", "[b c.log](https://files.example/2?d=e)"}),
        frozenset(),
    ),
}
_OF_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("Words", 'With "quotes" & <less>', "Größe 日本"),
    "number": ("12", "3"),
    "date": ("2026-02-28", "2026-12-31"),
    "datetime": ("2026-02-28T08:30:00Z", "2026-12-31T23:59:00Z"),
    "boolean": ("true", "false"),
    "url": ("https://example.org/a_b?c=d&e=f",),
}
NAMED: Final = (Field.COMPONENTS, Field.MILESTONE, Field.SPRINT)
DETAILS: Final = (*VALUES, *NAMED, Field.REPORTER)


def values_of(subject: Subject, name: Field) -> tuple[Value, ...]:
    """Values that the project may have for a field, with the empty one last."""
    if name in VALUES:
        return VALUES[name]
    row = subject.mapping.custom.get(name)
    words = (
        subject.server.names.get(name, ()) if row is None else tuple(row.values.values) or _OF_TYPE.get(row.type, ())
    )
    if name is Field.REPORTER or (row is not None and row.type in ("person", "people")):
        words = subject.server.people
    assert words, f"the driver names nothing for {name}"
    if shape_of(name) is Shape.SET:
        return frozenset(words), frozenset(words[1:]), frozenset(words[:1]), frozenset()
    return (*words, None) if name is not Field.REPORTER else words


def first_values(subject: Subject) -> dict[Field, Value]:
    """A value for each field that can be set."""
    details = {*DETAILS, *subject.mapping.custom} & subject.settable
    return {name: values_of(subject, name)[0] for name in sorted(details)}


class Details:
    """Each field, where the project has it: what comes back is what `project` foretold."""

    @pytest.mark.parametrize("name", DETAILS, ids=str)
    def test_detail_step_by_step(self, subject: Subject, name: Field) -> None:
        """Each value is afterwards what `project` foretold, is not written twice, and leaves the other fields alone."""
        _needs(subject, name)
        _step_by_step(subject, name)

    def test_custom_step_by_step(self, subject: Subject) -> None:
        """Custom fields of every type come back as they were written."""
        _needs_custom(subject)
        for name in sorted(subject.mapping.custom):
            _step_by_step(subject, name)

    def test_details_together(self, subject: Subject) -> None:
        """All of them are written to one ticket by requests that are each sent once, and are shown by the next pull."""
        wanted = first_values(subject)
        if not wanted:
            pytest.skip("this tracker has core fields only")
        ref = subject.server.create(title="Plain")
        wanted = {name: value for name, value in wanted.items() if name in subject.fields(ref)}
        cursor = subject.caught_up()
        foretold = subject.project(wanted, subject.read(ref))
        traffic, arrived = subject.adapter.traffic, subject.server.arrived()
        counted = traffic.requests, traffic.writes
        sent = subject.apply(ref, wanted)
        assert traffic.writes - counted[1] == len(sent), "a request is one request"
        assert traffic.requests - counted[0] == subject.server.arrived() - arrived
        found = subject.fields(ref)
        assert {name: found[name] for name in foretold} == dict(foretold)
        assert subject.apply(ref, wanted) == []
        foretold = {name: value for name, value in foretold.items() if name not in subject.server.shortfalls.unlisted}
        pages = subject.pulled(cursor)
        pulled = only({ticket.ref: ticket for page in pages for ticket in page.tickets}.values())
        shown = subject.codec.decode(pulled, subject.mapping)
        assert {name: shown.snapshot.fields.get(name) for name in foretold} == dict(foretold)

    def test_details_at_creation(self, subject: Subject) -> None:
        """A ticket made with all of them has all of them."""
        wanted = first_values(subject)
        if not wanted:
            pytest.skip("this tracker has core fields only")
        ref = subject.make_of(wanted)
        found = subject.decoded(ref)
        foretold = subject.project(wanted, subject.read(ref))
        assert {name: found.snapshot.fields[name] for name in foretold} == dict(foretold)
        assert found.problems == ()

    def test_empty_details_are_no_request(self, subject: Subject) -> None:
        """What is empty is not emptied."""
        ref = subject.server.create(title="Plain")
        current, there = subject.read(ref), subject.fields(ref)
        names = [
            name for name in sorted(subject.settable) if is_empty(there.get(name, UNKNOWN)) and name is not Field.BODY
        ]
        changes = diff_fields({}, {name: frozenset() if shape_of(name) is Shape.SET else None for name in names})
        assert names
        assert subject.codec.encode(changes, current, subject.mapping, subject.capabilities).ops == ()

    def test_told_fields_are_not_set(self, subject: Subject) -> None:
        """A field that the tracker only tells of can be read, and no request sets it."""
        ref = subject.server.create(title="Theirs")
        there = subject.fields(ref)
        if Field.REPORTER in subject.carried:
            assert there[Field.REPORTER] == subject.server.people[0]
        for name in subject.capabilities.tells & subject.carried:
            assert there[name] is not UNKNOWN
            for value in (subject.server.people[1], frozenset({"x"}), None):
                changes = diff_fields(there, {name: value})
                assert subject.codec.encode(changes, subject.read(ref), subject.mapping, subject.capabilities).ops == ()

    @pytest.mark.parametrize("name", NAMED, ids=str)
    def test_missing_name(self, subject: Subject, name: Field) -> None:
        """A name that the project has not is a problem that names it, and no obstacle to anything else."""
        _needs(subject, name)
        ref, missing = _ticket_with(subject, name), "No such name"
        known = subject.server.names[name][0]
        value: Value = frozenset({known, missing}) if shape_of(name) is Shape.SET else missing
        wanted: dict[Field, Value] = {Field.TITLE: "Still written", name: value}
        current = subject.read(ref)
        if missing in _held(subject, ref, name, value):
            pytest.skip("any name will do here")
        encoded = subject.codec.encode(
            diff_fields(subject.fields(ref), wanted), current, subject.mapping, subject.capabilities
        )
        problem = only([problem for problem in encoded.problems if problem.field is name])
        assert missing in problem.message
        assert problem.mend
        subject.check(ref, wanted)
        found = subject.fields(ref)
        assert found[Field.TITLE] == "Still written"
        if shape_of(name) is Shape.SET:
            assert found[name] == frozenset({known})

    @pytest.mark.parametrize("name", [Field.COMPONENTS, Field.MILESTONE], ids=str)
    def test_names_of_others_stay(self, subject: Subject, name: Field) -> None:
        """A name that somebody adds between our read and our write is still there, or the write was refused."""
        _needs(subject, name)
        if name in subject.server.shortfalls.whole:
            pytest.skip("it is written as a whole")
        theirs, ours = subject.server.names[name][:2]
        ref = _ticket_with(subject, name)
        if len(_held(subject, ref, name, frozenset({theirs, ours}))) < 2:
            pytest.skip("this tracker has one only")
        changes = diff_fields(subject.fields(ref), {name: frozenset({ours})})
        encoded = subject.codec.encode(changes, subject.read(ref), subject.mapping, subject.capabilities)
        subject.apply(ref, {name: frozenset({theirs})})
        try:
            for op in encoded.ops:
                subject.write(op)
        except PreconditionFailed:
            assert subject.fields(ref)[name] == frozenset({theirs})
        else:
            assert subject.fields(ref)[name] == frozenset({theirs, ours})

    def test_one_name_stays(self, subject: Subject) -> None:
        """A tracker with one milestone keeps the one it has when that is among those who are wanted."""
        _needs(subject, Field.MILESTONE)
        both = subject.server.names[Field.MILESTONE][:2]
        if len(_held(subject, subject.make(), Field.MILESTONE, frozenset(both))) > 1:
            pytest.skip("this tracker has several milestones")
        for one in both:
            ref = subject.make(milestone=frozenset({one}))
            assert subject.apply(ref, {Field.MILESTONE: frozenset(both)}) == []
            assert subject.fields(ref)[Field.MILESTONE] == frozenset({one})


class Told:
    """The history tells of each field that it can tell of."""

    @pytest.mark.parametrize("name", DETAILS, ids=str)
    def test_detail_in_history(self, subject: Subject, name: Field) -> None:
        """The history tells of each change, under the account that made it."""
        _needs(subject, name)
        _told_in_history(subject, name)

    def test_custom_in_history(self, subject: Subject) -> None:
        """The history tells of custom fields as of any other."""
        _needs_custom(subject)
        told = subject.mapping.custom.keys() - subject.server.shortfalls.untold
        if not told:
            pytest.skip("the history does not tell of them")
        for name in sorted(told):
            _told_in_history(subject, name)


def _ticket_with(subject: Subject, name: Field) -> NativeRef:
    """A ticket of a type that has the field: not every type need have all that the project carries."""
    for kind, type_ in (("issue", None), ("issue", "bug"), ("task", None), ("epic", None)):
        ref = subject.make(kind=kind, type=type_, body="A body.")
        if name in subject.fields(ref):
            return ref
        assert name not in subject.project({name: values_of(subject, name)[0]}, subject.read(ref))
    raise AssertionError(f"the project carries {name}, and no type of ticket has it")


def _step_by_step(subject: Subject, name: Field) -> None:
    ref, held = _ticket_with(subject, name), 0
    for value in values_of(subject, name):
        current = subject.read(ref)
        changes = diff_fields(subject.fields(ref), {name: value})
        problems = subject.codec.encode(changes, current, subject.mapping, subject.capabilities).problems
        foretold = subject.project({name: value}, current)
        if name not in foretold and not is_empty(value):
            assert [problem.field for problem in problems] == [name], f"nobody says why {value!r} can't be held"
        held += name in foretold and not is_empty(value) and equal(name, foretold[name], value)
        subject.check(ref, {name: value})
        assert subject.apply(ref, {name: value}) == [], f"{name} {value!r} is written twice"
        subject.server.settle()  # some trackers limit the writes to one ticket
    assert held, f"no value of {name} could be held as it is"


def _told_in_history(subject: Subject, name: Field) -> None:
    if not subject.capabilities.history or name in subject.server.shortfalls.untold:
        pytest.skip(f"the history does not tell of {name}")
    ref = _ticket_with(subject, name)
    told = subject.fields(ref)[name]
    since = subject.read(ref).updated_at - timedelta(days=1)
    for value in values_of(subject, name):
        subject.apply(ref, {name: value})
        subject.server.settle()
    events = {event.id: event for event in subject.adapter.history([ref], since)}
    changes = [one for event in events.values() for one in subject.codec.decode_event(event, subject.mapping)]
    mine = [one for one in changes if one.field is name]
    assert mine, f"the history does not tell of {name}"
    assert {one.author for one in mine} == {subject.mapping.people.read([subject.capabilities.account])}
    for one in mine:
        if isinstance(one.old, frozenset) and isinstance(one.new, frozenset):
            told = ((told if isinstance(told, frozenset) else frozenset()) - one.old) | one.new
        else:
            told = one.new
    now = subject.fields(ref)[name]
    assert told is UNKNOWN or equal(name, told, now), f"the history ends with {told!r}, and there is {now!r}"


def _held(subject: Subject, ref: NativeRef, name: Field, value: Value) -> frozenset[str]:
    """The members (or the one value) that the tracker can hold."""
    found = subject.project({name: value}, subject.read(ref)).get(name)
    return found if isinstance(found, frozenset) else frozenset({found} if isinstance(found, str) else ())


def _needs(subject: Subject, name: Field) -> None:
    if name not in subject.settable:
        pytest.skip(f"{name} can't be set here")


def _needs_custom(subject: Subject) -> None:
    if not subject.mapping.custom:
        pytest.skip("the mapping names no custom field of this project")
