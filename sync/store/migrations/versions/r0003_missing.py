"""Since when a linked ticket is not found any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MISSING = sa.text("missing_since IS NOT NULL")


def upgrade() -> None:
    """Add the column, empty, and an index of the few rows where it is not."""
    op.add_column("links", sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_links_missing", "links", ["bridge", "replica"], sqlite_where=_MISSING, postgresql_where=_MISSING
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_links_missing", "links")
    with op.batch_alter_table("links") as links:
        links.drop_column("missing_since")
