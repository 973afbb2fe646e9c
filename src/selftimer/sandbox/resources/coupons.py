"""Coupons and gift cards (studio-api.md, Coupons and gift cards: documented).

The rows of a coupon's activity are inferred. Coupons and cards are used where a client pays: `sandbox/book/codes.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.primitives.ids import CouponId
from selftimer.sandbox import views_money as views
from selftimer.sandbox.book import codes
from selftimer.sandbox.http import MAX_NUMBER, Answer, Call, Fields, Refused, body_of, found, invalid, page_of, shape4
from selftimer.sandbox.model import Coupon, DiscountType, GiftCardStatus
from selftimer.sandbox.resources.invoices import PAGE
from selftimer.sandbox.routing import Param, Route
from selftimer.sandbox.view_types import Moment

if TYPE_CHECKING:
    from collections.abc import Mapping

CouponFilter = Literal["active", "disabled", "expired", "all"]
CardFilter = GiftCardStatus | Literal["all"]
_COUPON_FILTERS = ("active", "disabled", "expired", "all")
_CARD_FILTERS = ("active", "redeemed", "expired", "all")
_LONGEST_CODE = 50

Code = Annotated[str, Field(pattern=r"\S", max_length=_LONGEST_CODE)]
Value = Annotated[int, Field(ge=1, le=MAX_NUMBER)]


class CouponChanges(TypedDict, total=False):
    """What can be changed of a coupon; null takes a limit away. A percentage goes up to 100."""

    code: Code
    discount_type: DiscountType
    discount_value: Value
    usage_limit: Value | None
    minimum_order_amount: Annotated[int, Field(ge=0, le=MAX_NUMBER)]
    expires_at: Moment | None
    description: str | None


class _NewCoupon(TypedDict):
    code: Code
    usage_limit: NotRequired[Value | None]
    minimum_order_amount: NotRequired[Annotated[int, Field(ge=0, le=MAX_NUMBER)]]
    expires_at: NotRequired[Moment | None]
    description: NotRequired[str | None]


class PercentageCoupon(_NewCoupon):
    """A new coupon that takes a percentage off."""

    discount_type: Literal["percentage"]
    discount_value: Annotated[int, Field(ge=1, le=100)]


class AmountCoupon(_NewCoupon):
    """A new coupon that takes an amount off, in the smallest unit of the studio's currency."""

    discount_type: Literal["fixed_amount"]
    discount_value: Value


CouponBody = Annotated[PercentageCoupon | AmountCoupon, Field(discriminator="discount_type")]


def listing(call: Call) -> Answer:
    """Coupons, newest first; `filter` takes active, disabled, expired, all (the exhausted are in all only)."""
    wanted = _choice(call, "filter", _COUPON_FILTERS)
    world = call.world
    rows = [row for row in world.tables.coupons.newest() if wanted in {"all", row.status_at(world.now)}]
    page = page_of(call, rows)
    data = [views.coupon(world, row) for row in page.rows]
    return Answer({"data": data, "meta": page.meta(), "links": page.links("/coupons")})


def _choice(call: Call, name: str, choices: tuple[str, ...]) -> str:
    wanted = call.query.get(name, "all")
    if wanted not in choices:
        raise invalid({name: [f"The {name} parameter must be one of {', '.join(choices)}."]})
    return wanted


def _one(call: Call) -> Coupon:
    return found(call.world.tables.coupons, CouponId, call.params["id"], "resource_not_found")


def detail(call: Call) -> Answer:
    """One coupon."""
    return Answer({"data": views.coupon(call.world, _one(call))})


def _read(call: Call, body: Mapping[str, Any], row: Coupon | None) -> dict[str, Any]:
    """The coupon's fields that a body names (all of them for a new one), checked, by their names in the books."""
    fields = Fields(body)
    named: dict[str, Any] = {}
    if row is None or "code" in body:
        named["code"] = fields.text("code", required=True, limit=_LONGEST_CODE).strip()
    if row is None or "discount_type" in body:
        named["discount_type"] = fields.text("discount_type", required=True)
        if named["discount_type"] not in {"percentage", "fixed_amount"}:
            fields.fault("discount_type", "The selected discount_type is invalid.")
    if row is None or "discount_value" in body:
        named["value"] = fields.number("discount_value", least=1)
    kind = named.get("discount_type", row.discount_type if row else "")
    if kind == "percentage" and named.get("value", row.value if row else 0) > 100:
        fields.fault("discount_value", "The discount_value field must not be greater than 100.")
    if "usage_limit" in body:
        limit = body["usage_limit"]
        named["usage_limit"] = None if limit is None else fields.number("usage_limit", least=1)
    if "minimum_order_amount" in body:
        named["minimum_order_amount"] = fields.number("minimum_order_amount")
    if "expires_at" in body:
        named["expires_at"] = fields.instant("expires_at")
    if "description" in body:
        named["description"] = fields.text("description")
    fields.check(_refuse)
    _check_free(call, named.get("code"), row)
    return named


def _refuse(wrong: Mapping[str, list[str]]) -> Refused:
    return shape4("The coupon could not be saved.", wrong)


def _check_free(call: Call, code: str | None, row: Coupon | None) -> None:
    """A code that is taken is a conflict, which makes the call safe to settle by its code."""
    taken = codes.coupon_named(call.world, code) if code is not None else None
    if taken is not None and taken is not row:
        raise Refused(409, _refuse({"code": ["The code has already been taken."]}).body)


def create(call: Call) -> Answer:
    """A coupon."""
    body = body_of(call)
    named = _read(call, body, None)
    world, code = call.world, named["code"]
    row = Coupon(id=world.new_id(CouponId, code), created_at=world.now, **named)
    world.tables.coupons.add(row)
    world.changed()
    _let_run_out(call, row)
    world.tell("bot_coupon", "", f"The bot makes the coupon {code}")
    call.wrote("coupon", row.id, content=body)
    return Answer({"data": views.coupon(world, row)}, 201)


def update(call: Call) -> Answer:
    """Fields of the coupon; what isn't named stays, and how often it was used can't be changed."""
    row, body = _one(call), body_of(call)
    named = _read(call, body, row)
    for name, value in named.items():
        setattr(row, name, value)
    call.world.tables.coupons.touch(row.id)
    call.world.changed()
    if "expires_at" in named:
        _let_run_out(call, row)
    call.world.tell("bot_coupon", "", f"The bot changes the coupon {row.code}")
    call.wrote("coupon_update", row.id, content=body)
    return Answer({"data": views.coupon(call.world, row)})


def _let_run_out(call: Call, row: Coupon) -> None:
    """Its last moment is news then, unless it gets another one before."""
    if row.expires_at is not None:
        call.world.at(row.expires_at, row.id, "runs_out", row.code)


def delete(call: Call) -> Answer:
    """A coupon is gone, and its code is free; invoices keep what it took off."""
    row = _one(call)
    call.world.tables.coupons.remove(row.id)
    call.world.changed()
    call.world.tell("bot_coupon", "", f"The bot deletes the coupon {row.code}")
    call.wrote("coupon_delete", row.id)
    return Answer(None, 204)


def disable(call: Call) -> Answer:
    """Switch a coupon off; one that is off stays so."""
    row = _one(call)
    row.disabled = True
    call.world.tables.coupons.touch(row.id)
    call.world.changed()
    call.wrote("coupon_update", row.id)
    return Answer({"data": views.coupon(call.world, row)})


def activity(call: Call) -> Answer:
    """Uses of a coupon, newest first."""
    page = page_of(call, codes.uses_of(call.world, _one(call)))
    return Answer({"data": [views.coupon_use(call.world, use) for use in page.rows], "meta": page.meta()})


def gift_cards(call: Call) -> Answer:
    """Gift cards, newest first; `status` takes active, redeemed, expired, all."""
    wanted = _choice(call, "status", _CARD_FILTERS)
    world = call.world
    rows = [row for row in world.tables.gift_cards.newest() if wanted in {"all", row.status_at(world.now)}]
    page = page_of(call, rows)
    data = [views.gift_card(world, row) for row in page.rows]
    return Answer({"data": data, "meta": page.meta(), "links": page.links("/gift_cards")})


ROUTES = (
    Route(
        "GET",
        "/coupons",
        listing,
        query=(*PAGE, Param("filter", CouponFilter)),
        data=list[views.CouponView],
        links=True,
        errors=(422,),
    ),
    Route("POST", "/coupons", create, body=CouponBody, data=views.CouponView, status=201, errors=(400, 409, 422)),
    Route("GET", "/coupons/{id}/", detail, data=views.CouponView, errors=(400, 404)),
    Route("PUT", "/coupons/{id}", update, body=CouponChanges, data=views.CouponView, errors=(400, 404, 409, 422)),
    Route("DELETE", "/coupons/{id}", delete, status=204, errors=(400, 404)),
    Route("PUT", "/coupons/{id}/disable", disable, data=views.CouponView, errors=(400, 404)),
    Route(
        "GET",
        "/coupons/{id}/activity",
        activity,
        query=PAGE,
        data=list[views.CouponUseView],
        errors=(400, 404, 422),
    ),
    Route(
        "GET",
        "/gift_cards",
        gift_cards,
        query=(*PAGE, Param("status", CardFilter)),
        data=list[views.GiftCardView],
        links=True,
        errors=(422,),
    ),
)
