"""The delivering lane: wake runs, then claim, ask again, write ahead, send once, classify, look (delivery.md §1).

`step(now)` does what is due and says when it is next wanted. A retry is a row with a due time, never a loop here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bound_contextvars
from whenever import Instant

from selftimer.engine import doubt
from selftimer.engine.apart import tell_fault, together
from selftimer.engine.attempts import Attempt
from selftimer.engine.breaker import count_outcome
from selftimer.engine.flood import hold_flood
from selftimer.engine.fresh import FreshReader, roots_of
from selftimer.engine.made import records_made
from selftimer.engine.orders import carry_out
from selftimer.engine.purge import compact_if_wanted
from selftimer.engine.runs import RunDesk
from selftimer.errors import StoreError, StudioError
from selftimer.plan.attempt import given_up, orphaned
from selftimer.plan.program import reads_ahead
from selftimer.plan.state import DeliveryState, Hold, Run, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selftimer.engine.context import Context
    from selftimer.engine.world import Fresh
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
_UNDER_WAY = {DeliveryState.READY, DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToDo:
    """What waits for this lane, and when: most steps find nothing, and then write nothing."""

    orders: bool
    doubted: bool
    wake_at: Instant
    """Of the next run."""
    due_at: Instant
    """Of the next delivery."""
    over_at: Instant
    """Of the next hold or lease that ends by itself."""


class Deliver:
    """Runs and deliveries of one studio."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.due_at: Instant = Instant.MIN
        self._draining = False
        self._to_compact = True
        """Whether a purge may have left something to do: one before the last start, too."""

    def drain(self) -> None:
        """Begin nothing new: what is under way ends, the rest stays in the store for the next start."""
        self._draining = True

    async def step(self, now: Instant) -> Instant:
        """Orders, waking runs, ended holds, then deliveries until none is due; the instant when it is next wanted."""
        with bound_contextvars(studio=self._context.studio_id):
            there, whole = await self._context.store.read(_look), True
            if there.orders:
                await self._context.store.write(lambda tx: self._carry_out(tx, now))
                there = await self._context.store.read(_look)
            self._context.crash_point("deliver.orders")
            if there.wake_at <= now:
                whole = await self._wake(now)
                there = await self._context.store.read(_look)
            self._context.crash_point("deliver.woken")
            if there.over_at <= now or (whole and there.doubted):
                await self._context.store.write(lambda tx: self._over(tx, now, whole=whole))
                there = await self._context.store.read(_look)
            found = True
            while found and (there.orders or there.due_at <= now):
                found = await self._some(now)
                there = await self._context.store.read(_look)
            if self._to_compact:
                self._to_compact = not await compact_if_wanted(self._context.store)
            self.due_at = min(there.wake_at, there.due_at, there.over_at)
            return self.due_at

    def _carry_out(self, tx: Tx, now: Instant) -> None:
        if carry_out(tx, self._context, now):
            self._to_compact = True

    async def _some(self, now: Instant) -> bool:
        """Deliver what is due, the next one as soon as one is done; whether there was anything."""
        claimed = deque(await self._claim(now))
        found = bool(claimed)
        most = self._context.policy.concurrency
        more = len(claimed) == most
        gate = asyncio.Lock()
        faults: list[StoreError] = []

        async def work() -> None:
            nonlocal more
            try:
                while not self._draining and not faults:
                    async with gate:
                        if not claimed and more:
                            claimed.extend(await self._claim(now))
                            more = len(claimed) == most
                        if not claimed:
                            return
                        attempt = claimed.popleft()
                    await self._one(attempt)
            except StoreError as fault:
                faults.append(fault)  # kept until all are done: nobody is cut off in the middle of a POST

        async with asyncio.TaskGroup() as group:
            for _ in range(len(claimed)):
                group.create_task(work())
        if faults:
            raise faults[0]
        if claimed:
            left = [attempt.delivery for attempt in claimed]
            await self._context.store.write(lambda tx: _release(tx, left))
        return found

    async def _claim(self, now: Instant) -> list[Attempt]:
        """The next ones whose turn it is; orders first, so that a pause doesn't wait until all that is due is done."""
        if self._draining:
            return []
        policy, epoch = self._context.policy, self._context.epoch
        until = now.add(seconds=policy.lease)

        def claim(tx: Tx) -> list[Attempt]:
            self._carry_out(tx, self._context.clock.now())
            mine = tx.deliveries.claim(now, limit=policy.concurrency, lease_until=until, epoch=epoch)
            return [Attempt(self._context, delivery).load(tx) for delivery in mine]

        claimed = await self._context.store.write(claim)
        if claimed:
            self._context.crash_point("deliver.claimed")
        return claimed

    async def _one(self, attempt: Attempt) -> None:
        delivery = attempt.delivery
        with bound_contextvars(rule=delivery.rule_id, run=delivery.run_id, delivery=delivery.id):
            try:
                await attempt.carry_out()
            except StudioError as error:
                # Reads failed before anything was sent: again in a minute, and `late` runs.
                log.warning("delivery.unread", error=type(error).__name__, message=error.message)
                await self._context.store.write(lambda tx: self._later(tx, delivery, "the studio couldn't be read"))
            except StoreError:
                raise
            except Exception as error:
                log.exception("delivery.crashed", error=type(error).__name__)
                await tell_fault(self._context, f"delivery {delivery.id}", error, self._context.clock.now())
                await self._context.store.write(lambda tx: self._later(tx, delivery, "a fault in Selftimer", fault=1))

    def _later(self, tx: Tx, delivery: Delivery, why: str, *, fault: int = 0) -> None:
        """Again in a minute if nothing was sent; unknown if it may have been; held after too many faults of ours."""
        policy, now = self._context.policy, self._context.clock.now()
        current = tx.deliveries.get(delivery.id)
        if current is None or current.state not in _UNDER_WAY:
            return
        faults = current.faults + fault
        if current.state is DeliveryState.IN_FLIGHT:
            later = replace(orphaned(current, policy), faults=faults)
            count_outcome(tx, self._context, later, now)
        elif fault and faults >= policy.fault_tries:
            later = given_up(replace(current, faults=faults), now)
        else:
            later = replace(current, lease_until=None, due_at=now.add(seconds=60), reason=why, faults=faults)
        if tx.deliveries.update(later, expect=[current.state], epoch=self._context.epoch) and later.hold is not None:
            log.error("delivery.stuck", hold=later.hold.value, faults=faults)
            subject = f"{later.rule_id}: {later.words or later.verb.value} is held"
            tx.control.notice(now, subject, f"For client {later.client_id}: {later.reason}.", key=f"stuck:{later.id}")

    def _over(self, tx: Tx, now: Instant, *, whole: bool) -> None:
        """What is over by itself: a doubt, leases of attempts that never came back, and holds."""
        if whole:
            doubt.passed(tx, "deliver", now)
        self._lapsed(tx, now)
        self._holds_over(tx, now)

    def _lapsed(self, tx: Tx, now: Instant) -> None:
        """What is in flight longer than a lease is: its outcome couldn't be written down, so it is looked for."""
        for flying in tx.deliveries.in_state(DeliveryState.IN_FLIGHT):
            if flying.lease_until is not None and flying.lease_until <= now:
                unclear = orphaned(flying, self._context.policy)
                tx.deliveries.update(unclear, expect=[DeliveryState.IN_FLIGHT], epoch=flying.epoch)
                count_outcome(tx, self._context, unclear, now)
                log.warning("delivery.unwritten", delivery=flying.id, reason=unclear.reason)

    # --- runs ----------------------------------------------------------------------------------------------------

    async def _wake(self, now: Instant) -> bool:
        """Runs whose wait is over: judged on fresh data where their next steps ask for any; whether all could be."""
        due = await self._context.store.read(lambda tx: tx.runs.due(now))
        gate = asyncio.Semaphore(self._context.policy.concurrency)

        async def one(run: Run) -> tuple[Run, Fresh | None] | None:
            async with gate:
                try:
                    return run, await self._fresh(run)
                except StudioError as error:
                    log.warning("run.unread", rule=run.rule_id, run=run.id, error=type(error).__name__)
                    return None

        read = await asyncio.gather(*(one(run) for run in due))
        unread = [run for run, pair in zip(due, read, strict=True) if pair is None]
        pairs = [pair for pair in read if pair is not None]
        if unread:
            await self._context.store.write(lambda tx: _wait_on(tx, unread, now))
        if pairs:
            woken = partial(self._woken, now=now)
            stuck = await together(self._context, pairs, woken, named=lambda pair: f"run {pair[0].id}", now=now)
            if stuck:
                await self._context.store.write(lambda tx: _wait_on(tx, [run for run, _ in stuck], now))
        return not unread

    async def _fresh(self, run: Run) -> Fresh | None:
        rule = await self._context.store.read(lambda tx: self._context.rules.pinned(tx, run.rule_id, run.rule_version))
        if rule is None:
            return None
        reads = reads_ahead(self._context.rules.program(rule, run.entry_id), run.pc)
        if not reads:
            return None
        roots = roots_of((run.subject_kind, run.subject_id), run.client_id, reads)
        return await FreshReader(self._context, reads).read([*roots, *records_made(run)])

    def _woken(self, tx: Tx, pairs: Sequence[tuple[Run, Fresh | None]], *, now: Instant) -> None:
        desks = []
        for run, fresh in pairs:
            current = tx.runs.get(run.id)
            if current is not None and current.state is RunState.WAITING:
                desk = RunDesk(tx, self._context, now, fresh)
                desk.wake(current)
                desk.planned = [(delivery, False) for delivery, _ in desk.planned]  # it is their time, not an event
                desks.append(desk)
        hold_flood(tx, self._context, now, *desks)

    def _holds_over(self, tx: Tx, now: Instant) -> None:
        """Holds that end by themselves: no answer is a no, a doubt is judged again until it is late."""
        desk = RunDesk(tx, self._context, now)
        for held in tx.deliveries.held_due(now):
            if held.hold in {Hold.CONDITION, Hold.WORDS, Hold.CONVERSATION}:
                again = replace(held, state=DeliveryState.READY, hold=None)
            elif held.hold in {Hold.APPROVAL, Hold.FLOOD}:
                bounded = held.due_at < held.planned_at.add(hours=24 * self._context.policy.approval_days)
                why = "late: no answer in the time that the step allows" if bounded else "no answer in 7 days is a no"
                again = replace(held, state=DeliveryState.SKIPPED, hold=None, reason=why)
            else:
                continue
            if tx.deliveries.update(again, expect=[DeliveryState.HELD]) and again.state is DeliveryState.SKIPPED:
                log.info("delivery.skipped", rule=held.rule_id, delivery=held.id, reason=again.reason)
                desk.after_final(again)


def _wait_on(tx: Tx, runs: Iterable[Run], now: Instant) -> None:
    """Those that couldn't be read or judged wait another minute, if they still wait."""
    for run in runs:
        current = tx.runs.get(run.id)
        if current is not None and current.state is RunState.WAITING:
            tx.runs.update(replace(current, wake_at=now.add(seconds=60)))


def _release(tx: Tx, deliveries: Iterable[Delivery]) -> None:
    for delivery in deliveries:
        tx.deliveries.release(delivery.id)


def _look(tx: Tx) -> _ToDo:
    return _ToDo(
        orders=bool(tx.control.orders()),
        doubted=doubt.why_doubted(tx) is not None,
        wake_at=tx.runs.next_wake() or Instant.MAX,
        due_at=tx.deliveries.next_due() or Instant.MAX,
        over_at=tx.deliveries.next_over() or Instant.MAX,
    )
