"""Tickets in one replica: made with a marker, brought up to date, and observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sync.core.changes import ChangeSet
from sync.core.claims import as_set
from sync.core.errors import Forbidden, Rejected, Unsupported
from sync.core.fieldrules import PARTNERS, equal
from sync.core.linking import make_marker
from sync.core.models import Field, FieldProblem, Fields, JsonObject, NativeTicket, Value
from sync.core.plan import Intent
from sync.core.ports import NativeOp, OpKind, Receipt
from sync.engine.deciding import ESSENTIAL, content_digest
from sync.engine.direct import READ_VERSION, look
from sync.engine.ends import undone_ends, with_ended
from sync.engine.history import STEPWISE
from sync.engine.observing import observe, our_part, sayable
from sync.engine.writer import MOST_STEPS, ChangedMeanwhile, Writer
from sync.store import Tx
from sync.store.records import LinkRecord


def create(writer: Writer, intent: Intent) -> None:
    """Make the copy of a ticket and link it in the transaction that records the answer; then fill in what a create can't carry."""
    settled = False  # the answer shows all that can be said: nothing is left to be sent or observed

    def landed(tx: Tx, receipt: Receipt) -> None:
        nonlocal settled
        native, reader = receipt.ticket, writer.reader(tx)
        said = sayable(reader, intent.changes.news)
        asked = {name: value for name, value in said.items() if name in encoded.ops[0].fields}
        if native is not None and len(said) == len(intent.changes.news):
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
            agreed=said if settled else asked,
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
    _walk(writer, intent, current)
    writer.outcome.updated.add(intent.ticket)


def _refuse_if_changed(writer: Writer, intent: Intent, link: LinkRecord, current: NativeTicket) -> None:
    """Decide again where somebody wrote a field of ours since the base; what else they wrote is pulled in its turn.

    By value and not by version: a version may have the grain of a second, and comments move it.
    """
    base = link.base or {}
    with writer.bridge.store.read() as tx:
        reader = writer.reader(tx)
        seen = with_ended(reader, link, reader.shown(current))
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
        if Field.LINKS in missing.fields and intent.kind is OpKind.UPDATE:
            _refuse_if_undone(writer, intent, current)
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
    observe(writer, intent, current, sent - _fields_of(told), denied, answered)


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
    asked = sayable(reader, intent.changes.only(op.fields).news)
    holds = reader.projection(receipt.ticket)(asked)
    shown = holds if receipt.ticket is None else reader.resolved(writer.decoded(receipt.ticket))
    base: dict[Field, Value] = dict(link.base or {})
    agreed: dict[Field, Value] = dict(link.agreed)
    for name, value in asked.items():
        if name not in shown or (receipt.ticket is None and (name in STEPWISE or name in pending)):
            continue  # one step of a way of several: nobody said where it led
        base[name] = our_part(shown[name], base.get(name), value, holds.get(name))
        if name in pending:
            agreed.pop(name, None)
        elif name not in STEPWISE or equal(name, shown[name], holds.get(name, value)):
            agreed[name] = value
    tx.links.save(replace(link, base=base, agreed=agreed))


def _missing(writer: Writer, local: ChangeSet, current: NativeTicket, seen: Fields) -> ChangeSet:
    """The part of the changes that the ticket does not show yet."""
    holds = writer.replica.codec.project(local.news, current, writer.mapping, writer.capabilities)
    wanted = {name: holds.get(name, change.new) for name, change in local.fields.items()}
    missing = {name for name, value in wanted.items() if not equal(name, seen.get(name), value)}
    return local.only(frozenset(missing | {PARTNERS[name] for name in missing & PARTNERS.keys()}))
