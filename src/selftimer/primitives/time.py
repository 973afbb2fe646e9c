"""Spans, offsets and local time (rule-language.md, Exact meaning 15).

Minutes and hours are exact; days and longer are calendar units: the same local time on another date. A local time
inside a DST gap is the next valid instant, one inside a fold the first (delivery.md §4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from whenever import Date, Instant, SkippedTime, Time, TimeZoneNotFoundError, ZonedDateTime

if TYPE_CHECKING:
    from collections.abc import Callable

Unit = Literal["minutes", "hours", "days", "business days", "weeks", "months", "years"]
_UNITS: dict[str, Unit] = {
    "minute": "minutes",
    "hour": "hours",
    "day": "days",
    "business day": "business days",
    "week": "weeks",
    "month": "months",
    "year": "years",
}
_SPAN = re.compile(r"(\d{1,4}) (minute|hour|business day|day|week|month|year)s?\Z")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


class TimeError(ValueError):
    """A text that isn't a span, a time of day or a zone; the message says how to write it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as people say it: `3 business days`. `exact` for minutes and hours, else calendar days."""

    count: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Span:
        """`2 days`, `1 hour`, `30 minutes`; `TimeError` with a hint for `2d` and the like."""
        match = _SPAN.match(text.strip())
        if match is None:
            raise TimeError(
                f"{text!r} is not a length of time; write it like '30 minutes', '2 days' or '3 business days'"
            )
        return cls(int(match[1]), _UNITS[match[2]])

    @property
    def exact(self) -> bool:
        """Whether it is counted in elapsed time, not on the calendar."""
        return self.unit in {"minutes", "hours"}

    def __str__(self) -> str:
        return f"{self.count} {self.unit[:-1] if self.count == 1 else self.unit}"

    def approximate_seconds(self) -> float:
        """Roughly how long it is, for comparing spans and for lint; months count 30.4 days."""
        day = 86_400.0
        per: dict[Unit, float] = {
            "minutes": 60,
            "hours": 3_600,
            "days": day,
            "business days": day * 7 / 5,
            "weeks": 7 * day,
            "months": 30.44 * day,
            "years": 365.25 * day,
        }
        return self.count * per[self.unit]


def parse_time(text: str) -> Time:
    """`09:00`, two digits each; `TimeError` otherwise."""
    if not _TIME.match(text):
        raise TimeError(f"{text!r} is not a time; write it with two digits, like 09:00")
    return Time(int(text[:2]), int(text[3:]))


def check_zone(name: str) -> str:
    """The name if it is an IANA time zone, else `TimeError`."""
    try:
        Instant.from_utc(2026, 1, 1).to_tz(name)
    except (TimeZoneNotFoundError, ValueError) as error:
        raise TimeError(f"{name!r} is not a time zone; write one like 'Europe/Berlin' or 'America/New_York'") from error
    return name


def local(date: Date, time: Time, zone: str) -> ZonedDateTime:
    """That wall-clock moment: in a gap the next valid instant, in a fold the first."""
    plain = date.at(time)
    try:
        return plain.assume_tz(zone, disambiguation="raise")
    except SkippedTime:
        before = plain.assume_tz(zone, disambiguation="earlier")
        transition = before.next_transition()
        return transition if transition is not None else before
    except ValueError:  # a repeated time: RepeatedTime is one
        return plain.assume_tz(zone, disambiguation="earlier")


def move_date(date: Date, span: Span, sign: int, is_working: Callable[[Date], bool] | None = None) -> Date:
    """The date `span` after (`sign` 1) or before (-1); month ends are clipped: 31 March - 1 month = 28 February."""
    count = span.count * sign
    match span.unit:
        case "days":
            return date.add(days=count)
        case "weeks":
            return date.add(weeks=count)
        case "months":
            return date.add(months=count)
        case "years":
            return date.add(years=count)
        case "business days":
            return _move_business(date, span.count, sign, is_working or weekday_only)
        case "minutes" | "hours":
            raise TimeError(f"a date can't be moved by {span}")


def weekday_only(date: Date) -> bool:
    """Monday to Friday, where no holiday calendar is known."""
    return date.day_of_week().value <= 5


def _move_business(date: Date, count: int, sign: int, is_working: Callable[[Date], bool]) -> Date:
    while count > 0:
        date = date.add(days=sign)
        count -= is_working(date)
    return date


def move(
    instant: Instant,
    span: Span,
    sign: int,
    zone: str,
    *,
    at: Time | None = None,
    is_working: Callable[[Date], bool] | None = None,
) -> Instant:
    """The instant `span` after or before, in `zone`.

    Exact for minutes and hours; else the calendar day at the same local time, or at `at`.
    """
    if span.exact:
        seconds = span.count * (60 if span.unit == "minutes" else 3600) * sign
        moved = instant.add(seconds=seconds)
        return moved if at is None else local(moved.to_tz(zone).date(), at, zone).to_instant()
    here = instant.to_tz(zone)
    return local(move_date(here.date(), span, sign, is_working), at or here.time(), zone).to_instant()


def start_of_day(date: Date, zone: str) -> Instant:
    """Local midnight, or the first instant of a day that has none."""
    return local(date, Time(), zone).to_instant()


def to_micros(instant: Instant) -> int:
    """Microseconds since 1970 UTC, as the store keeps instants: the API's own precision, and integers sort."""
    return instant.timestamp(unit="nanosecond") // 1000


def from_micros(value: int) -> Instant:
    """The inverse of `to_micros`."""
    return Instant.from_timestamp(value * 1000, unit="nanosecond")


__all__ = [
    "Date",
    "Instant",
    "Span",
    "Time",
    "TimeError",
    "Unit",
    "check_zone",
    "from_micros",
    "local",
    "move",
    "move_date",
    "parse_time",
    "start_of_day",
    "to_micros",
    "weekday_only",
]
