"""A copy of the database while the service works, by SQLite's own backup, and one put back (delivery.md §5)."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from selftimer.errors import StoreError
from selftimer.store.engine import BUSY_SECONDS, library
from selftimer.store.faults import corrupt, translate

if TYPE_CHECKING:
    from collections.abc import Callable
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


def restore(source: Path, path: Path, *, aside: Path, ready: Callable[[Path], None]) -> None:
    """Put a backup in the place of the database at `path`; that one is kept at `aside` (if there is one).

    The caller holds the workspace's lock. The backup is copied and checked beside the database first, and `ready` may
    change the copy; then one rename puts it in place, so that there is a whole database whenever the machine stops. The
    send journal stays as it is. `StoreError` where the backup can't be used: then nothing was changed.
    """
    if path.exists() and source.resolve() == path.resolve():
        raise StoreError(f"{source} is the database itself: name a backup of it")
    if aside.exists():
        raise StoreError(f"{aside} is there already: move it away first")
    new = path.with_name(f"{path.name}.new")
    for left in (new, *_beside(new)):
        left.unlink(missing_ok=True)  # of a restore that was cut off
    try:
        backup(source, new)
        ready(new)
        _put_aside(path, aside)
        new.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StoreError(f"{path} can't be replaced ({error.strerror}): look at the disk and at its folder") from error
    finally:
        for left in (new, *_beside(new)):
            left.unlink(missing_ok=True)


def _put_aside(path: Path, aside: Path) -> None:
    """Keep the old database under another name; its journal goes with it, since the new one must never meet that."""
    if not path.exists():
        return
    lib = library()
    with suppress(lib.module.Error), closing(lib.module.connect(path, timeout=BUSY_SECONDS)) as old:
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a damaged one is kept as it is
    for left, there in zip(_beside(path), _beside(aside), strict=True):
        if left.exists():
            left.replace(there)
    os.link(path, aside)
    _sync(path.parent)


def _beside(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm", "-journal"))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
