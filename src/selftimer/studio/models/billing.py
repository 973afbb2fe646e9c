"""Invoices and payments, coupons and gift cards (studio-api.md, Invoices and payments; Coupons and gift cards).

All documented. Amounts are whole numbers in the currency's smallest unit; `money` is the amount with its currency.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from selftimer.primitives.money import Money
from selftimer.studio import wire as w
from selftimer.studio.models.base import Entry
from selftimer.studio.wire_models import InvoiceWire, LineWire, PaymentWire, PersonWire


class Person(PersonWire, Entry):
    """A client inside another record."""

    first_name: w.Text = None
    last_name: w.Text = None
    email: w.Text = None


class InvoiceLine(LineWire, Entry):
    """A line of an invoice; `amount` is for one of it, before tax; `tax_rate` is percent."""

    id: w.Name | None = None
    amount_formatted: w.Text = None
    taxable: w.Flag = False
    tax_rate: Decimal | None = None
    tax_amount: w.Minor | None = None


class Payment(PaymentWire, Entry):
    """Money that came for an invoice, or failed to; fees and net amount where the processor tells them."""

    client: Person | None = None
    amount_formatted: w.Text = None
    payment_method_details: object = None
    transaction_fee: w.Minor | None = None
    processor_fee: w.Minor | None = None
    net_amount: w.Minor | None = None
    amount_refunded: w.Minor | None = None
    """Inferred."""

    @property
    def money(self) -> Money:
        """What was paid."""
        return Money(self.amount, self.currency)


def _status_word(value: object) -> object:
    return value.strip() if isinstance(value, str) else None


class Invoice(InvoiceWire, Entry):
    """An invoice. `status` is one of five words whatever the API calls it; `status_name` is the API's own."""

    client: Person | None = None
    amount_formatted: w.Text = None
    status_name: Annotated[str | None, BeforeValidator(_status_word)] = Field(default=None, validation_alias="status")
    line_items: Annotated[tuple[InvoiceLine, ...], w.ListOf] = ()
    payments: Annotated[tuple[Payment, ...], w.ListOf] = ()
    associated_documents: object = None
    discount_amount: w.Minor | None = None
    """Inferred: what a coupon took off."""
    coupon_code: w.Text = None
    """Inferred."""

    @property
    def money(self) -> Money:
        """What was billed."""
        return Money(self.amount, self.currency)

    @field_validator("payments", mode="before")
    @classmethod
    def _none_without_expand(cls, value: object) -> object:
        return value if isinstance(value, list) else []


class Summary(Entry):
    """What was billed, came in and is open, in one currency."""

    total_invoices: w.Count = 0
    total_amount: w.Minor = 0
    paid_amount: w.Minor = 0
    unpaid_amount: w.Minor = 0
    total_amount_formatted: w.Text = None
    paid_amount_formatted: w.Text = None
    unpaid_amount_formatted: w.Text = None
    overdue_count: w.Count = 0
    currency: w.Currency | None = None
    other_currencies: Annotated[tuple[Summary, ...], w.ListOf] = ()
    """Inferred: amounts of two currencies are never added."""


CouponFilter = Literal["active", "disabled", "expired", "all"]
GiftCardFilter = Literal["active", "redeemed", "expired", "all"]


class Coupon(Entry):
    """A coupon. `discount_value` is a percentage, or an amount in the smallest unit of the studio's currency."""

    id: w.CouponId
    code: str
    discount_type: Annotated[Literal["percentage", "fixed_amount"], w.Word]
    discount_value: w.Minor
    status: Annotated[Literal["active", "disabled", "expired", "exhausted"], w.Word]
    usage_count: w.Count = 0
    usage_limit: int | None = None
    minimum_order_amount: w.Minor | None = None
    expires_at: w.Moment = None
    description: w.Text = None
    created_at: w.Stamp = None


class CouponUse(Entry):
    """A use of a coupon (`ca_…`); what it says beyond its id is inferred."""

    id: w.Name | None = None
    coupon_id: w.Name | None = None
    invoice_id: w.Name | None = None
    order_amount: w.Minor | None = None
    discount_amount: w.Minor | None = None
    currency: w.Currency | None = None
    client: Person | None = None
    created_at: w.Stamp = None


class GiftCard(Entry):
    """A gift card; `balance` is what is left of `amount`."""

    id: w.GiftCardId
    code: w.Text = None
    amount: w.Minor
    balance: w.Minor
    currency: w.Currency | None = None
    status: Annotated[Literal["active", "redeemed", "expired"], w.Word]
    expires_at: w.Moment = None
    purchased_by: object = None
    created_at: w.Stamp = None
