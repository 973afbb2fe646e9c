"""Coupons and gift cards: as the API shows them, and as clients use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in
from whenever import Date

from selftimer.primitives.ids import CouponActivityId, CouponId
from selftimer.sandbox import bulk
from selftimer.sandbox.book import money
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.profile import StudioProfile
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from selftimer.sandbox.model import Client, GiftCard, Invoice

TEN_PERCENT = {"code": "SPRING", "discount_type": "percentage", "discount_value": 10}
FIVE_EUROS = {"code": "FIVER", "discount_type": "fixed_amount", "discount_value": 500}


@pytest.fixture
def world() -> World:
    return World.empty(profile=StudioProfile(other_currencies=("usd",)))


@pytest.fixture
def client(world: World) -> Client:
    [made] = bulk.add_clients(world, 1, client_type="lead")
    return made


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(world) as signed:
        yield signed


def billed(world: World, client: Client, amount: int = 10_000, **more: Any) -> Invoice:
    item = money.line(world, client.id, "Session", amount)
    return money.add_invoice(world, client.id, [item], Date(2026, 4, 1), by="studio", **more)


async def make(http: httpx.AsyncClient, kind: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await http.post(f"{API}/coupons", json={**kind, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


def card_with(world: World, balance: int) -> GiftCard:
    return next(card for card in world.tables.gift_cards if card.balance == balance)


# The coupons themselves ---------------------------------------------------------------------------------------------


async def test_a_coupon_is_made_changed_switched_off_and_deleted(http: httpx.AsyncClient, world: World) -> None:
    made = await make(http, TEN_PERCENT, description="Frühling 🌷", usage_limit=3)
    assert CouponId.valid(made["id"])
    assert (made["status"], made["usage_count"], made["minimum_order_amount"]) == ("active", 0, 0)
    path = f"{API}/coupons/{made['id']}"
    changed = (await http.put(path, json={"discount_value": 20, "usage_limit": None})).json()["data"]
    assert changed == {**made, "discount_value": 20, "usage_limit": None}, "what isn't named stays"
    off = (await http.put(f"{path}/disable")).json()["data"]
    assert off == {**changed, "status": "disabled"}
    assert (await http.put(f"{path}/disable")).json()["data"] == off, "off twice is off"
    gone = await http.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (await http.get(f"{path}/"), await http.put(path, json={}), await http.delete(path)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_not_found")
    assert [write.kind for write in world.ledger.writes] == ["coupon", *["coupon_update"] * 3, "coupon_delete"]
    await make(http, TEN_PERCENT)


@pytest.mark.parametrize("code", ["SPRING", "spring", "  Spring "])
async def test_a_code_that_is_taken_is_a_conflict_however_it_is_spelled(http: httpx.AsyncClient, code: str) -> None:
    await make(http, TEN_PERCENT)
    other = await make(http, FIVE_EUROS)
    taken = {
        "error": "Validation failed",
        "message": "The coupon could not be saved.",
        "details": {"code": ["The code has already been taken."]},
    }
    made = await http.post(f"{API}/coupons", json={**FIVE_EUROS, "code": code})
    renamed = await http.put(f"{API}/coupons/{other['id']}", json={"code": code})
    for answer in (made, renamed):
        assert (answer.status_code, answer.json()) == (409, taken)
    own = await http.put(f"{API}/coupons/{other['id']}", json={"code": "fiver"})
    assert own.json()["data"]["code"] == "fiver", "its own code isn't taken"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"code": " "}, "code"),
        ({"code": "X" * 51}, "code"),
        ({"code": None}, "code"),
        ({"discount_type": "half"}, "discount_type"),
        ({"discount_value": 0}, "discount_value"),
        ({"discount_value": 101}, "discount_value"),
        ({"discount_value": "10"}, "discount_value"),
        ({"usage_limit": 0}, "usage_limit"),
        ({"minimum_order_amount": -1}, "minimum_order_amount"),
        ({"expires_at": "2026-02-30T10:00:00Z"}, "expires_at"),
        ({"expires_at": "2026-04-01"}, "expires_at"),
        ({"description": 7}, "description"),
    ],
)
async def test_a_coupon_that_cannot_be_is_refused_when_made_and_when_changed(
    http: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    there = await make(http, {**TEN_PERCENT, "code": "THERE"})
    made = await http.post(f"{API}/coupons", json={**TEN_PERCENT, **body})
    changed = await http.put(f"{API}/coupons/{there['id']}", json=body)
    for answer in (made, changed):
        said = answer.json()
        assert (answer.status_code, said["error"], set(said["details"])) == (422, "Validation failed", {field})
    assert (await read(http, f"/coupons/{there['id']}/"))["data"] == there


async def test_five_euros_cannot_become_five_hundred_percent(http: httpx.AsyncClient) -> None:
    made = await make(http, FIVE_EUROS)
    answer = await http.put(f"{API}/coupons/{made['id']}", json={"discount_type": "percentage"})
    assert set(answer.json()["details"]) == {"discount_value"}


async def test_coupons_are_listed_by_what_they_are_worth_page_by_page(http: httpx.AsyncClient, world: World) -> None:
    soon = world.now.add(hours=1).format_iso()
    made = {
        "active": await make(http, TEN_PERCENT),
        "expired": await make(http, FIVE_EUROS, expires_at=soon),
        "disabled": await make(http, TEN_PERCENT, code="OFF"),
    }
    await http.put(f"{API}/coupons/{made['disabled']['id']}/disable")
    world.advance_to(world.now.add(hours=2))
    for name, coupon in made.items():
        rows = (await read(http, "/coupons", filter=name))["data"]
        assert [row["code"] for row in rows if row["code"] != "WELCOME10"] == [coupon["code"]]
    last = await read(http, "/coupons", per_page=3, page=2)
    assert [row["code"] for row in last["data"]] == ["WELCOME10"]
    assert (last["links"]["next"], last["links"]["prev"]) == (None, "/api/v1/coupons?page=1")
    assert (await http.get(f"{API}/coupons", params={"filter": "old"})).status_code == 422


async def test_a_coupon_with_another_date_runs_out_then_and_not_before(http: httpx.AsyncClient, world: World) -> None:
    made = await make(http, TEN_PERCENT, expires_at=world.now.add(hours=1).format_iso())
    path = f"{API}/coupons/{made['id']}"
    await http.put(path, json={"expires_at": world.now.add(hours=3).format_iso()})
    told = [line.kind for line in world.ledger.story]
    world.advance_to(world.now.add(hours=2))
    assert (await http.get(f"{path}/")).json()["data"]["status"] == "active"
    assert [line.kind for line in world.ledger.story] == told
    world.advance_to(world.now.add(hours=1))
    assert (await http.get(f"{path}/")).json()["data"]["status"] == "expired"
    assert world.ledger.story[-1].kind == "runs_out"
    forever = (await http.put(path, json={"expires_at": None})).json()["data"]
    assert (forever["status"], forever["expires_at"]) == ("active", None)


# Using one ----------------------------------------------------------------------------------------------------------


async def test_a_coupon_comes_off_the_invoice_and_its_use_is_on_record(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    coupon = await make(http, TEN_PERCENT)
    assert (await read(http, f"/coupons/{coupon['id']}/activity"))["data"] == []
    invoice = billed(world, client, 9_995)
    payment = money.pay(world, invoice.id, 9_995, coupon_code=" spring ")
    seen = (await read(http, f"/invoices/{invoice.id}", expand="all"))["data"]
    assert (seen["discount_amount"], seen["amount"], seen["coupon_code"]) == (1_000, 8_995, "SPRING")
    assert (seen["status"], seen["payments"][0]["amount"], payment.amount) == ("Paid", 8_995, 8_995)
    after = await read(http, f"/coupons/{coupon['id']}/activity")
    [use] = after["data"]
    assert CouponActivityId.valid(use["id"])
    assert (use["invoice_id"], use["order_amount"], use["discount_amount"]) == (invoice.id, 9_995, 1_000)
    assert (use["client"]["id"], use["discount_amount_formatted"]) == (client.id, "€10.00")
    assert after["meta"]["total"] == 1
    assert (await read(http, f"/coupons/{coupon['id']}/"))["data"]["usage_count"] == 1
    assert client.type == "client"


async def test_uses_are_listed_newest_first_page_by_page(http: httpx.AsyncClient, world: World, client: Client) -> None:
    coupon = await make(http, TEN_PERCENT)
    invoices = [billed(world, client) for _ in range(3)]
    for invoice in invoices:
        money.use_coupon(world, invoice, "SPRING")
        world.advance_to(world.now.add(minutes=1))
    path = f"/coupons/{coupon['id']}/activity"
    assert [u["invoice_id"] for u in (await read(http, path, per_page=2))["data"]] == [invoices[2].id, invoices[1].id]
    assert [u["invoice_id"] for u in (await read(http, path, per_page=2, page=2))["data"]] == [invoices[0].id]
    assert (await read(http, path, per_page=2, page=3))["data"] == []


@pytest.mark.parametrize(
    ("kind", "more", "code", "sentence"),
    [
        (TEN_PERCENT, {"code": "OTHER"}, "coupon_not_found", "There is no coupon with the code SPRING."),
        (TEN_PERCENT, {"off": True}, "coupon_disabled", "The coupon SPRING is no longer valid."),
        (
            TEN_PERCENT,
            {"expires_at": "2026-03-02T08:00:00Z"},
            "coupon_expired",
            "The coupon SPRING ran out on 2026-03-02.",
        ),
        (
            TEN_PERCENT,
            {"minimum_order_amount": 10_001},
            "coupon_minimum",
            "The coupon SPRING is for orders of €100.01 or more; this one is over €100.00.",
        ),
        (
            TEN_PERCENT,
            {"usage_limit": 1, "used": True},
            "coupon_exhausted",
            "The coupon SPRING has been used as often as it may be.",
        ),
        (
            TEN_PERCENT,
            {"twice": True},
            "coupon_used_already",
            "The coupon SPRING has been used on this invoice.",
        ),
    ],
)
async def test_a_coupon_that_does_not_count_is_refused_with_a_sentence_and_nothing_is_paid(
    http: httpx.AsyncClient, world: World, client: Client, kind: Any, more: dict[str, Any], code: str, sentence: str
) -> None:
    made = await make(
        http, kind, **{name: value for name, value in more.items() if name not in {"off", "used", "twice"}}
    )
    invoice = billed(world, client)
    if more.get("off"):
        await http.put(f"{API}/coupons/{made['id']}/disable")
    if more.get("used"):
        money.use_coupon(world, billed(world, client), "SPRING")
        assert (await read(http, f"/coupons/{made['id']}/"))["data"]["status"] == "exhausted"
    if more.get("twice"):
        money.use_coupon(world, invoice, "SPRING")
    world.advance_to(world.now.add(hours=2))
    before = (invoice.amount, invoice.payments[:], world.tables.coupons.rows[made["id"]].usage_count)
    with pytest.raises(DeedError) as refused:
        money.pay(world, invoice, 5_000, coupon_code="SPRING")
    assert (refused.value.code, str(refused.value)) == (code, sentence)
    assert (invoice.amount, invoice.payments, world.tables.coupons.rows[made["id"]].usage_count) == before


async def test_money_off_is_for_the_studios_currency_and_a_share_for_any(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    await make(http, FIVE_EUROS)
    await make(http, TEN_PERCENT)
    dollars = billed(world, client, currency="usd")
    with pytest.raises(DeedError, match="The coupon FIVER is for invoices in EUR"):
        money.use_coupon(world, dollars, "FIVER")
    money.use_coupon(world, dollars, "SPRING")
    assert dollars.amount == 9_000


async def test_a_coupon_that_covers_all_pays_the_invoice_with_a_payment_of_nothing(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    await make(http, FIVE_EUROS)
    invoice = billed(world, client, 400)
    money.pay(world, invoice, 400, coupon_code="FIVER")
    seen = (await read(http, f"/invoices/{invoice.id}", expand="all"))["data"]
    assert (seen["status"], seen["amount"], seen["discount_amount"]) == ("Paid", 0, 400)
    assert [(p["amount"], p["payment_method"]) for p in seen["payments"]] == [(0, "coupon")]
    assert world.ledger.payments[-1].complete


async def test_a_coupon_on_a_part_payment_lowers_what_is_left(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    await make(http, TEN_PERCENT)
    invoice = billed(world, client)
    money.pay(world, invoice, 5_000, coupon_code="SPRING")
    assert (invoice.status, invoice.amount, invoice.balance) == ("partially_paid", 9_000, 4_000)


async def test_a_payment_that_fails_uses_neither_code_up(http: httpx.AsyncClient, world: World, client: Client) -> None:
    coupon = await make(http, TEN_PERCENT)
    card, invoice = card_with(world, 6_000), billed(world, client)
    failed = money.pay(world, invoice, 10_000, status="failed", coupon_code="SPRING", gift_card_code=card.code)
    assert (failed.status, failed.amount) == ("failed", 3_000)
    assert (card.balance, invoice.amount, invoice.status) == (6_000, 10_000, "unpaid")
    assert (await read(http, f"/coupons/{coupon['id']}/activity"))["data"] == []


async def test_a_deleted_coupons_invoices_stay_as_cheap_as_they_were(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    coupon = await make(http, TEN_PERCENT)
    invoice = billed(world, client)
    money.use_coupon(world, invoice, "SPRING")
    await http.delete(f"{API}/coupons/{coupon['id']}")
    seen = (await read(http, f"/invoices/{invoice.id}"))["data"]
    assert (seen["amount"], seen["coupon_code"]) == (9_000, "SPRING")


async def test_people_who_were_written_a_code_pay_with_it_as_long_as_it_counts() -> None:
    world = World(population=60)
    async with signed_in(world) as http:
        coupon = await make(http, TEN_PERCENT, usage_limit=2)
        for person in world.people.values():
            billed(world, world.tables.clients.rows[person.client_id])
            for thread in world.tables.conversations.of_client(person.client_id):
                text = {"conversation_id": thread.id, "content": "Ten percent off until then: spring!"}
                assert (await http.post(f"{API}/conversation_messages", json=text)).status_code == 201
    world.advance_to(world.now.add(hours=24 * 10))
    async with signed_in(world) as http:
        uses = (await read(http, f"/coupons/{coupon['id']}/activity"))["data"]
        assert (await read(http, f"/coupons/{coupon['id']}/"))["data"]["status"] == "exhausted"
        assert len(uses) == 2
        for use in uses:
            invoice = (await read(http, f"/invoices/{use['invoice_id']}", expand="all"))["data"]
            assert invoice["discount_amount"] == use["discount_amount"] > 0
    assert any(line.kind == "coupon_used" for line in world.ledger.story)


# Gift cards ---------------------------------------------------------------------------------------------------------


async def test_a_gift_card_pays_as_far_as_it_reaches_and_the_rest_is_charged(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    card, invoice = card_with(world, 6_000), billed(world, client)
    rest = money.pay(world, invoice, 10_000, method="paypal", gift_card_code=card.code.lower())
    assert (rest.amount, rest.method) == (4_000, "paypal")
    seen = (await read(http, f"/invoices/{invoice.id}", expand="all"))["data"]
    assert [(p["amount"], p["payment_method"]) for p in seen["payments"]] == [(6_000, "gift_card"), (4_000, "paypal")]
    assert seen["payments"][0]["payment_method_details"] == {"gift_card_id": card.id}
    assert seen["status"] == "Paid"
    [used] = (await read(http, "/gift_cards", status="redeemed"))["data"]
    assert (used["id"], used["balance"], used["balance_formatted"], used["amount"]) == (card.id, 0, "€0.00", 15_000)
    with pytest.raises(DeedError, match=f"Nothing is left on the gift card {card.code}"):
        money.pay(world, billed(world, client), 100, gift_card_code=card.code)


async def test_what_a_gift_card_paid_goes_back_onto_it(http: httpx.AsyncClient, world: World, client: Client) -> None:
    card, invoice = card_with(world, 6_000), billed(world, client, 5_000)
    paid = money.pay(world, invoice, 5_000, gift_card_code=card.code)
    assert (paid.method, card.balance) == ("gift_card", 1_000)
    money.refund(world, paid, 2_000)
    shown = {row["id"]: row for row in (await read(http, "/gift_cards", status="active"))["data"]}
    assert shown[card.id]["balance"] == 3_000
    money.refund(world, paid, 3_000)
    assert card.balance == 6_000


def test_a_gift_card_that_does_not_count_is_refused_with_a_sentence(world: World, client: Client) -> None:
    dollars = billed(world, client, currency="usd")
    with pytest.raises(DeedError, match="There is no gift card with the code GIFT-0"):
        money.pay(world, dollars, 100, gift_card_code="GIFT-0")
    card = card_with(world, 6_000)
    with pytest.raises(DeedError, match=f"The gift card {card.code} is for invoices in EUR"):
        money.pay(world, dollars, 100, gift_card_code=card.code)
    world.advance_to(card.expires_at)
    with pytest.raises(DeedError, match=f"The gift card {card.code} ran out on 2026-03-22"):
        money.pay(world, billed(world, client), 100, gift_card_code=card.code)
    assert card.balance == 6_000


async def test_gift_cards_are_listed_by_status_and_page(http: httpx.AsyncClient) -> None:
    both_ends = [await read(http, "/gift_cards", per_page=2, page=number) for number in (1, 2, 3)]
    assert [len(page["data"]) for page in both_ends] == [2, 1, 0]
    assert both_ends[0]["links"]["next"] == "/api/v1/gift_cards?page=2"
    assert (await read(http, "/gift_cards", status="redeemed"))["data"] == []
    assert (await http.get(f"{API}/gift_cards", params={"status": "stolen"})).status_code == 422
