"""One test's studio and the service that looks after it: both real, in this process, on the studio's clock.

The service is wired as in production. What differs is where it is: the studio's address, a database of its own that
needn't survive a power cut, caps as the test has them. It looks at the studio the instant that something changes, as
the minutes between two polls would only blur the diary.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import httpx
from whenever import Instant

from selftimer import wiring
from selftimer.plan.state import DeliveryState
from selftimer.rulebook.model import Rulebook
from selftimer.ruletests.books import Books
from selftimer.runtime.lockstep import SandboxClock, run
from selftimer.sandbox.app import create_app
from selftimer.sandbox.profile import ServerOptions, StudioProfile
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World
from selftimer.simulation.turns import settle
from selftimer.store.engine import open_database
from selftimer.store.reader import SqlReader
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.engine.observe import Observe
    from selftimer.plan.state import Delivery
    from selftimer.ruletests.model import RuleTest
    from selftimer.settings import Settings
    from selftimer.store.engine import Database

ORIGIN = "http://localhost"
_NO_CAP = 1_000_000
_ALL = 1_000_000
_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a stage is made for: the rules that run, the settings, and when the studio's books begin."""

    book: Rulebook
    settings: Settings
    past: Instant
    """When the studio's books begin: before all that was there."""


class Stage:
    """An async context manager; `start` begins the service, once the books hold what was there before."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        facts = plan.settings.facts()
        profile = StudioProfile(
            name=facts.name, owner=facts.owner or facts.name, zone=facts.zone, currency=facts.currency
        )
        self.world = World.empty(seed=_SEED, start=plan.past, profile=profile)
        self.books = Books(self.world)
        self.books.stock(plan.book.rules.values())
        self._app = create_app(self.world, ServerOptions(rate_limit=None))
        self.path = folder / "selftimer.db"
        self._database: Database
        self.service: wiring.Service
        self.clock: SandboxClock
        self.witness: Witness
        self._reader: SqlReader

    async def start(self) -> None:
        """Let the service take over the studio as it is now."""
        settings, profile = self._plan.settings, self.world.profile
        self.clock = SandboxClock(ORIGIN, httpx.ASGITransport(self._app))
        await self.clock.start()
        self._database = open_database(self.path, synchronous="OFF")
        self.service = await wiring.build(
            settings.at_studio(ORIGIN, email=profile.email, password=profile.password),
            clock=self.clock,
            transport=FaultTransport(self._app),
            seed=_SEED,
            book=self._plan.book,
            store=SqlStore(self._database, wiring.STUDIO),
        )
        self.service.context.stop_file = lambda: None  # a pause of the workspace is about its real studio
        self._reader = SqlReader(self.path, wiring.STUDIO)
        self.witness = Witness(self._reader, self._database)
        await self.service.start()

    async def __aenter__(self) -> Self:
        """Nothing runs yet."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop what was started."""
        if hasattr(self, "_reader"):
            self._reader.close()
            await self.service.aclose()
        if hasattr(self, "_database"):
            await self._database.aclose()
        if hasattr(self, "clock"):
            await self.clock.aclose()

    # --- time --------------------------------------------------------------------------------------------------------

    async def until(self, instant: Instant) -> None:
        """Go on to then; what is due at that very instant is done too."""
        lanes = [self.service.deliver, self.witness, Looking(self.world, self.service.observe)]
        await run(self.clock, self.service.observe, lanes, until=instant)
        await settle(self.clock, self.service.observe, lanes)

    @property
    def now(self) -> Instant:
        """Where the studio's clock stands."""
        return self.world.now

    # --- what came of it ---------------------------------------------------------------------------------------------

    @property
    def reader(self) -> SqlReader:
        """The service's database, as commands see it."""
        return self._reader

    def deliveries(self) -> list[Delivery]:
        """All of them, in the order of their planning."""
        return list(reversed(self._reader.deliveries(limit=_ALL)))

    async def order(self, what: str, **args: object) -> None:
        """Leave an order, as a command would."""
        await self.service.store.write(lambda tx: tx.control.add_order(self.now, what, args))


class Looking:
    """A lane that has the service look at the studio whenever something in it has changed, at that very instant."""

    def __init__(self, world: World, observe: Observe) -> None:
        self._world, self._observe = world, observe
        self.due_at: Instant = Instant.MIN

    async def step(self, now: Instant) -> Instant:
        """Ask for a poll if something is new; wanted again when something is going to happen in the studio."""
        if self._world.changed_at is not None:
            self._world.changed_at = None
            self._observe.poll_at = now
            self.due_at = now
        else:
            self.due_at = self._world.next_at or Instant.MAX
        return self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A delivery as it stood from then on."""

    at: Instant
    delivery: Delivery


@dataclass(slots=True)
class Witness:
    """A lane that writes down when deliveries change: what the diary is compared with."""

    reader: SqlReader
    database: Database
    due_at: Instant = Instant.MAX
    seen: list[Sight] = field(default_factory=list)
    _known: dict[str, Delivery] = field(default_factory=dict)
    _commits: int = -1

    async def step(self, now: Instant) -> Instant:
        """Note what is different from the last time."""
        if self._commits != self.database.commits:
            self._commits = self.database.commits
            for delivery in reversed(self.reader.deliveries(limit=_ALL)):
                before, self._known[delivery.id] = self._known.get(delivery.id), delivery
                if before is None or _look(before) != _look(delivery):
                    self.seen.append(Sight(at=now, delivery=delivery))
        return self.due_at

    def waiting(self) -> list[Delivery]:
        """What is held just now."""
        return [delivery for delivery in self._known.values() if delivery.state is DeliveryState.HELD]


def _look(delivery: Delivery) -> tuple[object, ...]:
    return delivery.state, delivery.hold, delivery.reason, delivery.approved_at


def for_test(test: RuleTest, book: Rulebook, settings: Settings, past: Instant) -> Plan:
    """The plan of a test's stage: its rules alone, no caps but its own, no look at the signals only."""
    rules = {name: rule for name, rule in book.rules.items() if not test.rules or name in test.rules}
    caps = settings.caps.model_copy(update={name: _NO_CAP for name in type(settings.caps).model_fields} | test.caps)
    polling = settings.polling.model_copy(update={"signals": 0})
    quiet = settings.model_copy(update={"caps": caps, "polling": polling})
    return Plan(book=replace(book, rules=rules), settings=quiet, past=past)

