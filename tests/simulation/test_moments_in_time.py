"""Moments in a studio's life: booked late, moved, gone, confirmed late, missed (rule-language.md 4 and 9 to 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import AWAY_IS_FINE, StudioDay, berlin

from selftimer.plan.state import TimerState

if TYPE_CHECKING:
    from pathlib import Path

WEEK = """
- id: week
  title: A week before
  if: session.confirmed
  then:
    - when: 7 days before session.start_at at 09:00
      id: seven
      late: 4 days
      send: week
"""


async def test_a_moment_fires_for_records_that_were_there_before_the_first_run(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, WEEK)
    day.session(day.known(), "2026-03-20 12:00")
    async with day:
        await day.until("2026-03-25 12:00")
        assert day.sent() == ["03-13 09:00 week Anna"]


async def test_a_moment_of_before_the_rule_was_active_fires_nothing(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, WEEK)
    day.session(day.known(), "2026-03-06 12:00")  # the moment was on 27 February, its window is still open
    async with day:
        await day.until("2026-03-25 12:00")
        assert day.sent() == []


async def test_booked_at_short_notice_inside_the_window_it_goes_out_at_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        anna = day.known()
        await day.until("2026-03-05 11:01")
        day.session(anna, "2026-03-10 12:00")
        await day.until("2026-03-12 12:00")
        assert day.sent() == ["03-05 11:05 week Anna"]


async def test_booked_after_the_window_it_is_skipped_and_said_so(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        anna = day.known()
        await day.until("2026-03-05 11:01")
        session = day.session(anna, "2026-03-07 12:00")
        await day.until("2026-03-12 12:00")
        assert day.sent() == []
        timer = await day.timer("week", session.id, "seven")
        assert timer is not None
        assert timer.state is TimerState.SKIPPED
        (said,) = [row for row in await day.traces(subject=session.id) if row.verdict == "late"]
        assert said.client_id == anna.id


async def test_confirmed_late_inside_the_window_it_goes_out_at_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        session = day.session(day.known(), "2026-03-20 12:00", "inquiry")
        await day.until("2026-03-15 11:01")
        day.set_session(session, "confirmed")
        await day.until("2026-03-22 12:00")
        assert day.sent() == ["03-15 11:05 week Anna"]


async def test_confirmed_after_the_window_it_is_not_sent_and_nothing_was_missed(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        session = day.session(day.known(), "2026-03-20 12:00", "inquiry")
        await day.until("2026-03-18 11:01")
        day.set_session(session, "confirmed")
        await day.until("2026-03-22 12:00")
        assert day.sent() == []
        timer = await day.timer("week", session.id, "seven")
        assert timer is not None
        assert timer.state is TimerState.LAPSED
        assert not [text for text in await day.notices() if "missed" in text]


async def test_moved_to_another_date_it_fires_for_the_new_date(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-10 11:01")
        day.move(session, "2026-04-01 12:00")
        await day.until("2026-04-02 12:00")
        assert day.sent() == ["03-25 09:00 week Anna"]


async def test_moved_after_it_was_sent_it_is_sent_for_the_new_date_too(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-14 11:01")
        day.move(session, "2026-04-01 12:00")
        await day.until("2026-04-02 12:00")
        assert day.sent() == ["03-13 09:00 week Anna", "03-25 09:00 week Anna"]


async def test_moved_by_an_hour_or_back_to_a_date_already_done_nothing_more_is_sent(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-14 11:01")
        day.move(session, "2026-03-20 13:00")
        await day.until("2026-03-14 12:01")
        day.move(session, "2026-04-01 12:00")
        await day.until("2026-03-14 13:01")
        day.move(session, "2026-03-20 12:00")
        await day.until("2026-04-02 12:00")
        assert day.sent() == ["03-13 09:00 week Anna"]


async def test_a_date_that_moved_unseen_is_seen_at_the_moment_itself(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-13 08:58")
        day.move(session, "2026-04-01 12:00")  # the poll comes at 09:00 as well, the moment is judged on fresh data
        await day.until("2026-04-02 12:00")
        assert day.sent() == ["03-25 09:00 week Anna"]


TWO = """
- id: two
  title: A questionnaire and a reminder
  if: session.confirmed
  then:
    - when: 7 days before session.start_at at 09:00
      id: seven
      then:
        - wait: 1 day
        - send: first
        - wait: 2 days
        - send: second
"""


async def test_a_run_without_an_effect_ends_as_moved(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, TWO) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-13 11:01")
        day.move(session, "2026-04-01 12:00")
        await day.until("2026-04-02 12:00")
        assert day.sent() == ["03-26 09:00 first Anna", "03-28 09:00 second Anna"]
        assert await day.ends() == ["moved", "done"]


async def test_a_date_that_moved_unseen_while_its_run_waited_is_seen_before_its_first_effect(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, TWO) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-14 08:58")
        day.move(session, "2026-04-01 12:00")
        day.world.changed_at = None  # and no poll sees it before nine
        await day.until("2026-04-02 12:00")
        assert day.sent() == ["03-26 09:00 first Anna", "03-28 09:00 second Anna"]
        assert await day.ends() == ["moved", "done"]


async def test_a_run_that_had_an_effect_goes_on_when_its_date_moves(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, TWO) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-15 11:01")
        day.move(session, "2026-06-01 12:00")
        await day.until("2026-03-25 12:00")
        assert day.sent() == ["03-14 09:00 first Anna", "03-16 09:00 second Anna"]


async def test_a_record_that_is_gone_has_no_moment(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-12 12:00")
        day.vanish("sessions", session.id)
        await day.until("2026-03-22 12:00")
        assert day.sent() == []
        timer = await day.timer("week", session.id, "seven")
        assert timer is not None
        assert timer.state is TimerState.GONE


async def test_the_entries_of_a_series_stand_for_themselves(tmp_path: Path) -> None:
    rules = """
- id: money
  title: Remind
  if: invoice.outstanding
  then:
    - when: 3 days before invoice.due_date at 10:00
      send: soon
    - when: on invoice.due_date at 10:00
      send: due
    - when: 3 days after invoice.due_date at 10:00
      send: late
"""
    async with StudioDay(tmp_path, rules) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        bill = day.invoice(anna, "2026-03-10")
        day.invoice(ben, "2026-03-10")
        await day.until("2026-03-08 12:00")
        day.pay(bill)
        await day.until("2026-03-20 12:00")
        assert sorted(day.sent()) == [
            "03-07 10:00 soon Anna",
            "03-07 10:00 soon Ben",
            "03-10 10:00 due Ben",
            "03-13 10:00 late Ben",
        ]


async def test_at_its_moment_the_condition_is_judged_on_fresh_data(tmp_path: Path) -> None:
    rules = """
- id: money
  title: Remind
  if: invoice.outstanding
  then:
    - when: on invoice.due_date at 10:00
      send: due
"""
    async with StudioDay(tmp_path, rules) as day:
        bill = day.invoice(day.known(), "2026-03-10")
        await day.until("2026-03-10 09:59")
        day.pay(bill)
        await day.until("2026-03-12 12:00")
        assert day.sent() == []


async def test_a_moment_missed_while_the_service_was_down_is_judged_by_its_late(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, WEEK, toml=AWAY_IS_FINE)
    day.session(day.known("Anna"), "2026-03-20 12:00")
    day.session(day.known("Ben"), "2026-03-17 12:00")
    await day.start()
    await day.until("2026-03-08 12:00")
    await day.aclose()
    day.clock_to("2026-03-15 11:00")
    async with day:
        await day.until("2026-03-22 12:00")
        assert day.sent() == ["03-15 11:00 week Anna"]  # Ben's window closed on the 14th
        assert "Rule week missed a moment" in await day.notices()


async def test_a_moment_waits_for_a_studio_that_cannot_be_read_until_its_window_closes(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-13 08:00")
        day.fault("status", method="GET", path="/sessions/", times=100_000, status=503)
        await day.until("2026-03-13 12:00")
        assert day.sent() == []
        day.faults.clear()
        await day.until("2026-03-14 12:00")
        assert [row[:8] for row in day.sent()] == ["03-13 12"]


async def test_one_record_that_cannot_be_read_does_not_hold_up_the_others(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, WEEK)
    broken = [day.session(day.known(f"X{n}"), "2026-03-20 12:00").id for n in range(55)]
    for n in range(5):
        day.session(day.known(f"Anna{n}"), "2026-03-20 13:00")
    async with day:
        await day.until("2026-03-13 08:00")
        those = rf"/sessions/({'|'.join(broken)})"
        day.fault("status", method="GET", path=those, times=1_000_000, status=404, shape="html")
        await day.until("2026-03-13 09:10")  # so many reads take their time under the rate limit
        assert sorted(row[12:] for row in day.sent()) == [f"week Anna{n}" for n in range(5)]


async def test_events_of_the_clock_come_from_the_clock(tmp_path: Path) -> None:
    rules = """
- id: thanks
  title: Thank
  when: session.ended
  then:
    - send: thanks
- id: overdue
  title: Overdue
  when: invoice.overdue
  ignore_quiet_hours: true
  then:
    - send: overdue
"""
    async with StudioDay(tmp_path, rules) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        day.session(anna, "2026-03-05 12:00")
        day.session(ben, "2026-03-05 12:00", "pending")
        day.invoice(anna, "2026-03-06")
        paid = day.invoice(ben, "2026-03-06")
        await day.until("2026-03-06 12:00")
        day.pay(paid)
        await day.until("2026-03-10 12:00")
        assert day.sent() == ["03-05 13:00 thanks Anna", "03-07 00:00 overdue Anna"]


async def test_an_edited_rule_starts_its_moments_anew(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, WEEK)
    day.session(day.known("Anna"), "2026-03-20 12:00")
    day.session(day.known("Ben"), "2026-03-25 12:00")
    await day.start()
    await day.until("2026-03-14 12:00")
    await day.aclose()
    day.rules(WEEK.replace("7 days before", "8 days before"))
    async with day:
        await day.until("2026-03-26 12:00")
        assert day.sent() == ["03-13 09:00 week Anna", "03-17 09:00 week Ben"]


async def test_a_new_zone_makes_the_moments_anew(tmp_path: Path) -> None:
    rules = """
- id: money
  title: Remind
  if: invoice.outstanding
  then:
    - when: on invoice.due_date at 10:00
      send: due
"""
    day = StudioDay(tmp_path, rules)
    day.invoice(day.known(), "2026-03-10")
    await day.start()
    await day.until("2026-03-08 12:00")
    await day.aclose()
    toml = day.workspace / "selftimer.toml"
    toml.write_text(toml.read_text().replace("Europe/Berlin", "Europe/London"))
    async with day:
        await day.until("2026-03-12 12:00")
        assert day.sent() == ["03-10 11:00 due Anna"]


async def test_a_date_that_is_taken_away_and_given_back_is_the_same_moment(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WEEK) as day:
        session = day.session(day.known(), "2026-03-20 12:00")
        await day.until("2026-03-10 12:00")
        day.fault(
            "broken_record", method="GET", path=r"/sessions\?", times=1, record={"start_at": None, "end_at": None}
        )
        day.world.changed()
        await day.until("2026-03-10 12:06")
        timer = await day.timer("week", session.id, "seven")
        assert timer is not None
        assert timer.state is TimerState.GONE
        day.world.changed()
        await day.until("2026-03-15 12:00")
        assert day.sent() == ["03-13 09:00 week Anna"]


def test_the_helper_tells_berlins_time() -> None:
    assert berlin("2026-03-29 12:00").format_iso() == "2026-03-29T10:00:00Z"


REMIND = """
- id: remind
  title: The day before
  if: session.confirmed
  then:
    - when: 1 day before session.start_at at 10:00
      late: 6 hours
      send: hello
"""


async def test_a_moment_whose_client_cannot_be_read_waits_and_goes_out_when_they_can(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, REMIND) as day:
        await day.drift(drift="new_word", path="/clients", field="type", value="prospect")
        day.session(day.known("Anna"), "2026-03-04 12:00")
        await day.until("2026-03-03 11:00")
        assert await day.deliveries() == []
        await day.no_drift()
        await day.until("2026-03-03 12:00")
        assert [text.partition(" hello ")[2] for text in day.sent()] == ["Anna"]


async def test_a_moment_whose_client_is_never_read_is_missed_and_told(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, REMIND) as day:
        await day.drift(drift="new_word", path="/clients", field="type", value="prospect")
        day.session(day.known("Anna"), "2026-03-04 12:00")
        await day.until("2026-03-03 20:00")
        assert await day.deliveries() == []
        assert "Rule remind missed a moment" in await day.notices()
