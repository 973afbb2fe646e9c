"""A database that is only looked at, while another process may be writing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.store.builders import T0

from selftimer.errors import StoreError
from selftimer.store.peek import PeekStore
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_a_service_wrote_is_seen_and_nothing_can_be_written(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "s.db", "studio")
    await store.write(lambda tx: tx.rules.put_truth("r", "becomes", "in_1", T0, value=True))
    peek = PeekStore(tmp_path / "s.db", "studio")

    assert await peek.read(lambda tx: tx.rules.truth("r", "becomes", "in_1")) is True
    with pytest.raises(StoreError, match="only looked at"):
        await peek.write(lambda tx: tx.rules.forget_truths("r"))
    with pytest.raises(StoreError):
        await peek.read(lambda tx: tx.rules.forget_truths("r"))
    assert peek.changed_by_others() is False
    await store.write(lambda tx: tx.rules.put_truth("r", "becomes", "in_1", T0, value=False))
    assert await peek.read(lambda tx: tx.rules.truth("r", "becomes", "in_1")) is False
    await peek.aclose()
    await store.aclose()


async def test_tables_of_another_version_are_left_as_they_are(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "s.db", "studio")
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    peek = PeekStore(tmp_path / "s.db", "studio")

    with pytest.raises(StoreError, match="another version"):
        await peek.read(lambda tx: tx.rules.rows())
    await peek.aclose()
    await store.aclose()
