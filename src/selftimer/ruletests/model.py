"""A test of rules as it was read: checked, with typed values, and the place of every line for messages to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.rulebook.model import Where

FOLDER = "rules/tests/"
Came = Literal["done", "held", "skipped", "failed"]
"""What became of an effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A record that was there before: its kind, its fields, and when it came to be if the test says so."""

    kind: str
    values: Mapping[str, Any]
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Happens:
    """Something that is done in the studio: an event's name (`message.sent` too) and the record."""

    at: Instant
    event: str
    values: Mapping[str, Any]
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the rules have to do in that minute. `to` is a client's name; all of `contains` must be there."""

    at: Instant
    came: Came
    verb: str
    """`send`, `create` …; for what is held or skipped '', as the name says enough."""
    name: str
    to: str | None
    contains: tuple[str, ...]
    because: str | None
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The owner says yes or no to what waits for it."""

    at: Instant
    yes: bool
    name: str
    to: str | None
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """Time goes on to here, and nothing happens."""

    at: Instant
    where: Where


Line = Happens | Expected | Answers | Passes


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """One test. `rules` are those that run, all of the workspace where it names none; `caps` are off but for these."""

    name: str
    rules: tuple[str, ...]
    given: tuple[Given, ...]
    diary: tuple[Line, ...]
    where: Where
    caps: Mapping[str, int] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The file that it stands in, relative to the workspace."""
        return self.where.file

    @property
    def expected(self) -> tuple[Expected, ...]:
        """The lines that say what must be done."""
        return tuple(line for line in self.diary if isinstance(line, Expected))
