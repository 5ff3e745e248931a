"""Attachments: files that people attached are read once, known by their content, and kept at hand while they are copied."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sync.core.claims import as_set
from sync.core.errors import Retryable, StoreError, TrackerError
from sync.core.ids import AttachmentId, NativeRef, ReplicaName, TicketId
from sync.core.models import Field, NativeAttachment, NativeTicket
from sync.core.ports import OpKind
from sync.engine.passing import passing_folder
from sync.engine.probe import failure_of
from sync.engine.reading import Reader, readers
from sync.engine.report import ProblemLine
from sync.engine.runtime import Bridge
from sync.engine.sending import is_for_the_tracker, may_be_the_ticket
from sync.engine.session import Session
from sync.engine.writer import Blobs
from sync.store import Tx
from sync.store.records import AttachmentRecord, CopyRecord, LinkRecord

#: The problem of a file that could not be read.
UNREAD = "unread"
_MEND = "attach it by hand where it is needed, or change [bridges.x.attachments]"


def note_removals(bridge: Bridge, tx: Tx, available: Iterable[ReplicaName]) -> None:
    """What a later answer does not hold any more was taken away: an original ends the attachment, a copy only itself."""
    known = readers(bridge, tx)
    for name in available:
        reader = known.get(name)
        if reader is None or not reader.replica.reads or not tx.attachments.any():
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
    with passing_folder() as folder:
        blobs = Blobs(folder)
        if session.bridge.files.carry:
            with session.bridge.store.read() as tx:
                collectors = list(_collectors(session, tx, blobs, tickets))
            try:
                for collector in collectors:
                    collector.collect()
            except OSError as error:
                said = f"files can't be kept in {folder} while they are copied: {error.strerror}"
                raise StoreError(f"{said}; make room there, or set TMPDIR to another folder") from None
        yield blobs


def _collectors(session: Session, tx: Tx, blobs: Blobs, tickets: Iterable[TicketId]) -> Iterator[_Collector]:
    """One for each of the tickets that have files."""
    known = readers(session.bridge, tx)
    for ticket in tickets:
        links = [link for link in tx.links.of_ticket(ticket) if link.state == "active" and link.replica in known]
        files = [
            (link.replica, native, one)
            for link in links
            if known[link.replica].replica.reads or _may_have_arrived(tx, link)
            for native in [tx.inbox.take(session.bridge.name, link.replica, link.ref).ticket or link.native]
            if isinstance(native, NativeTicket)
            for one in known[link.replica].replica.codec.attachments(native)
        ]
        if files:
            copies = tx.attachments.copies(ticket)
            able = [link.replica for link in links if takes_files(known[link.replica])]
            yield _Collector(
                session=session,
                blobs=blobs,
                ticket=ticket,
                files=files,
                known={(copy.replica, copy.ref): copy.attachment for copy in copies},
                lacking=_lacking(tx.attachments.of(ticket), copies, able),
            )


def _may_have_arrived(tx: Tx, link: LinkRecord) -> bool:
    """Whether an upload was given up: where nothing else is read, our own copy is looked for all the same."""
    rows = tx.outbox.of_ticket(link.ticket, link.replica)
    return any(row.op.kind is OpKind.ATTACHMENT_CREATE and row.state != "done" for row in rows)


def _lacking(
    records: Iterable[AttachmentRecord], copies: Iterable[CopyRecord], able: Iterable[ReplicaName]
) -> dict[AttachmentId, str]:
    """The contents that one of the replicas still has to get."""
    placed = {(copy.attachment, copy.replica) for copy in copies}
    return {
        one.id: one.sha256
        for one in records
        if one.sha256 is not None and one.deleted_at is None
        if any((one.id, name) not in placed for name in able)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collector:
    """One ticket's files: `known` are those that are registered, `lacking` the contents that are still to be copied."""

    session: Session
    blobs: Blobs
    ticket: TicketId
    files: Sequence[tuple[ReplicaName, NativeTicket, NativeAttachment]]
    known: Mapping[tuple[ReplicaName, NativeRef], AttachmentId]
    lacking: Mapping[AttachmentId, str]

    @property
    def bridge(self) -> Bridge:
        """The bridge of the session."""
        return self.session.bridge

    def collect(self) -> None:
        """Read what is new, and once more what is still to be copied."""
        for name, native, one in self.files:
            if name not in self.session.available:
                continue  # it failed, perhaps with a file before this one
            attachment = self.known.get((name, one.ref))
            if attachment is None:
                self._register(name, native, one)
            elif (digest := self.lacking.get(attachment)) is not None and digest not in self.blobs.paths:
                _ = self._stand_in(digest) if self.session.rehearses else self._read(name, native, one)

    def _register(self, name: ReplicaName, native: NativeTicket, one: NativeAttachment) -> None:
        """A file that is new to us: another copy of a content that the ticket has, or a new attachment."""
        refusal = self.bridge.files.refusal(one.name, one.size)
        digest = None if refusal else self._content(name, native, one)
        if digest is None and not refusal:
            return  # it is tried again in the next cycle
        with self.bridge.store.begin(self.session.lease) as tx:
            same = [each for each in tx.attachments.of(self.ticket) if each.sha256 == digest and digest is not None]
            record = next((each for each in same if each.deleted_at is None), None)
            if record is None and not self.bridge.replicas[name].reads:
                return
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
            tx.problems.clear(self.bridge.name, name, ref=native.ref, kind=UNREAD)
        if refusal:
            self._tell(name, native, f"'{one.name}' is not copied: {refusal}")

    def _content(self, name: ReplicaName, native: NativeTicket, one: NativeAttachment) -> str | None:
        """The file's digest; a rehearsal reads only what may be the same as another file of the ticket, by its size."""
        if self.session.rehearses and one.size:
            with self.bridge.store.read() as tx:
                sizes = [each.size for each in tx.attachments.of(self.ticket)]
            sizes += [other.size or 0 for _, _, other in self.files if other is not one]
            if not {0, one.size} & set(sizes):
                return self._stand_in(hashlib.sha256(f"{name} {one.ref}".encode()).hexdigest())
        return self._read(name, native, one)

    def _stand_in(self, digest: str) -> str:
        """An empty file in place of a content that is not to be sent."""
        self.blobs.paths[digest] = self.blobs.folder / digest
        self.blobs.paths[digest].touch()
        return digest

    def _read(self, name: ReplicaName, native: NativeTicket, one: NativeAttachment) -> str | None:
        """Stream the file into the batch's folder; its digest, None where it can't be had now."""
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self.blobs.folder, delete=False) as made:
            target = Path(made.name)
        try:
            with target.open("wb") as file:

                def take(part: bytes) -> None:
                    digest.update(part)
                    file.write(part)

                self.bridge.replicas[name].adapter.download(one, take, limit=self.bridge.files.max_size)
        except TrackerError as error:
            target.unlink(missing_ok=True)
            if is_for_the_tracker(error) and not may_be_the_ticket(error):
                self.session.lose([failure_of(name, error)])
            else:
                self._tell(name, native, f"'{one.name}' could not be read: {error}", UNREAD)
                if isinstance(error, Retryable):
                    self.session.unread.add(self.ticket)
            return None
        self.blobs.paths[digest.hexdigest()] = target
        return digest.hexdigest()

    def _tell(self, name: ReplicaName, native: NativeTicket, message: str, kind: str = "attachment") -> None:
        with self.bridge.store.begin(self.session.lease) as tx:
            tx.problems.report(
                bridge=self.bridge.name, replica=name, ref=native.ref, ticket=self.ticket, kind=kind,
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
