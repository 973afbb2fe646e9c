"""Reading a workspace's rule files: the only place of the rulebook that touches a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.errors import WorkspaceError
from selftimer.rulebook.yaml12 import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FOLDERS = ("rules", "automations", "automations/messages")
FILES = "automations/files/"
"""Where the files lie that messages carry."""
MAX_FILE = 10 * 1024 * 1024
"""The most that the studio takes (studio-api.md, Conversations)."""
MAX_FILES = 2_000
TEST_FOLDERS = ("rules/tests",)
"""Tests of rules: a service needs none of them."""


def read_workspace(folder: Path, folders: Iterable[str] = FOLDERS) -> dict[str, bytes]:
    """The content of every rule, automation and message file by its path from `folder`, sorted; or of other `folders`.

    Of a file that is too large one byte too many is read, so that the loader can say so. Hidden files are left out.
    `WorkspaceError` for a folder that isn't there, a link that leads out of it, a file that can't be read.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise WorkspaceError(f"{folder} is not a folder; make a workspace with 'selftimer init {folder}'")
    found: dict[str, bytes] = {}
    for name in folders:
        for path in _files(folder / name):
            relative = path.relative_to(folder).as_posix()
            if not path.resolve().is_relative_to(root):
                raise WorkspaceError(f"{relative} is a link that leads out of the workspace; put the file itself there")
            if len(found) >= MAX_FILES:
                raise WorkspaceError(f"more than {MAX_FILES:,} files in {folder}; is this the right folder?")
            found[relative] = _content(path, relative)
    return dict(sorted(found.items()))


def read_attachments(folder: Path) -> dict[str, int]:
    """The sizes of the files that messages can carry, by their path from automations/files.

    Hidden files and links that lead out of the folder are left out: they aren't there for anybody.
    """
    root = (folder / FILES).resolve()
    if not root.is_relative_to(folder.resolve()) or not root.is_dir():
        return {}
    found: dict[str, int] = {}
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and path.is_file() and path.resolve().is_relative_to(root):
            found[path.relative_to(root).as_posix()] = path.stat().st_size
            if len(found) >= MAX_FILES:
                raise WorkspaceError(f"more than {MAX_FILES:,} files in {FILES}; is this the right folder?")
    return found


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    try:
        yield from (path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise WorkspaceError(f"{folder.name} can't be read: {error.strerror}") from error


def _content(path: Path, relative: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise WorkspaceError(f"{relative} can't be read: {error.strerror}") from error
