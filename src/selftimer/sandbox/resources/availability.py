"""What is free (studio-api.md, Session types, availability, sessions).

The calls are documented, their answers inferred.
The shape chosen is a simple one: a day is `{date, timezone, slots: [{start_at, end_at, time}]}`, a month
`{month, timezone, days: [{date, available, slot_count}]}`. Both are answered in the zone that was asked in.
"""

from __future__ import annotations

import re

from whenever import Date

from selftimer.primitives.time import TimeError, check_zone
from selftimer.sandbox import views_sessions as views
from selftimer.sandbox.book.availability import Calendar
from selftimer.sandbox.http import Answer, Call, Refused, shape1
from selftimer.sandbox.resources.session_types import type_of
from selftimer.sandbox.routing import Route

_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)\Z", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{1,2})-([^0-9].*)\Z", re.ASCII)
_YEARS = range(1970, 2200)


def day(call: Call) -> Answer:
    """The times of a day that can be booked, in order; none of a type that isn't published."""
    kind = type_of(call)
    text = call.params["day"]
    match = _DAY.match(text)
    if match is None:
        raise _malformed("Y-M-D-Area/City", text)
    date, zone = _date(text, "Y-M-D-Area/City", match[1], match[2], match[3]), _zone(match[4])
    return Answer({"data": views.day(date, zone, Calendar(call.world, kind).day(date, zone))})


def month(call: Call) -> Answer:
    """Every day of a month, and how many times can be booked on it."""
    kind = type_of(call)
    text = call.params["month"]
    match = _MONTH.match(text)
    if match is None:
        raise _malformed("Y-M-Area/City", text)
    first, zone = _date(text, "Y-M-Area/City", match[1], match[2], "1"), _zone(match[3])
    calendar = Calendar(call.world, kind)
    dates = [date for date in (first.add(days=number) for number in range(31)) if date.month == first.month]
    counts = [(date, len(calendar.day(date, zone))) for date in dates]
    return Answer({"data": views.month(str(first)[:7], zone, counts)})


def _date(text: str, form: str, year: str, month_number: str, day_number: str) -> Date:
    if int(year) not in _YEARS:
        raise _malformed(form, text)
    try:
        return Date(int(year), int(month_number), int(day_number))
    except ValueError:
        raise _malformed(form, text) from None


def _zone(name: str) -> str:
    try:
        return check_zone(name)
    except TimeError:
        details = {"expected_format": "Area/City", "received": name[:80]}
        raise shape1(400, "validation_error", "There is no such time zone.", details) from None


def _malformed(form: str, text: str) -> Refused:
    example = "2025-8-7-Europe/London" if "D" in form else "2025-8-Europe/London"
    details = {"expected_format": form, "received": text[:80]}
    return shape1(400, "validation_error", f"Write it like {example}.", details)


ROUTES = (
    Route("GET", "/session_types/{id}/check-day-avail/{day:path}", day, data=views.DayAvailability, errors=(400, 404)),
    Route(
        "GET",
        "/session_types/{id}/check-month-avail/{month:path}",
        month,
        data=views.MonthAvailability,
        errors=(400, 404),
    ),
)
