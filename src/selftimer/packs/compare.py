"""What became of a pack since its files were written: in the pack, and by the owner's hand."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.packs.filling import default_of, fill, read_answers
from selftimer.packs.record import digest, original
from selftimer.rulebook.files import FILES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from whenever import Date

    from selftimer.packs.model import Input, Pack, Value
    from selftimer.packs.record import Record

GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file. `upstream` and `own` say what happened there: nothing, or `new`, `changed`, `gone`.

    The diffs are unified, each from the file as it was written; empty where that isn't known any more.
    """

    file: str
    upstream: str = ""
    own: str = ""
    upstream_diff: str = ""
    own_diff: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A pack of a workspace beside the one of today; `changes` are of the files with any."""

    record: Record
    pack: Pack
    answers: Mapping[str, Value]
    files: Mapping[str, bytes]
    changes: tuple[Change, ...]


def compare(workspace: Path, record: Record, pack: Pack, today: Date) -> Comparison:
    """Both sides since the files were written; the answers of then are used again, and defaults for new questions."""
    answers = _answers(record, pack, today)
    theirs = fill(pack.files, answers)
    names = sorted({*record.digests, *theirs})
    changes = (_change(workspace, record, name, theirs.get(name)) for name in names)
    return Comparison(
        record=record,
        pack=pack,
        answers=answers,
        files=theirs,
        changes=tuple(one for one in changes if one.upstream or one.own),
    )


def _answers(record: Record, pack: Pack, today: Date) -> Mapping[str, Value]:
    """As they were given. A date that has gone by meanwhile is still the one that was asked for."""
    answers: dict[str, Value] = {}
    for one in pack.inputs:
        said = record.answers.get(one.name) or default_of(one, today) or ""
        answers |= read_answers([one], {one.name: said}, _eve(one, said) or today)
    return answers


def _eve(one: Input, said: str) -> Date | None:
    """The day before a date that was given: a day on which it was to come."""
    from whenever import Date

    if one.type != "date":
        return None
    try:
        return Date.parse_iso(said).add(days=-1)
    except ValueError:
        return None


def _change(workspace: Path, record: Record, name: str, theirs: bytes | None) -> Change:
    path = workspace / name
    mine = path.read_bytes() if path.is_file() else None
    before = record.digests.get(name)
    base = original(workspace, record, name)
    known = (before is None or base is not None) and not name.startswith(FILES)
    return Change(
        file=name,
        upstream=_word(before, theirs),
        own="" if before is None else _word(before, mine),
        upstream_diff=_diff(base, theirs, name, "the pack, today") if known else "",
        own_diff=_diff(base, mine, name, "yours") if known and before is not None else "",
    )


def _word(before: str | None, after: bytes | None) -> str:
    if before is None:
        return "new"
    if after is None:
        return GONE
    return "" if digest(after) == before else "changed"


def _diff(before: bytes | None, after: bytes | None, name: str, now: str) -> str:
    if after is None or before == after:
        return ""
    old, new = _lines(before or b""), _lines(after)
    return "\n".join(difflib.unified_diff(old, new, f"{name} (as it was written)", f"{name} ({now})", lineterm="", n=2))


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()
