"""What the tests of packs share: the starter with a pack in it, and its diaries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whenever import Date

from selftimer.packs.filling import fill, read_answers
from selftimer.rulebook.files import FOLDERS, read_workspace
from selftimer.rulebook.loader import load_workspace
from selftimer.ruletests.reading import read_tests
from selftimer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.errors import Problem
    from selftimer.packs.model import Input, Pack
    from selftimer.rulebook.model import Rulebook
    from selftimer.ruletests.model import RuleTest

ROOT = Path(__file__).resolve().parents[2]
STUDIO = Settings.load(ROOT)
STARTER = read_workspace(ROOT)
TODAY = Date(2026, 1, 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A pack in the starter: its files with their answers, the rules of both, its own tests."""

    pack: Pack
    files: Mapping[str, bytes]
    book: Rulebook
    tests: tuple[RuleTest, ...]
    problems: tuple[Problem, ...]


def ready(pack: Pack, given: Mapping[str, str] | None = None) -> Ready:
    files = fill(pack.files, read_answers(pack.inputs, given or {}, TODAY))
    facts = STUDIO.facts()
    loaded = load_workspace({**STARTER, **{n: c for n, c in files.items() if n.rpartition("/")[0] in FOLDERS}}, facts)
    assert loaded.rulebook is not None, [str(problem) for problem in loaded.errors]
    read = read_tests({n: c for n, c in files.items() if n.startswith("rules/tests/")}, loaded.rulebook, facts)
    problems = (*loaded.problems, *read.problems)
    return Ready(pack=pack, files=files, book=loaded.rulebook, tests=read.tests, problems=problems)


def farthest(one: Input, *, most: bool) -> str:
    """The answer at one end of what is allowed; for what has no ends, another than the default."""
    match one.type:
        case "number":
            return str((one.most if most else one.least) or 0)
        case "time":
            return "20:30" if most else "08:15"
        case "date":
            return "2027-11-02" if most else "2026-02-03"
        case "url":
            return "https://nord.example/else"
        case _:
            return "sea view"
