"""`becomes …`: false before, true now (rule-language.md, Exact meaning 1, 12, 14, 20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.facts.records import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.sandbox.model import Client, Invoice

SETTLED = """
- id: settled
  title: Thank for the money
  when: becomes invoice.balance == 0
  then:
    - send: settled
"""
BIG = """
- id: big
  title: A big invoice
  when: becomes invoice.amount >= 500
  then:
    - notify: big
"""


async def begun(day: StudioDay) -> list[str]:
    return [run.occurrence for run in await day.runs()]


async def test_the_last_payment_makes_the_balance_nothing_and_is_seen_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SETTLED) as day:
        bill = day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 09:01")
        day.pay(bill, 4_000)
        await day.until("2026-03-02 10:01")
        assert day.sent() == []
        day.pay(bill)
        await day.until("2026-03-02 12:00")
        await day.restart()
        await day.until("2026-03-03 12:00")
        assert day.sent() == ["03-02 10:05 settled Anna"]
        (run,) = await day.runs()
        assert (run.subject_kind, run.subject_id, run.occurrence) == (Kind.INVOICE, bill.id, "becomes:2026-03-02")


async def test_what_was_so_before_the_rule_is_nothing_new(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, SETTLED)
    bill = day.invoice(day.known("Anna"), "2026-03-20")
    day.pay(bill)
    async with day:
        await day.until("2026-03-02 10:01")
        bill.due_date = bill.due_date.add(days=1)  # seen again, and judged again
        day.due(bill, bill.due_date.format_iso())
        await day.until("2026-03-03 12:00")
        assert day.sent() == []


async def test_a_rule_that_is_added_looks_at_what_is_there_first(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, "")
    anna = day.known("Anna")
    paid, open_ = day.invoice(anna, "2026-03-20"), day.invoice(anna, "2026-03-21")
    day.pay(paid)
    await day.start()
    await day.until("2026-03-02 10:01")
    await day.aclose()
    day.rules(SETTLED)
    async with day:
        await day.until("2026-03-02 11:01")
        assert await begun(day) == []
        day.pay(open_)
        await day.until("2026-03-02 12:01")
        assert day.sent() == ["03-02 11:05 settled Anna"]


async def test_a_new_record_counts_as_false_before(tmp_path: Path) -> None:
    words = {"big": "{{ invoice.amount | money }}\n"}
    async with StudioDay(tmp_path, BIG, words=words) as day:
        anna = day.known("Anna")
        day.invoice(anna, "2026-03-20", 90_000)
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20", 60_000)
        day.invoice(anna, "2026-03-20", 10_000)
        await day.until("2026-03-02 12:00")
        assert await day.states() == ["big sent"]
        assert (await day.one()).text == "€600.00"


async def test_there_and_back_on_another_day_begins_again_and_on_the_same_day_it_does_not(tmp_path: Path) -> None:
    rules = """
- id: lead
  title: A lead
  when: becomes client.type == 'lead'
  then:
    - notify: lead
"""
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        for at, kind in (
            ("03-02 10:01", "lead"),
            ("03-02 11:01", "client"),
            ("03-02 12:01", "lead"),
            ("03-03 10:01", "client"),
            ("03-03 11:01", "lead"),
        ):
            day.change(anna, type=kind)
            await day.until(f"2026-{at}")
        await day.until("2026-03-04 09:00")
        assert await begun(day) == ["becomes:2026-03-02", "becomes:2026-03-03"]


async def test_unknown_leaves_what_was_known(tmp_path: Path) -> None:
    rules = """
- id: berlin
  title: From Berlin
  when: becomes client.company == 'Berlin'
  then:
    - notify: berlin
"""
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna", company="Berlin")
        await day.until("2026-03-02 09:01")
        day.change(anna, company=None)  # a comparison with what is missing is unknown, not false
        await day.until("2026-03-02 10:01")
        day.change(anna, company="Berlin")
        await day.until("2026-03-02 11:01")
        assert await begun(day) == []
        day.change(anna, company="Hamburg")
        await day.until("2026-03-02 12:01")
        day.change(anna, company="Berlin")
        await day.until("2026-03-02 13:01")
        assert await begun(day) == ["becomes:2026-03-02"]


async def test_it_must_still_be_true_at_the_first_effect(tmp_path: Path) -> None:
    rules = SETTLED + "      approve: true\n"
    async with StudioDay(tmp_path, rules) as day:
        bill = day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 09:01")
        payment = day.pay(bill)
        await day.until("2026-03-02 10:01")
        (held,) = await day.held()
        day.change_payment(payment, "refunded")
        await day.approve(held.id)
        await day.until("2026-03-02 12:00")
        assert day.sent() == []
        assert await day.ends() == ["it is no longer so"]


async def test_after_the_first_effect_it_needs_to_be_true_no_more(tmp_path: Path) -> None:
    rules = SETTLED + "    - wait: 1 day\n    - notify: later\n"
    async with StudioDay(tmp_path, rules) as day:
        bill = day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 09:01")
        payment = day.pay(bill)
        await day.until("2026-03-02 10:01")
        day.change_payment(payment, "refunded")
        await day.until("2026-03-04 12:00")
        assert await day.states() == ["settled sent", "later sent"]


@pytest.mark.parametrize("back", [False, True])
async def test_with_settle_it_has_to_last(tmp_path: Path, back: bool) -> None:
    async with StudioDay(tmp_path, SETTLED.replace("  then", "  settle: 30 minutes\n  then")) as day:
        bill = day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 09:01")
        payment = day.pay(bill)
        await day.until("2026-03-02 09:16")
        if back:
            day.change_payment(payment, "refunded")
        await day.until("2026-03-02 12:00")
        assert day.sent() == ([] if back else ["03-02 09:35 settled Anna"])


async def test_what_settles_survives_a_restart(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SETTLED.replace("  then", "  settle: 30 minutes\n  then")) as day:
        bill = day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 09:01")
        day.pay(bill)
        await day.until("2026-03-02 09:16")
        await day.restart()
        await day.until("2026-03-02 12:00")
        assert day.sent() == ["03-02 09:35 settled Anna"]


OWN = """
- id: sort
  title: Sort
  when: session.confirmed
  then:
    - update: client
      set: {notes: regular}
- id: seen
  title: Seen
  when: becomes client.notes == 'regular'
  {also}
  then:
    - notify: seen
"""


@pytest.mark.parametrize(("also", "count"), [("mode: auto", 0), ("also: own_changes", 1)])
async def test_a_value_that_we_set_is_no_change_unless_the_rule_says_so(tmp_path: Path, also: str, count: int) -> None:
    rules = OWN.replace("{also}", also)
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna", notes="new")
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-05-01 12:00")
        await day.until("2026-03-02 12:00")
        assert len([run for run in await day.runs() if run.rule_id == "seen"]) == count


async def test_settings_of_a_rule_hold_for_it_too(tmp_path: Path) -> None:
    rules = SETTLED.replace(
        "  then", "  if: client.first_name != 'Ben'\n  until: client.next_session\n  repeat: once per client\n  then"
    )
    async with StudioDay(tmp_path, rules) as day:
        anna, ben, cleo = day.known("Anna"), day.known("Ben"), day.known("Cleo")
        bills = {one.id: [day.invoice(one, "2026-03-20") for _ in range(2)] for one in (anna, ben, cleo)}
        day.session(cleo, "2026-05-01 12:00")
        await day.until("2026-03-02 09:01")

        async def pay(client: Client, bill: Invoice, at: str) -> None:
            assert bill.client_id == client.id
            day.pay(bill)
            await day.until(at)

        await pay(anna, bills[anna.id][0], "2026-03-02 10:01")
        await pay(anna, bills[anna.id][1], "2026-03-02 11:01")
        await pay(ben, bills[ben.id][0], "2026-03-02 12:01")
        await pay(cleo, bills[cleo.id][0], "2026-03-02 13:01")
        assert day.sent() == ["03-02 09:05 settled Anna"]
        assert await day.verdicts("settled") == ["begun", "repeat", "no", "until"]


async def test_two_in_a_list_are_told_apart(tmp_path: Path) -> None:
    rules = BIG.replace(
        "when: becomes invoice.amount >= 500", "when: [becomes invoice.amount >= 500, becomes invoice.balance == 0]"
    )
    async with StudioDay(tmp_path, rules) as day:
        bill = day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 09:01")
        day.pay(bill)
        await day.until("2026-03-02 10:01")
        assert await begun(day) == ["becomes#2:2026-03-02"]
        assert await day.states() == ["big sent"]


async def test_a_service_that_dies_in_its_first_look_takes_nothing_for_new(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, SETTLED)
    bill = day.invoice(day.known("Anna"), "2026-03-20")
    other = day.invoice(day.known("Ben"), "2026-03-20")
    day.pay(bill)

    class Died(BaseException):
        pass

    def die(name: str) -> None:
        if name == "observe.first_look":
            raise Died

    await day.start()
    day.service.context.crash_point = die
    with pytest.raises(Died):
        await day.until("2026-03-02 10:00")
    await day.aclose()
    async with day:
        await day.until("2026-03-02 11:01")
        day.pay(other)
        await day.until("2026-03-02 12:00")
        assert day.sent() == ["03-02 11:05 settled Ben"]


async def test_a_flood_of_it_is_held_like_one_of_events(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, SETTLED) as day:
        bills = [day.invoice(day.known(f"C{n}"), "2026-03-20") for n in range(11)]
        await day.until("2026-03-02 09:01")
        for bill in bills:
            day.pay(bill)
        await day.until("2026-03-02 10:00")
        assert day.sent() == []
        assert "11 messages held for you: 11 at once" in await day.notices()
