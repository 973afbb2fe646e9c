"""Nights and lateness (rule-language.md 15 and 17)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.plan.studio import berlin
from whenever import Instant, Time

from selftimer.plan.policy import Policy, QuietHours
from selftimer.plan.timing import in_quiet_hours, late_until, next_free
from selftimer.primitives.time import Span

NIGHT = QuietHours(Time(21), Time(8))
ZONE = "Europe/Berlin"


@pytest.mark.parametrize(
    ("time", "quiet"),
    [("20:59", False), ("21:00", True), ("23:59", True), ("00:00", True), ("07:59", True), ("08:00", False)],
)
def test_the_night_begins_on_its_minute_and_ends_on_its_minute(time: str, quiet: bool) -> None:
    assert in_quiet_hours(berlin(f"2026-03-03 {time}"), NIGHT, ZONE) is quiet


def test_quiet_hours_can_lie_within_a_day_or_not_be_at_all() -> None:
    lunch = QuietHours(Time(12), Time(13))
    assert in_quiet_hours(berlin("2026-03-03 12:30"), lunch, ZONE)
    assert not in_quiet_hours(berlin("2026-03-03 13:00"), lunch, ZONE)
    assert not in_quiet_hours(berlin("2026-03-03 03:00"), None, ZONE)
    assert not in_quiet_hours(berlin("2026-03-03 08:00"), QuietHours(Time(8), Time(8)), ZONE)


@pytest.mark.parametrize(
    ("at", "free"),
    [
        ("2026-03-03 20:59", "2026-03-03 20:59"),
        ("2026-03-03 21:00", "2026-03-04 08:00"),
        ("2026-03-04 07:59", "2026-03-04 08:00"),
        ("2026-03-28 22:00", "2026-03-29 08:00"),  # an hour shorter
        ("2026-10-24 22:00", "2026-10-25 08:00"),  # an hour longer
    ],
)
def test_what_falls_into_the_night_waits_for_the_morning(at: str, free: str) -> None:
    assert next_free(berlin(at), NIGHT, ZONE) == berlin(free)


def test_a_night_that_ends_where_the_clocks_go_back_ends_there_and_not_a_day_later() -> None:
    night = QuietHours(Time(23), Time(2, 30))
    second_quarter = Instant.parse_iso("2026-10-25T02:15:00+01:00")  # 02:30 has been once and comes again
    assert next_free(second_quarter, night, ZONE) == Instant.parse_iso("2026-10-25T02:30:00+01:00")


times = st.builds(Time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
instants = st.integers(0, 2 * 365 * 96).map(lambda n: Instant.from_utc(2026, 1, 1).add(minutes=15 * n))


@given(instants, times, times, st.sampled_from([ZONE, "America/New_York", "Australia/Lord_Howe", "UTC"]))
def test_the_next_free_moment_is_free_and_no_more_than_a_night_away(
    at: Instant, start: Time, end: Time, zone: str
) -> None:
    quiet = QuietHours(start, end)
    free = next_free(at, quiet, zone)
    assert free >= at
    assert not in_quiet_hours(free, quiet, zone)
    assert (free - at).total("hours") <= 25
    if free > at:
        between = at.add(seconds=(free - at).total("seconds") / 2)
        assert in_quiet_hours(at, quiet, zone)
        assert between < free


def test_late_is_counted_on_the_studios_calendar() -> None:
    policy = Policy(zone=ZONE)
    at = berlin("2026-03-28 10:00")
    assert late_until(at, None, policy) == at.add(hours=24)
    assert late_until(at, Span(1, "days"), policy) == berlin("2026-03-29 10:00")
    assert late_until(at, Span(90, "minutes"), policy) == at.add(minutes=90)
