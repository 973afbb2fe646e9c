"""The statements that SQLAlchemy has only per database. All else is the same SQL on SQLite and PostgreSQL."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def _insert(dialect: str, table: Table) -> SqliteInsert | PostgresInsert:
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


@cache
def upsert(dialect: str, table: Table) -> SqliteInsert | PostgresInsert:
    """Insert by the primary key, or replace every other column. Built once; many rows go as executemany."""
    statement = _insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    values: dict[str, Any] = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


@cache
def insert_new(dialect: str, table: Table) -> SqliteInsert | PostgresInsert:
    """Insert, or do nothing where any unique key is taken; `rowcount` says which."""
    return _insert(dialect, table).on_conflict_do_nothing()
