"""The client as a library, in a process of its own: `python -m bench.library URL EMAIL PASSWORD`."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import structlog

from bench.children import obey
from bench.machine import Usage
from selftimer.studio import Studio

PLENTY = 1_000_000


async def main(url: str, email: str, password: str) -> None:
    """Obey until stdin ends; what is logged is dropped, for stdout is the orders'."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    async with Studio(email=email, password=password, base_url=f"{url}/api/v1", requests_per_minute=PLENTY) as studio:

        async def read() -> dict[str, Any]:
            """All clients as a stream of typed records."""
            usage, count = Usage(), 0
            async for client in studio.clients.list():
                count += bool(client.id)
            return {**usage.since(), "count": count}

        async def pages() -> dict[str, Any]:
            """The same pages as the service reads them: raw records with their digests, parsed when they changed."""
            from selftimer.facts.records import Kind

            usage, count = Usage(), 0
            first = await studio.page(Kind.CLIENT, 1)
            last = -(-(first.total or 0) // 100)
            gate = asyncio.Semaphore(4)

            async def one(number: int) -> int:
                async with gate:
                    return len((await studio.page(Kind.CLIENT, number)).records)

            count = len(first.records) + sum(await asyncio.gather(*(one(n) for n in range(2, last + 1))))
            return {**usage.since(), "count": count}

        await studio.account()
        await obey("ready", {"read": read, "pages": pages})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
