"""A restart loses nothing and doubles nothing, whatever was under way, and whatever of the database is lost (§5)."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import orjson
import pytest
from tests.acceptance.support_meddler import Meddler
from tests.simulation.studio_day import ProcessDied, StudioDay

from selftimer.plan.keys import digest
from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from pathlib import Path

FOLLOW = """
- id: follow
  title: Follow up
  when: lead.created
  until: client.replied
  then:
    - wait: 1 day
    - send: first
    - wait: 1 day
    - send: second
"""
PAPER = """
- id: paper
  title: A contract for a booking
  when: session.confirmed
  then:
    - create: contract
      from: Portrait agreement
    - wait: 1 day
    - send: please-sign
      if: contract.outstanding
"""
POINTS = [
    "deliver.before_intent",
    "deliver.after_intent",
    "deliver.after_journal",
    "deliver.after_post",
    "deliver.after_outcome",
]


async def die_at(day: StudioDay, point: str, until: str) -> None:
    """Run until the process dies there; what it left behind stays as it is."""

    def die(here: str) -> None:
        if here == point:
            raise ProcessDied

    day.service.context.crash_point = die
    with suppress(ProcessDied, BaseExceptionGroup):
        await day.until(until)
    await day.aclose()


@pytest.mark.parametrize("point", POINTS)
async def test_a_message_is_sent_once_wherever_the_process_died(tmp_path: Path, point: str) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    await day.start()
    await day.until("2026-03-02 09:01")
    day.lead("Anna")
    await die_at(day, point, "2026-03-05 12:00")
    async with day:
        await day.until("2026-03-05 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna"]


@pytest.mark.parametrize("point", POINTS)
async def test_a_contract_is_made_once_or_held_wherever_the_process_died(tmp_path: Path, point: str) -> None:
    day = StudioDay(tmp_path, PAPER)
    anna = day.known()
    await day.start()
    await day.until("2026-03-02 09:01")
    day.session(anna, "2026-04-01 12:00")
    await die_at(day, point, "2026-03-05 12:00")
    async with day:
        await day.until("2026-03-05 12:00")
        lost = point in {"deliver.after_intent", "deliver.after_journal"}
        assert len(day.made("contract")) == (0 if lost else 1)
        held = await day.held()
        assert [d.hold for d in held] == ([Hold.EVIDENCE] if lost else [])
        assert len(day.sent()) == (0 if lost else 1)


async def test_the_line_of_the_journal_is_on_the_disk_before_the_post_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut after the POST, and a backup that is put back: only that line knows of it then."""
    day, durable, real = StudioDay(tmp_path, FOLLOW), 0, os.fsync
    journal = day.database.parent / "sends.jsonl"

    def fsync(file: int) -> None:
        nonlocal durable
        real(file)
        if journal.exists() and os.path.samestat(os.fstat(file), journal.stat()):
            durable = os.fstat(file).st_size

    async def look() -> None:
        lines = journal.read_bytes()[:durable].splitlines() if journal.exists() else []
        known.append([orjson.loads(line)["outcome"] for line in lines])

    known: list[list[str]] = []
    monkeypatch.setattr("os.fsync", fsync)
    day.transport = Meddler(day.transport, path="POST .*/conversation_messages", before=look)  # type: ignore[assignment] # it counts requests too
    async with day:
        await day.until("2026-03-02 09:01")
        day.lead("Anna")
        await day.until("2026-03-05 12:00")
    assert known == [["intent"], ["intent", "sent", "intent"]]
    texts = [f"{words} Anna\n\nKim, Studio Nord" for words in ("first", "second")]
    lines = map(orjson.loads, journal.read_bytes().splitlines())
    assert [line["digest"] for line in lines] == [digest(text) for text in texts for _ in ("intent", "sent")]


async def test_waits_timers_and_approvals_are_there_after_a_restart(tmp_path: Path) -> None:
    rules = FOLLOW.replace("    - send: second\n", "    - send: second\n      approve: true\n")
    async with StudioDay(tmp_path, rules) as day:
        await day.until("2026-03-02 09:01")
        day.lead("Anna")
        for at in ("2026-03-02 12:00", "2026-03-03 09:06", "2026-03-04 12:00"):
            await day.until(at)
            await day.restart()
        await day.until("2026-03-04 13:00")
        (held,) = await day.held()
        await day.approve(held.id)
        await day.until("2026-03-04 15:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna"]


def journal_only(day: StudioDay) -> None:
    for path in day.database.parent.glob("selftimer.db*"):
        path.unlink()


async def test_after_a_lost_database_nothing_is_sent_again_and_nothing_at_all_before_the_owner_says_so(
    tmp_path: Path,
) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    await day.start()
    await day.until("2026-03-02 09:01")
    anna = day.lead("Anna")
    await day.until("2026-03-03 12:00")
    await day.aclose()
    journal_only(day)
    async with day:
        await day.until("2026-03-03 13:00")
        assert "Selftimer started held" in await day.notices()
        await day.order("start", rule="follow", record=anna.id)
        day.lead("Ben")
        await day.until("2026-03-04 15:00")
        assert [row[12:] for row in day.sent()] == ["first Anna"]
        await day.order("resume", scope="all")
        await day.until("2026-03-06 12:00")
        assert [row[12:] for row in day.sent()].count("first Ben") == 1


async def test_after_the_owner_said_so_another_start_is_not_held_again(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    await day.start()
    await day.until("2026-03-02 09:01")
    day.lead("Anna")
    await day.until("2026-03-03 12:00")
    await day.aclose()
    journal_only(day)
    async with day:
        await day.order("resume", scope="all")
        await day.until("2026-03-03 13:00")
        await day.restart()
        await day.until("2026-03-03 13:01")
        day.lead("Ben")
        await day.until("2026-03-04 14:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "first Ben"]


@pytest.mark.parametrize(("rules", "verb"), [(FOLLOW, "message"), (PAPER, "contract")])
async def test_a_restored_backup_sends_nothing_again_that_left_after_it(tmp_path: Path, rules: str, verb: str) -> None:
    day = StudioDay(tmp_path, rules)
    anna = day.known()
    await day.start()
    await day.until("2026-03-02 09:01")
    if verb == "message":
        day.lead("Anna")
        await day.until("2026-03-03 09:04")
    else:
        day.fault("status", method="GET", path="/templates/contracts", times=20, status=503)
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 09:05")
    await day.aclose()
    backup = tmp_path / "backup"
    shutil.copytree(day.database.parent, backup)
    await day.start()
    await day.until("2026-03-03 09:30" if verb == "message" else "2026-03-02 09:30")
    before = len(day.ledger["writes"])
    assert before == 1
    await day.aclose()
    journal = (day.database.parent / "sends.jsonl").read_bytes()
    shutil.rmtree(day.database.parent)
    shutil.copytree(backup, day.database.parent)
    (day.database.parent / "sends.jsonl").write_bytes(journal)
    async with day:
        await day.order("resume", scope="all")
        await day.until("2026-03-03 23:00" if verb == "message" else "2026-03-02 23:00")
        assert len(day.ledger["writes"]) == 1
        assert DeliveryState.SENT in {d.state for d in await day.deliveries()}
        await day.until("2026-03-05 12:00")
        assert len(day.ledger["writes"]) == 2  # the run went on to its next step


async def test_what_was_only_tried_out_is_no_send_that_was_forgotten(tmp_path: Path) -> None:
    rules = FOLLOW.replace("  when:", "  mode: dry_run\n  when:")
    day = StudioDay(tmp_path, rules)
    await day.start()
    await day.until("2026-03-02 09:01")
    day.lead("Anna")
    await day.until("2026-03-03 12:00")
    await day.aclose()
    journal_only(day)
    async with day:
        await day.until("2026-03-03 13:00")
        assert await day.notices() == []
        assert day.sent() == []


async def test_pinned_runs_finish_in_their_version(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    await day.start()
    await day.until("2026-03-02 09:01")
    day.lead("Anna")
    await day.until("2026-03-03 12:00")
    await day.aclose()
    day.rules(FOLLOW + "    - wait: 1 day\n    - send: third\n")
    async with day:
        await day.until("2026-03-03 12:01")
        day.lead("Ben")
        await day.until("2026-03-07 12:00")
        assert sorted(row[12:] for row in day.sent()) == [
            "first Anna",
            "first Ben",
            "second Anna",
            "second Ben",
            "third Ben",
        ]


async def test_a_removed_rule_pauses_its_runs_and_says_so_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    await day.start()
    await day.until("2026-03-02 09:01")
    day.lead("Anna")
    await day.until("2026-03-02 12:00")
    await day.aclose()
    day.rules("", words={"first": "first {{ client.first_name }}\n", "second": "second {{ client.first_name }}\n"})
    async with day:
        await day.until("2026-03-03 12:00")
        assert day.sent() == []
        assert "Rule follow is gone from the workspace" in await day.notices()
        await day.aclose()
        day.rules(FOLLOW)
        await day.start()
        await day.until("2026-03-05 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna"]


async def test_an_edited_rule_that_says_so_cancels_its_runs(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    await day.start()
    await day.until("2026-03-02 09:01")
    day.lead("Anna")
    await day.until("2026-03-02 12:00")
    await day.aclose()
    day.rules(FOLLOW.replace("  then:", "  on_edit: cancel\n  then:"))
    async with day:
        await day.until("2026-03-05 12:00")
        assert day.sent() == []
        assert await day.ends() == ["the rule was edited"]
