"""The breaker: too much trouble with effects on clients stops all sending until a person resets it (delivery.md §3).

Open, it is a pause of its own: it outlives restarts, `status` shows it, and `late` runs as in any pause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from whenever import Instant

from selftimer.plan.breaker import Trouble
from selftimer.plan.state import REACHES_CLIENT
from selftimer.ports import Pause

if TYPE_CHECKING:
    from selftimer.engine.context import Context
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
SCOPE = "breaker"
"""Of its pause."""
_COUNT = "breaker"


def count_outcome(tx: Tx, context: Context, delivery: Delivery, now: Instant) -> None:
    """Count what came of an attempt, in the transaction that writes it down; open the breaker if it is too much."""
    if delivery.verb not in REACHES_CLIENT or delivery.dry:
        return
    before = _count(tx)
    trouble = before.with_outcome(delivery.state, now)
    if trouble == before:
        return
    tx.control.put(_COUNT, {"unknown": [at.format_iso() for at in trouble.unknown], "failures": trouble.failures})
    why = trouble.too_much(context.policy.breaker)
    if why is None or any(pause.scope == SCOPE for pause in tx.control.pauses()):
        return
    tx.control.put_pause(Pause(scope=SCOPE, id="", since=now, why=why))
    log.error("breaker.opened", reason=why)
    tx.control.notice(
        now,
        "Nothing is sent any more: the breaker is open",
        f"{why}. Look at `selftimer deliveries` and into the studio; `selftimer resume breaker` lets sending go on. "
        "What falls due meanwhile waits, and may become too late.",
        key=f"breaker:{now}",
    )


def reset(tx: Tx) -> None:
    """Begin to count anew."""
    tx.control.put(_COUNT, None)


def _count(tx: Tx) -> Trouble:
    said = tx.control.get(_COUNT) or {"unknown": [], "failures": 0}
    return Trouble(unknown=tuple(map(Instant.parse_iso, said["unknown"])), failures=said["failures"])
