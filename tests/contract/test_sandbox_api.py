from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in

from selftimer.primitives.ids import id_type_of
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
    assert answer.status_code in {400, 404, 405}
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


async def test_templates_are_previewed_and_refuse_variables_they_do_not_have(http: httpx.AsyncClient) -> None:
    template = (await read(http, "/templates/contracts"))["data"][0]
    path = f"{API}/templates/contracts/{template['id']}/preview"
    shown = (await http.post(path, json={"variables": {"client_name": "Anna"}, "format": "text"})).json()["data"]
    assert shown["text_content"].endswith("Between Studio Nord and Anna.")
    assert "html_content" not in shown
    refusals = [
        ({"variables": {"nonsense": "x"}}, 400, "invalid_template_variable"),
        ({"variables": {"client_name": ["x"]}}, 422, "invalid_variable_type"),
        ({"format": "pdf"}, 422, "validation_failed"),
    ]
    for body, status, code in refusals:
        answer = await http.post(path, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    other_kind = await http.get(f"{API}/templates/quotes/{template['id']}")
    assert other_kind.status_code == 400
    mail = (await read(http, "/templates/emails"))["data"][0]
    bad = await http.get(f"{API}/templates/emails/{mail['id']}/fetch_content", params={"variables": "{"})
    assert bad.json()["error"]["code"] == "validation_error"


async def test_a_gallery_is_found_by_its_digits(http: httpx.AsyncClient, lived: World) -> None:
    gallery = next(iter(lived.tables.collections))
    assert (await read(http, f"/collections/{gallery.id}"))["data"]["photo_count"] == gallery.photo_count
    [guest] = (await read(http, f"/collections/{gallery.id}/clients"))["data"]
    assert guest["id"] == gallery.client_id
    for path in ("/collections/1", "/collections/1/clients"):
        assert (await http.get(API + path)).status_code == 404
