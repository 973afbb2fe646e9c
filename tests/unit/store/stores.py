"""The stores there are, for the tests of what every one of them promises."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from selftimer.store.engine import open_database
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STORES: dict[str, Callable[[Path, str], SqlStore]] = {
    "sqlite": lambda folder, studio: SqlStore(folder / "selftimer.db", studio),
    "sqlite-without-wal": lambda folder, studio: SqlStore(
        open_database(folder / "selftimer.db", module="sqlite3"), studio
    ),
}
"""A new store joins by a line."""


def environment() -> dict[str, str]:
    """For a Python process of its own that imports what this one can."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
