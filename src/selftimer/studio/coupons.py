"""Coupons and gift cards (studio-api.md, Coupons and gift cards: documented)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.studio.calls import Group, call
from selftimer.studio.models.billing import Coupon, CouponUse, GiftCard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.studio.models.billing import CouponFilter, GiftCardFilter
    from selftimer.studio.stream import Stream


class Coupons(Group):
    """Requests on `/coupons`."""

    @call("coupon.list")
    def list(self, which: CouponFilter = "all") -> Stream[Coupon]:
        """`GET /coupons` (documented), newest first: the active, disabled or expired ones, or all."""
        return self._list("coupon.list", Coupon, {"filter": which})

    @call("coupon.get")
    async def get(self, coupon_id: str) -> Coupon:
        """`GET /coupons/{id}/` (documented)."""
        return await self._get("coupon.get", Coupon, id=coupon_id)

    @call("coupon.list")
    async def find(self, code: str) -> Coupon | None:
        """The coupon with this code, whatever its case, looked for through the list; None where there is none."""
        async with self.list() as coupons:
            async for coupon in coupons:
                if coupon.code.casefold() == code.casefold():
                    return coupon
        return None

    @call("coupon.create")
    async def create(self, fields: Mapping[str, Any]) -> Coupon:
        """`POST /coupons` (documented), once; a taken code is `Conflict` (409) or `Refused` (422).

        Fields: code, discount_type (percentage, fixed_amount), discount_value, usage_limit, minimum_order_amount,
        expires_at, description.
        """
        return await self._put("coupon.create", Coupon, fields)

    @call("coupon.update")
    async def update(self, coupon_id: str, fields: Mapping[str, Any]) -> Coupon:
        """`PUT /coupons/{id}` (documented), once, with those fields."""
        return await self._put("coupon.update", Coupon, fields, id=coupon_id)

    @call("coupon.delete")
    async def delete(self, coupon_id: str) -> None:
        """`DELETE /coupons/{id}` (documented), once."""
        await self._write("coupon.delete", id=coupon_id)

    @call("coupon.disable")
    async def disable(self, coupon_id: str) -> Coupon:
        """`PUT /coupons/{id}/disable` (documented): nobody can use it any more."""
        return await self._put("coupon.disable", Coupon, {}, id=coupon_id)

    @call("coupon.activity")
    def activity(self, coupon_id: str) -> Stream[CouponUse]:
        """`GET /coupons/{id}/activity` (documented): its uses."""
        return self._list("coupon.activity", CouponUse, id=coupon_id)


class GiftCards(Group):
    """Requests on `/gift_cards`."""

    @call("gift_card.list")
    def list(self, status: GiftCardFilter = "all") -> Stream[GiftCard]:
        """`GET /gift_cards` (documented), newest first: the active, redeemed or expired ones, or all."""
        return self._list("gift_card.list", GiftCard, {"status": status})
