"""The receiver on a socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from selftimer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.types import ASGIApp

HEAD_SECONDS = 10.0
"""How long the head of a call may take: who sends it letter by letter holds a place that others need."""
AT_ONCE = 64
"""Connections at a time; more are answered 503."""


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 with patience for one head; each connection carries one call."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the base does
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._lose_patience)

    def _lose_patience(self) -> None:
        if getattr(self, "cycle", None) is None:  # no head came; uvicorn's types don't know that state
            self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: whoever serves owns the process."""

    def capture_signals(self) -> Any:
        """Leave the signals alone."""
        return contextlib.nullcontext()


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, address: tuple[str, int], proxies: Sequence[str]) -> AsyncIterator[int]:
    """Serve until the end of the block; gives the port. `ConfigError` where the address can't be had.

    `proxies` are believed when they say for whom they call.
    """
    host, port = address
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(proxies),
        limit_concurrency=AT_ONCE,
        backlog=AT_ONCE,
        h11_max_incomplete_event_size=16 * 1024,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=AT_ONCE)
    except OSError as error:
        raise ConfigError(
            f"selftimer.toml: [receiver] listen: {host}:{port} can't be used ({error.strerror}); choose another port, "
            "or end what listens there"
        ) from error
    with listener:
        task = asyncio.create_task(server.serve(sockets=[listener]), name="receiver")
        try:
            await _started(server, task)
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await task


async def _started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.005)
