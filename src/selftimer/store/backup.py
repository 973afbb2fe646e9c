"""A copy of the database while the service works, by SQLite's own backup (delivery.md §5)."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from selftimer.errors import StoreError
from selftimer.store.engine import BUSY_SECONDS, library
from selftimer.store.faults import corrupt, translate

if TYPE_CHECKING:
    from pathlib import Path


def backup(path: Path, target: Path, *, module: str | None = None) -> None:
    """Copy the database at `path` to the new file `target`, for this user alone; checked and synced before it returns.

    The send journal isn't in it and is not restored: it stays beside the database and only grows. `StoreError` where
    there is no database or the target is there already; what was begun is taken away again.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path} to back up")
    driver = library(module).module
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"the backup {target} can't be made ({error.strerror}): name a new file") from error
    try:
        with (
            closing(driver.connect(path, timeout=BUSY_SECONDS)) as source,
            closing(driver.connect(target)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, whatever moves it
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise corrupt(path, str(found).splitlines()[0])
        _sync(target)
        _sync(target.parent)
    except driver.Error as error:
        target.unlink(missing_ok=True)
        raise translate(error, path) from error
    except (OSError, StoreError):
        target.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
