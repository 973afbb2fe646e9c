"""What fell due: moments whose time has come, windows that closed, values that settled.

At a due moment the subject is read afresh before `if` is judged; a read that fails leaves the moment due until its
window closes.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, assert_never

import structlog
from whenever import Instant

from selftimer.engine.apart import tell_fault, together
from selftimer.engine.flood import hold_flood
from selftimer.engine.fresh import FreshReader, roots_of
from selftimer.engine.matching import UNREAD_CLIENT, Matcher
from selftimer.engine.ruleset import entry_by_id
from selftimer.engine.silences import SPOKEN, still_silent
from selftimer.engine.ticks import Tick, is_tick
from selftimer.errors import SelftimerError, StudioError
from selftimer.plan import verdict
from selftimer.plan.moments import entry_clocks, entry_of_timer, moment_of
from selftimer.plan.state import TimerState
from selftimer.rulebook.model import CalendarTrigger, MomentTrigger, NoReplyTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.engine.context import Context
    from selftimer.engine.runs import RunDesk
    from selftimer.engine.world import Fresh
    from selftimer.facts.records import Record
    from selftimer.plan.state import Timer
    from selftimer.ports import Tx
    from selftimer.rulebook.condition import Read
    from selftimer.rulebook.model import Entry, Rule

log = structlog.get_logger(__name__)
GROUP = 50


class FallenDue:
    """One look at one instant."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def step(self, now: Instant) -> Instant:
        """Act on all that is due; when the next is."""
        unread: set[tuple[str, str, str]] = set()
        moments, settled = await self._context.store.read(_next)
        if moments <= now:
            unread = await self._fallen(now)
            await self._context.store.write(lambda tx: self._closing(tx, now))
            moments, settled = await self._context.store.read(_next)
        self._context.crash_point("observe.closed")
        if settled <= now:
            await self._context.store.write(lambda tx: self._settled(tx, now))
            moments, settled = await self._context.store.read(_next)
        self._context.crash_point("observe.settled")
        return now.add(seconds=60) if unread else min(moments, settled)

    async def _fallen(self, now: Instant) -> set[tuple[str, str, str]]:
        """Act on the moments that are due; which of them couldn't be read."""
        unread: set[tuple[str, str, str]] = set()

        def others(tx: Tx) -> list[Timer]:
            """What is due but for those that couldn't be read: they don't hold up the others."""
            return [timer for timer in tx.timers.due(now, GROUP + len(unread)) if _key(timer) not in unread]

        while due := await self._context.store.read(others):
            unread |= await self._ticks([timer for timer in due if is_tick(timer)], now)
            unread |= await self._moments([timer for timer in due if not is_tick(timer)], now)
        return unread

    # --- the calendar --------------------------------------------------------------------------------------------

    async def _ticks(self, due: Sequence[Timer], now: Instant) -> set[tuple[str, str, str]]:
        """Those that have to wait; one that trips over a fault of ours is told and doesn't hold up the others."""
        waits = set()
        for timer in due:
            try:
                done = await Tick(self._context, timer, now).step()
            except SelftimerError:
                raise
            except Exception as error:
                log.exception("item.failed", item=f"moment {_key(timer)}")
                await tell_fault(self._context, f"moment {_key(timer)}", error, now)
                done = False
            if not done:
                waits.add(_key(timer))
            self._context.crash_point("observe.tick")
        return waits

    # --- moments -------------------------------------------------------------------------------------------------

    async def _moments(self, due: Sequence[Timer], now: Instant) -> set[tuple[str, str, str]]:
        """Read the subjects afresh, judge; which couldn't be read and stay due."""
        if not due:
            return set()
        gate = asyncio.Semaphore(self._context.policy.concurrency)

        async def one(timer: Timer) -> tuple[Timer, Fresh | None]:
            async with gate:
                return timer, await self._fresh(timer, now)

        read = await asyncio.gather(*(one(t) for t in due))
        self._context.crash_point("observe.moments_read")
        judge = partial(self._judge_all, now=now)
        stuck = await together(self._context, read, judge, named=lambda pair: f"moment {_key(pair[0])}", now=now)
        self._context.crash_point("observe.moments")
        unread = {_key(timer) for timer, fresh in read if fresh is None and timer.closes_at >= now}
        return unread | {_key(timer) for timer, _ in stuck}

    async def _fresh(self, timer: Timer, now: Instant) -> Fresh | None:
        rule = self._context.rules.today(timer.rule_id)
        if rule is None or timer.closes_at < now:
            return None
        entry = _entry(rule, timer)
        silent = isinstance(dict(entry_clocks(entry))[timer.entry_id], NoReplyTrigger)
        reads = reads_of(rule, entry) | (SPOKEN if silent else frozenset())
        reader = FreshReader(self._context, reads)
        roots = roots_of((timer.kind, timer.subject_id), timer.client_id, reads)
        try:
            async with self._context.api.permits(len(roots)):
                return await reader.read(roots)
        except StudioError as error:
            log.warning("moment.unread", rule=rule.id, subject=timer.subject_id, error=type(error).__name__)
            return None

    def _judge_all(self, tx: Tx, read: Sequence[tuple[Timer, Fresh | None]], *, now: Instant) -> None:
        desks = [desk for timer, fresh in read if (desk := self._judge(tx, timer, fresh, now)) is not None]
        hold_flood(tx, self._context, now, *desks)

    def _judge(self, tx: Tx, timer: Timer, fresh: Fresh | None, now: Instant) -> RunDesk | None:
        """Judge one moment; the desk with what began and was planned for it."""
        rule = self._context.rules.today(timer.rule_id)
        matcher = Matcher(tx, self._context, now, fresh)
        if rule is None:
            tx.timers.put([replace(timer, state=TimerState.GONE, reason="its rule is gone")])
            return None
        if timer.closes_at < now:
            self._skip(tx, matcher, timer, now)
        elif fresh is not None:
            subject = fresh.records.get((timer.kind, timer.subject_id)) if timer.kind is not None else None
            entry = _entry(rule, timer)
            if subject is None:
                tx.timers.put([replace(timer, state=TimerState.GONE, reason="the record is gone")])
            elif (due := self._still_due(matcher, rule, entry, timer, subject)) is not None:
                matcher.moment(rule, entry, due)
        return matcher.desk

    def _still_due(self, matcher: Matcher, rule: Rule, entry: Entry, timer: Timer, subject: Record) -> Timer | None:
        """The timer, if it is due on fresh data too."""
        trigger = dict(entry_clocks(entry))[timer.entry_id]
        match trigger:
            case CalendarTrigger():
                return timer
            case NoReplyTrigger():
                return still_silent(matcher, rule, entry, trigger, timer)
            case MomentTrigger():
                return timer if self._still_then(matcher, rule, entry, trigger, timer, subject) else None
            case _:
                assert_never(trigger)

    def _still_then(
        self, matcher: Matcher, rule: Rule, entry: Entry, trigger: MomentTrigger, timer: Timer, subject: Record
    ) -> bool:
        """Whether the fresh record still has this moment; if not, it is put off until a poll has seen the move."""
        moment = moment_of(
            trigger,
            subject,
            late=entry.late or rule.late,
            policy=self._context.policy,
            zone_of=matcher.desk.zones.of_session,
            is_working=self._context.is_working_day,
        )
        if moment is not None and moment.occurrence == timer.occurrence and moment.due_at <= matcher.now:
            return True
        later = matcher.now.add(seconds=self._context.policy.cadence.page_one)
        matcher.tx.timers.put([replace(timer, due_at=later, closes_at=max(timer.closes_at, later))])
        return False

    def _skip(self, tx: Tx, matcher: Matcher, timer: Timer, now: Instant) -> None:
        late = f"due {timer.due_at}, its window closed {timer.closes_at}"
        late += f"; {timer.reason}" if timer.reason == UNREAD_CLIENT else ""
        tx.timers.put([replace(timer, state=TimerState.SKIPPED, reason=late)])
        log.warning("moment.skipped", rule=timer.rule_id, subject=timer.subject_id, due=timer.due_at.format_iso())
        matcher.desk.trace(timer.rule_id, entry_of_timer(timer.entry_id), "late", late, timer=timer)
        tx.control.notice(
            now,
            f"Rule {timer.rule_id} missed a moment",
            f"{timer.kind} {timer.subject_id}: {late}. Nothing was sent for it.",
            key=f"late:{timer.rule_id}:{timer.entry_id}:{timer.subject_id}:{timer.occurrence}",
        )

    def _closing(self, tx: Tx, now: Instant) -> None:
        """Windows that closed while `if` never held: nothing was missed."""
        closed = tx.timers.closing(now)
        missed = [t for t in closed if t.reason == UNREAD_CLIENT]
        lapsed = [t for t in closed if t.reason != UNREAD_CLIENT]
        tx.timers.put([replace(t, state=TimerState.LAPSED, reason="if never held in its window") for t in lapsed])
        for timer in missed:
            self._skip(tx, Matcher(tx, self._context, now), timer, now)

    def _settled(self, tx: Tx, now: Instant) -> None:
        ready = [e for e in tx.events.in_state("settling") if e.settle_until is not None and e.settle_until <= now]
        if ready:
            matcher = Matcher(tx, self._context, now)
            for stored in ready:
                matcher.settled(stored)
            hold_flood(tx, self._context, now, matcher.desk)


def _next(tx: Tx) -> tuple[Instant, Instant]:
    """When the next moment is due or its window closes, and when the next value has settled."""
    return tx.timers.next_due() or Instant.MAX, tx.events.next_settled() or Instant.MAX


def _key(timer: Timer) -> tuple[str, str, str]:
    return timer.rule_id, timer.entry_id, timer.subject_id


def _entry(rule: Rule, timer: Timer) -> Entry:
    return entry_by_id(rule, entry_of_timer(timer.entry_id))


def reads_of(rule: Rule, entry: Entry) -> frozenset[Read]:
    """What judging a beginning on fresh data has to read."""
    conditions = [*verdict.conditions_of(rule, entry), *([rule.until] if rule.until else [])]
    return frozenset(read for condition in conditions for read in condition.reads)
