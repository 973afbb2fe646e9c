from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.api.kit import empty, meet
from whenever import Date

from selftimer.errors import Conflict, NotFound, Refused
from selftimer.primitives.money import Money
from selftimer.sandbox import bulk
from selftimer.sandbox.book import money
from selftimer.studio import models

if TYPE_CHECKING:
    from selftimer.sandbox.world import World

DUE = Date(2026, 5, 1)
NO_INVOICE = "in_" + "x" * 30
NO_COUPON = "cou_" + "x" * 30
MINI: dict[str, Any] = {"code": "MINI-10", "discount_type": "percentage", "discount_value": 10}


def billed(count: int = 12, **profile: Any) -> World:
    """A studio with that many invoices, of which a third is paid and a third paid in part."""
    world = empty(**profile)
    clients = bulk.add_clients(world, 4)
    for place, invoice in enumerate(bulk.add_invoices(world, clients, count)):
        if place % 3 < 2:
            money.pay(world, invoice, invoice.amount if place % 3 == 0 else 100)
    return world


# Invoices ------------------------------------------------------------------------------------------------------------


@pytest.mark.calls("invoice.create", "invoice.get")
@pytest.mark.parametrize(
    ("currency", "amount", "said"),
    [("usd", 1_000_000, "10000.00"), ("jpy", 1_000_000, "1000000"), ("kwd", 1_000_001, "1000.001"), ("eur", 0, "0.00")],
)
async def test_an_amount_arrives_in_the_currencys_smallest_unit(currency: str, amount: int, said: str) -> None:
    m = meet(empty(currency=currency))
    (client,) = bulk.add_clients(m.world, 1)
    lines = [{"name": "Günther: 撮影", "amount": amount, "quantity": 1, "description": "für zwei"}]
    made = await m.studio.invoices.create(client.id, DUE, lines)
    read = await m.studio.invoices.get(made.id)
    assert read.money == made.money == Money(amount, currency)
    assert str(read.money.main) == said
    assert (read.due_date, read.status, read.status_name) == (DUE, "draft", "Draft")
    (line,) = read.line_items
    assert (line.name, line.amount, line.quantity, line.description) == (lines[0]["name"], amount, 1, "für zwei")
    assert read.client is not None
    assert read.client.id == client.id
    assert [write.content["send_email"] for write in m.wrote("invoice")] == [False]


@pytest.mark.calls("invoice.create")
async def test_an_invoice_is_sent_only_where_that_is_said() -> None:
    m = meet(empty(tax_rate=Decimal("8.875")))
    (client,) = bulk.add_clients(m.world, 1)
    line = {"name": "Prints", "amount": 9_999, "quantity": 3, "taxable": True}
    made = await m.studio.invoices.create(client.id, DUE, [line], send_email=True)
    assert made.status == "unpaid"
    assert made.line_items[0].tax_rate == Decimal("8.875")
    assert made.amount == 3 * 9_999 + (made.line_items[0].tax_amount or 0)


@pytest.mark.calls("invoice.create")
async def test_an_invoice_that_can_not_be_is_refused_with_its_fields() -> None:
    m = meet(billed(1))
    with pytest.raises(Refused) as told:
        await m.studio.invoices.create("cl_" + "x" * 30, DUE, [])
    assert (told.value.status, told.value.code) == (422, "validation_failed")
    assert told.value.details.keys() == {"client_id", "line_items"}
    client_id = next(iter(m.world.tables.clients)).id
    with pytest.raises(Refused) as wrong:
        await m.studio.invoices.create(client_id, DUE, [{"name": "x", "amount": 1}], currency="xyz")
    assert wrong.value.code == "invalid_currency"
    assert m.wrote("invoice") == []


@pytest.mark.calls("invoice.list")
@pytest.mark.parametrize(
    "filters",
    [
        {}, {"payment_type": "all"}, {"payment_type": "paid"}, {"payment_type": "unpaid"}, {"payment_type": "overdue"},
        {"currency": "eur"}, {"timeframe_filter": "this_month"}, {"timeframe_filter": "last_month"},
        {"timeframe_filter": "all_time", "to": Date(2020, 1, 1)}, {"to": Date(2099, 1, 1)},
    ],
)  # fmt: skip
async def test_each_filter_of_the_invoices_reaches_the_studio(filters: Any) -> None:
    m = meet(billed())
    found = await m.studio.invoices.list(**filters)
    assert {name: m.last("invoice.list").query.get(name) for name in filters} == {k: str(v) for k, v in filters.items()}
    statuses = {"paid": {"paid"}, "unpaid": {"unpaid", "partially_paid"}, "overdue": set()}
    wanted = statuses.get(filters.get("payment_type", ""), {"paid", "unpaid", "partially_paid"})
    if filters.get("timeframe_filter") == "last_month" or filters.get("to") == Date(2020, 1, 1):
        wanted = set()
    assert {invoice.status for invoice in found} == wanted
    assert all(invoice.payments for invoice in found if invoice.status != "unpaid")


@pytest.mark.calls("invoice.list")
async def test_invoices_of_one_client_are_read_over_all_pages() -> None:
    m = meet(billed(50), page_size=5)
    client_id = m.world.tables.invoices.newest()[0].client_id
    found = await m.studio.invoices.list(client_id=client_id)
    assert [i.id for i in found] == [i.id for i in reversed(m.world.tables.invoices.of_client(client_id))]
    assert len(found) > 10
    assert await m.studio.invoices.list(client_id="cl_" + "x" * 30) == ()


@pytest.mark.calls("invoice.list", "invoice.get")
async def test_a_wrong_filter_and_a_wrong_id_are_told() -> None:
    m = meet(billed(1))
    with pytest.raises(Refused) as wrong:
        await m.studio.invoices.list(timeframe_filter="yesterday")
    assert "timeframe_filter" in wrong.value.details
    with pytest.raises(NotFound) as gone:
        await m.studio.invoices.get(NO_INVOICE)
    assert gone.value.code == "invoice_not_found"
    with pytest.raises(Refused) as bad:
        await m.studio.invoices.get("inv_1")
    assert bad.value.details["expected_prefix"] == "in_"


@pytest.mark.calls("invoice.summary", "invoice.totals", "invoice.currencies", "invoice.summary_currencies")
async def test_sums_are_those_of_the_invoices() -> None:
    m = meet(billed(other_currencies=("jpy",)))
    everything = await m.studio.invoices.list()
    summary = await m.studio.invoices.summary()
    assert summary.total_amount == sum(invoice.amount for invoice in everything)
    assert summary.paid_amount == sum(payment.amount for invoice in everything for payment in invoice.payments)
    assert summary.unpaid_amount == summary.total_amount - summary.paid_amount
    assert (summary.total_invoices, summary.currency) == (len(everything), "eur")
    assert await m.studio.invoices.sums() == (summary.paid_amount, summary.unpaid_amount, summary.overdue_count)
    client_id = everything[0].raw["client"]["id"]
    own = [invoice.amount for invoice in everything if invoice.of_client == client_id]
    assert (await m.studio.invoices.totals("EUR", client_id)).total_amount == sum(own)
    assert (await m.studio.invoices.totals("eur")).total_amount == summary.total_amount
    assert (await m.studio.invoices.totals("jpy")).total_amount == 0
    with pytest.raises(Refused) as told:
        await m.studio.invoices.totals("xyz")
    assert told.value.code == "invalid_currency"
    assert await m.studio.invoices.currencies() == ("eur", "jpy")
    assert await m.studio.invoices.billed_currencies() == ("eur", "jpy")
    assert await m.studio.invoices.billed_currencies(client_id) == ("eur",)


@pytest.mark.calls("invoice.summary")
async def test_amounts_of_two_currencies_stand_beside_each_other() -> None:
    m = meet(empty(other_currencies=("jpy",)))
    (client,) = bulk.add_clients(m.world, 1)
    for currency in ("eur", "jpy"):
        line = [{"name": "x", "amount": 1_000_000}]
        await m.studio.invoices.create(client.id, DUE, line, send_email=True, currency=currency)
    summary = await m.studio.invoices.summary()
    assert (summary.total_amount, summary.currency) == (1_000_000, "eur")
    assert [(s.total_amount, s.currency) for s in summary.other_currencies] == [(1_000_000, "jpy")]


# Payments ------------------------------------------------------------------------------------------------------------


@pytest.mark.calls("payment.list", "payment.get", "payment.disputed")
async def test_payments_are_listed_read_and_counted() -> None:
    m = meet(billed(30), page_size=7)
    found = await m.studio.payments.list()
    assert [payment.id for payment in found] == [row.id for row in m.world.tables.payments.newest()]
    assert m.last("payment.list").query["page_size"] == "7"
    one = found[3]
    assert one.invoice_id is not None
    assert await m.studio.payments.get(one.invoice_id, one.id) == one
    assert one.money == Money(one.amount, "eur")
    assert one.net_amount == one.amount - (one.transaction_fee or 0) - (one.processor_fee or 0)
    with pytest.raises(NotFound) as told:
        await m.studio.payments.get(one.invoice_id, found[4].id)
    assert told.value.code == "payment_not_found"
    with pytest.raises(Refused):
        await m.studio.payments.get(one.invoice_id, "nonsense")
    assert await m.studio.payments.disputed() == 0
    money.change_payment(m.world, m.world.tables.payments.rows[one.id], "disputed")
    assert await m.studio.payments.disputed() == 1
    assert (await m.studio.payments.get(one.invoice_id, one.id)).status == "disputed"


@pytest.mark.calls("payment.list")
@pytest.mark.parametrize(
    ("filters", "some"),
    [
        ({"timeframe_filter": "this_month"}, True), ({"timeframe_filter": "last_month"}, False),
        ({"to": Date(2020, 1, 1)}, False), ({"transaction_date_to": Date(2020, 1, 1)}, False),
        ({"transaction_date_to": Date(2099, 1, 1)}, True), ({"client_id": "cl_" + "x" * 30}, False),
    ],
)  # fmt: skip
async def test_each_filter_of_the_payments_reaches_the_studio(filters: Any, some: bool) -> None:
    m = meet(billed())
    assert bool(await m.studio.payments.list(**filters)) is some
    assert {name: m.last("payment.list").query[name] for name in filters} == {k: str(v) for k, v in filters.items()}


# Coupons and gift cards ----------------------------------------------------------------------------------------------


@pytest.mark.calls("coupon.create", "coupon.get", "coupon.list", "coupon.update", "coupon.disable", "coupon.delete")
async def test_a_coupon_is_made_changed_switched_off_and_deleted() -> None:
    m = meet(empty())
    more = {"usage_limit": 5, "minimum_order_amount": 1_000_000, "expires_at": "2027-01-01T00:00:00Z"}
    made = await m.studio.coupons.create(MINI | more | {"description": "für Åsa"})
    assert (made.code, made.discount_value, made.status, made.usage_limit) == ("MINI-10", 10, "active", 5)
    assert made.minimum_order_amount == 1_000_000
    assert await m.studio.coupons.get(made.id) == made
    assert await m.studio.coupons.find("MINI-10") == made
    assert await m.studio.coupons.find("NOPE") is None
    changed = await m.studio.coupons.update(made.id, {"discount_value": 15, "usage_limit": None})
    assert (changed.discount_value, changed.usage_limit, changed.code) == (15, None, "MINI-10")
    off = await m.studio.coupons.disable(made.id)
    assert off.status == "disabled"
    assert made.id in {coupon.id async for coupon in m.studio.coupons.list("disabled")}
    assert made.id not in {coupon.id async for coupon in m.studio.coupons.list("active")}
    await m.studio.coupons.delete(made.id)
    with pytest.raises(NotFound):
        await m.studio.coupons.get(made.id)
    assert [len(m.wrote(kind)) for kind in ("coupon", "coupon_update", "coupon_delete")] == [1, 2, 1]


@pytest.mark.calls("coupon.create", "coupon.get", "coupon.update", "coupon.disable", "coupon.delete", "coupon.activity")
async def test_each_refusal_of_a_coupon_is_read() -> None:
    m = meet(empty())
    made = await m.studio.coupons.create(MINI)
    with pytest.raises(Conflict) as taken:
        await m.studio.coupons.create(MINI | {"code": "mini-10"})
    assert "code" in taken.value.details
    with pytest.raises(Refused) as wrong:
        await m.studio.coupons.create({"discount_type": "gift", "discount_value": 0})
    assert wrong.value.details.keys() >= {"code", "discount_type", "discount_value"}
    with pytest.raises(Refused) as above:
        await m.studio.coupons.update(made.id, {"discount_value": 101})
    assert above.value.details.keys() == {"discount_value"}
    for refused, error in ((NO_COUPON, NotFound), ("nonsense", Refused)):
        for call in (m.studio.coupons.get, m.studio.coupons.disable, m.studio.coupons.delete):
            with pytest.raises(error):
                await call(refused)
        with pytest.raises(error):
            await m.studio.coupons.activity(refused)


@pytest.mark.calls("coupon.list")
async def test_coupons_of_all_pages_are_read_though_a_pages_size_can_not_be_asked_for() -> None:
    m = meet(empty())
    made = [(await m.studio.coupons.create(MINI | {"code": f"C{number}"})).id for number in range(60)]
    before = len(m.made)
    found = [coupon.id for coupon in await m.studio.coupons.list("all")]
    assert found[:60] == made[::-1]
    assert len(m.made) - before == -(-len(found) // 25)
    assert set(m.last("coupon.list").query) == {"page", "filter"}
    assert await m.studio.coupons.list("expired") == ()


@pytest.mark.calls("coupon.activity")
async def test_the_uses_of_a_coupon_are_listed() -> None:
    m = meet(billed(60))
    coupon = await m.studio.coupons.create(MINI)
    assert await m.studio.coupons.activity(coupon.id) == ()
    used = []
    for row in m.world.tables.invoices:
        if row.status == "unpaid":
            money.use_coupon(m.world, row, "mini-10")
            used.append(row.id)
    uses = await m.studio.coupons.activity(coupon.id)
    assert [use.invoice_id for use in uses] == used[::-1]
    assert {use.coupon_id for use in uses} == {coupon.id}
    assert (await m.studio.coupons.get(coupon.id)).usage_count == len(used)
    invoice = await m.studio.invoices.get(used[0])
    assert (invoice.coupon_code, invoice.discount_amount) == ("MINI-10", uses[-1].discount_amount)


@pytest.mark.calls("gift_card.list")
@pytest.mark.parametrize("status", ["active", "redeemed", "expired", "all"])
async def test_gift_cards_are_listed_by_status(status: Any) -> None:
    m = meet()
    cards = await m.studio.gift_cards.list(status)
    wanted = [c for c in m.world.tables.gift_cards.newest() if status in {"all", c.status_at(m.world.now)}]
    assert [(card.id, card.balance) for card in cards] == [(row.id, row.balance) for row in wanted]
    assert {card.status for card in cards} <= {status if status != "all" else card.status for card in cards}
    assert all(isinstance(card, models.GiftCard) for card in cards)
    assert m.last("gift_card.list").query["status"] == status
