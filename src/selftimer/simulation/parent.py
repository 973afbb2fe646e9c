"""What a child process of the demo has with its parent: it stops when told to, or when the parent is gone."""

from __future__ import annotations

import asyncio
import signal
import sys


async def until_told() -> asyncio.Event:
    """An event that is set by SIGTERM, SIGINT or the end of standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await loop.connect_read_pipe(lambda: _Watch(stop), sys.stdin)
    return stop


class _Watch(asyncio.Protocol):
    """Nothing is ever written to this pipe: its end is the news."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, _error: Exception | None) -> None:
        self._stop.set()

    def eof_received(self) -> None:
        self._stop.set()
