"""What holds for every invoice, and that every answer about money and papers is what its call says."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.contract.sandbox_kit import read, signed_in
from whenever import Date, Instant

from selftimer.primitives.ids import InvoiceId, PaymentId
from selftimer.sandbox import bulk, views_money
from selftimer.sandbox.book import money
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.profile import StudioProfile
from selftimer.sandbox.resources import coupons, documents, invoices
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from selftimer.sandbox.model import Client, Invoice
    from selftimer.sandbox.routing import Route


def billed(world: World, client: Client, amount: int = 10_000, **more: Any) -> Invoice:
    item = money.line(world, client.id, "Session", amount)
    return money.add_invoice(world, client.id, [item], more.pop("due", Date(2026, 4, 1)), by="studio", **more)


# The description ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived() -> World:
    """A studio where every kind of paper, payment and code has come up."""
    world = World(population=80)
    [client] = bulk.add_clients(world, 1)
    for code, card in (("WELCOME10", "GIFT-4711"), (None, "GIFT-4712")):
        money.pay(world, billed(world, client), 8_000, coupon_code=code, gift_card_code=card)
    billed(world, client, currency="usd", due=Date(2026, 1, 1))
    return world


@pytest.mark.parametrize(
    "route",
    [r for r in (*invoices.ROUTES, *documents.ROUTES, *coupons.ROUTES) if r.method == "GET"],
    ids=lambda route: route.path,
)
async def test_every_answer_is_to_the_letter_what_its_call_says(lived: World, route: Route) -> None:
    adapter = TypeAdapter(route.data)
    tables, kind = lived.tables, route.path.split("/")[1]
    rows: Any = getattr(tables, kind, tables.invoices)
    ids = [{"id": row.id, "currency": "eur", "payment": ""} for row in rows] if "{" in route.path else [{}]
    if "{payment}" in route.path:
        ids = [{"id": row.invoice_id, "payment": row.id} for row in tables.payments]
    async with signed_in(lived) as http:
        for params in ids[-150:]:
            for query in ({"per_page": "100"}, {"expand": "all", "page_size": "100"}):
                answer = await read(http, route.path.format(**params), **query)
                adapter.validate_json(orjson.dumps(answer["data"]), strict=True)
                assert answer["data"] or "activity" in route.path, "nothing was there to look at"


# The law ------------------------------------------------------------------------------------------------------------

lines = st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 50), st.booleans()), min_size=1, max_size=4)
deeds = st.lists(
    st.tuples(
        st.sampled_from(["pay", "pay all", "coupon", "fail", "pend", "settle", "refund", "dispute", "day"]),
        st.integers(1, 10**7),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(lines, deeds, st.sampled_from(["0", "7.7", "8.875", "19", "33.333"]))
def test_an_invoices_amount_balance_and_status_follow_from_its_lines_and_payments(
    items: list[tuple[int, int, bool]], done: list[tuple[str, int]], rate: str
) -> None:
    world = World.empty(profile=StudioProfile(tax_rate=Decimal(rate)))
    [client] = bulk.add_clients(world, 1)
    rows = [money.line(world, client.id, "Line", price, many, taxable=taxed) for price, many, taxed in items]
    invoice = money.add_invoice(world, client.id, rows, Date(2026, 3, 6), by="studio")
    for deed, number in done:
        _do(world, invoice, deed, number)
        _check(world, invoice, Decimal(rate))


def _do(world: World, invoice: Invoice, deed: str, number: int) -> None:
    last = invoice.payments[-1] if invoice.payments else None
    with contextlib.suppress(DeedError):  # what can't be is refused, and changes nothing
        match deed:
            case "pay all":
                money.pay(world, invoice, invoice.balance - invoice.pending)
            case "pay" | "fail" | "pend":
                status = {"pay": "completed", "fail": "failed", "pend": "pending"}[deed]
                money.pay(world, invoice, number, status=status)  # type: ignore[arg-type]  # of the table above
            case "coupon":
                money.use_coupon(world, invoice, "WELCOME10")
            case "settle" if last and last.status in {"pending", "disputed"}:
                money.change_payment(world, last, "completed")
            case "refund" if last:
                money.refund(world, last, number)
            case "dispute" if last and last.status == "completed":
                money.change_payment(world, last, "disputed")
            case "day":
                world.advance_to(world.now.add(hours=24))


def _check(world: World, invoice: Invoice, rate: Decimal) -> None:
    seen = views_money.invoice(world, invoice, whole=True)
    TypeAdapter(views_money.InvoiceView).validate_python(seen, strict=True)
    taxes = [line["tax_amount"] for line in seen["line_items"]]
    for line in seen["line_items"]:
        exact = line["amount"] * line["quantity"] * (rate if line["taxable"] else Decimal(0)) / 100
        assert abs(line["tax_amount"] - exact) <= Decimal("0.5")
    net = sum(line["amount"] * line["quantity"] for line in seen["line_items"])
    assert seen["amount"] == net + sum(taxes) - seen["discount_amount"]
    came = [p for p in seen["payments"] if p["status"] not in {"failed", "pending"}]
    balance = seen["amount"] - sum(p["amount"] for p in came) + sum(p["amount_refunded"] for p in came)
    assert balance == invoice.balance
    assert balance >= 0, "nobody pays more than is open"
    late = world.now >= Instant.parse_iso("2026-03-06T23:00:00Z")
    partly = "Partially Paid" if balance < seen["amount"] else "Unpaid"
    assert seen["status"] == ("Paid" if balance == 0 else "Past Due" if late else partly)
    assert InvoiceId.valid(seen["id"])
    assert all(PaymentId.valid(p["id"]) for p in seen["payments"])
