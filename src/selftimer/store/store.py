"""One studio's durable state over a database and the send journal beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from selftimer.store.engine import Database, open_database
from selftimer.store.journal import NAME, FileJournal
from selftimer.store.tx import SqlTx

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from selftimer.ports.store import SendJournal, Tx

T = TypeVar("T")


class SqlStore:
    """`selftimer.ports.store.Store` over SQL.

    Given a path it opens the database and closes it in the end; a `Database` given may serve other studios too and is
    left open. `crash_point` is for tests of recovery: called by name around each commit and each line of the journal.
    """

    def __init__(
        self, database: Database | Path, studio: str, *, crash_point: Callable[[str], None] = lambda _name: None
    ) -> None:
        self._owned = isinstance(database, Path)
        self.database = open_database(database) if isinstance(database, Path) else database
        self.studio = studio
        self._crash_point = crash_point
        self._journal = FileJournal(self.database.path.with_name(NAME), studio, crash_point=crash_point)

    async def write(self, work: Callable[[Tx], T]) -> T:
        def whole(connection: sa.Connection) -> T:
            result = work(SqlTx(connection, self.studio))
            self._crash_point("store.before_commit")
            return result

        result = await self.database.write(whole)
        self._crash_point("store.after_commit")
        return result

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self.database.read(lambda connection: work(SqlTx(connection, self.studio)))

    async def compact(self) -> bool:
        return await self.database.compact()

    @property
    def journal(self) -> SendJournal:
        return self._journal

    def changed_by_others(self) -> bool:
        return self.database.changed_by_others()

    async def aclose(self) -> None:
        self._journal.close()
        if self._owned:
            await self.database.aclose()
