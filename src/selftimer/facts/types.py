"""The types of the rule language: what a field of a record holds (rule-language.md, Exact meaning 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from selftimer.facts.records import Kind

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.facts.world import World

TypeName = Literal["text", "number", "money", "yes/no", "date", "instant", "enum", "record", "list", "duration"]
Read = tuple[Kind, Kind]
"""As in `selftimer.rulebook.condition`: judging follows records of the second kind from one of the first."""
Derive = Callable[[Any, "World", "Instant | None"], Any]
"""A worked-out field: `(record, world, start of the run or None) -> value`. Pure."""

_ARTICLES: dict[TypeName, str] = {
    "text": "a text",
    "number": "a number",
    "money": "an amount",
    "yes/no": "a yes/no",
    "date": "a date",
    "instant": "an instant",
    "enum": "a word",
    "record": "a record",
    "list": "a list",
    "duration": "a length of time",
}


@dataclass(frozen=True, slots=True)
class Type:
    """One type: `values` of an enum, `table` of a record, `of` of a list."""

    name: TypeName
    values: tuple[str, ...] = ()
    table: str = ""
    of: Type | None = None

    def __str__(self) -> str:
        if self.name == "record":
            return f"a record ({self.table})"
        if self.name == "list" and self.of is not None:
            return f"a list of {self.of.table + 's' if self.of.name == 'record' else 'texts'}"
        return _ARTICLES[self.name]

    @property
    def texty(self) -> bool:
        """Whether its values are texts: free ones, or the words of an enum."""
        return self.name in {"text", "enum"}

    @property
    def timely(self) -> bool:
        """Whether its values are points in time."""
        return self.name in {"date", "instant"}


TEXT = Type("text")
NUMBER = Type("number")
MONEY = Type("money")
YES_NO = Type("yes/no")
DATE = Type("date")
INSTANT = Type("instant")
DURATION = Type("duration")


def enum_of(*values: str) -> Type:
    """One of these words."""
    return Type("enum", values=values)


def record_of(table: str) -> Type:
    """A record of a kind, or of `event`, `studio`, `inputs`, `steps`."""
    return Type("record", table=str(table))


def list_of(item: Type) -> Type:
    """A list of records or of texts."""
    return Type("list", of=item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a table: how it is called, what it holds, where its value comes from.

    Its value is, in this order: what `derive` works out; whether the record's status is the word `status`; the Scope's
    attribute `scope`; the entry `key` of a mapping; else the record's attribute `attribute`.
    """

    name: str
    type: Type
    doc: str
    nullable: bool = False
    unit: str = ""
    derive: Derive | None = None
    reads: frozenset[Read] = frozenset()
    status: str = ""
    scope: str = ""
    key: str = ""
    attribute: str = ""
    expected: bool = False
    """It can be missing, but hardly ever is where it is asked about: no warning."""
    own_words: bool = False
    """A short text that a stranger may have typed: printed only if it is fit for it (delivery.md §6)."""
