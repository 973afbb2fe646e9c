"""A limit on the blast radius: more effects at once than is usual are held, and the owner is asked (delivery.md §3).

What counts is the runs that began together, and what woke together: whether a message comes first in them or after a
note, a wait or a branch. Runs of a flood are marked by their beginning: what they would send is held whenever it comes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog

from selftimer.engine.doubt import let_go, why_begun_in_doubt, why_doubted
from selftimer.engine.ruleset import entry_by_id
from selftimer.plan.effects import verb_of
from selftimer.plan.hooks import call_of
from selftimer.plan.program import Effect, effects_ahead
from selftimer.plan.state import SPREADS, Delivery, DeliveryState, Hold, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.desk import Desk
    from selftimer.plan.policy import Flood
    from selftimer.plan.state import Run
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
_COUNTED, _CALLS, _MARKS = "flood.counted", "flood.calls:", "flood.marks:"
_KEPT = 200
"""Floods of a rule that are remembered for the runs that began in them."""


@dataclass(slots=True)
class Count:
    """What began or woke at one instant and would reach clients, by rule; transactions of the same instant add up."""

    events: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    begun: set[str] = field(default_factory=set)
    """Rules of which runs began."""

    def add(self, rule_id: str, *, by_event: bool) -> None:
        """One more."""
        (self.events if by_event else self.moments)[rule_id] += 1

    def of_rule(self, rule_id: str) -> int:
        """All of a rule."""
        return self.events[rule_id] + self.moments[rule_id]

    def in_all(self) -> int:
        """All of all rules."""
        return self.events.total() + self.moments.total()

    def flooded(self, limits: Flood) -> set[str]:
        """The rules with too much."""
        much = {rule_id for rule_id, count in self.events.items() if count > limits.by_events}
        return much | {rule_id for rule_id, count in self.moments.items() if count > limits.by_moments}


def hold_flood(tx: Tx, context: Context, now: Instant, *desks: Desk) -> int:
    """Hold what was planned at this instant if it is too much at once; how many are held.

    Called in the transaction that planned it, so that nothing is sent in between. What earlier transactions of the
    same instant planned counts with it, and is held with it where it hasn't left yet. Runs that began now and come to
    their first message later are marked, and it is held then.
    """
    planned = [pair for desk in desks for pair in desk.planned if pair[0].verb in SPREADS and not pair[0].dry]
    mine = [delivery for delivery, _ in planned]
    begun = [run for desk in desks for run in desk.begun if _spreads(context, run)]
    if not mine and not begun:
        return 0
    count = _counted(tx, now, begun, planned)
    calls = _calls(tx, context, now, begun)
    limits = context.policy.flood
    whole, flooded = count.in_all() > limits.in_all, count.flooded(limits) | calls.keys()
    much = {r: f"{count.in_all() if whole else calls.get(r) or count.of_rule(r)} at once" for r in flooded}
    if whole:
        much = {r: f"{count.in_all()} at once" for r in {*count.events, *count.moments}}
    _mark(tx, now, {rule_id: why for rule_id, why in much.items() if rule_id in count.begun})
    doubt = why_doubted(tx)
    own = {delivery.id for delivery in mine}
    before = [delivery for delivery in tx.deliveries.planned_at(now) if delivery.id not in own]
    held = []
    for delivery in (*before, *mine):
        reason = doubt or why_since_it_began(tx, delivery) or much.get(delivery.rule_id)
        if reason is not None and _hold(tx, context, delivery, reason, now):
            held.append((delivery, reason))
    if held:
        _tell(tx, held, count.in_all(), now, since=now)
    coming = {run.rule_id for run in begun if run.rule_id in much} - {delivery.rule_id for delivery, _ in held}
    for rule_id in sorted(coming):
        _tell_coming(tx, rule_id, much[rule_id], now)
    return len(held)


def hold_doubtful(tx: Tx, context: Context, planned: Iterable[tuple[Delivery, bool]], now: Instant) -> None:
    """Hold the next effects of runs that began in a flood, or in a look after something odd.

    Where something of them has reached the client, or the owner has said yes to it, they go on.
    """
    for delivery, _ in planned:
        reason = None if delivery.dry or delivery.verb not in SPREADS else why_since_it_began(tx, delivery)
        if reason is not None and _hold(tx, context, delivery, reason, now):
            run = tx.runs.get(delivery.run_id)
            _tell(tx, [(delivery, reason)], 1, now, since=run.begun_at if run else now)


def why_since_it_began(tx: Tx, delivery: Delivery) -> str | None:
    """Why what a run would send is held ever since it began, if it is: in a doubt, or with too many at once."""
    doubt = why_begun_in_doubt(tx, delivery.run_id)
    marks = tx.control.get(_MARKS + delivery.rule_id) if doubt is None else None
    run = tx.runs.get(delivery.run_id) if marks else None
    if run is None:
        return doubt
    why: str | None = (marks or {}).get(_second(run.begun_at))
    return None if why is None or let_go(tx, run.id) else why


# --- counting --------------------------------------------------------------------------------------------------------


def _spreads(context: Context, run: Run) -> bool:
    """Whether something of a run that has just begun may yet reach a client."""
    rule = context.rules.today(run.rule_id)
    if rule is None or run.dry or run.state is RunState.ENDED:
        return False
    return any(verb_of(step) in SPREADS for step in effects_ahead(context.rules.program(rule, run.entry_id), run.pc))


def _counted(tx: Tx, now: Instant, begun: Sequence[Run], planned: Sequence[tuple[Delivery, bool]]) -> Count:
    """What began or woke at this instant, with what earlier transactions counted; that is kept."""
    said = tx.control.get(_COUNTED) or {}
    same = said if said.get("at") == now.format_iso() else {}
    count = Count(Counter(same.get("events", {})), Counter(same.get("moments", {})), set(same.get("begun", ())))
    new = {run.id for run in begun}
    for run in begun:
        count.add(run.rule_id, by_event=run.event_id is not None)
        count.begun.add(run.rule_id)
    for delivery, by_event in planned:
        if delivery.run_id not in new:
            count.add(delivery.rule_id, by_event=by_event)
    kept: dict[str, Any] = {"at": now.format_iso(), "begun": sorted(count.begun)}
    tx.control.put(_COUNTED, kept | {"events": count.events, "moments": count.moments})
    return count


def _calls(tx: Tx, context: Context, now: Instant, begun: Sequence[Run]) -> dict[str, int]:
    """The rules that calls from outside began too often within a poll's time, and how often.

    Each call comes at an instant of its own, so what counts as at once is what two polls lie apart.
    """
    much = {}
    called = Counter(run.rule_id for run in begun if call_of(run.occurrence, run.subject_id))
    for rule_id, more in called.items():
        since = now.subtract(seconds=context.policy.cadence.page_one).format_iso(unit="second")
        lately = [at for at in tx.control.get(_CALLS + rule_id) or () if at > since] + [_second(now)] * more
        tx.control.put(_CALLS + rule_id, lately)
        if len(lately) > context.policy.flood.by_events:
            much[rule_id] = len(lately)
    return much


def _mark(tx: Tx, now: Instant, much: Mapping[str, str]) -> None:
    """Remember the runs that began now, by rule and instant: what they send later is held too."""
    for rule_id, why in much.items():
        marks = dict(tx.control.get(_MARKS + rule_id) or {}) | {_second(now): why}
        tx.control.put(_MARKS + rule_id, dict(list(marks.items())[-_KEPT:]))


def _second(at: Instant) -> str:
    """An instant as marks have it: the database keeps less of it than the clock tells."""
    return at.format_iso(unit="second")


# --- holding ---------------------------------------------------------------------------------------------------------


def _hold(tx: Tx, context: Context, delivery: Delivery, why: str, now: Instant) -> bool:
    waits = replace(
        delivery,
        state=DeliveryState.HELD,
        hold=Hold.FLOOD,
        due_at=_answered_by(tx, context, delivery, now),
        reason=f"{why}: held for you",
    )
    return tx.deliveries.update(waits, expect=[DeliveryState.READY])


def _answered_by(tx: Tx, context: Context, delivery: Delivery, now: Instant) -> Instant:
    """When no answer is a no: in some days, and earlier where a `late` of its own says so."""
    far = now.add(hours=24 * context.policy.approval_days)
    return min(far, delivery.late_until) if late_by_its_own(tx, context, delivery) else far


def late_by_its_own(tx: Tx, context: Context, delivery: Delivery) -> bool:
    """Whether its step, entry or rule says how late it may be; it runs on while the owner is asked about a flood."""
    rule = context.rules.pinned(tx, delivery.rule_id, delivery.rule_version)
    if rule is None:
        return True
    entry = entry_by_id(rule, delivery.entry_id)
    program = context.rules.program(rule, delivery.entry_id)
    steps = [one.step for one in program if isinstance(one, Effect) and one.step.id == delivery.step_id]
    return any(said is not None for said in (rule.late, entry.late, *(step.late for step in steps)))


def _tell(tx: Tx, held: Sequence[tuple[Delivery, str]], in_all: int, now: Instant, *, since: Instant) -> None:
    rules = ", ".join(sorted({delivery.rule_id for delivery, _ in held}))
    reasons = "; ".join(sorted({why for _, why in held}))
    log.warning("flood.held", count=len(held), in_all=in_all, rules=rules, reason=reasons)
    count = f"{len(held)} message" if len(held) == 1 else f"{len(held)} messages"
    tx.control.notice(
        now,
        f"{count} held for you: {reasons}",
        f"Rules: {rules}. Nothing of them was sent. Look at `selftimer deliveries --state held`, then approve or skip.",
        key=f"flood:{_second(since)}:{rules}",
    )


def _tell_coming(tx: Tx, rule_id: str, why: str, now: Instant) -> None:
    """Runs of a flood that have something else to do first."""
    log.warning("flood.begun", rules=rule_id, reason=why)
    tx.control.notice(
        now,
        f"What rule {rule_id} will send is held for you: {why}",
        "So many runs began together. Their notes to you and waits go on; each message is held when its turn comes. "
        f"`selftimer approve --all-held {rule_id}` lets those go that are held by then.",
        key=f"flood:{_second(now)}:{rule_id}",
    )
