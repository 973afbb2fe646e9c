"""The files of a pack, from a folder or an archive that may come from anybody.

All is checked before anything is used: paths that stay within the pack and go where a workspace has such files, kinds,
numbers and sizes, those that an archive claims and those that come out of it.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selftimer.errors import ConfigError
from selftimer.rulebook.files import FILES
from selftimer.rulebook.yaml12 import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ABOUT, HEAD = "about.md", "pack.yaml"
MAX_FILES = 100
MAX_PATH = 120
MAX_ATTACHMENT = 2 * 1024 * 1024
MAX_TOTAL = 8 * 1024 * 1024
MAX_ARCHIVE = 8 * 1024 * 1024
_KINDS: Mapping[str, frozenset[str]] = {
    "rules": frozenset({".yaml"}),
    "rules/tests": frozenset({".yaml"}),
    "automations": frozenset({".yaml"}),
    "automations/messages": frozenset({".md", ".txt"}),
}
"""Folder of a workspace to the kinds of files that it takes from a pack."""
_ATTACHED = frozenset({".pdf", ".jpg", ".jpeg", ".png", ".txt"})
_REGULAR = {0, stat.S_IFREG}
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, IndexError, OverflowError,
)  # fmt: skip
"""What the reader of archives raises for one that is damaged, or made to harm."""
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def read_contents(source: Path) -> dict[str, bytes]:
    """The files of a pack in a folder or a ZIP archive, by their path in it; `ConfigError` for what isn't fit."""
    try:
        if source.is_dir():
            return read_folder(source)
        if source.is_file():
            return _read_zip(source)
    except OSError as error:
        raise ConfigError(f"{error.filename or source} can't be read: {error.strerror}") from error
    raise ConfigError(f"{source} is neither a folder nor a ZIP archive of a pack")


def read_folder(source: Path) -> dict[str, bytes]:
    """The same of a folder. Hidden files are left out; a link is refused wherever it leads."""
    paths: dict[str, Path] = {}
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if any(part.startswith(".") for part in name.split("/")) or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink() or not path.is_file():
            raise _unfit(source, name, "it is a link or no file; put the file itself there")
        paths[name] = path
        _not_too_many(source, len(paths))
    _check_names(source, paths)
    found: dict[str, bytes] = {}
    for name, path in paths.items():
        with path.open("rb") as file:
            found[name] = _whole(source, name, file.read(_most(name) + 1))
    return _checked(source, found)


def _read_zip(source: Path) -> dict[str, bytes]:
    if source.stat().st_size > MAX_ARCHIVE:
        raise ConfigError(f"{source} is larger than {_size(MAX_ARCHIVE)}: not a pack")
    try:
        with zipfile.ZipFile(source) as archive:
            return _checked(source, _unpacked(source, archive))
    except _UNREADABLE as error:
        raise ConfigError(f"{source} can't be read as a ZIP archive: {error}") from error


def _unpacked(source: Path, archive: zipfile.ZipFile) -> dict[str, bytes]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.is_dir():
            continue
        _not_too_many(source, len(members) + 1)
        if info.filename in members:
            raise _unfit(source, info.filename, "it stands twice in the archive")
        if info.filename != info.orig_filename or info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise _unfit(source, info.filename, "it is encrypted, oddly named or packed in a way that isn't read")
        if stat.S_IFMT(info.external_attr >> 16) not in _REGULAR:
            raise _unfit(source, info.filename, "it is a link or no file")
        members[info.filename] = info
    top = _top(members)
    _check_names(source, [name.removeprefix(top) for name in members])
    found: dict[str, bytes] = {}
    total = 0
    for full, info in members.items():
        name = full.removeprefix(top)
        most = min(_most(name), MAX_TOTAL - total)
        if info.file_size > most:
            raise _too_large(source, name)
        with archive.open(info) as file:
            found[name] = _whole(source, name, file.read(most + 1))
        total += len(found[name])
    return found


def _top(names: Iterable[str]) -> str:
    """The one folder that all of an archive stands in, with its slash; nothing if `pack.yaml` is at the top."""
    first = {name.partition("/")[0] for name in names}
    only = next(iter(first)) if len(first) == 1 else ""
    return f"{only}/" if f"{only}/{HEAD}" in set(names) else ""


def _check_names(source: Path, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if why := _wrong(name):
            raise _unfit(source, name, why)
        if name.casefold() in seen:
            raise _unfit(source, name, "two of its files differ in capitals only")
        seen.add(name.casefold())


def _wrong(name: str) -> str:
    """Why a file of this path can't belong to a pack; nothing if it can."""
    parts = name.split("/")
    if len(name) > MAX_PATH or not name.isprintable() or set(name) & set('\\:*?"<>|$'):
        return f"its path is longer than {MAX_PATH} signs or holds signs that paths here don't"
    if any(part in {"", ".", ".."} or part.startswith(".") or part != part.strip() for part in parts):
        return "its path leads out of the pack, or to something hidden"
    if name in {HEAD, ABOUT}:
        return ""
    path = PurePosixPath(name)
    folder, kind = str(path.parent), path.suffix.lower()
    if kind in _KINDS.get(folder, ()) or (name.startswith(FILES) and kind in _ATTACHED):
        return ""
    return "a pack brings rules/*.yaml, rules/tests/*.yaml, automations/*.yaml, words and small files, and no others"


def _checked(source: Path, found: dict[str, bytes]) -> dict[str, bytes]:
    if sum(map(len, found.values())) > MAX_TOTAL:
        raise ConfigError(f"{source} holds more than {_size(MAX_TOTAL)}: not a pack")
    if HEAD not in found:
        raise ConfigError(f"{source} has no {HEAD}, which says what a pack is for and what it asks")
    return found


def _whole(source: Path, name: str, content: bytes) -> bytes:
    if len(content) > _most(name):
        raise _too_large(source, name)
    return content


def _most(name: str) -> int:
    return MAX_ATTACHMENT if name.startswith(FILES) else MAX_BYTES


def _not_too_many(source: Path, number: int) -> None:
    if number > MAX_FILES:
        raise ConfigError(f"{source} holds more than {MAX_FILES} files: not a pack")


def _too_large(source: Path, name: str) -> ConfigError:
    return _unfit(source, name, f"it is larger than {_size(_most(name))}, or all of them than {_size(MAX_TOTAL)}")


def _unfit(source: Path, name: str, why: str) -> ConfigError:
    shown = "".join(sign if sign.isprintable() else "?" for sign in name[:MAX_PATH])
    return ConfigError(f"{source}: {shown}: {why}; nothing was written")


def _size(number: int) -> str:
    return f"{number // 1024} KiB" if number < 1024 * 1024 else f"{number // (1024 * 1024)} MiB"
