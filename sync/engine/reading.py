"""From native to canonical and back, for one bridge: decode, resolve parents, project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sync.core.capabilities import Capabilities
from sync.core.claims import as_set
from sync.core.fieldrules import Shape, shape_of
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Decoded, Field, Fields, NativeComment, NativeTicket, Provenance, Value, link_parts
from sync.engine.addresses import listed, listed_ids, with_addresses, with_ids
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
        named = self.mapping.placed | self.mapping.custom.keys()
        return (self.capabilities.fields | named) - self.mapping.mapping.off

    def decode(self, native: NativeTicket) -> Decoded:
        """The ticket in canonical terms, still with the native parent."""
        return self.replica.codec.decode(native, self.mapping)

    def shown(self, native: NativeTicket) -> dict[Field, Value]:
        """What the ticket says, in canonical terms and with other tickets by our own ids; see `resolved`."""
        return self.resolved(self.decode(native).snapshot.fields)

    def decode_comment(self, native: NativeComment) -> Fields:
        """The comment as the fields that are compared."""
        body = self.replica.codec.decode_comment(native, self.mapping).body
        return {Field.BODY: with_ids(self.tx, self.bridge.name, body)}

    def is_restricted(self, native: NativeComment) -> bool:
        """Whether some people only may read the comment: it never leaves its tracker."""
        return self.replica.codec.decode_comment(native, self.mapping).restricted

    def resolved(self, fields: Fields) -> dict[Field, Value]:
        """The carried fields, with other tickets and files by our own ids.

        The parent is UNKNOWN while it is not linked; links to what is not linked are left out: nobody else could hold them.
        """
        carried = {name: value for name, value in fields.items() if name in self.fields}
        parent = carried.get(Field.PARENT)
        refs = {NativeRef(other) for other in _neighbours(carried)}
        known = self.tx.links.refs_to_tickets(self.bridge.name, self.replica.name, refs) if refs else {}
        if isinstance(parent, str) and parent:
            carried[Field.PARENT] = known.get(NativeRef(parent), UNKNOWN)
        if isinstance(body := carried.get(Field.BODY), str):
            carried[Field.BODY] = with_ids(self.tx, self.bridge.name, body)
        if files := as_set(carried.get(Field.ATTACHMENTS)):
            carried[Field.ATTACHMENTS] = listed_ids(self.tx, self.bridge.name, files)
        if links := as_set(carried.get(Field.LINKS)):
            carried[Field.LINKS] = _renamed(links, known)
        return carried

    def localised(self, fields: Fields) -> dict[Field, Value]:
        """The carried fields as this replica can name them: people who have an account here, other tickets by their refs.

        Without the parent and the links of tickets that have no copy here (`unplaced`). Who has no account here stays with the others
        (`trackdown doctor` lists them).
        """
        carried = {name: value for name, value in fields.items() if name in self.fields}
        people = carried.get(Field.ASSIGNEES)
        if isinstance(people, frozenset):
            known = frozenset(person for person in people if self.mapping.people.write(person) is not None)
            carried[Field.ASSIGNEES] = known
        reporter = carried.get(Field.REPORTER)
        if isinstance(reporter, str) and self.mapping.people.write(reporter) is None:
            del carried[Field.REPORTER]
        if isinstance(body := carried.get(Field.BODY), str):
            carried[Field.BODY] = self.addressed(body)
        if files := as_set(carried.get(Field.ATTACHMENTS)):
            carried[Field.ATTACHMENTS] = listed(self.tx, self.replica.name, files)
        refs = self._refs(carried)
        parent = carried.get(Field.PARENT)
        if isinstance(parent, str) and parent:
            ref = refs.get(TicketId(parent))
            if ref is None:
                del carried[Field.PARENT]
            else:
                carried[Field.PARENT] = ref
        if links := as_set(carried.get(Field.LINKS)):
            carried[Field.LINKS] = _renamed(links, refs)
        return carried

    def strange_links(self, fields: Fields) -> frozenset[str]:
        """The links, in the codec's terms, to tickets that this bridge does not know: they are somebody's and stay."""
        links = as_set(fields.get(Field.LINKS))
        ends = {member: NativeRef(link_parts(member)[1]) for member in links}
        known = self.tx.links.refs_to_tickets(self.bridge.name, self.replica.name, set(ends.values())) if ends else {}
        return frozenset(member for member, ref in ends.items() if ref not in known)

    def addressed(self, text: str) -> str:
        """The text with files by the addresses that they have in this replica."""
        return with_addresses(self.tx, self.replica.name, with_ids(self.tx, self.bridge.name, text))

    def unplaced(self, fields: Fields) -> frozenset[TicketId]:
        """The parent and the linked tickets that have no copy here."""
        carried = {name: value for name, value in fields.items() if name in self.fields}
        return frozenset(TicketId(one) for one in _neighbours(carried) - self._refs(carried).keys())

    def _refs(self, carried: Fields) -> dict[TicketId, NativeRef]:
        others = {TicketId(one) for one in _neighbours(carried)}
        return self.tx.links.tickets_to_refs(self.bridge.name, self.replica.name, others) if others else {}

    def projection(self, current: NativeTicket | None) -> Callable[[Fields], Fields]:
        """What the replica can hold of canonical fields, beside `current`.

        The links are left out while a linked ticket has no copy here: they are not settled before that.
        """

        def project(fields: Fields) -> Fields:
            local = self.localised(fields)
            holds = dict(self.replica.codec.project(local, current, self.mapping, self.capabilities))
            if Field.PARENT in holds and holds[Field.PARENT] == local.get(Field.PARENT):
                holds[Field.PARENT] = fields[Field.PARENT]
            holds |= self.resolved({name: holds[name] for name in (Field.BODY, Field.ATTACHMENTS) if name in holds})
            wanted = as_set(fields.get(Field.LINKS))
            if len(wanted) > len(as_set(local.get(Field.LINKS))):
                holds.pop(Field.LINKS, None)
            elif links := as_set(holds.get(Field.LINKS)):
                holds[Field.LINKS] = as_set(self.resolved({Field.LINKS: links})[Field.LINKS]) & wanted
            return holds

        return project

    def base(self, link: LinkRecord) -> Fields | None:
        """The link's base by today's mapping: a changed mapping file must not look like edits."""
        if link.base is None or link.native is None or link.digest == self.mapping.digest():
            # What was read before its files were known by their ids says the same as what is read now.
            body = None if link.base is None else link.base.get(Field.BODY)
            known = with_ids(self.tx, self.bridge.name, body) if isinstance(body, str) else body
            return link.base if link.base is None or known == body else {**link.base, Field.BODY: known}
        if isinstance(link.native, NativeComment):
            return self.decode_comment(link.native)
        return {**link.base, **self.shown(link.native)}

    def first_base(self, asked: Fields, native: NativeTicket | None) -> Fields:
        """What our own copy held when it was made: what it was asked to hold, and the tracker's own values for the rest.

        Of a copy whose answer was lost: what `native` says otherwise now, somebody wrote there since; and they put in the members of
        sets that were not asked for, as a tracker links and labels nothing by itself.
        """
        shown = {} if native is None else self.shown(native)
        empty: Fields = {name: frozenset[str]() for name in shown if shape_of(name) is Shape.SET}
        return {**shown, **empty, **self.projection(None)(asked)}

    def touched(self, link: LinkRecord, head: NativeTicket) -> Provenance:
        """When the head was written at the latest and at the earliest: between the last two versions seen, by our clock."""
        clock = self.replica.adapter.clock()
        latest = head.updated_at - clock.offset
        margin = clock.uncertainty + self.capabilities.clock_resolution
        before = link.native.updated_at if isinstance(link.native, NativeTicket) else None
        window = max(head.updated_at - before, timedelta()) if before is not None else timedelta(days=365)
        return Provenance(replica=self.replica.name, at=latest - window / 2, uncertainty=window / 2 + margin)


def _neighbours(fields: Fields) -> set[str]:
    """The tickets that the fields name, in the terms that they are in."""
    parent = fields.get(Field.PARENT)
    named = {link_parts(member)[1] for member in as_set(fields.get(Field.LINKS))}
    return named | ({parent} if isinstance(parent, str) and parent else set())


def _renamed(links: frozenset[str], names: Mapping[Any, str]) -> frozenset[str]:
    """The links with their other ends by `names`; those of which it knows nothing are left out."""
    ends = (link_parts(member) for member in links)
    return frozenset(f"{kind}:{names[other]}" for kind, other in ends if other in names)


def readers(bridge: Bridge, tx: Tx) -> dict[ReplicaName, Reader]:
    """A reader for every replica that has been introduced."""
    return {
        name: Reader(bridge=bridge, replica=replica, tx=tx)
        for name, replica in bridge.replicas.items()
        if replica.mapping is not None
    }
