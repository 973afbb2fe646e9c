"""The ASGI application that takes calls: checked, kept, then answered 202.

The answers say nothing but their number, whatever was sent. That a call was kept is all that 202 means: what the rules
make of it is decided by the observing lane, after a restart too.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from selftimer.errors import SelftimerError
from selftimer.facts.stored import HookCall
from selftimer.receiver.doors import Door, Refused, admit, content_type, id_of, read_body
from selftimer.receiver.limits import Rate, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selftimer.ports import Store
    from selftimer.primitives.clock import Clock

log = structlog.get_logger(__name__)
MOST_BYTES = 64 * 1024
BODY_SECONDS = 10.0
"""How long a body may take."""
ALL_SOURCES = 10
"""So many sources may use up what one may send: more calls than that are too many for one studio."""
SAID_EVERY = 60.0
"""Seconds between two lines of the log about the same refusal: whoever knocks all night doesn't fill it."""


class Reception:
    """Takes the calls of all doors; `wake` has the rules asked at once."""

    def __init__(
        self, doors: Mapping[str, Door], store: Store, clock: Clock, *, per_minute: int, wake: Callable[[], None]
    ) -> None:
        self._doors = doors
        self._store = store
        self._clock = clock
        self._wake = wake
        self._each = Rate(per_minute)
        self._all = Rate(per_minute * ALL_SOURCES)
        self._refused: Counter[tuple[str, int]] = Counter()
        self._said: dict[tuple[str, int], float] = {}

    async def call(self, request: Request) -> Response:
        """One call."""
        name = request.path_params["name"]
        try:
            again = await self._take(request, name)
        except Refused as refused:
            return self._no(name, refused)
        except ClientDisconnect:
            return self._no(name, Refused(400, "it broke off"))
        except SelftimerError as error:
            log.exception("webhook.lost", error=type(error).__name__)
            return _answer(503)
        if not again:
            self._wake()
        return _answer(202)

    async def _take(self, request: Request, name: str) -> bool:
        """Keep a call; whether it was kept before."""
        host = request.client.host if request.client is not None else ""
        self._limit(self._each, source_of(host))
        door = self._doors.get(name)
        if door is None:
            raise Refused(404, "no such webhook")
        kind = content_type(request.headers)
        body = await _body(request)
        now = self._clock.now()
        ident = admit(door, request.headers, body, now, request.path_params.get("token"))
        self._limit(self._all, "")
        brought = read_body(door, kind, body)
        call = HookCall(
            name=door.name,
            id=id_of(ident, brought, now),
            at=now,
            fields=brought.fields,
            dropped=brought.dropped,
        )
        kept = await self._store.write(lambda tx: tx.hooks.add(call))
        log.info("webhook.taken", webhook=door.name, dropped=brought.dropped, again=not kept)
        return not kept

    def _limit(self, rate: Rate, source: str) -> None:
        wait = rate.wait(source, self._clock.monotonic())
        if wait:
            raise TooMany(wait)

    def _no(self, name: str, refused: Refused) -> Response:
        """Refuse it; the log is told at most once a minute, never what was sent."""
        status = refused.status
        key = (name if name in self._doors else "", status)
        self._refused[key] += 1
        now = self._clock.monotonic()
        if now - self._said.get(key, -math.inf) >= SAID_EVERY:
            self._said[key] = now
            log.warning(
                "webhook.refused", webhook=key[0], status=status, reason=refused.why, count=self._refused.pop(key)
            )
        return _answer(status, retry=math.ceil(refused.wait) if isinstance(refused, TooMany) else None)


class TooMany(Refused):
    """More calls than may come."""

    def __init__(self, wait: float) -> None:
        super().__init__(429, "too many calls")
        self.wait = wait


async def _body(request: Request) -> bytes:
    said = request.headers.get("content-length", "0")
    if not said.isascii() or not said.isdigit() or int(said[:12]) > MOST_BYTES:
        raise Refused(413, "it is too large")
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > MOST_BYTES:
                    raise Refused(413, "it is too large")
                parts.append(part)
    except TimeoutError:
        raise Refused(408, "it took too long") from None
    return b"".join(parts)


def _answer(status: int, *, retry: int | None = None, allow: str | None = None) -> Response:
    headers = {"Cache-Control": "no-store", "Connection": "close"}
    headers |= {"Retry-After": str(retry)} if retry is not None else {}
    headers |= {"Allow": allow} if allow is not None else {}
    return Response(status_code=status, headers=headers)


async def _nothing_there(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return _answer(status, allow="POST" if status == 405 else None)


def create_app(reception: Reception) -> Starlette:
    """`POST /webhooks/NAME`, and with a token in the path `POST /webhooks/NAME/TOKEN`. Nothing else is there."""
    app = Starlette(
        routes=[
            Route("/webhooks/{name}", reception.call, methods=["POST"]),
            Route("/webhooks/{name}/{token}", reception.call, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _nothing_there},
    )
    app.router.redirect_slashes = False
    return app
