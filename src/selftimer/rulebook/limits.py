"""How much one file may hold, so that no file takes the loader longer than a tenth of a second (decision 16).

Sizes are counted before anything is compiled. What is counted is what costs time: values, and the words and signs that
keys and values are made of; comments are free. An automation counts each time that a rule runs it, since it is compiled
for each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from selftimer.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_UNITS = 40
"""Rules, or automations, in one file."""
MAX_VALUES = 1_000
"""Values in one file; for a file of rules once more, with those of the automations that they run."""
MAX_WORDS = 3_000
"""Words and signs in all keys and values, counted like values: `client.type == 'lead'` has eight."""
MAX_CHAIN = 20
"""Automations that run each other, one within the other."""
MAX_TOLD = 30
"""Problems that are told of one file."""
MAX_FOUND = 60
"""Problems of one file after which it is not looked at any further."""
MAX_SAID = 5_000
"""Words and signs of one message, times the different situations in which rules say it."""
_ENOUGH = 10**9
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Size:
    """Values, the words and signs that keys and values are made of, and steps."""

    values: int = 0
    words: int = 0
    steps: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(
            min(self.values + other.values, _ENOUGH),
            min(self.words + other.words, _ENOUGH),
            min(self.steps + other.steps, _ENOUGH),
        )

    @property
    def too_large(self) -> str:
        """What of it is too much, as words, '' if nothing is."""
        if self.values >= _ENOUGH:
            return f"automations that run more than {MAX_CHAIN} others, one within the other,"
        if self.values > MAX_VALUES:
            return f"{self.values:,} values; {MAX_VALUES:,} are allowed"
        if self.words > MAX_WORDS:
            return f"{self.words:,} words and signs; {MAX_WORDS:,} are allowed"
        return ""


def size_of(raw: Any) -> Size:
    """How large plain data is. Not recursive: it is as deep as its file makes it."""
    values = words = steps = 0
    stack = [raw]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            words += len(one)
            steps += sum(len(one[name]) for name in ("then", "else") if isinstance(one.get(name), list))
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
        else:
            values += 1
            words += words_in(one) if isinstance(one, str) else 1
    return Size(values, words, steps)


def words_in(text: str) -> int:
    """How many words and signs a text is made of."""
    return len(_WORD.findall(text))


@dataclass(slots=True)
class Sizes:
    """Sizes of rules with what they run; `automations` by name, as plain data."""

    automations: Mapping[str, Any]
    everywhere: Size = Size()
    """That of `all_rules`, which is compiled for each rule."""
    _known: dict[str, Size] = field(default_factory=dict)

    def whole(self, raw: Any) -> Size:
        """A rule's, or an automation's, with what it runs."""
        return self._whole(raw, ()) + self.everywhere

    def _whole(self, raw: Any, stack: tuple[str, ...]) -> Size:
        size = size_of(raw)
        for name in _runs(raw):
            if name in self.automations and name not in stack:
                size += self._run(name, stack)
        return size

    def _run(self, name: str, stack: tuple[str, ...]) -> Size:
        if len(stack) >= MAX_CHAIN:
            return Size(_ENOUGH, _ENOUGH, 0)
        if name not in self._known:
            self._known[name] = self._whole(self.automations[name], (*stack, name))
        return self._known[name]


def _runs(raw: Any) -> Iterable[str]:
    """The names of the automations that steps in plain data run, each as often as it is run."""
    stack = [raw]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            if isinstance(name := one.get("run"), str):
                yield name
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)


def told(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems, sorted, of each file no more than anybody reads at once; errors before warnings then."""
    kept: list[Problem] = []
    for file, found in groupby(sorted(problems), key=lambda problem: problem.file):
        of_file = list(found)
        if len(of_file) > MAX_TOLD:
            of_file.sort(key=lambda problem: problem.severity != "error")
            first, rest = sorted(of_file[:MAX_TOLD]), of_file[MAX_TOLD:]
            last = first[-1]
            message = f"and {len(rest)} more in this file"
            more = Problem(file, last.line, last.column, message, last.severity, "mend these first, and check again")
            of_file = [*first, more]
        kept += of_file
    return tuple(kept)
