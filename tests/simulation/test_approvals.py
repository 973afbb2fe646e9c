"""What waits for the owner: yes, no, other words, silence (rule-language.md 17; delivery.md §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay

from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from pathlib import Path

ASK = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - send: ask
      approve: true
    - notify: next
"""


async def asked(day: StudioDay) -> None:
    anna = day.known()
    await day.until("2026-03-02 09:01")
    day.invoice(anna, "2026-03-20")
    await day.until("2026-03-02 10:00")


async def test_nothing_is_sent_before_the_yes_and_at_once_after_it(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await asked(day)
        held = await day.one()
        assert (held.state, held.hold, held.text) == (
            DeliveryState.HELD,
            Hold.APPROVAL,
            "ask Anna\n\nKim, Studio Nord",
        )
        await day.until("2026-03-04 12:00")
        assert day.sent() == []
        order = await day.approve(held.id, seen=held.text)
        await day.until("2026-03-04 12:01")
        assert day.sent() == ["03-04 12:00 ask Anna"]
        assert (await day.told(order))["ok"]


async def test_a_yes_to_words_that_came_out_different_is_asked_for_again(tmp_path: Path) -> None:
    words = {"ask": "ask {{ client.first_name }}\n"}
    async with StudioDay(tmp_path, ASK, words=words) as day:
        await asked(day)
        anna = next(iter(day.world.tables.clients))
        day.change(anna, first_name="Annabel")
        held = await day.one()
        await day.approve(held.id)
        await day.until("2026-03-02 11:00")
        assert day.sent() == []
        again = (await day.held())[0]
        assert (again.hold, again.reason) == (Hold.APPROVAL, "the words changed since your yes")
        assert (again.text or "").startswith("ask Annabel")
        assert again.approved_at is None
        assert again.due_at == day.now.add(hours=24 * 7 - 1)
        await day.approve(again.id)
        await day.until("2026-03-02 12:00")
        assert [row[12:] for row in day.sent()] == ["ask Annabel"]


async def test_a_yes_to_words_that_are_not_the_ones_seen_is_refused(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await asked(day)
        order = await day.approve((await day.one()).id, seen="something else")
        await day.until("2026-03-02 11:00")
        assert not (await day.told(order))["ok"]
        assert day.sent() == []


async def test_the_owners_own_words_go_out_as_they_are(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await asked(day)
        await day.approve((await day.one()).id, text="Dear Anna, just pay when you can. Kim")
        await day.until("2026-03-02 11:00")
        assert [row[12:] for row in day.sent()] == ["Dear Anna, just pay when you can. Kim"]


async def test_other_words_for_a_document_are_refused(tmp_path: Path) -> None:
    rules = """
- id: paper
  title: Paper
  when: session.confirmed
  then:
    - create: contract
      from: Portrait agreement
      approve: true
"""
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 10:00")
        order = await day.approve((await day.one()).id, text="other words")
        await day.until("2026-03-02 11:00")
        assert not (await day.told(order))["ok"]
        assert day.made("contract") == []


async def test_a_no_skips_the_step_and_the_run_goes_on(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await asked(day)
        await day.skip((await day.one()).id)
        await day.until("2026-03-02 11:00")
        assert await day.states() == ["ask skipped: you said no", "next sent"]


async def test_no_answer_in_seven_days_is_a_no(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await asked(day)
        await day.until("2026-03-09 09:00")
        assert len(await day.held()) == 1
        await day.until("2026-03-09 10:00")
        assert await day.states() == ["ask skipped: no answer in 7 days is a no", "next sent"]


async def test_no_answer_in_the_time_that_the_step_allows_is_a_no(tmp_path: Path) -> None:
    rules = ASK.replace("      approve: true\n", "      approve: true\n      late: 3 days\n")
    async with StudioDay(tmp_path, rules) as day:
        await asked(day)
        await day.until("2026-03-05 12:00")
        assert (await day.states())[0].startswith("ask skipped: late")


async def test_a_paid_bill_takes_the_question_back(tmp_path: Path) -> None:
    rules = ASK.replace("  then:", "  until: invoice.settled\n  then:", 1)
    async with StudioDay(tmp_path, rules) as day:
        await asked(day)
        day.pay(next(iter(day.world.tables.invoices)))
        await day.until("2026-03-02 11:00")
        assert await day.states() == ["ask cancelled: until came true"]
        held = (await day.deliveries())[0]
        order = await day.approve(held.id)
        await day.until("2026-03-02 12:00")
        assert not (await day.told(order))["ok"]
        assert day.sent() == []


async def test_a_yes_is_judged_on_fresh_data_like_anything_else(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await asked(day)
        held = await day.one()
        day.pay(next(iter(day.world.tables.invoices)))
        day.world.changed_at = None
        await day.approve(held.id)
        await day.until("2026-03-02 11:00")
        assert day.sent() == []
        assert await day.ends() == ["if no longer holds"]


async def test_waiting_for_a_yes_does_not_count_as_late(tmp_path: Path) -> None:
    rules = ASK.replace("  then:", "  late: 1 day\n  then:", 1)
    async with StudioDay(tmp_path, rules) as day:
        await asked(day)
        await day.until("2026-03-03 08:30")
        await day.order("pause", scope="all")
        await day.approve((await day.one()).id)
        await day.until("2026-03-03 14:00")
        await day.order("resume", scope="all")
        await day.until("2026-03-03 14:30")
        assert [row[12:] for row in day.sent()] == ["ask Anna"]


async def test_a_whole_workspace_can_ask_about_some_clients(tmp_path: Path) -> None:
    rules = ASK.replace("      approve: true\n", "").replace(
        "  then:", "  approve: client.notes is containing 'VIP'\n  then:", 1
    )
    async with StudioDay(tmp_path, rules) as day:
        vip, other = day.known("Vera", notes="a VIP"), day.known("Otto", notes="in a hurry")
        await day.until("2026-03-02 09:01")
        day.invoice(vip, "2026-03-20")
        day.invoice(other, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert [row[12:] for row in day.sent()] == ["ask Otto"]
        assert [d.client_id for d in await day.held()] == [vip.id]


async def test_a_nonsense_order_is_answered_and_harms_nobody(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await asked(day)
        orders = [
            await day.order("fly", to="the moon"),
            await day.approve("dlv_nobody"),
            await day.order("start", rule="bill", record="nothing"),
            await day.order("start", rule="nobody", record="nothing"),
            await day.order("pause", scope="rule", id="nobody"),
            await day.order("resume", scope="all"),
            await day.order("approve", id=(await day.one()).id, text=17),
        ]
        await day.until("2026-03-02 11:00")
        for order in orders[:-1]:
            answer = await day.told(order)
            assert not answer["ok"]
            assert answer["message"]
        await day.told(orders[-1])


async def test_a_held_one_that_nobody_asked_about_is_approved_only_by_its_own_kind_of_answer(tmp_path: Path) -> None:
    rules = ASK.replace("      approve: true\n", "      if: client.city == 'Berlin'\n")
    async with StudioDay(tmp_path, rules) as day:
        await asked(day)
        order = await day.approve((await day.one()).id)
        await day.until("2026-03-02 10:01")
        assert not (await day.told(order))["ok"]
