"""Cases as data: what a seed is made of, what can be kept as a test, and what gets smaller until nothing can go."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chaos.campaign import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Case = dict[str, Any]
"""One course of events as JSON; what its keys mean is its campaign's matter."""


@dataclass(slots=True, kw_only=True)
class Played:
    """What a case came to."""

    count: int
    violations: list[str] = field(default_factory=list)
    trace: str = ""
    notes: Counter[str] = field(default_factory=Counter)


def told(play: Callable[[Case], Played], case: Case) -> Played:
    """Play it; an exception is a violation."""
    try:
        return play(case)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a violation
        return Played(count=0, violations=[f"{type(error).__name__}: {error}"])


def run_cases(seed: int, cases: Iterable[Case], play: Callable[[Case], Played]) -> Result:
    """All cases of a seed."""
    found: list[str] = []
    notes: Counter[str] = Counter()
    count, traces = 0, hashlib.blake2b(digest_size=8)
    for case in cases:
        played = told(play, case)
        count += played.count
        found += [f"{case}: {what}" for what in played.violations]
        notes.update(played.notes)
        traces.update(played.trace.encode())
    return Result(seed=seed, count=count, violations=tuple(found), trace=traces.hexdigest(), notes=dict(notes))


def shrunk(case: Case, simpler: Callable[[Case], Iterator[Case]], fails: Callable[[Case], bool]) -> Case:
    """The smallest case that still fails, going from one to the first simpler one that does, until none does."""
    while True:
        smaller = next((one for one in simpler(case) if fails(one)), None)
        if smaller is None:
            return case
        case = smaller


def without_one(items: Sequence[Any]) -> Iterator[list[Any]]:
    """The same lists with one left out, the second half first: what comes late matters least."""
    if len(items) > 3:
        yield list(items[: len(items) // 2])
        yield list(items[len(items) // 2 :])
    for number in reversed(range(len(items))):
        yield [*items[:number], *items[number + 1 :]]
