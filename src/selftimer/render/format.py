"""Amounts, days and times in a studio's words. Babel is imported when the first of them is printed.

Digits of amounts are ISO 4217's, not CLDR's: Babel knows 13 currencies with others (stack.md, 7).
"""

from __future__ import annotations

import copy
import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

from selftimer.primitives.money import Money, exponent

if TYPE_CHECKING:
    from babel import Locale
    from babel.numbers import NumberPattern
    from whenever import Date, Instant

DEFAULT_LOCALE = "en_GB"


@lru_cache(maxsize=32)
def find_locale(name: str) -> Locale:
    """The locale of that name, else its language, else British English; `de_DE` and `de-DE` are one."""
    from babel import Locale, UnknownLocaleError

    plain = name.strip().replace("-", "_")
    for candidate in (plain, plain.split("_")[0], DEFAULT_LOCALE):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("the default locale is always there")


@lru_cache(maxsize=64)
def _pattern(locale: str, digits: int) -> NumberPattern:
    pattern: NumberPattern = copy.copy(find_locale(locale).currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return pattern


def format_money(amount: Money, locale: str) -> str:
    """`€1,234.50`, `1.234,50 €`, `¥500`: with the currency's own digits."""
    pattern = _pattern(locale, exponent(amount.currency))
    text: str = pattern.apply(amount.main, find_locale(locale), currency=amount.currency.upper(), currency_digits=False)
    return text


def format_date(date: Date, locale: str) -> str:
    """`10 June 2026`."""
    from babel.dates import format_date as babel_date

    return babel_date(date.to_stdlib(), "long", locale=find_locale(locale))


def format_day(date: Date, locale: str) -> str:
    """The weekday: `Wednesday`."""
    from babel.dates import format_date as babel_date

    return babel_date(date.to_stdlib(), "EEEE", locale=find_locale(locale))


def format_time(instant: Instant, zone: str, locale: str) -> str:
    """The time of day in a zone: `14:00`, `2:00 PM`."""
    from babel.dates import format_time as babel_time

    there = instant.to_tz(zone)
    plain = dt.time(there.hour, there.minute)
    return babel_time(plain, "short", locale=find_locale(locale)).replace("\u202f", " ")
