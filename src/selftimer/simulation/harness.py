"""A simulation in one process: the sandbox's world, its API in front of faults, and the service wired as in production.

The clock is the sandbox's; nothing here waits for real time. For tests, and for campaigns over many seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx

from selftimer import wiring
from selftimer.runtime.lockstep import SandboxClock, check_origin, run
from selftimer.sandbox.app import create_app
from selftimer.sandbox.faults import Fault, Faults
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World
from selftimer.settings import FILE, Settings
from selftimer.simulation import oracles
from selftimer.simulation.owner import ScriptedOwner
from selftimer.simulation.turns import settle
from selftimer.simulation.workspace import copy_starter, point_to, write_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from whenever import Instant

    from selftimer.plan.state import Delivery, DeliveryState
    from selftimer.ports import Tx
    from selftimer.runtime.lockstep import Lane
    from selftimer.sandbox.profile import ServerOptions

ORIGIN = "http://localhost"
SETTINGS = """
[studio]
name = "Studio Nord"
owner = "Kim"
signature = "Kim, Studio Nord"
time_zone = "Europe/Berlin"
country = "DE"
currency = "eur"
locale = "en_GB"
"""


class CountingTransport(httpx.AsyncBaseTransport):
    """Passes requests on and keeps count: `requests` in all, `writes` of them that could change something."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.requests = 0
        self.writes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Count, then let the inner one answer."""
        self.requests += 1
        self.writes += request.method != "GET"
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the inner one."""
        await self._inner.aclose()


class Simulation:
    """A studio that lives and the service that looks after it. An async context manager.

    `rules` are files of the workspace by their relative path (`rules/leads.yaml`); without them it is the starter's.
    `settings` replaces `selftimer.toml`. Give a `world` to furnish it first; else one is made of `seed`, `days` and
    `world_options`. `owner=False` leaves approvals to the test.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 7,
        days: int | None = None,
        rules: Mapping[str, str] | None = None,
        settings: str | None = None,
        world: World | None = None,
        owner: bool = True,
        options: ServerOptions | None = None,
        **world_options: Any,
    ) -> None:
        self.workspace = folder / "workspace"
        self.seed = seed
        self.world = world or World(seed=seed, **world_options)
        if days is not None:
            self.world.end = self.world.start.add(hours=24 * days)
        self.faults = Faults()
        self.app = create_app(self.world, options, self.faults)
        self.transport = CountingTransport(FaultTransport(self.app))
        self._furnish(rules, settings)
        self._with_owner = owner
        self.owner: ScriptedOwner | None = None
        self.clock: SandboxClock
        self.service: wiring.Service

    def _furnish(self, rules: Mapping[str, str] | None, settings: str | None) -> None:
        profile = self.world.profile
        if rules is None:
            copy_starter(self.workspace)
        else:
            write_files(self.workspace, {FILE: SETTINGS, **rules})
        if settings is not None:
            write_files(self.workspace, {FILE: settings})
        point_to(self.workspace, ORIGIN, email=profile.email, password=profile.password)

    async def __aenter__(self) -> Self:
        """Start the service."""
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop it."""
        await self.aclose()

    # --- the service's life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Wire the service over the workspace and let it take the workspace over, as a start of the process does."""
        settings = Settings.load(self.workspace)
        check_origin(ORIGIN, settings.account.url)
        self.clock = SandboxClock(ORIGIN, httpx.ASGITransport(self.app))
        await self.clock.start()
        settings.state_folder.mkdir(mode=0o700, exist_ok=True)
        try:
            self.service = await wiring.build(settings, clock=self.clock, transport=self.transport, seed=self.seed)
        except BaseException:
            await self.clock.aclose()
            raise
        self.owner = ScriptedOwner(self.service.store) if self._with_owner else None
        await self.service.start()

    async def aclose(self) -> None:
        """Stop the service; the world and the workspace stay."""
        await self.service.aclose()
        await self.clock.aclose()

    async def restart(self) -> None:
        """Stop and start again, as after an update."""
        await self.aclose()
        await self.start()

    # --- time ----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Instant:
        """Where the studio's clock stands."""
        return self.world.now

    async def run_until(self, instant: Instant) -> None:
        """Let the studio live and the service work until then; what is due at that very instant is done too."""
        lanes = self._lanes
        await run(self.clock, self.service.observe, lanes, until=instant)
        await settle(self.clock, self.service.observe, lanes)

    async def run_days(self, days: float) -> None:
        """The same for so many days of 24 hours."""
        await self.run_until(self.now.add(seconds=days * 86_400))

    @property
    def _lanes(self) -> list[Lane]:
        owner: list[Lane] = [self.owner] if self.owner is not None else []
        return [self.service.deliver, self.service.tell, *owner]

    # --- what happened -------------------------------------------------------------------------------------------

    @property
    def ledger(self) -> dict[str, Any]:
        """The sandbox's ledger, as its endpoint tells it."""
        return self.world.ledger.to_json()

    def messages(self) -> list[dict[str, Any]]:
        """The bot's messages, in order, from the ledger."""
        return [row for row in oracles.bot_rows(self.ledger) if row["kind"] == "message"]

    async def deliveries(self, state: DeliveryState | None = None) -> list[Delivery]:
        """The service's deliveries in the order of their planning, of one state or of all."""
        from selftimer.plan.state import DeliveryState

        states = [state] if state is not None else list(DeliveryState)

        def read(tx: Tx) -> list[Delivery]:
            found = [delivery for one in states for delivery in tx.deliveries.in_state(one)]
            return sorted(found, key=lambda d: (d.planned_at, d.key))

        return await self.service.store.read(read)

    def verdict(self) -> oracles.Verdict:
        """What the oracles say of the ledger."""
        return oracles.judge(self.ledger)

    async def matched(self) -> oracles.Match:
        """What the oracles say of ledger and deliveries together."""
        return oracles.match(self.ledger, await self.deliveries())

    # --- taking part ---------------------------------------------------------------------------------------------

    async def order(self, what: str, **args: Any) -> int:
        """Leave an order, as a command would (`approve`, `skip`, `pause`, `resume`, `start`); its number."""
        return await self.service.store.write(lambda tx: tx.control.add_order(self.now, what, args))

    async def approve(self, delivery_id: str, **args: Any) -> int:
        """Say yes to a held delivery; carried out when the simulation runs on."""
        return await self.order("approve", id=delivery_id, **args)

    async def skip(self, delivery_id: str) -> int:
        """Say no."""
        return await self.order("skip", id=delivery_id)

    def fault(self, kind: str, *, method: str = "*", path: str = ".*", **more: Any) -> Fault:
        """Order a fault for the next requests that fit (`selftimer.sandbox.faults`); the order, to see its hits."""
        fault = Fault(fault=kind, method=method, path=path, **more)  # type: ignore[arg-type] # checked by the sandbox
        self.faults.order(fault)
        return fault
