"""The calendar's sentences, and when they come round (rule-language.md, when; Exact meaning 13 and 15).

`every monday at 08:00`, `cron 0 9 1 * *`, `on 2026-04-01 at 10:00`. A tick is a local time of the studio. One that a
change of the clocks leaves out is the next instant that exists, of one that comes twice the first is meant; several
that fall on the same instant are one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from whenever import Date, Time

from selftimer.primitives.time import TimeError, local, parse_time
from selftimer.rulebook.sentence import SentenceError, similar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whenever import Instant

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EVERY = ("day", "weekday", *_WEEKDAYS, "month")
_FAR = 9 * 366
"""Days to look ahead or back: 29 February is at most eight years away."""
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_HOW_EVERY = "write 'every monday at 08:00', 'every day at …', 'every weekday at …' or 'every month at …'"
_HOW_CRON = "write minute, hour, day, month and weekday, like 'cron 0 9 1 * *' for 09:00 on the first of each month"
_HOW_ON = "write it like 'on 2026-04-01 at 10:00'"
_ADVERBS = {"daily": "every day", "weekly": "every monday", "monthly": "every month"}
_SPAN = re.compile(r"\d+ [a-z]+\Z|other\b|second\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The days and times of day on which a rule begins; `only` is the one day of a date.

    `weekdays` count from Monday (1) to Sunday (7). Where days and weekdays are both limited, either is enough, as in
    every cron; else both have to fit.
    """

    times: tuple[Time, ...]
    only: Date | None = None
    days: frozenset[int] = frozenset(range(1, 32))
    months: frozenset[int] = frozenset(range(1, 13))
    weekdays: frozenset[int] = frozenset(range(1, 8))
    either: bool = False

    def after(self, instant: Instant, zone: str) -> Instant | None:
        """The first tick after it; None where there is none any more."""
        for date in self._dates(instant.to_tz(zone).date(), 1):
            for time in self.times:
                tick = local(date, time, zone).to_instant()
                if tick > instant:
                    return tick
        return None

    def last(self, instant: Instant, zone: str) -> Instant | None:
        """The latest tick that isn't after it; None where there was none."""
        for date in self._dates(instant.to_tz(zone).date(), -1):
            for time in reversed(self.times):
                tick = local(date, time, zone).to_instant()
                if tick <= instant:
                    return tick
        return None

    @property
    def time(self) -> Time | None:
        """The time of day, where there is only one."""
        return self.times[0] if len(self.times) == 1 else None

    def _dates(self, start: Date, step: int) -> Iterator[Date]:
        if self.only is not None:
            if (self.only >= start) if step > 0 else (self.only <= start):
                yield self.only
            return
        date = start
        for _ in range(_FAR):
            if self._falls_on(date):
                yield date
            date = date.add(days=step)

    def _falls_on(self, date: Date) -> bool:
        if date.month not in self.months:
            return False
        day, weekday = date.day in self.days, date.day_of_week().value in self.weekdays
        return day or weekday if self.either else day and weekday

    def comes(self) -> bool:
        """Whether there is such a day at all (there is no 30 February)."""
        longest = max(_LONGEST[month - 1] for month in self.months)
        return self.only is not None or self.either or min(self.days) <= longest


def tick_name(tick: Instant, zone: str) -> str:
    """What tells a tick from others: its local time, `2026-03-02T08:00`."""
    return tick.to_tz(zone).to_plain().format_iso()[:16]


def parse_calendar(text: str) -> Schedule | None:
    """The schedule that a sentence says; None for one that isn't about the calendar, `SentenceError` for a slip."""
    first, _, rest = text.partition(" ")
    if first == "every":
        return _every(rest)
    if first == "cron":
        return _cron(rest)
    if first == "on" and rest[:1].isdigit():
        return _on(rest)
    _adverb(first, rest)
    return None


def _adverb(first: str, rest: str) -> None:
    """Words that people use for the calendar, with ours."""
    day = _ADVERBS.get(first) or (f"every {first[:-1]}" if first[:-1] in _WEEKDAYS else None)
    day = f"every {first}" if first in _WEEKDAYS else day
    if day is not None:
        at = rest.removeprefix("at ").strip()
        raise SentenceError(f"{first!r} is no beginning", f"did you mean '{day} at {_two_digits(at) or '08:00'}'?")


# --- every monday at 08:00 -------------------------------------------------------------------------------------------


def _every(rest: str) -> Schedule:
    day, at, time = rest.partition(" at ")
    if _SPAN.match(day):
        raise SentenceError(
            f"'every {day}' is no day of the calendar", "write the days and times: 'cron 0 8-18 * * *' is every hour"
        )
    head = day.split(" ")[0]
    if day not in _EVERY:
        extra = day[len(head) :].strip()
        if head in _EVERY and extra[:1].isdigit():
            raise SentenceError(f"'every {rest}' lacks its 'at'", f"did you mean 'every {head} at {_said(extra)}'?")
        if head in _EVERY or not head:
            raise SentenceError(f"'every {rest}' is not understood".replace("every '", "every'"), _HOW_EVERY)
        near = _nearest(day)
        raise SentenceError(f"'every {day}' is not understood", f"did you mean 'every {near}'?" if near else _HOW_EVERY)
    if not at:
        raise SentenceError(f"'every {day}': at what time?", f"add a time: 'every {day} at 08:00'")
    times = (_time(time, f"every {day}"),)
    if day == "month":
        return Schedule(times=times, days=frozenset({1}))
    if day == "weekday":
        return Schedule(times=times, weekdays=frozenset(range(1, 6)))
    if day == "day":
        return Schedule(times=times)
    return Schedule(times=times, weekdays=frozenset({_WEEKDAYS.index(day) + 1}))


def _nearest(day: str) -> str | None:
    """The day that was meant: `mondays`, `Monday`, `mon`, `workday`."""
    word = day.lower().rstrip(".")
    for known in _EVERY:
        if word in {known, f"{known}s", known[:3], known[:4]}:
            return known
    if word in {"workday", "working day", "business day"}:
        return "weekday"
    hint = similar(word, _EVERY)
    return hint.split("'")[1] if hint else None


def _time(text: str, said: str) -> Time:
    try:
        return parse_time(text)
    except TimeError:
        better = _two_digits(text)
        raise SentenceError(
            f"{text!r} is not a time of day",
            f"did you mean '{said} at {better}'?" if better else "write it with two digits, like 09:00",
        ) from None


def _said(text: str) -> str:
    return _two_digits(text) or "08:00"


def _two_digits(text: str) -> str | None:
    """`8`, `8:00`, `8am`, `8.30 pm` as we write it; None where that isn't clear."""
    match = re.fullmatch(r"(\d{1,2})(?:[:.h](\d{2}))? ?(am|pm|h|uhr|o'clock)?", text.strip().lower())
    if match is None:
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if half in {"am", "pm"}:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None


# --- on 2026-04-01 at 10:00 ------------------------------------------------------------------------------------------


def _on(rest: str) -> Schedule:
    day, at, time = rest.partition(" at ")
    match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", day)
    if match is None:
        raise SentenceError(f"{day!r} is not a date", _HOW_ON)
    try:
        date = Date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise SentenceError(f"there is no day {day}", _HOW_ON) from None
    if date.format_iso() != day:
        raise SentenceError(f"{day!r} is not a date", f"did you mean 'on {date} at 10:00'?")
    if not at:
        raise SentenceError(f"'on {day}': at what time?", f"add a time: 'on {day} at 10:00'")
    return Schedule(times=(_time(time, f"on {day}"),), only=date)


# --- cron 0 9 1 * * --------------------------------------------------------------------------------------------------

_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_PART = re.compile(r"(?:(?P<all>\*)|(?P<first>[a-z0-9]+)(?:-(?P<last>[a-z0-9]+))?)(?:/(?P<step>\d{1,2}))?\Z")


def _cron(rest: str) -> Schedule:
    fields = rest.split()
    if len(fields) != len(_FIELDS):
        raise SentenceError(f"cron has five fields, and these are {len(fields)}", _HOW_CRON)
    minutes, hours, days, months, weekdays = (
        _field(text.lower(), *known) for text, known in zip(fields, _FIELDS, strict=True)
    )
    schedule = Schedule(
        times=tuple(Time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset(day or 7 for day in weekdays),
        either=not fields[2].startswith("*") and not fields[4].startswith("*"),
    )
    if not schedule.comes():
        raise SentenceError(f"'cron {rest}' never comes: no such month has that day", _HOW_CRON)
    return schedule


def _field(text: str, name: str, low: int, high: int, words: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.match(part)
        if match is None:
            _refuse_field(part, name, low, high)
        first, last = low, high
        if match["all"] is None:
            first = _number(match["first"], name, low, high, words)
            last = first if match["step"] is None else high
            if match["last"] is not None:
                last = _number(match["last"], name, low, high, words)
        step = int(match["step"] or 1)
        if step == 0 or first > last:
            _refuse_field(part, name, low, high)
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, name: str, low: int, high: int, words: tuple[str, ...]) -> int:
    if text in words:
        return words.index(text) + (1 if name == "month" else 0)
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        _refuse_field(text, name, low, high)
    return int(text)


def _refuse_field(part: str, name: str, low: int, high: int) -> NoReturn:
    raise SentenceError(f"{part!r} is no {name} of cron: {low} to {high}, '*', '1,15', '1-5' or '*/2'", _HOW_CRON)
