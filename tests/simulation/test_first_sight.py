"""What was there before fires nothing; what comes after fires once (rule-language.md 8; delivery.md §3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
from tests.simulation.studio_day import AWAY_IS_FINE, ProcessDied, StudioDay

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = """
- id: answer
  title: Answer a lead
  when: lead.created
  repeat: after 30 days per client.email
  then:
    - send: hello
"""


async def test_a_lead_of_before_the_first_run_gets_nothing(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER)
    day.lead("Anna")
    async with day:
        await day.until("2026-03-04 12:00")
        assert day.sent() == []
        assert await day.events() == []


async def test_a_lead_of_after_the_first_run_is_answered_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        await day.until("2026-03-02 09:01")
        day.lead("Anna")
        await day.until("2026-03-04 12:00")
        assert day.sent() == ["03-02 09:05 hello Anna"]


async def test_while_a_baseline_is_not_done_all_that_is_seen_is_baseline_across_restarts(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER)
    for n in range(3):
        day.lead(f"Old{n}")
    async with day:
        day.fault("status", method="GET", path=r"/clients/\?", times=8, status=500)
        await day.until("2026-03-02 08:01")
        assert not await day.baseline_done("client")
        day.lead("Early")
        await day.restart()
        await day.until("2026-03-02 09:00")
        day.lead("Anna")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 09:05 hello Anna"]


async def test_a_baseline_that_was_cut_off_between_reading_and_certifying_is_begun_again(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER)
    day.lead("Old")

    def die(point: str) -> None:
        if point == "observe.batch":
            raise ProcessDied

    await day.start()
    day.service.context.crash_point = die
    try:
        await day.until("2026-03-02 08:01")
    except ProcessDied:
        await day.aclose()
    day.lead("Early")
    async with day:
        await day.until("2026-03-02 08:20")
        day.lead("Anna")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 08:25 hello Anna"]


async def test_an_older_record_that_turns_up_is_adopted_in_silence(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        await day.until("2026-03-02 09:00")
        old = day.lead("Anna")
        old.created_at = day.world.start.subtract(hours=48)
        day.world.tables.clients.touch(old.id)
        await day.until("2026-03-03 12:00")
        assert day.sent() == []
        stored = await day.stored("client", old.id)
        assert stored.baseline


async def test_a_lead_of_before_the_rule_was_there_gets_nothing_though_it_is_seen_after(tmp_path: Path) -> None:
    day = StudioDay(tmp_path)
    await day.start()
    await day.until("2026-03-02 09:00")
    await day.aclose()
    day.lead("Anna")
    day.clock_to("2026-03-02 09:30")
    day.rules(ANSWER)
    async with day:
        await day.until("2026-03-02 10:00")
        day.lead("Ben")
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 10:05 hello Ben"]
        assert "baseline" in await day.verdicts("answer")


async def test_an_edited_condition_begins_anew_and_other_edits_do_not(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER)
    await day.start()
    await day.until("2026-03-02 09:00")
    await day.aclose()
    day.lead("Anna")
    day.clock_to("2026-03-02 09:30")
    day.rules(ANSWER.replace("Answer a lead", "Answer every lead at once"))
    await day.start()
    await day.until("2026-03-02 10:00")
    assert day.sent() == ["03-02 09:30 hello Anna"]
    await day.aclose()
    day.lead("Ben")
    day.clock_to("2026-03-02 10:30")
    day.rules(ANSWER.replace("  then:", "  if: client.type == 'lead'\n  then:"))
    async with day:
        await day.until("2026-03-02 11:00")
        day.lead("Cleo")
        await day.until("2026-03-03 12:00")
        assert day.sent()[1:] == ["03-02 11:05 hello Cleo"]


PAID = """
- id: sent
  title: An invoice went out
  when: invoice.sent
  then:
    - send: sent
- id: paid
  title: An invoice is paid
  when: invoice.paid
  then:
    - send: paid
"""


async def test_at_first_sight_only_the_status_that_is_found_fires(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, PAID) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.pay(day.invoice(anna, "2026-03-20"))
        await day.until("2026-03-02 12:00")
        assert day.sent() == ["03-02 09:05 paid Anna"]


async def test_of_two_changes_between_two_polls_only_the_last_counts(tmp_path: Path) -> None:
    rules = """
- id: viewed
  title: Looked at
  when: contract.viewed
  then:
    - notify: viewed
- id: signed
  title: Signed
  when: contract.signed
  then:
    - send: signed
"""
    async with StudioDay(tmp_path, rules) as day:
        contract = day.contract(day.known())
        await day.until("2026-03-02 09:01")
        day.contract_is(contract, "viewed")
        day.sign(contract)
        await day.until("2026-03-02 12:00")
        assert await day.states() == ["signed sent"]


async def test_two_events_of_one_record_at_once_each_begin_their_rule(tmp_path: Path) -> None:
    rules = """
- id: confirmed
  title: Booked
  when: session.confirmed
  then:
    - notify: booked
- id: moved
  title: Moved
  when: session.rescheduled
  then:
    - send: moved
"""
    async with StudioDay(tmp_path, rules) as day:
        session = day.session(day.known(), "2026-04-01 12:00", "inquiry")
        await day.until("2026-03-02 09:01")
        day.move(session, "2026-04-02 12:00")
        day.set_session(session, "confirmed")
        await day.until("2026-03-02 12:00")
        assert sorted(await day.states()) == ["booked sent", "moved sent"]


async def test_what_happened_more_than_a_day_before_it_was_seen_is_not_acted_on_and_it_is_said(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER, toml=AWAY_IS_FINE)
    await day.start()
    await day.until("2026-03-02 09:00")
    await day.aclose()
    day.lead("Anna")
    day.clock_to("2026-03-04 12:00")
    day.lead("Ben")
    async with day:
        await day.until("2026-03-05 12:00")
        assert day.sent() == ["03-04 12:00 hello Ben"]
        assert {e.name for e in await day.events("expired")} == {"lead.created", "message.received"}
        assert "lead.created was seen too late" in await day.notices()


class Undated(httpx.AsyncBaseTransport):
    """The studio leaves out when messages were written."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        body = re.sub(rb'"sent_at":"[^"]*"', b'"sent_at":null', await response.aread())
        headers = [(k, v) for k, v in response.headers.multi_items() if k not in {"content-length", "etag"}]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)


async def test_a_message_of_before_the_first_run_is_not_new_because_its_date_is_missing(tmp_path: Path) -> None:
    rule = "- id: heard\n  when: message.received\n  then:\n    - send: hello\n"
    day = StudioDay(tmp_path, rule)
    anna = day.known("Anna")
    day.transport = Undated(day.transport)  # type: ignore[assignment]  # around the one that counts
    async with day:
        await day.until("2026-03-02 09:00")
        day.kim_says(anna, "I'll call you")  # the thread moves, and is read for the first time
        await day.until("2026-03-02 12:00")
        assert day.sent() == []
        assert "The studio doesn't say when messages were written" in await day.notices()


async def test_a_booking_without_a_date_of_its_own_is_new_where_the_list_was_seen_whole(tmp_path: Path) -> None:
    """Nobody has written down that sessions say when they were made."""
    rule = "- id: booked\n  when: session.confirmed\n  then:\n    - send: hello\n"
    day = StudioDay(tmp_path, rule)
    anna = day.known("Anna")
    day.session(anna, "2026-05-01 10:00")
    async with day:
        await day.drift(drift="missing_field", path="/sessions", field="created_at")
        await day.until("2026-03-02 09:00")
        day.session(anna, "2026-06-01 10:00")
        await day.until("2026-03-02 12:00")
        assert len(day.sent()) == 1
