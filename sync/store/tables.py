"""The tables, the same on SQLite and on PostgreSQL. Nothing outside `sync.store` sees a row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Index, MetaData, Text, UniqueConstraint, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from sync.core.models import JsonObject

#: Constraints need names so that a migration can change them on SQLite.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

OptionalJson = JSON(none_as_null=True)


class FreeText(TypeDecorator[str]):
    """Text that somebody else wrote: what PostgreSQL (NUL) or UTF-8 (half a surrogate pair) can't hold becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else clean(value)


def clean(value: str) -> str:
    """`value` as every database can hold it."""
    value = value.replace("\0", "\ufffd")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Table(SQLModel):
    """The common root; its own metadata, so that a stranger's SQLModel tables are not ours."""

    metadata = MetaData(naming_convention=NAMES)


class CursorRow(Table, table=True):
    __tablename__ = "cursors"

    bridge: str = Field(primary_key=True)
    replica: str = Field(primary_key=True)
    cursor: str = Field(sa_type=FreeText)
    updated_at: datetime


class InboxRow(Table, table=True):
    """`kind` is ticket or comment; a ticket that is gone takes the place of the ticket."""

    __tablename__ = "inbox"
    __table_args__ = (Index(None, "bridge", "replica", "ticket_ref"), Index(None, "bridge", "replica", "number"))

    bridge: str = Field(primary_key=True)
    replica: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    ticket_ref: str
    gone: bool
    number: int = Field(sa_type=BigInteger)
    digest: str
    native: JsonObject = Field(sa_type=JSON)
    received_at: datetime


class TicketRow(Table, table=True):
    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("bridge", "number"),
        Index(
            "ix_tickets_dirty",
            "bridge",
            "number",
            sqlite_where=text("dirty IS NOT NULL"),
            postgresql_where=text("dirty IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    bridge: str
    number: int
    fields: JsonObject = Field(sa_type=JSON)
    origins: JsonObject = Field(sa_type=JSON)
    dirty: str | None = Field(sa_type=FreeText)
    created_at: datetime
    updated_at: datetime


class CommentRow(Table, table=True):
    __tablename__ = "comments"

    id: str = Field(primary_key=True)
    ticket: str = Field(foreign_key="tickets.id", index=True)
    fields: JsonObject = Field(sa_type=JSON)
    origins: JsonObject = Field(sa_type=JSON)
    origin: str
    author: str | None
    author_name: str = Field(sa_type=FreeText)
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class AttachmentRow(Table, table=True):
    __tablename__ = "attachments"

    id: str = Field(primary_key=True)
    ticket: str = Field(foreign_key="tickets.id", index=True)
    sha256: str | None
    name: str = Field(sa_type=FreeText)
    size: int = Field(sa_type=BigInteger)
    media_type: str = Field(sa_type=FreeText)
    origin: str
    skipped: str = Field(sa_type=FreeText)
    created_at: datetime
    deleted_at: datetime | None


class CopyRow(Table, table=True):
    """A file that a tracker refused has no ref there: its own id stands in its place, so that the key stays unique."""

    __tablename__ = "copies"
    __table_args__ = (UniqueConstraint("ticket", "replica", "ref"), Index(None, "bridge", "url"))

    id: str = Field(primary_key=True)
    bridge: str
    replica: str
    ticket: str = Field(foreign_key="tickets.id")
    attachment: str = Field(foreign_key="attachments.id")
    ref: str
    url: str = Field(sa_type=FreeText)
    state: str
    seen_at: datetime


_ACTIVE_TICKET = text("state = 'active' AND comment IS NULL")
_ACTIVE_COMMENT = text("state = 'active' AND comment IS NOT NULL")


def _unique(name: str, *columns: str, where: Any) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


class LinkRow(Table, table=True):
    __tablename__ = "links"
    __table_args__ = (
        _unique("uq_links_active_ticket_ref", "bridge", "replica", "ref", where=_ACTIVE_TICKET),
        _unique("uq_links_active_comment_ref", "bridge", "replica", "ref", where=_ACTIVE_COMMENT),
        _unique("uq_links_active_ticket", "ticket", "replica", where=_ACTIVE_TICKET),
        _unique("uq_links_active_comment", "comment", "replica", where=_ACTIVE_COMMENT),
        Index(None, "bridge", "replica", "ref"),
        Index(None, "bridge", "replica", "number"),
        Index(None, "bridge", "replica", "parent_ref"),
        Index(None, "ticket"),
        Index(
            "ix_links_missing",
            "bridge",
            "replica",
            sqlite_where=text("missing_since IS NOT NULL"),
            postgresql_where=text("missing_since IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    bridge: str
    replica: str
    ref: str
    ticket: str = Field(foreign_key="tickets.id")
    comment: str | None = Field(foreign_key="comments.id")
    parent_ref: str | None
    key: str = Field(sa_type=FreeText)
    url: str = Field(sa_type=FreeText)
    number: int = Field(sa_type=BigInteger)
    native: JsonObject | None = Field(sa_type=OptionalJson)
    base: JsonObject | None = Field(sa_type=OptionalJson)
    digest: str
    agreed: JsonObject = Field(sa_type=JSON)
    state: str
    created_at: datetime
    observed_at: datetime
    missing_since: datetime | None


class OutboxRow(Table, table=True):
    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "bridge", "state"),
        Index(None, "bridge", "replica", "kind", "state", "sequence"),
        Index(None, "ticket", "replica"),
        Index(None, "comment", "replica"),
        Index(None, "run"),
    )

    id: str = Field(primary_key=True)
    sequence: int = Field(unique=True)
    run: str
    bridge: str
    replica: str
    ticket: str = Field(foreign_key="tickets.id")
    comment: str | None = Field(foreign_key="comments.id")
    link: str | None = Field(foreign_key="links.id")
    kind: str
    op: JsonObject = Field(sa_type=JSON)
    context: JsonObject = Field(sa_type=JSON)
    state: str
    fence: int = Field(sa_type=BigInteger)
    attempts: int
    not_before: datetime | None
    created_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None
    before: JsonObject | None = Field(sa_type=OptionalJson)
    after: JsonObject | None = Field(sa_type=OptionalJson)
    error: str | None = Field(sa_type=FreeText)


class ConflictRow(Table, table=True):
    __tablename__ = "conflicts"
    __table_args__ = (Index(None, "ticket"), Index(None, "bridge", "state"))

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    bridge: str
    ticket: str = Field(foreign_key="tickets.id")
    comment: str | None = Field(foreign_key="comments.id")
    field: str
    reason: str = Field(sa_type=FreeText)
    base: Any = Field(sa_type=JSON)
    claims: list[JsonObject] = Field(sa_type=JSON)
    proposed: Any = Field(sa_type=JSON)
    chosen: Any = Field(sa_type=JSON)
    chosen_replica: str | None
    by: str
    state: str
    run: str | None
    created_at: datetime
    resolved_at: datetime | None


class ProblemRow(Table, table=True):
    """`place` is a digest of where and what: NULLs are never equal, so they can't make a unique key."""

    __tablename__ = "problems"
    __table_args__ = (Index(None, "bridge", "cleared_at"),)

    id: int | None = Field(default=None, primary_key=True)
    place: str = Field(unique=True)
    bridge: str
    replica: str | None
    ref: str | None
    ticket: str | None
    field: str | None
    kind: str
    message: str = Field(sa_type=FreeText)
    mend: str = Field(sa_type=FreeText)
    first_seen: datetime
    last_seen: datetime
    times: int
    cleared_at: datetime | None


class ReplicaRow(Table, table=True):
    __tablename__ = "replicas"

    bridge: str = Field(primary_key=True)
    replica: str = Field(primary_key=True)
    kind: str
    state: str
    last_success: datetime | None
    last_error: str | None = Field(sa_type=FreeText)
    failures: int
    not_before: datetime | None
    feeds: int | None
    details: JsonObject = Field(sa_type=JSON)


class RunRow(Table, table=True):
    __tablename__ = "runs"
    __table_args__ = (UniqueConstraint("number", "bridge"), Index(None, "bridge", "number"))

    id: str = Field(primary_key=True)
    bridge: str = Field(primary_key=True)
    number: int
    started_at: datetime
    finished_at: datetime | None
    stats: JsonObject = Field(sa_type=JSON)


class AuditRow(Table, table=True):
    """No foreign keys: the log outlives what it speaks of. The migration forbids UPDATE and DELETE."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "ticket"), Index(None, "run"))

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime
    phase: str
    run: str | None
    bridge: str | None
    ticket: str | None
    replica: str | None
    op_id: str | None
    action: str
    before: Any = Field(sa_type=JSON)
    after: Any = Field(sa_type=JSON)
    note: str
    previous_hash: str
    hash: str


class AuditHeadRow(Table, table=True):
    """The newest entry once more, so that entries cut off at the end are missed."""

    __tablename__ = "audit_head"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    seq: int
    hash: str


class MetaRow(Table, table=True):
    """What is true of the store as a whole."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str


class LeaseRow(Table, table=True):
    """Who works on a bridge; `expires_at` NULL: nobody. The row stays, so that epochs only grow."""

    __tablename__ = "leases"

    bridge: str = Field(primary_key=True)
    epoch: int
    holder: str
    machine: str
    pid: int
    acquired_at: datetime
    expires_at: datetime | None
