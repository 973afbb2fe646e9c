"""Points in time moved on, by the specification (rule-language.md, Exact meaning 15) and the standard library."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from chaos.reference.plain import Length


def moved_date(day: date, by: Length) -> date:
    """A date some days, weeks, months … later; `OverflowError` or `ValueError` past the last year."""
    match by.unit:
        case "days":
            return day + timedelta(days=by.count)
        case "weeks":
            return day + timedelta(weeks=by.count)
        case "business days":
            left = by.count
            while left:
                day += timedelta(days=1)
                left -= day.weekday() < 5
            return day
        case "months" | "years":
            months = day.year * 12 + day.month - 1 + by.count * (12 if by.unit == "years" else 1)
            year, month = months // 12, months % 12 + 1
            if year > 9999:
                raise OverflowError("past the last year")
            return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
    raise ValueError(f"a date can't be moved by {by.unit}")


def moved(when: datetime, by: Length, zone: str) -> datetime:
    """An instant later: minutes and hours are exact, days and longer keep the local time."""
    if by.unit in {"minutes", "hours"}:
        return when + timedelta(**{by.unit: by.count})
    here = when.astimezone(ZoneInfo(zone))
    day = moved_date(here.date(), by)
    wanted = datetime.combine(day, here.time()).replace(tzinfo=ZoneInfo(zone), fold=0)
    there = wanted.astimezone(UTC)
    if there.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wanted.replace(tzinfo=None):
        return there  # of a time that comes twice this is the first
    return _after_the_gap(wanted)


def _after_the_gap(wanted: datetime) -> datetime:
    """A local time that a change of the clock leaves out is the first one after it."""
    zone = wanted.tzinfo
    minute = wanted.replace(second=0, microsecond=0, tzinfo=None)
    while True:
        minute += timedelta(minutes=1)
        there = minute.replace(tzinfo=zone).astimezone(UTC)
        if there.astimezone(zone).replace(tzinfo=None) == minute:
            return there
