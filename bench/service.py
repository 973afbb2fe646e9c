"""The service as a process of its own, its lanes called step by step: `python -m bench.service WORKSPACE`.

Holds, caps and nights are off and the rate limit is out of reach: what is left is what the work itself costs. It logs
as `selftimer run` does, into nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whenever import Instant

from bench.children import obey
from bench.machine import Usage
from selftimer import wiring
from selftimer.log import configure
from selftimer.plan.policy import Caps, Flood
from selftimer.plan.state import DeliveryState
from selftimer.settings import Settings

if TYPE_CHECKING:
    from selftimer.plan.policy import Policy
    from selftimer.ports import Tx

PLENTY = 1_000_000


class Lanes:
    """What the bench may order of the service."""

    def __init__(self, service: wiring.Service) -> None:
        self._service = service

    async def observe(self, hours: float = 0.0) -> dict[str, float]:
        """One step of the observing lane, as if so many hours had passed; its cost."""
        now = Instant.now().add(seconds=round(hours * 3600))
        self._service.observe.poll_at = now
        before = Usage()
        await self._service.observe.step(now)
        return before.since()

    async def deliver(self) -> dict[str, float]:
        """Deliver what is due, until nothing is."""
        before = Usage()
        await self._service.deliver.step(Instant.now())
        return before.since()

    async def states(self) -> dict[str, int]:
        """How many deliveries are in which state."""

        def count(tx: Tx) -> Counter[str]:
            return Counter({state.value: len(tx.deliveries.in_state(state)) for state in DeliveryState})

        return dict(await self._service.store.read(count))


def unbound(policy: Policy) -> Policy:
    """The policy without holds, caps and nights."""
    caps = Caps(**dict.fromkeys(Caps.__dataclass_fields__, PLENTY))
    flood = Flood(**dict.fromkeys(Flood.__dataclass_fields__, PLENTY))
    return replace(policy, caps=caps, flood=flood, quiet_hours=None)


async def main(workspace: Path) -> None:
    """Obey until stdin ends."""
    settings = Settings.load(workspace)
    account = settings.account.model_copy(update={"requests_per_minute": PLENTY})
    settings.state_folder.mkdir(mode=0o700, exist_ok=True)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        configure(settings.log, stream=nowhere)
        service = await wiring.build(settings.model_copy(update={"account": account}))
        service.context.policy = unbound(service.context.policy)
        lanes = Lanes(service)
        orders: dict[str, Any] = {"observe": lanes.observe, "deliver": lanes.deliver, "states": lanes.states}
        try:
            await service.start()
            await obey("ready", orders)
        finally:
            await service.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
