"""The send journal: what was about to be sent, so that a lost or restored database can't forget it (delivery.md §1)."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING

import orjson
from whenever import Instant

from selftimer.errors import StoreError, StoreFull
from selftimer.ports.store import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = "sends.jsonl"
_FIELDS = frozenset(f.name for f in fields(JournalEntry))


class FileJournal:
    """`selftimer.ports.store.SendJournal` as a file of JSON lines, one studio's view of it.

    Lines are only ever added. A line that a crash has torn stays, and the next one starts below it. May be used from
    any thread.
    """

    def __init__(self, path: Path, studio: str, *, crash_point: Callable[[str], None] = lambda _name: None) -> None:
        self.path = path
        self._crash_point = crash_point
        self._studio = studio
        self._lock = threading.Lock()
        self._file: int | None = None

    def append(self, entry: JournalEntry, *, sync: bool = True) -> None:
        """Write the line and, unless `sync` is False, wait for the disk; `StoreError` where it may not have."""
        said = {name: getattr(entry, name) for name in _FIELDS - {"at"}}
        line = orjson.dumps({"at": entry.at.format_iso(), "studio": self._studio, **said}, option=orjson.OPT_SORT_KEYS)
        self._crash_point("journal.before")
        with self._lock:
            try:
                if self._file is None:
                    self._file = self._open()
                _write(self._file, line + b"\n")
                self._crash_point("journal.written")
                if sync:
                    os.fsync(self._file)
            except OSError as error:
                self._close()  # what is torn is repaired at the next opening
                raise self._refused(error) from error

    def _open(self) -> int:
        new = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if new:
                _sync_folder(self.path.parent)
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                _write(file, b"\n")
        except OSError:
            os.close(file)
            raise
        return file

    def _refused(self, error: OSError) -> StoreError:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return StoreFull(f"no space is left for the send journal {self.path}: nothing was sent. Free some space")
        return StoreError(
            f"the send journal {self.path} can't be written ({error.strerror}): nothing was sent. "
            f"Look at the disk and at who may write the file"
        )

    def entries(self) -> Iterator[JournalEntry]:
        """The studio's lines in the order they were written; torn ones are skipped."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in file:
                entry = self._parse(line)
                if entry is not None:
                    yield entry

    def _parse(self, line: bytes) -> JournalEntry | None:
        with suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            said = orjson.loads(line)
            if said.get("studio") == self._studio:
                values = {name: value for name, value in said.items() if name in _FIELDS}
                return JournalEntry(**{**values, "at": Instant.parse_iso(said["at"])})
        return None

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):
                os.close(file)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _sync_folder(folder: Path) -> None:
    """The name of a new file is durable only once its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
