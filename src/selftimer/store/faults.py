"""What the database refuses, as our errors: what happened, which file, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.errors import StoreCorrupt, StoreError, StoreFull

if TYPE_CHECKING:
    from pathlib import Path

_DAMAGED = ("malformed", "not a database", "database corruption")
_FULL = ("disk is full",)
_READ_ONLY = ("readonly", "read-only", "unable to open")
_BUSY = ("locked", "busy")


def corrupt(path: Path, what: str) -> StoreCorrupt:
    """The file is damaged; says how to go on without losing what it knows."""
    return StoreCorrupt(
        f"the database {path} is damaged ({what}). Nothing is sent any more. Stop Selftimer and keep this file and "
        f"sends.jsonl beside it; say 'selftimer restore' with your newest backup and start again: what the send "
        f"journal knows and the backup doesn't is merged first, and everything is held until you have looked"
    )


def translate(error: BaseException, path: Path) -> StoreError:
    """The `StoreError` that a driver's error means; nothing of the transaction was kept."""
    cause = getattr(error, "orig", None) or error
    text = str(cause)
    low = text.lower()
    if any(word in low for word in _DAMAGED):
        return corrupt(path, text)
    if any(word in low for word in _FULL):
        return StoreFull(
            f"no space is left for the database {path} ({text}): nothing of this step was kept and nothing was sent. "
            f"Free some space on that disk; Selftimer goes on by itself"
        )
    if "disk i/o" in low:
        return StoreError(
            f"the disk refused to read or write the database {path} ({text}): nothing of this step was kept. "
            f"Look at the disk and its free space; Selftimer tries again by itself"
        )
    if any(word in low for word in _READ_ONLY):
        return StoreError(
            f"the database {path} can't be written ({text}). "
            f"Give the user that runs Selftimer the right to write the file and its folder"
        )
    if any(word in low for word in _BUSY):
        return StoreError(
            f"another program kept the database {path} locked ({text}): nothing of this step was kept. "
            f"Close the program that has the file open; Selftimer tries again by itself"
        )
    return StoreError(f"the database {path} refused: {text}; nothing of this step was kept")
