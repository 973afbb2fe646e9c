"""Working days: Monday to Friday without the public holidays of a country. `holidays` is imported when asked."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from whenever import Date

from selftimer.primitives.time import weekday_only

if TYPE_CHECKING:
    from collections.abc import Callable


@lru_cache(maxsize=16)
def _public_holidays(country: str, year: int) -> frozenset[Date]:
    """A country's public holidays in a year; none where the country isn't known. `DE-BY` is a part of one."""
    from holidays import country_holidays

    code, _, part = country.upper().partition("-")
    try:
        found = country_holidays(code, subdiv=part or None, years=year)
    except NotImplementedError:
        return frozenset()
    return frozenset(Date(day.year, day.month, day.day) for day in found)


def is_working_day(date: Date, country: str) -> bool:
    """Monday to Friday, and no public holiday of the country ('' for none known)."""
    return weekday_only(date) and not (country and date in _public_holidays(country, date.year))


def next_working_day(date: Date, is_working: Callable[[Date], bool]) -> Date:
    """The first working day after a date."""
    following = date.add(days=1)
    while not is_working(following):
        following = following.add(days=1)
    return following
