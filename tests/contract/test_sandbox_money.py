"""Invoices, payments and their sums, as the sandbox's API shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in
from whenever import Date, Instant

from selftimer.sandbox import bulk
from selftimer.sandbox.book import money, sessions
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.life.bookings import session_type
from selftimer.sandbox.profile import ServerOptions, StudioProfile
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from selftimer.sandbox.model import Client, Invoice

NOBODY = f"cl_{'0' * 30}"


@pytest.fixture
def world() -> World:
    """A studio in Berlin that bills in euros, and in yen and dollars where asked to."""
    return World.empty(profile=StudioProfile(other_currencies=("jpy", "usd"), tax_rate=Decimal("8.875")))


@pytest.fixture
def client(world: World) -> Client:
    [made] = bulk.add_clients(world, 1)
    return made


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(world) as signed:
        yield signed


def billed(world: World, client: Client, amount: int = 10_000, **more: Any) -> Invoice:
    due = more.pop("due", Date(2026, 4, 1))
    return money.add_invoice(
        world, client.id, [money.line(world, client.id, "Session", amount)], due, by="studio", **more
    )


def body(client: Client, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    lines = list(items) or [{"name": "Album", "amount": 25_000}]
    return {"client_id": client.id, "due_date": "2026-04-01", "line_items": lines, "send_email": True, **more}


# Amounts ------------------------------------------------------------------------------------------------------------


async def test_tax_is_added_to_taxable_lines_and_rounded_half_up_line_by_line(
    http: httpx.AsyncClient, client: Client
) -> None:
    lines = [
        {"name": "Print", "amount": 60, "quantity": 20, "taxable": True},  # 8.875 % of 1200: 106.5
        {"name": "Print", "amount": 60, "quantity": 20, "taxable": True},
        {"name": "Session", "amount": 25_000},
    ]
    made = (await http.post(f"{API}/invoices/", json=body(client, *lines))).json()["data"]
    assert [(line["tax_rate"], line["tax_amount"]) for line in made["line_items"]] == [
        (8.875, 107),
        (8.875, 107),
        (0, 0),
    ]
    assert made["amount"] == 2 * (1_200 + 107) + 25_000
    assert made["amount_formatted"] == "€276.14"


async def test_a_line_keeps_the_tax_rate_of_its_day(world: World, http: httpx.AsyncClient, client: Client) -> None:
    made = (
        await http.post(f"{API}/invoices/", json=body(client, {"name": "A", "amount": 1_000, "taxable": True}))
    ).json()
    world.profile = StudioProfile(other_currencies=("jpy", "usd"), tax_rate=Decimal(20))
    again = (await read(http, f"/invoices/{made['data']['id']}"))["data"]
    assert again == made["data"]


@pytest.mark.parametrize(
    ("currency", "amount", "words"),
    [("jpy", 1_250_000, "¥1,250,000"), ("usd", 123_456_789, "$1,234,567.89"), ("EUR", 5, "€0.05")],
)
async def test_amounts_of_every_size_and_currency_have_a_formatted_twin(
    http: httpx.AsyncClient, client: Client, currency: str, amount: int, words: str
) -> None:
    answer = await http.post(
        f"{API}/invoices/", json=body(client, {"name": "All", "amount": amount}, currency=currency)
    )
    made = answer.json()["data"]
    assert (made["amount"], made["amount_formatted"], made["currency"]) == (amount, words, currency.lower())
    assert made["line_items"][0]["amount_formatted"] == words


async def test_names_and_descriptions_of_every_script_come_back_as_they_were_sent(
    http: httpx.AsyncClient, client: Client
) -> None:
    line = {
        "name": "家族写真 👩‍👩‍👧 «Ébène» {{ x }}",
        "amount": 1,
        "description": "<b>\u05e9\u05dc\u05d5\u05dd</b>\n\t\u202e",
    }
    made = (await http.post(f"{API}/invoices/", json=body(client, line))).json()["data"]
    assert {k: made["line_items"][0][k] for k in line} == line


# What is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"client_id": NOBODY}, {"client_id"}),
        ({"client_id": None}, {"client_id"}),
        ({"due_date": "2026-02-30"}, {"due_date"}),
        ({"due_date": "20260401"}, {"due_date"}),
        ({"due_date": "2026-04-01T10:00:00Z"}, {"due_date"}),
        ({"due_date": "9999-12-31"}, {"due_date"}),
        ({"due_date": ""}, {"due_date"}),
        ({"line_items": []}, {"line_items"}),
        ({"line_items": "Album"}, {"line_items"}),
        ({"line_items": [{"name": "A", "amount": 1}] * 101}, {"line_items"}),
        ({"line_items": [{"name": " ", "amount": -1}]}, {"line_items.0.name", "line_items.0.amount"}),
        ({"line_items": [{"name": "A", "amount": 1.5}]}, {"line_items.0.amount"}),
        ({"line_items": [{"name": "A", "amount": True}]}, {"line_items.0.amount"}),
        ({"line_items": [{"name": "A", "amount": 10**30}]}, {"line_items.0.amount"}),
        ({"line_items": [{"name": "A", "amount": 1, "quantity": 0}]}, {"line_items.0.quantity"}),
        ({"line_items": [{"name": "A", "amount": 1, "taxable": 1}]}, {"line_items.0.taxable"}),
        ({"line_items": [{"name": "A", "amount": 10**10, "quantity": 2}]}, {"line_items"}),
        ({"line_items": [{"name": "A" * 501, "amount": 1}]}, {"line_items.0.name"}),
        ({"send_email": "yes"}, {"send_email"}),
    ],
)
async def test_a_bad_invoice_is_refused_field_by_field_and_leaves_nothing_behind(
    http: httpx.AsyncClient, world: World, client: Client, wrong: dict[str, Any], fields: set[str]
) -> None:
    answer = await http.post(f"{API}/invoices/", json={**body(client), **wrong})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "validation_failed")
    assert set(error["details"]) == fields
    assert not len(world.tables.invoices)
    assert world.ledger.writes == []


async def test_a_refused_invoice_does_not_change_the_ids_of_the_next_one(world: World, client: Client) -> None:
    ids = []
    for attempts in (0, 3):
        other = World.empty(seed=world.seed)
        [same] = bulk.add_clients(other, 1)
        async with signed_in(other) as http:
            for _ in range(attempts):
                assert (await http.post(f"{API}/invoices/", json=body(same, due_date="soon"))).status_code == 422
            ids.append((await http.post(f"{API}/invoices/", json=body(same))).json()["data"]["line_items"][0]["id"])
    assert ids[0] == ids[1]


async def test_currencies_that_the_studio_does_not_bill_in_are_refused_with_those_it_does(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    made = await http.post(f"{API}/invoices/", json=body(client, currency="gbp"))
    listed = await http.get(f"{API}/invoices/", params={"currency": "gbp"})
    totals = await http.get(f"{API}/invoices_summary/totals/gbp")
    for answer in (made, listed, totals):
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert (error["code"], error["details"]["supported"]) == ("invalid_currency", ["eur", "jpy", "usd"])
    billed(world, client, currency="gbp")
    assert (await read(http, "/invoices_summary/totals/GBP"))["data"]["total_amount"] == 10_000


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/invoices/in_{'0' * 30}", 404, "invoice_not_found"),
        ("/invoices/cl_1", 400, "invalid_id_format"),
        ("/invoices/?timeframe_filter=soon", 422, "validation_failed"),
        ("/invoices/?payment_type=late", 422, "validation_failed"),
        ("/invoices/?to=tomorrow", 422, "validation_failed"),
        ("/invoices/?page=0", 422, "validation_failed"),
        ("/invoices/?per_page=-1", 422, "validation_failed"),
        ("/invoices/payments/list/?transaction_date_to=2026-13-01", 422, "validation_failed"),
        ("/invoices/payments/list/?page_size=many", 422, "validation_failed"),
    ],
)
async def test_a_bad_question_gets_the_documented_code(
    http: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await http.get(f"{API}{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_a_payment_is_found_only_with_its_own_invoice(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    mine, other = billed(world, client), billed(world, client)
    paid = money.pay(world, mine, 1_000)
    seen = (await read(http, f"/invoices/{mine.id}/payments/{paid.id}/"))["data"]
    assert (seen["id"], seen["invoice_id"], seen["amount_formatted"]) == (paid.id, mine.id, "€10.00")
    for path in (f"{other.id}/payments/{paid.id}/", f"{mine.id}/payments/ip_{'0' * 30}/"):
        answer = await http.get(f"{API}/invoices/{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "payment_not_found")
    wrong = await http.get(f"{API}/invoices/{mine.id}/payments/in_1/")
    assert wrong.json()["error"]["details"]["expected_prefix"] == "ip_"


# Lists --------------------------------------------------------------------------------------------------------------


async def test_an_empty_studio_has_empty_lists_and_sums_of_nothing(http: httpx.AsyncClient) -> None:
    for path in ("/invoices/", "/invoices/payments/list/"):
        page = await read(http, path)
        assert (page["data"], page["meta"]["total"], page["meta"]["last_page"]) == ([], 0, 1)
    summary = (await read(http, "/invoices/invoice_summary"))["data"]
    assert (summary["total_invoices"], summary["unpaid_amount_formatted"]) == (0, "€0.00")
    assert (await read(http, "/invoices/payments/disputed,needs-response/count"))["data"] == {"count": 0}
    assert (await read(http, "/invoices_summary/currencies", client_id=NOBODY))["data"] == []


async def test_both_ends_of_the_pages_are_whole_and_beyond_them_is_nothing(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    made = [billed(world, client).id for _ in range(101)]
    first = await read(http, "/invoices/", per_page=1_000)
    assert [row["id"] for row in first["data"]] == made[:0:-1]
    assert first["meta"] == {"current_page": 1, "per_page": 100, "total": 101, "last_page": 2, "from": 1, "to": 100}
    last = await read(http, "/invoices/", per_page=100, page=2)
    assert [row["id"] for row in last["data"]] == made[:1]
    beyond = await read(http, "/invoices/", per_page=100, page=3)
    assert (beyond["data"], beyond["meta"]["from"]) == ([], None)


async def test_time_frames_begin_and_end_at_the_studios_midnight(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    wanted = {
        "2024-12-31T22:59:59Z": (),
        "2024-12-31T23:00:00Z": ("last_year",),
        "2025-12-31T22:59:59Z": ("last_year",),
        "2025-12-31T23:00:00Z": ("this_year",),
        "2026-02-28T22:59:59Z": ("this_year", "last_month"),
        "2026-02-28T23:00:00Z": ("this_year", "this_month"),
    }
    ids: dict[str, set[str]] = {name: set() for names in wanted.values() for name in names}
    for at, names in wanted.items():
        row = billed(world, client)
        row.created_at = Instant.parse_iso(at)
        for name in names:
            ids[name].add(row.id)
    for name, expected in ids.items():
        assert {row["id"] for row in (await read(http, "/invoices/", timeframe_filter=name))["data"]} == expected
        mine = (await read(http, "/invoices/", timeframe_filter=name, client_id=client.id))["data"]
        assert {row["id"] for row in mine} == expected
    until = (await read(http, "/invoices/", to="2025-12-31"))["data"]
    assert len(until) == 3
    both = (await read(http, "/invoices/", timeframe_filter="last_month", to="2026-12-31"))["data"]
    assert {row["id"] for row in both} == ids["last_month"], "the earlier end counts"


async def test_payments_are_filtered_by_client_and_by_their_own_day(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    [other] = bulk.add_clients(world, 1)
    first = money.pay(world, billed(world, client), 100)
    first.created_at = Instant.parse_iso("2026-02-27T10:00:00Z")
    second = money.pay(world, billed(world, other), 100, method="paypal")

    async def ids(**filters: Any) -> list[str]:
        return [row["id"] for row in (await read(http, "/invoices/payments/list/", **filters))["data"]]

    assert await ids() == [second.id, first.id]
    assert await ids(client_id=client.id, expand="all") == [first.id]
    assert await ids(transaction_date_to="2026-03-01") == [first.id]
    assert await ids(to="2026-03-01", transaction_date_to="2026-03-05") == [first.id]
    assert await ids(timeframe_filter="last_month") == [first.id]
    assert await ids(timeframe_filter="last_year") == []
    assert await ids(page=2, page_size=1) == [first.id]
    assert (await read(http, "/invoices/payments/list/"))["meta"].keys().isdisjoint({"from", "to"})


# Several currencies -------------------------------------------------------------------------------------------------


async def test_amounts_of_two_currencies_are_never_added(http: httpx.AsyncClient, world: World, client: Client) -> None:
    [other] = bulk.add_clients(world, 1)
    euros, yen = billed(world, client, 10_000), billed(world, other, 7_000, currency="jpy")
    billed(world, client, 5_000, sent=False)
    money.pay(world, euros, 4_000)
    money.pay(world, yen, 7_000)
    summary = (await read(http, "/invoices/invoice_summary"))["data"]
    assert (summary["currency"], summary["total_amount"], summary["paid_amount"]) == ("eur", 10_000, 4_000)
    [in_yen] = summary["other_currencies"]
    assert (in_yen["currency"], in_yen["total_amount"], in_yen["unpaid_amount"]) == ("jpy", 7_000, 0)
    assert in_yen["paid_amount_formatted"] == "¥7,000"
    assert in_yen == (await read(http, "/invoices_summary/totals/jpy"))["data"]
    assert (await read(http, "/invoices/currencies/list"))["data"] == ["eur", "jpy", "usd"]
    assert (await read(http, "/invoices_summary/currencies", client_id=other.id))["data"] == ["jpy"]
    theirs = (await read(http, "/invoices_summary/totals/eur", client_id=other.id))["data"]
    assert (theirs["total_invoices"], theirs["total_amount"]) == (0, 0)
    assert [row["id"] for row in (await read(http, "/invoices/", currency="JPY"))["data"]] == [yen.id]


# Paying -------------------------------------------------------------------------------------------------------------


async def test_part_payments_leave_the_rest_open_until_it_is_paid(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    invoice = billed(world, client)
    seen = []
    for amount in (2_500, 7_500):
        money.pay(world, invoice.id, amount, method="paypal")
        whole = (await read(http, f"/invoices/{invoice.id}", expand="all"))["data"]
        seen.append((whole["status"], sum(p["amount"] for p in whole["payments"])))
    assert seen == [("Partially Paid", 2_500), ("Paid", 10_000)]
    kinds = [("paid", 1), ("unpaid", 0), ("overdue", 0), ("all", 1)]
    for kind, count in kinds:
        assert (await read(http, "/invoices/", payment_type=kind))["meta"]["total"] == count


@pytest.mark.parametrize(
    ("prepare", "amount", "method", "code", "sentence"),
    [
        ("sent", 0, "card", "payment_amount", "A payment must be more than nothing."),
        ("sent", 10_001, "card", "payment_amount", "Only €100.00 of this invoice is open."),
        ("sent", 1, "cash", "payment_method", "The studio takes cards, PayPal and bank transfers."),
        ("draft", 1, "card", "invoice_draft", "This invoice can't be paid: the studio hasn't sent it yet."),
        ("canceled", 1, "card", "invoice_canceled", "This invoice can't be paid: the studio has canceled it."),
        ("paid", 1, "card", "invoice_paid", "This invoice is paid already."),
        ("pending", 1, "card", "invoice_paid", "The rest of this invoice is on its way."),
    ],
)
def test_a_payment_that_cannot_be_is_refused_with_a_sentence(
    world: World, client: Client, prepare: str, amount: int, method: Any, code: str, sentence: str
) -> None:
    invoice = billed(world, client, sent=prepare != "draft")
    if prepare == "canceled":
        money.cancel_invoice(world, invoice)
    if prepare in {"paid", "pending"}:
        money.pay(world, invoice, 10_000, status="pending" if prepare == "pending" else "completed")
    before = list(invoice.payments)
    with pytest.raises(DeedError) as refused:
        money.pay(world, invoice, amount, method=method)
    assert (refused.value.code, str(refused.value)) == (code, sentence)
    assert invoice.payments == before


def test_an_invoice_that_is_not_there_cannot_be_paid(world: World) -> None:
    with pytest.raises(DeedError, match="There is no invoice with this id"):
        money.pay(world, f"in_{'0' * 30}", 100)


def test_what_is_refunded_is_open_again_and_no_more_than_was_paid_goes_back(world: World, client: Client) -> None:
    invoice = billed(world, client)
    paid = money.pay(world, invoice, 10_000)
    money.refund(world, paid.id, 3_000)
    assert (paid.status, invoice.status, invoice.balance) == ("partially_refunded", "partially_paid", 3_000)
    with pytest.raises(DeedError, match=r"€70\.00 can be given back"):
        money.refund(world, paid, 7_001)
    money.refund(world, paid, 7_000)
    assert (paid.status, invoice.status, invoice.balance) == ("refunded", "unpaid", 10_000)


@pytest.mark.parametrize("kind", ["lead", "other"])
def test_who_pays_is_a_client_from_then_on_but_not_before_the_money_is_there(world: World, kind: Any) -> None:
    [payer] = bulk.add_clients(world, 1, client_type=kind)
    types = []
    payment = money.pay(world, billed(world, payer), 500, method="bank_transfer", status="pending")
    types.append(payer.type)
    money.change_payment(world, payment, "completed")
    assert [*types, payer.type] == [kind, "client"]


async def test_a_disputed_payment_is_counted_until_it_is_settled(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    payment = money.pay(world, billed(world, client), 500)
    counts = []
    for status in ("disputed", "completed"):
        money.change_payment(world, payment, status)
        answer = await read(http, "/invoices/payments/disputed,needs-response/count")
        counts.append(answer["data"]["count"])
    assert counts == [1, 0]


async def test_an_invoice_names_what_it_belongs_to_also_when_that_comes_later(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    at = world.now.add(hours=240)
    session = sessions.add_session(world, client.id, session_type(world, "portrait"), at, "confirmed")
    invoice = billed(world, client, session_id=session.id)
    assert "associated_documents" not in (await read(http, f"/invoices/{invoice.id}"))["data"]

    async def documents() -> list[tuple[str, str]]:
        rows = (await read(http, "/invoices/", expand="client,all"))["data"]
        return [(row["type"], row["id"]) for row in rows[0]["associated_documents"]]

    assert await documents() == [("session", session.id)]
    sessions.link(world, session, contract_id="co_1", questionnaire_id="qu_1")
    assert await documents() == [("session", session.id), ("contract", "co_1"), ("questionnaire", "qu_1")]


# Who may see it -----------------------------------------------------------------------------------------------------


async def test_a_login_without_the_permission_gets_403_for_that_part_and_the_rest_as_ever(world: World) -> None:
    options = ServerOptions(forbidden=("/invoices", "/coupons/"))
    async with signed_in(world, options) as http:
        for path in ("/invoices/", f"/invoices/in_{'0' * 30}", "/coupons"):
            answer = await http.get(f"{API}{path}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "insufficient_permissions")
        assert (await http.post(f"{API}/invoices/", json={})).status_code == 403
        for path in ("/invoices_summary/currencies", "/contracts/", "/gift_cards"):
            assert (await http.get(f"{API}{path}")).status_code == 200
