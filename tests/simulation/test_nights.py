"""Nobody is written to in the night, however an effect came to be late (rule-language.md 17; delivery.md §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay

if TYPE_CHECKING:
    from pathlib import Path

QUIET = 'quiet_hours = "21:00-08:00"\n'
ANSWER = """
- id: answer
  title: Answer a lead
  when: lead.created
  repeat: after 30 days per client.email
  {options}
  then:
    - send: hello
"""


def answer(*options: str) -> str:
    return ANSWER.replace("  {options}\n", "".join(f"  {line}\n" for line in options))


async def test_a_lead_of_the_evening_that_is_seen_at_night_is_answered_in_the_morning(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, answer(), toml=QUIET) as day:
        await day.until("2026-03-02 22:58")
        day.lead("Anna")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-03 08:00 hello Anna"]


async def test_who_writes_at_night_is_answered_at_night_where_the_rule_says_so(tmp_path: Path) -> None:
    rules = answer("ignore_quiet_hours: event.in_quiet_hours")
    async with StudioDay(tmp_path, rules, toml=QUIET) as day:
        await day.until("2026-03-02 20:56")
        day.lead("Early")
        await day.until("2026-03-02 22:58")
        day.lead("Anna")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 23:00 hello Anna", "03-03 08:00 hello Early"]


async def test_what_was_due_in_the_evening_and_could_not_go_waits_for_the_morning(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, answer(), toml=QUIET) as day:
        await day.until("2026-03-02 19:58")
        day.lead("Anna")
        day.fault("status", method="GET", path=r"/clients/cl_", times=10_000, status=503)
        await day.until("2026-03-02 22:30")
        day.faults.clear()
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-03 08:00 hello Anna"]


async def test_what_the_owner_approves_at_night_goes_out_in_the_morning(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, answer("approve: true"), toml=QUIET) as day:
        await day.until("2026-03-02 19:58")
        day.lead("Anna")
        await day.until("2026-03-02 23:00")
        await day.approve((await day.one()).id)
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-03 08:00 hello Anna"]


async def test_the_night_does_not_make_an_effect_late(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, answer("late: 2 hours"), toml=QUIET) as day:
        await day.until("2026-03-02 20:50")
        day.lead("Anna")
        day.fault("status", method="GET", path=r"/clients/cl_", times=10_000, status=503)
        await day.until("2026-03-02 21:10")
        day.faults.clear()
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-03 08:00 hello Anna"]
