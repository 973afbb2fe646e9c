"""What Selftimer itself wrote: a contract of ours is chased, a value of ours is no event, chains end (20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay

if TYPE_CHECKING:
    from pathlib import Path

CHASED = """
- id: make
  title: Send the contract when a session is asked for
  when: session.requested
  then:
    - create: contract
      from: Portrait agreement
- id: chase
  title: Chase a contract
  when: contract.sent
  if: contract.outstanding
  then:
    - wait: 1 day
    - send: please-sign
"""


async def test_a_contract_that_we_sent_is_chased_like_any_other(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, CHASED) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00", "inquiry")
        await day.until("2026-03-04 12:00")
        assert day.made("contract") == ["03-02 09:05 Portrait agreement"]
        assert day.sent() == ["03-03 09:10 please-sign Anna"]


async def test_while_a_contract_of_ours_is_unclear_the_event_waits_and_is_then_known_to_be_ours(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, CHASED) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00", "inquiry")
        day.fault("drop_after", method="POST", path="/contracts/")
        await day.until("2026-03-02 09:12")
        assert [e.name for e in await day.events("parked")] == ["contract.sent"]
        await day.until("2026-03-04 12:00")
        assert len(day.made("contract")) == 1
        assert len(day.sent()) == 1
        chase = next(run for run in await day.runs() if run.rule_id == "chase")
        assert chase.depth == 1


UPDATE = """
- id: win
  title: A lead who books is a client
  when: session.confirmed
  then:
    - update: client
      set: {notes: "booked"}
- id: changed
  title: A client changed
  when: client.changed
  then:
    - send: changed
"""


async def test_a_value_that_we_set_is_no_event(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, UPDATE) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-03 12:00")
        assert anna.notes == "booked"
        assert day.sent() == []
        assert "own" in await day.verdicts("changed")


async def test_a_value_that_we_set_is_an_event_for_a_rule_that_asks_for_it(tmp_path: Path) -> None:
    rules = UPDATE.replace("  when: client.changed\n", "  when: client.changed\n  also: own_changes\n")
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 09:10 changed Anna"]


async def test_the_same_value_set_by_a_person_later_is_an_event(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, UPDATE) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 10:01")
        day.change(anna, notes="something else")
        await day.until("2026-03-02 11:01")
        day.change(anna, notes="booked")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 10:05 changed Anna", "03-02 11:05 changed Anna"]


async def test_two_values_that_we_set_one_after_the_other_are_both_ours(tmp_path: Path) -> None:
    more = '      id: one\n    - update: client\n      id: two\n      set: {company: "Nord"}\n'
    rules = UPDATE.replace('      set: {notes: "booked"}\n', '      set: {notes: "booked"}\n' + more)
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-03 12:00")
        assert (anna.notes, anna.company) == ("booked", "Nord")
        assert day.sent() == []


async def test_a_value_that_we_may_have_set_waits_until_that_is_settled(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, UPDATE) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        day.fault("drop_after", method="PUT", path="/clients/")
        day.fault("status", method="GET", path="/clients/cl_", skip=2, times=40, status=503)  # no look can be taken
        await day.until("2026-03-02 09:11")
        assert [e.name for e in await day.events("parked")] == ["client.changed"]
        await day.until("2026-03-03 12:00")
        assert anna.notes == "booked"
        assert day.sent() == []


async def test_our_own_messages_are_neither_an_event_nor_a_reply_nor_contact(tmp_path: Path) -> None:
    rules = """
- id: follow
  title: Follow up
  when: lead.created
  until: client.replied or client.contacted
  then:
    - wait: 1 day
    - send: first
    - wait: 1 day
    - send: second
- id: wrote
  title: Somebody wrote
  when: message.received
  then:
    - notify: wrote
"""
    async with StudioDay(tmp_path, rules) as day:
        await day.until("2026-03-02 09:01")
        day.lead("Anna")
        await day.until("2026-03-05 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna"]
        assert (await day.states()).count("wrote sent") == 1


LOOP = """
- id: loop
  title: A contract for a contract
  when: contract.sent
  then:
    - create: contract
      from: Model release
"""


async def test_a_chain_begun_by_our_own_creations_ends_at_the_third_and_says_so(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, LOOP) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.contract(anna)
        await day.until("2026-03-03 12:00")
        assert len(day.made("contract")) == 3
        assert any("setting itself off" in text for text in await day.notices())
