"""Paid, balance, outstanding, settled, overdue (rule-language.md, Exact meaning 2)."""

from __future__ import annotations

import pytest
from tests.unit.facts.small_world import SmallWorld, at, client, euros, invoice, payment
from whenever import Date

from selftimer.facts import derive as d
from selftimer.facts import derive_money as m
from selftimer.primitives.money import Money


def test_paid_is_completed_payments_less_refunds() -> None:
    bill = invoice()
    world = SmallWorld(
        payment("p1", "200"),
        payment("p2", "100", status="refunded"),
        payment("p3", "50", status="failed"),
        payment("p4", "70", status="disputed"),
    )
    assert m.paid(bill, world, None) == euros("200")
    assert m.balance(bill, world, None) == euros("300")
    assert m.outstanding(bill, world, None)
    assert m.disputed(bill, world, None)


def test_paid_in_full_is_settled_whatever_the_status_says() -> None:
    bill, world = invoice(status="unpaid"), SmallWorld(payment())
    assert m.settled(bill, world, None)
    assert not m.outstanding(bill, world, None)


@pytest.mark.parametrize(
    ("status", "outstanding", "settled"), [("draft", False, False), ("canceled", False, True), ("unpaid", True, False)]
)
def test_drafts_are_neither_and_canceled_is_settled(status: str, outstanding: bool, settled: bool) -> None:
    bill, world = invoice(status=status), SmallWorld()
    assert (m.outstanding(bill, world, None), m.settled(bill, world, None)) == (outstanding, settled)


@pytest.mark.parametrize(
    ("status", "paid", "outstanding", "settled"),
    [
        ("paid", euros("500"), False, True),
        ("partially_paid", None, True, False),
        ("unpaid", euros("0"), True, False),
        ("draft", euros("0"), False, False),
        ("canceled", euros("0"), False, True),
    ],
)
def test_where_payments_cannot_be_read_the_status_decides(
    status: str, paid: Money | None, outstanding: bool, settled: bool
) -> None:
    bill, world = invoice(status=status), SmallWorld(payment("p1", "200"), readable=False)
    assert m.paid(bill, world, None) == paid
    assert m.balance(bill, world, None) == (None if paid is None else bill.amount - paid)
    assert (m.outstanding(bill, world, None), m.settled(bill, world, None)) == (outstanding, settled)
    assert m.disputed(bill, world, None) is None


@pytest.mark.parametrize(("status", "outstanding"), [("paid", False), ("partially_paid", True)])
def test_a_partial_refund_of_unknown_size_leaves_it_to_the_status(status: str, outstanding: bool) -> None:
    bill, world = invoice(status=status), SmallWorld(payment(status="partially_refunded"))
    assert m.outstanding(bill, world, None) is outstanding


def test_an_invoice_marked_paid_without_any_payment_is_not_asked_for() -> None:
    assert not m.outstanding(invoice(status="paid"), SmallWorld(), None)


def test_a_payment_in_another_currency_leaves_it_to_the_status() -> None:
    other = payment()
    world = SmallWorld(
        type(other)(id="p1", client_id="c1", invoice_id="i1", status="completed", amount=Money(1, "usd"))
    )
    assert m.balance(invoice(status="partially_paid"), world, None) is None


@pytest.mark.parametrize(("due", "overdue"), [(Date(2026, 5, 31), True), (Date(2026, 6, 1), False), (None, False)])
def test_overdue_begins_on_the_day_after(due: Date | None, overdue: bool) -> None:
    assert m.overdue(invoice(due_date=due), SmallWorld(), None) is overdue


def test_overdue_goes_by_the_studios_midnight() -> None:
    world = SmallWorld(now=at("2026-06-10T22:30Z"))  # in Berlin it is the 11th
    assert m.overdue(invoice(due_date=Date(2026, 6, 10)), world, None)


def test_the_last_payment_is_the_latest_that_came() -> None:
    world = SmallWorld(
        payment("p1", payment_date=at("2026-05-01T10:00Z")),
        payment("p2", payment_date=at("2026-05-03T10:00Z")),
        payment("p3", status="failed", payment_date=at("2026-05-05T10:00Z")),
    )
    assert m.last_payment_at(invoice(), world, None) == at("2026-05-03T10:00Z")
    assert m.last_payment_at(invoice(), SmallWorld(), None) is None


def test_open_invoices_are_the_outstanding_ones() -> None:
    anna = client()
    world = SmallWorld(anna, invoice("i1"), invoice("i2", status="draft"), invoice("i3"), payment(invoice_id="i3"))
    assert [bill.id for bill in d.open_invoices(anna, world, None)] == ["i1"]


def test_a_payment_leads_to_its_invoice() -> None:
    bill = invoice()
    assert m.payment_invoice(payment(), SmallWorld(bill), None) == bill
    assert m.payment_invoice(payment(invoice_id=None), SmallWorld(bill), None) is None
    assert m.currency(bill, SmallWorld(), None) == "EUR"
