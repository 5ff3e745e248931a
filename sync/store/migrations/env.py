"""Run by Alembic on the connection (and in the transaction) that `sync.store.migrate` opened."""

from __future__ import annotations

from alembic import context

from sync.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
