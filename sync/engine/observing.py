"""What came of the requests of one ticket: its new base, what somebody else wrote meanwhile, and what the tracker dropped."""

from __future__ import annotations

from dataclasses import replace

from sync.core.claims import as_set
from sync.core.fieldrules import PARTNERS, Shape, equal, rule_of, shape_of
from sync.core.models import UNKNOWN, Field, FieldProblem, Fields, NativeTicket, Value, is_empty, link_parts
from sync.core.plan import Intent
from sync.core.ports import OpKind
from sync.engine.echoes import DOUBTFUL
from sync.engine.ends import with_ended
from sync.engine.landed import came_late
from sync.engine.reading import Reader
from sync.engine.writer import ChangedMeanwhile, Writer
from sync.store import Tx
from sync.store.naming import in_words
from sync.store.records import LinkRecord

DROPPED_MEND = "look whether the account may set it there (permissions, required values, automation rules)"


def observe(
    writer: Writer,
    intent: Intent,
    current: NativeTicket,
    sent: frozenset[Field],
    denied: frozenset[Field],
    answered: Fields,
) -> None:
    """The base is what the tracker shows now; all that was asked is settled, whatever it made of it.

    What somebody else wrote meanwhile is not part of it: it stays to be decided on.
    """
    with writer.bridge.store.begin(writer.lease) as tx:
        link = next((one for one in tx.links.of_ticket(intent.ticket) if one.replica == writer.replica.name), None)
        if link is None:
            raise ChangedMeanwhile
        reader = writer.reader(tx)
        base = reader.shown(current)
        holds = reader.projection(current)(intent.changes.news)
        asked = sayable(reader, intent.changes.news)
        if intent.kind is OpKind.CREATE:
            _note_doubt(
                tx, intent, {name for name in sent & holds.keys() if not equal(name, base.get(name), holds[name])}
            )
        agreed = {**link.agreed, **asked}
        if sent & PARTNERS.keys() and (cramped := _cramped(agreed, base) - asked.keys()):
            agreed = {name: value for name, value in agreed.items() if name not in cramped}
            writer.outcome.open.add(intent.ticket)
        if foreign := _foreign(reader, intent, link, current, denied, answered):
            tx.inbox.put(writer.bridge.name, writer.replica.name, [replace(current, comments=None)])
        if foreign or len(asked) < len(intent.changes.news):
            writer.outcome.open.add(intent.ticket)
        tx.links.save(
            replace(
                link,
                key=current.key,
                url=current.url,
                number=current.number,
                native=replace(current, comments=None),
                base={**base, **foreign},
                digest=writer.mapping.digest(),
                agreed=agreed,
                observed_at=writer.bridge.now(),
            )
        )
    _tell_dropped(writer, intent, current, {name: value for name, value in holds.items() if name in sent}, base)


def _tell_dropped(writer: Writer, intent: Intent, current: NativeTicket, expected: Fields, base: Fields) -> None:
    """Report what the tracker took and does not show."""
    lost = {
        name: value
        for name, value in expected.items()
        if shape_of(name) is not Shape.TEXT
        if base.get(name, UNKNOWN) is not UNKNOWN and not equal(name, base[name], value)
    }
    with writer.bridge.store.read() as tx:
        shown = {name: (_show(in_words(tx, base[name])), _show(in_words(tx, value))) for name, value in lost.items()}
    dropped = [
        FieldProblem(
            field=name,
            message=f"the request was taken, but {rule_of(name).label.lower()} is {is_now} and not {asked_for}",
            mend=DROPPED_MEND,
        )
        for name, (is_now, asked_for) in shown.items()
    ]
    writer.report(intent, current, dropped)


def _cramped(agreed: Fields, base: Fields) -> set[Field]:
    """What the ticket showed less of than was settled: another kind or type may have a word, or a field, for it."""
    return {
        name
        for name, value in agreed.items()
        if name in base and shape_of(name) is not Shape.TEXT and not equal(name, base[name], value)
    }


def our_part(value: Value, past: Value, asked: Value, expected: Value) -> Value:
    """Of a set, the members that we know of (what somebody else put in or took out is an edit of theirs); else the value."""
    if not (isinstance(value, frozenset) and isinstance(past, frozenset) and isinstance(asked, frozenset)):
        return value
    return (value & (past | asked | as_set(expected))) | (past & asked & as_set(expected))


def _note_doubt(tx: Tx, intent: Intent, unlike: set[Field]) -> None:
    """A new copy does not show all that it was made with: was it the tracker, or a person? Its history is asked by the next cycle."""
    creates = [row for row in tx.outbox.of_ticket(intent.ticket, intent.replica) if row.op.kind is OpKind.CREATE]
    if unlike and creates:
        tx.outbox.save(replace(creates[-1], context={**creates[-1].context, DOUBTFUL: sorted(unlike)}))


def sayable(reader: Reader, news: Fields) -> Fields:
    """The values that could be said here: all but a parent and links of tickets that have no copy in this replica yet."""
    absent = reader.unplaced(news)
    waiting = (
        {Field.LINKS} if any(link_parts(member)[1] in absent for member in as_set(news.get(Field.LINKS))) else set()
    )
    waiting |= {Field.PARENT} if news.get(Field.PARENT) in absent else set()
    return {name: value for name, value in news.items() if name not in waiting}


def _foreign(
    reader: Reader, intent: Intent, link: LinkRecord, current: NativeTicket, denied: frozenset[Field], answered: Fields
) -> Fields:
    """The fields that somebody else wrote while we did, each with the base that makes it look like the edit that it is.

    A field that we did not write (not asked for, or refused) may follow one that we did (a type its kind, a reason its status):
    then it shows what the tracker makes of the canonical ticket. Of a set that we wrote, it is the members that nobody here knows
    of; of all else that we wrote, what is not any more as the answer to our request showed it.
    """
    # Nobody but a person can have linked what was only just made.
    unlinked: Fields = {Field.LINKS: frozenset[str]()} if intent.kind is OpKind.CREATE else {}
    old = {**unlinked, **(link.base or {})}
    seen = with_ended(reader, link, reader.shown(current))
    written = reader.resolved(answered)
    record = reader.tx.tickets.get(intent.ticket)
    expected = reader.projection(current)(record.canonical.fields if record is not None else intent.changes.news)
    foreign: dict[Field, Value] = {}
    for name, value in seen.items():
        if name not in old or UNKNOWN in (value, old[name]):
            continue
        if name in intent.changes and name not in denied:
            asked = intent.changes.fields[name].new
            ours = our_part(value, old[name], asked, expected.get(name))
            if ours != value and not _has_room(reader, current, name, as_set(value) | as_set(asked)):
                ours = as_set(value) & as_set(
                    asked
                )  # somebody had taken the place: nobody took away what never stood there
            if ours != value:
                foreign[name] = ours
            elif name in written and shape_of(name) is not Shape.SET and not equal(name, value, written[name]):
                foreign[name] = written[name]
            elif (
                shape_of(name) is not Shape.SET
                and not equal(name, value, expected.get(name, value))
                and came_late(reader, current, intent.ticket, name, value)
            ):
                foreign[name] = expected[name]
        elif not equal(name, value, old[name]) and not equal(name, value, expected.get(name, UNKNOWN)):
            foreign[name] = old[name]
    return foreign


def _has_room(reader: Reader, current: NativeTicket, name: Field, members: frozenset[str]) -> bool:
    """Whether the tracker could hold all these members of a set at once; of anything else that is not asked."""
    if shape_of(name) is not Shape.SET:
        return True
    return members <= as_set(reader.projection(current)({name: members}).get(name, members))


def _show(value: Value) -> str:
    """A value for a sentence."""
    if is_empty(value):
        return "empty"
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
