from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in

from selftimer.primitives.ids import ClientId, InvoiceId, id_type_of
from selftimer.sandbox import bulk
from selftimer.sandbox.book import money
from selftimer.sandbox.profile import StudioProfile
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx


@pytest.fixture(scope="module")
def lived() -> World:
    """A studio with a past, for tests that only read."""
    return World(population=150)


@pytest.fixture
async def http(lived: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(lived) as client:
        yield client


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


LISTS = {
    "/clients/": "per_page",
    "/sessions": "per_page",
    "/invoices/": "per_page",
    "/invoices/payments/list/": "page_size",
    "/contracts/": "per_page",
    "/questionnaires/": "per_page",
    "/quotes/": "per_page",
    "/conversations/": "page_size",
    "/clients/search": "pageSize",
    "/templates/emails": "per_page",
    "/templates/contracts": "per_page",
    "/templates/questionnaires": "per_page",
    "/templates/quotes": "per_page",
    "/templates/invoices": "per_page",
    "/coupons": "per_page",
    "/gift_cards": "per_page",
}


@pytest.mark.parametrize(("path", "size_name"), LISTS.items())
async def test_every_list_pages_newest_first_to_its_end_under_its_own_parameter_names(
    http: httpx.AsyncClient, path: str, size_name: str
) -> None:
    rows: list[dict[str, Any]] = []
    number, total = 1, -1
    while len(rows) != total:
        page = await read(http, path, **{"page": number, size_name: 3})
        total = page["meta"]["total"]
        assert page["meta"]["current_page"] == number
        assert len(page["data"]) == min(3, total - len(rows))
        rows += page["data"]
        number += 1
    assert len({row["id"] for row in rows}) == total
    when = [row.get("created_at") or row["payment_date"] for row in rows]
    assert when == sorted(when, reverse=True)
    beyond = await read(http, path, **{"page": number + 5, size_name: 3})
    assert (beyond["data"], beyond["meta"]["total"]) == ([], total)


@pytest.mark.parametrize("path", [*LISTS, "/session_types/", "/notifications/all", "/invoices/invoice_summary"])
async def test_a_wrong_slash_is_a_404(http: httpx.AsyncClient, path: str) -> None:
    wrong = path[:-1] if path.endswith("/") else path + "/"
    answer = await http.get(API + wrong)
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]


async def test_page_sizes_are_cut_to_a_hundred_and_default_to_twenty_five(http: httpx.AsyncClient) -> None:
    big = await read(http, "/clients/", per_page=500, types="client,lead,other")
    assert (len(big["data"]), big["meta"]["per_page"]) == (100, 100)
    assert len((await read(http, "/clients/"))["data"]) == 25
    other_name = await read(http, "/clients/", page_size=3)
    assert len(other_name["data"]) == 25, "another list's parameter means nothing here"


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", ""])
async def test_a_page_number_that_is_none_is_refused(http: httpx.AsyncClient, value: str) -> None:
    answer = await http.get(f"{API}/clients/", params={"page": value})
    assert answer.status_code == 422
    assert "page" in answer.json()["error"]["details"]


async def test_meta_and_links_are_given_where_the_real_lists_give_them(http: httpx.AsyncClient) -> None:
    clients = (await read(http, "/clients/", per_page=7))["meta"]
    assert clients["client_statuses"] == {"1": "Active", "2": "Archived"}
    assert (clients["from"], clients["to"]) == (1, 7)
    assert set((await read(http, "/session_types/"))["meta"]) == {"total"}
    cards = await read(http, "/gift_cards", per_page=2)
    assert cards["links"]["next"].endswith("page=2")
    assert cards["links"]["prev"] is None
    assert "links" not in await read(http, "/invoices/")


async def test_clients_are_filtered_by_type_found_by_text_and_keep_their_documents(http: httpx.AsyncClient) -> None:
    for kind in ("client", "lead", "other"):
        rows = (await read(http, "/clients/", types=kind, per_page=100))["data"]
        assert {row["type"] for row in rows} == {kind}
    some = (await read(http, "/clients/", types="client", per_page=100))["data"][0]
    found = (await read(http, "/clients/search", q=some["last_name"].upper(), types="all"))["data"]
    assert [row["id"] for row in found] == [some["id"]]
    assert (await read(http, f"/clients/{some['id']}"))["data"] == some
    papers = (await read(http, f"/clients/{some['id']}/documents"))["data"]
    assert {row["document_type"] for row in papers} <= {"contract", "invoice", "quote", "questionnaire"}
    galleries = await read(http, f"/clients/{some['id']}/cgCollections/")
    assert all(len(row["id"]) == 8 for row in galleries["data"])
    assert some["type_formatted"] == "Client"
    assert "updated_at" not in some
    csv = await http.get(f"{API}/clients/download_csv")
    assert csv.headers["content-type"].startswith("text/csv")


async def test_every_id_in_the_studio_is_well_formed(http: httpx.AsyncClient) -> None:
    for path, size_name in LISTS.items():
        for row in (await read(http, path, **{size_name: 100}))["data"]:
            kind = id_type_of(row["id"])
            assert kind is not None
            assert kind.valid(row["id"])


async def test_invoices_speak_either_vocabulary_and_filters_agree(http: httpx.AsyncClient, lived: World) -> None:
    rows = (await read(http, "/invoices/", per_page=100))["data"]
    assert {row["status"] for row in rows} >= {"Unpaid", "Past Due", "Paid"}
    sample = next(client.id for client in lived.tables.clients if client.sample)
    assert {r["status"] for r in (await read(http, "/invoices/", client_id=sample))["data"]} == {"Draft", "Past Due"}
    for kind, words in {"paid": {"Paid"}, "overdue": {"Past Due"}}.items():
        assert {r["status"] for r in (await read(http, "/invoices/", payment_type=kind))["data"]} == words
    unpaid = (await read(http, "/invoices/", payment_type="unpaid", per_page=100))["data"]
    assert {r["status"] for r in unpaid} <= {"Unpaid", "Partially Paid", "Past Due"}
    assert "payments" not in rows[0]
    paid = next(row for row in rows if row["status"] == "Paid")
    whole = (await read(http, f"/invoices/{paid['id']}", expand="all"))["data"]
    assert whole["payments"]
    assert whole["line_items"][0]["amount_formatted"].startswith("€")
    payment = whole["payments"][-1]
    assert (await read(http, f"/invoices/{paid['id']}/payments/{payment['id']}/"))["data"] == payment
    mine = (await read(http, "/invoices/", client_id=paid["client"]["id"]))["data"]
    assert {row["client"]["id"] for row in mine} == {paid["client"]["id"]}
    this = (await read(http, "/invoices/", timeframe_filter="this_month", per_page=100))["data"]
    last = (await read(http, "/invoices/", timeframe_filter="last_month", per_page=100))["data"]
    assert all(row["created_at"] >= "2026-02-28T23" for row in this)
    assert all("2026-01-31T23" <= row["created_at"] < "2026-02-28T23" for row in last)
    assert (await http.get(f"{API}/invoices/?timeframe_filter=soon")).status_code == 422
    reference = World(population=150, profile=StudioProfile(invoice_vocabulary="reference"))
    async with signed_in(reference) as other:
        words = {row["status"] for row in (await read(other, "/invoices/", per_page=100))["data"]}
        assert words <= {"draft", "sent", "paid", "overdue", "cancelled"}


async def test_the_summary_is_a_checksum_over_the_invoices(http: httpx.AsyncClient, lived: World) -> None:
    rows: list[Any] = []
    for number in range(1, 20):
        rows += (await read(http, "/invoices/", expand="all", per_page=100, page=number))["data"]
    counted = [row for row in rows if row["status"] not in {"Draft", "Canceled"}]
    summary = (await read(http, "/invoices/invoice_summary"))["data"]
    paid = sum(
        p["amount"] - p["amount_refunded"]
        for row in counted
        for p in row["payments"]
        if p["status"] in {"completed", "disputed", "refunded", "partially_refunded"}
    )
    total = sum(row["amount"] for row in counted)
    assert (summary["total_amount"], summary["paid_amount"]) == (total, paid)
    assert summary["unpaid_amount"] == total - paid
    assert summary["overdue_count"] == sum(row["status"] == "Past Due" for row in counted)
    assert (await read(http, "/invoices/currencies/list"))["data"] == ["eur"]
    disputed = (await read(http, "/invoices/payments/disputed,needs-response/count"))["data"]["count"]
    assert disputed == sum(p.status == "disputed" for p in lived.tables.payments)
    assert (await read(http, "/invoices_summary/totals/eur"))["data"] == summary


async def test_sessions_conversations_and_templates_read_as_documented(http: httpx.AsyncClient) -> None:
    session = (await read(http, "/sessions"))["data"][0]
    assert (await read(http, f"/sessions/{session['id']}"))["data"] == session
    assert session["timezone"] == "Europe/Berlin"
    kind = (await read(http, f"/session_types/{session['session_type']['id']}"))["data"]
    assert kind["session_type_schedule"]["display_timezone"] == "Europe/Berlin"
    waiting = list((await read(http, "/sessions", status="inquiry", per_page=100))["data"])
    assert (await read(http, "/sessions/inquiry/count"))["data"]["count"] == len(waiting)
    thread = (await read(http, "/conversations/"))["data"][0]
    assert "messages" not in thread
    assert (await read(http, "/conversations/", message="true"))["data"][0]["messages"]
    whole = (await read(http, f"/conversations/{thread['id']}/"))["data"]
    assert whole["messages"][0]["sender_type"] == "client"
    assert "messages" not in (await read(http, f"/conversations/{thread['id']}/", messages="false"))["data"]
    mine = await read(http, "/conversations/", client_id=thread["client_id"], message_status="inbox")
    assert [row["id"] for row in mine["data"]] == [thread["id"]]
    assert set((await read(http, "/conversations/unread/count"))["data"]) == {
        "unread_count",
        "conversations_with_unread",
    }
    mail = next(t for t in (await read(http, "/templates/emails"))["data"] if t["name"] == "Session details")
    filled = await read(
        http,
        f"/templates/emails/{mail['id']}/fetch_content",
        variables=json.dumps({"client_name": "<b>Anna</b>"}),
    )
    assert filled["data"]["missing_variables"] == ["session_date"]
    assert "&lt;b&gt;" in filled["data"]["html_content"]
    assert (await read(http, f"/templates/emails/{mail['id']}"))["data"] == mail
    assert (await read(http, "/notifications/all"))["data"]["account_id"] == "acc_studionord"


async def test_the_four_error_shapes(http: httpx.AsyncClient) -> None:
    async def refused(method: str, path: str, **body: Any) -> tuple[int, Any]:
        answer = await http.request(method, API + path, json=body or None)
        return answer.status_code, answer.json()

    unknown = f"in_{'x' * 30}"
    status, one = await refused("GET", f"/invoices/{unknown}")
    assert (status, one["error"]["code"]) == (404, "invoice_not_found")
    status, one = await refused("GET", "/invoices/cl_1")
    assert (status, one["error"]["details"]) == (400, {"expected_prefix": "in_", "received": "cl_1"})
    status, two = await refused("GET", "/clients/nobody")
    assert status == 400
    assert two == {"error": "Invalid client ID format", "message": "Client ID must start with 'cl_' prefix"}
    status, three = await refused("GET", "/conversations/conv_none/")
    assert (status, three) == (404, {"error": "Conversation not found", "code": "CONVERSATION_NOT_FOUND"})
    status, four = await refused("POST", "/clients/", email="not an address")
    assert (status, four["error"]) == (422, "Validation failed")
    assert "email" in four["details"]
    status, one = await refused("POST", "/invoices/", client_id="cl_x", due_date="soon", line_items=[])
    assert status == 422
    assert set(one["error"]["details"]) == {"client_id", "due_date", "line_items"}
    status, one = await refused("DELETE", "/invoices/")
    assert (status, one["error"]["code"]) == (405, "method_not_allowed")
    broken = await http.post(f"{API}/clients/", content=b"{not json")
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "validation_error")
    big = {"filename": "a.jpg", "content_type": "image/jpeg", "file_size": str(11 * 1024 * 1024)}
    too_large = await http.get(f"{API}/conversation_message_attachments/upload_url", params=big)
    assert (too_large.status_code, too_large.json()["max_size"]) == (413, 10 * 1024 * 1024)


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
    newest = (await read(own, "/clients/"))["data"][0]
    assert newest == changed.json()["data"]
    ledger = (await own.get("/_sandbox/ledger")).json()
    assert [(w["kind"], w["client_id"], w["by"]) for w in ledger["writes"]] == [
        ("client", client_id, "bot"),
        ("client_update", client_id, "bot"),
    ]
    assert client_id not in ledger["canaries"]
    assert len(ledger["canaries"]) == 30
    later = (await own.get("/_sandbox/ledger", params={"after": ledger["writes"][0]["seq"]})).json()
    assert [w["kind"] for w in later["writes"]] == ["client_update"]


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
