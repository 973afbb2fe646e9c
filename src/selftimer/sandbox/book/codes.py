"""Codes that clients pay with: coupons, which make an order cheaper, and gift cards, which hold money.

How a coupon works on an invoice is inferred: one coupon an invoice, off the total with tax, never more than is open.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from selftimer.primitives.ids import CouponActivityId
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.model import CouponUse
from selftimer.sandbox.money_words import formatted
from selftimer.sandbox.rounding import percent_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whenever import Instant

    from selftimer.sandbox.model import Coupon, GiftCard, Invoice
    from selftimer.sandbox.studio import Studio


def same_code(one: str, other: str) -> bool:
    """Whether two codes are one: neither case nor spaces around it count, since people type them."""
    return one.strip().casefold() == other.strip().casefold()


def coupon_named(world: Studio, code: str) -> Coupon | None:
    """The coupon with that code."""
    return next((row for row in world.tables.coupons if same_code(row.code, code)), None)


def usable_coupon(world: Studio, invoice: Invoice, code: str) -> Coupon:
    """The coupon with that code, if it may be used on the invoice now; else `DeedError` says why not."""
    row = coupon_named(world, code)
    if row is None:
        raise DeedError("coupon_not_found", f"There is no coupon with the code {code.strip()}.")
    if invoice.coupon_id is not None:
        raise DeedError("coupon_used_already", f"The coupon {invoice.coupon_code} has been used on this invoice.")
    match row.status_at(world.now):
        case "disabled":
            raise DeedError("coupon_disabled", f"The coupon {row.code} is no longer valid.")
        case "expired":
            assert row.expires_at is not None
            raise DeedError("coupon_expired", f"The coupon {row.code} ran out on {_day(world, row.expires_at)}.")
        case "exhausted":
            raise DeedError("coupon_exhausted", f"The coupon {row.code} has been used as often as it may be.")
        case "active":
            pass
    own = world.profile.currency
    in_money = row.discount_type == "fixed_amount" or row.minimum_order_amount > 0
    if in_money and invoice.currency != own:
        raise DeedError("coupon_currency", f"The coupon {row.code} is for invoices in {own.upper()}.")
    if invoice.amount < row.minimum_order_amount:
        least, amount = (formatted(value, own) for value in (row.minimum_order_amount, invoice.amount))
        message = f"The coupon {row.code} is for orders of {least} or more; this one is over {amount}."
        raise DeedError("coupon_minimum", message)
    return row


def discount_of(coupon: Coupon, invoice: Invoice) -> int:
    """What the coupon takes off the invoice: never more than is open."""
    by_share = coupon.discount_type == "percentage"
    off = percent_of(invoice.amount, Decimal(coupon.value)) if by_share else coupon.value
    return min(off, invoice.balance - invoice.pending)


def use_coupon(world: Studio, invoice: Invoice, coupon: Coupon) -> None:
    """Take the discount off the invoice, and note the use."""
    use = CouponUse(
        id=world.new_id(CouponActivityId, coupon.id, invoice.id),
        created_at=world.now,
        client_id=invoice.client_id,
        coupon_id=coupon.id,
        invoice_id=invoice.id,
        order_amount=invoice.amount,
        discount=discount_of(coupon, invoice),
        currency=invoice.currency,
    )
    invoice.discount += use.discount
    invoice.coupon_id, invoice.coupon_code = coupon.id, coupon.code
    coupon.usage_count += 1
    world.tables.coupon_uses.add(use)
    world.tables.coupons.touch(coupon.id)
    world.changed()
    off = formatted(use.discount, use.currency)
    world.tell("coupon_used", invoice.client_id, f"{{name}} uses the coupon {coupon.code}: {off} off {invoice.number}")


def uses_of(world: Studio, coupon: Coupon) -> list[CouponUse]:
    """The uses of a coupon, newest first."""
    return world.tables.coupon_uses.select(coupon.id, lambda use: use.coupon_id == coupon.id)


def usable_card(world: Studio, invoice: Invoice, code: str) -> GiftCard:
    """The gift card with that code, if there is money on it for this invoice; else `DeedError` says why not."""
    cards: Iterable[GiftCard] = world.tables.gift_cards
    row = next((card for card in cards if same_code(card.code, code)), None)
    if row is None:
        raise DeedError("gift_card_not_found", f"There is no gift card with the code {code.strip()}.")
    status = row.status_at(world.now)
    if status == "redeemed":
        raise DeedError("gift_card_redeemed", f"Nothing is left on the gift card {row.code}.")
    if status == "expired":
        raise DeedError("gift_card_expired", f"The gift card {row.code} ran out on {_day(world, row.expires_at)}.")
    if invoice.currency != world.profile.currency:
        currency = world.profile.currency.upper()
        raise DeedError("gift_card_currency", f"The gift card {row.code} is for invoices in {currency}.")
    return row


def move_balance(world: Studio, card: GiftCard, amount: int) -> None:
    """Money goes onto the card, or, below zero, off it."""
    card.balance += amount
    world.tables.gift_cards.touch(card.id)
    world.changed()
    left = formatted(card.balance, world.profile.currency)
    world.tell("gift_card", card.client_id, f"{left} left on the gift card {card.code}")


def _day(world: Studio, instant: Instant) -> str:
    return str(instant.to_tz(world.profile.zone).date())
