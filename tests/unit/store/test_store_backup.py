from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from selftimer.errors import StoreCorrupt, StoreError
from selftimer.store.backup import backup
from selftimer.store.engine import open_database
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("module", [None, "sqlite3"])
async def test_a_backup_of_a_service_at_work_is_one_private_file_that_opens(tmp_path: Path, module: str | None) -> None:
    (tmp_path / "copies").mkdir()
    target = tmp_path / "copies" / "monday.db"
    store = SqlStore(open_database(tmp_path / "s.db", module=module), "s")
    await store.write(lambda tx: tx.control.put("x", 1))
    backup(tmp_path / "s.db", target, module=module)
    await store.write(lambda tx: tx.control.put("x", 2))
    await store.database.aclose()

    assert [file.name for file in target.parent.iterdir()] == ["monday.db"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    restored = SqlStore(open_database(target, module=module), "s")
    assert await restored.read(lambda tx: tx.control.get("x")) == 1
    await restored.database.aclose()


def test_a_backup_never_replaces_a_file(tmp_path: Path) -> None:
    open_database(tmp_path / "s.db").close()
    (tmp_path / "old.db").write_text("precious")

    with pytest.raises(StoreError, match="name a new file"):
        backup(tmp_path / "s.db", tmp_path / "old.db")
    assert (tmp_path / "old.db").read_text() == "precious"


def test_nothing_to_back_up_and_a_damaged_file_are_said_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        backup(tmp_path / "s.db", tmp_path / "copy.db")
    (tmp_path / "s.db").write_bytes(b"garbage " * 2_000)
    with pytest.raises(StoreCorrupt):
        backup(tmp_path / "s.db", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
