"""The calendar: one timer for each trigger, and with `for_each` one more for each record that its tick nominates.

The snapshot nominates; each nominee falls due like any moment, and is read afresh before it is judged (13). Ticks that
passed while nothing ran are one: the last, judged by `late`, and the owner is told.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.flood import hold_flood
from selftimer.engine.matching import Matcher
from selftimer.engine.ruleset import entry_by_id
from selftimer.engine.scopes import scope_for
from selftimer.engine.world import parsed
from selftimer.facts.records import Kind, client_id_of
from selftimer.facts.stored import TraceRow
from selftimer.plan import verdict
from selftimer.plan.moments import LIVE, entry_clocks, entry_of_timer
from selftimer.plan.state import Timer, TimerState
from selftimer.primitives.time import move
from selftimer.rulebook.calendar import tick_name
from selftimer.rulebook.model import CalendarTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.facts.records import Record
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Entry, Rule

log = structlog.get_logger(__name__)
LOOKED_AT = 200
"""Records judged in one transaction."""


def first_tick(
    tx: Tx, context: Context, rule: Rule, entry: Entry, timer_id: str, trigger: CalendarTrigger, now: Instant
) -> None:
    """The timer of a rule that was loaded, if it has none: its next tick. One that is due already is left to itself."""
    old = tx.timers.get(rule.id, timer_id, "")
    if old is not None and old.state in LIVE and old.due_at <= now:
        return
    tick = trigger.schedule.after(now, context.policy.zone)
    if tick is not None:
        tx.timers.put([_timer(context, rule, entry, timer_id, tick)])
    elif old is None:
        said = f"{trigger.schedule.only} at {trigger.schedule.time}"
        tx.control.notice(
            now,
            f"Rule {rule.id} never begins",
            f"{rule.where}: {said} was over when the rule became active. Give it another date, or take it out.",
            key=f"over:{rule.id}:{timer_id}:{said}",
        )


def is_tick(timer: Timer) -> bool:
    """Whether it is the calendar's own timer, not that of a record."""
    return timer.kind is None


class Tick:
    """One tick that is due, at one instant."""

    def __init__(self, context: Context, timer: Timer, now: Instant) -> None:
        self._context = context
        self._timer = timer
        self._now = now
        self._zone = context.policy.zone

    async def step(self) -> bool:
        """Begin what it begins, and set the next. False where it has to wait for the studio's records."""
        rule = self._context.rules.today(self._timer.rule_id)
        if rule is None:
            await self._context.store.write(lambda tx: self._put(tx, TimerState.GONE, "its rule is gone"))
            return True
        entry = entry_by_id(rule, entry_of_timer(self._timer.entry_id))
        trigger = dict(entry_clocks(entry))[self._timer.entry_id]
        assert isinstance(trigger, CalendarTrigger)
        last = max(trigger.schedule.last(self._now, self._zone) or self._timer.due_at, self._timer.due_at)
        tick = _timer(self._context, rule, entry, self._timer.entry_id, last)
        if tick.closes_at < self._now or rule.mode == "off":
            await self._context.store.write(lambda tx: self._next(tx, rule, entry, trigger, tick, begun=False))
            return True
        looked, named = 0, 0
        if rule.for_each is not None:
            if not await self._context.store.read(lambda tx: _known(tx, rule.for_each)):
                return False
            looked, named = await self._nominate(rule, rule.for_each, entry, tick)

        def begin(tx: Tx) -> None:
            if rule.for_each is None:
                self._one(tx, rule, entry, tick)
            else:
                self._trace(tx, rule, entry, tick, looked, named)
            self._next(tx, rule, entry, trigger, tick, begun=True)

        await self._context.store.write(begin)
        return True

    # --- one run, or a nominee for each ------------------------------------------------------------------------------

    def _one(self, tx: Tx, rule: Rule, entry: Entry, tick: Timer) -> None:
        matcher = Matcher(tx, self._context, self._now)
        matcher.moment(rule, entry, tick)
        hold_flood(tx, self._context, self._now, matcher.desk)

    async def _nominate(self, rule: Rule, kind: Kind, entry: Entry, tick: Timer) -> tuple[int, int]:
        """A timer for each record that meets `if` as it is known; (how many were looked at, how many named)."""
        ids = [ident for ident, _ in await self._context.store.read(lambda tx: tx.records.order(kind))]
        named = 0
        for start in range(0, len(ids), LOOKED_AT):
            some = ids[start : start + LOOKED_AT]
            name = partial(self._name, rule=rule, kind=kind, entry=entry, tick=tick, ids=some)
            named += await self._context.store.write(name)
            self._context.crash_point("observe.nominated")
        return len(ids), named

    def _name(self, tx: Tx, *, rule: Rule, kind: Kind, entry: Entry, tick: Timer, ids: Sequence[str]) -> int:
        matcher, found = Matcher(tx, self._context, self._now), []
        for ident in ids:
            stored = tx.records.get(kind, ident)
            record = parsed(self._context.api, stored) if stored is not None else None
            if record is not None and self._meets(matcher, rule, entry, kind, record):
                old = tx.timers.get(rule.id, tick.entry_id, record.id)
                if old is None or old.occurrence != tick.occurrence:
                    self._superseded(matcher, old)
                    found.append(replace(tick, kind=kind, subject_id=record.id, client_id=client_id_of(record)))
        tx.timers.put(found)
        return len(found)

    def _meets(self, matcher: Matcher, rule: Rule, entry: Entry, kind: Kind, record: Record) -> bool:
        """Whether `if` holds, as far as is known: where threads aren't read yet, the fresh read will tell."""
        client_id = client_id_of(record)
        scope = scope_for(
            self._context,
            matcher.desk.world,
            subject_kind=kind,
            subject_id=record.id,
            client_id=client_id,
            event=None,
            start=None,
        )
        if verdict.in_audience(scope.client, rule.include) is not None:
            return False
        conditions = verdict.conditions_of(rule, entry)
        truth, trace = verdict.holds(conditions, scope)
        if truth is True:
            return True
        if "error" in trace:
            matcher.tell_errors(rule, trace)
        asks = any(target is Kind.CONVERSATION for condition in conditions for _, target in condition.reads)
        return asks and client_id is not None and _unread(matcher.tx, client_id)

    def _superseded(self, matcher: Matcher, old: Timer | None) -> None:
        """A nominee of an earlier tick that never could be read: said, and the new one takes its place."""
        if old is not None and old.state is TimerState.PENDING:
            why = f"tick {old.occurrence} couldn't be judged before the next came"
            matcher.desk.trace(old.rule_id, entry_of_timer(old.entry_id), "late", why, timer=old)

    # --- what follows ------------------------------------------------------------------------------------------------

    def _next(self, tx: Tx, rule: Rule, entry: Entry, trigger: CalendarTrigger, tick: Timer, *, begun: bool) -> None:
        if rule.mode != "off":
            self._say_missed(tx, rule, tick, begun=begun)
        following = trigger.schedule.after(self._now, self._zone)
        if following is None:
            self._put(tx, TimerState.DONE if begun else TimerState.SKIPPED, None if begun else "it came too late")
        else:
            tx.timers.put([_timer(self._context, rule, entry, self._timer.entry_id, following)])

    def _say_missed(self, tx: Tx, rule: Rule, tick: Timer, *, begun: bool) -> None:
        earlier = tick.due_at > self._timer.due_at
        if begun and not earlier:
            return
        since = f"since {tick_name(self._timer.due_at, self._zone)}"
        what = f"Of its ticks {since} only the last, {tick.occurrence}, was judged."
        if not begun:
            missed = f"Its ticks {since}" if earlier else f"Its tick of {tick.occurrence}"
            what = f"{missed} came too late for 'late'. Nothing was begun."
            log.warning("moment.skipped", rule=rule.id, subject="", due=tick.due_at.format_iso())
        entry_id = entry_of_timer(self._timer.entry_id)
        Matcher(tx, self._context, self._now).desk.trace(rule.id, entry_id, "late", what, timer=self._timer)
        key = f"late:{rule.id}:{self._timer.entry_id}:{self._timer.occurrence}"
        tx.control.notice(self._now, f"Rule {rule.id} missed a moment", what, key=key)

    def _trace(self, tx: Tx, rule: Rule, entry: Entry, tick: Timer, looked: int, named: int) -> None:
        log.info("tick.nominated", rule=rule.id, tick=tick.occurrence, looked_at=looked, nominated=named)
        row = TraceRow(
            at=self._now,
            rule_id=rule.id,
            entry_id=entry.id,
            subject_kind=rule.for_each,
            subject_id=None,
            client_id=None,
            verdict="nominated",
            what=tick.occurrence,
            detail={"looked_at": looked, "nominated": named},
        )
        tx.traces.add([row])

    def _put(self, tx: Tx, state: TimerState, reason: str | None) -> None:
        tx.timers.put([replace(self._timer, state=state, reason=reason)])


def _timer(context: Context, rule: Rule, entry: Entry, timer_id: str, tick: Instant) -> Timer:
    zone = context.policy.zone
    return Timer(
        rule_id=rule.id,
        entry_id=timer_id,
        kind=None,
        subject_id="",
        client_id=None,
        occurrence=tick_name(tick, zone),
        due_at=tick,
        closes_at=move(tick, entry.late or rule.late or context.policy.late, 1, zone),
    )


def _known(tx: Tx, kind: Kind | None) -> bool:
    """Whether the studio's list of that kind was read whole once."""
    resource = tx.records.resource(kind) if kind is not None else None
    return resource is not None and resource.baseline_at is not None


def _unread(tx: Tx, client_id: str) -> bool:
    """Whether a thread of the client's was never read: who said what is then not known."""
    threads = tx.records.of_client(Kind.CONVERSATION, client_id)
    return any(not tx.records.of_parent(Kind.MESSAGE, thread.id) for thread in threads)
