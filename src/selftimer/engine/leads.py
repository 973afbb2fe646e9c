"""Two runs that enter somebody with the same address at once make one contact: the second waits and finds the first's.

The address is looked for before each attempt; here the gap between that look and the entry is closed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx


def lead_is_free(tx: Tx, delivery: Delivery, *, since: Instant | None) -> bool:
    """Whether nobody with this address was entered since it was looked for, or may be entered yet."""
    taken: Any = tx.control.get(_name(delivery))
    if not isinstance(taken, dict) or taken.get("delivery") == delivery.id:
        return True
    other = tx.deliveries.get(str(taken.get("delivery")))
    if other is None:
        return True
    unsettled = other.state in {DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN} or other.hold is Hold.EVIDENCE
    return not unsettled and (since is None or Instant.parse_iso(str(taken["at"])) < since)


def may_be_entered(tx: Tx, email: str | None) -> bool:
    """Whether an entry of this address of ours is on its way or unclear: then an event of whoever has it waits (20)."""
    taken: Any = tx.control.get(entered_as(email or ""))
    other = tx.deliveries.get(str(taken.get("delivery"))) if isinstance(taken, dict) else None
    return other is not None and other.state in {DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN}


def take_lead(tx: Tx, delivery: Delivery) -> None:
    """Note who enters this address now; of the address only a digest is kept."""
    at = delivery.intent_at or delivery.planned_at
    tx.control.put(_name(delivery), {"delivery": delivery.id, "at": at.format_iso()})


def _name(delivery: Delivery) -> str:
    return entered_as(str((delivery.body or {}).get("email", "")))


def entered_as(email: str) -> str:
    """The name that the store keeps by who enters an address."""
    return f"lead:{hashlib.blake2b(email.strip().casefold().encode(), digest_size=16).hexdigest()}"
