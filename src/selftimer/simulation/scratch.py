"""A database that nobody needs afterwards, in memory where there is such a place."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from selftimer import wiring
from selftimer.store.engine import open_database
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, for this user alone


@contextmanager
def scratch_store() -> Iterator[SqlStore]:
    """An empty store in a folder that goes away; it works on the caller's thread and waits for no disk."""
    place = str(_MEMORY) if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="selftimer-simulate-", dir=place) as folder:
        database = open_database(Path(folder) / "selftimer.db", synchronous="OFF", threads=False)
        try:
            yield SqlStore(database, wiring.STUDIO)
        finally:
            database.close()
