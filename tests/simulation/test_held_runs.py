"""A step that can't be decided holds its run, and the owner is told of it (rule-language.md, Exact meaning 6)."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulation.studio_day import StudioDay, berlin

from selftimer.cli.explaining import explain_client
from selftimer.cli.glance import show_status
from selftimer.cli.lists import show_deliveries
from selftimer.plan.state import RunState
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.ports.reader import NoticeView
    from selftimer.sandbox.model import Client

BRANCH = """
- id: chase
  title: Ask after the contract
  when: contract.sent
  then:
    - if: client.company == 'Nord'
      then:
        - send: friendly
      else:
        - send: firm
"""
"""Of a client without a company nobody knows which."""
STOP = """
- id: chase
  title: Ask after the contract
  when: contract.sent
  then:
    - {stop: another firm, if: client.company != 'Nord'}
    - send: friendly
"""
INPUT = """
- id: chase
  title: Ask after the contract
  when: contract.sent
  then:
    - run: asking
      with: {word: "{{ client.company }}"}
"""
ASKING = """
- id: asking
  title: Ask
  subject: contract
  inputs: {word: {type: text}}
  then:
    - send: friendly
"""
BROKEN = """
- id: chase
  title: Ask after the contract
  when: contract.sent
  then:
    - if: (client.contracts | count) / (client.invoices | count) > 1
      then:
        - send: friendly
"""
WAITS = """
- id: chase
  title: Ask after the contract
  when: contract.sent
  then:
    - wait: until 1 day after contract.signed_at at 10:00
    - send: friendly
      if: not contract.expired
"""


async def told(day: StudioDay) -> list[NoticeView]:
    """What the owner was told of the rule, the oldest first."""
    with closing(SqlReader(day.database)) as reader:
        return [one for one in reversed(reader.notices(limit=500)) if one.subject.startswith("chase ")]


async def sent_out(day: StudioDay) -> Client:
    """A contract goes out at nine, to a client whose company is not known."""
    anna = day.known()
    await day.until("2026-03-02 09:00")
    day.contract(anna)
    await day.poll()
    return anna


async def test_a_branch_that_cannot_be_decided_is_told_once_after_an_hour(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BRANCH) as day:
        await sent_out(day)
        assert await day.ends() == ["held"]
        await day.until("2026-03-02 09:55")
        assert await told(day) == []
        await day.until("2026-03-02 10:15")
        (notice,) = await told(day)
        run = (await day.runs())[0]
        assert "is held at" in notice.subject
        assert notice.text.startswith(f"For client {run.client_id}: client.company is missing")
        assert f"'selftimer explain {run.client_id} chase'" in notice.text
        assert "until 2026-03-03 09:0" in notice.text
        await day.until("2026-03-02 11:00")
        await day.restart()
        await day.until("2026-03-02 12:00")
        assert len(await told(day)) == 1
        assert day.sent() == []


async def test_what_is_known_soon_is_decided_and_nobody_is_told(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BRANCH) as day:
        anna = await sent_out(day)
        await day.until("2026-03-02 09:30")
        day.change(anna, company="Nord")
        await day.until("2026-03-02 11:00")
        assert [row[12:] for row in day.sent()] == ["friendly Anna"]
        assert await told(day) == []
        assert await day.ends() == ["done"]


async def test_when_late_is_over_the_run_ends_with_a_reason_and_a_notice(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BRANCH.replace("  then:\n    - if", "  late: 3 hours\n  then:\n    - if")) as day:
        anna = await sent_out(day)
        await day.until("2026-03-02 12:00")
        assert await day.ends() == ["held"]
        await day.until("2026-03-02 12:20")
        assert (await day.ends())[0].startswith("late: client.company is missing")
        assert [notice.subject.split(" at ")[0] for notice in await told(day)] == [
            "chase is held",
            "chase was too late",
        ]
        assert "It was held since 2026-03-02 09:0" in (await told(day))[1].text
        day.change(anna, company="Nord")
        await day.until("2026-03-02 13:00")
        assert day.sent() == []


async def test_nights_do_not_count_towards_how_late_a_held_run_is(tmp_path: Path) -> None:
    night = 'quiet_hours = "08:30-12:00"\n'
    rule = BRANCH.replace("  then:\n    - if", "  late: 3 hours\n  then:\n    - if")
    async with StudioDay(tmp_path, rule, toml=night) as day:
        await sent_out(day)
        await day.until("2026-03-02 14:50")
        assert await day.ends() == ["held"]
        await day.until("2026-03-02 15:20")
        assert (await day.ends())[0].startswith("late: ")


async def test_what_is_in_error_is_told_at_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BROKEN) as day:
        await sent_out(day)
        await day.until("2026-03-02 09:10")
        (notice,) = await told(day)
        assert "client.contracts" in notice.text
        assert "division by zero" in notice.text
        await day.until("2026-03-02 12:00")
        assert len(await told(day)) == 1


@pytest.mark.parametrize("rules", [STOP, INPUT])
async def test_any_step_that_cannot_be_decided_is_told(tmp_path: Path, rules: str) -> None:
    async with StudioDay(tmp_path, rules.replace("  then:", "  late: 2 hours\n  then:", 1), automations=ASKING) as day:
        await sent_out(day)
        assert await day.ends() == ["held"]
        await day.until("2026-03-02 10:30")
        (notice,) = await told(day)
        assert "client.company is missing" in notice.text
        await day.until("2026-03-02 11:20")
        assert (await day.ends())[0].startswith("late: ")
        assert len(await told(day)) == 2


async def test_a_wait_for_a_date_that_is_missing_is_told_and_goes_on_when_it_is_there(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, WAITS) as day:
        await sent_out(day)
        (notice,) = await told(day)
        assert "waits at" in notice.subject
        assert "contract.signed_at is missing" in notice.text
        await day.until("2026-03-10 12:00")
        assert await day.ends() == ["waiting"]
        day.sign(day.world.tables.contracts.newest()[0])
        await day.until("2026-03-11 12:00")
        assert [row[:11] for row in day.sent()] == ["03-11 10:00"]
        assert len(await told(day)) == 1


async def test_an_or_until_that_is_unknown_is_not_yet_and_one_in_error_is_told(tmp_path: Path) -> None:
    unknown = WAITS.replace(
        "until 1 day after contract.signed_at at 10:00", "2 days\n      or_until: client.company == 'Nord'"
    )
    async with StudioDay(tmp_path / "a", unknown) as day:
        await sent_out(day)
        await day.until("2026-03-04 10:00")
        assert [row[12:] for row in day.sent()] == ["friendly Anna"]
        assert await told(day) == []
    broken = WAITS.replace(
        "until 1 day after contract.signed_at at 10:00", "2 days\n      or_until: 1 / (client.invoices | count) > 1"
    )
    async with StudioDay(tmp_path / "b", broken) as day:
        await sent_out(day)
        (notice,) = await told(day)
        assert "division by zero" in notice.text
        await day.until("2026-03-04 10:00")
        assert [row[12:] for row in day.sent()] == ["friendly Anna"]


async def test_a_run_held_before_a_date_does_nothing_after_it(tmp_path: Path) -> None:
    rule = """
    - id: chase
      title: Tomorrow
      when: 1 day before session.start_at at 10:00
      late: 5 days
      then:
        - if: client.company == 'Nord'
          then:
            - send: friendly
          else:
            - send: firm
    """
    async with StudioDay(tmp_path, rule) as day:
        anna = day.known()
        day.session(anna, "2026-03-05 12:00")
        await day.until("2026-03-04 12:00")
        (run,) = await day.runs(RunState.HELD)
        assert run.wake_at == berlin("2026-03-05 12:00")
        await day.until("2026-03-05 12:10")
        day.change(anna, company="Nord")
        await day.until("2026-03-06 12:00")
        assert day.sent() == []
        assert (await day.ends())[0].startswith("late: client.company is missing")


async def test_status_names_what_is_held(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BRANCH) as day:
        await sent_out(day)
        with closing(SqlReader(day.database)) as reader:
            view = reader.status()
        assert view.runs[RunState.HELD] == 1
        assert [(one.rule_id, (one.reason or "").split(",")[0]) for one in view.held_runs] == [
            ("chase", "client.company is missing")
        ]


async def test_commands_say_what_is_held_why_and_until_when(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everything: dict[str, Any] = {"rule": None, "client": None, "limit": 9, "as_json": False}
    async with StudioDay(tmp_path, BRANCH) as day:
        anna = await sent_out(day)
        folder = day.workspace
        for show in (
            lambda: show_status(folder, check=False, as_json=False),
            lambda: show_deliveries(folder, state="held", **everything),
            lambda: explain_client(folder, anna.id, None, limit=99, as_json=False),
        ):
            await asyncio.to_thread(show)
            said = " ".join(capsys.readouterr().out.split())
            assert "client.company is missing" in said
            assert "2026-03-03" in said
