"""A fault in Selftimer itself harms the one thing it lies in, is told, and is never a second message (DESIGN.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay
from whenever import Date

from selftimer.engine.ruleset import RuleSet
from selftimer.errors import RuleFileError, StoreFull
from selftimer.plan.state import DeliveryState, RunState

if TYPE_CHECKING:
    from pathlib import Path

BILL = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - send: bill
    - wait: 1 hour
    - send: again
"""
DAYS = """
- id: days
  title: Three working days before
  if: invoice.outstanding
  then:
    - when: 3 business days before invoice.due_date at 10:00
      send: days
"""


async def test_a_record_that_trips_us_is_told_and_the_others_are_taken_in(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, DAYS + BILL.replace("    - wait: 1 hour\n    - send: again\n", "")) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")

        def working(date: Date) -> bool:
            if date == Date(2026, 3, 19):
                raise ZeroDivisionError
            return True

        day.service.context.is_working_day = working
        day.invoice(anna, "2026-03-20")
        day.invoice(ben, "2026-03-10")
        await day.until("2026-03-02 09:06")
        assert [row[12:] for row in day.sent()] == ["bill Ben"]
        assert any(text.startswith("A fault in Selftimer with invoice") for text in await day.notices())
        day.service.context.is_working_day = lambda _: True
        day.world.changed()
        await day.until("2026-03-02 09:30")
        assert [row[12:] for row in day.sent()] == ["bill Ben", "bill Anna"]


async def test_a_moment_that_trips_us_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, DAYS.replace("3 business days", "1 business day")) as day:
        day.invoice(day.known("Anna"), "2026-03-15")  # a Sunday; both are due on Friday at ten
        day.invoice(day.known("Ben"), "2026-03-16")
        await day.until("2026-03-13 09:00")
        working = day.service.context.is_working_day

        def trip(date: Date) -> bool:
            if date == Date(2026, 3, 15):
                raise ZeroDivisionError
            return working(date)

        day.service.context.is_working_day = trip
        await day.until("2026-03-13 10:05")
        assert day.sent() == ["03-13 10:00 days Anna"]
        day.service.context.is_working_day = working
        await day.until("2026-03-13 12:00")
        assert [row[12:] for row in day.sent()] == ["days Anna", "days Ben"]


async def test_a_fault_after_the_post_is_settled_by_reading(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")

        def trip(point: str) -> None:
            if point == "deliver.after_post":
                day.service.context.crash_point = lambda _: None
                raise ZeroDivisionError

        day.service.context.crash_point = trip
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:30")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert await day.states() == ["bill sent: found"]


async def test_an_outcome_that_could_not_be_written_down_is_looked_for_when_its_lease_is_over(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")

        def full(point: str) -> None:
            if point == "deliver.after_post":
                day.service.context.crash_point = lambda _: None
                raise StoreFull("no space left")

        day.service.context.crash_point = full
        day.invoice(anna, "2026-03-20")
        try:
            await day.until("2026-03-02 09:06")
        except StoreFull:
            assert (await day.one()).state is DeliveryState.IN_FLIGHT
        await day.until("2026-03-02 09:40")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert await day.states() == ["bill sent: found"]


async def test_a_run_whose_version_cannot_be_read_any_more_is_held_and_told(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:30")

        def refuse(_source: object, _kept: object) -> None:
            raise RuleFileError([])

        book = day.service.context.rules.book
        other = {name: replace(rule, version="another") for name, rule in book.rules.items()}
        day.service.context.rules = RuleSet(replace(book, rules=other), refuse)  # type: ignore[arg-type]  # it never compiles
        await day.until("2026-03-02 12:00")
        (run,) = await day.runs()
        assert run.state is RunState.HELD
        assert "A run of rule bill is held" in await day.notices()


async def test_many_waits_that_end_at_once_are_a_flood_too(tmp_path: Path) -> None:
    rules = """
- id: wait
  title: Wait until the morning
  when: invoice.sent
  if: invoice.outstanding
  then:
    - wait: until 10:00
    - send: morning
"""
    async with StudioDay(
        tmp_path, rules, toml="[caps]\nrule_per_hour = 500\nrule_per_day = 500\nstudio_per_hour = 500\n"
    ) as day:
        many = [day.known(f"C{n}") for n in range(51)]
        for start in range(0, 51, 10):
            await day.until(f"2026-03-02 09:{start // 2 + 1:02}")
            for client in many[start : start + 10]:
                day.invoice(client, "2026-03-20")
        await day.until("2026-03-02 10:01")
        assert day.sent() == []
        assert len(await day.held()) == 51
