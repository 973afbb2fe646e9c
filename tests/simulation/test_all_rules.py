"""`all_rules`: every rule is held to it besides its own, and it can only make them more careful."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay, workspace_files

from selftimer.plan.state import Hold
from selftimer.simulation.workspace import write_files

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  until: client.notes is containing 'stop'
  then:
    - send: bill
    - wait: 1 day
    - send: again
- id: meet
  title: A session is settled
  when: session.confirmed
  then:
    - notify: meet
"""


def with_all(folder: Path, everywhere: str, rules: str = RULES) -> StudioDay:
    day = StudioDay(folder, rules)
    write_files(day.workspace, {"rules/everywhere.yaml": f"all_rules:\n{everywhere}"})
    return day


async def test_whoever_is_marked_waits_for_a_yes_and_others_do_not(tmp_path: Path) -> None:
    async with with_all(tmp_path, "  approve: client.notes is containing 'VIP'\n") as day:
        anna, ben = day.known("Anna", notes="a VIP"), day.known("Ben", notes="")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        day.invoice(ben, "2026-03-20")
        await day.poll()
        assert [row[12:] for row in day.sent()] == ["bill Ben"]
        assert [d.hold for d in await day.held()] == [Hold.APPROVAL]


async def test_its_if_holds_besides_the_rules_own_and_its_until_ends_them(tmp_path: Path) -> None:
    everywhere = "  if: not client.notes is containing 'never'\n  until: client.replied\n"
    async with with_all(tmp_path, everywhere) as day:
        people = [day.known(name, notes=notes) for name, notes in (("Anna", "never"), ("Ben", ""), ("Cleo", ""))]
        await day.until("2026-03-02 09:01")
        for one in people:
            day.invoice(one, "2026-03-20")
        await day.poll()
        assert sorted(row[12:] for row in day.sent()) == ["bill Ben", "bill Cleo"]
        day.says(people[1], "I will pay")
        day.change(people[2], notes="stop")
        await day.until("2026-03-04 09:00")
        assert len(day.sent()) == 2
        assert sorted(await day.ends()) == ["until came true", "until came true"]


async def test_of_limits_the_smaller_counts(tmp_path: Path) -> None:
    rules = RULES.replace("  if: invoice.outstanding\n", "  if: invoice.outstanding\n  limits: {per_hour: 5}\n")
    async with with_all(tmp_path, "  limits: {per_hour: 1, per_day: 3}\n", rules) as day:
        people = [day.known(name) for name in ("Anna", "Ben", "Cleo")]
        await day.until("2026-03-02 09:01")
        for one in people:
            day.invoice(one, "2026-03-20")
        await day.until("2026-03-02 09:50")
        assert len(day.sent()) == 1
        await day.until("2026-03-02 12:30")
        assert len(day.sent()) == 3


async def test_what_it_says_of_records_that_a_rule_is_not_about_leaves_that_rule_alone(tmp_path: Path) -> None:
    async with with_all(tmp_path, "  if: [invoice.amount > 500, 'not client.sample']\n") as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        day.session(anna, "2026-04-01 12:00")
        await day.poll()
        assert await day.states() == ["meet sent"]


async def test_it_is_todays_for_runs_of_an_older_version_too(tmp_path: Path) -> None:
    async with with_all(tmp_path, "  approve: false\n") as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.poll()
        assert len(day.sent()) == 1
        edited = RULES.replace("    - wait: 1 day\n", "    - wait: 2 days\n")
        write_files(day.workspace, workspace_files(edited))
        write_files(day.workspace, {"rules/everywhere.yaml": "all_rules:\n  until: invoice.amount > 50\n"})
        await day.restart()
        await day.until("2026-03-04 09:00")
        assert len(day.sent()) == 1
        assert await day.ends() == ["until came true"]
