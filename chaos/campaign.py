"""What a campaign is, and what one seed of it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Column = Literal["quick", "night", "release"]
"""`quick` is part of `make test`, `night` is `make chaos`, `release` is `make chaos RELEASE=1`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one seed came to."""

    seed: int
    count: int
    """How many of the campaign's `unit` it was: kills, schedules, sweeps."""
    violations: tuple[str, ...] = ()
    """What must never happen and did, a sentence each."""
    trace: str = ""
    """A digest of all that happened outside: the same seed gives the same one. Empty where it can't be."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """Further counts, summed over the seeds: what was met on the way, so that a campaign that meets nothing shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One row of the report."""

    name: str
    title: str
    """What is done, as the report tells it."""
    unit: str
    """What is counted, in the plural."""
    run: Callable[[int], Result]
    """One seed; importable by name, since it is called in processes of its own. An exception is a violation."""
    each: int = 1
    """How many of `unit` a seed is, more or less."""
    counts: Mapping[Column, int]
    """How many of `unit` each column aims at."""
    minutes: Mapping[Column, float]
    """Its share of the column's real time on two cores, besides what the campaigns before it left of theirs. Where that
    is over first, the report says how far it came."""
