"""One studio, and the lives of the service that looks after it: wired as in production, mortal at every boundary.

All of it is in this process, on the sandbox's clock, with ids and jitter of the seed: one seed is one course of events.
A death is an exception that no handler of ours takes, and nobody who comes after it reaches the database, the journal
or the studio any more. What was committed stays, as after a SIGKILL; what a power cut does to files is another
campaign's.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, Self

import httpx
import sqlalchemy as sa
import structlog

from selftimer import wiring
from selftimer.errors import StoreError
from selftimer.runtime.local import AFTER_A_FAULT
from selftimer.runtime.lockstep import SandboxClock, run
from selftimer.sandbox.app import create_app
from selftimer.sandbox.drift import Drifts
from selftimer.sandbox.faults import Fault, Faults
from selftimer.sandbox.profile import ServerOptions
from selftimer.sandbox.transport import FaultTransport
from selftimer.simulation.turns import settle
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from whenever import Instant

    from selftimer.facts.stored import HookCall
    from selftimer.ports import Store, Tx
    from selftimer.rulebook.model import Rulebook
    from selftimer.runtime.lockstep import Lane
    from selftimer.sandbox.world import World
    from selftimer.settings import Settings
    from selftimer.store.engine import Database
    from selftimer.store.reader import SqlReader

ORIGIN = "http://localhost"
_NO_LIMIT = 2**31 - 2
FOR_EVER = 10**9
"""Seconds that a web session lives where signing in isn't what is tried."""


class Crashed(BaseException):
    """The process is gone; not an `Exception`, as nothing may handle it."""


class Boundaries:
    """The places at which a life can end: each commit, each line of the journal, each request, each named step."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.dead = False
        self.doomed: Callable[[], bool] | None = None
        """Another reason to die at the next one."""
        self._kill_at: int | None = None

    def __call__(self, name: str) -> None:
        """Pass one, or die there; the dead pass none."""
        if self.dead:
            raise Crashed
        self.passed.append(name)
        counted = self._kill_at is not None and len(self.passed) > self._kill_at
        if counted or (self.doomed is not None and self.doomed()):
            self.dead = True
            raise Crashed(name)

    def arm(self, after: int | None) -> None:
        """Count anew; die at that one from now on, counted from 0, or not at all."""
        self.passed.clear()
        self._kill_at = after


class Doors(httpx.AsyncBaseTransport):
    """The way to the studio, with a boundary before each request and one after its answer."""

    def __init__(self, inner: httpx.AsyncBaseTransport, boundaries: Boundaries, seen: Callable[[str], None]) -> None:
        self._inner, self._boundaries, self._seen = inner, boundaries, seen

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let one through."""
        self._boundaries("http.before")
        self._seen(f"{request.method} {request.url.raw_path.decode()}")
        response = await self._inner.handle_async_request(request)
        self._boundaries("http.after")
        return response

    async def aclose(self) -> None:
        """Close the inner one."""
        await self._inner.aclose()


class Inline(ThreadPoolExecutor):
    """Does at once what is handed to another thread, so that what follows doesn't depend on whose turn comes first."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - handed on, as an executor does
            done.set_exception(error)
        return done


class Place(Protocol):
    """Where the database is."""

    @property
    def path(self) -> Path:
        """Its file."""
        ...

    @property
    def database(self) -> Database:
        """At work."""
        ...

    @property
    def reader(self) -> SqlReader:
        """As commands see it."""
        ...

    async def clear(self) -> None:
        """Forget the story before."""


class Disk:
    """The space that the database has: SQLite's own limit of pages, on each connection that is opened."""

    def __init__(self, ground: Place) -> None:
        self._database = ground.database
        self._most: int | None = None
        sa.event.listen(self._database.engine, "connect", self._limit)

    def _limit(self, driver: Any, _record: object) -> None:
        driver.execute(f"PRAGMA max_page_count={self._most or _NO_LIMIT}")

    async def fill(self, pages: int) -> None:
        """So many pages more than it needs."""
        await self._database.compact()  # else what the stories before it left free would do for long
        count = await self._database.read(lambda c: int(c.exec_driver_sql("PRAGMA page_count").scalar_one()))
        await self._set(count + pages)

    async def grow(self) -> None:
        """As many as SQLite can."""
        if self._most is not None:
            await self._set(None)
        with suppress(sa.exc.InvalidRequestError):
            sa.event.remove(self._database.engine, "connect", self._limit)

    async def _set(self, most: int | None) -> None:
        self._most = most
        await self._database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={most or _NO_LIMIT}").close())


def alone(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it on a loop of its own that leaves no thread and no log behind."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loop.set_default_executor(Inline())
        loop.set_exception_handler(lambda _loop, _context: None)  # the dead leave tasks behind
        return runner.run(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Where a life ends: at the boundary of that number, counted from its start or from when the kills begin."""

    at: int
    down: float = 0.0
    """Seconds of the studio's clock until the next start."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """A world, a rulebook and the lives of one service over one database. An async context manager."""

    ground: Place
    world: World
    book: Rulebook
    settings: Settings
    seed: int
    options: ServerOptions = field(default_factory=lambda: ServerOptions(rate_limit=None, idle_seconds=FOR_EVER))
    others: Callable[[Store], Sequence[Lane]] = lambda _store: ()
    """Who else takes turns in each life, such as an owner who answers."""
    faults: Faults = field(default_factory=Faults)
    drifts: Drifts = field(default_factory=Drifts)
    boundaries: Boundaries = field(default_factory=Boundaries)
    kills: list[Kill] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    """The boundaries at which it died, in order."""
    stumbles: list[str] = field(default_factory=list)
    """What the database refused."""
    service: wiring.Service = field(init=False)
    clock: SandboxClock = field(init=False)
    _app: Any = field(init=False)
    _disk: Disk = field(init=False)
    _others: Sequence[Lane] = field(init=False, default=())
    _alive: bool = field(init=False, default=False)
    _trace: Any = field(init=False, default_factory=lambda: hashlib.blake2b(digest_size=8))

    async def __aenter__(self) -> Self:
        """Empty the database and begin the first life."""
        self._app = create_app(self.world, self.options, self.faults, self.drifts)
        self._disk = Disk(self.ground)
        await self.ground.clear()
        await self.start()
        return self

    async def join(self, other: Stage) -> Self:
        """Begin beside another stage, in the same studio; the database is as it is, be it the same or another one."""
        self._app, self.faults, self.drifts = other._app, other.faults, other.drifts
        self._disk = Disk(self.ground)
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        """End the last one."""
        await self._leave()
        await self._disk.grow()

    async def start(self) -> None:
        """Begin a life: wire the service and let it take over; it may die in that."""
        self.boundaries.dead = False
        self.clock = SandboxClock(ORIGIN, httpx.ASGITransport(self._app))
        await self.clock.start()
        profile, random = self.world.profile, Random(f"{self.seed} {len(self.deaths)}")
        self.service = await wiring.build(
            self.settings.at_studio(ORIGIN, email=profile.email, password=profile.password),
            clock=self.clock,
            transport=Doors(FaultTransport(self._app), self.boundaries, self._see),
            seed=self.seed + len(self.deaths),
            book=self.book,
            store=SqlStore(self.ground.database, wiring.STUDIO, crash_point=self.boundaries),
        )
        context = self.service.context
        context.crash_point = self.boundaries
        context.token = lambda: f"{random.getrandbits(80):020x}"
        context.stop_file = lambda: None
        context.free_space = lambda: None
        self._others = self.others(self.service.store)
        self._alive = True
        await self.service.start()

    async def until(self, instant: Instant) -> None:
        """Let the studio live and the service work until then, through the deaths that are ordered."""
        while True:
            try:
                if not self._alive:
                    await self.start()
                lanes: list[Lane] = [self.service.deliver, self.service.tell, *self._others]
                await run(self.clock, self.service.observe, lanes, until=instant)
                await settle(self.clock, self.service.observe, lanes)
            except StoreError as error:  # the service logs it and tries again in a minute
                self.stumbles.append(f"{type(error).__name__}: {error}")
                if self.clock.now() >= instant:
                    return
                await self.clock.sleep(AFTER_A_FAULT)
            except BaseException as error:
                if not self.boundaries.dead or not _is_death(error):
                    raise
                await self._bury()
            else:
                return

    def arm(self) -> None:
        """The next of the ordered deaths is due from now on."""
        self.boundaries.arm(self.kills[0].at if self.kills else None)

    async def _bury(self) -> None:
        kill = self.kills.pop(0)
        self.deaths.append(self.boundaries.passed[-1])
        await self._leave()
        await self.after_death(kill)
        self.world.advance_to(self.world.now.add(seconds=kill.down))
        self.arm()

    async def after_death(self, kill: Kill) -> None:
        """What becomes of the files; a process that is killed leaves them as they are."""

    async def _leave(self) -> None:
        """Nobody of this life works on; the database stays as it is."""
        if not self._alive:
            return
        self._alive = False
        self.boundaries.dead = True
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.service.api.aclose()
        self.service.store.journal.close()  # type: ignore[attr-defined] # the file's; a dead process has it closed
        await self.clock.aclose()

    # --- what happened ---------------------------------------------------------------------------------------------

    def fault(self, kind: str, **more: Any) -> Fault:
        """Order a fault for the requests that fit."""
        fault = Fault(fault=kind, **more)  # type: ignore[arg-type] # checked by the sandbox
        self.faults.order(fault)
        return fault

    async def control(self, path: str, body: dict[str, Any]) -> None:
        """Order something else of the sandbox, by its endpoints."""
        async with httpx.AsyncClient(base_url=ORIGIN, transport=httpx.ASGITransport(self._app)) as client:
            (await client.post(f"/_sandbox/{path}", json=body)).raise_for_status()

    async def fill_disk(self, pages: int) -> None:
        """Let the database grow by so many pages and no more."""
        await self._disk.fill(pages)

    async def empty_disk(self) -> None:
        """There is space again."""
        await self._disk.grow()

    async def receive(self, call: HookCall) -> None:
        """A call from outside is kept before it is answered; who gets no answer calls again, whatever the reason."""
        await self.commit(lambda tx: tx.hooks.add(call))

    async def commit(self, work: Callable[[Tx], Any]) -> None:
        """Write as others than the lanes do, such as a command: the database may refuse it, the process die in it."""
        try:
            if not self._alive:
                await self.start()
            await self.service.store.write(work)
        except StoreError as error:
            self.stumbles.append(f"{type(error).__name__}: {error}")
        except BaseException as error:
            if not self.boundaries.dead or not _is_death(error):
                raise
            await self._bury()

    async def order(self, what: str, **args: Any) -> None:
        """Leave an order, as a command would."""
        now = self.world.now
        await self.service.store.write(lambda tx: tx.control.add_order(now, what, args))

    def _see(self, line: str) -> None:
        self._trace.update(f"{self.world.now} {line}\n".encode())

    @property
    def trace(self) -> str:
        """A digest of every request in its order and at its time, and of the deaths."""
        return hashlib.blake2b(self._trace.digest() + " ".join(self.deaths).encode(), digest_size=8).hexdigest()


def _is_death(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(Crashed) is not None
    return isinstance(error, Crashed | asyncio.CancelledError)
