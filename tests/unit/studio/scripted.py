"""A small studio that says what a test tells it to: a real server over ASGITransport, and httpx's own errors."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from whenever import Instant

from selftimer.primitives.clock import VirtualClock
from selftimer.studio import Credentials, Endpoints, Studio

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from selftimer.studio.memory import Memory

START = Instant.from_utc(2026, 3, 2, 9)
BASE = "http://studio.test/api/v1"
CLIENT = "cl_" + "C" * 30
INVOICE = "in_" + "I" * 30
PAYMENT = "ip_" + "P" * 30
SESSION = "ses_" + "S" * 29
CONVERSATION = "conv_abc"
MESSAGE = "msg_abc"
LOGIN_PAGE = (
    '<html><head><meta name="csrf-token" content="page-token"></head>'
    '<body><form><input type="password" name="password"></form></body></html>'
)


@dataclass(slots=True)
class Reply:
    """One answer; `content` wins over `json`."""

    status: int = 200
    json: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """As Starlette sends it."""
        body = self.content if self.content is not None else orjson.dumps(self.json)
        kind = "text/html" if body[:1] == b"<" else "application/json"
        return Response(body, status_code=self.status, headers={"content-type": kind, **self.headers})


class Script:
    """The studio's side: sessions, a script of answers by method and path, and what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, deque[Reply]] = defaultdict(deque)
        self.always: dict[str, Callable[[Request], Reply]] = {}
        self.asked: list[str] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.logins = 0
        self.account_id: str | None = "acc_1"
        self.password = "secret"
        self.valid: set[str] = set()
        self.expiry: Reply = Reply(401, {"error": {"code": "authentication_required", "message": "Unauthenticated."}})
        self.csrf_cookie = True

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(routes=[Route("/{path:path}", self._serve, methods=["GET", "POST", "PUT"])])

    def expire(self) -> None:
        """End every session."""
        self.valid.clear()

    async def _serve(self, request: Request) -> Response:
        path = request.url.path
        key = f"{request.method} {path.removeprefix('/api/v1')}"
        self.asked.append(key)
        self.requests.append((request.method, str(request.url), dict(request.headers), await request.body()))
        if path in {"/login", "/"}:
            if self.answers.get(key):
                return self.answers[key].popleft().response()
            return await self._login(request)
        if request.cookies.get("session") not in self.valid:
            return self.expiry.response()
        if self.answers.get(key):
            return self.answers[key].popleft().response()
        if key in self.always:
            return self.always[key](request).response()
        if key == "GET /notifications/all":
            return Reply(json={"data": {"account_id": self.account_id} if self.account_id else {}}).response()
        return Reply(404, {"error": {"code": "resource_not_found", "message": "No such thing."}}).response()

    async def _login(self, request: Request) -> Response:
        if request.method == "GET":
            return Reply(content=LOGIN_PAGE.encode()).response()
        async with request.form() as form:
            right = form.get("password") == self.password and form.get("email") == "owner@studio.test"
        if not right:
            return Reply(302, {}, headers={"location": "/login"}).response()
        self.logins += 1
        token = f"s{self.logins}"
        self.valid.add(token)
        answer = Reply(302, {}, headers={"location": "/dashboard"}).response()
        answer.set_cookie("session", token, path="/")
        if self.csrf_cookie:
            answer.set_cookie("XSRF-TOKEN", f"csrf-{token}%3D", path="/")
        return answer


class Faults(httpx.AsyncBaseTransport):
    """Raises httpx's own errors, or cuts the body, for the next requests of a method and path."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.next: dict[str, deque[Exception]] = defaultdict(deque)
        self.cut: dict[str, Exception] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        key = f"{request.method} {request.url.path.removeprefix('/api/v1')}"
        if self.next[key]:
            raise self.next[key].popleft()
        response = await self._inner.handle_async_request(request)
        if key in self.cut:
            return httpx.Response(
                response.status_code, headers={"content-type": "application/json"}, stream=_Torn(self.cut[key])
            )
        return response


class _Torn(httpx.AsyncByteStream):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __aiter__(self) -> Any:
        yield b'{"data": {"id": "msg_'
        raise self._error


@dataclass(slots=True)
class Bench:
    """A client and the studio it talks to."""

    script: Script
    faults: Faults
    clock: VirtualClock
    studio: Studio

    def count(self, key: str) -> int:
        """How often that was asked."""
        return self.script.asked.count(key)


def bench(
    *,
    credentials: Credentials | None = None,
    account_id: str | None = None,
    requests_per_minute: float = 60_000,
    endpoints: Endpoints | None = None,
    memory: Memory | None = None,
    script: Script | None = None,
    at: Instant = START,
) -> Bench:
    """A client over a scripted studio (a given one goes on), with a clock that stands still."""
    script = script or Script()
    faults = Faults(httpx.ASGITransport(script.app()))
    clock = VirtualClock(at)
    studio = Studio(
        credentials or Credentials(email="owner@studio.test", password=SecretStr("secret")),
        clock,
        Random(1),
        base_url=BASE,
        account_id=account_id,
        requests_per_minute=requests_per_minute,
        transport=faults,
        endpoints=endpoints,
        memory=memory,
    )
    return Bench(script, faults, clock, studio)


def client(**changes: Any) -> dict[str, Any]:
    """A client as the API shows it."""
    return {
        "id": CLIENT,
        "email": "anna@example.com",
        "status_name": "Active",
        "first_name": "Anna",
        "last_name": "Ek",
        "phone": None,
        "address_info": {"city": "Lund", "country": "Sweden", "postal_code": "222 22"},
        "created_at": "2025-08-06T14:50:42.000000Z",
        "sample": False,
        "type": "client",
        "type_formatted": "Client",
        "brand_new_field": {"deep": [1, 2]},
    } | changes


def invoice(**changes: Any) -> dict[str, Any]:
    """An invoice with one payment."""
    return {
        "id": INVOICE,
        "invoice_number": "0007",
        "amount": 5000,
        "currency": "USD",
        "status": "Partially Paid",
        "due_date": "2026-04-01",
        "created_at": "2026-03-01T10:00:00.000000Z",
        "client": {"id": CLIENT, "first_name": "Anna"},
        "line_items": [{"id": "li_" + "x" * 30, "name": "Portrait", "quantity": 2, "amount": 2500}],
        "payments": [{"id": PAYMENT, "amount": 1000, "currency": "usd", "status": "completed"}],
    } | changes


def error(code: str = "validation_failed", **details: Any) -> dict[str, Any]:
    """An error body in the first shape."""
    return {"error": {"code": code, "message": "Told by the studio.", "details": details}}
