"""One process on this machine's time: APScheduler wakes each lane by one date job.

The scheduler is a ticker and nothing more: what is due is in the store, so a restart loses nothing and there is no
job store to disagree with it (docs/decisions/).
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from whenever import Instant

from selftimer.errors import StoreCorrupt, StoreFull
from selftimer.runtime.reload import Reloader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from selftimer.runtime.tried import TryOut
    from selftimer.wiring import Service

log = structlog.get_logger(__name__)
ORDERS_EVERY = 0.5
"""Seconds between looks for orders of other commands: they are to be applied within a second."""
DRAIN = 40.0
"""Seconds that what is under way may take after SIGTERM: a write has 30."""
AFTER_A_FAULT = 60
"""Seconds until a lane is tried again that stumbled."""


class Local:
    """Runs a service until it is told to stop: a task for each lane, woken by an order or by its one date job."""

    def __init__(self, service: Service, try_out: TryOut | None = None) -> None:
        self._service = service
        self._try_out = try_out
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )
        self._stop = asyncio.Event()
        self._fatal: Exception | None = None
        self._wanted = {"observe": asyncio.Event(), "deliver": asyncio.Event(), "tell": asyncio.Event()}
        self._at_work: set[str] = set()
        self._login = service.login_stamp()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; then nothing new begins and what is under way ends.

        `StoreCorrupt` where the database is damaged: the service stops and keeps the file.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        await self._service.start()
        async with AsyncExitStack() as outside:
            await self._open(outside)
            await self._work(outside)
        if self._fatal is not None:
            raise self._fatal

    async def _open(self, outside: AsyncExitStack) -> None:
        """Take calls from outside, where a webhook says what they bring."""
        receiver = self._service.receiver(lambda: self.wake("observe"))
        if receiver is not None:
            port = await outside.enter_async_context(receiver)
            log.info("webhook.listening", port=port)

    async def _work(self, outside: AsyncExitStack) -> None:
        self._scheduler.start()
        self._scheduler.add_job(self._orders, "interval", seconds=ORDERS_EVERY, id="orders")
        lanes = [
            asyncio.create_task(self._lane("observe", self._observe), name="observe"),
            asyncio.create_task(self._lane("deliver", self._deliver), name="deliver"),
            asyncio.create_task(self._lane("tell", self._service.tell.step), name="tell"),
        ]
        reloader = Reloader(self._service, lambda: self.wake("observe"), self._try_out)
        watching = asyncio.create_task(reloader.watch(self._stop), name="reload")
        for lane in lanes:
            lane.add_done_callback(self._ended)
            self.wake(lane.get_name())
        await self._stop.wait()
        await outside.aclose()  # what was taken until now is kept, whether or not a lane still looks at it
        await self._drain(lanes)
        await asyncio.gather(watching, return_exceptions=True)

    def stop(self) -> None:
        """Begin to stop."""
        self._service.deliver.drain()
        self._stop.set()
        for wanted in self._wanted.values():
            wanted.set()

    def wake(self, lane: str) -> None:
        """Have a lane step now, or once more when it is done with what it is doing."""
        self._wanted[lane].set()

    def _ended(self, lane: asyncio.Task[None]) -> None:
        """A lane that ends by a fault of ours takes the service with it: half a service would look like a whole one."""
        error = None if lane.cancelled() else lane.exception()
        if isinstance(error, Exception):
            self._fatal = error
            self.stop()

    async def _drain(self, lanes: Collection[asyncio.Task[None]]) -> None:
        self._scheduler.pause()
        log.info("service.stopping", busy=len(self._at_work))
        _, late = await asyncio.wait(lanes, timeout=DRAIN)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        # wait=True would cancel async jobs that run: only a look for orders can, and nothing comes of it any more.
        self._scheduler.shutdown(wait=False)
        log.info("service.stopped")

    async def _lane(self, name: str, step: Callable[[Instant], Awaitable[Instant]]) -> None:
        """Step whenever it is wanted, until the end.

        The scheduler only sets the lane's event. Were a step itself the scheduled job, one that is due again before it
        is done would be dropped (`max_instances`), and a lane that nobody else wakes would never step again.
        """
        wanted = self._wanted[name]
        while True:
            await wanted.wait()
            if self._stop.is_set():
                return
            wanted.clear()
            self._at_work.add(name)
            following = await self._step(name, step)
            self._at_work.discard(name)
            self._later(name, following)

    def _later(self, lane: str, at: Instant) -> None:
        now = Instant.now()
        if at <= now:
            self.wake(lane)
        elif not self._stop.is_set():
            due = min(at, now.add(hours=24)).timestamp(unit="nanosecond") / 1e9
            run_date = datetime.fromtimestamp(due, UTC)
            self._scheduler.add_job(self._due, "date", [lane], run_date=run_date, id=lane, replace_existing=True)

    async def _due(self, lane: str) -> None:
        self.wake(lane)

    async def _observe(self, now: Instant) -> Instant:
        try:
            return await self._service.observe.step(now)
        finally:
            self.wake("deliver")  # what was just decided may be due at once
            self.wake("tell")

    async def _deliver(self, now: Instant) -> Instant:
        try:
            return await self._service.deliver.step(now)
        finally:
            self.wake("tell")  # what came of it may be for the owner to know

    async def _step(self, name: str, step: Callable[[Instant], Awaitable[Instant]]) -> Instant:
        """One step of a lane; a fault is logged and the lane goes on, for a service that stops tells nobody."""
        clock = self._service.context.clock
        try:
            return await step(clock.now())
        except StoreCorrupt as error:
            log.critical("store.corrupt", error=str(error))
            self._fatal = error
            self.stop()
        except StoreFull as error:
            log.error("store.full", lane=name, error=str(error))  # noqa: TRY400 - the sentence says it all
        except Exception:
            log.exception("lane.failed", lane=name)
        return clock.now().add(seconds=AFTER_A_FAULT)

    async def _orders(self) -> None:
        if self._service.store.changed_by_others():
            self.wake("deliver")
        if (login := self._service.login_stamp()) != self._login:
            self._login = login
            self._service.observe.poll_at = Instant.MIN  # what couldn't be read can be read now
            self.wake("observe")


async def run(service: Service, try_out: TryOut | None = None) -> None:
    """Run it until it is told to stop; `try_out` runs the tests of rule files that change meanwhile."""
    await Local(service, try_out).run()
