"""One process on this machine's time: APScheduler wakes each lane by one date job.

The scheduler is a ticker and nothing more: what is due is in the store, so a restart loses nothing and there is no
job store to disagree with it (docs/decisions/).
"""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from whenever import Instant

from selftimer.errors import StoreCorrupt, StoreFull

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from selftimer.wiring import Service

log = structlog.get_logger(__name__)
ORDERS_EVERY = 0.5
"""Seconds between looks for orders of other commands: they are to be applied within a second."""
DRAIN = 40.0
"""Seconds that what is under way may take after SIGTERM: a write has 30."""
AFTER_A_FAULT = 60


class Local:
    """Runs a service until it is told to stop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )
        self._stop = asyncio.Event()
        self._busy: set[asyncio.Task[None]] = set()
        self._fatal: Exception | None = None
        self._locks = {"observe": asyncio.Lock(), "deliver": asyncio.Lock()}

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; then nothing new begins and what is under way ends.

        `StoreCorrupt` where the database is damaged: the service stops and keeps the file.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        await self._service.start()
        self._scheduler.start()
        self._wake("observe", Instant.MIN)
        self._wake("deliver", Instant.MIN)
        self._scheduler.add_job(self._orders, "interval", seconds=ORDERS_EVERY, id="orders")
        await self._stop.wait()
        await self._drain()
        if self._fatal is not None:
            raise self._fatal

    def stop(self) -> None:
        """Begin to stop."""
        self._service.deliver.drain()
        self._stop.set()

    async def _drain(self) -> None:
        self._scheduler.pause()
        log.info("service.stopping", busy=len(self._busy))
        if self._busy:
            await asyncio.wait(self._busy, timeout=DRAIN)
        # wait=True would cancel async jobs that run: ours have ended, or had their time.
        self._scheduler.shutdown(wait=False)
        log.info("service.stopped")

    def _wake(self, lane: str, at: Instant) -> None:
        if self._stop.is_set():
            return
        when = max(at, Instant.now())
        far = Instant.now().add(hours=24)
        job = self._observe if lane == "observe" else self._deliver
        run_date = datetime.fromtimestamp(min(when, far).timestamp(unit="nanosecond") / 1e9, UTC)
        self._scheduler.add_job(job, "date", run_date=run_date, id=lane, replace_existing=True)

    async def _observe(self) -> None:
        await self._lane("observe", self._service.observe.step)
        self._wake("deliver", Instant.MIN)  # what was just decided may be due at once

    async def _deliver(self) -> None:
        await self._lane("deliver", self._service.deliver.step)

    async def _lane(self, name: str, step: Callable[[Instant], Awaitable[Instant]]) -> None:
        """One step of a lane; a fault is logged and the lane goes on, for a service that stops tells nobody."""
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        following = self._service.context.clock.now().add(seconds=AFTER_A_FAULT)
        try:
            async with self._locks[name]:
                following = await step(self._service.context.clock.now())
        except StoreCorrupt as error:
            log.critical("store.corrupt", error=str(error))
            self._fatal = error
            self.stop()
        except StoreFull as error:
            log.error("store.full", lane=name, error=str(error))  # noqa: TRY400 - the sentence says it all
        except Exception:
            log.exception("lane.failed", lane=name)
        finally:
            self._busy.discard(task)
            self._wake(name, following)

    async def _orders(self) -> None:
        if self._service.store.changed_by_others():
            self._wake("deliver", Instant.MIN)


async def run(service: Service) -> None:
    """Run it until it is told to stop."""
    await Local(service).run()
