"""Coupons: made once a code, and known by it (delivery.md §1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.channels.outcome import attempt, readable
from selftimer.errors import Conflict, Refused
from selftimer.plan.attempt import NotSent, Outcome, Sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.plan.state import Delivery
    from selftimer.ports import StudioApi

_SAME_DAY = 26
"""Hours that the studio may round an expiry by."""


class CouponChannel:
    """`POST /coupons`. A code that is taken by a coupon with our values is ours, from an attempt that was unclear."""

    guarantee = "idempotent"

    def __init__(self, api: StudioApi) -> None:
        self._api = api

    def needs_reading(self, delivery: Delivery) -> bool:  # noqa: ARG002 - as in Channel
        """Never: the code tells whether it is there."""
        return False

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent:
        """Nothing to add."""
        return delivery

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Make it."""
        body = dict(delivery.body or {})

        async def send() -> Outcome:
            try:
                return _sent(await self._api.create_coupon(body))
            except (Conflict, Refused) as error:
                if isinstance(error, Refused) and "code" not in error.details:
                    raise
            found = await self._api.find_coupon(str(body["code"]))
            if found is not None and _same(found, body):
                return _sent(str(found.get("id")))
            return NotSent(reason=f"the code {body['code']} is taken by another coupon", permanent=True)

        return await attempt(send)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """The coupon with its code, if it is as it was to be made."""
        body = dict(delivery.body or {})

        async def look() -> list[str]:
            found = await self._api.find_coupon(str(body["code"]))
            return [str(found.get("id"))] if found is not None and _same(found, body) else []

        return await readable(look)


def _sent(coupon_id: str) -> Sent:
    return Sent(result_id=coupon_id, result_kind="coupon")


def _same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a coupon takes off the same, as often, until the same day."""
    kind, off, uses = (found.get(name) for name in ("discount_type", "discount_value", "usage_limit"))
    same = (
        kind == wanted["discount_type"] and str(off) == str(wanted["discount_value"]) and uses == wanted["usage_limit"]
    )
    return same and _near(found.get("expires_at"), wanted.get("expires_at"))


def _near(found: object, wanted: str | None) -> bool:
    if wanted is None or not isinstance(found, str):
        return wanted is None and found is None
    try:
        there = Instant.parse_iso(found if "T" in found else f"{found[:10]}T12:00:00Z")
    except ValueError:
        return False
    return abs((there - Instant.parse_iso(wanted)).total("hours")) <= _SAME_DAY
