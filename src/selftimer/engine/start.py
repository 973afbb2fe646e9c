"""Take a workspace over at a start: fence older processes, settle what they left, trust nothing that was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from selftimer.engine.doubt import look_away
from selftimer.engine.memory import forgotten, merge, told
from selftimer.plan.attempt import orphaned
from selftimer.plan.state import DeliveryState
from selftimer.ports import Pause

if TYPE_CHECKING:
    from selftimer.engine.context import Context
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)


async def take_over(context: Context) -> None:
    """A new epoch; `in_flight` rows of older ones are unknown at once; the send journal is compared and merged."""
    lines = told(context.store.journal.entries())

    def start(tx: Tx) -> tuple[int, int]:
        epoch = tx.control.next_epoch()
        flying = tx.deliveries.in_state(DeliveryState.IN_FLIGHT)
        for delivery in flying:
            tx.deliveries.update(orphaned(delivery, context.policy), expect=[DeliveryState.IN_FLIGHT])
        tx.deliveries.adopt_orphans(epoch, context.clock.now())
        look_away(tx, context, context.clock.now())
        lost = forgotten(tx, lines)
        if lost:
            merge(tx, context, lost)
            _hold(tx, context, len(lost))
        return epoch, len(flying)

    context.crash_point("start.before")
    context.epoch, orphans = await context.store.write(start)
    context.crash_point("start.taken_over")
    log.info("service.started", epoch=context.epoch, orphans=orphans)


def _hold(tx: Tx, context: Context, count: int) -> None:
    """The journal knows sends that the database doesn't: a restored backup or a lost database. Nothing is sent."""
    now = context.clock.now()
    why = f"the send journal knows {count} sends that the database has forgotten (a restored backup?)"
    tx.control.put_pause(Pause(scope="all", id="", since=now, why=why))
    tx.control.notice(
        now,
        "Selftimer started held",
        f"{why}. They are noted and won't be sent again. Nothing is sent until you say `selftimer resume`; "
        "look through `selftimer deliveries` first.",
        key=f"forgotten:{now}",
    )
    log.warning("service.held", reason="the send journal knows more than the database", sends=count)
