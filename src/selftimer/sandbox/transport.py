"""The sandbox in process, as a client would meet it over a network: httpx's own errors for lost and torn answers.

httpx's ASGITransport knows no time-outs and passes half a body as a whole one; this transport stands in front of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from selftimer.sandbox.gate import IN_PROCESS, SIGNAL

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class FaultTransport(httpx.AsyncBaseTransport):
    """Serves requests from the app in process and raises what a socket would have brought.

    `httpx.RemoteProtocolError` for a closed connection or half a body, `httpx.ReadTimeout` for an answer that comes
    too late or never.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or raise."""
        request.headers[IN_PROCESS.decode()] = "1"
        response = await self._inner.handle_async_request(request)
        signal = response.headers.get(SIGNAL.decode())
        if signal is None:
            return response
        kind, _, value = signal.partition("=")
        if kind == "drop":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        if kind == "torn":
            message = "peer closed connection without sending complete message body"
            raise httpx.RemoteProtocolError(message, request=request)
        patience = request.extensions.get("timeout", {}).get("read")
        if kind == "timeout" or (patience is not None and float(value) >= patience):
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        await asyncio.sleep(float(value))
        return response

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()
