"""A studio that can't be read, or only in part, or not understood (delivery.md §2 and §4; DESIGN.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.facts.records import Kind
from selftimer.sandbox.profile import ServerOptions

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.sandbox.profile import ExpiryStyle

BILL = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - send: bill
"""


# --- records that can't be understood ---


async def test_a_broken_record_is_set_aside_with_its_last_good_state_and_the_others_go_on(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        first = day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:01")
        day.invoice(ben, "2026-03-20")
        day.fault("broken_record", method="GET", path=r"/invoices/\?", times=2, index=1, record={"status": "melted"})
        await day.until("2026-03-02 09:10")
        assert [row[12:] for row in day.sent()] == ["bill Ben"]
        kept = await day.stored("invoice", first.id)
        assert kept.quarantine
        assert kept.raw["status"] != "melted"
        assert any("can't be understood" in text for text in await day.notices())
        day.world.changed()
        await day.until("2026-03-02 09:20")
        assert (await day.stored("invoice", first.id)).quarantine is None


async def test_a_record_that_is_broken_at_first_sight_fires_when_it_can_be_read(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        day.fault("broken_record", method="GET", path=r"/invoices/\?", times=1, record={"status": "melted"})
        await day.until("2026-03-02 09:06")
        assert day.sent() == []
        day.world.changed()
        await day.until("2026-03-02 09:20")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]


async def test_two_records_without_an_id_do_not_keep_a_list_from_its_baseline(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, BILL)
    bills = [day.invoice(day.known(name), "2026-03-20") for name in ("Anna", "Ben", "Cleo")]
    bills[0].id = bills[1].id = ""
    async with day:
        await day.until("2026-03-02 09:01")
        assert await day.baseline_done("invoice")
        assert await day.ids("invoice") == [bills[2].id]


async def test_one_conversation_that_cannot_be_read_stops_nobody_else(tmp_path: Path) -> None:
    rules = BILL + "- id: wrote\n  title: Wrote\n  when: message.received\n  then:\n    - notify: wrote\n"
    async with StudioDay(tmp_path, rules) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        thread = day.world.tables.conversations.of_client(anna.id)[0]
        day.fault("bad_json", method="GET", path=f"/conversations/{thread.id}", times=8)
        day.says(anna, "One")
        day.says(ben, "Two")
        day.invoice(ben, "2026-03-20")
        await day.until("2026-03-02 09:06")
        assert [row[12:] for row in day.sent()] == ["bill Ben"]
        await day.until("2026-03-02 10:00")
        assert (await day.states()).count("wrote sent") == 2  # nothing was lost


# --- what an event rests on ---


async def test_an_event_whose_client_cannot_be_had_waits_for_them(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.until("2026-03-02 09:01")
        day.fault("status", method="GET", path="/clients/", times=60, status=500)
        anna = day.known("Anna")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        waiting = {e.name for e in await day.events("parked")}
        assert waiting == {"message.received", "invoice.created", "invoice.sent"}
        assert day.sent() == []
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]


async def test_a_client_who_is_not_on_page_one_is_fetched_again_while_an_event_waits_for_them(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.until("2026-03-02 09:01")
        anna = day.known("Anna")
        day.hide("clients", anna.id)
        day.fault("status", method="GET", path=f"/clients/{anna.id}", times=4, status=500)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:30")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]


async def test_an_event_that_waits_for_an_hour_is_reported_and_after_a_day_it_is_too_late(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.until("2026-03-02 09:01")
        day.fault("status", method="GET", path="/clients/", times=1_000_000, status=404)
        anna = day.known("Anna")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:30")
        assert any("waits for a record that can't be had" in text for text in await day.notices())
        await day.aclose()
        day.clock_to("2026-03-03 12:00")
        day.faults.clear()
        await day.start()
        await day.until("2026-03-03 14:00")
        assert day.sent() == []
        assert "invoice.sent" in {e.name for e in await day.events("expired")}


# --- lists that can't be read, or tear ---


@pytest.mark.parametrize("fault", ["drop_before", "half_page", "bad_json", "html200"])
async def test_a_list_that_comes_torn_takes_nothing_away_and_is_read_again(tmp_path: Path, fault: str) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        old = day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:01")
        day.fault(fault, method="GET", path=r"/invoices/\?", times=4)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert (await day.stored("invoice", old.id)).gone_at is None


async def test_a_studio_that_is_away_for_two_hours_loses_nothing_and_is_reported(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", path="/api/", times=1_000_000)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:20")
        assert day.sent() == []
        day.faults.clear()
        await day.until("2026-03-02 11:30")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert any("can't be read" in text for text in await day.notices())


@pytest.mark.parametrize("style", ["401", "419", "redirect", "html"])
async def test_a_session_that_ends_in_the_middle_of_a_sweep_is_never_data(tmp_path: Path, style: ExpiryStyle) -> None:
    async with StudioDay(tmp_path, BILL, options=ServerOptions(expiry_style=style)) as day:
        anna = day.known("Anna")
        for _ in range(3):
            day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:01")
        await day.expire_logins()
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        gone = [i for i in await day.ids("invoice") if (await day.stored("invoice", i)).gone_at is not None]
        assert gone == []


# --- removals ---

GONE = """
- id: gone
  title: A session is gone
  when: session.removed
  then:
    - notify: gone
"""


async def test_removed_is_what_two_whole_sweeps_lack_and_a_404_confirms(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, GONE, words={"gone": "A session is gone\n"}) as day:
        anna = day.known()
        lost, kept = day.session(anna, "2026-04-01 12:00"), day.session(anna, "2026-04-02 12:00")
        await day.until("2026-03-02 09:01")
        day.vanish("sessions", lost.id)
        await day.until("2026-03-02 09:06")
        assert (await day.stored("session", lost.id)).gone_at is None
        for hour in (10, 16, 22):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        assert (await day.stored("session", lost.id)).gone_at is not None
        assert (await day.stored("session", kept.id)).gone_at is None
        assert await day.states() == ["gone sent"]


async def test_absent_from_the_list_but_there_by_its_id_is_not_removed(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, GONE, words={"gone": "A session is gone\n"}) as day:
        session = day.session(day.known(), "2026-04-01 12:00")
        await day.until("2026-03-02 09:01")
        day.hide("sessions", session.id)
        for hour in (10, 16, 22):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        assert (await day.stored("session", session.id)).gone_at is None
        assert await day.states() == []


async def test_a_404_that_is_no_json_is_no_proof(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, GONE, words={"gone": "A session is gone\n"}) as day:
        session = day.session(day.known(), "2026-04-01 12:00")
        await day.until("2026-03-02 09:01")
        day.hide("sessions", session.id)
        day.fault("status", method="GET", path=f"/sessions/{session.id}", times=1_000, status=404, shape="html")
        for hour in (10, 16, 22):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        assert (await day.stored("session", session.id)).gone_at is None


async def test_too_many_that_vanish_at_once_freeze_the_list_and_the_owner_is_told(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, GONE, words={"gone": "A session is gone\n"}) as day:
        anna = day.known()
        many = [day.session(anna, "2026-04-01 12:00") for _ in range(8)]
        await day.until("2026-03-02 09:01")
        for session in many[:5]:
            day.vanish("sessions", session.id)
        for hour in (10, 16, 22):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        assert [session.id for session in many if (await day.stored("session", session.id)).gone_at] == []
        assert any("vanished from the studio at once" in text for text in await day.notices())
        assert await day.states() == []


async def test_those_who_vanished_are_gone_when_the_owner_says_so_but_for_one_who_is_there_by_id(
    tmp_path: Path,
) -> None:
    async with StudioDay(tmp_path, GONE, words={"gone": "A session is gone\n"}) as day:
        anna = day.known()
        many = [day.session(anna, "2026-04-01 12:00") for _ in range(8)]
        await day.until("2026-03-02 09:01")
        for session in many[:5]:
            day.vanish("sessions", session.id)
        day.hide("sessions", many[5].id)
        for hour in (10, 16):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        await day.order("resume", scope="list", id="sessions")
        await day.until("2026-03-02 16:12")
        day.world.changed()
        await day.until("2026-03-02 17:06")
        gone = [session.id for session in many if (await day.stored("session", session.id)).gone_at]
        assert sorted(gone) == sorted(session.id for session in many[:5])
        assert await day.states() == ["gone sent"] * 5
        again = await day.order("resume", scope="list", id="session")
        await day.until("2026-03-02 17:12")
        answer = await day.service.store.read(lambda tx: tx.control.order_result(again))
        assert answer == {"ok": False, "message": "nothing is kept back in the list of sessions"}


async def test_a_client_who_is_gone_is_an_event_for_the_owner(tmp_path: Path) -> None:
    rules = GONE.replace("session.removed", "client.removed")
    async with StudioDay(tmp_path, rules, words={"gone": "A client is gone\n"}) as day:
        anna = day.client()
        await day.until("2026-03-02 09:01")
        day.vanish("clients", anna.id)
        for hour in (10, 16, 22):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        assert await day.states() == ["gone sent"]


async def test_a_run_whose_record_is_gone_is_over(tmp_path: Path) -> None:
    rules = """
- id: wait
  title: Wait for the session
  when: session.confirmed
  then:
    - wait: until 1 day before session.start_at at 10:00
    - send: soon
      if: session.confirmed
"""
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        session = day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 09:10")
        day.vanish("sessions", session.id)
        for hour in (10, 16, 22):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        assert await day.ends() == ["the record is gone from the studio"]


# --- big lists ---


async def test_many_new_records_at_once_are_all_seen_though_others_vanished(tmp_path: Path) -> None:
    rules = BILL.replace("- send: bill", "- notify: bill")
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        old = [day.invoice(anna, "2026-03-20") for _ in range(60)]
        await day.until("2026-03-02 09:01")
        for invoice in old[:50]:
            day.vanish("invoices", invoice.id)
        for _ in range(130):
            day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        assert len(await day.ids("invoice")) == 190


async def test_what_is_no_longer_open_is_not_read_every_half_hour_for_ever(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        session = day.session(day.known(), "2026-03-03 12:00")
        await day.until("2026-03-02 09:01")
        assert (await day.stored("session", session.id)).open
        await day.until("2026-03-07 12:00")
        day.world.changed()
        await day.until("2026-03-07 20:00")
        assert not (await day.stored("session", session.id)).open


async def test_all_kinds_have_their_baseline_after_the_first_poll(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.until("2026-03-02 08:01")
        assert all(
            [
                await day.baseline_done(kind.value)
                for kind in Kind
                if kind.value not in {"message", "session_type", "gallery"}
            ]
        )
