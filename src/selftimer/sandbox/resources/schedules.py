"""Opening hours (studio-api.md, Session types, availability, sessions).

The calls are documented, their shapes inferred.
A schedule has an interval (`sa_…`) for each weekday, and one for each date that is different. One call changes them:
`intervals` are the hours of the interval in the path; `overrides`, where they are named, are all dates that are
different, so that a date that is left out follows its weekday again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from typing_extensions import TypedDict
from whenever import Date

from selftimer.primitives.ids import ScheduleId, ScheduleIntervalId
from selftimer.sandbox import views_sessions as views
from selftimer.sandbox.book import offers
from selftimer.sandbox.http import Answer, Call, Fields, body_of, checked_id, found, page_of, shape1
from selftimer.sandbox.resources.reading import PAGE, PER_PAGE, inner_faults, objects
from selftimer.sandbox.routing import Route, TotalMeta
from selftimer.sandbox.view_types import Day

if TYPE_CHECKING:
    from selftimer.sandbox.model import OpenDay, Schedule

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z|(24):(00)\Z", re.ASCII)
_MOST_SPANS = 12
_MOST_DATES = 366


class HoursBody(TypedDict):
    """A span of a day; it ends after it begins, 24:00 at the latest."""

    start_time: views.Clock
    end_time: views.Clock


class OverrideBody(TypedDict):
    """The hours of one date; none: closed."""

    date: Day
    intervals: Annotated[list[HoursBody], Field(max_length=_MOST_SPANS)]


class IntervalBody(TypedDict, total=False):
    """What is to be different; one of both at least."""

    intervals: Annotated[list[HoursBody], Field(max_length=_MOST_SPANS)]
    overrides: Annotated[list[OverrideBody], Field(max_length=_MOST_DATES)]


def listing(call: Call) -> Answer:
    """All schedules, newest first; `meta` gives the total alone."""
    rows = call.world.tables.schedules.newest()
    return Answer({"data": [views.schedule(row) for row in rows], "meta": {"total": len(rows)}})


def coming_overrides(call: Call) -> Answer:
    """The dates that are different, from today on in the schedule's zone, the next one first."""
    row = _schedule(call)
    today = str(call.world.now.to_tz(row.zone).date())
    days = [day for date, day in sorted(row.overrides.items()) if date >= today]
    return Answer({"data": [views.interval(day) for day in days], "meta": {"total": len(days)}})


def all_overrides(call: Call) -> Answer:
    """All dates that are different, those gone by too, in pages; the latest date first."""
    row = _schedule(call)
    page = page_of(call, [day for _, day in sorted(row.overrides.items(), reverse=True)])
    return Answer({"data": [views.interval(day) for day in page.rows], "meta": page.meta()})


def update_interval(call: Call) -> Answer:
    """Other hours, from now on; what is booked already stays booked."""
    row = _schedule(call)
    day = _day(call, row)
    body = body_of(call)
    fields = Fields(body)
    if "intervals" not in body and "overrides" not in body:
        fields.fault("intervals", "The intervals or the overrides field is required.")
    hours = _hours(fields) if "intervals" in body else day.hours
    different = _overrides(fields) if "overrides" in body else None
    fields.check()
    offers.set_hours(call.world, row, day, hours)
    if different is not None:
        offers.set_overrides(call.world, row, different)
    call.world.tell("bot_schedule", "", f"The bot changes the opening hours: {row.name}")
    call.wrote("schedule_update", day.id, content=body)
    return Answer({"data": views.interval(day)})


def _schedule(call: Call) -> Schedule:
    return found(call.world.tables.schedules, ScheduleId, call.params["id"], "resource_not_found")


def _day(call: Call, row: Schedule) -> OpenDay:
    interval_id = checked_id(ScheduleIntervalId, call.params["interval"])
    for day in (*row.week, *row.overrides.values()):
        if day.id == interval_id:
            return day
    raise shape1(404, "resource_not_found", "The schedule has no such interval.", {"id": interval_id})


def _hours(fields: Fields) -> offers.Hours:
    spans = []
    for place, entry in enumerate(objects(fields, "intervals", most=_MOST_SPANS)):
        inner = Fields(entry)
        start, end = _minute(inner, "start_time"), _minute(inner, "end_time")
        if not inner.wrong and start >= end:
            inner.fault("end_time", "The end_time field must be later than start_time.")
        inner_faults(fields, "intervals", place, inner)
        spans.append((start, end))
    return offers.merged(spans)


def _minute(fields: Fields, name: str) -> int:
    match = _CLOCK.match(fields.text(name, required=True))
    if match is None:
        fields.fault(name, f"The {name} field must be a time like 09:00.")
        return 0
    hour, minute = [part for part in match.groups() if part]
    return 60 * int(hour) + int(minute)


def _overrides(fields: Fields) -> dict[Date, offers.Hours]:
    different: dict[Date, offers.Hours] = {}
    for place, entry in enumerate(objects(fields, "overrides", most=_MOST_DATES)):
        inner = Fields(entry)
        date = _date(inner)
        if "intervals" not in entry:
            inner.fault("intervals", "The intervals field is required; an empty list means closed.")
        hours = _hours(inner)
        if date is not None and date in different:
            inner.fault("date", "Each date can be named once.")
        if date is not None:
            different[date] = hours
        inner_faults(fields, "overrides", place, inner)
    return different


def _date(fields: Fields) -> Date | None:
    text = fields.text("date", required=True)
    try:
        if len(text) == 10:
            return Date.parse_iso(text)
    except ValueError:
        pass
    fields.fault("date", "The date field must be a date like 2026-03-31.")
    return None


_ONE = "/session_type_schedules/{id}"
ROUTES = (
    Route("GET", "/session_type_schedules/", listing, data=list[views.Schedule], meta=TotalMeta),
    Route(
        "GET",
        f"{_ONE}/interval_overrides/",
        coming_overrides,
        data=list[views.Interval],
        meta=TotalMeta,
        errors=(400, 404),
    ),
    Route(
        "GET",
        f"{_ONE}/interval_overrides_list/",
        all_overrides,
        query=(PAGE, PER_PAGE),
        data=list[views.Interval],
        errors=(400, 404),
    ),
    Route(
        "PUT",
        f"{_ONE}/session_type_schedule_intervals/{{interval}}",
        update_interval,
        body=IntervalBody,
        data=views.Interval,
        errors=(400, 404, 422),
    ),
)
