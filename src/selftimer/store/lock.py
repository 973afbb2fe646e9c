"""One process owns a workspace and alone changes its state (delivery.md §5)."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from selftimer.errors import WorkspaceError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

NAME = "lock"
_PATIENCE = 0.3
"""Seconds: somebody who only asks `locked_by` holds the file for an instant."""


class WorkspaceLock:
    """The right to change a workspace, held from `acquire` to `release` or the end of the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._file: int | None = None

    def acquire(self) -> Self:
        """Take it; `WorkspaceError` naming the process that holds it."""
        file = _open(self.path)
        deadline = time.monotonic() + _PATIENCE
        while not _try(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                holder = _pid(file)
                os.close(file)
                who = f"process {holder}" if holder else "another process"
                raise WorkspaceError(
                    f"the workspace {self.path.parent} is in use by {who}: only one Selftimer may work on it. "
                    f"Stop that one, or use the commands that talk to it"
                )
            time.sleep(0.02)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file
        return self

    def release(self) -> None:
        """Give it back; harmless where it isn't held."""
        if self._file is not None:
            file, self._file = self._file, None
            os.ftruncate(file, 0)
            os.close(file)

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def locked_by(folder: Path) -> int | None:
    """The process that holds the workspace: its id (0 where it isn't known), or None where nobody does."""
    try:
        file = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        return None if _try(file, fcntl.LOCK_SH) else _pid(file) or 0
    finally:
        os.close(file)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(path.parent, error) from error


def _unusable(folder: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"the workspace {folder} can't be locked ({error.strerror}): the folder must exist and be writable by this user"
    )


def _try(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(file: int) -> int | None:
    with suppress(ValueError):
        return int(os.pread(file, 32, 0))
    return None
