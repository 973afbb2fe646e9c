"""Small statements, handed to SQLite's driver as SQLAlchemy compiled them once.

A poll is hundreds of statements that find a row or none, and SQLAlchemy's way from a statement to its rows takes longer
than the driver needs for it. So the text, the parameters' order and what the types do to values are kept. Whatever
isn't that plain goes SQLAlchemy's way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_SQLITE = sqlite.dialect()


class Answer:
    """What a statement came to, as much of `sqlalchemy.CursorResult` as the queries use. Rows are read one by one."""

    __slots__ = ("_cursor", "_made", "rowcount")

    def __init__(self, cursor: Any, made: Sequence[tuple[int, Callable[[Any], Any]]]) -> None:
        self._cursor = cursor
        self._made = made
        self.rowcount: int = cursor.rowcount

    def __iter__(self) -> Iterator[Sequence[Any]]:
        if not self._made:
            return iter(self._cursor)
        return map(self._row, self._cursor)

    def _row(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place, make in self._made:
            values[place] = make(values[place])
        return values

    def all(self) -> list[Sequence[Any]]:
        """Every row."""
        return list(self)

    def first(self) -> Sequence[Any] | None:
        """The first row, if there is any; the others aren't read."""
        row = next(iter(self), None)
        self._cursor.close()
        return row

    def one(self) -> Sequence[Any]:
        """The only row, of a question that always has an answer."""
        return next(iter(self))

    def scalars(self) -> Iterator[Any]:
        """The first value of each row."""
        return (row[0] for row in self)

    def scalar(self) -> Any:
        """The first value of the first row; None without one."""
        row = self.first()
        return None if row is None else row[0]

    scalar_one = scalar_one_or_none = scalar

    def close(self) -> None:
        """Read no further."""
        self._cursor.close()


class Prepared:
    """One statement with the names of the values that it is given."""

    __slots__ = ("_given", "_made", "_parameters", "_sql")

    def __init__(self, sql: str, binds: Sequence[sa.BindParameter[Any]], names: Sequence[str], found: Any) -> None:
        makers: list[Callable[[Any], Any]] = [
            bind.type.dialect_impl(_SQLITE).bind_processor(_SQLITE) or (lambda value: value) for bind in binds
        ]
        readers = [column.type.dialect_impl(_SQLITE).result_processor(_SQLITE, None) for column in found]
        pairs = list(zip(binds, makers, strict=True))
        self._sql = sql
        self._parameters = [None if bind.key in names else make(bind.effective_value) for bind, make in pairs]
        self._given = [(place, b.key, make) for place, (b, make) in enumerate(pairs) if b.key in names]
        self._made = [(place, make) for place, make in enumerate(readers) if make is not None]

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> Answer:
        """Carry it out in the transaction that is open."""
        parameters = self._parameters.copy()
        for place, key, make in self._given:
            parameters[place] = make(values[key])
        driver: Any = connection.connection.driver_connection
        return Answer(driver.execute(self._sql, parameters), self._made)


@lru_cache(maxsize=1024)
def prepared(statement: sa.Executable, names: tuple[str, ...]) -> Prepared | None:
    """The statement given values of these names, prepared for SQLite; None where it isn't plain."""
    if not isinstance(statement, (sa.Select, sa.CompoundSelect, sa.Insert, sa.Update, sa.Delete)):
        return None
    if isinstance(statement, sa.Insert):
        statement = statement.inline()  # nobody asks for the keys of what it made
    compiled: Any = statement.compile(dialect=_SQLITE, column_keys=list(names))
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    if compiled.prefetch or any(bind.expanding or (bind.required and bind.key not in names) for bind in binds):
        return None
    if isinstance(statement, sa.Insert) and compiled.effective_returning:
        return None  # the driver knows how many rows there were only once they are read
    return Prepared(str(compiled), binds, names, statement.exported_columns)
