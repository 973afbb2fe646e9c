"""Rule files that change while the service runs: the good ones count at once, a broken one as it was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.runtime.reload import Reloader, watching
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = """
- id: answer
  title: Answer a new lead
  when: lead.created
  repeat: once
  then:
    - send: hello
"""
BILL = """
rules:
  - id: bill
    title: A bill went out
    when: invoice.sent
    then:
      - send: bill
"""


def write(day: StudioDay, name: str, text: str) -> None:
    (day.workspace / name).write_text(text, "utf-8")


def degraded(day: StudioDay) -> tuple[str, ...]:
    reader = SqlReader(day.database)
    try:
        return reader.status().degraded
    finally:
        reader.close()


async def test_other_words_are_said_from_the_next_message_on(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        reloader = Reloader(day.service)
        await day.until("2026-03-02 09:00")
        day.lead("Anna")
        await day.until("2026-03-02 10:00")
        write(day, "automations/messages/hello.md", "Good day {{ client.first_name }}\n")
        assert await reloader.reload()
        day.lead("Ben")
        await day.until("2026-03-02 11:00")
        assert [row[12:] for row in day.sent()] == ["hello Anna", "Good day Ben"]


async def test_a_rule_that_is_added_causes_nothing_for_what_is_there(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        reloader = Reloader(day.service)
        anna = day.known("Anna")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        write(day, "automations/messages/bill.md", "Your bill, {{ client.first_name }}\n")
        write(day, "rules/bill.yaml", BILL)
        day.invoice(anna, "2026-03-21")  # not seen yet when the rule comes, and there already
        assert await reloader.reload()
        await day.until("2026-03-02 11:00")
        day.invoice(anna, "2026-03-22")
        await day.until("2026-03-02 12:00")
        assert len(day.sent()) == len([row for row in day.sent() if "Your bill" in row])
        assert 1 <= len(day.sent()) <= 2
        (row,) = [r for r in await day.write(lambda tx: list(tx.rules.rows().values())) if r.rule_id == "bill"]
        assert row.removed_at is None


async def test_a_broken_file_counts_as_it_was_and_the_others_as_they_are(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        reloader = Reloader(day.service)
        await day.until("2026-03-02 09:00")
        write(day, "rules/test.yaml", "rules:\n  - id: answer\n    when: lead.creatd\n    then:\n      - send: hello\n")
        write(day, "automations/messages/hello.md", "Good day {{ client.first_name }}\n")
        assert await reloader.reload()
        day.lead("Anna")
        await day.until("2026-03-02 10:00")
        assert [row[12:] for row in day.sent()] == ["Good day Anna"]
        (first, *_more) = degraded(day)
        assert first.startswith("rules/test.yaml:3:11: ")
        assert "did you mean 'lead.created'" in first
        assert "A change of the rules can't be used" in await day.notices()
        assert not [subject for subject in await day.notices() if "gone from the workspace" in subject]


async def test_mended_it_counts_and_the_owner_is_told(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        reloader = Reloader(day.service)
        write(day, "rules/test.yaml", "rules: [")
        assert not await reloader.reload(), "nothing else changed"
        assert degraded(day)
        write(day, "rules/test.yaml", "rules:" + ANSWER.replace("send: hello", "send: other"))
        assert not await reloader.reload(), "it says words that there aren't"
        write(day, "automations/messages/other.md", "Other {{ client.first_name }}\n")
        assert await reloader.reload()
        assert not degraded(day)
        assert "The rules are in order again" in await day.notices()
        await day.until("2026-03-02 09:00")
        day.lead("Anna")
        await day.until("2026-03-02 10:00")
        assert [row[12:] for row in day.sent()] == ["Other Anna"]


async def test_the_same_fault_is_told_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        reloader = Reloader(day.service)
        for number in range(3):
            write(day, "rules/test.yaml", "rules: [")
            write(day, "automations/messages/more.md", f"{number}\n")
            await reloader.reload()
        assert (await day.notices()).count("A change of the rules can't be used") == 1


async def test_a_rule_that_is_removed_pauses_its_runs_and_says_so(tmp_path: Path) -> None:
    waits = ANSWER.replace("    - send: hello", "    - wait: 1 day\n    - send: hello\n      if: client.type == 'lead'")
    async with StudioDay(tmp_path, waits) as day:
        reloader = Reloader(day.service)
        await day.until("2026-03-02 09:00")
        day.lead("Anna")
        await day.until("2026-03-02 10:00")
        write(day, "rules/test.yaml", "rules: []\n")
        assert await reloader.reload()
        await day.until("2026-03-04 10:00")
        assert day.sent() == []
        assert "Rule answer is gone from the workspace" in await day.notices()


async def test_a_workspace_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        reloader = Reloader(day.service)
        (day.workspace / "rules" / "away.yaml").symlink_to(tmp_path / "elsewhere.yaml")
        (tmp_path / "elsewhere.yaml").write_text("rules: []\n")
        assert not await reloader.reload()
        assert "leads out of the workspace" in degraded(day)[0]


@pytest.mark.parametrize("how", ["in place", "renamed over"])
async def test_a_saved_file_is_picked_up_within_a_second_or_two(tmp_path: Path, how: str) -> None:
    async with StudioDay(tmp_path, ANSWER) as day, watching(day.service):
        await asyncio.sleep(0.3)  # the watch begins
        if how == "in place":
            write(day, "automations/messages/hello.md", "Good day {{ client.first_name }}\n")
        else:
            write(day, "automations/messages/.hello.md.swp", "Good day {{ client.first_name }}\n")
            (day.workspace / "automations/messages/.hello.md.swp").rename(
                day.workspace / "automations/messages/hello.md"
            )
        async with asyncio.timeout(10):
            while day.service.context.next_rules is None:
                await asyncio.sleep(0.02)
