"""Diff, merge and plan for the comments of one ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sync.core.changes import ChangeSet
from sync.core.conflict import Claim, Conflict, Reason
from sync.core.decision import Decision, Side
from sync.core.ids import ReplicaName
from sync.core.merge import reconcile
from sync.core.models import Canonical, Field, NativeComment, NativeTicket, Provenance, Snapshot, Tombstone
from sync.core.plan import Intent, make_plan
from sync.core.ports import OpKind
from sync.engine.echoes import without_echoes
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge
from sync.store import Tx
from sync.store.records import CommentRecord, ConflictRecord, InboxItem, LinkRecord
from sync.text import rephrase


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSeen:
    """One link of a ticket or comment and what was pulled for it, as the side that was reconciled."""

    link: LinkRecord
    side: Side
    head: NativeTicket | NativeComment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentWork:
    """One comment and what was decided about it; `ended` says that it was deleted where it was written."""

    record: CommentRecord
    decision: Decision
    seen: Mapping[ReplicaName, SideSeen]
    held: Mapping[Field, ConflictRecord]
    placed: frozenset[ReplicaName]
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class CommentDecider:
    """Decides the comments of one ticket; `active` are the ticket's links by replica, `items` what was pulled there."""

    bridge: Bridge
    tx: Tx
    readers: Mapping[ReplicaName, Reader]
    items: Mapping[ReplicaName, InboxItem]
    active: Mapping[ReplicaName, str]

    def decide(self, record: CommentRecord, links: Iterable[LinkRecord]) -> CommentWork:
        """What becomes of the comment; `links` are all of its links."""
        links = list(links)
        seen = {
            link.replica: self._side(link, self.items[link.replica])
            for link in links
            if link.state == "active" and link.replica in self.active
        }
        held = self.tx.conflicts.open_for(record.ticket, record.id)
        decision = reconcile(record.canonical, [one.side for one in seen.values()], self.bridge.policy, frozenset(held))
        origin = decision.sides.get(record.origin)
        ended = record.deleted or (origin is not None and origin.gone)
        return CommentWork(
            record=record,
            decision=_last_words(record, decision, seen) if ended else decision,
            seen=seen,
            held=held,
            placed=frozenset(link.replica for link in links),
            ended=ended,
        )

    def intents(
        self, work: CommentWork, planned: Iterable[Intent], missing: Callable[[CommentWork], Iterable[ReplicaName]]
    ) -> list[Intent]:
        """Edits and copies of one comment; when it was deleted where it was written, its copies are too."""
        record = work.record
        if work.ended:
            return [
                Intent(
                    kind=OpKind.COMMENT_DELETE,
                    replica=name,
                    ticket=record.ticket,
                    comment=record.id,
                    link=one.link.id,
                    changes=ChangeSet(gone=True),
                )
                for name, one in work.seen.items()
                if name != record.origin and self.readers[name].replica.receives
                if self.readers[name].capabilities.comment_delete and not work.decision.sides[name].gone
            ]
        there = {*self.active, *(intent.replica for intent in planned if intent.kind is OpKind.CREATE)}
        targets = [name for name in missing(work) if name in there and self.readers[name].capabilities.comments]
        links = {name: one.link.id for name, one in work.seen.items()}
        return list(make_plan(record.ticket, work.decision, links, targets, comment=record.id))

    def _side(self, link: LinkRecord, item: InboxItem) -> SideSeen:
        reader = self.readers[link.replica]
        whole = item.ticket.comments if item.ticket is not None else None
        heads = {native.ref: native for native in (*(whole or ()), *item.comments)}
        native = heads.get(link.ref)
        head: Snapshot | Tombstone | None = None
        if native is not None and reader.is_restricted(native):
            native = None  # what was said in public before stands; what was said since is not for everybody
        elif native is not None and not item.outlived(link.ref):
            head = Snapshot(fields=reader.decode_comment(native))
        elif whole is not None and item.received_at is not None and item.received_at > link.created_at:
            head = Tombstone(reason="deleted")  # a complete list of a later time does not hold it any more
        base = reader.base(link)
        side = Side(
            replica=link.replica,
            fields=frozenset({Field.BODY}) if reader.capabilities.comments else frozenset(),
            project=reader.projection(None),
            base=None if base is None else Snapshot(fields=base),
            head=head,
            agreed=link.agreed,
            reads=reader.replica.reads,
            receives=reader.replica.receives and reader.capabilities.comment_edit,
            rephrase=rephrase,
        )
        return SideSeen(link=link, side=without_echoes(side, reader, link), head=native)


def _last_words(record: CommentRecord, decision: Decision, seen: Mapping[ReplicaName, SideSeen]) -> Decision:
    """The decision about a comment that ended: nothing changes any more, and a copy that somebody rewrote is not deleted.

    It stays where it is, unlinked, and a conflict tells of it.
    """
    rewritten = {
        name: one
        for name, one in seen.items()
        if name != record.origin and one.side.reads and one.side.edited(Field.BODY)
    }
    conflicts = [
        Conflict(
            field=Field.BODY,
            reason=Reason.DELETED,
            base=record.canonical.fields.get(Field.BODY),
            claims=(Claim(value=one.side.seen[Field.BODY], source=one.side.touched or Provenance(replica=name)),),
            proposed=None,
            winner=None,
            settled=True,
        )
        for name, one in rewritten.items()
    ]
    return replace(
        decision,
        after=Canonical(fields=record.canonical.fields, provenance=record.canonical.provenance),
        changes=ChangeSet(),
        conflicts=tuple(conflicts),
        sides={
            name: replace(side, writes=ChangeSet(), gone=side.gone or name in rewritten)
            for name, side in decision.sides.items()
        },
    )
