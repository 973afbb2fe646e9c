"""A store that only looks: what would be, asked of a database that another process may be writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar

import sqlalchemy as sa

from selftimer.errors import StoreError
from selftimer.store.engine import READ_ONLY, connect_engine, library
from selftimer.store.faults import translate
from selftimer.store.schema import HEAD, version
from selftimer.store.tx import SqlTx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selftimer.ports.store import SendJournal, Tx

T = TypeVar("T")


class PeekStore:
    """`selftimer.ports.store.Store` of one studio, of which every write is refused; `StoreError` for other tables."""

    def __init__(self, path: Path, studio: str) -> None:
        self.path = path
        self.studio = studio
        self._library = library()
        self._engine = connect_engine(path, self._library, owner=False)

    async def read(self, work: Callable[[Tx], T]) -> T:
        try:
            with self._engine.connect().execution_options(**{READ_ONLY: True}) as connection, connection.begin():
                connection.exec_driver_sql("PRAGMA query_only=ON")
                if version(connection) != HEAD:
                    raise StoreError(f"the tables of {self.path} are of another version: start the service once")
                return work(SqlTx(connection, self.studio))
        except (sa.exc.DBAPIError, self._library.module.Error) as error:
            raise translate(error, self.path) from error

    async def write(self, work: Callable[[Tx], T]) -> T:
        self._refuse(work)

    @property
    def journal(self) -> SendJournal:
        self._refuse("the journal")

    async def compact(self) -> bool:
        self._refuse("compacting")

    def changed_by_others(self) -> bool:
        return False

    async def aclose(self) -> None:
        self._engine.dispose()

    def _refuse(self, _what: object) -> NoReturn:
        raise StoreError(f"{self.path} is only looked at here")
