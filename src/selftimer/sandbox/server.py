"""The sandbox on a socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from selftimer.sandbox.app import create_app
from selftimer.sandbox.gate import TRANSPORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from selftimer.sandbox.faults import Faults
    from selftimer.sandbox.profile import ServerOptions
    from selftimer.sandbox.studio import Studio


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, with the connection's transport in the scope, so that ordered faults can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the base does
        super().connection_made(transport)
        # asyncio does this by itself only where the socket names its protocol; without it each answer waits 40 ms
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        app = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = with_transport


async def serve(
    world: Studio,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    options: ServerOptions | None = None,
    faults: Faults | None = None,
    ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve the world until `stop` is set, or the task is cancelled.

    `ready` is called with the origin, like `http://127.0.0.1:49152`, once requests can come. Port 0 takes a free one.
    Signals are the caller's business; nothing is printed or logged.
    """
    config = uvicorn.Config(
        create_app(world, options, faults),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=512) as listener:
        name, number = listener.getsockname()[:2]
        origin = f"http://[{name}]:{number}" if ":" in name else f"http://{name}:{number}"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await _started(server, serving)
            if ready is not None:
                ready(origin)
            await _until(serving, stop)
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: whoever calls `serve` owns the process."""

    def capture_signals(self) -> Any:
        """Leave the signals alone."""
        return contextlib.nullcontext()


async def _until(serving: asyncio.Task[None], stop: asyncio.Event | None) -> None:
    if stop is None:
        await asyncio.shield(serving)
        return
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()


async def _started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started:
        if serving.done():
            serving.result()
        await asyncio.sleep(0.005)
