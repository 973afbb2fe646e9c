"""Where ordered faults strike: an ASGI layer around the app that can lose, tear, delay and forge answers.

Over a socket the connection is really closed (the server puts its transport into the scope, see `server`). In process
there is no socket: the request's header `x-sandbox-inprocess` says that a `FaultTransport` stands in front, and the
answer's header `x-sandbox-fault` tells it what the client must see.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from selftimer.sandbox.auth import login_page
from selftimer.sandbox.http import dump, shape1, shape2, shape3, shape4

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from selftimer.sandbox.faults import Fault, Faults
    from selftimer.sandbox.studio import Studio

TRANSPORT = "selftimer.sandbox.transport"
IN_PROCESS = b"x-sandbox-inprocess"
SIGNAL = b"x-sandbox-fault"
_NONSENSE = {"id": 12345, "status": {"?": 1}, "created_at": "soon"}
_HOLD_SECONDS = 120.0
"""How long an answer that never comes keeps its connection open, if the client doesn't close it before."""


@dataclass(slots=True)
class Captured:
    """An answer caught on its way out."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """What the app sends to."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    def with_body(self, body: bytes) -> Captured:
        """The same with another body."""
        headers = [(k, v) for k, v in self.headers if k.lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        return Captured(self.status, headers, bytearray(body))


class FaultGate:
    """The layer; requests of the control endpoints pass untouched."""

    def __init__(self, app: ASGIApp, world: Studio, faults: Faults) -> None:
        self._app = app
        self._world = world
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or let it suffer the first fault ordered for it."""
        if scope["type"] != "http" or not self._faults.orders or scope["path"].startswith("/_sandbox"):
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        target = scope["path"] + (f"?{query}" if query else "")
        fault = self._faults.take(scope["method"], target)
        if fault is None:
            await self._app(scope, receive, send)
            return
        await _Case(self._app, self._world, fault, scope, receive, send).run(query)


class _Case:
    """One request that suffers a fault."""

    def __init__(self, app: ASGIApp, world: Studio, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        self.app, self.world, self.fault = app, world, fault
        self.scope, self.receive, self.send = scope, receive, send

    async def run(self, query: str) -> None:
        body = await self._read()
        match self.fault.fault:
            case "drop_before":
                await self._lose("drop")
            case "drop_after":
                await self._carry_out(body)
                await self._lose("drop")
            case "late_apply":
                self._postpone(query, body)
                await self._lose("timeout")
            case "delay":
                await self._delay(await self._carry_out(body))
            case "status":
                await self._status(body)
            case "html200":
                if self.fault.commit:
                    await self._carry_out(body)
                await self._answer(_made(200, login_page(self.world.profile.name, "expired"), "text/html"))
            case "half_page":
                await self._tear(await self._carry_out(body))
            case "broken_record":
                caught = await self._carry_out(body)
                await self._answer(caught.with_body(_broken(bytes(caught.body), self.fault)))
            case "bad_json":
                caught = await self._carry_out(body)
                await self._answer(caught.with_body(b'{"data": [{"id": ' + bytes(caught.body)[:40] + b"<<<"))

    async def _read(self) -> bytes:
        body = bytearray()
        while True:
            message = await self.receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                return bytes(body)

    async def _carry_out(self, body: bytes) -> Captured:
        caught = Captured()
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(self.scope, replay, caught.send)
        return caught

    def _postpone(self, query: str, body: bytes) -> None:
        at = self.world.now.add(milliseconds=int(self.fault.seconds * 1000))
        path = self.scope["path"].removeprefix("/api/v1")
        self.world.at(at, "late", "late_request", self.scope["method"], path, query, body)

    async def _status(self, body: bytes) -> None:
        if self.fault.commit:
            await self._carry_out(body)
        if self.fault.shape == "html":
            answer = _made(self.fault.status, b"<html><body><h1>Something went wrong</h1></body></html>", "text/html")
        else:
            answer = _made(self.fault.status, _error(self.fault), "application/json")
        answer.headers += [(k.lower().encode(), v.encode()) for k, v in self.fault.headers.items()]
        await self._answer(answer)

    async def _answer(self, caught: Captured, *, signal: str = "") -> None:
        headers = [*caught.headers, (SIGNAL, signal.encode())] if signal else caught.headers
        await self.send({"type": "http.response.start", "status": caught.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": bytes(caught.body)})

    @property
    def _in_process(self) -> bool:
        return any(name == IN_PROCESS for name, _ in self.scope["headers"])

    @property
    def _transport(self) -> asyncio.Transport:
        transport = self.scope.get("extensions", {}).get(TRANSPORT)
        if transport is None:
            raise ConnectionResetError("an ordered fault closes the connection, and this server can't")
        assert isinstance(transport, asyncio.Transport)
        return transport

    async def _lose(self, signal: str) -> None:
        """No answer: the client sees a closed connection, or waits until it gives up."""
        if self._in_process:
            await self._answer(_made(200, b"", "text/plain"), signal=signal)
            return
        transport = self._transport
        if signal == "timeout":
            try:
                await asyncio.wait_for(self._gone(), _HOLD_SECONDS)
            except TimeoutError:
                transport.abort()
            return
        transport.abort()
        await self._gone()

    async def _tear(self, caught: Captured) -> None:
        """Half of the body, then nothing more."""
        if self._in_process:
            await self._answer(caught, signal="torn")
            return
        half = bytes(caught.body)[: len(caught.body) // 2]
        whole = caught.with_body(bytes(caught.body))
        await self.send({"type": "http.response.start", "status": whole.status, "headers": whole.headers})
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        self._transport.close()
        await self._gone()

    async def _delay(self, caught: Captured) -> None:
        if self._in_process:
            await self._answer(caught, signal=f"delay={self.fault.seconds}")
            return
        await asyncio.sleep(self.fault.seconds)
        await self._answer(caught)

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _made(status: int, body: bytes, kind: str) -> Captured:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    return Captured(status, headers, bytearray(body))


def _error(fault: Fault) -> bytes:
    message = "Ordered by the sandbox's faults."
    refused = {
        "1": shape1(fault.status, "server_error" if fault.status >= 500 else "request_failed", message),
        "2": shape2(fault.status, "Request failed", message),
        "3": shape3(fault.status, "Request failed", "REQUEST_FAILED"),
        "4": shape4(message, {}),
    }[fault.shape]
    return dump(refused.body)


def _broken(body: bytes, fault: Fault) -> bytes:
    """The list with one record mangled: its own fields replaced, or its id and status turned into nonsense.

    What is no JSON has no records, and stays as it is.
    """
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    rows = page.get("data") if isinstance(page, dict) else None
    if isinstance(rows, list) and rows:
        row = rows[min(fault.index, len(rows) - 1)]
        row.update(_NONSENSE if fault.record is None else fault.record)
    return orjson.dumps(page)
