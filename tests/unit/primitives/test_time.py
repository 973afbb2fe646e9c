"""Spans and local time, over changes of the clocks and the ends of months."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Date, Instant, Time, ZonedDateTime

from selftimer.primitives.time import (
    Span,
    TimeError,
    check_zone,
    from_micros,
    local,
    move,
    move_date,
    parse_time,
    start_of_day,
    to_micros,
)

BERLIN = "Europe/Berlin"
instants = st.integers(0, 4 * 10**15).map(from_micros)
dates = st.integers(0, 40_000).map(lambda n: Date(2000, 1, 1).add(days=n))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2 days", Span(2, "days")),
        ("1 day", Span(1, "days")),
        ("30 minutes", Span(30, "minutes")),
        ("3 business days", Span(3, "business days")),
        ("11 months", Span(11, "months")),
        ("1 year", Span(1, "years")),
    ],
)
def test_a_span_is_read_as_people_write_it(text: str, span: Span) -> None:
    assert Span.parse(text) == span
    assert Span.parse(str(span)) == span


@pytest.mark.parametrize("text", ["2d", "two days", "-1 day", "2  days", "days", "", "99999 days", "1.5 hours"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(TimeError, match="write it like '30 minutes'"):
        Span.parse(text)


@pytest.mark.parametrize("text", ["9:00", "24:00", "09:60", "0900", "09:00:00", ""])
def test_times_have_two_digits(text: str) -> None:
    with pytest.raises(TimeError, match="two digits"):
        parse_time(text)


def test_an_unknown_zone_is_refused() -> None:
    assert check_zone(BERLIN) == BERLIN
    for name in ("Europe/Berln", "", "../etc/passwd"):
        with pytest.raises(TimeError, match="time zone"):
            check_zone(name)


def test_a_time_in_the_gap_is_the_next_valid_instant() -> None:
    assert local(Date(2026, 3, 29), Time(2, 30), BERLIN) == ZonedDateTime("2026-03-29T03:00+02:00[Europe/Berlin]")


def test_a_time_in_the_fold_is_the_first() -> None:
    assert local(Date(2026, 10, 25), Time(2, 30), BERLIN) == ZonedDateTime("2026-10-25T02:30+02:00[Europe/Berlin]")


def test_a_midnight_that_does_not_exist_is_the_days_first_instant() -> None:
    assert start_of_day(Date(2026, 9, 6), "America/Santiago") == Instant.from_utc(2026, 9, 6, 4)


def test_a_day_keeps_the_local_time_and_24_hours_do_not() -> None:
    before = local(Date(2026, 3, 28), Time(9), BERLIN).to_instant()

    assert move(before, Span(1, "days"), 1, BERLIN) == Instant.from_utc(2026, 3, 29, 7)
    assert move(before, Span(24, "hours"), 1, BERLIN) == Instant.from_utc(2026, 3, 29, 8)


def test_month_ends_are_clipped_and_leap_days_too() -> None:
    assert move_date(Date(2026, 3, 31), Span(1, "months"), -1) == Date(2026, 2, 28)
    assert move_date(Date(2028, 2, 29), Span(1, "years"), 1) == Date(2029, 2, 28)


def test_business_days_leave_out_weekends_and_what_they_are_told() -> None:
    friday = Date(2026, 3, 6)

    assert move_date(friday, Span(1, "business days"), 1) == Date(2026, 3, 9)
    assert move_date(friday, Span(1, "business days"), 1, lambda d: d != Date(2026, 3, 9)) == Date(2026, 3, 7)
    assert move_date(Date(2026, 3, 9), Span(1, "business days"), -1) == friday


def test_a_date_cannot_be_moved_by_hours() -> None:
    with pytest.raises(TimeError):
        move_date(Date(2026, 1, 1), Span(1, "hours"), 1)


@given(instants)
def test_microseconds_and_back_is_the_same_instant(instant: Instant) -> None:
    assert from_micros(to_micros(instant)) == instant


@given(instants, st.integers(1, 500), st.sampled_from([BERLIN, "America/New_York", "Africa/Cairo", "Asia/Tokyo"]))
def test_days_at_a_time_land_on_that_time_or_in_the_gap_behind_it(instant: Instant, days: int, zone: str) -> None:
    moved = move(instant, Span(days, "days"), 1, zone, at=Time(9)).to_tz(zone)

    assert moved.time() == Time(9)
    assert moved.date() == instant.to_tz(zone).date().add(days=days)


@given(dates, st.integers(0, 1439), st.sampled_from([BERLIN, "America/Santiago", "Australia/Lord_Howe"]))
def test_every_wall_clock_time_is_an_instant_at_most_an_hour_behind_itself(date: Date, minute: int, zone: str) -> None:
    wanted = date.at(Time(minute // 60, minute % 60))

    got = local(date, wanted.time(), zone).to_plain()

    assert wanted <= got
    assert got.date() == date
    assert (got.time().hour * 60 + got.time().minute) - minute <= 60
