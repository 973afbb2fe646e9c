"""The JSON of invoices, payments, coupons and gift cards, as the API shows it (studio-api.md).

The types are what the calls' description is made of: a member that isn't here doesn't come. Members that are inferred
say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired

from typing_extensions import TypedDict

from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.model import (
    CouponStatus,
    DiscountType,
    GiftCardStatus,
    PaymentMethod,
    PaymentStatus,
)
from selftimer.sandbox.money_words import formatted
from selftimer.sandbox.view_types import Count, Currency, Day, Minor, MinorFromZero, Stamp, closed
from selftimer.sandbox.views import ClientBrief, client_brief, optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.sandbox.model import Coupon, CouponUse, GiftCard, Invoice, InvoiceStatus, LineItem, Payment
    from selftimer.sandbox.profile import InvoiceVocabulary
    from selftimer.sandbox.studio import Studio

InvoiceWord = Literal[
    "Draft",
    "Unpaid",
    "Partially Paid",
    "Past Due",
    "Paid",
    "Canceled",
    "draft",
    "sent",
    "overdue",
    "paid",
    "cancelled",
]
INVOICE_WORDS: dict[InvoiceVocabulary, dict[InvoiceStatus, InvoiceWord]] = {
    "product": {
        "draft": "Draft",
        "unpaid": "Unpaid",
        "partially_paid": "Partially Paid",
        "past_due": "Past Due",
        "paid": "Paid",
        "canceled": "Canceled",
    },
    "reference": {
        "draft": "draft",
        "unpaid": "sent",
        "partially_paid": "sent",
        "past_due": "overdue",
        "paid": "paid",
        "canceled": "cancelled",
    },
}
"""Both vocabularies in use; the reference's has no word for canceled, so contracts' spelling is taken."""
IN_SUMS: tuple[InvoiceStatus, ...] = ("unpaid", "partially_paid", "past_due", "paid")
"""Drafts and canceled invoices aren't billed."""


@closed
class LineItemView(TypedDict):
    """A line of an invoice or quote; `amount` is for one, before tax, `tax_amount` for all of them."""

    id: str
    name: str
    description: str | None
    quantity: Count
    amount: MinorFromZero
    amount_formatted: str
    taxable: bool
    tax_rate: float
    tax_amount: MinorFromZero


@closed
class CardDetails(TypedDict):
    """The card that was charged."""

    last4: str
    brand: str


@closed
class GiftCardDetails(TypedDict):
    """The gift card that paid (inferred)."""

    gift_card_id: str


@closed
class PaymentView(TypedDict):
    """A payment; `amount_refunded` is inferred."""

    id: str
    invoice_id: str
    amount: MinorFromZero
    amount_formatted: str
    currency: Currency
    payment_date: Stamp
    payment_method: PaymentMethod
    payment_method_details: CardDetails | GiftCardDetails | None
    status: PaymentStatus
    amount_refunded: MinorFromZero
    transaction_fee: MinorFromZero
    processor_fee: MinorFromZero
    net_amount: Minor
    client: ClientBrief | None


@closed
class AssociatedDocument(TypedDict):
    """What an invoice belongs to (the members are inferred)."""

    type: Literal["session", "contract", "questionnaire", "quote"]
    id: str


@closed
class InvoiceView(TypedDict):
    """An invoice: `amount` is its lines and their tax less `discount_amount`, which a coupon took off (inferred)."""

    id: str
    invoice_number: str
    amount: MinorFromZero
    amount_formatted: str
    currency: Currency
    status: InvoiceWord
    due_date: Day
    created_at: Stamp
    client: ClientBrief | None
    line_items: list[LineItemView]
    discount_amount: MinorFromZero
    discount_amount_formatted: str
    coupon_code: str | None
    payments: NotRequired[list[PaymentView]]
    associated_documents: NotRequired[list[AssociatedDocument]]


@closed
class TotalsView(TypedDict):
    """Sums over the invoices of one currency; amounts of two currencies are never added."""

    total_invoices: Count
    total_amount: MinorFromZero
    total_amount_formatted: str
    paid_amount: Minor
    paid_amount_formatted: str
    unpaid_amount: Minor
    unpaid_amount_formatted: str
    overdue_count: Count
    currency: Currency


@closed
class SummaryView(TotalsView):
    """The sums of the studio's own currency; beside them, where there are any, those of the others (inferred)."""

    other_currencies: NotRequired[list[TotalsView]]


@closed
class CountView(TypedDict):
    """A number and nothing else."""

    count: Count


@closed
class CouponView(TypedDict):
    """A coupon; `discount_value` is percent, or an amount in the studio's currency."""

    id: str
    code: str
    discount_type: DiscountType
    discount_value: Count
    status: CouponStatus
    usage_count: Count
    usage_limit: Count | None
    minimum_order_amount: MinorFromZero
    expires_at: Stamp | None
    description: str | None
    created_at: Stamp


@closed
class CouponUseView(TypedDict):
    """One use of a coupon (the members are inferred)."""

    id: str
    coupon_id: str
    invoice_id: str
    order_amount: MinorFromZero
    order_amount_formatted: str
    discount_amount: MinorFromZero
    discount_amount_formatted: str
    currency: Currency
    client: ClientBrief | None
    created_at: Stamp


@closed
class GiftCardView(TypedDict):
    """A gift card; its currency is the studio's."""

    id: str
    code: str
    amount: MinorFromZero
    amount_formatted: str
    balance: MinorFromZero
    balance_formatted: str
    currency: Currency
    status: GiftCardStatus
    expires_at: Stamp
    purchased_by: str
    created_at: Stamp


def line_item(row: LineItem, currency: str) -> LineItemView:
    """A line of an invoice or quote."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description or None,
        "quantity": row.quantity,
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, currency),
        "taxable": row.taxable,
        "tax_rate": float(row.tax_rate),
        "tax_amount": row.tax,
    }


def invoice(world: Studio, row: Invoice, *, whole: bool) -> InvoiceView:
    """An invoice; its payments and what it belongs to only where `expand=all` asked for them."""
    seen: InvoiceView = {
        "id": row.id,
        "invoice_number": row.number,
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, row.currency),
        "currency": row.currency,
        "status": INVOICE_WORDS[world.profile.invoice_vocabulary][row.status],
        "due_date": str(row.due_date),
        "created_at": stamp(row.created_at),
        "client": client_brief(world, row.client_id),
        "line_items": [line_item(item, row.currency) for item in row.items],
        "discount_amount": row.discount,
        "discount_amount_formatted": formatted(row.discount, row.currency),
        "coupon_code": row.coupon_code or None,
    }
    if whole:
        seen["payments"] = [payment(world, p) for p in row.payments]
        seen["associated_documents"] = associated(world, row)
    return seen


def associated(world: Studio, row: Invoice) -> list[AssociatedDocument]:
    """The session that an invoice is for, with its papers, and the quote that it was made of."""
    found: list[AssociatedDocument] = []
    session = world.tables.sessions.get(row.session_id or "")
    if session is not None:
        found.append({"type": "session", "id": session.id})
        if session.contract_id:
            found.append({"type": "contract", "id": session.contract_id})
        if session.questionnaire_id:
            found.append({"type": "questionnaire", "id": session.questionnaire_id})
    if row.quote_id:
        found.append({"type": "quote", "id": row.quote_id})
    return found


def payment(world: Studio, row: Payment) -> PaymentView:
    """A payment; card processors keep 2.9 percent."""
    fee = row.amount * 29 // 1000 if row.method == "card" and row.status != "failed" else 0
    details: CardDetails | GiftCardDetails | None = None
    if row.method == "card":
        details = {"last4": "4242", "brand": "visa"}
    elif row.gift_card_id is not None:
        details = {"gift_card_id": row.gift_card_id}
    return {
        "id": row.id,
        "invoice_id": row.invoice_id,
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, row.currency),
        "currency": row.currency,
        "payment_date": stamp(row.created_at),
        "payment_method": row.method,
        "payment_method_details": details,
        "status": row.status,
        "amount_refunded": row.refunded,
        "transaction_fee": 0,
        "processor_fee": fee,
        "net_amount": row.amount - fee - row.refunded,
        "client": client_brief(world, row.client_id),
    }


def totals(rows: Sequence[Invoice], currency: str) -> TotalsView:
    """The sums over those of the invoices that are billed in the currency."""
    billed = [row for row in rows if row.status in IN_SUMS and row.currency == currency]
    total = sum(row.amount for row in billed)
    paid = sum(row.paid for row in billed)
    return {
        "total_invoices": len(billed),
        "total_amount": total,
        "total_amount_formatted": formatted(total, currency),
        "paid_amount": paid,
        "paid_amount_formatted": formatted(paid, currency),
        "unpaid_amount": total - paid,
        "unpaid_amount_formatted": formatted(total - paid, currency),
        "overdue_count": sum(row.status == "past_due" for row in billed),
        "currency": currency,
    }


def coupon(world: Studio, row: Coupon) -> CouponView:
    """A coupon."""
    return {
        "id": row.id,
        "code": row.code,
        "discount_type": row.discount_type,
        "discount_value": row.value,
        "status": row.status_at(world.now),
        "usage_count": row.usage_count,
        "usage_limit": row.usage_limit,
        "minimum_order_amount": row.minimum_order_amount,
        "expires_at": optional(row.expires_at),
        "description": row.description or None,
        "created_at": stamp(row.created_at),
    }


def coupon_use(world: Studio, row: CouponUse) -> CouponUseView:
    """One use of a coupon."""
    return {
        "id": row.id,
        "coupon_id": row.coupon_id,
        "invoice_id": row.invoice_id,
        "order_amount": row.order_amount,
        "order_amount_formatted": formatted(row.order_amount, row.currency),
        "discount_amount": row.discount,
        "discount_amount_formatted": formatted(row.discount, row.currency),
        "currency": row.currency,
        "client": client_brief(world, row.client_id),
        "created_at": stamp(row.created_at),
    }


def gift_card(world: Studio, row: GiftCard) -> GiftCardView:
    """A gift card."""
    currency = world.profile.currency
    return {
        "id": row.id,
        "code": row.code,
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, currency),
        "balance": row.balance,
        "balance_formatted": formatted(row.balance, currency),
        "currency": currency,
        "status": row.status_at(world.now),
        "expires_at": stamp(row.expires_at),
        "purchased_by": row.purchased_by,
        "created_at": stamp(row.created_at),
    }
