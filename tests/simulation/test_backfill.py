"""`backfill: 7 days`: what would have begun a rule in the time before it was there (rule-language.md, On a rule; 9)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer import wiring
from selftimer.cli.main import main
from selftimer.plan.state import Hold
from selftimer.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.engine.preview import LookBack

ANSWER = """
- id: answer
  title: Answer new leads, and those of last week
  when: lead.created
  if: client.type == 'lead' and not client.contacted
  repeat: after 30 days per client.email
  backfill: 7 days
  then:
    - send: answer
"""
SOON = """
- id: soon
  title: A week before
  if: session.confirmed
  backfill: 5 days
  then:
    - when: 7 days before session.start_at at 10:00
      send: soon
"""


async def preview(day: StudioDay) -> list[LookBack]:
    """What `selftimer check` would say."""
    settings = Settings.load(day.workspace)
    book = wiring.load_rules(settings).rulebook
    assert book is not None
    return await wiring.preview_backfill(settings, book, day.now)


def leads(day: StudioDay) -> None:
    """One of ten days ago, one of three days ago, and one of then whom Kim has answered."""
    day.lead("Anna")
    day.clock_to("2026-02-27 12:00")
    day.lead("Ben")
    cleo = day.lead("Cleo")
    day.clock_to("2026-02-27 13:00")
    day.kim_says(cleo)
    day.clock_to("2026-03-02 09:00")


async def test_leads_of_the_span_are_answered_and_older_ones_are_not(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER, start="2026-02-20 08:00")
    leads(day)
    async with day:
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["answer Ben"]
        day.lead("Dan")
        await day.until("2026-03-03 12:00")
        assert [row[12:] for row in day.sent()] == ["answer Ben", "answer Dan"]
        assert "Rule answer looked back 7 days" in await day.notices()


async def test_it_looks_back_once_whatever_is_restarted(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER, start="2026-02-20 08:00")
    leads(day)
    async with day:
        await day.until("2026-03-02 10:00")
        await day.restart()
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["answer Ben"]
        assert len([note for note in await day.notices() if "looked back" in note]) == 1


async def test_without_it_nothing_of_before_is_begun(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER.replace("  backfill: 7 days\n", ""), start="2026-02-20 08:00")
    leads(day)
    async with day:
        await day.until("2026-03-03 12:00")
        assert day.sent() == []


async def test_a_rule_that_is_added_looks_back_at_what_selftimer_saw(tmp_path: Path) -> None:
    rules = """
- id: paid
  title: Thank for the money
  when: payment.received
  backfill: 1 week
  then:
    - send: paid
"""
    day = StudioDay(tmp_path, "", start="2026-02-20 08:00")
    bills = [day.invoice(day.known(name), "2026-03-20") for name in ("Anna", "Ben")]
    await day.start()
    await day.until("2026-02-21 10:00")
    day.pay(bills[0])
    await day.until("2026-02-26 10:00")
    day.pay(bills[1])
    await day.until("2026-03-02 10:00")
    await day.aclose()
    day.rules(rules)
    async with day:
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["paid Ben"]


async def test_what_a_rule_has_done_already_is_not_begun_again_when_it_is_asked_to_look_back(tmp_path: Path) -> None:
    plain = ANSWER.replace("  backfill: 7 days\n", "")
    day = StudioDay(tmp_path, plain, start="2026-02-27 08:00")
    await day.start()
    await day.until("2026-02-27 09:01")
    day.lead("Anna")
    await day.until("2026-02-27 10:01")
    await day.aclose()
    day.rules(ANSWER)
    async with day:
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["answer Anna"]


async def test_moments_of_the_span_are_acted_on_while_their_date_is_to_come(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, SOON)
    day.session(day.known("Anna"), "2026-03-05 12:00")  # a week before was on 26 February
    day.session(day.known("Ben"), "2026-03-02 08:15")  # longer ago than the span, and over soon
    day.session(day.known("Cleo"), "2026-03-20 12:00")
    async with day:
        await day.until("2026-03-14 12:00")
        assert [row[6:] for row in day.sent()] == ["08:00 soon Anna", "10:00 soon Cleo"]


async def test_more_than_usual_are_held_all_of_them(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER, start="2026-03-01 08:00")
    for number in range(11):
        day.lead(f"L{number}")
    day.clock_to("2026-03-02 09:00")
    async with day:
        await day.until("2026-03-02 12:00")
        assert day.sent() == []
        held = await day.held()
        assert len(held) == 11
        assert {one.hold for one in held} == {Hold.FLOOD}


async def test_check_says_what_it_would_begin_and_then_that_is_what_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = StudioDay(tmp_path, "", start="2026-02-20 08:00")
    leads(day)
    await day.start()
    day.session(day.known("Eve"), "2026-03-05 12:00")
    await day.until("2026-03-02 09:30")
    day.rules(ANSWER + SOON)
    assert await asyncio.to_thread(main, ["check", "-w", str(day.workspace)]) == 0
    said = capsys.readouterr()
    assert "Rule answer looks back 7 days when the service runs, and would begin 2 runs" in said.out + said.err
    assert "  Ben Canary2: lead.created, Fri 2026-02-27 12:00" in said.out + said.err
    assert "  Eve Canary4: 7 days before session.start_at, Thu 2026-02-26 10:00" in said.out + said.err
    first = {back.rule_id: [one.client for one in back.beginnings] for back in await preview(day)}
    await day.restart()
    await day.until("2026-03-02 12:00")
    assert sorted(row[12:] for row in day.sent()) == ["answer Ben", "soon Eve"]
    assert [name and name.split()[0] for name in first["soon"]] == ["Eve"]
    # Threads from before the first look aren't read before they matter: who was answered is asked just before.
    assert [name and name.split()[0] for name in first["answer"]] == ["Ben", "Cleo"]
    assert await preview(day) == []
    await day.aclose()


async def test_a_service_that_dies_while_it_looks_back_begins_each_once(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER, start="2026-02-20 08:00")
    leads(day)

    class Died(BaseException):
        pass

    def die(name: str) -> None:
        if name == "observe.backfilled":
            raise Died

    await day.start()
    day.service.context.crash_point = die
    with pytest.raises(Died):
        await day.until("2026-03-02 10:00")
    await day.aclose()
    async with day:
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["answer Ben"]
