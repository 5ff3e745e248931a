"""Link: what is new in the inbox becomes a ticket, joins one, or is left for a person to judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sync.core.ids import CommentId, Marker, NativeRef, ReplicaName, TicketId
from sync.core.linking import Address, Adoption, adoptions, read_marker
from sync.core.models import (
    UNKNOWN,
    Canonical,
    Decoded,
    Field,
    Fields,
    NativeComment,
    NativeTicket,
    Provenance,
    is_empty,
)
from sync.core.ports import OpKind
from sync.engine.missing import come_back
from sync.engine.overrun import doubt
from sync.engine.reading import Reader, readers
from sync.engine.report import ProblemLine
from sync.engine.runtime import Bridge
from sync.engine.twins import note_twin
from sync.store import Tx
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord

_FOREIGN = "it carries the marker of another trackdown installation"
_FOREIGN_MEND = "join it with `trackdown links add`, or take the marker out of it to have it treated as new"
_OUTSIDER = "it names a ticket elsewhere, and its author has no rights in this project: it was not joined"
_ADOPT_MEND = "join the right pair with `trackdown links add`"


@dataclass(slots=True, kw_only=True)
class Joined:
    """What the link step did: tickets made, tickets adopted into others, and whom it left alone and why.

    `foreign` are the tickets in each replica that carry the marker of another store, `is_first` says that this one knew none.
    """

    created: int = 0
    adopted: int = 0
    problems: list[ProblemLine] = field(default_factory=list)
    foreign: Counter[ReplicaName] = field(default_factory=Counter)
    is_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Newcomer:
    """What has to be remembered of an unlinked native ticket; its payload stays in the inbox."""

    replica: ReplicaName
    ref: NativeRef
    key: str
    url: str
    kind: str
    marker: Marker | None
    references: tuple[str, ...]
    outsider: bool


def join_newcomers(bridge: Bridge, tx: Tx, available: Iterable[ReplicaName]) -> Joined:
    """Give every pulled ticket and comment a canonical one: by marker, by explicit reference, else a new one.

    Within the caller's transaction. Replicas that only receive make no tickets.
    """
    joined = Joined(is_first=tx.links.tickets(bridge.name) == 0)
    known = readers(bridge, tx)
    open_readers = {name: reader for name, reader in known.items() if name in set(available)}
    newcomers = [newcomer for reader in open_readers.values() for newcomer in _unlinked(reader)]
    rest = [
        newcomer for newcomer in newcomers if not _joined_by_marker(open_readers[newcomer.replica], newcomer, joined)
    ]
    _forget_problems(bridge, tx, rest)
    _create(bridge, tx, open_readers, rest, joined)
    for name in {one.replica for one in newcomers}:
        _find_parents(open_readers[name])
    # What an earlier cycle pulled is decided on together with its ticket, though the tracker does not answer now.
    for reader in known.values():
        for ref in tx.inbox.ticket_refs(bridge.name, reader.replica.name):
            _join_comments(reader, ref)
    return joined


def _find_parents(reader: Reader) -> None:
    """Tickets that were decided on before the ticket above them was linked are decided on once more, as they were read."""
    bridge, tx, name = reader.bridge.name, reader.tx, reader.replica.name
    for link in tx.links.orphans(bridge, name):
        if not isinstance(link.native, NativeTicket) or tx.inbox.take(bridge, name, link.ref):
            continue
        if reader.shown(link.native).get(Field.PARENT) is not UNKNOWN:
            tx.inbox.put(bridge, name, [replace(link.native, comments=None)])


def _unlinked(reader: Reader) -> list[_Newcomer]:
    bridge, tx, name = reader.bridge, reader.tx, reader.replica.name
    found: list[_Newcomer] = []
    for ref in tx.inbox.ticket_refs(bridge.name, name):
        known = tx.links.by_ref(bridge.name, name, ref, removed=True)
        if known is not None and known.state == "active":
            continue
        item = tx.inbox.take(bridge.name, name, ref)
        if known is not None and known.state == "gone" and item.ticket is not None:
            come_back(reader, known, item.ticket)
            continue
        if item.ticket is None or known is not None:
            # A comment of a ticket outside the selection, the end of one that we never knew, or one that was unlinked by hand.
            tx.inbox.done(bridge.name, name, ref, item)
            continue
        decoded = reader.decode(item.ticket)
        found.append(_newcomer(name, item.ticket, decoded))
    return found


def _take_back(reader: Reader, link: LinkRecord) -> None:
    """A comment that was gone is there again."""
    reader.tx.links.save(replace(link, state="active"))
    reader.tx.tickets.set_dirty(link.ticket, "there again")


def _newcomer(name: ReplicaName, native: NativeTicket, decoded: Decoded) -> _Newcomer:
    kind = decoded.snapshot.fields.get(Field.KIND)
    return _Newcomer(
        replica=name,
        ref=native.ref,
        key=native.key,
        url=native.url,
        kind=kind if isinstance(kind, str) else "issue",
        marker=decoded.marker,
        references=decoded.references,
        outsider=decoded.outsider,
    )


def _joined_by_marker(reader: Reader, newcomer: _Newcomer, joined: Joined) -> bool:
    """Whether the marker settles it: our own lost create is linked, a foreign one is left alone, a copy is new.

    What a stranger wrote is no copy of ours, whatever stands in it: markers can be read and copied.
    """
    bridge, tx = reader.bridge, reader.tx
    if newcomer.marker is None or newcomer.outsider:
        return False
    ticket = read_marker(newcomer.marker, newcomer.replica, bridge.secret)
    record = None if ticket is None else tx.tickets.get(TicketId(ticket))
    if record is None or record.bridge != bridge.name:
        joined.foreign[newcomer.replica] += 1
        _report(bridge, tx, newcomer, _FOREIGN, _FOREIGN_MEND, joined)
        tx.inbox.done(bridge.name, newcomer.replica, newcomer.ref)
        return True
    native = tx.inbox.take(bridge.name, newcomer.replica, newcomer.ref).ticket
    assert native is not None
    kept = next((link for link in tx.links.of_ticket(record.id) if link.replica == newcomer.replica), None)
    if kept is not None:
        if not note_twin(reader, native, record.id, kept):
            return False  # the body of a linked ticket was copied, marker and all
        tx.inbox.done(bridge.name, newcomer.replica, newcomer.ref)
        return True
    link_lost_create(reader, native, record.id)
    return True


def link_lost_create(reader: Reader, native: NativeTicket, ticket: TicketId) -> None:
    """A create whose answer was lost was done after all: link it and close its outbox rows.

    What was sent is the base, so that it is not taken for somebody's edit and whatever is missing is written next.
    """
    bridge, tx, replica = reader.bridge, reader.tx, reader.replica.name
    creates = [row for row in tx.outbox.of_ticket(ticket, replica) if row.op.kind is OpKind.CREATE]
    sent = fields_from_json(creates[-1].after or {}) if creates else {}
    base = reader.first_base(sent, native)
    tx.links.add(
        bridge=bridge.name,
        replica=replica,
        ref=native.ref,
        ticket=ticket,
        key=native.key,
        url=native.url,
        number=native.number,
        native=replace(native, comments=None),
        base=base,
        digest=reader.mapping.digest(),
        agreed=sent,
    )
    tx.tickets.set_dirty(ticket, "found again")
    close_lost_create(tx, ticket, replica, native.ref)
    if creates:
        doubt(tx, creates[-1].id, {name for name in base.keys() - sent.keys() if not is_empty(base[name])})


def close_lost_create(tx: Tx, of: TicketId | CommentId, replica: ReplicaName, ref: NativeRef) -> None:
    """Close the requests that made `ref` and whose answers were lost, each with its outcome in the log."""
    for row in tx.outbox.close_creates(of, replica, ref=ref):
        tx.audit.append(
            phase="outcome",
            action=row.op.kind.value,
            run=row.run,
            bridge=row.bridge,
            ticket=row.ticket,
            replica=replica,
            op_id=row.id,
            after={"ref": ref},
            note="done: its answer had been lost; found again by its marker",
        )


def _forget_problems(bridge: Bridge, tx: Tx, rest: list[_Newcomer]) -> None:
    """Why these were left alone before is no matter any more: they are judged anew."""
    told = {(one.replica, one.ref) for one in tx.problems.open(bridge.name) if one.kind == "link"}
    for one in rest:
        if (one.replica, one.ref) in told:
            tx.problems.clear(bridge.name, one.replica, ref=one.ref, kind="link")


def _create(
    bridge: Bridge, tx: Tx, open_readers: dict[ReplicaName, Reader], rest: list[_Newcomer], joined: Joined
) -> None:
    """Adopt by explicit reference, then make a ticket of each one that is left."""
    wanted = {(one.replica, one.ref): one.references for one in rest if one.references and not one.outsider}
    for one in (one for one in rest if one.references and one.outsider):
        _report(bridge, tx, one, _OUTSIDER, _ADOPT_MEND, joined)
    pairs: list[Adoption] = []
    if wanted:
        pairs = _adoptions(bridge, tx, rest, wanted, joined)
    tickets: dict[tuple[ReplicaName, NativeRef], TicketId] = {}
    by_place = {(one.replica, one.ref): one for one in rest}
    groups = _groups(pairs)
    for place, one in by_place.items():
        if place in tickets:
            continue
        group = groups.get(place, [place])
        ticket = _known_ticket(bridge, tx, group)
        members = [by_place[member] for member in group if member in by_place]
        if ticket is None:
            if not any(open_readers[member.replica].replica.reads for member in members):
                for member in members:
                    tx.inbox.done(bridge.name, member.replica, member.ref)
                continue
            ticket = tx.tickets.create(bridge.name, Canonical(fields={Field.KIND: one.kind}), dirty="new").id
            joined.created += 1
        for member in members:
            if any(link.replica == member.replica for link in tx.links.of_ticket(ticket)):
                message = f"another ticket of {member.replica} is already joined there"
                _report(bridge, tx, member, message, _ADOPT_MEND, joined)
                tx.inbox.done(bridge.name, member.replica, member.ref)
                continue
            tx.links.add(
                bridge=bridge.name,
                replica=member.replica,
                ref=member.ref,
                ticket=ticket,
                key=member.key,
                url=member.url,
            )
            tickets[member.replica, member.ref] = ticket
        joined.adopted += max(0, len(group) - 1)


def _known_ticket(bridge: Bridge, tx: Tx, group: list[tuple[ReplicaName, NativeRef]]) -> TicketId | None:
    for replica, ref in group:
        if (link := tx.links.by_ref(bridge.name, replica, ref)) is not None:
            return link.ticket
    return None


def _adoptions(
    bridge: Bridge,
    tx: Tx,
    rest: list[_Newcomer],
    wanted: dict[tuple[ReplicaName, NativeRef], tuple[str, ...]],
    joined: Joined,
) -> list[Adoption]:
    addresses = [Address(replica=one.replica, ref=one.ref, key=one.key, url=one.url) for one in rest]
    addresses += [
        Address(replica=link.replica, ref=link.ref, key=link.key, url=link.url)
        for link in tx.links.list(bridge.name, state="active")
    ]
    pairs, refused = adoptions(wanted, addresses)
    by_place = {(one.replica, one.ref): one for one in rest}
    for place, reason in refused:
        _report(bridge, tx, by_place[place], f"it was not joined: {reason}", _ADOPT_MEND, joined)
    return list(pairs)


def _groups(
    pairs: Iterable[Adoption],
) -> dict[tuple[ReplicaName, NativeRef], list[tuple[ReplicaName, NativeRef]]]:
    """Which places are one ticket: the connected parts of the adoptions, each listed under all of its members."""
    groups: dict[tuple[ReplicaName, NativeRef], list[tuple[ReplicaName, NativeRef]]] = {}
    for pair in pairs:
        one, other = (pair.replica, pair.ref), (pair.address.replica, pair.address.ref)
        union = list(dict.fromkeys([*groups.get(other, [other]), *groups.get(one, [one])]))
        for member in union:
            groups[member] = union
    return groups


def _join_comments(reader: Reader, ref: NativeRef) -> None:
    """Give every new comment of a linked ticket a canonical one; restricted comments stay where they are."""
    bridge, tx, name = reader.bridge, reader.tx, reader.replica.name
    link = tx.links.by_ref(bridge.name, name, ref)
    if link is None:
        return
    item = tx.inbox.take(bridge.name, name, ref)
    inside = item.ticket.comments or () if item.ticket is not None else ()
    alone = (comment for comment in item.comments if not item.outlived(comment.ref))
    for native in {comment.ref: comment for comment in (*alone, *inside)}.values():
        known = tx.links.by_ref(bridge.name, name, native.ref, comment=True, removed=True)
        if known is None:
            _join_comment(reader, link.ticket, ref, native)
        elif known.state == "gone" and not _was_ended(tx, known):
            _take_back(reader, known)


def _join_comment(reader: Reader, ticket: TicketId, ref: NativeRef, native: NativeComment) -> None:
    bridge, tx, name = reader.bridge, reader.tx, reader.replica.name
    decoded = reader.replica.codec.decode_comment(native, reader.mapping)
    if decoded.restricted or not reader.replica.reads:
        return
    comment: CommentId | None = None
    sent: Fields = {}
    if decoded.marker is not None:
        known = read_marker(decoded.marker, name, bridge.secret)
        record = None if known is None else tx.comments.get(CommentId(known))
        owner = None if record is None else tx.tickets.get(record.ticket)
        if record is None or owner is None or owner.bridge != bridge.name:
            return  # another bridge's copy: where two share a ticket, each would copy the other's copies without end
        if record.ticket == ticket and not _has_comment_link(tx, ticket, record.id, name):
            comment, sent = record.id, _asked(tx, record.ticket, record.id, name)
            close_lost_create(tx, comment, name, native.ref)
    if comment is None:
        source = Provenance(replica=name, author=decoded.author, at=decoded.created_at)
        comment = tx.comments.create(
            ticket,
            Canonical(fields={Field.BODY: decoded.body}, provenance={Field.BODY: source}),
            name,
            decoded.author,
            decoded.author_name,
            decoded.created_at,
        ).id
    link_comment(reader, native, ticket, ref, comment, sent)
    tx.tickets.set_dirty(ticket, "new comment")


def link_comment(
    reader: Reader, native: NativeComment, ticket: TicketId, ref: NativeRef, comment: CommentId, sent: Fields
) -> None:
    """Link a comment as it stands; of our own copy, whose answer was lost, what was `sent` is the base where it was edited since."""
    decoded = reader.decode_comment(native)
    edited = reader.replica.codec.decode_comment(native, reader.mapping).edited
    reader.tx.links.add(
        bridge=reader.bridge.name,
        replica=reader.replica.name,
        ref=native.ref,
        ticket=ticket,
        comment=comment,
        parent_ref=ref,
        native=native,
        base={**decoded, **sent} if edited else decoded,
        digest=reader.mapping.digest(),
        agreed={**decoded, **sent},
    )


def _asked(tx: Tx, ticket: TicketId, comment: CommentId, replica: ReplicaName) -> Fields:
    rows = (row for row in tx.outbox.of_ticket(ticket, replica) if row.comment == comment)
    creates = [row for row in rows if row.op.kind is OpKind.COMMENT_CREATE]
    return fields_from_json(creates[-1].after or {}) if creates else {}


def _was_ended(tx: Tx, link: LinkRecord) -> bool:
    comment = None if link.comment is None else tx.comments.get(link.comment)
    return comment is None or comment.deleted


def _has_comment_link(tx: Tx, ticket: TicketId, comment: CommentId, replica: ReplicaName) -> bool:
    return any(link.comment == comment and link.replica == replica for link in tx.links.of_comments(ticket))


def _report(bridge: Bridge, tx: Tx, one: _Newcomer, message: str, mend: str, joined: Joined) -> None:
    tx.problems.report(bridge=bridge.name, replica=one.replica, ref=one.ref, kind="link", message=message, mend=mend)
    joined.problems.append(
        ProblemLine(replica=one.replica, place=f"{one.replica} {one.key}", message=message, mend=mend)
    )
