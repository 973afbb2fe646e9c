"""The version of the tables.

Alembic is imported only where there is something to migrate: it takes time and memory that a normal start needn't.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from selftimer.errors import StoreError
from selftimer.store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The newest revision under `migrations/versions`."""


def version(connection: sa.Connection) -> str | None:
    """The revision that the database's tables have; None where there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return found


def migrate(engine: sa.Engine) -> None:
    """Make the tables, or bring them to `HEAD`, in one transaction. `StoreError` where a newer Selftimer wrote them."""
    with engine.connect() as connection, connection.begin():
        found = version(connection)
        if found == HEAD:
            return
        if found is None and not sa.inspect(connection).get_table_names():
            metadata.create_all(connection)
            _stamp(connection)
            return
        _upgrade(connection, found)


def _stamp(connection: sa.Connection) -> None:
    """What `alembic stamp` would write."""
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.execute(sa.text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})


def alembic_config() -> Config:
    """Where Alembic finds the revisions."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def _upgrade(connection: sa.Connection, found: str | None) -> None:
    from alembic import command
    from alembic.util import CommandError

    config = alembic_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the database's tables have version {found}, which this Selftimer doesn't know (it knows up to {HEAD}): "
            f"a newer Selftimer wrote them. Install that version again, or restore a backup from before"
        ) from error
