"""`settle`: a value counts when it has stood that long; there and back is nothing (rule-language.md 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay

if TYPE_CHECKING:
    from pathlib import Path

MOVED = """
- id: moved
  title: Tell about a new date
  when: session.rescheduled
  settle: 30 minutes
  then:
    - send: moved
"""
FROM = {"moved": "from {{ event.before.start_at | date }}\n"}


async def test_a_new_date_is_told_when_it_has_stood_for_half_an_hour(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MOVED) as day:
        session = day.session(day.known(), "2026-04-01 12:00")
        await day.until("2026-03-02 09:01")
        day.move(session, "2026-04-08 12:00")
        await day.until("2026-03-02 09:30")
        assert day.sent() == []
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 09:35 moved Anna"]


async def test_there_and_back_is_nothing(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MOVED) as day:
        session = day.session(day.known(), "2026-04-01 12:00")
        await day.until("2026-03-02 09:01")
        day.move(session, "2026-04-08 12:00")
        await day.until("2026-03-02 09:16")
        day.move(session, "2026-04-01 12:00")
        await day.until("2026-03-03 12:00")
        assert day.sent() == []


async def test_dragged_twice_it_is_told_once_from_the_last_settled_date(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MOVED, words=FROM) as day:
        session = day.session(day.known(), "2026-04-01 12:00")
        await day.until("2026-03-02 09:01")
        day.move(session, "2026-04-08 12:00")
        await day.until("2026-03-02 09:16")
        day.move(session, "2026-04-15 12:00")
        await day.until("2026-03-03 12:00")
        (told,) = day.sent()
        assert told.startswith("03-02 09:50 from")
        assert "1" in told
        assert "8" not in told


async def test_a_status_that_did_not_last_is_nothing(tmp_path: Path) -> None:
    rules = MOVED.replace("session.rescheduled", "session.confirmed")
    async with StudioDay(tmp_path, rules) as day:
        session = day.session(day.known(), "2026-04-01 12:00", "inquiry")
        await day.until("2026-03-02 09:01")
        day.set_session(session, "confirmed")
        await day.until("2026-03-02 09:16")
        day.set_session(session, "canceled")
        await day.until("2026-03-03 12:00")
        assert day.sent() == []


async def test_a_lead_who_is_a_client_before_it_has_settled_is_no_lead(tmp_path: Path) -> None:
    rules = MOVED.replace("session.rescheduled", "lead.created").replace("  then", "  repeat: once\n  then")
    async with StudioDay(tmp_path, rules) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        day.lead("Ben")
        await day.until("2026-03-02 09:16")
        day.change(anna, type="client")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 09:35 moved Ben"]


async def test_another_change_meanwhile_leaves_what_settles_alone(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MOVED) as day:
        session = day.session(day.known(), "2026-04-01 12:00", "pending")
        await day.until("2026-03-02 09:01")
        day.move(session, "2026-04-08 12:00")
        await day.until("2026-03-02 09:16")
        day.set_session(session, "confirmed")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 09:35 moved Anna"]


async def test_what_settles_survives_a_restart(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MOVED) as day:
        session = day.session(day.known(), "2026-04-01 12:00")
        await day.until("2026-03-02 09:01")
        day.move(session, "2026-04-08 12:00")
        await day.until("2026-03-02 09:20")
        await day.restart()
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 09:35 moved Anna"]


async def test_a_message_is_as_it_is_and_settles(tmp_path: Path) -> None:
    rules = MOVED.replace("session.rescheduled", "message.received")
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.says(anna)
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 09:35 moved Anna"]
