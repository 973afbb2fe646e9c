"""Whether the moment that began a run is still where it was (rule-language.md, Exact meaning 10 and 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.plan.moments import entry_moments, moment_of, of_moment
from selftimer.primitives.time import Span

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.runs import RunDesk
    from selftimer.plan.state import Run
    from selftimer.rulebook.model import Entry, Rule

FOR_EVER = Span(9_000, "days")
"""A window that only its record's date closes."""


def date_of(context: Context, desk: RunDesk, entry: Entry, run: Run) -> Instant | None:
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


def moved_away(context: Context, desk: RunDesk, entry: Entry, rule: Rule, run: Run) -> bool:
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
