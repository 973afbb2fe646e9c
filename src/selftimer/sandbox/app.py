"""The Studio API as an ASGI app over a world: login, API, control endpoints (studio-api.md)."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from selftimer.sandbox import dispatch, openapi
from selftimer.sandbox.auth import (
    Denial,
    Logins,
    RateLimit,
    csrf_mismatch,
    forbidden,
    home_page,
    login_page,
    set_cookies,
    unauthorized,
)
from selftimer.sandbox.control import Control
from selftimer.sandbox.dispatch import Reply
from selftimer.sandbox.drift import DriftGate, Drifts
from selftimer.sandbox.etags import Etags
from selftimer.sandbox.faults import Faults
from selftimer.sandbox.gate import FaultGate
from selftimer.sandbox.http import dump, shape1
from selftimer.sandbox.page.site import Site
from selftimer.sandbox.profile import ServerOptions
from selftimer.sandbox.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from selftimer.sandbox.studio import Studio

_HTML = "text/html; charset=utf-8"
Headers = list[tuple[bytes, bytes]]


def create_app(
    world: Studio,
    options: ServerOptions | None = None,
    faults: Faults | None = None,
    drifts: Drifts | None = None,
) -> Starlette:
    """The app. `faults` and `drifts` may be handed in to order them in process; else they come by /_sandbox/…."""
    world.script.join(dispatch.PART)
    orders, drifting = faults or Faults(), drifts or Drifts()
    options = options or ServerOptions()
    studio = _Studio(world, options)
    tagged = [Middleware(Etags, below=f"{dispatch.PREFIX}/")] if options.etags else []
    app = Starlette(
        routes=[
            *Control(world, studio.logins, orders, drifting).routes(),
            *Site(world, studio.logins, orders).routes(),
            Route("/login", _Asgi(studio.login), methods=["GET", "POST"]),
            Route("/", _Asgi(studio.home), methods=["GET"]),
            Route("/openapi.json", _Asgi(studio.description), methods=["GET"]),
            *Uploads(world, studio.logins).routes(),
        ],
        middleware=[
            Middleware(FaultGate, world=world, faults=orders),
            *tagged,
            Middleware(DriftGate, drifts=drifting),
        ],
    )
    app.router.redirect_slashes = False
    # whatever is under /api/v1, also what no pattern of Starlette's matches, such as a path with a line break in it
    app.router.default = _Asgi(studio.api_or_nothing)
    return app


class _Asgi:
    """Makes a plain ASGI app of a method: Starlette wraps functions into requests, which costs time."""

    def __init__(self, serve: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._serve(scope, receive, send)


class _Studio:
    """Who answers: lets in or refuses, then asks the resource."""

    def __init__(self, world: Studio, options: ServerOptions) -> None:
        self.world = world
        self.options = options
        self.logins = Logins(world, options)
        self._limit = RateLimit(world, options.rate_limit)
        self._date = (0, b"")

    async def api_or_nothing(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request that no page of the web app answers."""
        if scope["type"] == "http" and scope["path"].startswith(f"{dispatch.PREFIX}/"):
            await self.api(scope, receive, send)
        elif scope["type"] == "http":
            await self._respond(send, Reply(404, b"Not Found", "text/plain; charset=utf-8"), [])

    async def api(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request under /api/v1."""
        self.world.sync()
        body = await _body(receive)
        headers, wait = self._limit.take()
        if wait:
            refused = shape1(429, "too_many_requests", f"Too many requests; wait {wait} seconds.")
            await self._respond(send, Reply(429, dump(refused.body)), headers)
            return
        cookies, csrf = _header(scope, b"cookie"), _header(scope, b"x-csrf-token")
        denial = self.logins.denied(scope["method"], cookies, csrf)
        if denial == "csrf" and not dispatch.takes(scope["method"], scope["path"].removeprefix(dispatch.PREFIX)):
            denial = None  # what can't be done at all is a 405, with or without a token
        if denial is not None:
            await self._deny(send, denial, headers)
            return
        path = scope["path"].removeprefix(dispatch.PREFIX)
        if self.options.forbids(path):
            await self._respond(send, Reply(403, forbidden(path)), headers)
            return
        reply = dispatch.perform(
            self.world,
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode("latin-1"),
            body=body,
            origin=_origin(scope),
        )
        await self._respond(send, reply, [*headers, *reply.headers])

    async def _deny(self, send: Send, denial: Denial, headers: Headers) -> None:
        style = self.options.expiry_style
        if denial == "csrf":
            await self._respond(send, Reply(419, csrf_mismatch()), headers)
        elif style == "401":
            await self._respond(send, Reply(401, unauthorized()), headers)
        elif style == "419":
            await self._respond(send, Reply(419, csrf_mismatch()), headers)
        elif style == "redirect":
            await self._respond(send, Reply(302, b"", _HTML), [*headers, (b"location", b"/login")])
        else:
            await self._respond(send, Reply(200, self._login_page(), _HTML), headers)

    def _login_page(self, fault: str = "") -> bytes:
        return login_page(self.world.profile.name, "sign-in-first", fault)

    async def login(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The login page and its form."""
        self.world.sync()
        if scope["method"] != "POST":
            await self._respond(send, Reply(200, self._login_page(), _HTML), [])
            return
        form = dict(parse_qsl((await _body(receive)).decode("utf-8", "replace")))
        opened = self.logins.sign_in(form.get("email", ""), form.get("password", ""))
        if opened is None:
            page = self._login_page("These credentials do not match our records.")
            await self._respond(send, Reply(422, page, _HTML), [])
            return
        await self._respond(send, Reply(302, b"", _HTML), [*set_cookies(*opened), (b"location", b"/")])

    async def home(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """The web app's page, which holds the CSRF token; the login page for strangers."""
        self.world.sync()
        login = self.logins.current(_header(scope, b"cookie"))
        if login is None:
            await self._respond(send, Reply(302, b"", _HTML), [(b"location", b"/login")])
            return
        await self._respond(send, Reply(200, home_page(self.world.profile.name, login.csrf), _HTML), [])

    async def description(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """What the API is, for anybody and for programs: OpenAPI."""
        said = openapi.document(self.world.profile, self.options, _origin(scope))
        await self._respond(send, Reply(200, dump(said)), [])

    async def _respond(self, send: Send, reply: Reply, headers: Headers) -> None:
        start = {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [
                *(() if reply.status == 204 else _describing(reply)),
                (b"date", self._now_header()),
                *headers,
            ],
        }
        await send(start)
        await send({"type": "http.response.body", "body": reply.body})

    def _now_header(self) -> bytes:
        second = self.world.now.timestamp()
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]


def _describing(reply: Reply) -> Headers:
    return [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
    ]


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = bytearray(body)
    while message.get("more_body"):
        message = await receive()
        parts += message.get("body", b"")
    return bytes(parts)


def _origin(scope: Scope) -> str:
    return f"{scope['scheme']}://{_header(scope, b'host')}"


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return ""
