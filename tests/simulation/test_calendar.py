"""The calendar: ticks in the studio's zone, one run or one for each (rule-language.md, Exact meaning 1, 13, 15)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import AWAY_IS_FINE, StudioDay, berlin

from selftimer.engine import fallen
from selftimer.engine.beginning import standings
from selftimer.plan.policy import Flood
from selftimer.plan.state import Hold, RunState, TimerState
from selftimer.simulation.planning import plan_ahead

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = """
- id: digest
  title: A note on Mondays
  when: every monday at 08:00
  then:
    - notify: digest
"""
PLAIN = {"digest": "It is {{ now | day }}.\n"}
OFFER = """
- id: offer
  title: An offer to past clients
  purpose: marketing
  when: on 2026-03-04 at 10:00
  for_each: client
  if: client.type == 'client'
  then:
    - send: offer
"""


async def ticks(day: StudioDay) -> list[str]:
    """The occurrences of all runs."""
    return [run.occurrence for run in await day.runs()]


# --- one run, about no record ---


async def told(day: StudioDay) -> list[str]:
    """What the owner was told beside the notes that the rules themselves write."""
    return [subject for subject in await day.notices() if subject.startswith("Rule ")]


async def test_every_monday_there_is_one_run_about_no_record_and_its_occurrence_is_the_local_time(
    tmp_path: Path,
) -> None:
    async with StudioDay(tmp_path, DIGEST, words=PLAIN) as day:
        day.known()
        await day.until("2026-03-17 09:00")
        assert await ticks(day) == ["2026-03-09T08:00", "2026-03-16T08:00"]
        runs = await day.runs()
        assert {(run.subject_kind, run.subject_id, run.client_id) for run in runs} == {(None, "", None)}
        notes = await day.deliveries()
        assert [note.text.strip() for note in notes if note.text] == ["It is Monday.", "It is Monday."]
        assert [note.sent_at for note in notes] == [berlin("2026-03-09 08:00"), berlin("2026-03-16 08:00")]


async def test_a_tick_of_the_very_instant_at_which_the_rule_is_loaded_is_not_begun(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, DIGEST, words=PLAIN, start="2026-03-09 08:00") as day:
        await day.until("2026-03-09 12:00")
        assert await ticks(day) == []


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-28 12:00", "2026-03-30 12:00", ["03-29 03:00", "03-30 02:30"]),  # 02:30 isn't there: the next instant
        ("2026-10-24 12:00", "2026-10-26 12:00", ["10-25 02:30", "10-26 02:30"]),  # 02:30 comes twice: the first
    ],
)
async def test_ticks_are_those_of_the_wall_over_both_changes_of_the_clocks(
    tmp_path: Path, start: str, end: str, expected: list[str]
) -> None:
    rules = DIGEST.replace("every monday at 08:00", "every day at 02:30")
    async with StudioDay(tmp_path, rules, words=PLAIN, start=start) as day:
        await day.until(end)
        assert [day._local(str(d.sent_at)) for d in await day.deliveries()] == expected


async def test_a_cron_of_five_fields_is_kept_to(tmp_path: Path) -> None:
    rules = DIGEST.replace("every monday at 08:00", "cron 0,30 9 1,15 * *")
    async with StudioDay(tmp_path, rules, words=PLAIN) as day:
        await day.until("2026-04-02 08:00")
        assert await ticks(day) == ["2026-03-15T09:00", "2026-03-15T09:30", "2026-04-01T09:00", "2026-04-01T09:30"]


async def test_the_if_of_a_rule_about_no_record_is_judged_at_the_tick(tmp_path: Path) -> None:
    rules = DIGEST.replace("  then", "  if: today | plus('1 day') | days_until == 1 and studio.owner == 'Jo'\n  then")
    async with StudioDay(tmp_path, rules, words=PLAIN) as day:
        await day.until("2026-03-10 08:00")
        assert await ticks(day) == []
        assert await day.verdicts("digest") == ["no"]


async def test_a_date_comes_once_and_then_the_rule_is_over(tmp_path: Path) -> None:
    rules = DIGEST.replace("every monday at 08:00", "on 2026-03-04 at 10:00")
    async with StudioDay(tmp_path, rules, words=PLAIN) as day:
        await day.until("2026-03-10 08:00")
        await day.restart()
        await day.until("2026-03-11 08:00")
        assert await ticks(day) == ["2026-03-04T10:00"]
        timer = await day.timer("digest", "")
        assert timer is not None
        assert timer.state is TimerState.DONE
        assert await told(day) == []


async def test_a_date_that_was_over_when_the_rule_was_loaded_is_said(tmp_path: Path) -> None:
    rules = DIGEST.replace("every monday at 08:00", "on 2026-03-01 at 10:00")
    async with StudioDay(tmp_path, rules, words=PLAIN) as day:
        await day.until("2026-03-10 08:00")
        assert await ticks(day) == []
        assert await told(day) == ["Rule digest never begins"]


# --- missed ticks ---


async def test_of_ticks_missed_while_down_the_last_is_judged_by_late_and_it_is_said(tmp_path: Path) -> None:
    rules = DIGEST.replace("every monday at 08:00", "every day at 08:00")
    day = StudioDay(tmp_path, rules, words=PLAIN, toml=AWAY_IS_FINE)
    await day.start()
    await day.until("2026-03-03 09:00")
    await day.aclose()
    day.clock_to("2026-03-06 10:00")
    async with day:
        await day.until("2026-03-07 09:00")
        assert await ticks(day) == ["2026-03-03T08:00", "2026-03-06T08:00", "2026-03-07T08:00"]
        assert await told(day) == ["Rule digest missed a moment"]


async def test_a_tick_missed_for_longer_than_late_begins_nothing_and_it_is_said(tmp_path: Path) -> None:
    rules = DIGEST.replace("  then", "  late: 2 hours\n  then")
    day = StudioDay(tmp_path, rules, words=PLAIN, toml=AWAY_IS_FINE)
    await day.start()
    await day.until("2026-03-08 09:00")
    await day.aclose()
    day.clock_to("2026-03-09 10:01")
    async with day:
        await day.until("2026-03-17 09:00")
        assert await ticks(day) == ["2026-03-16T08:00"]
        assert await told(day) == ["Rule digest missed a moment"]
        assert "late" in await day.verdicts("digest")


async def test_a_tick_that_was_missed_by_less_than_late_is_begun_at_once_and_nothing_is_said(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, DIGEST, words=PLAIN, toml=AWAY_IS_FINE)
    await day.start()
    await day.until("2026-03-08 09:00")
    await day.aclose()
    day.clock_to("2026-03-09 10:00")
    async with day:
        await day.until("2026-03-09 10:05")
        assert await ticks(day) == ["2026-03-09T08:00"]
        assert await told(day) == []


# --- one run for each ---


async def test_one_run_for_each_that_meets_if_when_the_tick_comes(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, OFFER) as day:
        day.known("Anna")
        day.lead("Ben")
        await day.until("2026-03-03 09:00")
        day.known("Cleo")
        await day.until("2026-03-04 12:00")
        day.known("Dan")
        await day.until("2026-03-06 12:00")
        assert sorted(day.sent()) == ["03-04 10:00 offer Anna", "03-04 10:00 offer Cleo"]
        assert await day.verdicts("offer") == ["nominated", "begun", "begun"]


async def test_each_nominee_is_read_afresh_before_it_is_judged(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, OFFER) as day:
        anna = day.known("Anna")
        day.known("Ben")
        await day.until("2026-03-04 09:58")
        day.service.observe.poll_at = berlin("2026-03-04 10:05")
        anna.type = "other"  # no list was read since: only a fresh read can tell
        await day.until("2026-03-04 12:00")
        assert day.sent() == ["03-04 10:00 offer Ben"]


async def test_a_nominee_that_cannot_be_read_waits_and_the_others_do_not(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, OFFER) as day:
        anna = day.known("Anna")
        day.known("Ben")
        await day.until("2026-03-04 09:58")
        day.fault("status", method="GET", path=f"/clients/{anna.id}", status=500, times=12)
        await day.until("2026-03-04 12:00")
        assert [row[12:] for row in day.sent()] == ["offer Ben", "offer Anna"]


async def test_a_service_that_dies_among_the_nominees_writes_to_each_once(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, OFFER)
    await day.start()
    for name in ("Anna", "Ben", "Cleo"):
        day.known(name)
    await day.until("2026-03-04 09:58")

    class Died(BaseException):
        pass

    def die(name: str) -> None:
        if name == "observe.nominated":
            raise Died

    day.service.context.crash_point = die
    with pytest.raises(Died):
        await day.until("2026-03-04 10:30")
    await day.aclose()
    async with day:
        await day.until("2026-03-04 12:00")
        assert sorted(row[12:] for row in day.sent()) == ["offer Anna", "offer Ben", "offer Cleo"]


async def test_invoices_can_be_gone_through_too_each_week_anew(tmp_path: Path) -> None:
    rules = """
- id: open
  title: Remind each Tuesday
  when: every tuesday at 09:00
  for_each: invoice
  if: invoice.outstanding
  then:
    - send: open
"""
    async with StudioDay(tmp_path, rules, words={"open": "{{ invoice.balance | money }} open\n"}) as day:
        anna = day.known()
        bill, other = day.invoice(anna, "2026-03-20"), day.invoice(anna, "2026-03-20", 20_000)
        await day.until("2026-03-03 09:00")
        assert len(day.sent()) == 2
        day.pay(bill)
        await day.until("2026-03-10 09:00")
        assert len(day.sent()) == 3
        assert other.id in {run.subject_id for run in await day.runs()}


async def test_more_nominees_than_a_days_work_are_held_for_the_owner_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallen, "GROUP", 2)  # also those that an earlier transaction planned
    async with StudioDay(tmp_path, OFFER) as day:
        context = day.service.context
        context.policy = replace(context.policy, flood=Flood(by_moments=3))
        for number in range(4):
            day.known(f"C{number}")
        await day.until("2026-03-04 12:00")
        assert day.sent() == []
        assert {d.hold for d in await day.held()} == {Hold.FLOOD}
        assert "4 messages held for you: 4 at once" in await day.notices()


async def test_archived_sample_and_other_clients_are_never_nominated(tmp_path: Path) -> None:
    async with StudioDay(
        tmp_path, OFFER.replace("  if: client.type == 'client'\n", "  if: client.email is not none\n")
    ) as day:
        anna = day.known("Anna")
        day.client("Ben", "other")
        day.change(anna, archived=True)
        day.known("Cleo")
        await day.until("2026-03-04 12:00")
        assert day.sent() == ["03-04 10:00 offer Cleo"]


async def test_what_hangs_on_unread_threads_is_asked_of_the_studio(tmp_path: Path) -> None:
    rules = OFFER.replace("client.type == 'client'", "client.silent_days >= 2").replace("  purpose: marketing\n", "")
    day = StudioDay(tmp_path, rules)
    anna, ben = day.known("Anna"), day.known("Ben")
    day.clock_to("2026-03-02 08:10")
    day.kim_says(anna)  # before the first look: no message of then is read
    day.kim_says(ben)
    day.clock_to("2026-03-02 08:20")
    day.says(ben)
    async with day:
        await day.until("2026-03-04 12:00")
        assert day.sent() == ["03-04 10:00 offer Anna"]


# --- with the keys of a rule ---


async def test_repeat_holds_over_ticks(tmp_path: Path) -> None:
    rules = OFFER.replace("on 2026-03-04 at 10:00", "every day at 10:00").replace(
        "  then", "  repeat: after 3 days per client\n  then"
    )
    async with StudioDay(tmp_path, rules) as day:
        day.known("Anna")
        await day.until("2026-03-08 12:00")
        assert [row[:11] for row in day.sent()] == ["03-02 10:00", "03-05 10:00", "03-08 10:00"]


@pytest.mark.parametrize(("restart", "sent"), [("false", 1), ("true", 2)])
async def test_a_tick_while_a_run_is_under_way_is_recorded_or_begins_anew(
    tmp_path: Path, restart: str, sent: int
) -> None:
    rules = f"""
- id: long
  title: Long
  when: every day at 10:00
  for_each: client
  if: client.email is not none
  until: client.replied
  restart: {restart}
  then:
    - send: first
    - wait: 5 days
    - notify: second
"""
    async with StudioDay(tmp_path, rules) as day:
        day.known("Anna")
        await day.until("2026-03-03 12:00")
        assert len(day.sent()) == sent
        assert ("under way" in await day.verdicts("long")) is (restart == "false")


async def test_until_that_is_true_at_the_tick_begins_nothing(tmp_path: Path) -> None:
    rules = OFFER.replace("  then", "  until: client.contacted\n  then")
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        day.known("Ben")
        await day.until("2026-03-03 09:00")
        day.kim_says(anna)
        await day.until("2026-03-04 12:00")
        assert day.sent() == ["03-04 10:00 offer Ben"]


async def test_late_bounds_what_a_cap_keeps_back(tmp_path: Path) -> None:
    rules = OFFER.replace("  then", "  limits: {per_day: 1}\n  late: 30 hours\n  then")
    async with StudioDay(tmp_path, rules) as day:
        for name in ("Anna", "Ben", "Cleo"):
            day.known(name)
        await day.until("2026-03-08 12:00")
        assert len(day.sent()) == 2
        assert [d.reason for d in await day.deliveries() if d.sent_at is None] == ["capped"]


async def test_a_list_of_an_event_a_moment_and_the_calendar_begins_by_each(tmp_path: Path) -> None:
    rules = """
- id: any
  title: Any
  when: [invoice.sent, 1 day before invoice.due_date at 10:00, every wednesday at 10:00]
  for_each: invoice
  if: invoice.outstanding
  then:
    - send: any
"""
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-07")
        await day.until("2026-03-12 12:00")
        assert [row[:11] for row in day.sent()] == ["03-02 09:05", "03-04 10:00", "03-06 10:00", "03-11 10:00"]
        assert await day.runs(RunState.ACTIVE) == []


async def test_entries_of_a_series_may_be_of_the_calendar(tmp_path: Path) -> None:
    rules = """
- id: notes
  title: Notes
  then:
    - when: every tuesday at 08:00
      notify: start
    - when: every wednesday at 18:00
      notify: end
"""
    words = {"start": "start\n", "end": "end\n"}
    async with StudioDay(tmp_path, rules, words=words) as day:
        await day.until("2026-03-05 09:00")
        assert await day.states() == ["start sent", "end sent"]


async def test_another_time_is_another_activation_and_the_old_tick_is_gone(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, DIGEST, words=PLAIN)
    await day.start()
    await day.until("2026-03-03 09:00")
    await day.aclose()
    day.rules(DIGEST.replace("monday", "wednesday"), words=PLAIN)
    async with day:
        await day.until("2026-03-10 09:00")
        assert await ticks(day) == ["2026-03-04T08:00"]


async def test_an_edit_of_the_words_or_steps_keeps_a_missed_tick(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, DIGEST, words=PLAIN)
    await day.start()
    await day.until("2026-03-08 09:00")
    await day.aclose()
    day.clock_to("2026-03-09 09:00")
    day.rules(DIGEST + "    - stop: enough\n", words=PLAIN)
    async with day:
        await day.until("2026-03-09 10:00")
        assert await ticks(day) == ["2026-03-09T08:00"]


async def test_a_rule_that_is_off_lets_its_ticks_pass_in_silence(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, DIGEST.replace("  then", "  mode: off\n  then"), words=PLAIN) as day:
        await day.until("2026-03-17 09:00")
        assert await ticks(day) == []
        assert await told(day) == []


async def test_a_dry_run_of_the_calendar_sends_nothing(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, OFFER.replace("  then", "  mode: dry_run\n  then")) as day:
        day.known("Anna")
        await day.until("2026-03-04 12:00")
        assert day.sent() == []
        assert [d.dry for d in await day.deliveries()] == [True]


async def test_it_can_be_asked_why_a_client_heard_nothing_and_when_they_may(tmp_path: Path) -> None:
    rules = OFFER.replace("on 2026-03-04 at 10:00", "every monday at 10:00")
    async with StudioDay(tmp_path, rules) as day:
        anna, ben = day.known("Anna"), day.lead("Ben")
        await day.until("2026-03-03 09:00")
        stands = [
            await day.service.store.read(
                lambda tx, one=one: standings(tx, day.service.context, day.now, one.id)  # type: ignore[misc]
            )
            for one in (anna, ben)
        ]
        assert [one.refusal.word if one.refusal else None for some in stands for one in some] == [None, "no"]
        assert [timer.due_at for timer in stands[0][0].moments] == [berlin("2026-03-09 10:00")]


async def test_a_plan_of_the_days_ahead_knows_the_ticks(tmp_path: Path) -> None:
    rules = OFFER.replace("on 2026-03-04 at 10:00", "every monday at 10:00")
    async with StudioDay(tmp_path, rules) as day:
        day.known("Anna")
        await day.until("2026-03-03 09:00")
        plan = await plan_ahead(day.service.settings, day.now, 14)
        assert [(effect.at, effect.delivery.words) for effect in plan.effects] == [
            (berlin("2026-03-09 10:00"), "offer"),
            (berlin("2026-03-16 10:00"), "offer"),
        ]
        assert day.sent() == ["03-02 10:00 offer Anna"]
