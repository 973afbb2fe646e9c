"""Whether an effect fits into its sliding windows, counted in the transaction that would send it (delivery.md §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.plan.limits import windows
from selftimer.plan.state import REACHES_CLIENT
from selftimer.ports import Cap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.plan.policy import Caps
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx

_VERBS = frozenset(verb.value for verb in REACHES_CLIENT)


def full_until(
    tx: Tx, delivery: Delivery, caps: Caps, limits: Mapping[str, int], now: Instant
) -> tuple[Instant, str] | None:
    """When the first window that is full lets one more through, and which it is; None where there is room in all."""
    asked = [
        (
            window,
            Cap(
                since=window.since,
                rule_id=window.rule_id,
                client_id=window.client_id,
                purpose=window.purpose,
                verbs=_VERBS,
            ),
        )
        for window in windows(delivery, caps, now, limits)
    ]
    counts = tx.deliveries.counts([cap for _, cap in asked])
    for (window, cap), count in zip(asked, counts, strict=True):
        if count >= window.most:
            oldest = tx.deliveries.earliest(cap) or now
            return oldest.add(seconds=window.seconds + 1), f"capped: {window.most} {window.what}"
    return None
