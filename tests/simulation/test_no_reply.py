"""`no reply for 3 days`: the studio wrote last, and nobody answered (rule-language.md, when; Exact meaning 1, 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import AWAY_IS_FINE, StudioDay

from selftimer.plan.state import TimerState

if TYPE_CHECKING:
    from pathlib import Path

SILENT = """
- id: silent
  title: Ask once more
  when: no reply for 3 days
  repeat: after 30 days per client
  then:
    - send: silent
"""


async def test_nobody_answers_for_three_days_and_is_asked_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SILENT) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        message = day.kim_says(anna)
        await day.until("2026-03-20 12:00")
        assert day.sent() == ["03-05 09:01 silent Anna"]
        (run,) = await day.runs()
        assert run.occurrence == f"unanswered:{message.id}"
        assert (run.subject_id, run.client_id) == (anna.id, anna.id)


async def test_who_answers_is_left_alone(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SILENT) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.kim_says(anna)
        await day.until("2026-03-04 09:01")
        day.says(anna)
        await day.until("2026-03-10 12:00")
        assert day.sent() == []
        timer = await day.timer("silent", anna.id)
        assert timer is not None
        assert timer.state is TimerState.GONE


async def test_an_answer_in_another_thread_is_an_answer(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SILENT) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.kim_says(anna)
        await day.until("2026-03-04 09:01")
        day.says_elsewhere(anna)
        await day.until("2026-03-10 12:00")
        assert day.sent() == []


async def test_each_word_of_a_person_of_the_studio_counts_anew(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SILENT) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.kim_says(anna)
        await day.until("2026-03-04 10:01")
        day.kim_says(anna, "And another thing")
        await day.until("2026-03-10 12:00")
        assert day.sent() == ["03-07 10:01 silent Anna"]


async def test_what_selftimer_wrote_neither_starts_nor_renews_it(tmp_path: Path) -> None:
    hello = """
- id: hello
  title: Hello
  when: session.confirmed
  then:
    - send: hello
"""
    async with StudioDay(tmp_path, SILENT + hello) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        day.kim_says(anna)
        await day.until("2026-03-03 09:01")
        day.session(anna, "2026-05-01 12:00")
        day.session(ben, "2026-05-01 12:00")
        await day.until("2026-03-15 12:00")
        said = sorted(day.sent())
        assert said == ["03-03 09:05 hello Anna", "03-03 09:05 hello Ben", "03-05 09:01 silent Anna"]


async def test_an_answer_that_no_poll_saw_is_seen_when_it_falls_due(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SILENT) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        day.kim_says(anna)
        day.kim_says(ben)
        await day.until("2026-03-05 08:55")
        day.hide("conversations", day.world.tables.conversations.of_client(anna.id)[0].id)
        day.says(anna)
        await day.until("2026-03-08 12:00")
        assert day.sent() == ["03-05 09:01 silent Ben"]


async def test_an_answer_while_the_yes_is_waited_for_ends_the_run(tmp_path: Path) -> None:
    rules = SILENT + "      approve: true\n"
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.kim_says(anna)
        await day.until("2026-03-05 12:00")
        (held,) = await day.held()
        day.says(anna)
        await day.until("2026-03-05 12:10")
        assert await day.ends() == ["somebody wrote"]
        assert await day.held() == []
        assert day.sent() == []
        assert held.client_id == anna.id


async def test_a_word_of_the_studio_in_the_night_ends_what_the_night_kept_back(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SILENT, toml='quiet_hours = "21:00-08:00"\n') as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 22:30")
        day.kim_says(anna)
        await day.until("2026-03-06 07:00")
        assert day.sent() == []
        day.kim_says(anna, "Good morning")
        await day.until("2026-03-06 12:00")
        assert day.sent() == []


async def test_silence_from_before_the_rule_counts_if_it_falls_due_after_it(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, SILENT, start="2026-02-20 08:00")
    anna, ben = day.known("Anna"), day.known("Ben")
    day.clock_to("2026-02-20 09:00")
    day.kim_says(ben)  # long ago: due before the rule was there
    day.clock_to("2026-03-01 10:00")
    day.kim_says(anna)
    day.clock_to("2026-03-02 08:00")
    async with day:
        await day.until("2026-03-10 12:00")
        assert day.sent() == ["03-04 10:00 silent Anna"]


async def test_old_threads_where_the_client_has_the_last_word_are_silence_of_ours(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, SILENT)
    anna = day.known("Anna")
    day.clock_to("2026-03-02 08:30")
    day.kim_says(anna)
    day.clock_to("2026-03-02 08:40")
    day.says(anna)
    async with day:
        await day.until("2026-03-10 12:00")
        assert day.sent() == []
        assert await day.runs() == []


@pytest.mark.parametrize(
    ("span", "expected"),
    [("2 business days", "03-10 10:00"), ("1 week", "03-13 10:00"), ("5 hours", "03-06 15:00")],
)
async def test_business_days_weeks_and_hours_count_as_they_do_elsewhere(
    tmp_path: Path, span: str, expected: str
) -> None:
    async with StudioDay(tmp_path, SILENT.replace("3 days", span), start="2026-03-06 08:00") as day:
        anna = day.known("Anna")
        await day.until("2026-03-06 10:00")
        day.kim_says(anna)
        await day.until("2026-03-20 12:00")
        assert [row[:11] for row in day.sent()] == [expected]


async def test_repeat_keeps_the_next_silence_from_being_asked_about(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SILENT) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.kim_says(anna)
        await day.until("2026-03-06 09:01")
        day.says(anna)
        await day.until("2026-03-06 10:01")
        day.kim_says(anna)
        await day.until("2026-03-20 12:00")
        assert len(day.sent()) == 1
        assert "repeat" in await day.verdicts("silent")


async def test_a_service_that_was_down_asks_late_and_after_late_not_at_all(tmp_path: Path) -> None:
    for folder, back, sent in (("a", "2026-03-06 08:00", 1), ("b", "2026-03-07 08:00", 0)):
        day = StudioDay(tmp_path / folder, SILENT, toml=AWAY_IS_FINE)
        anna = day.known("Anna")
        await day.start()
        await day.until("2026-03-02 09:01")
        day.kim_says(anna)
        await day.until("2026-03-02 09:30")
        await day.aclose()
        day.clock_to(back)
        async with day:
            await day.until("2026-03-12 12:00")
            assert len(day.sent()) == sent
            assert ("Rule silent missed a moment" in await day.notices()) is (sent == 0)


async def test_if_until_and_audience_hold_for_it(tmp_path: Path) -> None:
    rules = SILENT.replace("  repeat", "  if: client.type == 'lead'\n  until: client.next_session\n  repeat")
    async with StudioDay(tmp_path, rules) as day:
        lead, client, booked = day.lead("Anna"), day.known("Ben"), day.lead("Cleo")
        await day.until("2026-03-02 09:01")
        for one in (lead, client, booked):
            day.kim_says(one)
        await day.until("2026-03-04 09:01")
        day.session(booked, "2026-05-01 12:00")
        await day.until("2026-03-10 12:00")
        assert day.sent() == ["03-05 09:01 silent Anna"]


async def test_it_stands_beside_an_event_in_a_list(tmp_path: Path) -> None:
    rules = (
        SILENT.replace("when: no reply for 3 days", "when: [lead.created, no reply for 3 days]")
        .replace("repeat: after 30 days", "repeat: after 2 days")
        .replace("per client", "per client.email")
    )
    async with StudioDay(tmp_path, rules) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-02 10:01")
        day.kim_says(anna)
        await day.until("2026-03-10 12:00")
        assert [row[:11] for row in day.sent()] == ["03-02 09:05", "03-05 10:01"]
