"""Coupons and gift cards (studio-api.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.primitives.ids import CouponId
from selftimer.sandbox import views
from selftimer.sandbox.http import Answer, Call, Fields, Refused, body_of, found, page_of, shape4
from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.model import Coupon
from selftimer.sandbox.money_words import formatted
from selftimer.sandbox.routing import Route

if TYPE_CHECKING:
    from selftimer.sandbox.model import GiftCard
    from selftimer.sandbox.studio import Studio


def coupon_status(world: Studio, row: Coupon) -> str:
    """active, disabled, expired or exhausted."""
    if row.disabled:
        return "disabled"
    if row.expires_at is not None and row.expires_at <= world.now:
        return "expired"
    if row.usage_limit is not None and row.usage_count >= row.usage_limit:
        return "exhausted"
    return "active"


def coupon_view(world: Studio, row: Coupon) -> dict[str, Any]:
    """A coupon."""
    return {
        "id": row.id,
        "code": row.code,
        "discount_type": row.discount_type,
        "discount_value": row.value,
        "status": coupon_status(world, row),
        "usage_count": row.usage_count,
        "usage_limit": row.usage_limit,
        "minimum_order_amount": row.minimum_order_amount,
        "expires_at": views.optional(row.expires_at),
        "description": row.description or None,
        "created_at": stamp(row.created_at),
    }


def coupons(call: Call) -> Answer:
    """Coupons, newest first; `filter` takes active, disabled, expired, all."""
    wanted = call.query.get("filter", "all")
    world = call.world
    rows = [row for row in world.tables.coupons.newest() if wanted in {"all", coupon_status(world, row)}]
    page = page_of(call, rows)
    data = [coupon_view(world, row) for row in page.rows]
    return Answer({"data": data, "meta": page.meta(), "links": page.links("/coupons")})


def coupon(call: Call) -> Answer:
    """One coupon."""
    row = found(call.world.tables.coupons, CouponId, call.params["id"], "resource_not_found")
    return Answer({"data": coupon_view(call.world, row)})


def create_coupon(call: Call) -> Answer:
    """A coupon; a code that is taken is a conflict, which makes the call safe to settle by its code."""
    body = body_of(call)
    fields = Fields(body)
    code = fields.text("code", required=True, limit=50)
    kind = fields.text("discount_type", required=True)
    if kind not in {"percentage", "fixed_amount"}:
        fields.fault("discount_type", "The selected discount_type is invalid.")
    value = fields.number("discount_value", least=1)
    if kind == "percentage" and value > 100:
        fields.fault("discount_value", "The discount_value field must not be greater than 100.")
    limit = fields.number("usage_limit", least=1, default=1) if body.get("usage_limit") is not None else None
    expires = None
    if body.get("expires_at") is not None:
        try:
            expires = Instant.parse_iso(fields.text("expires_at"))
        except ValueError:
            fields.fault("expires_at", "The expires_at field must be a timestamp.")
    fields.check(lambda wrong: shape4("The coupon could not be saved.", wrong))
    world = call.world
    if any(row.code.lower() == code.lower() for row in world.tables.coupons):
        taken = {"error": "Conflict", "message": "The code has been taken.", "details": {"code": ["Taken."]}}
        raise Refused(409, taken)
    row = world.tables.coupons.add(
        Coupon(
            id=world.new_id(CouponId, code),
            created_at=world.now,
            code=code,
            discount_type=kind,
            value=value,
            expires_at=expires,
            usage_limit=limit,
            minimum_order_amount=fields.number("minimum_order_amount", default=0),
            description=fields.text("description"),
        )
    )
    world.changed()
    if expires is not None:
        world.at(expires, row.id, "runs_out", code)
    world.tell("bot_coupon", "", f"The bot makes the coupon {code}")
    call.wrote("coupon", row.id, content=body)
    return Answer({"data": coupon_view(world, row)}, 201)


def disable_coupon(call: Call) -> Answer:
    """Switch a coupon off."""
    world = call.world
    row = found(world.tables.coupons, CouponId, call.params["id"], "resource_not_found")
    row.disabled = True
    world.tables.coupons.touch(row.id)
    world.changed()
    call.wrote("coupon_update", row.id)
    return Answer({"data": coupon_view(world, row)})


def coupon_activity(call: Call) -> Answer:
    """Uses of a coupon; nobody uses them in the sandbox yet."""
    found(call.world.tables.coupons, CouponId, call.params["id"], "resource_not_found")
    return Answer({"data": [], "meta": {"current_page": 1, "total": 0}})


def gift_cards(call: Call) -> Answer:
    """Gift cards, newest first; `status` takes active, redeemed, expired, all."""
    wanted = call.query.get("status", "all")
    world = call.world
    rows = [row for row in world.tables.gift_cards.newest() if wanted in {"all", _card_status(world, row)}]
    page = page_of(call, rows)
    data = [_card(world, row) for row in page.rows]
    return Answer({"data": data, "meta": page.meta(), "links": page.links("/gift_cards")})


def _card_status(world: Studio, row: GiftCard) -> str:
    if row.expires_at <= world.now:
        return "expired"
    return "active" if row.balance else "redeemed"


def _card(world: Studio, row: GiftCard) -> dict[str, Any]:
    currency = world.profile.currency
    return {
        "id": row.id,
        "code": row.code,
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, currency),
        "balance": row.balance,
        "balance_formatted": formatted(row.balance, currency),
        "currency": currency,
        "status": _card_status(world, row),
        "expires_at": stamp(row.expires_at),
        "purchased_by": row.purchased_by,
        "created_at": stamp(row.created_at),
    }


ROUTES = (
    Route("GET", "/coupons", coupons),
    Route("POST", "/coupons", create_coupon),
    Route("GET", "/coupons/{id}/", coupon),
    Route("PUT", "/coupons/{id}/disable", disable_coupon),
    Route("GET", "/coupons/{id}/activity", coupon_activity),
    Route("GET", "/gift_cards", gift_cards),
)
