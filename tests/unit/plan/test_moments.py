"""Moments of records and the windows they open (rule-language.md, Exact meaning 8 to 11 and 15)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.facts.small_world import NORD, SmallWorld, at, client, invoice, session
from tests.unit.plan.studio import berlin, rule_of
from whenever import Date, Instant, Time

from selftimer.facts.derive import session_zone
from selftimer.facts.records import Kind
from selftimer.plan.moments import (
    CLOCK_EVENTS,
    Moment,
    became_of,
    clock_trigger,
    entry_becomes,
    entry_moments,
    entry_of_timer,
    moment_of,
    of_moment,
    of_tick,
    timer_for,
)
from selftimer.plan.policy import Policy
from selftimer.plan.state import Timer, TimerState
from selftimer.primitives.time import Span, weekday_only
from selftimer.rulebook.model import EventTrigger, ManualTrigger, MomentTrigger

if TYPE_CHECKING:
    from selftimer.facts.records import Record

POLICY = Policy(zone="Europe/Berlin")


def trigger_of(when: str) -> MomentTrigger:
    (trigger,) = rule_of(f"when: {when}\nthen:\n  - notify: note").entries[0].triggers
    found = clock_trigger(trigger)
    assert isinstance(found, MomentTrigger)
    return found


def of(when: str, record: Record, late: Span | None = None, studio_zone: str = "Europe/Berlin") -> Moment | None:
    world = SmallWorld(studio=replace(NORD, zone=studio_zone))
    return moment_of(
        trigger_of(when),
        record,
        late=late,
        policy=Policy(zone=studio_zone),
        zone_of=lambda s: session_zone(s, world),
        is_working=weekday_only,
    )


def due(when: str, record: Record, late: Span | None = None) -> Instant:
    found = of(when, record, late)
    assert found is not None
    return found.due_at


WEDDING = session(start_at=berlin("2026-06-10 14:00"), end_at=berlin("2026-06-10 16:00"))
BILL = invoice(due_date=Date(2026, 6, 10))


@pytest.mark.parametrize(
    ("when", "record", "expected"),
    [
        ("2 days before session.start_at at 09:00", WEDDING, "2026-06-08 09:00"),
        ("2 days before session.start_at", WEDDING, "2026-06-08 14:00"),
        ("6 hours after session.end_at", WEDDING, "2026-06-10 22:00"),
        ("30 minutes before session.start_at", WEDDING, "2026-06-10 13:30"),
        ("on session.start_at at 08:00", WEDDING, "2026-06-10 08:00"),
        ("on session.start_at", WEDDING, "2026-06-10 14:00"),
        ("7 days before invoice.due_date at 10:00", BILL, "2026-06-03 10:00"),
        ("on invoice.due_date at 10:00", BILL, "2026-06-10 10:00"),
        ("3 days after invoice.due_date at 10:00", BILL, "2026-06-13 10:00"),
        ("3 business days after invoice.due_date at 10:00", BILL, "2026-06-15 10:00"),
        ("3 business days before invoice.due_date at 10:00", BILL, "2026-06-05 10:00"),
        ("1 month before invoice.due_date at 10:00", invoice(due_date=Date(2026, 3, 31)), "2026-02-28 10:00"),
        ("1 month after invoice.due_date at 10:00", invoice(due_date=Date(2026, 1, 31)), "2026-02-28 10:00"),
        ("1 year after invoice.due_date at 10:00", invoice(due_date=Date(2024, 2, 29)), "2025-02-28 10:00"),
        ("1 year before invoice.due_date at 10:00", invoice(due_date=Date(2029, 2, 28)), "2028-02-28 10:00"),
        ("11 months after session.start_at at 10:00", WEDDING, "2027-05-10 10:00"),
        ("2 weeks after session.start_at at 10:00", WEDDING, "2026-06-24 10:00"),
    ],
)
def test_a_moment_lies_where_its_sentence_says(when: str, record: Record, expected: str) -> None:
    assert due(when, record) == berlin(expected)


def test_days_before_a_session_are_days_on_the_wall_over_the_change_of_the_clocks() -> None:
    spring = session(start_at=berlin("2026-03-29 14:00"))
    assert due("1 day before session.start_at", spring) == berlin("2026-03-28 14:00")
    assert due("24 hours before session.start_at", spring) == berlin("2026-03-28 13:00")
    assert due("on session.start_at at 02:30", spring) == Instant.parse_iso("2026-03-29T03:00:00+02:00")
    autumn = session(start_at=berlin("2026-10-25 14:00"))
    assert due("on session.start_at at 02:30", autumn) == Instant.parse_iso("2026-10-25T02:30:00+02:00")


def test_a_session_elsewhere_has_its_days_there() -> None:
    abroad = session(start_at=at("2026-06-11T02:00Z"), timezone="America/New_York")  # the 10th, 22:00 there
    found = of("1 day before session.start_at at 09:00", abroad)
    assert found is not None
    assert found.due_at == berlin("2026-06-09 09:00", "America/New_York")
    assert found.occurrence == "2026-06-10"


def test_a_due_date_is_a_day_of_the_studio() -> None:
    found = of("on invoice.due_date at 10:00", BILL, studio_zone="Pacific/Auckland")
    assert found is not None
    assert found.due_at == berlin("2026-06-10 10:00", "Pacific/Auckland")


def test_without_a_date_there_is_no_moment() -> None:
    assert of("1 day before session.start_at at 09:00", session(start_at=None)) is None
    assert of("on invoice.due_date at 10:00", invoice(due_date=None)) is None


def test_the_window_is_as_long_as_late_and_a_before_window_closes_with_its_date() -> None:
    week = of("7 days before session.start_at at 09:00", WEDDING, Span(4, "days"))
    assert week is not None
    assert week.closes_at == berlin("2026-06-07 09:00")
    too_long = of("2 days before session.start_at at 09:00", WEDDING, Span(28, "days"))
    assert too_long is not None
    assert too_long.closes_at == WEDDING.start_at
    day = of("2 days before invoice.due_date at 09:00", BILL, Span(28, "days"))
    assert day is not None
    assert day.closes_at == berlin("2026-06-11 00:00")
    after = of("2 days after invoice.due_date at 09:00", BILL)
    assert after is not None
    assert after.closes_at == after.due_at.add(hours=24)


def test_the_occurrence_is_the_anchors_date_whatever_the_offset() -> None:
    found = {of(when, WEDDING) for when in ("2 days before session.start_at at 09:00", "6 hours after session.end_at")}
    assert {m.occurrence for m in found if m is not None} == {"2026-06-10"}


def test_events_of_the_clock_are_moments_of_their_records() -> None:
    ended = of("session.ended", WEDDING)
    overdue = of("invoice.overdue", BILL)
    assert ended is not None
    assert overdue is not None
    assert (ended.due_at, overdue.due_at) == (WEDDING.end_at, berlin("2026-06-11 00:00"))
    assert ended.closes_at == ended.due_at.add(hours=24)
    assert clock_trigger(EventTrigger(name="lead.created")) is None
    assert clock_trigger(ManualTrigger()) is None
    assert CLOCK_EVENTS["invoice.overdue"].at == Time()


def test_each_moment_of_an_entry_has_a_timer_of_its_own() -> None:
    rule = rule_of("when: [2 days before session.start_at at 09:00, session.ended]\nthen:\n  - notify: note")
    ids = [ident for ident, _ in entry_moments(rule.entries[0])]
    assert ids == ["", "#2"]
    assert {entry_of_timer(ident) for ident in ids} == {""}


@pytest.mark.parametrize(
    ("when", "record"),
    [
        ("3 business days before invoice.due_date at 10:00", BILL),
        ("3 business days before session.start_at at 10:00", WEDDING),
    ],
)
def test_a_holiday_is_no_business_day(when: str, record: Record) -> None:
    found = moment_of(
        trigger_of(when),
        record,
        late=None,
        policy=POLICY,
        zone_of=lambda _: "Europe/Berlin",
        is_working=lambda day: weekday_only(day) and day != Date(2026, 6, 8),
    )
    assert found is not None
    assert found.due_at == berlin("2026-06-04 10:00")


@pytest.mark.parametrize(("sign", "expected"), [(-1, "2026-03-29 01:00"), (1, "2026-03-29 14:00")])
def test_hours_from_a_due_date_are_hours_from_its_time_of_day(sign: Literal[-1, 1], expected: str) -> None:
    trigger = MomentTrigger(kind=Kind.INVOICE, field="due_date", sign=sign, span=Span(6, "hours"), at=Time(8))
    spring = invoice(due_date=Date(2026, 3, 29))
    found = moment_of(trigger, spring, late=None, policy=POLICY, zone_of=lambda _: "UTC", is_working=weekday_only)
    assert found is not None
    assert found.due_at == berlin(expected)  # that night has an hour less


def test_only_moments_of_records_count_from_a_records_date() -> None:
    entry = rule_of("when: [2 days before session.start_at at 09:00, session.ended]\nthen:\n  - notify: note").entries[
        0
    ]
    tick = rule_of("when: every monday at 08:00\nfor_each: client\nthen:\n  - notify: note").entries[0].triggers
    mixed = replace(entry, triggers=(entry.triggers[0], *tick, entry.triggers[1]))
    assert [ident for ident, _ in entry_moments(mixed)] == ["", "#3"]


def test_each_becomes_of_an_entry_has_occurrences_of_its_own() -> None:
    conditions = "[becomes invoice.draft, invoice.sent, becomes invoice.outstanding]"
    entry = rule_of(f"when: {conditions}\nthen:\n  - notify: note").entries[0]
    found = entry_becomes(entry)
    assert [(name, trigger.source) for name, trigger in found] == [
        ("becomes", "invoice.draft"),
        ("becomes#2", "invoice.outstanding"),
    ]
    assert became_of(entry, "becomes:2026-06-10") == found[0][1]
    assert became_of(entry, "becomes#2:2026-06-10") == found[1][1]
    assert became_of(entry, "invoice.sent") is None


def test_a_day_is_a_moments_occurrence_and_a_minute_is_a_ticks() -> None:
    found = {text: (of_moment(text), of_tick(text)) for text in ("2026-06-10", "2026-06-10T08:00", "lead.created")}
    assert list(found.values()) == [(True, False), (False, True), (False, False)]
    assert not of_moment("becomes:2026-06-10")
    assert not of_tick("2026-06-10T08:00:00")


# --- timers ---------------------------------------------------------------------------------------

NOW = berlin("2026-06-01 10:00")
LONG_AGO = berlin("2026-01-01 10:00")


def timer(moment: Moment, state: TimerState = TimerState.PENDING) -> Timer:
    return Timer(
        rule_id="r",
        entry_id="",
        kind=Kind.SESSION,
        subject_id="s1",
        client_id="c1",
        occurrence=moment.occurrence,
        due_at=moment.due_at,
        closes_at=moment.closes_at,
        state=state,
    )


def moment(due_at: str, closes_at: str, day: str = "2026-06-10") -> Moment:
    return Moment(due_at=berlin(due_at), closes_at=berlin(closes_at), occurrence=day)


def made(
    found: Moment,
    old: Timer | None = None,
    *,
    known: bool = False,
    active_since: Instant = LONG_AGO,
    now: Instant = NOW,
) -> Timer | None:
    return timer_for("r", "", WEDDING, found, old=old, now=now, active_since=active_since, known_before=known)


COMING = moment("2026-06-08 09:00", "2026-06-09 09:00")
INSIDE = moment("2026-06-01 09:00", "2026-06-02 09:00")
OVER = moment("2026-05-30 09:00", "2026-05-31 09:00")


def test_a_coming_moment_is_pending_for_old_records_too() -> None:
    assert made(COMING, known=True) == timer(COMING)


def test_a_moment_of_before_the_rule_was_active_is_no_moment_for_a_record_that_was_there() -> None:
    assert made(INSIDE, known=True, active_since=NOW) is None


def test_a_record_that_comes_to_be_inside_the_window_counts_at_once() -> None:
    found = made(INSIDE, known=False, active_since=NOW)
    assert found is not None
    assert found.state is TimerState.PENDING


def test_a_record_that_comes_to_be_after_the_window_is_skipped_and_it_is_said() -> None:
    found = made(OVER)
    assert found is not None
    assert found.state is TimerState.SKIPPED
    assert found.reason


def test_a_moment_that_stands_as_it_is_is_left_alone() -> None:
    assert made(COMING, timer(COMING)) is None
    assert made(COMING, timer(COMING, TimerState.OPEN), known=True) is None


def test_moved_by_an_hour_it_is_the_same_moment_at_another_time() -> None:
    later = moment("2026-06-08 10:00", "2026-06-09 10:00")
    found = made(later, timer(COMING))
    assert found is not None
    assert (found.due_at, found.occurrence) == (later.due_at, "2026-06-10")
    assert made(later, timer(COMING, TimerState.DONE)) is None


def test_moved_to_another_date_it_is_another_moment_even_after_it_was_done() -> None:
    other = moment("2026-06-18 09:00", "2026-06-19 09:00", "2026-06-20")
    found = made(other, timer(COMING, TimerState.DONE))
    assert found is not None
    assert (found.state, found.occurrence) == (TimerState.PENDING, "2026-06-20")


@pytest.mark.parametrize("state", [TimerState.SKIPPED, TimerState.LAPSED])
def test_what_was_skipped_has_another_chance_only_at_an_hour_still_to_come(state: TimerState) -> None:
    found = made(COMING, timer(OVER, state))
    assert found is not None
    assert found.state is TimerState.PENDING
    assert made(INSIDE, timer(OVER, state)) is None


def test_to_the_second_a_moment_of_now_counts_and_a_window_that_closes_now_is_open() -> None:
    assert made(INSIDE, known=True, active_since=INSIDE.due_at) == timer(INSIDE)
    closing = made(OVER, now=OVER.closes_at)
    assert closing is not None
    assert closing.state is TimerState.PENDING
    skipped = timer(OVER, TimerState.SKIPPED)
    assert made(COMING, skipped, now=COMING.due_at) is None
    assert made(COMING, skipped, now=COMING.due_at.subtract(seconds=1)) is not None


def test_a_date_taken_away_and_given_back_is_the_same_moment_again() -> None:
    found = made(COMING, timer(COMING, TimerState.GONE))
    assert found is not None
    assert found.state is TimerState.PENDING


def test_a_record_that_is_back_gets_no_moment_of_before_an_edited_rule() -> None:
    assert made(INSIDE, timer(INSIDE, TimerState.GONE), known=True, active_since=NOW) is None


days = st.integers(0, 400).map(lambda n: Date(2026, 1, 1).add(days=n))
hours = st.integers(0, 23)
spans = st.builds(Span, st.integers(1, 40), st.sampled_from(["hours", "days", "business days", "weeks", "months"]))


@given(days, hours, spans, st.sampled_from(["before", "after"]), st.sampled_from(["Europe/Berlin", "America/New_York"]))
def test_a_window_never_closes_before_it_opens_and_before_never_comes_after(
    day: Date, hour: int, span: Span, side: str, zone: str
) -> None:
    start = day.at(Time(hour)).assume_tz(zone, disambiguation="earlier").to_instant()
    found = moment_of(
        MomentTrigger(kind=Kind.SESSION, field="start_at", sign=-1 if side == "before" else 1, span=span, at=None),
        session(start_at=start, timezone=zone),
        late=Span(2, "days"),
        policy=POLICY,
        zone_of=lambda s: s.timezone or "UTC",
        is_working=weekday_only,
    )
    assert found is not None
    assert found.closes_at >= found.due_at
    assert (found.due_at < start) == (side == "before")
    assert found.occurrence == start.to_tz(zone).date().format_iso()
    if side == "before":
        assert found.closes_at <= start


def test_a_client_has_no_moment_of_a_session() -> None:
    assert client().id == "c1"
    assert entry_moments(rule_of("when: lead.created\nthen:\n  - notify: note").entries[0]) == []
