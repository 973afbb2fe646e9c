"""What keeps effects back for the time being: read in the transaction that claims one and in that which sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.engine.breaker import SCOPE
from selftimer.plan.state import Verb

if TYPE_CHECKING:
    from selftimer.engine.context import Context
    from selftimer.plan.state import Delivery
    from selftimer.ports import Pause, Tx


def why_stopped(tx: Tx, context: Context, delivery: Delivery) -> str | None:
    """Why this one may not be sent now, if so; notes to the owner always may."""
    if delivery.verb is Verb.NOTIFY:
        return None
    by_file = context.stop_file()
    if by_file is not None:
        return by_file
    apart = context.clock_apart()
    if apart is not None:
        return apart.message
    low = context.low_space()
    if low is not None:
        return low
    return next((_said(pause) for pause in tx.control.pauses() if _meant(pause, delivery)), None)


def _meant(pause: Pause, delivery: Delivery) -> bool:
    mine = {"rule": delivery.rule_id, "client": delivery.client_id, "all": pause.id, SCOPE: pause.id}
    return mine.get(pause.scope) == pause.id


def _said(pause: Pause) -> str:
    if pause.scope == SCOPE:
        return f"the breaker is open: {pause.why}"
    return f"paused ({pause.scope}{': ' + pause.id if pause.id else ''})"
