"""Alembic's way in: the caller hands over the connection, and its transaction is the migration's."""

from __future__ import annotations

from alembic import context

from selftimer.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
