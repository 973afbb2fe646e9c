"""One test's studio and the service that looks after it: both real, in this process, on the studio's clock.

The service is wired as in production. What differs is where it is: the studio's address, a database of its own that
needn't survive a power cut, caps as the test has them. It looks at the studio the instant that something changes, as
the minutes between two polls would only blur the diary.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
from whenever import Instant

from selftimer import wiring
from selftimer.plan.state import DeliveryState
from selftimer.ruletests.books import Books
from selftimer.runtime.lockstep import SandboxClock, run
from selftimer.sandbox.app import create_app
from selftimer.sandbox.profile import ServerOptions, StudioProfile
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World
from selftimer.simulation.turns import settle
from selftimer.store.engine import open_database
from selftimer.store.journal import NAME as JOURNAL
from selftimer.store.reader import SqlReader
from selftimer.store.store import SqlStore
from selftimer.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

    from selftimer.engine.observe import Observe
    from selftimer.plan.state import Delivery
    from selftimer.rulebook.model import Rulebook
    from selftimer.ruletests.model import RuleTest
    from selftimer.runtime.lockstep import Lane
    from selftimer.settings import Settings
    from selftimer.store.engine import Database

ORIGIN = "http://localhost"
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
INSIDE = frozenset(
    {"message", "conversation", "invoice", "quote", "contract", "questionnaire", "update", "coupon", "lead", "notify"}
)
"""The verbs that end in the studio, or in the service's own rows; all others would leave this machine."""
_NO_CAP = 1_000_000
_ALL = 1_000_000
_AS_MANY = 1e9
"""Requests a minute: a full day would only blur the diary, since waiting moves the clock."""
_SEED = 7
_FOR_EVER = 10**9
"""Seconds that a web session lives: signing in again each morning has tests of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a stage is made for: the rules that run, the settings, and when the studio's books begin."""

    book: Rulebook
    settings: Settings
    past: Instant
    """When the studio's books begin: before all that was there."""


class Ground:
    """A database that one test after the other is lived through on; each finds it empty. A context manager.

    Opening one, and building up what SQLAlchemy knows of its statements, takes longer than most tests do. It lies in
    memory where there is such a place.
    """

    def __init__(self) -> None:
        place = str(MEMORY) if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(prefix="selftimer-test-", dir=place)
        self.path = Path(self._folder.name) / "selftimer.db"
        self.database = open_database(self.path, synchronous="OFF", threads=False)
        self.reader = SqlReader(self.path, wiring.STUDIO)

    def __enter__(self) -> Self:
        """Open already."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it and forget all."""
        self.reader.close()
        self.database.close()
        self._folder.cleanup()

    async def clear(self) -> None:
        """Forget the test before."""
        await self.database.write(_empty)
        self.path.with_name(JOURNAL).unlink(missing_ok=True)


def _empty(connection: sa.Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        connection.execute(table.delete())


class Stage:
    """An async context manager; `start` begins the service, once the books hold what was there before."""

    def __init__(self, plan: Plan, ground: Ground) -> None:
        self._plan, self._ground = plan, ground
        facts = plan.settings.facts()
        profile = StudioProfile(
            name=facts.name, owner=facts.owner or facts.name, zone=facts.zone, currency=facts.currency
        )
        self.world = World.empty(seed=_SEED, start=plan.past, profile=profile)
        self.books = Books(self.world)
        self.books.stock(plan.book.rules.values())
        self._app = create_app(self.world, ServerOptions(rate_limit=None, idle_seconds=_FOR_EVER))
        self.service: wiring.Service
        self.clock: SandboxClock
        self.witness: Witness
        self.started = False

    async def start(self) -> None:
        """Let the service take over the studio as it is now."""
        settings, profile = self._plan.settings, self.world.profile
        self.clock = SandboxClock(ORIGIN, httpx.ASGITransport(self._app))
        await self.clock.start()
        await self._ground.clear()
        self.service = await wiring.build(
            settings.at_studio(ORIGIN, email=profile.email, password=profile.password),
            clock=self.clock,
            transport=FaultTransport(self._app),
            seed=_SEED,
            book=self._plan.book,
            store=SqlStore(self._ground.database, wiring.STUDIO),
        )
        self._close_in()
        self.witness = Witness(self.reader, self._ground.database)
        self._looking = Looking(self.world, self.service.observe)
        self.started = True
        await self.service.start()

    def _close_in(self) -> None:
        """Let nothing out of this process, and nothing of the real studio in.

        What goes elsewhere than to the studio is said to be done and isn't; a pause of the workspace is about its
        real studio.
        """
        context = self.service.context
        context.channels = {
            verb: channel if verb.value in INSIDE else context.dry_channels[verb]
            for verb, channel in context.channels.items()
        }
        context.stop_file = lambda: None

    def look_twice(self) -> None:
        """Look through all lists twice more, as only that tells a removal from a list that tore while it was read."""
        full = self._plan.settings.polling.full
        self._looking.later += [self.now.add(seconds=full), self.now.add(seconds=2 * full)]

    async def __aenter__(self) -> Self:
        """Nothing runs yet."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop what was started."""
        if self.started:
            await self.service.aclose()
        if hasattr(self, "clock"):
            await self.clock.aclose()

    # --- time --------------------------------------------------------------------------------------------------------

    async def until(self, instant: Instant) -> None:
        """Go on to then; what is due at that very instant is done too."""
        lanes: list[Lane] = [self.service.deliver, self.witness, self._looking]
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
        return self._ground.reader

    def deliveries(self) -> list[Delivery]:
        """All of them, in the order of their planning."""
        return list(reversed(self.reader.deliveries(limit=_ALL)))

    async def order(self, what: str, **args: object) -> None:
        """Leave an order, as a command would."""
        await self.service.store.write(lambda tx: tx.control.add_order(self.now, what, args))


class Looking:
    """A lane that has the service look at the studio whenever something in it has changed, at that very instant."""

    def __init__(self, world: World, observe: Observe) -> None:
        self._world, self._observe = world, observe
        self.due_at: Instant = Instant.MIN
        self.later: list[Instant] = []
        """When to look although nothing changed."""

    async def step(self, now: Instant) -> Instant:
        """Ask for a poll if something is new; wanted again when something is going to happen in the studio."""
        ripe = [at for at in self.later if at <= now]
        if self._world.changed_at is not None or ripe:
            self.later = [at for at in self.later if at > now]
            self._world.changed_at = None
            self._observe.poll_at = now
            self.due_at = now
        else:
            self.due_at = min([self._world.next_at or Instant.MAX, *self.later])
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
    _looks: Mapping[str, object] = field(default_factory=dict)

    async def step(self, now: Instant) -> Instant:
        """Note what is different from the last time."""
        looks = await self.database.read(_looks)
        if looks != self._looks:
            for delivery in reversed(self.reader.deliveries(limit=_ALL)):
                if self._looks.get(delivery.id) != looks[delivery.id]:
                    self.seen.append(Sight(at=now, delivery=delivery))
                self._known[delivery.id] = delivery
            self._looks = looks
        return self.due_at

    def waiting(self) -> list[Delivery]:
        """What is held just now."""
        return [delivery for delivery in self._known.values() if delivery.state is DeliveryState.HELD]


def _looks(connection: sa.Connection) -> dict[str, object]:
    """What of each delivery is worth a note when it changes; asked after every turn, so by the driver itself."""
    rows = connection.exec_driver_sql("SELECT id, state, hold, reason, approved_at FROM deliveries")
    return {row[0]: tuple(row[1:]) for row in rows}


def for_test(test: RuleTest, book: Rulebook, settings: Settings, past: Instant) -> Plan:
    """The plan of a test's stage: its rules alone, no caps but its own, no look at the signals only."""
    rules = {name: rule for name, rule in book.rules.items() if not test.rules or name in test.rules}
    none = dict.fromkeys(type(settings.caps).model_fields, _NO_CAP)
    caps = settings.caps.model_copy(update={**none, **test.caps})
    polling = settings.polling.model_copy(update={"signals": 0})
    account = settings.account.model_copy(update={"requests_per_minute": _AS_MANY})
    quiet = settings.model_copy(update={"caps": caps, "polling": polling, "account": account})
    return Plan(book=replace(book, rules=rules), settings=quiet, past=past)
