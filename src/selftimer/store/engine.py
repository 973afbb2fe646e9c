"""The database file and the threads that work on it (delivery.md §5).

One thread writes, on one connection; a few read, each on its own. SQLite before 3.51.3 (but for 3.44.6 and 3.50.7) can
corrupt a WAL database under two connections, so it comes with `pysqlite3` where that has a wheel; elsewhere a faulty
library gets a rollback journal, and reads go through the writer's thread. FULL always: what is committed survives a
power cut.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.pool import NullPool

from selftimer.errors import StoreError
from selftimer.store.faults import corrupt, translate
from selftimer.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path
    from types import ModuleType

T = TypeVar("T")
Journal = Literal["WAL", "TRUNCATE"]
READ_ONLY = "selftimer_read_only"
BUSY_SECONDS = 10
READERS = 2
LONG_READ = 0.1
"""Seconds. While a read lasts the journal keeps what was written since, and a writer in TRUNCATE mode has to wait."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Library:
    """A SQLite library and the journal that is safe with it."""

    module: ModuleType
    version: tuple[int, int, int]

    @property
    def journal(self) -> Journal:
        """WAL, unless the library is one that can corrupt it."""
        return "TRUNCATE" if faulty(self.version) else "WAL"


def faulty(version: tuple[int, int, int]) -> bool:
    """Whether that SQLite can corrupt a WAL database under two connections."""
    return version < (3, 51, 3) and version not in {(3, 44, 6), (3, 50, 7)}


def library(name: str | None = None) -> Library:
    """`pysqlite3` where it is installed, else the standard library's; or the module of that name."""
    names = [name] if name else ["pysqlite3.dbapi2", "sqlite3"]
    for candidate in names:
        with suppress(ImportError):
            module = import_module(candidate)
            major, minor, patch = (int(part) for part in module.sqlite_version.split(".")[:3])
            return Library(module, (major, minor, patch))
    raise StoreError(f"this Python has no SQLite ({' nor '.join(names)}): install pysqlite3")


def connect_engine(path: Path, lib: Library, *, synchronous: str = "FULL", owner: bool = True) -> sa.Engine:
    """An engine over the file whose transactions are transactions.

    The driver begins none by itself; writes begin IMMEDIATE, so that what they read can't change before they write, and
    connections with the `READ_ONLY` option begin a snapshot. Only the workspace's owner says which journal there is.
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        module=lib.module,
        poolclass=NullPool,
        hide_parameters=True,  # an error's text must not carry clients' words into the log
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "cached_statements": 256},
    )
    pragmas = (
        f"journal_mode={lib.journal}" if owner else "query_only=ON",
        f"synchronous={synchronous}",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "temp_store=MEMORY",  # personal data stays out of the system's folder for temporary files
        "journal_size_limit=67108864",
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(driver: Any, _record: Any) -> None:
        driver.isolation_level = None
        for pragma in pragmas:
            driver.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        read_only = connection.get_execution_options().get(READ_ONLY)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def open_database(
    path: Path,
    *,
    module: str | None = None,
    synchronous: Literal["FULL", "OFF"] = "FULL",
    readers: int = READERS,
    threads: bool = True,
) -> Database:
    """Open or create the database, check it, and bring its tables up to date.

    `module` names the SQLite module (default: the best there is). For simulations, whose files nobody needs after a
    power cut and whose loop has nothing else to do: `synchronous` OFF, and `threads` False for work on the caller's
    thread. Raises `StoreCorrupt` where the file is damaged, else `StoreError`.
    """
    lib = library(module)
    private(path)
    engine = connect_engine(path, lib, synchronous=synchronous)
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if found != "ok":
                raise corrupt(path, str(found).splitlines()[0])
        migrate(engine)
    except (sa.exc.DBAPIError, lib.module.Error) as error:
        raise translate(error, path) from error
    return Database(engine, path, lib, readers=readers, threads=threads)


def private(path: Path) -> None:
    """Make the file if it isn't there, for this user alone; close it to others where they could read it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"the file {path} can't be opened ({error.strerror}): the folder must exist and be writable by this user"
        ) from error


class Database:
    """One database file at work: the writer's thread, the readers', and their connections."""

    def __init__(
        self, engine: sa.Engine, path: Path, lib: Library, *, readers: int = READERS, threads: bool = True
    ) -> None:
        self.engine = engine
        self._threads = threads
        self.path = path
        self.library = lib
        self.commits = 0
        """How many transactions this object has committed."""
        self._errors = (sa.exc.DBAPIError, lib.module.Error)
        self._writing = threading.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="selftimer-store-write")
        self._reader = (
            ThreadPoolExecutor(readers, thread_name_prefix="selftimer-store-read")
            if lib.journal == "WAL"
            else self._writer
        )
        self._connection: sa.Connection | None = None
        self._local = threading.local()
        self._readers: list[sa.Connection] = []
        self._watch: sa.Connection | None = None
        self._watched: tuple[int, int] | None = None
        self._seen = 0
        self._others: int | None = None

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Carry out `work` in one transaction on the writer's thread: all of it, durably, or nothing."""
        return await self._on(self._writer, self._write, work)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Carry out `work` on a consistent snapshot; a write in it is refused by the database."""
        return await self._on(self._reader, self._read, work)

    async def _on(self, threads: Executor, carry_out: Callable[..., T], work: Callable[[sa.Connection], T]) -> T:
        """On another thread with this task's context: what is logged there says which cycle and delivery it is of."""
        if not self._threads:
            return carry_out(work)
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(threads, context.run, carry_out, work)

    def _write(self, work: Callable[[sa.Connection], T]) -> T:
        with self._writing:
            try:
                if self._connection is None:
                    self._connection = self.engine.connect()
                    self._others = _data_version(self._connection)
                with self._connection.begin():
                    result = work(self._connection)
            except self._errors as error:
                self._drop_writer()
                raise translate(error, self.path) from error
            self.commits += 1
            return result

    async def compact(self) -> bool:
        """Write the file anew and empty its journal: what was deleted isn't in them any more.

        False where another reader still looks at an older state: the journal then keeps what it needs.
        """
        if not self._threads:
            return self._compact()
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._compact)

    def _compact(self) -> bool:
        with self._writing:
            self._drop_writer()
            try:
                driver = self.library.module.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
                try:
                    driver.execute("PRAGMA temp_store=MEMORY")
                    driver.execute("VACUUM")
                    if self.library.journal != "WAL":
                        return True
                    driver.execute("PRAGMA busy_timeout=500")  # for a reader nobody else is kept waiting
                    busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    return not busy
                finally:
                    driver.close()
            except self._errors as error:
                raise translate(error, self.path) from error

    def _drop_writer(self) -> None:
        """After an error of the database the next transaction has a new connection, whatever state this one is in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._errors):
                connection.close()

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        try:
            connection: sa.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = self.engine.connect().execution_options(**{READ_ONLY: True})
                self._local.connection = connection
                self._readers.append(connection)
                connection.exec_driver_sql("PRAGMA query_only=ON")
                connection.rollback()
            began = time.monotonic()
            with connection.begin():
                found = work(connection)
        except self._errors as error:
            self._drop_reader()
            raise translate(error, self.path) from error
        if (took := time.monotonic() - began) > LONG_READ:
            log.info("read.long", seconds=round(took, 3))
        return found

    def _drop_reader(self) -> None:
        connection: sa.Connection | None = self._local.__dict__.pop("connection", None)
        if connection is not None:
            self._readers.remove(connection)
            with suppress(*self._errors):
                connection.close()

    def changed_by_others(self) -> bool:
        """Whether another process committed since the last call.

        A connection of its own sees every commit but can't tell whose; the writer's sees only those of others. It is
        asked where we committed too, and where it is busy the answer is yes.
        """
        try:
            return self._changed()
        except self._errors as error:
            raise translate(error, self.path) from error

    def _changed(self) -> bool:
        ours = self.commits
        if self._watch is None:
            self._watch = self.engine.connect()
        seen = (_data_version(self._watch), ours)
        before, self._watched = self._watched, seen
        if before is None or before[0] == seen[0]:
            return False
        if before[1] == ours:
            return True
        if not self._writing.acquire(blocking=False):
            return True
        try:
            if self._connection is None:
                return True
            others, self._others = self._others, _data_version(self._connection)
            return others != self._others
        finally:
            self._writing.release()

    async def aclose(self) -> None:
        """Let what is under way finish, then close the threads and the connections."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """As `aclose`, waiting on this thread."""
        self._writer.shutdown(wait=True)
        self._reader.shutdown(wait=True)
        for connection in (*self._readers, self._watch, self._connection):
            if connection is not None:
                with suppress(*self._errors):
                    connection.close()
        self._readers, self._watch, self._connection = [], None, None
        self.engine.dispose()


def _data_version(connection: sa.Connection) -> int:
    driver = connection.connection.driver_connection
    assert driver is not None
    return int(driver.execute("PRAGMA data_version").fetchone()[0])
