"""What keeps an effect back: lateness, caps, floods, kill switches, modes (rule-language.md 17, 19; delivery.md §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay, berlin

from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from pathlib import Path

BILL = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - send: bill
"""


async def bills(day: StudioDay, *names: str) -> None:
    clients = [day.known(name) for name in names]
    await day.until("2026-03-02 09:01")
    for client in clients:
        day.invoice(client, "2026-03-20")
    await day.until("2026-03-02 09:10")


# --- late ---


async def test_what_could_not_be_sent_in_time_is_skipped_and_said_so(tmp_path: Path) -> None:
    rules = BILL.replace("  then:", "  late: 30 minutes\n  then:", 1)
    async with StudioDay(tmp_path, rules) as day:
        day.fault("status", method="GET", path="/invoices/in_", times=100_000, status=503)
        await bills(day, "Anna")
        await day.until("2026-03-02 09:40")
        day.faults.clear()
        await day.until("2026-03-02 10:00")
        assert await day.states() == ["bill skipped: late"]
        assert "bill: bill was not sent" in await day.notices()


async def test_what_can_be_sent_again_in_time_is_sent(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        day.fault("status", method="GET", path="/invoices/in_", times=100_000, status=503)
        await bills(day, "Anna")
        await day.until("2026-03-02 09:40")
        day.faults.clear()
        await day.until("2026-03-02 10:00")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]


TOMORROW = """
- id: tomorrow
  title: Tomorrow
  if: session.confirmed
  then:
    - when: 12 hours before session.start_at
      send: see-you
"""


async def test_what_lies_before_a_date_never_goes_out_after_it_because_of_a_night(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, TOMORROW) as day:
        day.session(day.known("Anna"), "2026-03-05 07:00")  # due at 19:00, and the night ends at 08:00
        await day.until("2026-03-04 18:00")
        day.fault("status", method="GET", path="/clients/cl_", times=100_000, status=503)
        day.world.clock.move_to(berlin("2026-03-04 20:50"))
        await day.until("2026-03-04 21:10")
        day.faults.clear()
        await day.until("2026-03-05 12:00")
        assert day.sent() == []
        assert await day.states() == ["see-you skipped: late"]


# --- caps ---


async def test_a_client_gets_no_more_than_four_messages_a_day(tmp_path: Path) -> None:
    rules = "".join(
        BILL.replace("id: bill", f"id: bill{n}").replace("send: bill", f"send: bill{'abcdef'[n]}") for n in range(6)
    )
    rules = rules.replace("  then:", "  late: 3 days\n  then:")
    async with StudioDay(tmp_path, rules) as day:
        await bills(day, "Anna")
        await day.until("2026-03-02 20:00")
        assert len(day.sent()) == 4
        put_off = [d.reason for d in await day.deliveries() if d.state is DeliveryState.READY]
        assert put_off == ["capped: 4 for this client in a day"] * 2
        await day.until("2026-03-03 12:00")
        assert [row[:11] for row in day.sent()][4:] == ["03-03 09:05", "03-03 09:05"]


async def test_what_a_cap_puts_off_beyond_its_late_is_skipped_and_said_so(tmp_path: Path) -> None:
    rules = "".join(
        BILL.replace("id: bill", f"id: bill{n}").replace("send: bill", f"send: bill{'abcdef'[n]}") for n in range(5)
    )
    rules = rules.replace("  then:", "  late: 3 hours\n  then:")
    async with StudioDay(tmp_path, rules) as day:
        await bills(day, "Anna")
        await day.until("2026-03-03 12:00")
        assert len(day.sent()) == 4
        assert sum("capped" in state for state in await day.states()) == 1


async def test_marketing_is_one_message_a_day_and_three_a_week(tmp_path: Path) -> None:
    offers = "".join(
        BILL.replace("id: bill", f"id: offer{n}").replace("send: bill", f"send: offer{'abcde'[n]}") for n in range(5)
    )
    rules = offers.replace("  then:", "  purpose: marketing\n  late: 20 days\n  then:")
    async with StudioDay(tmp_path, rules) as day:
        await bills(day, "Anna")
        await day.until("2026-03-12 12:00")
        assert [row[:5] for row in day.sent()] == ["03-02", "03-03", "03-04", "03-09", "03-10"]


async def test_a_rule_has_limits_of_its_own(tmp_path: Path) -> None:
    rules = BILL.replace("  then:", "  limits: {per_day: 2}\n  late: 3 days\n  then:")
    async with StudioDay(tmp_path, rules) as day:
        await bills(day, "Anna", "Ben", "Cleo")
        await day.until("2026-03-02 20:00")
        assert len(day.sent()) == 2
        await day.until("2026-03-03 12:00")
        assert len(day.sent()) == 3


async def test_a_flood_is_held_for_the_owner_and_goes_out_with_their_yes(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await bills(day, *(f"C{n}" for n in range(11)))
        assert day.sent() == []
        held = await day.held()
        assert {d.hold for d in held} == {Hold.FLOOD}
        assert "11 messages held for you: 11 at once" in await day.notices()
        for delivery in held:
            await day.approve(delivery.id)
        await day.until("2026-03-02 12:00")
        assert len(day.sent()) == 11


# --- kill switches ---


@pytest.mark.parametrize("scope", ["all", "rule", "client", "file"])
async def test_a_kill_switch_stops_what_it_is_for_and_nothing_else(tmp_path: Path, scope: str) -> None:
    other = BILL.replace("id: bill", "id: other").replace("send: bill", "send: other")
    async with StudioDay(tmp_path, BILL + other) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        stop = day.service.settings.stop_file
        if scope == "file":
            stop.write_text("a flood in the cellar")
        else:
            await day.order("pause", scope=scope, id={"all": "", "rule": "bill", "client": anna.id}[scope])
        day.invoice(anna, "2026-03-20")
        day.invoice(ben, "2026-03-20")
        await day.until("2026-03-02 12:00")
        got = sorted(row[12:] for row in day.sent())
        expected = {"all": [], "file": [], "rule": ["other Anna", "other Ben"], "client": ["bill Ben", "other Ben"]}
        assert got == expected[scope]
        if scope == "file":
            stop.unlink()
        else:
            await day.order("resume", scope=scope, id={"all": "", "rule": "bill", "client": anna.id}[scope])
        await day.until("2026-03-02 14:00")
        assert len(day.sent()) == 4


async def test_a_pause_longer_than_late_sends_nothing_afterwards_and_says_so(tmp_path: Path) -> None:
    rules = BILL.replace("  then:", "  late: 2 hours\n  then:")
    async with StudioDay(tmp_path, rules) as day:
        await day.order("pause", scope="all")
        await bills(day, "Anna")
        await day.until("2026-03-02 12:00")
        await day.order("resume", scope="all")
        await day.until("2026-03-02 13:00")
        assert await day.states() == ["bill skipped: late"]


async def test_notes_to_the_owner_pass_every_kill_switch(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL.replace("send: bill", "notify: bill")) as day:
        await day.order("pause", scope="all")
        await bills(day, "Anna")
        assert await day.states() == ["bill sent"]
        assert await day.notices() == ["bill"]


@pytest.mark.parametrize("rules", [BILL, BILL.replace("send: bill", "notify: bill\n  mode: dry_run")])
async def test_neither_a_message_nor_a_note_that_was_only_tried_out_is_told_as_a_note(
    tmp_path: Path, rules: str
) -> None:
    async with StudioDay(tmp_path, rules) as day:
        await bills(day, "Anna")
        assert await day.states() == ["bill sent"]
        assert await day.notices() == []


# --- modes ---

WAITING = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - wait: 2 hours
    - send: bill
"""


@pytest.mark.parametrize(("mode", "why"), [("off", "its rule is off"), ("dry_run", "its rule is only tried out now")])
async def test_the_mode_is_todays_for_runs_under_way_too_which_go_on_when_it_is_back(
    tmp_path: Path, mode: str, why: str
) -> None:
    day = StudioDay(tmp_path, WAITING)
    await day.start()
    await bills(day, "Anna")
    await day.aclose()
    day.rules(WAITING.replace("  then:", f"  mode: {mode}\n  then:"))
    async with day:
        await day.until("2026-03-02 18:00")
        assert day.sent() == []
        waiting = await day.one()
        assert (waiting.state, waiting.reason) == (DeliveryState.READY, why)
        assert day.now < waiting.due_at <= day.now.add(hours=1)
        await day.aclose()
        day.rules(WAITING)
        await day.start()
        await day.until("2026-03-02 19:30")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]


async def test_switched_to_asking_a_run_under_way_asks(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, WAITING)
    await day.start()
    await bills(day, "Anna")
    await day.aclose()
    day.rules(WAITING.replace("  then:", "  mode: approve\n  then:"))
    async with day:
        await day.until("2026-03-02 18:00")
        assert day.sent() == []
        assert [d.hold for d in await day.held()] == [Hold.APPROVAL]


async def test_a_dry_run_does_everything_but_leave_and_leaving_it_begins_anew(tmp_path: Path) -> None:
    rules = BILL.replace("  then:", "  mode: dry_run\n  repeat: once per client\n  then:")
    day = StudioDay(tmp_path, rules)
    await day.start()
    await bills(day, "Anna")
    assert await day.states() == ["bill sent"]
    assert day.ledger["writes"] == []
    await day.aclose()
    day.rules(rules.replace("  mode: dry_run\n", ""))
    async with day:
        await day.until("2026-03-02 10:01")
        anna = next(iter(day.world.tables.clients))
        day.invoice(anna, "2026-04-20")
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]


async def test_a_dry_run_for_a_client_without_a_thread_opens_none(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL.replace("  then:", "  mode: dry_run\n  then:")) as day:
        anna = day.client("Anna")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 12:00")
        assert day.ledger["writes"] == []
        assert await day.states() == ["bill sent"]
        assert (await day.one()).text == "bill Anna\n\nKim, Studio Nord"


# --- repeats and turns ---


async def test_once_per_client_is_once_and_after_some_days_is_after_them(tmp_path: Path) -> None:
    once = BILL.replace("  then:", "  repeat: once per client\n  then:")
    again = BILL.replace("id: bill", "id: again").replace("send: bill", "send: again")
    again = again.replace("  then:", "  repeat: after 3 days per client.email\n  then:")
    async with StudioDay(tmp_path, once + again) as day:
        anna = day.known("Anna")
        for at in ("2026-03-02 09:01", "2026-03-03 09:01", "2026-03-06 09:01"):
            await day.until(at)
            day.invoice(anna, "2026-03-20")
        await day.until("2026-03-07 12:00")
        got = sorted(row[:5] + row[11:] for row in day.sent())
        assert got == ["03-02 again Anna", "03-02 bill Anna", "03-06 again Anna"]


async def test_a_run_that_did_nothing_took_nobodys_turn(tmp_path: Path) -> None:
    rules = WAITING.replace("  then:", "  repeat: once per client\n  then:")
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        bill = day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:01")
        day.pay(bill)
        await day.until("2026-03-02 12:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 18:00")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]


MESSAGES = """
- id: wrote
  title: Somebody wrote
  when: message.received
  {restart}
  then:
    - wait: 2 hours
    - send: answer
      if: client.type == 'client'
"""


async def test_a_new_trigger_is_recorded_and_not_run_while_one_is_under_way(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGES.replace("  {restart}\n", "")) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.says(anna, "One")
        await day.until("2026-03-02 10:01")
        day.says(anna, "Two")
        await day.until("2026-03-02 18:00")
        assert [row[12:] for row in day.sent()] == ["answer Anna"]
        assert "under way" in await day.verdicts("wrote")


async def test_with_restart_a_new_trigger_begins_anew(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGES.replace("{restart}", "restart: true")) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.says(anna, "One")
        await day.until("2026-03-02 10:01")
        day.says(anna, "Two")
        await day.until("2026-03-02 18:00")
        (sent,) = day.sent()
        assert sent.startswith("03-02 12:0")
        assert sorted(await day.ends()) == ["a new trigger began it again", "done"]


# --- by hand ---


async def test_a_rule_is_begun_by_hand_for_one_record_but_not_against_its_conditions(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        old, paid = day.invoice(anna, "2026-03-20"), day.invoice(anna, "2026-03-20")
        day.pay(paid)
        await day.until("2026-03-02 09:01")
        good = await day.order("start", rule="bill", record=old.id)
        bad = await day.order("start", rule="bill", record=paid.id)
        await day.until("2026-03-02 09:02")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert (await day.told(good))["ok"]
        assert not (await day.told(bad))["ok"]


async def test_a_moment_is_begun_by_hand_inside_its_window_for_a_booking_of_before_the_rule(tmp_path: Path) -> None:
    rules = """
- id: week
  title: A week before
  if: session.confirmed
  then:
    - when: 7 days before session.start_at at 09:00
      late: 6 days
      send: week
"""
    async with StudioDay(tmp_path, rules) as day:
        session = day.session(day.known(), "2026-03-06 12:00")
        await day.until("2026-03-02 09:01")
        order = await day.order("start", rule="week", record=session.id)
        await day.until("2026-03-02 09:02")
        assert (await day.told(order))["ok"]
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["week Anna"]
        again = await day.order("start", rule="week", record=session.id)
        await day.until("2026-03-02 12:01")
        assert not (await day.told(again))["ok"]
