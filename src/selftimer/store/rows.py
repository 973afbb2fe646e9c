"""From frozen dataclasses to rows and back, by the names that both share; and what every group of queries has."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa

from selftimer.store.prepared import Answer, prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whenever import Instant

D = TypeVar("D")
CHUNK = 500
"""How many ids go into one `IN (…)`: well under every database's limit."""

STUDIO = sa.bindparam("_studio", type_=sa.Text)


def one_of(column: sa.ColumnElement[Any], *values: object) -> sa.ColumnElement[bool]:
    """`column IN (…)` of a few constants, spelt as equalities: an IN list is expanded anew at every execution."""
    return sa.or_(*(column == value for value in values))


def at_once(*values: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """Several questions with one value for an answer each, asked in one statement; each keeps its own index."""
    return sa.select(*(value.scalar_subquery() for value in values))


class Rows(Generic[D]):
    """How instances of one dataclass lie in one table. Columns that the class hasn't are the queries' own."""

    def __init__(self, cls: type[D], table: sa.Table) -> None:
        self._cls = cls
        self._names = [f.name for f in fields(cls)]  # type: ignore[arg-type]  # every D is a dataclass
        self._get = attrgetter(*self._names)
        self.table = table
        self.columns = [table.c[name] for name in self._names]
        self.select = sa.select(*self.columns).where(table.c.studio == STUDIO)

    def load(self, row: Sequence[Any]) -> D:
        """The instance that a row of `select` says."""
        return self._cls(**dict(zip(self._names, row, strict=True)))

    def dump(self, item: D, studio: str) -> dict[str, Any]:
        """The row that says the instance, for that studio."""
        return {"studio": studio, **dict(zip(self._names, self._get(item), strict=True))}


class Group:
    """Queries of one studio on one connection, inside the transaction that is open on it."""

    __slots__ = ("_connection", "_dialect", "_studio")

    def __init__(self, connection: sa.Connection, studio: str) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._studio = studio

    def _run(self, statement: sa.Executable, **values: Any) -> sa.CursorResult[*tuple[Any, ...]] | Answer:
        values["_studio"] = self._studio
        plain = prepared(statement, tuple(values)) if self._dialect == "sqlite" else None
        return self._connection.execute(statement, values) if plain is None else plain.run(self._connection, values)

    def _insert(self, statement: sa.Executable, rows: Sequence[dict[str, Any]]) -> None:
        """Many rows in one executemany; none is no statement at all."""
        if rows:
            self._connection.execute(statement, rows)

    def _one(self, rows: Rows[D], statement: sa.Executable, **values: Any) -> D | None:
        row = self._run(statement, **values).first()
        return None if row is None else rows.load(row)

    def _many(self, rows: Rows[D], statement: sa.Executable, **values: Any) -> list[D]:
        load = rows.load
        return [load(row) for row in self._run(statement, **values)]

    def _earliest(self, statement: sa.Executable) -> Instant | None:
        """The earliest of the instants in one row; None where there is none."""
        return min((time for time in self._run(statement).one() if time is not None), default=None)


def chunks(ids: Iterable[str], size: int = CHUNK) -> Iterator[list[str]]:
    """The ids in lists that fit one statement."""
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), size):
        yield unique[start : start + size]
