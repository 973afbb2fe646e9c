"""Never five hundred at once, whatever comes first: the ways around the hold for a flood (delivery.md §3)."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay
from tests.simulation.test_webhook_calls import RULE as FORM
from tests.simulation.test_webhook_calls import form_day

from selftimer.plan.state import DeliveryState, Hold, Verb
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = "[flood]\nby_events = 3\nby_moments = 5\n"
CAREFUL = """
- id: hello
  title: A session was confirmed
  when: session.confirmed
  if: client.type == 'client'
  then:
{first}
    - send: hello
"""
FIRST = {
    "a note": "    - notify: note",
    "a wait": "    - wait: 1 minutes",
    "a branch": "    - if: client.type == 'client'\n      then:\n        - notify: note",
    "an update": "    - update: client\n      set: {notes: seen}",
    "a coupon": "    - create: coupon\n      code: 'HI-{{ unique }}'\n      discount: 10%\n      uses: 1",
    "an automation": "    - run: soft",
    "a note and a long wait": "    - notify: note\n    - wait: 2 days",
}
SOFT = """
- id: soft
  title: Softly
  subject: session
  then:
    - notify: note
    - wait: 2 minutes
"""


async def confirmed(day: StudioDay, count: int) -> None:
    clients = [day.known(f"C{n}") for n in range(count)]
    await day.until("2026-03-02 09:01")
    for client in clients:
        day.session(client, "2026-04-01 12:00")
    await day.until("2026-03-02 10:30")


@pytest.mark.parametrize("first", [*FIRST])
async def test_what_comes_before_the_message_opens_no_way_around_the_hold(tmp_path: Path, first: str) -> None:
    rules = CAREFUL.format(first=FIRST[first])
    automations = SOFT if first == "an automation" else ""
    async with StudioDay(tmp_path, rules, automations=automations, toml=LIMIT) as day:
        await confirmed(day, 4)
        await day.until("2026-03-05 12:00")
        assert day.sent() == []
        held = [one for one in await day.held() if one.verb is Verb.MESSAGE]
        assert [(one.hold, one.reason) for one in held] == [(Hold.FLOOD, "4 at once: held for you")] * 4
        first_told, *again = [text for text in await day.notices() if "held for you: 4 at once" in text]
        assert first_told == "What rule hello will send is held for you: 4 at once"
        assert again in ([], ["4 messages held for you: 4 at once"])  # once more where they come together, later


async def test_as_many_as_the_limit_go_out_after_their_note(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, CAREFUL.format(first=FIRST["a note"]), toml=LIMIT) as day:
        await confirmed(day, 3)
        assert len(day.sent()) == 3


async def test_a_flood_of_runs_that_can_send_nothing_is_none(tmp_path: Path) -> None:
    rules = CAREFUL.replace("    - send: hello\n", "").format(first=FIRST["a note"])
    stopped = CAREFUL.replace("id: hello", "id: stopped").format(first="    - stop: not yet\n      if: now is defined")
    stopped = stopped.replace("now is defined", "client.type == 'client'")
    async with StudioDay(tmp_path, rules + stopped, toml=LIMIT) as day:
        await confirmed(day, 4)
        assert await day.states() == ["note sent"] * 4
        assert [text for text in await day.notices() if "held" in text] == []


async def test_a_yes_to_one_of_a_flood_lets_that_run_go_on_and_no_other(tmp_path: Path) -> None:
    rules = CAREFUL.format(first=FIRST["a note"]) + "    - send: more\n"
    async with StudioDay(tmp_path, rules, toml=LIMIT) as day:
        await confirmed(day, 4)
        first, *_ = await day.held()
        await day.approve(first.id)
        await day.until("2026-03-02 11:00")
        assert sorted(row[12:].split()[0] for row in day.sent()) == ["hello", "more"]
        assert len(await day.held()) == 3


async def test_no_answer_to_a_flood_is_a_no_to_what_its_runs_would_send_later_too(tmp_path: Path) -> None:
    rules = CAREFUL.format(first="    - send: early\n    - wait: 8 days")
    async with StudioDay(tmp_path, rules, toml=LIMIT) as day:
        await confirmed(day, 4)
        await day.until("2026-03-28 12:00")
        assert day.sent() == []
        assert {(one.words, one.state) for one in await day.deliveries()} == {
            ("early", DeliveryState.SKIPPED),
            ("hello", DeliveryState.SKIPPED),
        }


async def test_a_restart_between_the_note_and_the_message_opens_no_way_either(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, CAREFUL.format(first=FIRST["a wait"]), toml=LIMIT) as day:
        clients = [day.known(f"C{n}") for n in range(4)]
        await day.until("2026-03-02 09:01")
        for client in clients:
            day.session(client, "2026-04-01 12:00")
        await day.until("2026-03-02 09:05")
        await day.restart()
        await day.until("2026-03-02 10:00")
        assert day.sent() == []
        assert len(await day.held()) == 4


# --- by moments, ticks, looking back, an import ---

MOMENT = """
- id: soon
  title: Soon
  if: session.confirmed
  then:
    - when: 3 days before session.start_at at 10:00
      run: soft
"""
WRITE = SOFT + "    - send: hello\n"
TICK = """
- id: hello
  title: Everybody, each morning
  when: every day at 10:00
  for_each: client
  if: client.type == 'client'
  then:
    - notify: note
    - send: hello
"""


async def test_what_falls_due_together_is_counted_by_what_begins_not_by_what_is_sent_first(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MOMENT, automations=WRITE, toml=LIMIT) as day:
        for n in range(6):
            day.session(day.known(f"C{n}"), "2026-03-06 12:00")
        await day.until("2026-03-03 20:00")
        assert day.sent() == []
        assert {one.reason for one in await day.held()} == {"6 at once: held for you"}


async def test_a_tick_for_each_of_many_is_held_behind_its_notes(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, TICK, toml=LIMIT) as day:
        for n in range(6):
            day.known(f"C{n}")
        await day.until("2026-03-02 20:00")
        assert day.sent() == []
        assert {one.reason for one in await day.held()} == {"6 at once: held for you"}


async def test_looking_back_is_held_behind_its_notes(tmp_path: Path) -> None:
    rules = CAREFUL.format(first=FIRST["a note"]).replace("  then:", "  backfill: 7 days\n  then:", 1)
    day = StudioDay(tmp_path, toml=LIMIT)
    async with day:
        await confirmed(day, 4)
    day.rules(rules)
    async with day:
        await day.until("2026-03-02 14:00")
        assert day.sent() == []
        assert {one.reason for one in await day.held()} == {"4 at once: held for you"}


async def test_clients_who_are_imported_by_the_hundred_get_nothing_before_the_owner_says_so(tmp_path: Path) -> None:
    welcome = CAREFUL.replace("session.confirmed", "client.created").format(first=FIRST["a note"])
    async with StudioDay(tmp_path, welcome) as day:
        await day.until("2026-03-02 09:01")
        for n in range(40):
            day.client(f"C{n}")
        await day.until("2026-03-02 09:30")
        assert day.sent() == []
        held = [one for one in await day.held() if one.verb is Verb.MESSAGE]
        assert len(held) == 40
        assert {one.reason for one in held} == {"40 at once: held for you"}
        with closing(SqlReader(day.database)) as reader:
            told = [one for one in reader.notices(limit=500) if "held for you" in one.subject]
        assert len(told) == 1
        assert "selftimer approve --all-held hello" in told[0].text


# --- leads ---


async def test_leads_that_a_form_brings_in_a_burst_are_held(tmp_path: Path) -> None:
    async with form_day(tmp_path, FORM) as day:
        for n in range(12):
            await day.fill_form({"name": f"P{n}", "email": f"p{n}@example.com"})
            await day.until(f"2026-03-02 09:00:{n * 5:02}")
        await day.until("2026-03-02 10:00")
        assert len(day.entered()) == 10
        held = [one for one in await day.held() if one.verb is Verb.LEAD]
        assert {one.reason for one in held} == {"11 at once: held for you", "12 at once: held for you"}
        await day.fill_form({"name": "Later", "email": "later@example.com"})
        await day.until("2026-03-02 10:10")
        assert len(day.entered()) == 11


async def test_leads_that_one_poll_would_make_are_held(tmp_path: Path) -> None:
    friend = CAREFUL.format(first="    - create: lead\n      set: {email: 'x-{{ client.email }}'}").replace(
        "    - send: hello\n", ""
    )
    async with StudioDay(tmp_path, friend, toml=LIMIT) as day:
        await confirmed(day, 4)
        assert day.ledger["writes"] == []
        assert {one.verb for one in await day.held()} == {Verb.LEAD}
