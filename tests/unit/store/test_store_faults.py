from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from selftimer.errors import StoreCorrupt, StoreError, StoreFull
from selftimer.store.faults import translate

FILE = Path("/studio/selftimer.db")


@pytest.mark.parametrize(
    ("said", "kind", "advice"),
    [
        ("database or disk is full", StoreFull, "Free some space"),
        ("disk I/O error", StoreError, "Look at the disk"),
        ("database disk image is malformed", StoreCorrupt, "newest backup"),
        ("file is not a database", StoreCorrupt, "newest backup"),
        ("attempt to write a readonly database", StoreError, "the right to write"),
        ("unable to open database file", StoreError, "the right to write"),
        ("database is locked", StoreError, "Close the program"),
        ("no such table: runs", StoreError, "nothing of this step was kept"),
    ],
)
def test_what_the_database_refuses_is_said_with_the_file_and_what_to_do(
    said: str, kind: type[StoreError], advice: str
) -> None:
    error = translate(sqlite3.OperationalError(said), FILE)

    assert type(error) is kind
    assert str(FILE) in str(error)
    assert said in str(error)
    assert advice in str(error)
