"""Processes that take an order a line on stdin and answer with a line on stdout, and the orders' other end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

import orjson

from bench.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Child:
    """A process of the bench: `python -m bench.<name>`. A context manager; leaving it ends the process."""

    def __init__(self, name: str, *arguments: str) -> None:
        self._name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"bench.{name}", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.hello = self._answer()

    def ask(self, do: str, **more: Any) -> Any:
        """Give an order and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps({"do": do, **more}) + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"bench.{self._name} ended with {self._process.wait()}; what it said is above")
        return orjson.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


Orders = dict[str, "Callable[..., Awaitable[Any]]"]


async def obey(hello: Any, orders: Orders) -> None:
    """The child's side: carry out orders until stdin ends."""
    _say(hello)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        order = orjson.loads(line)
        _say(await orders[order.pop("do")](**order))


def _say(answer: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()
