"""The demo's service: `python -m selftimer.simulation.service_process --workspace W --sandbox URL`.

A process of its own, wired as in production, with two things more: the scripted owner as a third lane, and a count of
requests. Follows the sandbox's clock until the story ends; then one line of JSON on standard output.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from selftimer import wiring
from selftimer.errors import SelftimerError
from selftimer.log import configure
from selftimer.runtime.lockstep import SandboxClock, Waited, check_origin, run
from selftimer.runtime.reload import watching
from selftimer.settings import Settings
from selftimer.simulation.owner import ScriptedOwner
from selftimer.simulation.parent import until_told
from selftimer.simulation.turns import settle
from selftimer.store.lock import WorkspaceLock

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.runtime.lockstep import Lane

_SLICE = 0.1
"""Real seconds between two steps of a slowed clock."""


class CountedNetwork(httpx.AsyncBaseTransport):
    """The network as the client uses it (reads keep connections, writes get fresh ones), with a count of requests."""

    def __init__(self) -> None:
        self._reads = httpx.AsyncHTTPTransport(trust_env=False, limits=httpx.Limits(max_connections=20))
        self._writes = httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_connections=20, max_keepalive_connections=0)
        )
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Count, then send."""
        self.requests += 1
        inner = self._reads if request.method == "GET" else self._writes
        return await inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close both."""
        await self._reads.aclose()
        await self._writes.aclose()


class PacedClock(SandboxClock):
    """The sandbox's clock, moving at most `speed` simulated hours in a real second so that people can watch."""

    def __init__(self, url: str, speed: float) -> None:
        super().__init__(url)
        self._speed = speed

    async def wait(self, due: Instant, poll_every: int) -> Waited:
        """As the plain one, in steps that are slept over."""
        while True:
            begun, before = time.monotonic(), self.now()
            step = min(due, before.add(seconds=self._speed * 3600 * _SLICE))
            waited = await super().wait(step, poll_every)
            hours = (waited.now - before).total("hours")
            await asyncio.sleep(max(0.0, hours / self._speed - (time.monotonic() - begun)))
            if waited.poll or waited.ended or waited.now >= due:
                return waited


async def work(settings: Settings, url: str, *, seed: int, speed: float) -> dict[str, Any]:
    """Live through the sandbox's story; what can be told of it afterwards."""
    check_origin(url, settings.account.url)
    clock = PacedClock(url, speed) if speed > 0 else SandboxClock(url)
    configure(settings.log, file=settings.log_file, clock=clock, zone=settings.studio.time_zone)
    stop = await until_told()
    network = CountedNetwork()
    await clock.start()
    service = await wiring.build(settings, clock=clock, transport=network, seed=seed)
    try:
        await service.start()
        owner = ScriptedOwner(service.store)
        lanes: list[Lane] = [service.deliver, service.tell, owner]
        async with watching(service):
            await run(clock, service.observe, lanes, poll_every=settings.polling.page_one, stop=stop)
        if not stop.is_set():
            await settle(clock, service.observe, lanes)
    finally:
        await service.aclose()
        await clock.aclose()
    return {
        "requests": network.requests,
        "polls": service.observe.polls,
        "approved": owner.approved,
        "declined": owner.declined,
        "stopped": stop.is_set(),
    }


def main() -> int:
    """Work until the story ends, or told to stop; 1 and a sentence where it can't."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--sandbox", required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed", type=float, default=0.0)
    given = parser.parse_args()
    try:
        settings = Settings.load(given.workspace)
        settings.state_folder.mkdir(mode=0o700, exist_ok=True)
        with WorkspaceLock(settings.state_folder):
            told = asyncio.run(work(settings, given.sandbox, seed=given.seed, speed=given.speed))
    except SelftimerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
