"""What comes of changed rule files whose tests are run before they count; who runs them is handed in from above."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selftimer.errors import Problem

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A test that failed, or a file of tests that can't be read, and the changed files that it speaks against."""

    problem: Problem
    files: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the tests of changed files came to; `untried` says why some of them weren't run, '' if all were."""

    failed: tuple[Failed, ...] = ()
    ran: int = 0
    wanted: int = 0
    untried: str = ""


TryOut = Callable[[Files, Mapping[str, bytes | None]], Awaitable[Tried]]
"""Runs the tests that concern changed files: all files as they would be in force, and each changed one as it was."""
