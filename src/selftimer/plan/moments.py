"""Moments: when a date of a record makes a rule fall due (rule-language.md, Exact meaning 9, 10, 11 and 15)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from whenever import Date, Instant, Time

from selftimer.facts.records import Kind, Record, Session, client_id_of, kind_of
from selftimer.plan.state import Timer, TimerState
from selftimer.primitives.time import Span, local, move, move_date
from selftimer.rulebook.model import (
    BecomesTrigger,
    CalendarTrigger,
    ClockTrigger,
    Entry,
    EventTrigger,
    MomentTrigger,
    NoReplyTrigger,
    Trigger,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.plan.policy import Policy

CLOCK_EVENTS: dict[str, MomentTrigger] = {
    "session.ended": MomentTrigger(kind=Kind.SESSION, field="end_at", sign=0, span=None, at=None),
    "invoice.overdue": MomentTrigger(kind=Kind.INVOICE, field="due_date", sign=1, span=Span(1, "days"), at=Time()),
}
"""Events that come from the clock, never from a flag (8)."""


_NTH = re.compile(r"#\d+\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TICK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A trigger's moment for one record: due then, its window closing at `closes_at`."""

    due_at: Instant
    closes_at: Instant
    occurrence: str


def clock_trigger(trigger: Trigger) -> ClockTrigger | None:
    """What makes a trigger fall due: itself, or the moment of an event that the clock makes."""
    if isinstance(trigger, MomentTrigger | CalendarTrigger | NoReplyTrigger):
        return trigger
    if isinstance(trigger, EventTrigger):
        return CLOCK_EVENTS.get(trigger.name)
    return None


def entry_clocks(entry: Entry) -> list[tuple[str, ClockTrigger]]:
    """What falls due of an entry, with the id that each one's timers carry: the entry's, and `#2` … after the first."""
    found = [clock for t in entry.triggers if (clock := clock_trigger(t)) is not None]
    return [(_nth(entry.id, n), clock) for n, clock in enumerate(found)]


def entry_moments(entry: Entry) -> list[tuple[str, MomentTrigger]]:
    """Those of them that count from a record's date."""
    return [(timer_id, clock) for timer_id, clock in entry_clocks(entry) if isinstance(clock, MomentTrigger)]


def entry_becomes(entry: Entry) -> list[tuple[str, BecomesTrigger]]:
    """The `becomes` of an entry, each with how its occurrences begin: `becomes`, then `becomes#2` and so on."""
    found = [t for t in entry.triggers if isinstance(t, BecomesTrigger)]
    return [(_nth("becomes", n), trigger) for n, trigger in enumerate(found)]


def became_of(entry: Entry, occurrence: str) -> BecomesTrigger | None:
    """The `becomes` that began a run with that occurrence, if one did."""
    return dict(entry_becomes(entry)).get(occurrence.partition(":")[0])


def entry_of_timer(timer_entry_id: str) -> str:
    """The id of the entry that a timer belongs to."""
    return _NTH.sub("", timer_entry_id)


def of_moment(occurrence: str) -> bool:
    """Whether a run's occurrence is that of a moment: the day of its record's date, and nothing else."""
    return _DAY.fullmatch(occurrence) is not None


def of_tick(occurrence: str) -> bool:
    """Whether it is that of a tick of the calendar: its local time, to the minute."""
    return _TICK.fullmatch(occurrence) is not None


def _nth(name: str, number: int) -> str:
    return name if number == 0 else f"{name}#{number + 1}"


def moment_of(
    trigger: MomentTrigger,
    record: Record,
    *,
    late: Span | None,
    policy: Policy,
    zone_of: Callable[[Session], str],
    is_working: Callable[[Date], bool],
) -> Moment | None:
    """The moment for a record, or None while the date isn't there."""
    anchor = getattr(record, trigger.field, None)
    zone = zone_of(record) if isinstance(record, Session) else policy.zone
    if isinstance(anchor, Date):
        day, due = anchor, _from_date(anchor, trigger, zone, is_working)
        end = local(anchor.add(days=1), Time(), zone).to_instant()
    elif isinstance(anchor, Instant):
        day, due = anchor.to_tz(zone).date(), _from_instant(anchor, trigger, zone, is_working)
        end = anchor
    else:
        return None
    closes = move(due, late or policy.late, 1, zone)
    if trigger.sign == -1:
        closes = max(due, min(closes, end))
    return Moment(due_at=due, closes_at=closes, occurrence=day.format_iso())


def _from_date(anchor: Date, trigger: MomentTrigger, zone: str, is_working: Callable[[Date], bool]) -> Instant:
    at = trigger.at or Time()
    if trigger.span is None or trigger.sign == 0:
        return local(anchor, at, zone).to_instant()
    if trigger.span.exact:
        return move(local(anchor, at, zone).to_instant(), trigger.span, trigger.sign, zone)
    return local(move_date(anchor, trigger.span, trigger.sign, is_working), at, zone).to_instant()


def _from_instant(anchor: Instant, trigger: MomentTrigger, zone: str, is_working: Callable[[Date], bool]) -> Instant:
    if trigger.span is None or trigger.sign == 0:
        return anchor if trigger.at is None else local(anchor.to_tz(zone).date(), trigger.at, zone).to_instant()
    return move(anchor, trigger.span, trigger.sign, zone, at=trigger.at, is_working=is_working)


LIVE = (TimerState.PENDING, TimerState.OPEN)
"""States of a timer that something may still come of."""


def _another_chance(old: Timer, moment: Moment, now: Instant) -> bool:
    """Whether a moment of the same date has to be looked at again: its hour or window moved, or its record is back.

    What was done stays done. What was skipped or lapsed has another chance only at an hour still to come.
    """
    match old.state:
        case TimerState.PENDING | TimerState.OPEN:
            return (old.due_at, old.closes_at) != (moment.due_at, moment.closes_at)
        case TimerState.SKIPPED | TimerState.LAPSED:
            return moment.due_at > now
        case TimerState.GONE | TimerState.MOVED:
            return True
        case TimerState.DONE:
            return False
        case _:
            assert_never(old.state)


def timer_for(
    rule_id: str,
    entry_id: str,
    record: Record,
    moment: Moment,
    *,
    old: Timer | None,
    now: Instant,
    active_since: Instant,
    known_before: bool,
) -> Timer | None:
    """The timer row that a record needs when it is seen, changes, or its rule is loaded; None where it stands already.

    `known_before`: the record was there with this date before. Its moment then counts only from the rule's activation
    on; a record that comes to be, or whose date moves, inside a window counts at once, and after it is skipped (10).
    """
    if old is not None and old.occurrence == moment.occurrence and not _another_chance(old, moment, now):
        return None
    stands = old is not None and old.state in LIVE
    if not stands and known_before and moment.due_at < active_since:
        return None
    gone_by = moment.closes_at < now
    return Timer(
        rule_id=rule_id,
        entry_id=entry_id,
        kind=kind_of(record),
        subject_id=record.id,
        client_id=client_id_of(record),
        occurrence=moment.occurrence,
        due_at=moment.due_at,
        closes_at=moment.closes_at,
        state=TimerState.SKIPPED if gone_by else TimerState.PENDING,
        reason="its window had closed when the record came to be or moved" if gone_by else None,
    )
