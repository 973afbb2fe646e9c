"""How many a rule would reach at once by what is known now, and whether the caps let them out in time.

`selftimer check` says it before the day comes. The store is only read, some records at a time, as
a service may be writing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from selftimer.engine.lists import Lists
from selftimer.engine.moved import clock_says
from selftimer.engine.preview import Start, beginnings, scope_of, would
from selftimer.engine.ruleset import entry_by_id
from selftimer.engine.runs import RunDesk
from selftimer.engine.ticks import LOOKED_AT
from selftimer.engine.world import parsed
from selftimer.facts.records import Kind, Session, client_id_of, kind_of
from selftimer.plan import verdict
from selftimer.plan.effects import plan_delivery, verb_of
from selftimer.plan.moments import entry_clocks, moment_of
from selftimer.plan.outlet import Wish, stopped
from selftimer.plan.program import AtEffect, AtWait, Effect, Position, advance
from selftimer.plan.state import REACHES_CLIENT, DeliveryState, Run, RunState
from selftimer.plan.timing import late_until
from selftimer.rulebook.calendar import tick_name
from selftimer.rulebook.model import CalendarTrigger, MomentTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.facts.records import Record
    from selftimer.plan.limits import Window
    from selftimer.plan.outlet import Stopped
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx
    from selftimer.primitives.time import Span
    from selftimer.rulebook.model import ClockTrigger, Entry, Rule
    from selftimer.rulebook.scope import Scope

HOURS = 24
"""How far ahead moments of records are counted."""
Why = Literal["tick", "moment", "past"]
WHYS: tuple[Why, ...] = ("tick", "moment", "past")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A rule that would reach more than the caps let out while it isn't late."""

    rule_id: str
    why: Why
    """By the calendar's next tick, by moments of the next 24 hours, or by what it looks back for."""
    kind: Kind
    subjects: int
    """Records that meet what the rule asks."""
    effects: int
    """What clients would get of it: more than `subjects` where each run sends more than one."""
    skipped: int
    window: Window
    """The one that was full when the first came too late."""
    late: Span
    """How late that one may be."""
    said: bool
    """Whether the step, its entry or the rule says so."""
    cut: bool
    """Whether its date comes even before that is over."""
    held: bool
    """More than go out unasked: they wait for the owner's yes first."""


async def crowds(context: Context, now: Instant) -> list[Crowd]:
    """For each rule that sends by itself and each reason for it to begin, where it is too much; nothing is written."""
    found = []
    for rule in context.rules.book.rules.values():
        if rule.mode == "auto" and _reaches(context, rule):
            for why in WHYS:
                crowd = await _Gathering(context, rule, now, why).crowd()
                found += [crowd] if crowd is not None else []
    return found


async def type_counts(context: Context) -> dict[str, int]:
    """The session types of the sessions that are known, with how many there are of each; empty before all were read.

    The sessions' own names count, as `session.kind` reads them.
    """
    counts: Counter[str] = Counter()
    for some in await _parts(context, Kind.SESSION):
        counts += await context.store.read(partial(_types, context=context, ids=some))
    return dict(sorted(counts.items()))


def _types(tx: Tx, *, context: Context, ids: Sequence[str]) -> Counter[str]:
    records = (_record(tx, context, Kind.SESSION, ident) for ident in ids)
    return Counter(one.type_name for one in records if isinstance(one, Session) and one.type_name)


async def _parts(context: Context, kind: Kind) -> list[list[str]]:
    """The ids of a kind, as many together as are looked at in one transaction; none before its list was read whole."""

    def ids(tx: Tx) -> list[str]:
        resource = tx.records.resource(kind)
        whole = resource is not None and resource.baseline_at is not None
        return [ident for ident, _ in tx.records.order(kind)] if whole else []

    known = await context.store.read(ids)
    return [known[start : start + LOOKED_AT] for start in range(0, len(known), LOOKED_AT)]


def _record(tx: Tx, context: Context, kind: Kind, ident: str) -> Record | None:
    stored = tx.records.get(kind, ident)
    return parsed(context.api, stored) if stored is not None and stored.gone_at is None else None


def _reaches(context: Context, rule: Rule) -> bool:
    programs = (context.rules.program(rule, entry.id) for entry in rule.entries)
    return any(isinstance(one, Effect) and verb_of(one.step) in REACHES_CLIENT for p in programs for one in p)


class _Gathering:
    """The runs of one rule that would begin for one reason, with what they would send first."""

    def __init__(self, context: Context, rule: Rule, now: Instant, why: Why) -> None:
        self._context, self._rule, self._now, self._why = context, rule, now, why
        self._wishes: list[Wish] = []
        self._subjects: Counter[Kind] = Counter()
        self._taken: set[str] = set()

    async def crowd(self) -> Crowd | None:
        """What is too much of it, if it is."""
        if self._why == "past":
            await self._context.store.read(self._past)
        for entry in self._rule.entries if self._why != "past" else ():
            for _, clock in entry_clocks(entry):
                await self._of_clock(entry, clock)
        late = stopped(self._wishes, self._context.policy, self._rule.limits)
        return self._judged(late) if late else None

    # --- who begins ----------------------------------------------------------------------------------------------

    async def _of_clock(self, entry: Entry, clock: ClockTrigger) -> None:
        if self._why == "tick" and isinstance(clock, CalendarTrigger) and self._rule.for_each is not None:
            tick = clock.schedule.after(self._now, self._context.policy.zone)
            if tick is not None:
                await self._each(self._rule.for_each, partial(self._nominee, entry=entry, tick=tick))
        elif self._why == "moment" and isinstance(clock, MomentTrigger):
            await self._each(clock.kind, partial(self._falling_due, entry=entry, clock=clock))

    async def _each(self, kind: Kind, look: Callable[[RunDesk, Record], None]) -> None:
        def some(tx: Tx, *, ids: Sequence[str]) -> None:
            desk = RunDesk(tx, self._context, self._now)
            for ident in ids:
                if (record := _record(tx, self._context, kind, ident)) is not None:
                    look(desk, record)

        for ids in await _parts(self._context, kind):
            await self._context.store.read(partial(some, ids=ids))

    def _nominee(self, desk: RunDesk, record: Record, *, entry: Entry, tick: Instant) -> None:
        start = Start(
            entry=entry,
            what="",
            subject=(kind_of(record), record.id),
            client_id=client_id_of(record),
            occurrence=tick_name(tick, self._context.policy.zone),
            at=tick,
        )
        self._consider(desk, start, tick)

    def _falling_due(self, desk: RunDesk, record: Record, *, entry: Entry, clock: MomentTrigger) -> None:
        moment = moment_of(
            clock,
            record,
            late=entry.late or self._rule.late,
            policy=self._context.policy,
            zone_of=desk.zones.of_session,
            is_working=self._context.is_working_day,
        )
        if moment is None or not self._now < moment.due_at <= self._now.add(hours=HOURS):
            return
        if not clock_says(clock, record, desk.world):
            return
        start = Start(
            entry=entry,
            what="",
            subject=(clock.kind, record.id),
            client_id=client_id_of(record),
            occurrence=moment.occurrence,
            at=moment.due_at,
            closes_at=moment.closes_at,
        )
        self._consider(desk, start, moment.due_at)

    def _past(self, tx: Tx) -> None:
        desk = RunDesk(tx, self._context, self._now)
        for start in beginnings(tx, self._context, self._rule, self._now):
            self._add(desk, start, self._now)

    # --- what they send ------------------------------------------------------------------------------------------

    def _consider(self, desk: RunDesk, start: Start, reached: Instant) -> None:
        if would(desk, self._rule, start, self._taken):
            self._add(desk, start, reached)

    def _add(self, desk: RunDesk, start: Start, reached: Instant) -> None:
        scope = scope_of(desk, start)
        scope.start = start.at
        scope.lists = Lists(self._rule, self._context, desk.world)
        sent = tuple(self._sent(desk, start, scope, reached))
        if sent:
            self._wishes.append(Wish(deliveries=sent, awake=verdict.ignores_night(self._rule, scope)))
            self._subjects[start.subject[0]] += 1

    def _sent(self, desk: RunDesk, start: Start, scope: Scope, reached: Instant) -> Iterator[Delivery]:
        """What a run gives to its client before it has waited for something, or after its first wait.

        It ends where the owner is asked, and where nobody knows yet how it goes on.
        """
        context, entry = self._context, start.entry
        program = context.rules.program(self._rule, entry.id)
        run, any_sent = self._run(start), False
        position = Position(pc=0, reached_at=reached, inputs={})
        while True:
            place = advance(program, position, scope, desk.zones)
            if isinstance(place, AtWait) and place.wake_at is not None and not any_sent:
                position = Position(pc=place.pc + 1, reached_at=place.wake_at, inputs=place.inputs)
                continue
            if not isinstance(place, AtEffect):
                return
            position = Position(pc=place.pc + 1, reached_at=place.allowed_at, inputs=place.inputs)
            if verb_of(place.step) not in REACHES_CLIENT or not _wanted(place, scope):
                continue
            planned = plan_delivery(
                f"{run.subject_id}:{place.pc}",
                context.studio_id,
                run,
                self._rule,
                entry,
                place,
                scope,
                policy=context.policy,
                words=context.rules.words,
                now=self._now,
                window_end=None if any_sent else start.closes_at,
            )
            if planned.state is not DeliveryState.READY:
                return
            any_sent = True
            yield planned

    def _run(self, start: Start) -> Run:
        """One that is only thought of."""
        return Run(
            id="",
            rule_id=self._rule.id,
            rule_version=self._rule.version,
            entry_id=start.entry.id,
            subject_kind=start.subject[0],
            subject_id=start.subject[1],
            client_id=start.client_id,
            occurrence=start.occurrence,
            state=RunState.ACTIVE,
            pc=0,
            start_at=start.at,
            begun_at=self._now,
        )

    # --- too many ------------------------------------------------------------------------------------------------

    def _judged(self, late: Sequence[Stopped]) -> Crowd:
        first, policy = late[0].delivery, self._context.policy
        entry = entry_by_id(self._rule, first.entry_id)
        steps = (one.step for one in self._context.rules.program(self._rule, entry.id) if isinstance(one, Effect))
        said = next(step for step in steps if step.id == first.step_id).late or entry.late or self._rule.late
        whole = late_until(first.allowed_at, said, policy)
        limits = policy.flood
        return Crowd(
            rule_id=self._rule.id,
            why=self._why,
            kind=self._subjects.most_common(1)[0][0],
            subjects=self._subjects.total(),
            effects=sum(len(wish.deliveries) for wish in self._wishes),
            skipped=len(late),
            window=late[0].window,
            late=said or policy.late,
            said=said is not None,
            cut=first.late_until < whole,
            held=len(self._wishes) > (limits.by_events if self._why == "past" else limits.by_moments),
        )


def _wanted(place: AtEffect, scope: Scope) -> bool:
    return place.step.if_ is None or verdict.holds([place.step.if_], scope)[0] is True
