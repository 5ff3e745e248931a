"""Attachments: files that people attached are read once, known by their content, and kept at hand while they are copied."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sync.core.claims import as_set
from sync.core.errors import TrackerError
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.models import Field, NativeAttachment, NativeTicket
from sync.engine.probe import failure_of
from sync.engine.reading import Reader, readers
from sync.engine.report import ProblemLine
from sync.engine.runtime import Bridge
from sync.engine.sending import is_for_the_tracker
from sync.engine.session import Session
from sync.engine.writer import Blobs
from sync.store import Tx
from sync.store.records import AttachmentRecord, CopyRecord

_MEND = "attach it by hand where it is needed, or change [bridges.x.attachments]"


def note_removals(bridge: Bridge, tx: Tx, available: Iterable[ReplicaName]) -> None:
    """What a later answer does not hold any more was taken away: an original ends the attachment, a copy only itself."""
    for name in available:
        reader = readers(bridge, tx).get(name)
        if reader is None or not reader.replica.reads:
            continue
        refs = tx.inbox.ticket_refs(bridge.name, name)
        for ref, ticket in tx.links.refs_to_tickets(bridge.name, name, refs).items():
            copies = [copy for copy in tx.attachments.copies(ticket) if copy.replica == name and copy.state == "active"]
            native = tx.inbox.take(bridge.name, name, ref).ticket if copies else None
            if native is None:
                continue
            there = {one.ref for one in reader.replica.codec.attachments(native)}
            for copy in copies:
                # An answer that is older than the copy knows nothing of it.
                if copy.ref not in there and native.updated_at >= copy.seen_at:
                    _removed(bridge, tx, copy, copies, there)


def _removed(bridge: Bridge, tx: Tx, copy: CopyRecord, copies: Sequence[CopyRecord], there: set[NativeRef]) -> None:
    tx.attachments.set_copy(copy.id, "gone", copy.seen_at)
    record = tx.attachments.get(copy.attachment)
    others = [one for one in copies if one.attachment == copy.attachment and one.ref in there]
    if record is None or record.deleted_at is not None or record.origin != copy.replica or others:
        return
    tx.attachments.delete(record.id)
    _list(tx, copy.ticket, record, there=False)
    tx.tickets.set_dirty(copy.ticket, "a file was removed")
    tx.audit.append(
        phase="decision", action="remove attachment", bridge=bridge.name, ticket=copy.ticket, replica=copy.replica,
        before={"attachment": record.name, "sha256": record.sha256}, note=f"removed in {copy.replica}",
    )  # fmt: skip


def _list(tx: Tx, ticket: TicketId, record: AttachmentRecord, *, there: bool) -> None:
    """Where files can only be listed, the list is a field like any other."""
    known = tx.tickets.get(ticket)
    if known is None:
        return
    ids = as_set(known.canonical.fields.get(Field.ATTACHMENTS)) - {record.id} | ({record.id} if there else frozenset())
    fields = {**known.canonical.fields, Field.ATTACHMENTS: ids}
    tx.tickets.save(ticket, replace(known.canonical, fields=fields))


@contextmanager
def collected(session: Session, tickets: Sequence[TicketId]) -> Iterator[Blobs]:
    """Read the files of these tickets that nobody has read yet, and those that a replica still lacks; gone after the block."""
    with tempfile.TemporaryDirectory(prefix="trackdown-") as folder:
        blobs = Blobs(Path(folder))
        if session.bridge.files.carry:
            for ticket in tickets:
                _Collector(session, blobs, ticket).collect()
        yield blobs


class _Collector:
    """One ticket's files."""

    def __init__(self, session: Session, blobs: Blobs, ticket: TicketId) -> None:
        self.session, self.blobs, self.ticket = session, blobs, ticket
        self.bridge = session.bridge

    def collect(self) -> None:
        with self.bridge.store.read() as tx:
            there = dict(self._there(tx))
            if not there:
                return
            records, copies = tx.attachments.of(self.ticket), tx.attachments.copies(self.ticket)
            lacking = self._lacking(tx, records, copies)
        known = {(copy.replica, copy.ref): copy for copy in copies}
        for (name, _), (native, one) in there.items():
            if (name, one.ref) not in known:
                self._register(name, native, one)
            elif (
                known[name, one.ref].attachment in lacking
                and lacking[known[name, one.ref].attachment] not in self.blobs.paths
            ):
                self._read(name, native, one)

    def _there(self, tx: Tx) -> Iterator[tuple[tuple[ReplicaName, str], tuple[NativeTicket, NativeAttachment]]]:
        for link in tx.links.of_ticket(self.ticket):
            reader = readers(self.bridge, tx).get(link.replica)
            if reader is None or link.state != "active" or link.replica not in self.session.available:
                continue
            native = tx.inbox.take(self.bridge.name, link.replica, link.ref).ticket or link.native
            if isinstance(native, NativeTicket) and reader.replica.reads:
                for one in reader.replica.codec.attachments(native):
                    yield (link.replica, one.ref), (native, one)

    def _lacking(self, tx: Tx, records: Sequence[AttachmentRecord], copies: Sequence[CopyRecord]) -> dict[str, str]:
        """The contents that a replica still has to get."""
        active = {link.replica for link in tx.links.of_ticket(self.ticket) if link.state == "active"}
        able = {name for name, one in readers(self.bridge, tx).items() if takes_files(one) and name in active}
        placed = {(copy.attachment, copy.replica) for copy in copies}
        return {
            one.id: one.sha256
            for one in records
            if one.sha256 is not None and one.deleted_at is None
            if any((one.id, name) not in placed for name in able)
        }

    def _register(self, name: ReplicaName, native: NativeTicket, one: NativeAttachment) -> None:
        """A file that is new to us: another copy of a content that the ticket has, or a new attachment."""
        refusal = self.bridge.files.refusal(one.name, one.size)
        digest = None if refusal else self._read(name, native, one)
        if digest is None and not refusal:
            return  # it is tried again in the next cycle
        with self.bridge.store.begin(self.session.lease) as tx:
            same = [each for each in tx.attachments.of(self.ticket) if each.sha256 == digest and digest is not None]
            record = next((each for each in same if each.deleted_at is None), None)
            if record is None:
                record = tx.attachments.create(
                    self.ticket,
                    sha256=digest,
                    name=file_name(one.name),
                    size=one.size or 0,
                    media_type=one.media_type,
                    origin=name,
                    skipped=refusal,
                )
                _list(tx, self.ticket, record, there=True)
            tx.attachments.add_copy(
                record, bridge=self.bridge.name, replica=name, ref=one.ref, url=one.url, seen_at=native.updated_at
            )
            tx.tickets.set_dirty(self.ticket, "a file was attached")
        if refusal:
            self._tell(name, native, f"'{one.name}' is not copied: {refusal}")

    def _read(self, name: ReplicaName, native: NativeTicket, one: NativeAttachment) -> str | None:
        """Stream the file into the batch's folder; its digest, None where it can't be had now."""
        digest = hashlib.sha256()
        target = self.blobs.folder / f"{len(list(self.blobs.folder.iterdir()))}"
        try:
            with target.open("wb") as file:

                def take(part: bytes) -> None:
                    digest.update(part)
                    file.write(part)

                self.bridge.replicas[name].adapter.download(one, take, limit=self.bridge.files.max_size)
        except TrackerError as error:
            target.unlink(missing_ok=True)
            if is_for_the_tracker(error):
                self.session.lose([failure_of(name, error)])
            else:
                self._tell(name, native, f"'{one.name}' could not be read: {error}")
            return None
        self.blobs.paths[digest.hexdigest()] = target
        return digest.hexdigest()

    def _tell(self, name: ReplicaName, native: NativeTicket, message: str) -> None:
        with self.bridge.store.begin(self.session.lease) as tx:
            tx.problems.report(
                bridge=self.bridge.name, replica=name, ref=native.ref, ticket=self.ticket, kind="attachment",
                field=Field.ATTACHMENTS, message=message, mend=_MEND,
            )  # fmt: skip
        line = ProblemLine(replica=name, place=f"{name} {native.key}, attachments", message=message, mend=_MEND)
        self.session.report.problems.append(line)


def takes_files(reader: Reader) -> bool:
    """Whether files can be copied to the replica."""
    return reader.replica.receives and reader.capabilities.attachments


def file_name(name: str) -> str:
    """The name as data: no path, no control characters, of a length that every tracker takes."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(character for character in last if character.isprintable() and character not in '<>:"|?*').strip(
        ". "
    )
    stem, dot, ending = clean.rpartition(".")
    return f"{stem[:150]}{dot}{ending[:20]}" if stem else clean[:150] or "file"
