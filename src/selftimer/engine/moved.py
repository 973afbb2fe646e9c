"""Whether a moment is what it seems: in a state that goes with it, and where it was (rule-language.md 8, 10, 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.facts.derive_money import outstanding
from selftimer.facts.records import Invoice, Session
from selftimer.plan.moments import CLOCK_EVENTS, entry_moments, moment_of, of_moment
from selftimer.primitives.time import Span

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.desk import Desk
    from selftimer.facts.records import Record
    from selftimer.facts.world import World
    from selftimer.plan.state import Run
    from selftimer.rulebook.model import ClockTrigger, Entry, Rule

FOR_EVER = Span(9_000, "days")
"""A window that only its record's date closes."""


def clock_says(trigger: ClockTrigger, record: Record | None, world: World) -> bool:
    """Whether the record is in the state that an event of the clock needs; true of what is no such event (8)."""
    if trigger is CLOCK_EVENTS["session.ended"]:
        return isinstance(record, Session) and record.status == "confirmed"
    if trigger is CLOCK_EVENTS["invoice.overdue"]:
        return isinstance(record, Invoice) and outstanding(record, world, None)
    return True


def date_of(context: Context, desk: Desk, entry: Entry, run: Run) -> Instant | None:
    """When the date has come that the moment of a run lies before: after that its words make no sense (10)."""
    if run.event_id is not None or run.subject_kind is None or not of_moment(run.occurrence):
        return None
    record = desk.world.get(run.subject_kind, run.subject_id)
    if record is None:
        return None
    for _, trigger in entry_moments(entry):
        if trigger.sign != -1 or trigger.kind is not run.subject_kind:
            continue
        moment = moment_of(
            trigger,
            record,
            late=FOR_EVER,
            policy=context.policy,
            zone_of=desk.zones.of_session,
            is_working=context.is_working_day,
        )
        if moment is not None and moment.occurrence == run.occurrence:
            return moment.closes_at
    return None


def moved_away(context: Context, desk: Desk, entry: Entry, rule: Rule, run: Run) -> bool:
    """Whether the moment that began a run has another date by now: its words would be about the wrong day."""
    if run.event_id is not None or run.subject_kind is None or not of_moment(run.occurrence):
        return False
    record = desk.world.get(run.subject_kind, run.subject_id)
    found = [
        moment_of(
            trigger,
            record,
            late=entry.late or rule.late,
            policy=context.policy,
            zone_of=desk.zones.of_session,
            is_working=context.is_working_day,
        )
        for _, trigger in entry_moments(entry)
        if record is not None and trigger.kind is run.subject_kind
    ]
    return bool(found) and all(moment is None or moment.occurrence != run.occurrence for moment in found)
