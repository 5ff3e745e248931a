"""Trackers to rehearse with: they are read as far as they were pulled, and every write is answered as it should be.

What a server makes of a value is not known before: the answer shows what the codec says that the tracker can hold of it, and a
new ticket is open until it is told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sync.core.capabilities import Capabilities, Visibility
from sync.core.changes import ChangeSet
from sync.core.claims import as_set
from sync.core.ids import BridgeName, Cursor, Marker, NativeRef, ReplicaName, TicketId
from sync.core.linking import read_marker
from sync.core.mapping import ProjectMapping
from sync.core.models import (
    LINK_KINDS,
    Account,
    Decoded,
    DecodedComment,
    Field,
    FieldEvent,
    Fields,
    Gone,
    JsonObject,
    NativeAttachment,
    NativeComment,
    NativeEvent,
    NativeTicket,
    Snapshot,
    Value,
    link_parts,
    other_end,
)
from sync.core.ports import Adapter, ClockReading, Codec, Encoded, NativeOp, OpKind, Page, Pause, Receipt, Traffic
from sync.engine.runtime import Bridge, Replica
from sync.engine.workers import OneThread
from sync.store import Store, Tx
from sync.store.convert import fields_from_json, fields_to_json, ticket_from_json, ticket_to_json

#: The only member of a payload that no tracker made.
REHEARSED = "rehearsed"


def rehearsing(bridge: Bridge, store: Store) -> Bridge:
    """The bridge over a store to rehearse in, with trackers that are told nothing."""
    replicas = {name: _rehearsing(bridge, store, one) for name, one in bridge.replicas.items()}
    return replace(bridge, store=store, replicas=replicas, workers=OneThread())


def _rehearsing(bridge: Bridge, store: Store, one: Replica) -> Replica:
    links = Links(own=one.capabilities.own_ends if one.capabilities is not None else frozenset())
    codec = RehearsedCodec(codec=one.codec, links=links, replica=one.name, secret=bridge.secret)

    def read(native: NativeTicket) -> object:
        return codec.decode(native, one.mapping) if one.mapping is not None else None

    adapter = RehearsedAdapter(
        adapter=one.adapter, links=links, read=read, store=store, bridge=bridge.name, replica=one.name, now=bridge.now
    )
    return replace(one, adapter=adapter, codec=codec)


_Turn = tuple[int, datetime]


def _turn(native: NativeTicket) -> _Turn:
    """When the ticket was as it is: what was written in the rehearsal is later than all that was read."""
    return native.payload.get(REHEARSED, {}).get("turn", 0), native.fetched_at


@dataclass(slots=True)
class Links:
    """What each ticket was last seen to say of its links: a server shows at both ends what was written at one, but for the `own` kinds."""

    own: frozenset[str]
    _seen: dict[NativeRef, tuple[_Turn, frozenset[str]]] = field(default_factory=dict)
    _named_by: dict[str, set[NativeRef]] = field(default_factory=dict)

    def note(self, native: NativeTicket, links: frozenset[str]) -> None:
        """Remember the links of a ticket as it was read or written."""
        known = self._seen.get(native.ref)
        if known is not None and known[0] > _turn(native):
            return
        self._seen[native.ref] = _turn(native), links
        for member in links:
            self._named_by.setdefault(link_parts(member)[1], set()).add(native.ref)

    def ends(self, ref: NativeRef) -> set[NativeRef]:
        """The tickets at the other ends of the links that the ticket was last seen to have."""
        _, members = self._seen.get(ref, (None, frozenset[str]()))
        return {NativeRef(link_parts(member)[1]) for member in members}

    def mirrors(self, native: NativeTicket) -> dict[str, bool]:
        """The links of a ticket that were made (True) or taken away at their other ends after it was read."""
        since, own = self._seen.get(native.ref, (_turn(native), frozenset[str]()))
        since = max(since, _turn(native))  # of two requests for one ticket the first may have written its links
        others = self._named_by.get(native.ref, set()) | {NativeRef(link_parts(member)[1]) for member in own}
        found: dict[str, bool] = {}
        for other in others & self._seen.keys():
            turn, links = self._seen[other]
            if turn <= since:
                continue
            ends = [link_parts(member) for member in links]
            there = {other_end(kind, other) for kind, end in ends if end == native.ref and kind in LINK_KINDS}
            found |= {member: member in there for member in own if link_parts(member)[1] == other}
            found |= dict.fromkeys(there, True)
        return {member: there for member, there in found.items() if link_parts(member)[0] not in self.own}


@dataclass(slots=True, kw_only=True)
class RehearsedAdapter:
    """Answers writes by itself; history and files are the tracker's own."""

    adapter: Adapter
    links: Links
    read: Callable[[NativeTicket], object]
    store: Store
    bridge: BridgeName
    replica: ReplicaName
    now: Callable[[], datetime]
    traffic: Traffic = field(default_factory=Traffic)
    _numbers: Iterator[int] = field(default_factory=partial(count, 1))

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:  # noqa: ARG002
        """The tickets as they were pulled, without their comments."""
        with self.store.read() as tx:
            for ref in refs:
                link = tx.links.by_ref(self.bridge, self.replica, ref, removed=True)
                native = link.native if link is not None else None
                yield self._mirrored(native) if isinstance(native, NativeTicket) else Gone(ref=ref, reason="never seen")

    def _read_neighbours(self, tx: Tx, ticket: TicketId, native: NativeTicket) -> None:
        """Read what was last seen of the tickets that this one is or should be linked to: they may say that it is, or not."""
        record = tx.tickets.get(ticket)
        members = as_set(None if record is None else record.canonical.fields.get(Field.LINKS))
        others = {TicketId(link_parts(member)[1]) for member in members}
        refs = set(tx.links.tickets_to_refs(self.bridge, self.replica, others).values()) if others else set()
        for other in sorted(refs | self.links.ends(native.ref)):
            link = tx.links.by_ref(self.bridge, self.replica, other)
            if link is not None and isinstance(link.native, NativeTicket):
                self.read(link.native)

    def _mirrors(self, native: NativeTicket) -> dict[str, bool]:
        """The links that the ticket has, or has not any more, since it was read."""
        with self.store.read() as tx:
            link = tx.links.by_ref(self.bridge, self.replica, native.ref)
            if link is not None:
                self.read(native)
                self._read_neighbours(tx, link.ticket, native)
        self.read(native)
        return self.links.mirrors(native)

    def _mirrored(self, native: NativeTicket) -> NativeTicket:
        """The ticket with what links that were written at their other ends later than this was read make of it."""
        mirrors = self._mirrors(native)
        if not mirrors:
            return native
        told = native.payload.get(REHEARSED) or {"under": ticket_to_json(native), "key": native.key, "fields": {}}
        return replace(native, payload={REHEARSED: {**told, "mirrors": mirrors}})

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:  # noqa: ARG002
        """See `Adapter`: what should come of it."""
        at, ref = self.now(), op.ref or NativeRef(f"{REHEARSED}:{self.replica}:{next(self._numbers)}")
        match op.kind:
            case OpKind.CREATE | OpKind.UPDATE:
                return Receipt(ref=ref, at=at, ticket=self._ticket(op, ref, at))
            case OpKind.COMMENT_CREATE | OpKind.COMMENT_UPDATE:
                made = op.comment or NativeRef(f"{REHEARSED}:{self.replica}:{next(self._numbers)}")
                comment = NativeComment(ref=made, ticket=ref, version=REHEARSED, payload=op.payload)
                return Receipt(ref=ref, at=at, comment=comment, comment_ref=made)
            case OpKind.ATTACHMENT_CREATE:
                made = NativeRef(f"{REHEARSED}:{self.replica}:{next(self._numbers)}")
                url = f"https://{REHEARSED}.invalid/{self.replica}/{made.rpartition(':')[2]}"
                file = NativeAttachment(ref=made, ticket=ref, name=str(op.payload["name"]), url=url)
                return Receipt(ref=ref, at=at, attachment=file)
        return Receipt(ref=ref, at=at)

    def _ticket(self, op: NativeOp, ref: NativeRef, at: datetime) -> NativeTicket:
        under = op.payload[REHEARSED]["under"]
        payload = {REHEARSED: {**op.payload[REHEARSED], "turn": next(self._numbers)}}
        if under is not None:
            old = ticket_from_json(under)
            if Field.LINKS not in op.fields:
                payload[REHEARSED]["mirrors"] = self._mirrors(old)
            return replace(old, payload=payload, version=f"{old.version}+", updated_at=at, comments=None)
        key = str(op.payload[REHEARSED]["key"])
        return NativeTicket(
            ref=ref, key=key, url="", number=0, version=REHEARSED, payload=payload, fetched_at=at, updated_at=at
        )  # fmt: skip

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:
        """See `Adapter`."""
        self.adapter.download(attachment, take, limit=limit)

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`."""
        return self.adapter.history(refs, since)

    def pause(self, kind: OpKind, count: int = 1) -> Pause | None:  # noqa: ARG002
        """See `Adapter`: the plan is all that there is to do, however long the tracker makes us wait."""
        return None

    def recall(self, sent: Sequence[tuple[OpKind, timedelta]]) -> None:
        """See `Adapter`: nothing is sent."""

    def clock(self) -> ClockReading:
        """See `Adapter`."""
        return self.adapter.clock()

    def visibility(self) -> Visibility:
        """See `Adapter`."""
        return self.adapter.visibility()

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        return self.adapter.probe()

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`."""
        self.adapter.resume(known)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`."""
        return self.adapter.pull(since)

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        """See `Adapter`."""
        return self.adapter.find(op, fence=fence)

    def close(self) -> None:
        """The tracker's own adapter is closed by whoever opened it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedCodec:
    """Translates as the tracker's own; its requests carry what is asked in the codec's terms, and its tickets show it."""

    codec: Codec
    links: Links
    replica: ReplicaName
    secret: bytes

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """See `Codec`."""
        decoded = self._decoded(native, mapping)
        self.links.note(native, as_set(decoded.snapshot.fields.get(Field.LINKS)))
        return decoded

    def _decoded(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        told = native.payload.get(REHEARSED)
        if told is None:
            return self.codec.decode(native, mapping)
        under = _under(native)
        decoded = Decoded(snapshot=Snapshot(fields={})) if under is None else self.codec.decode(under, mapping)
        fields = {**decoded.snapshot.fields, **fields_from_json(told["fields"])}
        if mirrors := told.get("mirrors"):
            there = frozenset(member for member, shown in mirrors.items() if shown)
            fields[Field.LINKS] = (as_set(fields.get(Field.LINKS)) - frozenset(mirrors)) | there
        return replace(decoded, snapshot=Snapshot(fields=fields))

    def decode_comment(self, native: NativeComment, mapping: ProjectMapping) -> DecodedComment:
        """See `Codec`."""
        if REHEARSED not in native.payload:
            return self.codec.decode_comment(native, mapping)
        told = native.payload[REHEARSED]
        return DecodedComment(
            body=told["body"], author=None, author_name="", created_at=datetime.fromisoformat(told["at"])
        )

    def accounts(self, native: NativeTicket | NativeComment) -> Iterator[Account]:
        """See `Codec`."""
        return self.codec.accounts(native) if REHEARSED not in native.payload else iter(())

    def attachments(self, native: NativeTicket) -> tuple[NativeAttachment, ...]:
        """See `Codec`."""
        under = _under(native)
        return self.codec.attachments(under) if under is not None else ()

    def decode_event(self, event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
        """See `Codec`."""
        return self.codec.decode_event(event, mapping)

    def project(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> Fields:
        """See `Codec`."""
        return self.codec.project(fields, _under(current), mapping, caps)

    def encode(
        self,
        changes: ChangeSet,
        current: NativeTicket | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        marker: Marker | None = None,
    ) -> Encoded:
        """See `Codec`; a ticket that was not made yet is filled in with one request for all that it can hold."""
        under = _under(current)
        holds = self.codec.project(changes.news, under, mapping, caps)
        if current is not None and under is None:
            fields = frozenset(name for name in changes.fields if name in holds)
            encoded = Encoded(ops=(_request(OpKind.UPDATE, current.ref, fields),) if fields else ())
        else:
            encoded = self.codec.encode(changes, under, mapping, caps, marker)
        shown: dict[Field, Value] = {} if current is None else _shown(current)
        seen = {} if current is None else self.decode(current, mapping).snapshot.fields
        linked = as_set(seen.get(Field.LINKS))
        if linked:
            shown[Field.LINKS] = linked
        if current is None:
            opened = self.codec.project({Field.STATUS: "open"}, None, mapping, caps)
            carried = caps.fields | mapping.placed | mapping.custom.keys()
            shown |= {name: opened.get(name) if name is Field.STATUS else None for name in carried}
        ops: list[NativeOp] = []
        for op in encoded.ops:
            shown |= {name: holds.get(name, changes.news[name]) for name in op.fields if name in changes.fields}
            told = {
                "under": None if under is None else ticket_to_json(under),
                "key": current.key if current is not None else self._name(marker),
                "fields": fields_to_json(shown),
            }
            ops.append(replace(op, payload={REHEARSED: told}))
        return replace(encoded, ops=tuple(ops))

    def encode_delete(self, ticket: NativeTicket) -> Encoded:
        """See `Codec`."""
        return self.codec.encode_delete(_under(ticket) or ticket)

    def encode_comment(
        self,
        body: str | None,
        ticket: NativeTicket,
        current: NativeComment | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        *,
        marker: Marker | None = None,
        attribution: str | None = None,
    ) -> Encoded:
        """See `Codec`."""
        whole = _under(ticket) or replace(ticket, payload={}, comments=())
        there = None if current is None else replace(current, payload={}) if REHEARSED in current.payload else current
        encoded = self.codec.encode_comment(
            body, whole, there, mapping, caps, marker=marker, attribution=attribution
        )  # fmt: skip
        told = {REHEARSED: {"body": body or "", "at": ticket.fetched_at.isoformat()}}
        return replace(encoded, ops=tuple(replace(op, payload=told) for op in encoded.ops))

    def _name(self, marker: Marker | None) -> str:
        """What stands for the key of a ticket that is not there yet."""
        ticket = None if marker is None else read_marker(marker, self.replica, self.secret)
        return "new" if ticket is None else f"copy of {ticket}"


def _under(native: NativeTicket | None) -> NativeTicket | None:
    """The ticket as the tracker answered it; None where there is none yet."""
    if native is None or REHEARSED not in native.payload:
        return native
    under = native.payload[REHEARSED]["under"]
    return None if under is None else ticket_from_json(under)


def _shown(native: NativeTicket) -> dict[Field, Value]:
    """What earlier requests of the rehearsal wrote."""
    told: Any = native.payload.get(REHEARSED)
    return {} if told is None else fields_from_json(told["fields"])


def _request(kind: OpKind, ref: NativeRef, fields: frozenset[Field]) -> NativeOp:
    payload: JsonObject = {}
    return NativeOp(kind=kind, action=REHEARSED, summary=REHEARSED, payload=payload, ref=ref, fields=fields)
