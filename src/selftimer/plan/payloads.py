"""What coupons, leads and webhooks are made of: the values of a step as what goes out, and in words for people."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.facts.coupon import Coupon
from selftimer.primitives.money import Money, MoneyError
from selftimer.primitives.time import move, start_of_day
from selftimer.render.format import format_money
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.expression_eval import plain
from selftimer.rulebook.template import MissingWord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.facts.world import StudioFacts
    from selftimer.rulebook.model import CouponStep, LeadStep, WebhookStep
    from selftimer.rulebook.scope import Scope

MAX_CODE = 50
MAX_VALUES = 32_000
"""Characters of all values of a webhook together."""


def coupon_payload(step: CouponStep, scope: Scope) -> tuple[str, dict[str, Any]]:
    """A coupon in words, and as `POST /coupons` has it (studio-api.md, Coupons and gift cards).

    `ConditionError` for a code or a discount that can't be.
    """
    code = step.code.render(scope).strip()
    if not code or len(code) > MAX_CODE or any(sign.isspace() for sign in code):
        raise ConditionError("code", f"{code[:MAX_CODE]!r} can't be a coupon's code: 1 to {MAX_CODE} signs, no blanks")
    body: dict[str, Any] = {"code": code, **_discount(step.discount.value(scope), scope.studio.currency)}
    body["usage_limit"] = step.uses
    expires = None
    if step.expires is not None:
        expires = _end_of_day(
            move(scope.now, step.expires, 1, scope.studio.zone, is_working=scope.world.is_working_day), scope
        )
        body["expires_at"] = expires.format_iso(unit="microsecond")
    said = f"coupon {code}: {discount_in_words(body, scope.studio)}, {step.uses} use{'s' * (step.uses != 1)}"
    return said + (f", for {step.expires}" if step.expires is not None else ""), body


def _end_of_day(instant: Instant, scope: Scope) -> Instant:
    """A coupon that runs until a day can be used on that day."""
    tomorrow = instant.to_tz(scope.studio.zone).date().add(days=1)
    return start_of_day(tomorrow, scope.studio.zone).subtract(seconds=1)


def _discount(value: object, currency: str) -> dict[str, Any]:
    if isinstance(value, Money):
        if value.currency != currency:
            raise ConditionError("discount", f"{value} is no amount in {currency.upper()}")
        return {"discount_type": "fixed_amount", "discount_value": value.minor}
    text = str(value).strip()
    try:
        if text.endswith("%"):
            number = Decimal(text.removesuffix("%").strip())
            if number == number.to_integral_value() and 1 <= number <= 100:
                return {"discount_type": "percentage", "discount_value": int(number)}
        elif (minor := Money.from_main(text, currency).minor) > 0:
            return {"discount_type": "fixed_amount", "discount_value": minor}
    except (InvalidOperation, MoneyError, ArithmeticError) as error:
        raise ConditionError("discount", f"{text[:40]!r} is neither a percentage nor an amount") from error
    raise ConditionError("discount", f"{text[:40]!r} is no discount: 1% to 100%, or an amount above zero")


def discount_in_words(body: Mapping[str, Any], studio: StudioFacts) -> str:
    """`10%`, `€20.00`."""
    if body["discount_type"] == "percentage":
        return f"{body['discount_value']}%"
    return format_money(Money(int(body["discount_value"]), studio.currency), studio.locale)


def coupon_of(body: Mapping[str, Any], studio: StudioFacts) -> Coupon:
    """The coupon of a payload, as later steps speak of it (21)."""
    expires = body.get("expires_at")
    return Coupon(
        code=str(body["code"]),
        discount=discount_in_words(body, studio),
        uses=int(body["usage_limit"]),
        expires_at=Instant.parse_iso(expires) if expires is not None else None,
    )


def lead_payload(step: LeadStep, scope: Scope) -> tuple[str, dict[str, Any]]:
    """A lead in words, and as `POST /clients/` has it. A field whose value is missing is left out, but for the address.

    `MissingWord` for a missing address, `ConditionError` for one that is none.
    """
    fields: dict[str, Any] = {}
    for name, text in step.set.items():
        try:
            fields[name] = str(text.render(scope)).strip()
        except MissingWord:
            if name == "email":
                raise
    address = fields.get("email", "")
    if address.count("@") != 1 or address[0] == "@" or address[-1] == "@" or any(sign.isspace() for sign in address):
        raise ConditionError("email", "what it is set to is no address")
    listed = "\n".join(f"{name}: {value}" for name, value in fields.items() if value)
    return listed, {**{name: value for name, value in fields.items() if value}, "type": "lead"}


def webhook_payload(step: WebhookStep, scope: Scope) -> tuple[str, dict[str, Any]]:
    """The values that a webhook tells, in words and as data. `ConditionError` for more than 32,000 characters."""
    values = {name: plain(text.value(scope)) for name, text in step.values.items()}
    listed = "\n".join(f"{name}: {value}" for name, value in values.items())
    if len(listed) > MAX_VALUES:
        raise ConditionError("with", f"is longer than {MAX_VALUES:,} characters")
    return f"{step.name}\n{listed}".strip(), {"webhook": step.name, "values": values}
