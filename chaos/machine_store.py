"""A studio of its own for each example, in one file that all examples share: opening one costs too much."""

from __future__ import annotations

import atexit
import itertools
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from selftimer.store.engine import Database, open_database
from selftimer.store.tables import metadata
from selftimer.store.tx import SqlTx

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from selftimer.ports import Tx

T = TypeVar("T")
_NUMBERS = itertools.count(1)


@cache
def _database() -> Database:
    folder = TemporaryDirectory(prefix="selftimer-machines-")
    database = open_database(Path(folder.name) / "selftimer.db", synchronous="OFF", threads=False)

    def close() -> None:
        database.close()
        folder.cleanup()

    atexit.register(close)
    return database


class Tables:
    """The real tables, each piece of work in a transaction that is committed."""

    def __init__(self) -> None:
        self._studio = f"s{next(_NUMBERS)}"

    def __call__(self, work: Callable[[Tx], T]) -> T:
        """Carry it out and commit."""
        return self._carry_out(lambda connection: work(SqlTx(connection, self._studio)))

    def clear(self) -> None:
        """Leave nothing to the next example."""

        def empty(connection: sa.Connection) -> None:
            for table in metadata.sorted_tables:
                if "studio" in table.c:
                    connection.execute(table.delete().where(table.c.studio == self._studio))

        self._carry_out(empty)

    @staticmethod
    def _carry_out(work: Callable[[sa.Connection], T]) -> T:
        writing = _database().write(work)  # without threads there is nothing in it to wait for
        try:
            writing.send(None)
        except StopIteration as done:
            result: T = done.value
            return result
        raise AssertionError("a store without threads waited for something")
