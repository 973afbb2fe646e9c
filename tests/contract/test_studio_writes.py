from __future__ import annotations

import asyncio
import contextlib
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from pydantic import SecretStr
from tests.unit.studio.scripted import (
    CLIENT,
    CONVERSATION,
    INVOICE,
    LOGIN_PAGE,
    MESSAGE,
    START,
    Bench,
    Reply,
    bench,
    client,
    error,
    invoice,
)

from selftimer.errors import (
    ConfigError,
    Conflict,
    Drifted,
    NotAllowed,
    NotApplied,
    NotFound,
    NotSignedIn,
    RateLimited,
    Refused,
    StudioError,
    Unclear,
    Unreachable,
)
from selftimer.facts.records import Kind
from selftimer.primitives.clock import SystemClock, VirtualClock
from selftimer.studio import Credentials, Studio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

POST = "POST /conversation_messages"
SENT = {"id": MESSAGE, "conversation_id": CONVERSATION, "content": "hej", "sender_type": "photographer"}
SHAPE = error()


async def send(b: Bench) -> Any:
    return await b.studio.send_message(CONVERSATION, "hej", attachments=["att_1"])


async def test_an_applied_message_is_accepted_with_what_the_studio_made_of_it() -> None:
    b = bench()
    b.script.answers[POST].append(Reply(201, {"data": SENT}))
    accepted = await send(b)
    assert (accepted.record.kind, accepted.record.id, accepted.record.raw) == (Kind.MESSAGE, MESSAGE, SENT)
    _, _, headers, body = b.script.requests[-1]
    assert orjson.loads(body) == {"conversation_id": CONVERSATION, "content": "hej", "attachment_ids": ["att_1"]}
    assert headers["x-csrf-token"] == "csrf-s1="
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [SENT, {"data": SENT | {"conversation_id": None}}])
async def test_a_bare_record_is_accepted_too(body: dict[str, Any]) -> None:
    b = bench()
    b.script.answers[POST].append(Reply(200, body))
    assert (await send(b)).record.id == MESSAGE


NOT_APPLIED: list[tuple[Reply, type[StudioError]]] = [
    (Reply(400, SHAPE), Refused),
    (Reply(403, SHAPE), NotAllowed),
    (Reply(404, {"error": "Conversation not found", "code": "CONVERSATION_NOT_FOUND"}), NotFound),
    (Reply(409, SHAPE), Conflict),
    (Reply(413, SHAPE), Refused),
    (Reply(422, {"error": "Validation failed", "message": "x", "details": {"content": ["too long"]}}), Refused),
    (Reply(429, SHAPE, headers={"retry-after": "30"}), RateLimited),
    (Reply(429, content=b"<html>slow down</html>", headers={"retry-after": "30"}), RateLimited),
    (Reply(401, SHAPE), NotSignedIn),
    (Reply(419, {"message": "CSRF token mismatch."}), NotSignedIn),
    (Reply(302, {}, headers={"location": "http://studio.test/login"}), NotSignedIn),
]
UNCLEAR = [
    Reply(408, SHAPE),
    Reply(500, SHAPE),
    Reply(502, content=b"<html>bad gateway</html>"),
    Reply(503, SHAPE, headers={"retry-after": "5"}),
    Reply(200, content=LOGIN_PAGE.encode()),
    Reply(200, content=b"<html>hello</html>"),
    Reply(404, content=b"<html>no</html>"),
    Reply(400, {"message": "neither of the four"}),
    Reply(422, {"message": "x", "errors": {"a": ["b"]}}),
    Reply(429, content=b"slow down"),
    Reply(302, {}, headers={"location": "/elsewhere"}),
    Reply(308, {}, headers={"location": "/api/v1/conversation_messages/"}),
]
DRIFTED = [
    Reply(201, content=b'{"data": {"id": "msg_'),
    Reply(201, content=b""),
    Reply(204, content=b""),
    Reply(201, content=b"<html>done</html>"),
    Reply(201, {"data": []}),
    Reply(201, {"data": {"content": "hej"}}),
    Reply(201, {"data": {"id": "cl_" + "x" * 30}}),
    Reply(201, {"data": SENT | {"conversation_id": "conv_other"}}),
    Reply(201, content=b"[" * 60 + b"]" * 60),
    Reply(201, content=b'"' + b" " * (10 * 1024 * 1024) + b'"'),
]


@pytest.mark.parametrize(("reply", "kind"), NOT_APPLIED)
async def test_a_refusal_in_a_known_shape_was_not_applied(reply: Reply, kind: type[StudioError]) -> None:
    b = bench()
    b.script.answers[POST].append(reply)
    with pytest.raises(kind) as told:
        await send(b)
    assert isinstance(told.value, NotApplied)
    assert b.count(POST) == 1
    if isinstance(told.value, RateLimited):
        assert told.value.retry_after == 30


@pytest.mark.parametrize("reply", UNCLEAR)
async def test_what_could_be_either_is_unclear_and_not_tried_again(reply: Reply) -> None:
    b = bench()
    b.script.answers[POST].append(reply)
    with pytest.raises(Unclear) as told:
        await send(b)
    assert told.value.status == reply.status
    assert b.count(POST) == 1


@pytest.mark.parametrize("reply", DRIFTED)
async def test_a_2xx_that_can_not_be_read_was_applied_without_a_known_id(reply: Reply) -> None:
    b = bench()
    b.script.answers[POST].append(reply)
    with pytest.raises(Drifted):
        await send(b)
    assert b.count(POST) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (httpx.ConnectError("x"), Unreachable),
        (httpx.ConnectTimeout("x"), Unreachable),
        (httpx.PoolTimeout("x"), Unreachable),
        (httpx.WriteError("x"), Unclear),
        (httpx.WriteTimeout("x"), Unclear),
        (httpx.ReadTimeout("x"), Unclear),
        (httpx.ReadError("x"), Unclear),
        (httpx.RemoteProtocolError("x"), Unclear),
        (httpx.CloseError("x"), Unclear),
    ],
)
async def test_a_lost_connection_is_not_applied_only_where_that_is_proven(
    fault: Exception, kind: type[StudioError]
) -> None:
    b = bench()
    b.faults.next[POST].append(fault)
    with pytest.raises(kind):
        await send(b)
    assert b.count(POST) == 0


@pytest.mark.parametrize(("status", "kind"), [(201, Drifted), (400, Unclear), (500, Unclear)])
async def test_an_answer_that_breaks_off_is_judged_by_its_status(status: int, kind: type[StudioError]) -> None:
    b = bench()
    b.script.answers[POST].append(Reply(status, {"data": SENT}))
    b.faults.cut[POST] = httpx.ReadError("cut")
    with pytest.raises(kind) as told:
        await send(b)
    assert told.value.status == status


@pytest.mark.parametrize("reply", [reply for reply, kind in NOT_APPLIED if kind is NotSignedIn])
async def test_after_a_write_met_an_expired_session_the_next_call_signs_in(reply: Reply) -> None:
    b = bench()
    b.script.answers[POST].extend([reply, Reply(201, {"data": SENT})])
    with pytest.raises(NotSignedIn):
        await send(b)
    assert b.script.logins == 1
    assert (await send(b)).record.id == MESSAGE
    assert b.script.logins == 2


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), httpx.ConnectError("x")])
async def test_when_signing_in_fails_the_write_was_not_sent(fault: Exception) -> None:
    b = bench()
    b.faults.next["POST /login"].append(fault)
    with pytest.raises(NotApplied):
        await send(b)
    assert POST not in b.script.asked


async def test_documents_are_made_once_and_checked() -> None:
    b = bench()
    b.script.answers["POST /invoices/"].append(Reply(201, {"data": invoice()}))
    made = await b.studio.create_document(Kind.INVOICE, {"client_id": CLIENT, "line_items": []})
    assert made.record.id == INVOICE
    b.script.answers["POST /invoices/"].append(Reply(201, {"data": invoice(client={"id": "cl_" + "z" * 30})}))
    with pytest.raises(Drifted, match="another client's"):
        await b.studio.create_document(Kind.INVOICE, {"client_id": CLIENT})
    with pytest.raises(Refused, match="not a document"):
        await b.studio.create_document(Kind.SESSION, {})
    for kind, path in ((Kind.CONTRACT, "/contracts/"), (Kind.QUOTE, "/quotes/")):
        b.script.answers[f"POST {path}"].append(Reply(404, error("resource_not_found")))
        with pytest.raises(NotFound):
            await b.studio.create_document(kind, {"client_id": CLIENT})


async def test_a_conversation_is_opened_for_a_client() -> None:
    b = bench()
    b.script.answers["POST /conversations/"].append(Reply(201, {"data": {"id": CONVERSATION, "client_id": CLIENT}}))
    assert (await b.studio.create_conversation(CLIENT, "Hello")).record.id == CONVERSATION


PUT = f"PUT /clients/{CLIENT}"


async def test_a_client_is_read_changed_put_whole_and_compared() -> None:
    b = bench()
    b.script.answers[f"GET /clients/{CLIENT}"].append(Reply(json={"data": client()}))
    after = client(notes="VIP", address_info={"city": "Malmö", "country": "Sweden", "postal_code": "222 22"})
    b.script.answers[PUT].append(Reply(200, {"data": after}))
    done = await b.studio.update_client(CLIENT, {"notes": "VIP", "address_info": {"city": "Malmö"}})
    assert done.record.raw["notes"] == "VIP"
    put = orjson.loads(b.script.requests[-1][3])
    assert put["address_info"] == {"city": "Malmö", "country": "Sweden", "postal_code": "222 22"}
    assert put["type"] == "client"
    assert put["brand_new_field"] == {"deep": [1, 2]}
    assert not put.keys() & {"id", "created_at", "sample"}


async def test_city_and_country_of_a_client_stand_in_their_address() -> None:
    b = bench()
    b.script.answers[f"GET /clients/{CLIENT}"].append(Reply(json={"data": client()}))
    after = client(notes="VIP", address_info={"city": "Malmö", "country": "Sweden", "postal_code": "222 22"})
    b.script.answers[PUT].append(Reply(200, {"data": after}))
    await b.studio.update_client(CLIENT, {"city": "Malmö", "notes": "VIP"})
    put = orjson.loads(b.script.requests[-1][3])
    assert "city" not in put
    assert put["address_info"] == {"city": "Malmö", "country": "Sweden", "postal_code": "222 22"}


async def test_an_update_without_an_answer_is_read_back() -> None:
    b = bench()
    b.script.answers[f"GET /clients/{CLIENT}"].extend(
        [Reply(json={"data": client()}), Reply(json={"data": client(notes="VIP")})]
    )
    b.script.answers[PUT].append(Reply(204, content=b""))
    assert (await b.studio.update_client(CLIENT, {"notes": "VIP"})).record.raw["notes"] == "VIP"


async def test_an_update_that_was_not_set_is_unclear_so_that_it_is_done_again() -> None:
    b = bench()
    b.script.answers[f"GET /clients/{CLIENT}"].append(Reply(json={"data": client()}))
    b.script.answers[PUT].append(Reply(200, {"data": client()}))
    with pytest.raises(Unclear, match="notes of the client is not as set") as told:
        await b.studio.update_client(CLIENT, {"notes": "VIP"})
    assert told.value.code == "not_as_set"
    assert "VIP" not in str(told.value)


async def test_an_update_whose_read_fails_was_not_sent() -> None:
    b = bench()
    b.script.answers[f"GET /clients/{CLIENT}"].extend([Reply(500, SHAPE)] * 4)
    with pytest.raises(Unreachable, match="nothing was sent"):
        await b.studio.update_client(CLIENT, {"notes": "VIP"})


# Over real sockets: what the network itself does --------------------------------------------------------------------

ANSWER = orjson.dumps({"data": SENT})
LOGIN = b"HTTP/1.1 302 Found\r\nLocation: /dashboard\r\nSet-Cookie: session=s1\r\nContent-Length: 0\r\n\r\n"
WHOLE = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Sockets:
    """An HTTP/1.1 server by hand: `on_post` gets each message's connection and may do to it what networks do."""

    def __init__(self, on_post: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.on_post = on_post
        self.posts: list[int] = []
        self.connections = 0
        self.tasks: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.connections += 1
        mine = self.connections
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first = head.split("\r\n")[0]
                if first.startswith("POST /api"):
                    self.posts.append(mine)
                    await self.on_post(reader, writer)
                    break
                length = next((int(h.split(":")[1]) for h in head.lower().split("\r\n") if "content-length" in h), 0)
                await reader.readexactly(length)
                body = b'{"data": {"account_id": "a"}}' if "/api/" in first else LOGIN_PAGE.encode()
                kind = b"application/json" if "/api/" in first else b"text/html"
                answer = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
                    kind,
                    len(body),
                    body,
                )
                writer.write(LOGIN if first.startswith("POST /login") else answer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def over_sockets(
    on_post: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], deadline: float = 30.0
) -> AsyncIterator[tuple[Studio, Sockets, asyncio.Server]]:
    sockets = Sockets(on_post)
    server = await asyncio.start_server(sockets.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    studio = Studio(
        Credentials(email="owner@studio.test", password=SecretStr("secret")),
        SystemClock(),
        Random(1),
        base_url=f"http://127.0.0.1:{port}/api/v1",
        write_deadline=deadline,
    )
    try:
        await studio.account()
        yield studio, sockets, server
    finally:
        await studio.aclose()
        server.close()
        await asyncio.wait(sockets.tasks)


async def read_body(reader: asyncio.StreamReader) -> None:
    buffer = b""
    while b'"attachment_ids":[]}' not in buffer:
        buffer += await reader.read(1000)


async def test_each_write_has_a_connection_of_its_own() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_body(reader)
        writer.write(WHOLE % len(ANSWER) + ANSWER)
        await writer.drain()

    async with over_sockets(answer) as (studio, sockets, _):
        for _ in range(3):
            assert (await studio.send_message(CONVERSATION, "hej")).record.id == MESSAGE
        assert len(set(sockets.posts)) == 3
        before = sockets.connections
        await studio.account()
        await studio.account()
        assert sockets.connections == before


async def test_a_connection_that_is_refused_sends_nothing() -> None:
    async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        raise AssertionError

    async with over_sockets(never) as (studio, _, server):
        server.close()
        with pytest.raises(Unreachable, match="nothing was sent"):
            await studio.send_message(CONVERSATION, "hej")


@pytest.mark.parametrize("answered", [b"", b"HTTP/1.1 201 Cre"])
async def test_a_connection_that_closes_after_the_body_left_is_unclear(answered: bytes) -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_body(reader)
        writer.write(answered)
        await writer.drain()

    async with over_sockets(drop) as (studio, sockets, _):
        with pytest.raises(Unclear):
            await studio.send_message(CONVERSATION, "hej")
        assert len(sockets.posts) == 1


async def test_a_torn_answer_of_a_2xx_is_applied_without_an_id() -> None:
    async def tear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_body(reader)
        writer.write(WHOLE % len(ANSWER) + ANSWER[:10])
        await writer.drain()

    async with over_sockets(tear) as (studio, _, _):
        with pytest.raises(Drifted, match="took it"):
            await studio.send_message(CONVERSATION, "hej")


@pytest.mark.parametrize(("begin", "kind"), [(b"", Unclear), (WHOLE % 10, Drifted)])
async def test_one_deadline_covers_the_whole_write(begin: bytes, kind: type[StudioError]) -> None:
    done = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_body(reader)
        writer.write(begin)
        await writer.drain()
        await done.wait()

    async with over_sockets(slow, deadline=0.3) as (studio, _, _):
        with pytest.raises(kind, match=r"within 0\.3 s"):
            await studio.send_message(CONVERSATION, "hej")
        done.set()


async def test_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(ConfigError, match="https"):
        Studio(
            Credentials(cookie=SecretStr("a=b")), VirtualClock(START), Random(1), base_url="http://studio.example/api"
        )
    with pytest.raises(ConfigError, match="web address"):
        Studio(Credentials(cookie=SecretStr("a=b")), VirtualClock(START), Random(1), base_url="studio.example")
