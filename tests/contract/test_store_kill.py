"""A process that dies in the middle of its transactions leaves each of them whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.unit.store.builders import T0
from tests.unit.store.stores import environment

from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.ports.store import Tx

# Each transaction writes its number to two places, after a line to the journal; before the n-th statement it ends.
VICTIM = """
import asyncio, os, sys
from pathlib import Path
import sqlalchemy as sa
from selftimer.store.engine import open_database
from selftimer.store.store import SqlStore
from tests.unit.store.builders import T0, delivery, entry

folder, module, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

async def main():
    database = open_database(folder / "selftimer.db", module=module)
    store, done = SqlStore(database, "s"), 0

    def count(_statement):
        nonlocal done
        done += 1
        if done == last:
            os._exit(9)

    @sa.event.listens_for(database.engine, "connect")
    def watch(driver, _record):
        driver.set_trace_callback(count)

    for n in range(1, 40):
        def work(tx):
            tx.control.put("first", n)
            tx.deliveries.add(delivery(f"d{n}"))
            tx.control.put("second", n)
        store.journal.append(entry(attempt=n))
        await store.write(work)
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("module", "last"), [*(("pysqlite3.dbapi2", n) for n in (1, 2, 3, 4, 15)), *(("sqlite3", n) for n in (4, 15))]
)
async def test_what_was_reported_is_there_and_nothing_is_half(tmp_path: Path, module: str, last: int) -> None:
    if module != "sqlite3":
        pytest.importorskip(module)
    victim = subprocess.run(
        [sys.executable, "-c", VICTIM, str(tmp_path), module, str(last)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert victim.returncode == 9, victim.stderr
    reported = int((victim.stdout.split() or ["0"])[-1])

    store = SqlStore(tmp_path / "selftimer.db", "s")

    def look(tx: Tx) -> tuple[int, int, int]:
        due = tx.deliveries.claim(T0, limit=99, lease_until=T0, epoch=1)
        return tx.control.get("first") or 0, tx.control.get("second") or 0, len(due)

    first, second, added = await store.write(look)
    assert first == second == added
    assert first == reported
    assert len(list(store.journal.entries())) == reported + 1, "the journal is ahead of the database, never behind"
    await store.aclose()
