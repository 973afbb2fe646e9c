"""A limit on the blast radius: more effects at once than is usual are held, and the owner is asked (delivery.md §3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from selftimer.plan.state import REACHES_CLIENT, Delivery, DeliveryState, Hold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)


def hold_flood(tx: Tx, context: Context, planned: Sequence[tuple[Delivery, bool]], now: Instant) -> int:
    """Hold what was planned at this instant if it is too much at once; how many are held.

    Called in the transaction that planned it, so that nothing is sent in between. What earlier transactions of the
    same instant planned counts with it, and is held with it where it hasn't left yet.
    """
    limits = context.policy.flood
    mine = [(d, by_event) for d, by_event in planned if d.verb in REACHES_CLIENT and not d.dry]
    if len(mine) == 0:
        return 0
    counts: Counter[tuple[str, bool]] = Counter((d.rule_id, by_event) for d, by_event in mine)
    # Whether an event or a moment began those of earlier transactions isn't asked again: they count for both.
    before = [d for d in tx.deliveries.planned_at(now) if d.id not in {own.id for own, _ in mine}]
    of_rule = Counter(d.rule_id for d in before)
    in_all = len(mine) + len(before)
    flooded = set()
    for (rule_id, by_event), count in counts.items():
        if count + of_rule[rule_id] > (limits.by_events if by_event else limits.by_moments):
            flooded.add(rule_id)
    held = []
    for delivery in (*before, *(d for d, _ in mine)):
        if delivery.rule_id not in flooded and in_all <= limits.in_all:
            continue
        waits = replace(
            delivery,
            state=DeliveryState.HELD,
            hold=Hold.FLOOD,
            due_at=now.add(hours=24 * context.policy.approval_days),
            reason=f"{in_all if in_all > limits.in_all else counts.total()} at once: held for you",
        )
        if tx.deliveries.update(waits, expect=[DeliveryState.READY]):
            held.append(delivery)
    if held:
        _tell(tx, held, in_all, now)
    return len(held)


def _tell(tx: Tx, held: list[Delivery], in_all: int, now: Instant) -> None:
    rules = ", ".join(sorted({d.rule_id for d in held}))
    log.warning("flood.held", count=len(held), in_all=in_all, rules=rules)
    tx.control.notice(
        now,
        f"{len(held)} messages at once are held",
        f"Rules: {rules}. Nothing of them was sent. Look at `selftimer deliveries --state held`, then approve or skip.",
        key=f"flood:{now}:{rules}",
    )
