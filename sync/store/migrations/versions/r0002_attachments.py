"""Files of tickets by content, and where their copies are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name="fk_attachments_ticket"),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_ticket", "attachments", ["ticket"])
    op.create_table(
        "copies",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("replica", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("attachment", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name="fk_copies_ticket"),
        sa.ForeignKeyConstraint(["attachment"], ["attachments.id"], name="fk_copies_attachment"),
        sa.PrimaryKeyConstraint("id", name="pk_copies"),
        sa.UniqueConstraint("ticket", "replica", "ref", name="uq_copies_ticket_replica_ref"),
    )
    op.create_index("ix_copies_bridge_url", "copies", ["bridge", "url"])


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("copies")
    op.drop_table("attachments")
