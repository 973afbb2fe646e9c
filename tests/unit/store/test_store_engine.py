from __future__ import annotations

import asyncio
import stat
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs
from tests.unit.store.builders import delivery, record

from selftimer.errors import StoreCorrupt, StoreError, StoreFull
from selftimer.plan.state import DeliveryState
from selftimer.store.engine import faulty, library, open_database
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selftimer.ports.store import Tx


def put(value: Any) -> Callable[[Tx], None]:
    return lambda tx: tx.control.put("x", value)


def get(tx: Tx) -> Any:
    return tx.control.get("x")


def pragma(connection: sa.Connection, name: str) -> Any:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
    ],
)
def test_libraries_that_can_corrupt_a_wal_database_are_known(version: tuple[int, int, int], expected: bool) -> None:
    assert faulty(version) is expected


def test_a_missing_library_is_said() -> None:
    with pytest.raises(StoreError, match="install pysqlite3"):
        library("no_such_module")


@pytest.mark.parametrize("module", [None, "sqlite3"])
async def test_commits_are_durable_and_the_journal_is_one_that_is_safe_with_the_library(
    tmp_path: Path, module: str | None
) -> None:
    database = open_database(tmp_path / "s.db", module=module)
    expected = "truncate" if faulty(database.library.version) else "wal"
    settings = {"journal_mode": expected, "synchronous": 2, "foreign_keys": 1, "temp_store": 2}

    def look(connection: sa.Connection) -> dict[str, Any]:
        return {name: pragma(connection, name) for name in settings}

    assert await database.write(look) == settings
    assert await database.read(look) == settings
    await database.aclose()


@pytest.mark.parametrize("module", [None, "sqlite3"])
async def test_nobody_else_may_read_the_files(tmp_path: Path, module: str | None) -> None:
    path = tmp_path / "s.db"
    path.touch(0o644)
    store = SqlStore(open_database(path, module=module), "s")
    await store.write(put(1))
    await store.read(get)

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    await store.database.aclose()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the folder must exist"):
        open_database(tmp_path / "nowhere" / "s.db")


async def test_a_damaged_file_is_kept_and_the_owner_is_told_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = SqlStore(path, "s")
    await store.write(lambda tx: tx.records.put([record(f"cl_{i}") for i in range(500)]))
    await store.aclose()
    damaged = bytearray(path.read_bytes())
    damaged[8192 : 8192 + 12_000] = b"\x5a" * 12_000
    path.write_bytes(damaged)

    with pytest.raises(StoreCorrupt, match=r"s\.db is damaged .*backup"):
        open_database(path)
    assert path.read_bytes() == damaged


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"not a database at all, " * 100)

    with pytest.raises(StoreCorrupt, match="keep this file"):
        open_database(tmp_path / "s.db")


@pytest.mark.parametrize("module", [None, "sqlite3"])
async def test_a_full_disk_loses_nothing_and_the_store_goes_on_when_there_is_space(
    tmp_path: Path, module: str | None
) -> None:
    database = open_database(tmp_path / "s.db", module=module)
    store = SqlStore(database, "s")
    await store.write(lambda tx: tx.deliveries.add(delivery("d1")))
    limits = [1]  # pages: SQLite takes it as "no more than there are"

    @sa.event.listens_for(database.engine, "connect")
    def limit(driver: Any, _record: Any) -> None:
        driver.execute(f"PRAGMA max_page_count={limits[0]}")

    database._drop_writer()

    def big(tx: Tx) -> None:
        tx.deliveries.update(delivery("d1", state=DeliveryState.IN_FLIGHT), expect=[DeliveryState.READY])
        tx.records.put([record(f"cl_{i}", raw={"notes": "x" * 2_000}) for i in range(200)])

    for _ in range(2):
        with pytest.raises(StoreFull, match=r"no space is left .*s\.db.*Free some space"):
            await store.write(big)
    kept = await store.read(lambda tx: tx.deliveries.get("d1"))
    assert kept is not None
    assert kept.state is DeliveryState.READY

    limits[0] = 1_000_000
    await store.write(big)
    kept = await store.read(lambda tx: tx.deliveries.get("d1"))
    assert kept is not None
    assert kept.state is DeliveryState.IN_FLIGHT
    await database.aclose()


async def test_a_lock_of_another_program_is_waited_for_and_then_said(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("selftimer.store.engine.BUSY_SECONDS", 0.05)
    store = SqlStore(tmp_path / "s.db", "s")
    other = store.database.library.module.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="another program kept"):
        await store.write(put(1))

    other.execute("ROLLBACK")
    await store.write(put(2))
    assert await store.read(get) == 2
    other.close()
    await store.aclose()


async def test_a_file_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "s.db", "s")

    @sa.event.listens_for(store.database.engine, "connect")
    def read_only(driver: Any, _record: Any) -> None:
        driver.execute("PRAGMA query_only=ON")

    with pytest.raises(StoreError, match="can't be written"):
        await store.write(put(1))
    await store.aclose()


async def test_a_mistaken_statement_is_a_store_error_and_kept_apart(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "s.db", "s")
    await store.write(put(1))

    def twice(tx: Tx) -> None:
        tx.control.put("x", 2)
        tx.deliveries._run(sa.text("SELECT nonsense"))  # type: ignore[attr-defined]  # what a bug would do

    with pytest.raises(StoreError, match="refused"):
        await store.write(twice)
    assert await store.read(get) == 1
    await store.aclose()


async def test_a_read_that_lasts_longer_than_a_tenth_of_a_second_is_told(tmp_path: Path) -> None:
    store = SqlStore(open_database(tmp_path / "s.db", synchronous="OFF"), "s")
    with capture_logs() as logs:
        await store.read(lambda _: time.sleep(0.11))
    assert [line["seconds"] >= 0.11 for line in logs if line["event"] == "read.long"] == [True]
    await store.database.aclose()


async def test_writes_of_many_tasks_wait_for_each_other_and_none_is_lost(tmp_path: Path) -> None:
    store = SqlStore(open_database(tmp_path / "s.db", synchronous="OFF"), "s")
    await store.write(put(0))

    async def add_one() -> None:
        await store.write(lambda tx: tx.control.put("x", tx.control.get("x") + 1))

    await asyncio.gather(*(add_one() for _ in range(100)))
    assert await store.read(get) == 100
    await store.database.aclose()


async def test_a_read_goes_on_while_a_write_is_under_way_and_sees_the_state_before(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "s.db", "s")
    if store.database.library.journal != "WAL":
        pytest.skip("reads go through the writer's thread with this SQLite")
    await store.write(put("before"))
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        tx.control.put("x", "after")
        begun.set()
        assert go_on.wait(5)

    writing = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(begun.wait, 5)
    assert await store.read(get) == "before"
    go_on.set()
    await writing
    assert await store.read(get) == "after"
    await store.aclose()


@pytest.mark.parametrize("module", [None, "sqlite3"])
async def test_commits_of_others_are_noticed_and_our_own_are_not(tmp_path: Path, module: str | None) -> None:
    store = SqlStore(open_database(tmp_path / "s.db", module=module), "s")
    other = SqlStore(open_database(tmp_path / "s.db", module=module), "s")
    await store.write(put(1))
    store.changed_by_others()

    assert not store.changed_by_others()
    await store.write(put(2))
    assert not store.changed_by_others()
    await other.write(put(3))
    assert store.changed_by_others()
    assert not store.changed_by_others()
    await other.write(put(4))
    await store.write(put(5))
    assert store.changed_by_others()
    await store.write(put(6))
    assert not store.changed_by_others()
    await store.database.aclose()
    await other.database.aclose()


async def test_a_database_given_serves_others_after_one_store_is_closed(tmp_path: Path) -> None:
    database = open_database(tmp_path / "s.db")
    first, second = SqlStore(database, "a"), SqlStore(database, "b")
    await first.aclose()

    await second.write(put(1))
    assert await second.read(get) == 1
    await second.aclose()
    await database.aclose()
