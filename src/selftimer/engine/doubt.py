"""After something odd, what the first look yields is held for the owner as a flood is (delivery.md §3).

Odd is a long time without a service, another account, a clock that jumped. The doubt is in the database, so that a
restart in the middle of the look doesn't end it; it is over when both lanes have made a whole pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import structlog
from whenever import Instant

from selftimer.plan.state import REACHES_CLIENT, DeliveryState
from selftimer.ports import DOUBT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.engine.context import Context
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
_ALIVE, _PAST = "alive", "doubt.past"
_KEPT = 20
"""Doubts that are remembered for the runs that began in them."""
Lane = Literal["observe", "deliver"]


def begin(tx: Tx, why: str, now: Instant) -> None:
    """Hold what is planned from now on; a doubt that there is already goes on for as long as this one."""
    before = tx.control.get(DOUBT)
    if before is not None and before["why"] != why:
        why = f"{before['why']}; {why}"
    tx.control.put(DOUBT, {"why": why, "since": now.format_iso(), "lanes": ["observe", "deliver"]})
    log.warning("doubt.begun", reason=why)
    tx.control.notice(
        now,
        "What the next look at the studio yields is held for you",
        f"{why[0].upper()}{why[1:]}. Nothing of it is sent before you say so: `selftimer deliveries --state held`, "
        "then approve or skip. After that look everything goes on as always.",
        key=f"doubt:{now}",
    )


def why_doubted(tx: Tx) -> str | None:
    """Why what is planned now is held, if so."""
    said = tx.control.get(DOUBT)
    return None if said is None else str(said["why"])


def why_begun_in_doubt(tx: Tx, run_id: str) -> str | None:
    """Why the next effect of a run is held that began in such a look, if it did.

    It may have waited since. Once something of it has reached the client, or the owner has said yes to it, it goes on.
    """
    now = tx.control.get(DOUBT)
    spans = [*(tx.control.get(_PAST) or ()), *([now] if now else ())]
    run = tx.runs.get(run_id) if spans else None
    if run is None:
        return None
    why = next((str(span["why"]) for span in spans if _within(span, run.begun_at)), None)
    return None if why is None or let_go(tx, run_id) else why


def let_go(tx: Tx, run_id: str) -> bool:
    """Whether something of a run has reached the client, or the owner has said yes to it: then it goes on."""
    return any(_known(delivery) for delivery in tx.deliveries.of_run(run_id))


def _within(span: Mapping[str, Any], at: Instant) -> bool:
    ended = span.get("until")
    return Instant.parse_iso(span["since"]) <= at and (ended is None or at <= Instant.parse_iso(ended))


def _known(delivery: Delivery) -> bool:
    return delivery.approved_at is not None or (
        delivery.state is DeliveryState.SENT and delivery.verb in REACHES_CLIENT
    )


def passed(tx: Tx, lane: Lane, began: Instant) -> None:
    """That lane has done all that was due, in a pass that began then."""
    said = tx.control.get(DOUBT)
    if said is None or began < Instant.parse_iso(said["since"]):
        return
    left = [one for one in said["lanes"] if one != lane]
    if not left:
        log.info("doubt.over", reason=said["why"])
        span = {"why": said["why"], "since": said["since"], "until": began.format_iso()}
        tx.control.put(_PAST, [*(tx.control.get(_PAST) or ()), span][-_KEPT:])
    tx.control.put(DOUBT, {**said, "lanes": left} if left else None)


def nobody_for(hours: float) -> str:
    """The reason that nobody was at work for so long."""
    return f"no service was at work for {round(hours)} hours"


def alive(tx: Tx, now: Instant) -> None:
    """Note that a service is at work."""
    tx.control.put(_ALIVE, now.format_iso())


def look_away(tx: Tx, context: Context, now: Instant) -> None:
    """At a start: whether nobody was at work for too long."""
    said = tx.control.get(_ALIVE)
    hours = 0.0 if said is None else (now - Instant.parse_iso(said)).total("hours")
    if hours > context.policy.away_hours:
        begin(tx, nobody_for(hours), now)
    alive(tx, now)
