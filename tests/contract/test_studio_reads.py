from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import structlog
from tests.unit.studio.scripted import (
    CLIENT,
    CONVERSATION,
    INVOICE,
    LOGIN_PAGE,
    MESSAGE,
    PAYMENT,
    Reply,
    bench,
    client,
    error,
    invoice,
)

from selftimer.errors import (
    Conflict,
    Drifted,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
    Refused,
    StudioError,
    Unclear,
    Unreachable,
)
from selftimer.facts.records import Kind, Unreadable

GET_CLIENT = f"GET /clients/{CLIENT}"
SHAPES: dict[str, tuple[dict[str, Any], str | None, dict[str, Any]]] = {
    "1": (error("invalid_id_format", received="x"), "invalid_id_format", {"received": "x"}),
    "2": ({"error": "Invalid client ID format", "message": "Client ID must start with 'cl_' prefix"}, None, {}),
    "3": (
        {"error": "Too large", "code": "ATTACHMENT_TOO_LARGE", "max_size": 9},
        "attachment_too_large",
        {"max_size": 9},
    ),
    "4": ({"error": "Validation failed", "message": "No.", "details": {"code": ["x"]}}, None, {"code": ["x"]}),
}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (403, NotAllowed), (404, NotFound), (409, Conflict), (413, Refused), (422, Refused)],
)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_every_error_shape_is_read_with_its_code_message_and_details(
    shape: str, status: int, kind: type[StudioError]
) -> None:
    body, code, details = SHAPES[shape]
    b = bench()
    b.script.answers[GET_CLIENT].append(Reply(status, body))
    with pytest.raises(kind) as told:
        await b.studio.record(Kind.CLIENT, CLIENT)
    assert (told.value.code, told.value.details, told.value.status) == (code, details, status)
    assert told.value.request == GET_CLIENT
    assert told.value.message
    assert b.count(GET_CLIENT) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_refusal_as_a_web_page_is_drift_not_an_answer(status: int) -> None:
    b = bench()
    b.script.answers[GET_CLIENT].append(Reply(status, content=b"<html>Not here</html>"))
    with pytest.raises(Drifted):
        await b.studio.record(Kind.CLIENT, CLIENT)


async def test_a_404_in_another_json_shape_still_means_not_found() -> None:
    b = bench()
    b.script.answers[GET_CLIENT].append(Reply(404, {"message": "No query results"}))
    with pytest.raises(NotFound):
        await b.studio.record(Kind.CLIENT, CLIENT)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_a_passing_failure_is_tried_again_four_times_at_most(status: int) -> None:
    b = bench()
    b.script.answers[GET_CLIENT].extend([Reply(status, error("x"))] * 3 + [Reply(json={"data": client()})])
    await b.studio.record(Kind.CLIENT, CLIENT)
    assert b.count(GET_CLIENT) == 4
    b.script.answers[GET_CLIENT].extend([Reply(status, error("x"))] * 4)
    with pytest.raises((Unclear, RateLimited)) as told:
        await b.studio.record(Kind.CLIENT, CLIENT)
    assert told.value.status == status
    assert b.count(GET_CLIENT) == 8


async def test_retry_after_is_waited_out_but_no_longer_than_a_minute() -> None:
    b = bench()
    date = "Mon, 02 Mar 2026 09:00:30 GMT"
    for after, waited in (("7", 7.0), (date, 23.0), ("3600", 60.0)):
        before = b.clock.monotonic()
        reply = Reply(429, error("rate_limited"), headers={"retry-after": after})
        b.script.answers[GET_CLIENT].extend([reply, Reply(json={"data": client()})])
        await b.studio.record(Kind.CLIENT, CLIENT)
        assert b.clock.monotonic() - before == pytest.approx(waited, abs=0.1)
    b.script.answers[GET_CLIENT].extend([Reply(429, error("x"), headers={"retry-after": "3600"})] * 4)
    with pytest.raises(RateLimited) as told:
        await b.studio.record(Kind.CLIENT, CLIENT)
    assert told.value.retry_after == 3600


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (httpx.ConnectError("http://studio.test/?secret"), Unreachable),
        (httpx.ConnectTimeout("x"), Unreachable),
        (httpx.PoolTimeout("x"), Unreachable),
        (httpx.ReadTimeout("x"), Unclear),
        (httpx.ReadError("x"), Unclear),
        (httpx.WriteError("x"), Unclear),
        (httpx.RemoteProtocolError("x"), Unclear),
        (httpx.ProxyError("x"), Unclear),
    ],
)
async def test_a_lost_connection_is_tried_again_and_told_without_its_url(
    fault: Exception, kind: type[StudioError]
) -> None:
    b = bench()
    b.faults.next[GET_CLIENT].append(fault)
    b.script.answers[GET_CLIENT].append(Reply(json={"data": client()}))
    await b.studio.record(Kind.CLIENT, CLIENT)
    b.faults.next[GET_CLIENT].extend([fault] * 4)
    with pytest.raises(kind) as told:
        await b.studio.record(Kind.CLIENT, CLIENT)
    assert "secret" not in str(told.value)


async def test_half_a_body_is_tried_again() -> None:
    b = bench()
    b.script.answers[GET_CLIENT].extend(
        [Reply(content=b'{"data": {"id": "cl_', headers={}), Reply(json={"data": client()})]
    )
    await b.studio.record(Kind.CLIENT, CLIENT)
    b.faults.cut[GET_CLIENT] = httpx.ReadError("cut")
    b.script.always[GET_CLIENT] = lambda _request: Reply(json={"data": client()})
    with pytest.raises(Unclear):
        await b.studio.record(Kind.CLIENT, CLIENT)


async def test_each_retry_is_logged_without_query_or_body() -> None:
    b = bench()
    b.script.answers["GET /clients/search"].append(Reply(503, error("x")))
    b.script.answers["GET /clients/search"].append(Reply(json={"data": []}))
    with structlog.testing.capture_logs() as logs:
        await b.studio.clients.search("anna@example.com")
    (retried,) = [entry for entry in logs if entry["event"] == "request.retried"]
    assert retried["request"] == "GET /clients/search"
    assert retried["status"] == 503
    assert "anna" not in str(logs)
    assert {entry["event"] for entry in logs} == {"request.retried", "session.signed_in"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[" * 51 + b"]" * 51, "nested deeper"),
        (b'{"data": {"id": "other"}}', "not the client that was asked for"),
        (b'{"data": []}', "holds no record"),
        (b"null", "holds no record"),
        (b"<p>hello</p>", "web page"),
        (b" " * (10 * 1024 * 1024 + 1), "larger than 10 MB"),
    ],
)
async def test_an_answer_that_is_something_else_is_drift(content: bytes, said: str) -> None:
    b = bench()
    b.script.always[GET_CLIENT] = lambda _request: Reply(content=content)
    with pytest.raises(Drifted, match=said):
        await b.studio.record(Kind.CLIENT, CLIENT)


async def test_fifty_levels_are_read() -> None:
    b = bench()
    deep: Any = 1
    for _ in range(48):
        deep = [deep]
    b.script.answers[GET_CLIENT].append(Reply(json={"data": client(deep=deep)}))
    await b.studio.record(Kind.CLIENT, CLIENT)


async def test_a_redirect_elsewhere_is_drift_and_not_followed() -> None:
    b = bench()
    b.script.answers[GET_CLIENT].append(Reply(301, {}, headers={"location": "/api/v2/clients"}))
    with pytest.raises(Drifted, match=r"redirected to /api/v2/clients .* check the base URL"):
        await b.studio.record(Kind.CLIENT, CLIENT)


async def test_a_page_holds_what_the_list_says() -> None:
    b = bench()
    rows = [client(id="cl_" + f"{n:030d}") for n in range(2)]
    meta = {"current_page": 1, "per_page": 100, "total": 2, "last_page": 1}
    b.script.answers["GET /clients/"].append(Reply(json={"data": [*rows, "junk", {"no": "id"}], "meta": meta}))
    page = await b.studio.page(Kind.CLIENT, 1)
    assert [record.id for record in page.records] == [row["id"] for row in rows]
    assert page.records[0].raw == rows[0]
    assert (page.total, page.last, page.per_page, page.number) == (2, True, 100, 1)
    assert [bad.shape for bad in page.unreadable] == ["client:str", "client.id:missing"]
    assert b.script.requests[-1][1].endswith("?page=1&per_page=100&types=client%2Clead%2Cother")


@pytest.mark.parametrize(
    ("number", "count", "rest", "last"),
    [
        (1, 100, {"meta": {"current_page": 1, "total": 250}}, False),
        (3, 50, {"meta": {"current_page": 3, "total": 250}}, True),
        (2, 100, {"meta": {"total": "250"}}, False),
        (1, 100, {"meta": {"current_page": 1, "last_page": 1}}, True),
        (1, 100, {"links": {"next": "http://elsewhere/?page=2"}}, False),
        (2, 3, {"links": {"next": None}}, True),
        (1, 100, {}, False),
        (1, 42, {}, True),
        (1, 42, {"meta": None, "links": None}, True),
        (4, 0, {"meta": {"total": 900}}, True),
        (1, 25, {"meta": {"total": 60}}, False),
    ],
)
async def test_the_last_page_is_known_from_whatever_the_list_tells(
    number: int, count: int, rest: dict[str, Any], last: bool
) -> None:
    b = bench()
    rows = [{"id": f"in_{n:030d}"} for n in range(count)]
    b.script.answers["GET /invoices/"].append(Reply(json={"data": rows} | rest))
    assert (await b.studio.page(Kind.INVOICE, number)).last is last


async def test_a_studio_that_gives_smaller_pages_than_asked_is_still_read_to_the_end() -> None:
    b = bench()
    sizes = (25, 25, 10)
    for size in sizes:
        rows = [{"id": f"in_{n:030d}"} for n in range(size)]
        b.script.answers["GET /invoices/"].append(Reply(json={"data": rows, "meta": {"total": 60}}))
    pages = [await b.studio.page(Kind.INVOICE, n) for n in (1, 2, 3)]
    assert [page.last for page in pages] == [False, False, True]


async def test_an_empty_list_or_a_null_one_is_an_empty_page() -> None:
    b = bench()
    empty: tuple[list[object] | None, ...] = ([], None)
    for data in empty:
        b.script.answers["GET /sessions"].append(Reply(json={"data": data, "meta": {"total": 0}}))
        page = await b.studio.page(Kind.SESSION, 1)
        assert (page.records, page.total, page.last) == ((), 0, True)
    b.script.answers["GET /sessions"].append(Reply(json={"other": []}))
    with pytest.raises(Drifted, match="no list in it"):
        await b.studio.page(Kind.SESSION, 1)


async def test_an_invoice_brings_its_payments_with_their_owner() -> None:
    b = bench()
    b.script.answers[f"GET /invoices/{INVOICE}"].append(Reply(json={"data": invoice()}))
    first, payment = await b.studio.record(Kind.INVOICE, INVOICE)
    assert (first.kind, payment.kind, payment.id) == (Kind.INVOICE, Kind.PAYMENT, PAYMENT)
    assert (payment.raw["invoice_id"], payment.raw["_client_id"]) == (INVOICE, CLIENT)
    assert b.script.requests[-1][1].endswith("?expand=all")


async def test_a_conversation_brings_its_messages_and_is_the_same_as_in_the_list() -> None:
    b = bench()
    head = {"id": CONVERSATION, "client_id": CLIENT, "participants": []}
    text = {"id": MESSAGE, "content": "hej", "sender_type": "client"}
    path = f"GET /conversations/{CONVERSATION}/"
    b.script.answers[path].append(Reply(json={"data": head | {"messages": [text, {"content": "no id"}, 7]}}))
    b.script.answers["GET /conversations/"].append(Reply(json={"data": [head]}))
    conversation, message, *odd = await b.studio.record(Kind.CONVERSATION, CONVERSATION)
    assert message.raw == text | {"conversation_id": CONVERSATION, "_client_id": CLIENT}
    assert [type(b.studio.parse(record)) for record in odd] == [Unreadable, Unreadable]
    assert (await b.studio.page(Kind.CONVERSATION, 1)).records[0].digest == conversation.digest


@pytest.mark.parametrize("kind", [Kind.PAYMENT, Kind.MESSAGE])
async def test_what_has_no_path_of_its_own_is_refused_without_a_request(kind: Kind) -> None:
    b = bench()
    with pytest.raises(Refused, match="can't be read by its own id"):
        await b.studio.record(kind, "x")
    with pytest.raises(Refused):
        await b.studio.page(Kind.MESSAGE, 1)
    assert b.script.asked == []


def signals(b: Any) -> None:
    b.script.answers["GET /conversations/unread/count"].append(
        Reply(json={"unread_count": 2, "conversations_with_unread": 1})
    )
    b.script.answers["GET /sessions/inquiry/count"].append(Reply(json={"data": {"count": 3}}))
    sums = {"paid_amount": 10, "unpaid_amount": 20, "overdue_count": 1, "currency": "usd"}
    b.script.answers["GET /invoices/invoice_summary"].append(Reply(json={"data": sums}))
    b.script.answers["GET /clients/"].append(Reply(json={"data": [client()], "meta": {"total": 99}}))


async def test_the_signals_take_four_requests() -> None:
    b = bench()
    await b.studio.account()
    signals(b)
    before = len(b.script.asked)
    found = await b.studio.signals()
    assert (found.unread, found.inquiries, found.invoice_sums, found.clients) == (2, 3, (10, 20, 1), 99)
    assert len(b.script.asked) - before == 4


async def test_a_signal_that_can_not_be_had_is_none_and_all_of_them_an_error() -> None:
    b = bench()
    signals(b)
    b.script.answers["GET /sessions/inquiry/count"].clear()
    assert (await b.studio.signals()).inquiries is None
    with pytest.raises(NotFound):
        await b.studio.signals()
    b.script.password = "other"
    b.script.expire()
    with pytest.raises(NotSignedIn):
        await b.studio.signals()


async def test_permits_cover_the_requests_made_inside() -> None:
    b = bench(requests_per_minute=60)
    b.script.always[GET_CLIENT] = lambda _request: Reply(json={"data": client()})
    await b.studio.record(Kind.CLIENT, CLIENT)
    async with b.studio.permits(4):
        before = b.clock.monotonic()
        await asyncio.gather(*(b.studio.record(Kind.CLIENT, CLIENT) for _ in range(4)))
        assert b.clock.monotonic() == before


async def test_the_studios_clock_is_compared_with_ours() -> None:
    b = bench()
    assert b.studio.skew is None
    reply = Reply(json={"data": {}}, headers={"date": "Mon, 02 Mar 2026 09:03:00 GMT"})
    b.script.answers["GET /notifications/all"].append(reply)
    with pytest.raises(NotFound):
        await b.studio.record(Kind.CLIENT, CLIENT)
    assert b.studio.skew == pytest.approx(180)


async def test_the_login_page_after_a_new_login_is_told_as_such() -> None:
    b = bench()
    b.script.always[GET_CLIENT] = lambda _request: Reply(content=LOGIN_PAGE.encode())
    with pytest.raises(NotSignedIn):
        await b.studio.record(Kind.CLIENT, CLIENT)
