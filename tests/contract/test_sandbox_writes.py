from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in

from selftimer.primitives.ids import ClientId, InvoiceId
from selftimer.sandbox import bulk
from selftimer.sandbox.book import money
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx


@pytest.fixture
def small() -> World:
    """A studio of thirty clients with an invoice each, for tests that write."""
    world = World.empty()
    bulk.add_invoices(world, bulk.add_clients(world, 30), 30)
    return world


@pytest.fixture
async def own(small: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(small) as client:
        yield client


async def test_a_client_is_created_changed_and_archived_and_each_write_is_in_the_ledger(
    own: httpx.AsyncClient, small: World
) -> None:
    made = await own.post(f"{API}/clients/", json={"first_name": "Ada", "email": "ada@example.com", "type": "lead"})
    assert made.status_code == 201
    client_id = made.json()["data"]["id"]
    assert ClientId.valid(client_id)
    changed = await own.put(f"{API}/clients/{client_id}", json={"type": "client", "notes": "VIP"})
    assert {changed.json()["data"][n] for n in ("type", "notes")} == {"client", "VIP"}
    assert changed.json()["data"]["first_name"] == "Ada", "what isn't named stays"
    again = await own.put(f"{API}/clients/{client_id}", json={**changed.json()["data"], "notes": None})
    assert again.json()["data"]["notes"] is None, "a whole record put back changes only what differs"
    changed = again
    newest = (await read(own, "/clients/"))["data"][0]
    assert newest == changed.json()["data"]
    ledger = (await own.get("/_sandbox/ledger")).json()
    assert [(w["kind"], w["client_id"], w["by"]) for w in ledger["writes"]] == [
        ("client", client_id, "bot"),
        ("client_update", client_id, "bot"),
        ("client_update", client_id, "bot"),
    ]
    assert ledger["writes"][2]["content"]["changed"] == {"notes": ["VIP", ""]}
    assert client_id not in ledger["canaries"]
    assert len(ledger["canaries"]) == 30
    later = (await own.get("/_sandbox/ledger", params={"after": ledger["writes"][0]["seq"]})).json()
    assert [w["kind"] for w in later["writes"]] == ["client_update"] * 2


async def test_a_changed_client_shows_in_the_records_that_hold_it(own: httpx.AsyncClient) -> None:
    before = (await read(own, "/invoices/"))["data"][0]
    await own.put(f"{API}/clients/{before['client']['id']}", json={"first_name": "Renamed"})
    assert (await read(own, "/invoices/"))["data"][0]["client"]["first_name"] == "Renamed"


async def test_a_message_lands_in_the_conversation_and_posted_twice_is_there_twice(
    own: httpx.AsyncClient, small: World
) -> None:
    thread = (await read(own, "/conversations/"))["data"][0]
    for _ in range(2):
        body = {"conversation_id": thread["id"], "content": "Hello {{ 7*7 }} <b>", "attachment_ids": []}
        answer = await own.post(f"{API}/conversation_messages", json=body)
        assert answer.status_code == 201
        assert answer.json()["data"]["sender_type"] == "photographer"
    whole = (await read(own, f"/conversations/{thread['id']}/"))["data"]
    assert [m["content"] for m in whole["messages"]][-2:] == ["Hello {{ 7*7 }} <b>"] * 2
    writes = (await own.get("/_sandbox/ledger")).json()["writes"]
    assert [w["content"]["content"] for w in writes] == ["Hello {{ 7*7 }} <b>"] * 2
    assert {w["conversation_id"] for w in writes} == {thread["id"]}
    missing = await own.post(f"{API}/conversation_messages", json={"conversation_id": "conv_no", "content": "x"})
    assert missing.json()["code"] == "CONVERSATION_NOT_FOUND"
    empty = await own.post(f"{API}/conversation_messages", json={"conversation_id": thread["id"], "content": " "})
    assert empty.status_code == 422


async def test_an_attachment_is_announced_uploaded_and_sent(own: httpx.AsyncClient) -> None:
    ask = {"filename": "guide.pdf", "content_type": "application/pdf", "file_size": "4"}
    slot = (await read(own, "/conversation_message_attachments/upload_url", **ask))["data"]
    stored = await own.post(slot["upload_url"], data=slot["upload_fields"], files={"file": ("guide.pdf", b"%PDF")})
    assert stored.status_code == 204
    thread = (await read(own, "/conversations/"))["data"][0]
    body = {"conversation_id": thread["id"], "content": "Here", "attachment_ids": [slot["attachment_id"]]}
    sent = (await own.post(f"{API}/conversation_messages", json=body)).json()["data"]
    assert sent["attachments"][0]["filename"] == "guide.pdf"
    refused = await own.post(slot["upload_url"], data={"key": "other"}, files={"file": ("x", b"x")})
    assert refused.status_code == 403


async def test_a_client_without_a_conversation_gets_one(own: httpx.AsyncClient, small: World) -> None:
    [client] = bulk.add_clients(small, 1, conversations=False)
    assert (await read(own, "/conversations/", client_id=client.id))["data"] == []
    made = await own.post(f"{API}/conversations/", json={"client_id": client.id, "subject": "Your gallery"})
    assert made.status_code == 201
    assert made.json()["data"]["messages"] == []
    found = (await read(own, "/conversations/", client_id=client.id))["data"]
    assert [row["subject"] for row in found] == ["Your gallery"]


async def test_an_invoice_is_created_sent_or_as_a_draft(own: httpx.AsyncClient, small: World) -> None:
    client = next(iter(small.tables.clients))
    body = {
        "client_id": client.id,
        "due_date": "2026-04-01",
        "line_items": [{"name": "Album", "amount": 25_000, "quantity": 2}],
        "send_email": True,
    }
    sent = (await own.post(f"{API}/invoices/", json=body)).json()["data"]
    assert InvoiceId.valid(sent["id"])
    assert (sent["status"], sent["amount"], sent["amount_formatted"]) == ("Unpaid", 50_000, "€500.00")
    draft = (await own.post(f"{API}/invoices/", json={**body, "send_email": False})).json()["data"]
    assert draft["status"] == "Draft"
    assert draft["invoice_number"] > sent["invoice_number"]
    writes = (await own.get("/_sandbox/ledger")).json()["writes"]
    assert [(w["kind"], w["content"]["amount"], w["content"]["send_email"]) for w in writes] == [
        ("invoice", 50_000, True),
        ("invoice", 50_000, False),
    ]
    bad = {**body, "line_items": [{"name": "", "amount": -1}], "currency": "usd"}
    assert (await own.post(f"{API}/invoices/", json=bad)).json()["error"]["code"] == "invalid_currency"


@pytest.mark.parametrize(
    ("path", "kind", "template", "status"),
    [
        ("/contracts/", "contract", "Wedding agreement", "sent"),
        ("/questionnaires/", "questionnaire", "Portrait questionnaire", "pending"),
        ("/quotes/", "quote", "Business day", "sent"),
    ],
)
async def test_documents_are_created_from_templates(
    own: httpx.AsyncClient, small: World, path: str, kind: str, template: str, status: str
) -> None:
    client = next(iter(small.tables.clients))
    templates = (await read(own, f"/templates/{kind}s"))["data"]
    chosen = next(t["id"] for t in templates if t["name"] == template)
    body = {"client_id": client.id, "template_id": chosen, "send_email": True}
    made = await own.post(API + path, json=body)
    assert made.status_code == 201, made.text
    seen = made.json()["data"]
    assert (seen["status"], seen["template"]["name"], seen["client"]["id"]) == (status, template, client.id)
    assert (await read(own, f"{path}{seen['id']}"))["data"] == seen
    draft = (await own.post(API + path, json={**body, "send_email": False})).json()["data"]
    assert draft["status"] == "draft"
    wrong = await own.post(API + path, json={**body, "template_id": f"ct_{'a' * 30}"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (404, "template_not_found")
    writes = (await own.get("/_sandbox/ledger")).json()["writes"]
    assert [(w["kind"], w["content"]["template_name"], w["content"]["send_email"]) for w in writes] == [
        (kind, template, True),
        (kind, template, False),
    ]


async def test_unknown_template_variables_are_refused_with_those_there_are(
    own: httpx.AsyncClient, small: World
) -> None:
    client = next(iter(small.tables.clients))
    template = (await read(own, "/templates/contracts"))["data"][0]
    body = {"client_id": client.id, "template_id": template["id"], "variables": {"nonsense": 1}}
    answer = (await own.post(f"{API}/contracts/", json=body)).json()["error"]
    assert answer["code"] == "invalid_template_variable"
    assert answer["details"]["available_variables"] == ["client_name", "studio_name"]


async def test_a_coupon_code_can_be_taken_once(own: httpx.AsyncClient) -> None:
    body = {"code": "BACK-1", "discount_type": "percentage", "discount_value": 10, "usage_limit": 1}
    made = await own.post(f"{API}/coupons", json=body)
    assert (made.status_code, made.json()["data"]["status"]) == (201, "active")
    assert (await own.post(f"{API}/coupons", json=body)).status_code == 409
    coupon_id = made.json()["data"]["id"]
    await own.put(f"{API}/coupons/{coupon_id}/disable")
    assert (await read(own, f"/coupons/{coupon_id}/"))["data"]["status"] == "disabled"
    assert [c["code"] for c in (await read(own, "/coupons", filter="disabled"))["data"]] == ["BACK-1"]


async def test_payments_are_facts_in_the_ledger(own: httpx.AsyncClient, small: World) -> None:
    invoice = next(iter(small.tables.invoices))
    money.pay(small, invoice, invoice.balance)
    [fact] = (await own.get("/_sandbox/ledger")).json()["payments"]
    assert (fact["invoice_number"], fact["complete"]) == (invoice.number, True)
    [shown] = (await read(own, "/invoices/payments/list/", client_id=invoice.client_id))["data"]
    assert (shown["invoice_id"], shown["status"]) == (invoice.id, "completed")


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (
            "/clients/",
            {"first_name": 7, "type": "martian", "status_name": "Gone"},
            {"first_name", "email", "type", "status_name"},
        ),
        (
            "/coupons",
            {"code": "", "discount_type": "gift", "discount_value": 0},
            {"code", "discount_type", "discount_value"},
        ),
        ("/coupons", {"code": "A", "discount_type": "percentage", "discount_value": 101}, {"discount_value"}),
        (
            "/coupons",
            {"code": "A", "discount_type": "percentage", "discount_value": 9, "expires_at": "soon"},
            {"expires_at"},
        ),
        ("/conversations/", {"client_id": "cl_x"}, {"client_id", "subject"}),
        (
            "/conversation_messages",
            {"conversation_id": "conv_x", "content": "x", "attachment_ids": ["no"]},
            {"attachment_ids"},
        ),
        (
            "/conversation_messages",
            {"conversation_id": "conv_x", "content": "x", "attachment_ids": "no"},
            {"attachment_ids"},
        ),
        ("/contracts/", {"send_email": "yes"}, {"client_id", "template_id", "send_email"}),
    ],
)
async def test_what_is_wrong_with_a_body_is_said_field_by_field(
    own: httpx.AsyncClient, small: World, path: str, body: dict[str, Any], fields: set[str]
) -> None:
    answer = await own.post(API + path, json=body)
    assert answer.status_code == 422
    said = answer.json()
    details = said["details"] if "details" in said else said["error"]["details"]
    assert set(details) == fields
    assert (await own.post(API + path, json=["a list"])).status_code == 400
    assert small.ledger.writes == []


async def test_a_coupon_and_a_gift_card_run_out_by_the_clock_and_that_is_news(
    own: httpx.AsyncClient, small: World
) -> None:
    soon = small.now.add(hours=1).format_iso()
    body = {"code": "SOON", "discount_type": "fixed_amount", "discount_value": 500, "expires_at": soon}
    assert (await own.post(f"{API}/coupons", json=body)).status_code == 201
    before = small.version
    small.advance_to(small.now.add(hours=2))
    assert small.version > before
    assert [c["code"] for c in (await read(own, "/coupons", filter="expired"))["data"]] == ["SOON"]
    small.advance_to(small.now.add(hours=24 * 21))
    async with signed_in(small) as again:
        assert len((await read(again, "/gift_cards", status="expired"))["data"]) == 1


async def test_a_documents_due_date_may_be_a_date_or_a_timestamp(own: httpx.AsyncClient, small: World) -> None:
    client = next(iter(small.tables.clients))
    template = (await read(own, "/templates/questionnaires"))["data"][0]
    body = {"client_id": client.id, "template_id": template["id"], "send_email": True}
    day = (await own.post(f"{API}/questionnaires/", json={**body, "due_date": "2026-03-29"})).json()["data"]
    assert day["due_date"] == "2026-03-29T22:00:00.000000Z", "the end of the day, in summer time"
    exact = {**body, "due_date": "2026-03-29T08:00:00.000000Z"}
    assert (await own.post(f"{API}/questionnaires/", json=exact)).json()["data"]["due_date"] == exact["due_date"]
    wrong = await own.post(f"{API}/questionnaires/", json={**body, "due_date": "2026-02-30"})
    assert "due_date" in wrong.json()["error"]["details"]
    quote = (await read(own, "/templates/quotes"))["data"][0]
    items = [{"name": "Hour", "amount": 9_000, "quantity": 3}]
    made = await own.post(f"{API}/quotes/", json={"client_id": client.id, "template_id": quote["id"], "items": items})
    assert (made.json()["data"]["amount"], made.json()["data"]["status"]) == (27_000, "draft")
