"""Deletions: what becomes of a ticket's other copies when one of them was deleted, or left its project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sync.core.changes import ChangeSet, FieldChange, diff_fields
from sync.core.claims import as_set
from sync.core.conflict import Claim, Conflict, Reason
from sync.core.decision import Decision, Side
from sync.core.fieldrules import equal
from sync.core.ids import ReplicaName
from sync.core.merge import reconcile
from sync.core.models import UNKNOWN, Canonical, Field, Fields, Provenance, is_empty
from sync.core.plan import Intent
from sync.core.policy import MergePolicy
from sync.core.ports import OpKind
from sync.engine.attachments import takes_files
from sync.engine.reading import Reader
from sync.store import Tx
from sync.store.records import InboxItem, LinkRecord

#: `unlink`: nothing; `moved`: nothing, it is in another project; `kept`: nothing, because it says what the deleted copy was never told;
#: `close` and `delete`: as the bridge's `on_delete` says.
Outcome = Literal["unlink", "moved", "kept", "close", "delete"]
#: Why a ticket is dirty whose copies may be deleted as soon as somebody consents.
WAITS = "its copies wait to be deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One copy is not there any more, and what becomes of the others; `unheard` are the fields of which it was never told."""

    link: LinkRecord
    outcome: Outcome
    moved_to: str = ""
    unheard: tuple[Field, ...] = ()


def find_endings(
    tx: Tx,
    readers: Mapping[ReplicaName, Reader],
    links: Mapping[ReplicaName, LinkRecord],
    items: Mapping[ReplicaName, InboxItem],
    after: Canonical,
) -> tuple[Ending, ...]:
    """The copies whose end was just made sure of, and those whose deletion is still to be carried to the others."""
    endings: list[Ending] = []
    others = [
        name
        for name, link in links.items()
        if link.is_active and not items[name].gone and readers[name].replica.receives
    ]
    for name, link in links.items():
        gone = items[name].gone
        if link.state == "active" and gone is not None and gone.sure and gone.moved_to:
            endings.append(Ending(link=link, outcome="moved", moved_to=gone.moved_to))
        elif (link.state == "active" and gone is not None and gone.sure) or (
            link.state == "gone" and link.missing_since is not None
        ):
            reader = readers[name]
            unheard, silent = _unheard(reader, link, after), _has_untold_parts(tx, reader, link)
            outcome: Outcome = reader.bridge.on_delete if reader.replica.reads and others else "unlink"
            if outcome != "unlink" and (unheard or silent):
                outcome = "kept"
            endings.append(Ending(link=link, outcome=outcome, unheard=unheard))
    if any(one.outcome == "kept" for one in endings):
        return tuple(one if one.outcome == "moved" else replace(one, outcome="kept") for one in endings)
    return tuple(endings)


def _unheard(reader: Reader, link: LinkRecord, after: Canonical) -> tuple[Field, ...]:
    """The fields whose agreed value came from elsewhere and did not reach this copy before it was deleted."""
    base: Fields = link.base or {}
    found: list[Field] = []
    for name, value in after.fields.items():
        source = after.provenance.get(name)
        if name not in reader.fields or name in reader.capabilities.tells:
            continue
        if source is not None and source.replica == link.replica:
            continue
        told = link.agreed.get(name, base.get(name, UNKNOWN))
        if told is not UNKNOWN and not equal(name, told, value):
            found.append(name)
    return tuple(found)


def _has_untold_parts(tx: Tx, reader: Reader, link: LinkRecord) -> bool:
    """Whether somebody wrote a comment or attached a file elsewhere that this copy never had."""
    if not reader.replica.receives:
        return False
    if reader.capabilities.comments:
        copies = {one.comment: one for one in tx.links.of_comments(link.ticket) if one.replica == link.replica}
        for record in tx.comments.of(link.ticket):
            copy = copies.get(record.id)
            text = record.canonical.fields.get(Field.BODY)
            if copy is None or not equal(Field.BODY, copy.agreed.get(Field.BODY), text):
                return True
    if not takes_files(reader):
        return False
    there = {one.attachment for one in tx.attachments.copies(link.ticket) if one.replica == link.replica}
    files = (one for one in tx.attachments.of(link.ticket) if one.sha256 and one.deleted_at is None)
    return any(one.id not in there for one in files)


def carried(
    decision: Decision,
    endings: Iterable[Ending],
    sides: Mapping[ReplicaName, Side],
    readers: Mapping[ReplicaName, Reader],
    policy: MergePolicy,
    held: frozenset[Field],
) -> Decision:
    """The decision with what follows from the endings: closed where that is wanted, conflicts where it was kept."""
    endings = [one for one in endings if one.outcome not in ("unlink", "moved")]
    if not endings:
        return decision
    first = endings[0]
    if first.outcome == "kept":
        return replace(decision, conflicts=(*decision.conflicts, *_kept(first, decision)))
    rest = [name for name, side in sides.items() if not decision.sides[name].gone and side.receives]
    all_go = all(readers[name].capabilities.can_delete for name in rest)
    if first.outcome == "delete" and (all_go or not _consented(first, readers)):
        return decision
    if decision.after.fields.get(Field.STATUS) == "done" or Field.STATUS in held or not rest:
        return decision
    source = Provenance(replica=first.link.replica, at=first.link.missing_since)
    closed = Canonical(
        fields={**decision.after.fields, Field.STATUS: "done", Field.REASON: "not_planned"},
        provenance={**decision.after.provenance, Field.STATUS: source, Field.REASON: source},
    )
    again = reconcile(closed, list(sides.values()), policy, held)
    before: Fields = {} if decision.before is None else decision.before.fields
    return replace(
        again,
        before=decision.before,
        changes=diff_fields(before, again.after.fields),
        conflicts=decision.conflicts,
    )


def _kept(ending: Ending, decision: Decision) -> Iterator[Conflict]:
    """Edited here, deleted there: never a delete by itself. Told with what the deleted copy did not know."""
    base: Fields = ending.link.base or {}
    for name in ending.unheard or (Field.STATUS,):
        value = decision.after.fields.get(name)
        source = decision.after.provenance.get(name, Provenance(replica=None))
        claim = Claim(value=value, source=source, canonical=True)
        yield Conflict(
            field=name,
            reason=Reason.DELETED,
            base=base.get(name),
            claims=(claim,),
            proposed=value,
            winner=claim,
            settled=True,
        )


def deletes(
    endings: Iterable[Ending],
    active: Mapping[ReplicaName, LinkRecord],
    readers: Mapping[ReplicaName, Reader],
) -> list[Intent]:
    """The copies to be deleted, with all that stood there, so that the log keeps it; none without a consent."""
    ending = next((one for one in endings if one.outcome == "delete"), None)
    if ending is None or not _consented(ending, readers):
        return []
    return [
        Intent(
            kind=OpKind.DELETE,
            replica=name,
            ticket=link.ticket,
            link=link.id,
            changes=ChangeSet(gone=True, fields=_everything(link)),
        )
        for name, link in active.items()
        if can_be_deleted(readers[name])
    ]


def can_be_deleted(reader: Reader) -> bool:
    """Whether tickets of this replica can be deleted by us."""
    return reader.replica.receives and reader.capabilities.can_delete


def settle_endings(tx: Tx, link: LinkRecord) -> None:
    """The deletion of a ticket is carried to all its copies: nothing waits any more."""
    for other in tx.links.of_ticket(link.ticket):
        if other.state == "gone" and other.missing_since is not None:
            tx.links.save(replace(other, missing_since=None))


def _everything(link: LinkRecord) -> dict[Field, FieldChange]:
    base: Fields = link.base or {}
    return {
        name: FieldChange(old=value, new=frozenset() if as_set(value) else None)
        for name, value in base.items()
        if value is not UNKNOWN and not is_empty(value)
    }


def _consented(ending: Ending, readers: Mapping[ReplicaName, Reader]) -> bool:
    return readers[ending.link.replica].bridge.limits.allow_deletes
