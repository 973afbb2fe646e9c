"""What makes an occurrence the same or another, and what a run is about (rule-language.md 1, 6, 12, 13, 15, 18, 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.facts.records import Kind
from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from pathlib import Path


def rule(when: str, name: str = "it", **more: str) -> str:
    extra = "".join(f"  {key}: {value}\n" for key, value in more.items())
    return f"- id: {name}\n  title: {name}\n  when: {when}\n{extra}  then:\n    - notify: {name}\n"


async def test_a_part_payment_is_one_event_by_the_sum_and_the_last_one_is_paid(tmp_path: Path) -> None:
    rules = rule("invoice.partially_paid", "part") + rule("invoice.paid", "paid") + rule("payment.received", "money")
    async with StudioDay(tmp_path, rules) as day:
        bill = day.invoice(day.known(), "2026-03-20")
        await day.until("2026-03-02 09:01")
        for hour, amount in ((10, 3_000), (11, 3_000), (12, 4_000)):
            day.pay(bill, amount)
            await day.until(f"2026-03-02 {hour}:01")
        await day.until("2026-03-02 13:00")
        names = [d.words for d in await day.deliveries()]
        assert (names.count("part"), names.count("paid"), names.count("money")) == (2, 1, 3)
        assert {d.subject_kind for d in await day.deliveries()} == {Kind.INVOICE}


async def test_a_payment_that_fails_or_is_disputed_or_goes_back_is_told(tmp_path: Path) -> None:
    rules = "".join(rule(f"payment.{name}", name) for name in ("failed", "disputed", "refunded"))
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        bills = [day.invoice(anna, "2026-03-20") for _ in range(3)]
        good, other = day.pay(bills[1]), day.pay(bills[2])
        await day.until("2026-03-02 09:01")
        day.pay(bills[0], status="failed")
        day.change_payment(good, "disputed")
        day.change_payment(other, "refunded")
        await day.until("2026-03-02 10:00")
        assert sorted(str(d.words) for d in await day.deliveries()) == ["disputed", "failed", "refunded"]


async def test_a_session_confirmed_again_for_the_same_day_is_nothing_and_for_another_it_is(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule("session.confirmed")) as day:
        session = day.session(day.known(), "2026-04-01 12:00", "inquiry")
        await day.until("2026-03-02 09:01")
        for hour, status in ((9, "confirmed"), (10, "pending"), (11, "confirmed")):
            day.set_session(session, status)
            await day.until(f"2026-03-02 {hour:02}:30")
        assert len(await day.deliveries()) == 1
        day.set_session(session, "pending")
        await day.until("2026-03-02 12:30")
        day.move(session, "2026-04-08 12:00")
        day.set_session(session, "confirmed")
        await day.until("2026-03-02 13:30")
        assert len(await day.deliveries()) == 2


async def test_what_is_once_a_record_is_once_a_record(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule("contract.sent")) as day:
        contract = day.contract(day.known(), sent=False)
        await day.until("2026-03-02 09:01")
        for hour, status in ((9, "sent"), (10, "draft"), (11, "sent")):
            day.contract_is(contract, status)
            await day.until(f"2026-03-02 {hour:02}:30")
        assert len(await day.deliveries()) == 1


async def test_an_archived_client_is_told_once_a_day_at_most(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule("client.archived", include="[archived]")) as day:
        anna = day.known()
        for at in ("2026-03-02 10", "2026-03-02 12", "2026-03-04 10"):
            await day.until(f"{at}:01")
            day.change(anna, archived=True)
            await day.until(f"{at}:31")
            day.change(anna, archived=False)
        await day.until("2026-03-04 12:00")
        assert len(await day.deliveries()) == 2


async def test_a_manual_rule_begins_by_hand_only_and_again_when_it_is_over(tmp_path: Path) -> None:
    rules = rule("manual", "hand") + "    - wait: 1 hour\n    - notify: later\n"
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        assert await day.runs() == []
        first = await day.order("start", rule="hand", record=anna.id)
        await day.until("2026-03-02 09:02")
        second = await day.order("start", rule="hand", record=anna.id)
        await day.until("2026-03-02 12:00")
        third = await day.order("start", rule="hand", record=anna.id)
        await day.until("2026-03-02 15:00")
        answers = [(await day.told(order))["ok"] for order in (first, second, third)]
        assert answers == [True, False, True]
        assert len(await day.deliveries()) == 4


async def test_a_manual_start_of_a_rule_of_the_calendar_waits_for_its_run(tmp_path: Path) -> None:
    rules = rule("[manual, every monday at 09:00]", "hand", for_each="client", **{"if": "client.type == 'client'"})
    async with StudioDay(tmp_path, rules + "    - wait: 1 hour\n    - notify: later\n") as day:
        anna = day.known()
        await day.until("2026-03-09 09:10")
        refused = await day.order("start", rule="hand", record=anna.id)
        await day.until("2026-03-09 10:10")
        twice = [await day.order("start", rule="hand", record=anna.id) for _ in range(2)]
        await day.until("2026-03-09 12:00")
        assert [(await day.told(order))["ok"] for order in (refused, *twice)] == [False, True, False]
        occurrences = [run.occurrence.partition(":m_")[0] for run in await day.runs()]
        assert occurrences == ["2026-03-02T09:00", "2026-03-09T09:00", "manual"]


async def test_a_rule_that_may_be_started_by_hand_is_so_beside_a_moment(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule("[manual, 1 day before session.start_at at 10:00]", "hand")) as day:
        session = day.session(day.known(), "2026-03-05 12:00")
        await day.until("2026-03-02 09:01")
        order = await day.order("start", rule="hand", record=session.id)
        await day.until("2026-03-04 12:00")
        assert (await day.told(order))["ok"]
        assert [run.occurrence[:6] for run in await day.runs()] == ["manual", "2026-0"]


async def test_a_rule_with_two_triggers_begins_by_either_and_once_for_each(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule("[session.requested, session.confirmed]")) as day:
        session = day.session(day.known(), "2026-04-01 12:00", "pending")
        await day.until("2026-03-02 09:01")
        day.set_session(session, "inquiry")
        await day.until("2026-03-02 10:00")
        day.set_session(session, "confirmed")
        await day.until("2026-03-02 11:00")
        assert len(await day.deliveries()) == 2


async def test_an_error_in_a_condition_is_told_once_a_rule_and_begins_nothing(tmp_path: Path) -> None:
    condition = "invoice.amount > client.open_invoices | sum('balance')"
    async with StudioDay(tmp_path, rule("invoice.sent", **{"if": condition})) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        for hour in (9, 10):
            day.invoice(anna, "2026-03-20", currency="usd")
            day.invoice(anna, "2026-03-20")
            await day.until(f"2026-03-02 {hour:02}:30")
        told = [text for text in await day.notices() if "can't be judged" in text]
        assert told == ["Rule it can't be judged"]
        assert await day.deliveries() == []
        assert set(await day.verdicts("it")) == {"unknown"}


async def test_nights_and_days_are_those_of_the_wall_over_both_changes_of_the_clocks(tmp_path: Path) -> None:
    rules = """
- id: day
  title: The day before
  if: session.confirmed
  then:
    - when: 1 day before session.start_at at 09:00
      send: day
"""
    async with StudioDay(tmp_path, rules, start="2026-03-26 08:00") as day:
        anna = day.known()
        day.session(anna, "2026-03-29 12:00")
        day.session(anna, "2026-03-30 12:00")
        await day.until("2026-03-30 12:00")
        assert day.sent() == ["03-28 09:00 day Anna", "03-29 09:00 day Anna"]


async def test_in_autumn_too(tmp_path: Path) -> None:
    rules = """
- id: lead
  title: Follow up
  when: lead.created
  until: client.replied
  then:
    - wait: 1 day
    - send: day
    - wait: 24 hours
    - send: hours
"""
    async with StudioDay(tmp_path, rules, start="2026-10-23 08:00") as day:
        await day.until("2026-10-23 09:59")
        day.lead("Anna")
        await day.until("2026-10-26 12:00")
        assert [row[:11] for row in day.sent()] == ["10-24 10:00", "10-25 09:00"]


async def test_added_steps_change_no_history(tmp_path: Path) -> None:
    rules = rule("invoice.sent", "bill")
    day = StudioDay(tmp_path, rules)
    anna = day.known()
    await day.start()
    await day.until("2026-03-02 09:01")
    day.invoice(anna, "2026-03-20")
    await day.until("2026-03-02 10:00")
    await day.aclose()
    day.rules(rules.replace("    - notify: bill\n", "    - notify: before\n    - notify: bill\n"))
    async with day:
        await day.until("2026-03-02 12:00")
        assert len(await day.deliveries()) == 1
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 13:00")
        assert len(await day.deliveries()) == 3


async def test_an_unclear_message_of_a_removed_rule_is_settled_all_the_same(tmp_path: Path) -> None:
    rules = "- id: bill\n  title: Bill\n  when: invoice.sent\n  if: invoice.outstanding\n  then:\n    - send: bill\n"
    day = StudioDay(tmp_path, rules)
    anna = day.known()
    await day.start()
    await day.until("2026-03-02 09:01")
    day.fault("drop_after", method="POST", path="/conversation_messages")
    day.invoice(anna, "2026-03-20")
    await day.until("2026-03-02 09:05")
    assert (await day.one()).state is DeliveryState.UNKNOWN
    await day.aclose()
    day.rules("", words={"bill": "bill {{ client.first_name }}\n"})
    async with day:
        await day.until("2026-03-02 10:00")
        assert (await day.one()).state is DeliveryState.SENT
        assert len(day.sent()) == 1


@pytest.mark.parametrize("unclear", [False, True])
async def test_notes_about_nobody_or_somebody_never_wait_for_a_client(tmp_path: Path, unclear: bool) -> None:
    rules = (
        "- id: bill\n  title: Bill\n  when: invoice.sent\n  if: invoice.outstanding\n  then:\n    - send: bill\n"
        + rule("session.requested", "note")
    )
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        if unclear:
            day.fault("drop_before", method="POST", path="/conversation_messages", times=2)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        day.session(anna, "2026-04-01 12:00", "inquiry")
        await day.until("2026-03-02 09:30")
        note = next(d for d in await day.deliveries() if d.words == "note")
        assert note.state is DeliveryState.SENT
