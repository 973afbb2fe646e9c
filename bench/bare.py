"""The peer: what an asyncio script with httpx does with the same requests and nothing else. `python -m bench.bare URL`.

No state, no rules, no guarantee: it signs in, asks, decodes the answers, posts.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

from bench.children import obey
from bench.machine import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type] # as in selftimer.studio.transport, to be fair
API = "/api/v1"
LISTS = PAGES = 4
"""How many lists, and how many pages of one, our service reads at once."""


class Script:
    """Reads keep connections; each POST gets a fresh one, as ours does."""

    def __init__(self, url: str) -> None:
        headers = {"X-Requested-With": "XMLHttpRequest"}
        self._reads = httpx.AsyncClient(base_url=url, headers=headers, trust_env=False)
        self._writes = httpx.AsyncClient(
            base_url=url, headers=headers, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def sign_in(self, email: str, password: str) -> None:
        """A session for both clients."""
        await self._reads.get("/login")
        answer = await self._reads.post("/login", data={"email": email, "password": password})
        assert answer.status_code == 302, answer.text
        for name, value in self._reads.cookies.items():
            self._writes.cookies.set(name, value)
            if "xsrf" in name.lower() or "csrf" in name.lower():
                self._writes.headers["X-CSRF-Token"] = unquote(value)

    async def fetch(self, targets: Sequence[str]) -> dict[str, float]:
        """The lists and records as our service asked for them: four lists at once, four requests of one."""
        lists = asyncio.Semaphore(LISTS)

        async def read(some: list[str]) -> None:
            async with lists:
                await self._get(some[0])
                await _each(some[1:], PAGES, self._get)

        usage = Usage()
        groups = [list(some) for _, some in groupby(sorted(targets, key=_list_of), key=_list_of)]
        await asyncio.gather(*(read(some) for some in groups))
        return usage.since()

    async def send(self, plan: Sequence[tuple[Sequence[str], str]], in_flight: int, text: str) -> dict[str, float]:
        """For each message read what ours read before it, one after the other, then post it."""

        async def one(message: tuple[Sequence[str], str]) -> None:
            reads, conversation_id = message
            for target in reads:
                await self._get(target)
            body = {"conversation_id": conversation_id, "content": text, "attachment_ids": []}
            answer = await self._writes.post(f"{API}/conversation_messages", json=body)
            answer.raise_for_status()
            answer.json()

        usage = Usage()
        await _each(plan, in_flight, one)
        return usage.since()

    async def _get(self, target: str) -> Any:
        answer = await self._reads.get(target)
        answer.raise_for_status()
        return answer.json()


async def _each(items: Sequence[Any], at_once: int, work: Any) -> None:
    """So many workers over the items."""
    todo = iter(items)

    async def worker() -> None:
        for item in todo:
            await work(item)

    await asyncio.gather(*(worker() for _ in range(at_once)))


def _list_of(target: str) -> str:
    path = target.partition("?")[0].removeprefix(API).strip("/")
    return path.partition("/")[0] if path.count("/") == 1 and "_" in path.rpartition("/")[2] else path


async def main(url: str, email: str, password: str) -> None:
    """Obey until stdin ends."""
    script = Script(url)
    await script.sign_in(email, password)
    await obey("ready", {"fetch": script.fetch, "send": script.send})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
