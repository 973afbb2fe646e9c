"""The calendar's sentences and their ticks (rule-language.md, when; Exact meaning 13, 15)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant, PlainDateTime, Time

from selftimer.rulebook.calendar import Schedule, parse_calendar, tick_name
from selftimer.rulebook.sentence import SentenceError

BERLIN = "Europe/Berlin"


def schedule(text: str) -> Schedule:
    found = parse_calendar(text)
    assert found is not None
    return found


def ticks(text: str, start: str, count: int, zone: str = BERLIN) -> list[str]:
    """The next so many, as the wall says them."""
    at = PlainDateTime.parse_iso(start.replace(" ", "T")).assume_tz(zone).to_instant()
    found: list[str] = []
    for _ in range(count):
        tick = schedule(text).after(at, zone)
        if tick is None:
            break
        found.append(tick_name(tick, zone))
        at = tick
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every monday at 08:00", ["2026-03-09T08:00", "2026-03-16T08:00"]),
        ("every sunday at 23:59", ["2026-03-08T23:59", "2026-03-15T23:59"]),
        ("every day at 10:00", ["2026-03-02T10:00", "2026-03-03T10:00"]),
        ("every day at 09:00", ["2026-03-03T09:00", "2026-03-04T09:00"]),
        ("every weekday at 09:00", ["2026-03-03T09:00", "2026-03-04T09:00"]),
        ("every month at 10:00", ["2026-04-01T10:00", "2026-05-01T10:00"]),
        ("on 2026-04-01 at 10:00", ["2026-04-01T10:00"]),
        ("on 2026-03-01 at 10:00", []),
        ("cron 0 9 1 * *", ["2026-04-01T09:00", "2026-05-01T09:00"]),
        ("cron 30 */6 * * *", ["2026-03-02T12:30", "2026-03-02T18:30"]),
        ("cron 0 9 * * mon-fri", ["2026-03-03T09:00", "2026-03-04T09:00"]),
        ("cron 0 9 * * 0", ["2026-03-08T09:00", "2026-03-15T09:00"]),
        ("cron 0 9 * * 7", ["2026-03-08T09:00", "2026-03-15T09:00"]),
        ("cron 0 9 31 * *", ["2026-03-31T09:00", "2026-05-31T09:00"]),
        ("cron 0 9 29 feb *", ["2028-02-29T09:00", "2032-02-29T09:00"]),
        ("cron 0 9 13 * fri", ["2026-03-06T09:00", "2026-03-13T09:00"]),  # either is enough
        ("cron 0 9 */2 * fri", ["2026-03-13T09:00", "2026-03-27T09:00"]),  # a '*' limits nothing: both
        ("cron 0 9 1 jan,jul *", ["2026-07-01T09:00", "2027-01-01T09:00"]),
    ],
)
def test_ticks_come_as_the_sentence_says(text: str, expected: list[str]) -> None:
    assert ticks(text, "2026-03-02 09:00", 2) == expected


@pytest.mark.parametrize(
    ("text", "start", "zone", "expected"),
    [
        # 02:30 isn't there on 29 March: the next instant that is
        ("every day at 02:30", "2026-03-28 12:00", BERLIN, ["2026-03-29T03:00", "2026-03-30T02:30"]),
        # 02:30 comes twice on 25 October: the first, once
        ("every day at 02:30", "2026-10-24 12:00", BERLIN, ["2026-10-25T02:30", "2026-10-26T02:30"]),
        # several that fall on one instant are one
        ("cron 0,15,30 2,3 29 3 *", "2026-03-28 12:00", BERLIN, ["2026-03-29T03:00", "2026-03-29T03:15"]),
        ("every day at 02:30", "2026-03-07 12:00", "America/New_York", ["2026-03-08T03:00", "2026-03-09T02:30"]),
        # midnight itself is left out in Beirut
        ("every day at 00:00", "2026-03-28 12:00", "Asia/Beirut", ["2026-03-29T01:00", "2026-03-30T00:00"]),
        # 30 December 2011 wasn't in Samoa
        ("every day at 09:00", "2011-12-29 12:00", "Pacific/Apia", ["2011-12-31T00:00", "2011-12-31T09:00"]),
    ],
)
def test_both_changes_of_the_clocks(text: str, start: str, zone: str, expected: list[str]) -> None:
    assert ticks(text, start, 2, zone) == expected


SENTENCES = st.sampled_from(
    [
        "every monday at 08:00",
        "every day at 02:30",
        "every weekday at 00:00",
        "every month at 23:59",
        "on 2026-10-25 at 02:30",
        "cron */15 * * * *",
        "cron 0,30 1-4 * 3,10 sun",
        "cron 0 9 13 * fri",
        "cron 59 23 28-31 * *",
    ]
)
ZONES = st.sampled_from([BERLIN, "America/New_York", "Pacific/Apia", "Asia/Beirut", "Australia/Lord_Howe", "UTC"])
INSTANTS = st.integers(1_735_689_600, 1_830_297_600).map(Instant.from_timestamp)


@given(SENTENCES, ZONES, INSTANTS)
def test_after_and_last_are_two_sides_of_one_instant(text: str, zone: str, at: Instant) -> None:
    known = schedule(text)
    following, last = known.after(at, zone), known.last(at, zone)
    assert following is None or following > at
    assert last is None or last <= at
    if following is not None:
        before = following.subtract(nanoseconds=1)
        assert known.after(before, zone) == following
        assert known.last(following, zone) == following
        assert known.last(before, zone) == last
    if last is not None:
        assert known.after(last, zone) == following


@given(SENTENCES, ZONES, INSTANTS)
def test_every_tick_has_a_name_of_its_own(text: str, zone: str, at: Instant) -> None:
    names: list[str] = []
    tick = schedule(text).after(at, zone)
    while tick is not None and len(names) < 12:
        names.append(tick_name(tick, zone))
        tick = schedule(text).after(tick, zone)
    assert len(set(names)) == len(names)


def test_the_time_of_day_is_known_where_there_is_one() -> None:
    assert schedule("every monday at 08:00").time == Time(8, 0)
    assert schedule("cron 0 8,9 * * *").time is None


@pytest.mark.parametrize("text", ["lead.created", "on invoice.due_date at 10:00", "2 days before x.y", "manual", ""])
def test_other_sentences_are_left_to_others(text: str) -> None:
    assert parse_calendar(text) is None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("every mondays", "'every mondays' is not understood", "did you mean 'every monday'?"),
        ("every Monday at 08:00", "'every Monday' is not understood", "did you mean 'every monday'?"),
        ("every mon at 08:00", "'every mon' is not understood", "did you mean 'every monday'?"),
        ("every workday at 08:00", "'every workday' is not understood", "did you mean 'every weekday'?"),
        ("every monday", "'every monday': at what time?", "add a time: 'every monday at 08:00'"),
        ("every monday 8:00", "'every monday 8:00' lacks its 'at'", "did you mean 'every monday at 08:00'?"),
        ("every day at 8", "'8' is not a time of day", "did you mean 'every day at 08:00'?"),
        ("every day at 8:00", "'8:00' is not a time of day", "did you mean 'every day at 08:00'?"),
        ("every day at 8pm", "'8pm' is not a time of day", "did you mean 'every day at 20:00'?"),
        ("every day at noon", "'noon' is not a time of day", "write it with two digits, like 09:00"),
        ("daily at 8", "'daily' is no beginning", "did you mean 'every day at 08:00'?"),
        ("mondays at 9:30", "'mondays' is no beginning", "did you mean 'every monday at 09:30'?"),
        (
            "every 2 days at 08:00",
            "'every 2 days' is no day of the calendar",
            "write the days and times: 'cron 0 8-18 * * *' is every hour",
        ),
        ("on 2026-4-1 at 10:00", "'2026-4-1' is not a date", "did you mean 'on 2026-04-01 at 10:00'?"),
        ("on 2026-02-30 at 10:00", "there is no day 2026-02-30", "write it like 'on 2026-04-01 at 10:00'"),
        ("on 1 April at 10:00", "'1 April' is not a date", "write it like 'on 2026-04-01 at 10:00'"),
        ("on 2026-04-01", "'on 2026-04-01': at what time?", "add a time: 'on 2026-04-01 at 10:00'"),
    ],
)
def test_what_a_photographer_would_misspell_is_put_right(text: str, message: str, hint: str) -> None:
    with pytest.raises(SentenceError) as caught:
        parse_calendar(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cron 0 9 1 *", "cron has five fields, and these are 4"),
        ("cron 0 0 9 1 * *", "cron has five fields, and these are 6"),
        ("cron 60 9 1 * *", "'60' is no minute of cron: 0 to 59, '*', '1,15', '1-5' or '*/2'"),
        ("cron 0 9 1 foo *", "'foo' is no month of cron: 1 to 12, '*', '1,15', '1-5' or '*/2'"),
        ("cron 0 9 L * *", "'l' is no day of cron: 1 to 31, '*', '1,15', '1-5' or '*/2'"),
        ("cron 0 9 5-1 * *", "'5-1' is no day of cron: 1 to 31, '*', '1,15', '1-5' or '*/2'"),
        ("cron 0 9 */0 * *", "'*/0' is no day of cron: 1 to 31, '*', '1,15', '1-5' or '*/2'"),
        ("cron 0 9 30 2 *", "'cron 0 9 30 2 *' never comes: no such month has that day"),
    ],
)
def test_a_cron_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(SentenceError) as caught:
        parse_calendar(text)
    assert caught.value.message == message
    assert "cron 0 9 1 * *" in caught.value.hint
