"""Second copies: a create that was given up and landed after all. The copy that is linked stays, the other one is closed.

Nothing is deleted, and a second copy that somebody wrote to is left alone and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sync.core.changes import ChangeSet, diff_fields
from sync.core.errors import TrackerError
from sync.core.fieldrules import equal
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.models import Field, NativeTicket
from sync.core.plan import Intent
from sync.core.ports import NativeOp, OpKind
from sync.engine.direct import look_at
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge
from sync.engine.writer import MOST_STEPS, Writer
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord, ProblemRecord

#: The kind of the problem that stands for a second copy until it is closed.
TWIN = "twin"
MEND = "it is closed by the next cycle; nothing has to be done"
EDITED_MEND = "move what was written there to the other one, then close it"


def note_twin(reader: Reader, native: NativeTicket, ticket: TicketId, kept: LinkRecord) -> bool:
    """Whether the native ticket is a second copy that we made ourselves; it is then told and left out from now on.

    A copy that a person made, marker and all, is none: it carries another author, or another content than what was sent.
    """
    if kept.state != "active" or not (_is_ours(reader, native) and _is_as_sent(reader, native, ticket)):
        return False
    bridge, tx, replica = reader.bridge, reader.tx, reader.replica.name
    tx.links.add(
        bridge=bridge.name,
        replica=replica,
        ref=native.ref,
        ticket=ticket,
        key=native.key,
        url=native.url,
        number=native.number,
        native=replace(native, comments=None),
        digest=reader.mapping.digest(),
        state="removed",
    )
    message = f"{native.key} is a second copy of {kept.key}: a request that was given up was carried out late"
    tx.problems.report(
        bridge=bridge.name, replica=replica, ref=native.ref, ticket=ticket, kind=TWIN, message=message, mend=MEND
    )
    return True


def close_twins(bridge: Bridge, writers: Mapping[ReplicaName, Writer], available: Iterable[ReplicaName]) -> None:
    """Close the second copies that were found, each with a comment that leads to the one that stays."""
    with bridge.store.read() as tx:
        twins = [one for one in tx.problems.open(bridge.name) if one.kind == TWIN]
    names = {name for name in available if bridge.replicas[name].receives}
    for problem in twins:
        if problem.replica is not None and problem.replica in names and not bridge.stop.is_set():
            try:
                _close(writers[problem.replica], problem)
            except TrackerError:
                continue  # the problem stays, and with it the work


def _is_ours(reader: Reader, native: NativeTicket) -> bool:
    account = reader.capabilities.account.casefold()
    author = reader.replica.codec.decode(native, reader.mapping).author
    ours = [
        one.ids for one in reader.replica.codec.accounts(native) if account in {name.casefold() for name in one.ids}
    ]
    return author is not None and any(reader.mapping.people.read(ids) == author for ids in ours)


def _is_as_sent(reader: Reader, native: NativeTicket, ticket: TicketId) -> bool:
    """Whether one of our creates that came to nothing made it, and nobody wrote there since."""
    if native.comments or native.comment_count:
        return False
    seen = reader.shown(native)
    given_up = (
        fields_from_json(row.after or {})
        for row in reader.tx.outbox.of_ticket(ticket, reader.replica.name)
        if row.op.kind is OpKind.CREATE and row.state == "failed" and "refused" not in row.context
    )
    return any(
        all(equal(name, seen.get(name), value) for name, value in reader.projection(None)(sent).items())
        for sent in given_up
    )


def _close(writer: Writer, problem: ProblemRecord) -> None:
    bridge, replica = writer.bridge, writer.replica
    assert problem.ref is not None
    assert problem.ticket is not None
    native = _read(writer, problem.ref)
    with bridge.store.read() as tx:
        twin = tx.links.by_ref(bridge.name, replica.name, problem.ref, removed=True)
        kept = next((one for one in tx.links.of_ticket(problem.ticket) if one.replica == replica.name), None)
        is_same = native is None or _is_as_sent(
            writer.reader(tx), replace(native, comments=(), comment_count=0), problem.ticket
        )
    if native is None or twin is None or kept is None or writer.decoded(native).get(Field.STATUS) == "done":
        _done(writer, problem)
    elif not is_same:
        _done(writer, problem, f"{native.key} is a second copy of {kept.key}, and somebody wrote to it")
    else:
        _carry_out(writer, problem.ticket, twin, kept, native)
        _done(writer, problem)


def _carry_out(writer: Writer, ticket: TicketId, twin: LinkRecord, kept: LinkRecord, native: NativeTicket) -> None:
    pointer = f"This is a second copy of {kept.key} ({kept.url}), which stays in step. This one was closed."
    told = [writer.replica.codec.decode_comment(one, writer.mapping).body for one in native.comments or ()]
    if not any(kept.url in body for body in told):
        encoded = writer.replica.codec.encode_comment(pointer, native, None, writer.mapping, writer.capabilities)
        _send(writer, ticket, twin, encoded.ops, ChangeSet())
    for _ in range(MOST_STEPS):
        seen = writer.decoded(native)
        wanted = {Field.STATUS: "done"} | ({Field.REASON: "duplicate"} if Field.REASON in seen else {})
        changes = diff_fields({name: seen.get(name) for name in wanted}, wanted)
        if Field.STATUS not in changes:
            return
        encoded = writer.replica.codec.encode(changes, native, writer.mapping, writer.capabilities)
        _send(writer, ticket, twin, encoded.ops, changes)
        if not encoded.ops or (now := _read(writer, native.ref)) is None:
            return
        native = now


def _send(writer: Writer, ticket: TicketId, twin: LinkRecord, ops: tuple[NativeOp, ...], changes: ChangeSet) -> None:
    for op in ops:
        intent = Intent(kind=op.kind, replica=writer.replica.name, ticket=ticket, link=twin.id, changes=changes)
        writer.sender.send(intent, op, lambda _tx, _receipt: None)


def _read(writer: Writer, ref: NativeRef) -> NativeTicket | None:
    found = look_at(writer.bridge, writer.replica, ref)
    return found if isinstance(found, NativeTicket) else None


def _done(writer: Writer, problem: ProblemRecord, instead: str = "") -> None:
    bridge, replica = writer.bridge.name, writer.replica.name
    with writer.bridge.store.begin(writer.lease) as tx:
        tx.problems.clear(bridge, replica, ref=problem.ref, kind=TWIN)
        if instead:
            tx.problems.report(
                bridge=bridge,
                replica=replica,
                ref=problem.ref,
                ticket=problem.ticket,
                kind="link",
                message=instead,
                mend=EDITED_MEND,
            )
