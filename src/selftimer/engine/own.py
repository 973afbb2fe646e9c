"""Values that Selftimer itself set: seeing them come back is no event (rule-language.md, Exact meaning 20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.plan.state import DeliveryState, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.facts.records import Record
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx


def remember_values(tx: Tx, delivery: Delivery) -> None:
    """Keep what an update set, and when, beside what earlier ones did."""
    if (
        delivery.verb is not Verb.UPDATE
        or delivery.state is not DeliveryState.SENT
        or not delivery.body
        or delivery.dry
    ):
        return
    at = (delivery.intent_at or delivery.planned_at).format_iso()
    wrote = {name: {"value": value, "at": at} for name, value in delivery.body.get("set", {}).items()}
    tx.control.put(written_as(delivery.client_id or ""), {**_written(tx, delivery.client_id or ""), **wrote})


def is_own(tx: Tx, client_id: str, changed: Iterable[str], after: Record, *, since: Instant) -> bool:
    """Whether every value that changed is one that we set, after `since`: when the version before was first seen."""
    wrote = _written(tx, client_id)
    return all(
        name in wrote
        and wrote[name]["value"] == getattr(after, name, None)
        and Instant.parse_iso(wrote[name]["at"]) >= since
        for name in changed
    )


def _written(tx: Tx, client_id: str) -> dict[str, Any]:
    found = tx.control.get(written_as(client_id))
    if not isinstance(found, dict):
        return {}
    return {name: what for name, what in found.items() if isinstance(what, dict)}


def written_as(client_id: str) -> str:
    """The name that the store keeps a client's values by."""
    return f"wrote:{client_id}"
