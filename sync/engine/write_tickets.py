"""Tickets in one replica: made with a marker, brought up to date, and observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sync.core.changes import ChangeSet
from sync.core.claims import as_set
from sync.core.errors import Forbidden, Rejected, Unsupported
from sync.core.fieldrules import PARTNERS, Shape, equal, rule_of, shape_of
from sync.core.linking import make_marker
from sync.core.models import UNKNOWN, Field, FieldProblem, Fields, JsonObject, NativeTicket, Value, is_empty, link_parts
from sync.core.plan import Intent
from sync.core.ports import NativeOp, OpKind, Receipt
from sync.engine.deciding import ESSENTIAL, content_digest
from sync.engine.direct import READ_VERSION, look
from sync.engine.echoes import DOUBTFUL
from sync.engine.ends import undone_ends, with_ended
from sync.engine.history import STEPWISE
from sync.engine.reading import Reader
from sync.engine.writer import MOST_STEPS, ChangedMeanwhile, Writer
from sync.store import Tx
from sync.store.naming import in_words
from sync.store.records import LinkRecord

DROPPED_MEND = "look whether the account may set it there (permissions, required values, automation rules)"


def create(writer: Writer, intent: Intent) -> None:
    """Make the copy of a ticket and link it in the transaction that records the answer; then fill in what a create can't carry."""
    settled = False  # the answer shows all that can be said: nothing is left to be sent or observed

    def landed(tx: Tx, receipt: Receipt) -> None:
        nonlocal settled
        native, reader = receipt.ticket, writer.reader(tx)
        sayable = _sayable(reader, intent.changes.news)
        asked = {name: value for name, value in sayable.items() if name in encoded.ops[0].fields}
        if native is not None and len(sayable) == len(intent.changes.news):
            settled = not _missing(writer, local, native, writer.decoded(native))
        tx.links.add(
            bridge=writer.bridge.name,
            replica=writer.replica.name,
            ref=receipt.ref,
            ticket=intent.ticket,
            key=native.key if native else "",
            url=native.url if native else "",
            number=native.number if native else 0,
            native=replace(native, comments=None) if native else None,
            base=reader.shown(native) if native else reader.first_base(asked, None),
            digest=writer.mapping.digest(),
            agreed=sayable if settled else asked,
        )

    local = writer.localised(intent.changes)
    content = {"content": content_digest(intent.changes.news, writer.mapping)}
    marker = make_marker(intent.ticket, writer.replica.name, writer.bridge.secret)
    told: list[FieldProblem] = []
    refused: frozenset[Field] = frozenset()
    while True:
        encoded = writer.replica.codec.encode(local, None, writer.mapping, writer.capabilities, marker)
        told += [problem for problem in encoded.problems if problem not in told]
        if not encoded.ops:
            writer.unsaid(intent, None, told)
            writer.outcome.open.add(intent.ticket)
            return
        try:
            receipt = writer.sender.send(intent, encoded.ops[0], landed, content)
            break
        except Rejected as error:
            told += error.problems
            named = _fields_of(error.problems) & encoded.ops[0].fields
            if not named or named & ESSENTIAL:
                writer.report(intent, None, told or [writer.refusal(encoded.ops[0], error)])
                return
            # Nothing was made; the rest of the ticket is worth more than the fields that this tracker will not take.
            refused |= named
            local = local.only(frozenset(local.fields) - refused)
    writer.outcome.created.add(intent.ticket)
    current = receipt.ticket or writer.fetched(receipt.ref)
    writer.unsaid(intent, current, told)
    if not settled:
        carried = encoded.ops[0].fields - _fields_of(told)
        _walk(writer, intent, current, done=encoded.ops[0].fields | refused, sent=carried, known=told)


def update(writer: Writer, intent: Intent) -> None:
    """Bring a linked ticket up to date, unless somebody wrote the same fields since the decision."""
    link = writer.link(intent)
    current = link.native if isinstance(link.native, NativeTicket) else None
    # A link may stand there already: it was made at its other end a moment ago.
    if current is None or not writer.capabilities.conditional_writes or Field.LINKS in intent.changes:
        current = writer.fetched(link.ref)
        _refuse_if_changed(writer, intent, link, current)
        _refuse_if_undone(writer, intent, current)
    _walk(writer, intent, current)
    writer.outcome.updated.add(intent.ticket)


def _refuse_if_changed(writer: Writer, intent: Intent, link: LinkRecord, current: NativeTicket) -> None:
    """Decide again where somebody wrote a field of ours since the base; what else they wrote is pulled in its turn.

    By value and not by version: a version may have the grain of a second, and comments move it.
    """
    base = link.base or {}
    with writer.bridge.store.read() as tx:
        reader = writer.reader(tx)
        seen = reader.shown(current)
    foreign = (
        name in base and not equal(name, seen.get(name), base[name]) and not equal(name, seen.get(name), change.new)
        for name, change in intent.changes.fields.items()
    )
    if any(foreign):
        with writer.bridge.store.begin(writer.lease) as tx:
            tx.inbox.put(writer.bridge.name, writer.replica.name, [replace(current, comments=None)])
        raise ChangedMeanwhile


def _refuse_if_undone(writer: Writer, intent: Intent, current: NativeTicket) -> None:
    """Decide again where somebody undid what was just done at the other end of a link."""
    change = intent.changes.fields.get(Field.LINKS)
    if change is None:
        return
    with writer.bridge.store.read() as tx:
        reader = writer.reader(tx)
        seen = as_set(reader.shown(current).get(Field.LINKS))
        absent, standing = (
            as_set(change.new) - as_set(change.old) - seen,
            (as_set(change.old) - as_set(change.new)) & seen,
        )
        others = undone_ends(reader, writer.sender.run, intent.ticket, absent, standing)
    if others:
        found = look(writer.bridge, writer.replica, sorted(others.values()), comments=False)
        natives = [one for one in found.values() if isinstance(one, NativeTicket)]
        with writer.bridge.store.begin(writer.lease) as tx:
            tx.inbox.put(writer.bridge.name, writer.replica.name, natives)
        raise ChangedMeanwhile


def _walk(
    writer: Writer,
    intent: Intent,
    current: NativeTicket,
    done: frozenset[Field] = frozenset(),
    sent: frozenset[Field] = frozenset(),
    known: Sequence[FieldProblem] = (),
) -> None:
    """Encode, send, read, until nothing is left that can be said; then observe.

    A field is sent once; only a status may take several steps, each of them once. `known` problems have been told.
    """
    asked = writer.localised(intent.changes)
    told: set[FieldProblem] = set(known)
    unsayable: frozenset[Field] = frozenset()
    steps: list[JsonObject] = []
    answered: dict[Field, Value] = {}
    denied: frozenset[Field] = frozenset()
    for _ in range(MOST_STEPS):
        seen = writer.decoded(current)
        local = writer.beside(asked, seen)
        if intent.kind is OpKind.CREATE and (links := local.fields.get(Field.LINKS)) is not None:
            # Nobody but a person can have linked what was only just made.
            kept = replace(links, new=as_set(links.new) | as_set(seen.get(Field.LINKS)))
            local = ChangeSet(fields={**local.fields, Field.LINKS: kept})
        left = frozenset(local.fields) - (done - STEPWISE) - unsayable
        missing = _missing(writer, local.only(left), current, seen)
        if not missing:
            break
        encoded = writer.replica.codec.encode(missing, current, writer.mapping, writer.capabilities)
        news = [problem for problem in encoded.problems if problem not in told]
        ops = [op for op in encoded.ops if op.payload not in steps]
        # Of some fields a part can be said, by a request that may come later.
        unsayable |= _fields_of(encoded.problems) - {name for op in ops for name in op.fields}
        if ops:
            # Under conditional writes the first request makes a new version, which the others would not expect.
            ops = ops[:1] if writer.capabilities.conditional_writes else ops
            steps += [op.payload for op in ops]
            current, refused, tried = _send_all(writer, intent, ops, current, answered)
            news += refused
            done |= tried
            denied |= _fields_of(refused)
            sent |= tried - _fields_of(refused)
        writer.unsaid(intent, current, news)
        told.update(news)
        if not ops:
            break
    _observe(writer, intent, current, sent - _fields_of(told), denied, answered)


def _fields_of(problems: Sequence[FieldProblem] | set[FieldProblem]) -> frozenset[Field]:
    return frozenset(problem.field for problem in problems if problem.field is not None)


def _send_all(
    writer: Writer, intent: Intent, ops: Sequence[NativeOp], current: NativeTicket, answered: dict[Field, Value]
) -> tuple[NativeTicket, list[FieldProblem], frozenset[Field]]:
    """Send the requests: the ticket as the last answer shows it (read again where it does not), refusals, and the fields done with.

    Of a request that is refused for some of its fields, the others may be sent again. What each answer shows of the fields that
    its request wrote is put into `answered`, in the codec's terms.
    """
    answer: NativeTicket | None = current
    problems: list[FieldProblem] = []
    tried: set[Field] = set()
    read = {"read_at": current.updated_at.isoformat(), READ_VERSION: current.version}
    for number, op in enumerate(ops):
        pending = frozenset(name for later in ops[number + 1 :] for name in later.fields)
        try:
            answer = writer.sender.send(intent, op, partial(_landed, writer, intent, op, pending), read).ticket
        except (Rejected, Forbidden, Unsupported) as error:
            named = list(error.problems) if isinstance(error, Rejected) else []
            if not named and writer.is_gone(intent, current.ref):
                raise ChangedMeanwhile from None
            # Told of each field, so that it stays told until that very field is written.
            whole = writer.refusal(op, error)
            problems += named or [replace(whole, field=name) for name in sorted(op.fields)] or [whole]
            tried |= (_fields_of(named) & op.fields) or op.fields
        else:
            tried |= op.fields
            touched = op.fields | {PARTNERS[name] for name in op.fields & PARTNERS.keys()}
            shown = {} if answer is None else writer.decoded(answer)
            for name in touched:
                answered.pop(name, None)
            answered |= {name: shown[name] for name in touched & shown.keys()}
    return answer or writer.fetched(current.ref), problems, frozenset(tried)


def _landed(writer: Writer, intent: Intent, op: NativeOp, pending: frozenset[Field], tx: Tx, receipt: Receipt) -> None:
    """What one request came to is part of the base from the moment at which its outcome is.

    A field that is `pending` in a later request is not settled with this one: whoever is killed between the two begins again.
    """
    link = next((one for one in tx.links.of_ticket(intent.ticket) if one.replica == writer.replica.name), None)
    if link is None:
        return
    reader = writer.reader(tx)
    asked = _sayable(reader, intent.changes.only(op.fields).news)
    holds = reader.projection(receipt.ticket)(asked)
    shown = holds if receipt.ticket is None else reader.resolved(writer.decoded(receipt.ticket))
    base: dict[Field, Value] = dict(link.base or {})
    agreed: dict[Field, Value] = dict(link.agreed)
    for name, value in asked.items():
        if name not in shown or (receipt.ticket is None and (name in STEPWISE or name in pending)):
            continue  # one step of a way of several: nobody said where it led
        base[name] = _our_part(shown[name], base.get(name), value, holds.get(name))
        if name in pending:
            agreed.pop(name, None)
        elif name not in STEPWISE or equal(name, shown[name], holds.get(name, value)):
            agreed[name] = value
    tx.links.save(replace(link, base=base, agreed=agreed))


def _our_part(value: Value, past: Value, asked: Value, expected: Value) -> Value:
    """Of a set, the members that we know of (what somebody else put in or took out is an edit of theirs); else the value."""
    if not (isinstance(value, frozenset) and isinstance(past, frozenset) and isinstance(asked, frozenset)):
        return value
    return (value & (past | asked | as_set(expected))) | (past & asked & as_set(expected))


def _missing(writer: Writer, local: ChangeSet, current: NativeTicket, seen: Fields) -> ChangeSet:
    """The part of the changes that the ticket does not show yet."""
    holds = writer.replica.codec.project(local.news, current, writer.mapping, writer.capabilities)
    wanted = {name: holds.get(name, change.new) for name, change in local.fields.items()}
    missing = {name for name, value in wanted.items() if not equal(name, seen.get(name), value)}
    return local.only(frozenset(missing | {PARTNERS[name] for name in missing & PARTNERS.keys()}))


def _observe(
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
        asked = _sayable(reader, intent.changes.news)
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
    lost = {
        name: value
        for name, value in holds.items()
        if name in sent and shape_of(name) is not Shape.TEXT
        if base.get(name, UNKNOWN) is not UNKNOWN and not equal(name, base[name], value)
    }
    with writer.bridge.store.read() as tx:
        shown = {name: (show(in_words(tx, base[name])), show(in_words(tx, value))) for name, value in lost.items()}
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


def _note_doubt(tx: Tx, intent: Intent, unlike: set[Field]) -> None:
    """A new copy does not show all that it was made with: was it the tracker, or a person? Its history is asked by the next cycle."""
    creates = [row for row in tx.outbox.of_ticket(intent.ticket, intent.replica) if row.op.kind is OpKind.CREATE]
    if unlike and creates:
        tx.outbox.save(replace(creates[-1], context={**creates[-1].context, DOUBTFUL: sorted(unlike)}))


def _sayable(reader: Reader, news: Fields) -> Fields:
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
            ours = _our_part(value, old[name], asked, expected.get(name))
            if ours != value and not _has_room(reader, current, name, as_set(value) | as_set(asked)):
                ours = as_set(value) & as_set(
                    asked
                )  # somebody had taken the place: nobody took away what never stood there
            if ours != value:
                foreign[name] = ours
            elif name in written and shape_of(name) is not Shape.SET and not equal(name, value, written[name]):
                foreign[name] = written[name]
        elif not equal(name, value, old[name]) and not equal(name, value, expected.get(name, UNKNOWN)):
            foreign[name] = old[name]
    return foreign


def _has_room(reader: Reader, current: NativeTicket, name: Field, members: frozenset[str]) -> bool:
    """Whether the tracker could hold all these members of a set at once; of anything else that is not asked."""
    if shape_of(name) is not Shape.SET:
        return True
    return members <= as_set(reader.projection(current)({name: members}).get(name, members))


def show(value: Value) -> str:
    """A value for a sentence."""
    if is_empty(value):
        return "empty"
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
