"""A transport that spoils some answers of the sandbox, for what its own faults can't say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def _nothing() -> None:
    pass


@dataclass(slots=True)
class Meddler(httpx.AsyncBaseTransport):
    """Passes requests on; while `path` fits, answers go through `spoil`, and `before` is called first."""

    inner: httpx.AsyncBaseTransport
    path: str = "$^"
    before: Callable[[], Awaitable[None]] = _nothing
    spoil: Callable[[httpx.Response], httpx.Response] = lambda response: response
    hits: int = 0
    seen: list[str] = field(default_factory=list)
    requests: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on, or spoil it."""
        self.requests += 1
        target = f"{request.method} {request.url.raw_path.decode()}"
        self.seen.append(target)
        if not re.search(self.path, target):
            return await self.inner.handle_async_request(request)
        self.hits += 1
        await self.before()
        response = await self.inner.handle_async_request(request)
        await response.aread()
        return self.spoil(response)

    def let_be(self) -> None:
        """Spoil nothing any more."""
        self.path = "$^"

    async def aclose(self) -> None:
        """Close the inner one."""
        await self.inner.aclose()


def refused(_response: httpx.Response) -> httpx.Response:
    """As if nobody were there."""
    raise httpx.ConnectError("All connection attempts failed")


def page(status: int, text: str) -> Callable[[httpx.Response], httpx.Response]:
    """A web page instead of the answer."""
    body = f"<html><body><h1>{text}</h1></body></html>"
    return lambda _response: httpx.Response(status, headers={"content-type": "text/html"}, text=body)


def huge(_response: httpx.Response) -> httpx.Response:
    """Eleven megabytes of JSON."""
    body = b'{"data": [' + b'"' + b"x" * (11 * 1024 * 1024) + b'"]}'
    return httpx.Response(200, headers={"content-type": "application/json"}, content=body)
