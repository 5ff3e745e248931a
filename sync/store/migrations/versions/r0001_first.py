"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TICKET = "state = 'active' AND comment IS NULL"
_COMMENT = "state = 'active' AND comment IS NOT NULL"


def upgrade() -> None:
    """Create every table, in the order of their foreign keys."""
    _audit()
    _audit_head()
    _cursors()
    _inbox()
    _leases()
    _meta()
    _problems()
    _replicas()
    _runs()
    _tickets()
    _comments()
    _conflicts()
    _links()
    _outbox()
    _append_only()


def downgrade() -> None:
    """Drop every table."""
    for table in [
        "outbox",
        "links",
        "conflicts",
        "comments",
        "tickets",
        "runs",
        "replicas",
        "problems",
        "meta",
        "leases",
        "inbox",
        "cursors",
        "audit_head",
        "audit",
    ]:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuse()")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _append_only() -> None:
    """The database itself refuses to change what was logged."""
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{event.lower()} BEFORE {event} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("bridge", sa.String(), nullable=True),
        sa.Column("ticket", sa.String(), nullable=True),
        sa.Column("replica", sa.String(), nullable=True),
        sa.Column("op_id", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_run", "audit", ["run"])
    op.create_index("ix_audit_ticket", "audit", ["ticket"])


def _audit_head() -> None:
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])


def _cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("replica", sa.String(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bridge", "replica", name="pk_cursors"),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("replica", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("ticket_ref", sa.String(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("native", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bridge", "replica", "kind", "ref", name="pk_inbox"),
    )
    op.create_index("ix_inbox_bridge_replica_ticket_ref", "inbox", ["bridge", "replica", "ticket_ref"])
    op.create_index("ix_inbox_bridge_replica_number", "inbox", ["bridge", "replica", "number"])


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("bridge", name="pk_leases"),
    )


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )


def _problems() -> None:
    op.create_table(
        "problems",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("replica", sa.String(), nullable=True),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("ticket", sa.String(), nullable=True),
        sa.Column("field", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("mend", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_problems"),
        sa.UniqueConstraint("place", name="uq_problems_place"),
    )
    op.create_index("ix_problems_bridge_cleared_at", "problems", ["bridge", "cleared_at"])


def _replicas() -> None:
    op.create_table(
        "replicas",
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("replica", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("last_success", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("feeds", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("bridge", "replica", name="pk_replicas"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stats", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", "bridge", name="pk_runs"),
        sa.UniqueConstraint("number", "bridge", name="uq_runs_number_bridge"),
    )
    op.create_index("ix_runs_bridge_number", "runs", ["bridge", "number"])


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("dirty", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("bridge", "number", name="uq_tickets_bridge_number"),
    )
    op.create_index("ix_tickets_dirty", "tickets", ["bridge", "number"], **_where("dirty IS NOT NULL"))


def _comments() -> None:
    op.create_table(
        "comments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name="fk_comments_ticket"),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
    )
    op.create_index("ix_comments_ticket", "comments", ["ticket"])


def _conflicts() -> None:
    op.create_table(
        "conflicts",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("base", sa.JSON(), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("proposed", sa.JSON(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("chosen_replica", sa.String(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["comment"], ["comments.id"], name="fk_conflicts_comment"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name="fk_conflicts_ticket"),
        sa.PrimaryKeyConstraint("number", name="pk_conflicts"),
    )
    op.create_index("ix_conflicts_bridge_state", "conflicts", ["bridge", "state"])
    op.create_index("ix_conflicts_ticket", "conflicts", ["ticket"])


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("replica", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("parent_ref", sa.String(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("native", sa.JSON(), nullable=True),
        sa.Column("base", sa.JSON(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("agreed", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["comment"], ["comments.id"], name="fk_links_comment"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name="fk_links_ticket"),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
    )
    op.create_index("ix_links_bridge_replica_number", "links", ["bridge", "replica", "number"])
    op.create_index("ix_links_bridge_replica_parent_ref", "links", ["bridge", "replica", "parent_ref"])
    op.create_index("ix_links_bridge_replica_ref", "links", ["bridge", "replica", "ref"])
    op.create_index("ix_links_ticket", "links", ["ticket"])
    op.create_index("uq_links_active_comment", "links", ["comment", "replica"], unique=True, **_where(_COMMENT))
    op.create_index(
        "uq_links_active_comment_ref", "links", ["bridge", "replica", "ref"], unique=True, **_where(_COMMENT)
    )
    op.create_index("uq_links_active_ticket", "links", ["ticket", "replica"], unique=True, **_where(_TICKET))
    op.create_index("uq_links_active_ticket_ref", "links", ["bridge", "replica", "ref"], unique=True, **_where(_TICKET))


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("replica", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("link", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("op", sa.JSON(), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["comment"], ["comments.id"], name="fk_outbox_comment"),
        sa.ForeignKeyConstraint(["link"], ["links.id"], name="fk_outbox_link"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name="fk_outbox_ticket"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("sequence", name="uq_outbox_sequence"),
    )
    op.create_index("ix_outbox_comment_replica", "outbox", ["comment", "replica"])
    op.create_index("ix_outbox_bridge_state", "outbox", ["bridge", "state"])
    op.create_index(
        "ix_outbox_bridge_replica_kind_state_sequence", "outbox", ["bridge", "replica", "kind", "state", "sequence"]
    )
    op.create_index("ix_outbox_run", "outbox", ["run"])
    op.create_index("ix_outbox_ticket_replica", "outbox", ["ticket", "replica"])
