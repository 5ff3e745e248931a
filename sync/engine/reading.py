"""From native to canonical and back, for one bridge: decode, resolve parents, project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sync.core.capabilities import Capabilities
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Decoded, Field, Fields, NativeComment, NativeTicket, Provenance, Value
from sync.engine.runtime import Bridge, Replica
from sync.store import Tx
from sync.store.records import LinkRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads one replica in canonical terms, within one transaction."""

    bridge: Bridge
    replica: Replica
    tx: Tx

    @property
    def mapping(self) -> ProjectMapping:
        """The bound mapping; the replica has been introduced."""
        assert self.replica.mapping is not None
        return self.replica.mapping

    @property
    def capabilities(self) -> Capabilities:
        """What the project can do; the replica has been introduced."""
        assert self.replica.capabilities is not None
        return self.replica.capabilities

    @property
    def fields(self) -> frozenset[Field]:
        """The fields that go through this replica."""
        return self.capabilities.fields - self.mapping.mapping.off

    def decode(self, native: NativeTicket) -> Decoded:
        """The ticket in canonical terms, still with the native parent."""
        return self.replica.codec.decode(native, self.mapping)

    def decode_comment(self, native: NativeComment) -> Fields:
        """The comment as the fields that are compared."""
        return {Field.BODY: self.replica.codec.decode_comment(native, self.mapping).body}

    def is_restricted(self, native: NativeComment) -> bool:
        """Whether some people only may read the comment: it never leaves its tracker."""
        return self.replica.codec.decode_comment(native, self.mapping).restricted

    def resolved(self, fields: Fields) -> dict[Field, Value]:
        """The carried fields, with the parent as a TicketId: UNKNOWN while the parent is not linked."""
        carried = {name: value for name, value in fields.items() if name in self.fields}
        parent = carried.get(Field.PARENT)
        if isinstance(parent, str) and parent:
            ref = NativeRef(parent)
            known = self.tx.links.refs_to_tickets(self.bridge.name, self.replica.name, [ref])
            carried[Field.PARENT] = known.get(ref, UNKNOWN)
        return carried

    def localised(self, fields: Fields) -> dict[Field, Value]:
        """The carried fields as this replica can name them: people who have an account here, the parent by its ref.

        Without the parent while it is not linked here. Who has no account here stays with the others (`trackdown doctor` lists them).
        """
        carried = {name: value for name, value in fields.items() if name in self.fields}
        people = carried.get(Field.ASSIGNEES)
        if isinstance(people, frozenset):
            known = frozenset(person for person in people if self.mapping.people.write(person) is not None)
            carried[Field.ASSIGNEES] = known
        parent = carried.get(Field.PARENT)
        if isinstance(parent, str) and parent:
            ticket = TicketId(parent)
            ref = self.tx.links.tickets_to_refs(self.bridge.name, self.replica.name, [ticket]).get(ticket)
            if ref is None:
                del carried[Field.PARENT]
            else:
                carried[Field.PARENT] = ref
        return carried

    def projection(self, current: NativeTicket | None) -> Callable[[Fields], Fields]:
        """What the replica can hold of canonical fields, beside `current`."""

        def project(fields: Fields) -> Fields:
            local = self.localised(fields)
            holds = dict(self.replica.codec.project(local, current, self.mapping, self.capabilities))
            if Field.PARENT in holds and holds[Field.PARENT] == local.get(Field.PARENT):
                holds[Field.PARENT] = fields[Field.PARENT]
            return holds

        return project

    def base(self, link: LinkRecord) -> Fields | None:
        """The link's base by today's mapping: a changed mapping file must not look like edits."""
        if link.base is None or link.native is None or link.digest == self.mapping.digest():
            return link.base
        if isinstance(link.native, NativeComment):
            return self.decode_comment(link.native)
        return {**link.base, **self.resolved(self.decode(link.native).snapshot.fields)}

    def first_base(self, asked: Fields, native: NativeTicket | None) -> Fields:
        """What our own copy held when it was made: what it was asked to hold, and the tracker's own values for the rest.

        Of a copy whose answer was lost: what `native` says otherwise now, somebody wrote there since.
        """
        shown = {} if native is None else self.resolved(self.decode(native).snapshot.fields)
        return {**shown, **self.projection(None)(asked)}

    def touched(self, link: LinkRecord, head: NativeTicket) -> Provenance:
        """When the head was written at the latest and at the earliest: between the last two versions seen, by our clock."""
        clock = self.replica.adapter.clock()
        latest = head.updated_at - clock.offset
        margin = clock.uncertainty + self.capabilities.clock_resolution
        before = link.native.updated_at if isinstance(link.native, NativeTicket) else None
        window = max(head.updated_at - before, timedelta()) if before is not None else timedelta(days=365)
        return Provenance(replica=self.replica.name, at=latest - window / 2, uncertainty=window / 2 + margin)


def readers(bridge: Bridge, tx: Tx) -> dict[ReplicaName, Reader]:
    """A reader for every replica that has been introduced."""
    return {
        name: Reader(bridge=bridge, replica=replica, tx=tx)
        for name, replica in bridge.replicas.items()
        if replica.mapping is not None
    }
