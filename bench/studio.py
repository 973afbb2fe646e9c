"""The sandbox as a process of its own: `python -m bench.studio`. What it costs is nobody's figure but its own."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.children import obey
from selftimer.sandbox import bulk
from selftimer.sandbox.book import people
from selftimer.sandbox.faults import Fault, Faults
from selftimer.sandbox.profile import ServerOptions
from selftimer.sandbox.server import serve
from selftimer.sandbox.world import World


class Meter(Faults):
    """Sees every request of the API: keeps a list of them, and lets each wait as long as is ordered."""

    def __init__(self) -> None:
        super().__init__()
        self.order(Fault(fault="delay", path="(?!)"))  # fits nothing; without any order nobody would ask here
        self.delay: Fault | None = None
        self.requests: list[tuple[str, str]] = []
        self.first: float | None = None

    def take(self, method: str, target: str) -> Fault | None:
        """Count it; slow it down if that is ordered, by a real sleep of the server."""
        if self.first is None:
            self.first = time.monotonic()
        self.requests.append((method, target))
        return self.delay

    def drain(self) -> list[tuple[str, str]]:
        """What came since the last call."""
        seen, self.requests = self.requests, []
        self.first = None
        return seen


class Studio:
    """What the bench may order of the sandbox."""

    def __init__(self) -> None:
        self.world = World.empty(mode="real")
        self.meter = Meter()

    async def fill(self, clients: int, invoices: int) -> None:
        """A large studio of old clients and invoices."""
        added = bulk.add_clients(self.world, clients, conversations=False, spread_days=700)
        bulk.add_invoices(self.world, added, invoices)

    async def leads(self, count: int) -> list[tuple[str, str]]:
        """New leads, each with a conversation: their ids."""
        self.world.sync()
        added = bulk.add_clients(self.world, count, client_type="lead")
        threads = self.world.tables.conversations
        return [(client.id, threads.of_client(client.id)[0].id) for client in added]

    async def change(self, share: float) -> int:
        """Change that share of clients and invoices; how many records."""
        tables = self.world.tables
        step = round(1 / share)
        clients, invoices = list(tables.clients)[::step], list(tables.invoices)[::step]
        for client in clients:
            people.update_client(self.world, client, phone=f"+49 40 {self.world.version:07}")
        for invoice in invoices:
            invoice.items[0].amount += 100
            tables.invoices.touch(invoice.id)
            self.world.changed()
        return len(clients) + len(invoices)

    async def delay(self, seconds: float) -> None:
        """How long each answer waits from now on."""
        self.meter.delay = Fault(fault="delay", seconds=seconds, times=1 << 60) if seconds else None

    async def drain(self) -> list[tuple[str, str]]:
        """The requests since the last call, in their order."""
        return self.meter.drain()

    async def first(self) -> float | None:
        """When the first request since the last `drain` came, by the machine's monotonic clock."""
        return self.meter.first


async def main() -> None:
    """Serve until stdin ends."""
    studio = Studio()
    origin: list[str] = []
    ready = asyncio.Event()
    stop = asyncio.Event()
    options = ServerOptions(rate_limit=None)

    def started(at: str) -> None:
        origin.append(at)
        ready.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(serve(studio.world, options=options, faults=studio.meter, ready=started, stop=stop))
        await ready.wait()
        names = ("fill", "leads", "change", "delay", "drain", "first")
        orders: dict[str, Any] = {name: getattr(studio, name) for name in names}
        await obey(origin[0], orders)
        stop.set()


if __name__ == "__main__":
    asyncio.run(main())
