"""A run that is held at a step, since something there can't be decided: the owner is told, and `late` runs (6).

A run is held, like a delivery, rather than guessed about. What is in error is told at once: it doesn't pass by itself.
What is unknown is told when it still is at a later poll and has been for as long as an event may wait for a record
before that is told (`policy.parked_report`, an hour): most of it is known a poll later, and a note about each would
teach the owner not to read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.engine.moved import date_of
from selftimer.engine.ruleset import entry_by_id
from selftimer.plan.timing import late_until, next_free
from selftimer.plan.verdict import ignores_night

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.desk import Desk
    from selftimer.plan.program import AtDoubt
    from selftimer.plan.state import Run
    from selftimer.rulebook.model import Rule
    from selftimer.rulebook.scope import Scope


def too_late(desk: Desk, run: Run, rule: Rule, scope: Scope, since: Instant) -> Instant:
    """Until when a run may be held at a step that it reached at `since`: as a delivery's `late`, nights don't count."""
    policy = desk.context.policy
    today = desk.context.rules.today(rule.id) or rule
    free = since if ignores_night(today, scope) else next_free(since, policy.quiet_hours, policy.zone)
    limit = late_until(free, entry_by_id(rule, run.entry_id).late or today.late, policy)
    closes = window_of(desk, run, rule, since)
    return limit if closes is None else min(limit, closes)


def window_of(desk: Desk, run: Run, rule: Rule, since: Instant) -> Instant | None:
    """The date that a run lies before, if it hasn't come further than its beginning: after that its words are wrong."""
    if since != run.begun_at or run.effects:
        return None
    return date_of(desk.context, desk, entry_by_id(rule, run.entry_id), run)


def tell_if_time(desk: Desk, run: Run, place: AtDoubt, *, again: bool) -> None:
    """Tell the owner, once for a run and step; `again`: it was held before."""
    waited = (desk.now - place.reached_at).total("seconds")
    if not place.error and not (again and waited >= desk.context.policy.parked_report):
        return
    until = "" if run.wake_at is None else f" until {_clock(desk, run.wake_at)}, after which it ends as late"
    tell(desk, run, place.step_id, f"is held at {place.step_id}", f"It is judged again at each poll{until}.", place.why)


def tell_late(desk: Desk, run: Run, step_id: str) -> None:
    """Leave a trace of a run that was held for too long, and tell the owner that it ended."""
    why, since = run.reason or "", run.reached_at or desk.now
    desk.trace(run.rule_id, run.entry_id, "late", step_id, run=run, detail={"why": why})
    then = f"It was held since {_clock(desk, since)}. Nothing more is done; begin it by hand if it is wanted."
    tell(desk, run, "late", f"was too late at {step_id}", then, why)


def tell(desk: Desk, run: Run, what: str, subject: str, then: str, why: str) -> None:
    """One notice a run and `what`: whom it is about, what is missing, what follows, and where to look."""
    whom = f"client {run.client_id}" if run.client_id else f"run {run.id}"
    look = f"explain {run.client_id} {run.rule_id}" if run.client_id else f"show {run.id}"
    desk.tx.control.notice(
        desk.now,
        f"{run.rule_id} {subject}",
        f"For {whom}: {why}. {then} 'selftimer {look}' says more.",
        key=f"run:{run.id}:{what}",
    )


def _clock(desk: Desk, at: Instant) -> str:
    return f"{at.to_tz(desk.context.policy.zone).to_stdlib():%Y-%m-%d %H:%M}"
