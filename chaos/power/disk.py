"""What a disk holds after a power cut: all that was synced, and of the rest any part in any order, torn at its sectors.

`shim.c` notes what this process writes; it is compiled by the system's C compiler and preloaded.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

SOURCE = Path(__file__).with_name("shim.c")
SECTOR = 512
WRITE, TRUNCATE, SYNC, SYNC_FOLDER, MAKE, UNLINK = range(1, 7)
HEAD = 16
"""Bytes of a note before its data: what, file, length, offset."""


def compiler() -> str | None:
    """The C compiler, if there is one."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def library() -> Path:
    """The compiled shim, made once; `RuntimeError` without a compiler."""
    cc = compiler()
    if cc is None:
        raise RuntimeError("a C compiler is needed to note what is written to the disk: install gcc")
    name = hashlib.blake2b(SOURCE.read_bytes(), digest_size=8).hexdigest()
    made = Path(tempfile.gettempdir()) / f"selftimer-power-{os.getuid()}-{name}.so"
    if not made.exists():
        partial = made.with_suffix(f".{os.getpid()}")
        subprocess.run([cc, "-O2", "-shared", "-fPIC", "-o", partial, SOURCE, "-ldl", "-lpthread"], check=True)
        partial.replace(made)
    return made


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was done to a file."""

    what: int
    file: str
    offset: int
    data: bytes


class Recorder:
    """What this process does to the files of a folder; only in a process that has the shim preloaded."""

    def __init__(self) -> None:
        self._lib = lib = ctypes.CDLL(os.environ["LD_PRELOAD"])
        lib.power_count.restype = ctypes.c_long
        lib.power_used.restype = ctypes.c_size_t
        lib.power_notes.restype = ctypes.c_void_p
        lib.power_file.restype = ctypes.c_char_p
        lib.power_fail.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int]

    def watch(self, folder: Path) -> None:
        """Look at this folder from now on, and at no other; its files must be opened after that."""
        self._lib.power_watch(str(folder).encode())

    def reset(self) -> None:
        """Forget what was noted: it is on the disk for good."""
        self._lib.power_reset()

    @property
    def count(self) -> int:
        """How much was done since."""
        return int(self._lib.power_count())

    def fail(self, at: int, error: int, *, always: bool) -> None:
        """Let the one of that number fail with an errno, or all from there on; a negative number lets none fail."""
        self._lib.power_fail(at, error, always)

    def notes(self, most: int) -> list[Note]:
        """The first of them."""
        raw = ctypes.string_at(self._lib.power_notes(), self._lib.power_used()) if self.count else b""
        names = [self._lib.power_file(number).decode() for number in range(self._lib.power_files())]
        return list(_parsed(raw, names, most))


def _parsed(raw: bytes, names: list[str], most: int) -> Iterator[Note]:
    at = 0
    while at < len(raw) and most > 0:
        what, file = raw[at], int.from_bytes(raw[at + 2 : at + 4], "little")
        length = int.from_bytes(raw[at + 4 : at + 8], "little")
        offset = int.from_bytes(raw[at + 8 : at + 16], "little", signed=True)
        at += HEAD
        yield Note(what, names[file] if what != SYNC_FOLDER else "", offset, raw[at : at + length])
        at += length
        most -= 1


def after_cut(before: Mapping[str, bytes], notes: list[Note], random: Random) -> dict[str, bytes]:
    """The files after the power went behind the last of the notes; `before` is what was there before the first.

    SQLite's shared memory isn't durable and is left out.
    """
    files = {name: bytearray(content) for name, content in before.items()}
    there = set(files)
    waiting: dict[str, list[Note]] = {}
    names: list[Note] = []
    for note in notes:
        if note.what in {WRITE, TRUNCATE}:
            waiting.setdefault(note.file, []).append(note)
        elif note.what == SYNC:
            for earlier in waiting.pop(note.file, []):
                _apply(files, earlier, None)
        elif note.what == SYNC_FOLDER:
            for earlier in names:
                _name(there, earlier)
            names = []
        else:
            names.append(note)
    kept = random.choice((0.0, 0.3, 0.7, 1.0))
    for note in names:
        if random.random() < kept:
            _name(there, note)
    for note in (note for some in waiting.values() for note in some):
        if random.random() < kept:
            _apply(files, note, random)
    return {name: bytes(files.get(name, b"")) for name in there if not name.endswith("-shm")}


def _name(there: set[str], note: Note) -> None:
    if note.what == MAKE:
        there.add(note.file)
    else:
        there.discard(note.file)


def _apply(files: dict[str, bytearray], note: Note, random: Random | None) -> None:
    """All of it, or with a random generator perhaps some of its sectors only."""
    content = files.setdefault(note.file, bytearray())
    if note.what == TRUNCATE:
        del content[note.offset :]
        content.extend(bytes(note.offset - len(content)))
        return
    torn = random is not None and random.random() < 0.5
    for start in range(0, len(note.data), SECTOR):
        if torn and random is not None and random.random() < 0.5:
            continue
        part, at = note.data[start : start + SECTOR], note.offset + start
        if len(content) < at + len(part):
            content.extend(bytes(at + len(part) - len(content)))
        content[at : at + len(part)] = part
