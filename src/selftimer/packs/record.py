"""What a workspace keeps of its packs, in `.selftimer-packs/`: which version a file came from, and how it was then.

    .selftimer-packs/weddings.toml     version, origin, answers, and the digest of each file as it was written
    .selftimer-packs/weddings/…        the files as they were written

It belongs to the workspace like the rules: kept with them, it tells what is the owner's and what is the pack's.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selftimer.errors import WorkspaceError
from selftimer.packs.reading import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = ".selftimer-packs"
_HEAD = "# Written by 'selftimer new'; 'selftimer diff-pack' reads it. Keep it with your rules.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One pack of a workspace. `digests` are of its files as they were written, `answers` as they would be typed."""

    name: str
    version: int
    origin: str
    answers: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def digest(content: bytes) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def records(workspace: Path) -> dict[str, Record]:
    """All packs of a workspace by name; `WorkspaceError` for a record that can't be read."""
    folder = workspace / FOLDER
    found = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    return {path.stem: _read(path) for path in found if NAME.match(path.stem)}


def _read(path: Path) -> Record:
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        return Record(
            name=path.stem,
            version=int(data["version"]),
            origin=str(data["origin"]),
            answers={str(name): str(value) for name, value in data["inputs"].items()},
            digests={str(name): str(value) for name, value in data["files"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{FOLDER}/{path.name} can't be read ({error}); take it back from your backup, or remove it to forget the "
            "pack and keep its files"
        ) from error


def original(workspace: Path, record: Record, name: str) -> bytes | None:
    """A file as the pack wrote it. None if that isn't kept, or was changed since."""
    for path in (workspace / FOLDER / record.name / name, workspace / name):
        if path.is_file() and digest(content := path.read_bytes()) == record.digests.get(name):
            return content
    return None


def files_of(record: Record, written: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a workspace has to keep for a pack, by path."""
    kept = {f"{FOLDER}/{record.name}/{name}": content for name, content in written.items()}
    return {**kept, f"{FOLDER}/{record.name}.toml": _said(record).encode()}


def _said(record: Record) -> str:
    lines = [f"version = {record.version}", f"origin = {_text(record.origin)}", "", "[inputs]"]
    lines += [f"{name} = {_text(value)}" for name, value in record.answers.items()]
    lines += ["", "[files]", *(f"{_text(name)} = {_text(value)}" for name, value in record.digests.items())]
    return _HEAD + "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value.replace("\x7f", ""), ensure_ascii=False)
