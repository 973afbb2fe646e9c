"""A limit on the blast radius: more effects at once than is usual are held, and the owner is asked (delivery.md §3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.doubt import why_begun_in_doubt, why_doubted
from selftimer.engine.ruleset import entry_by_id
from selftimer.plan.program import Effect
from selftimer.plan.state import REACHES_CLIENT, Delivery, DeliveryState, Hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.plan.policy import Flood
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)


def hold_flood(tx: Tx, context: Context, planned: Sequence[tuple[Delivery, bool]], now: Instant) -> int:
    """Hold what was planned at this instant if it is too much at once; how many are held.

    Called in the transaction that planned it, so that nothing is sent in between. What earlier transactions of the
    same instant planned counts with it, and is held with it where it hasn't left yet.
    """
    mine = [(d, by_event) for d, by_event in planned if d.verb in REACHES_CLIENT and not d.dry]
    if len(mine) == 0:
        return 0
    counts: Counter[tuple[str, bool]] = Counter((d.rule_id, by_event) for d, by_event in mine)
    # Whether an event or a moment began those of earlier transactions isn't asked again: they count for both.
    before = [d for d in tx.deliveries.planned_at(now) if d.id not in {own.id for own, _ in mine}]
    of_rule = Counter(d.rule_id for d in before)
    in_all = len(mine) + len(before)
    flooded = _flooded(context.policy.flood, counts, of_rule)
    doubt, whole = why_doubted(tx), in_all > context.policy.flood.in_all
    of_rule.update(d.rule_id for d, _ in mine)
    held = []
    for delivery in (*before, *(d for d, _ in mine)):
        reason = doubt or why_begun_in_doubt(tx, delivery.run_id)
        if reason is None and (whole or delivery.rule_id in flooded):
            reason = f"{in_all if whole else of_rule[delivery.rule_id]} at once"
        if reason is not None and _hold(tx, context, delivery, reason, now):
            held.append((delivery, reason))
    if held:
        _tell(tx, held, in_all, now)
    return len(held)


def hold_doubtful(tx: Tx, context: Context, planned: Sequence[tuple[Delivery, bool]], now: Instant) -> None:
    """Hold the next effects of runs that began in a look after something odd, where nothing reached the client yet."""
    held = []
    for delivery, _ in planned:
        reason = None if delivery.dry else why_begun_in_doubt(tx, delivery.run_id)
        if reason is not None and delivery.verb in REACHES_CLIENT and _hold(tx, context, delivery, reason, now):
            held.append((delivery, reason))
    if held:
        _tell(tx, held, len(held), now)


def _hold(tx: Tx, context: Context, delivery: Delivery, why: str, now: Instant) -> bool:
    waits = replace(
        delivery,
        state=DeliveryState.HELD,
        hold=Hold.FLOOD,
        due_at=_answered_by(tx, context, delivery, now),
        reason=f"{why}: held for you",
    )
    return tx.deliveries.update(waits, expect=[DeliveryState.READY])


def _flooded(limits: Flood, counts: Mapping[tuple[str, bool], int], of_rule: Mapping[str, int]) -> set[str]:
    """The rules that planned too much."""
    return {
        rule_id
        for (rule_id, by_event), count in counts.items()
        if count + of_rule.get(rule_id, 0) > (limits.by_events if by_event else limits.by_moments)
    }


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


def _tell(tx: Tx, held: Sequence[tuple[Delivery, str]], in_all: int, now: Instant) -> None:
    rules = ", ".join(sorted({delivery.rule_id for delivery, _ in held}))
    reasons = "; ".join(sorted({why for _, why in held}))
    log.warning("flood.held", count=len(held), in_all=in_all, rules=rules, reason=reasons)
    count = f"{len(held)} message" if len(held) == 1 else f"{len(held)} messages"
    tx.control.notice(
        now,
        f"{count} held for you: {reasons}",
        f"Rules: {rules}. Nothing of them was sent. Look at `selftimer deliveries --state held`, then approve or skip.",
        key=f"flood:{now}:{rules}",
    )
