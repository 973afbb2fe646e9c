"""Answers that say what they are (`ETag`), and a 304 for who knows them already.

Whether the real API does this is not known (studio-api.md, Conventions), so it is off unless asked for.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp, Receive, Scope, Send


class Etags:
    """Middleware over the whole answers of the API."""

    def __init__(self, app: ASGIApp, below: str) -> None:
        self._app = app
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, and the answer with its tag, or without its body."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(self._below):
            await self._app(scope, receive, send)
            return
        known = dict(scope["headers"]).get(b"if-none-match")
        start: MutableMapping[str, Any] = {}

        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if start["status"] == 200:
                tag = f'"{blake2b(message["body"], digest_size=12).hexdigest()}"'.encode()
                start["headers"] = [*start["headers"], (b"etag", tag)]
                if tag == known:
                    start["status"] = 304
                    start["headers"] = [pair for pair in start["headers"] if pair[0] != b"content-length"]
                    message["body"] = b""
            await send(start)
            await send(message)

        await self._app(scope, receive, answer)
