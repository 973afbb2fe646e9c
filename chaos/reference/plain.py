"""A studio in plain values: dictionaries, numbers and the standard library's times. Nothing of the product is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from decimal import Decimal

_DIGITS = {"jpy": 0, "kwd": 3}


def digits(currency: str) -> int:
    """How many decimals a currency of these studios has."""
    return _DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Amount:
    """Money: main units of a currency."""

    main: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time, `3 business days`; `unit` in the plural."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A record: its kind and its values by name, null for what is missing."""

    kind: str
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a condition is judged on at one moment."""

    now: datetime
    """In UTC, as all times here are."""
    start: datetime | None
    """When the run began; null at its trigger."""
    studio: Plain
    """With `kinds`: a kind of session to the patterns of its types' names."""
    records: Mapping[str, list[Plain]]
    """By kind, oldest first."""
    names: Mapping[str, Any]
    """What the condition can say besides `now`, `today`, `start` and `studio`: a record, or a list of records."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """The types that the automation's inputs are declared with."""
    readable: bool
    """Whether payments can be read."""
    ours: frozenset[str]
    """Ids of the messages that Selftimer wrote."""

    def get(self, kind: str, record_id: str | None) -> Plain | None:
        """A record by id."""
        return next((record for record in self.records[kind] if record["id"] == record_id), None)

    def of_client(self, kind: str, client: Plain) -> list[Plain]:
        """A client's records of a kind."""
        return [record for record in self.records[kind] if record["client_id"] == client["id"]]

    def today(self) -> date:
        """The day in the studio's zone."""
        return self.day(self.now, self.studio["zone"])

    @staticmethod
    def day(when: datetime, zone: str) -> date:
        """The day that it is somewhere; `LookupError` where there is no such place."""
        from zoneinfo import ZoneInfo

        return when.astimezone(ZoneInfo(zone)).date()
