"""The observing lane: read what is due, take it in, then see what fell due (DESIGN.md, One road).

`step(now)` does what is due and says when it is next wanted; it never sleeps. Who keeps time calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bound_contextvars
from whenever import Instant

from selftimer.engine.activate import activate
from selftimer.engine.cycle import Cycle
from selftimer.engine.doubt import passed, why_doubted
from selftimer.engine.fallen import FallenDue
from selftimer.engine.first_look import FirstLook
from selftimer.engine.galleries import GalleryLooks
from selftimer.engine.hooks import HookCalls
from selftimer.engine.watch import Watch
from selftimer.errors import StudioError
from selftimer.facts.records import LISTED

if TYPE_CHECKING:
    from selftimer.engine.context import Context
    from selftimer.facts.records import Kind

log = structlog.get_logger(__name__)
NEVER = Instant.MAX


class Observe:
    """Polls and moments of one studio."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.poll_at: Instant = Instant.MIN
        """When the next poll is wanted; who keeps a stepped clock sets it, since it knows what a poll could see."""
        self.due_at: Instant = NEVER
        """When something other than a poll is next due."""
        self._galleries = GalleryLooks(context)
        self.look_everywhere = False
        """Whether the next step looks for the galleries of all clients who may have one, not of those who are due."""
        self._watch = Watch(context)
        self._activated: object = None
        self._failures = 0
        self._retry_at: Instant = NEVER
        self._deeper_at: Instant = NEVER
        self.polls = 0

    async def step(self, now: Instant) -> Instant:
        """Poll if it is time, act on what fell due; the instant when it is next wanted."""
        with bound_contextvars(studio=self._context.studio_id):
            await self._watch.look(min(self.poll_at, self.due_at))
            await self._activate(now)
            whole = now >= min(self.poll_at, self._retry_at) and await self._poll(now)
            await HookCalls(self._context).step(now)
            await FirstLook(self._context).step(now)
            everywhere, self.look_everywhere = self.look_everywhere, False
            galleries = await self._galleries.step(now, everywhere=everywhere)
            fallen = FallenDue(self._context)
            self.due_at = min(await fallen.step(now), self._retry_at, galleries)
            if whole and await self._context.store.read(why_doubted) is not None:
                await self._context.store.write(lambda tx: passed(tx, "observe", now))
            return min(self.poll_at, self.due_at)

    async def _activate(self, now: Instant) -> None:
        if self._context.next_rules is not None:
            self._context.rules, self._context.next_rules = self._context.next_rules, None
        rules = self._context.rules
        if self._activated is not rules:
            await self._context.store.write(lambda tx: activate(tx, self._context, now))
            self._context.crash_point("observe.activated")
            self._activated = rules

    async def _poll(self, now: Instant) -> bool:
        """Read what is due and take it in; whether that was a look at the lists and all of them could be read."""
        cadence = self._context.policy.cadence
        try:
            await self._watch.account()
            depths, signals_only = await self._depths(now)
            cycle = Cycle(self._context, now)
            if signals_only and not await cycle.signals_moved():
                self.poll_at = now.add(seconds=cadence.signals)
                # What waits for a poll is still waiting: a look at the signals isn't one.
                self._retry_at = self.poll_at if self._retry_at != NEVER else NEVER
                return False
            failed, unfinished = await cycle.run(depths)
            self._deeper_at = self._deeper(cycle, now)
            self.polls += 1
        except StudioError as error:
            failed, unfinished = True, True
            log.warning("poll.failed", error=type(error).__name__, message=error.message)
        self._failures = self._failures + 1 if failed else 0
        wait = cadence.signals or cadence.page_one
        if self._failures:
            wait = min(30 * 2 ** min(self._failures - 1, 5), cadence.page_one)
        # A clock that skips polls in which nothing could be seen must not skip these: they are about what wasn't read.
        self._retry_at = now.add(seconds=wait) if unfinished else self._deeper_at
        self.poll_at = now.add(seconds=wait)
        return not failed

    def _deeper(self, cycle: Cycle, now: Instant) -> Instant:
        """When a poll is due though nothing changes: lists that were read in part, and runs that are held in doubt."""
        cadence = self._context.policy.cadence
        waits = {"page_one": cadence.open_pages, "open": cadence.full}
        again = {waits[depth] for depth in cycle.partly} | ({cadence.page_one} if cycle.in_doubt else set())
        return min((now.add(seconds=seconds) for seconds in again), default=NEVER)

    async def _depths(self, now: Instant) -> tuple[dict[Kind, str], bool]:
        """How deep each list is read now, and whether a look at the signals is enough."""
        cadence = self._context.policy.cadence
        known = await self._context.store.read(lambda tx: tx.records.resources())
        resources = {kind: known.get(kind) for kind in LISTED}

        def over(since: Instant | None, seconds: int) -> bool:
            return since is None or not 0 <= (now - since).total("seconds") < seconds  # a clock may go back

        depths: dict[Kind, str] = {}
        for kind, resource in resources.items():
            if resource is None or resource.baseline_at is None or over(resource.full_at, cadence.full):
                depths[kind] = "full"
            elif over(resource.open_at, cadence.open_pages):
                depths[kind] = "open"
            else:
                depths[kind] = "page_one"
        newest = max((r.page_one_at for r in resources.values() if r and r.page_one_at), default=None)
        failing = any(r is None or r.failing_since for r in resources.values())
        only = not failing and cadence.signals > 0 and not over(newest, cadence.page_one)
        return depths, only and all(d != "full" for d in depths.values())
