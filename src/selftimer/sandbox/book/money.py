"""Invoices and payments.

Three laws: an invoice's amount is its lines and their tax less the discount of a coupon; its balance is the amount less
what was paid, plus what went back; its status follows from the balance and the clock.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from selftimer.primitives.ids import InvoiceId, InvoiceItemId, PaymentId
from selftimer.primitives.time import start_of_day
from selftimer.sandbox.book import codes
from selftimer.sandbox.book.deeds import DeedError, the
from selftimer.sandbox.book.people import convert
from selftimer.sandbox.model import (
    CHARGED,
    COUNTED,
    Author,
    Invoice,
    InvoiceStatus,
    LineItem,
    Payment,
    PaymentMethod,
    PaymentStatus,
)
from selftimer.sandbox.money_words import formatted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Date, Instant

    from selftimer.sandbox.model import GiftCard
    from selftimer.sandbox.studio import Studio


def line(
    world: Studio,
    client_id: str,
    name: str,
    amount: int,
    quantity: int = 1,
    *,
    description: str = "",
    taxable: bool = False,
    by: Author = "studio",
) -> LineItem:
    """A line for an invoice or quote of that client; a taxable one at the studio's rate of today."""
    return LineItem(
        id=world.new_id(InvoiceItemId, client_id, by),
        name=name,
        amount=amount,
        quantity=quantity,
        description=description,
        taxable=taxable,
        tax_rate=world.profile.tax_rate if taxable else Decimal(0),
    )


def add_invoice(
    world: Studio,
    client_id: str,
    items: Sequence[LineItem],
    due_date: Date,
    *,
    by: Author,
    sent: bool = True,
    session_id: str | None = None,
    quote_id: str | None = None,
    currency: str = "",
) -> Invoice:
    """A new invoice, sent or a draft; it becomes past due at the end of its due date in the studio's zone."""
    invoice = Invoice(
        id=world.new_id(InvoiceId, client_id, by),
        created_at=world.now,
        client_id=client_id,
        number=f"{world.next_number('invoice'):05}",
        currency=currency or world.profile.currency,
        due_date=due_date,
        status="unpaid" if sent else "draft",
        items=list(items),
        author=by,
        sent=sent,
        session_id=session_id,
        quote_id=quote_id,
    )
    world.tables.invoices.add(invoice)
    _settle(world, invoice)
    world.changed()
    world.at(end_of(world, due_date), invoice.id, "invoice_due", invoice.id)
    if sent:
        amount = formatted(invoice.amount, invoice.currency)
        world.tell("invoice", client_id, f"{{name}}: invoice {invoice.number} over {amount}, due {due_date}")
        world.noticed("invoice", invoice)
    return invoice


def end_of(world: Studio, date: Date) -> Instant:
    """Local midnight after a date."""
    return start_of_day(date.add(days=1), world.profile.zone)


def pay(
    world: Studio,
    invoice: Invoice | str,
    amount: int,
    *,
    method: PaymentMethod = "card",
    status: PaymentStatus = "completed",
    coupon_code: str | None = None,
    gift_card_code: str | None = None,
) -> Payment:
    """A client pays, or tries to; `DeedError` where they may not. A completed payment makes a client of a lead.

    `amount` is what they mean to pay at most. A coupon comes off the invoice first; then the gift card pays as far as
    it reaches, and `method` the rest. A bank's money is `pending` at first, a card's may fail; where it fails neither
    code is used up. The payment that comes back is the last one made.
    """
    invoice = the(world.tables.invoices, invoice, "invoice")
    _check_payable(invoice, amount, method)
    coupon = codes.usable_coupon(world, invoice, coupon_code) if coupon_code else None
    card = codes.usable_card(world, invoice, gift_card_code) if gift_card_code else None
    discount = codes.discount_of(coupon, invoice) if coupon else 0
    rest = min(amount, invoice.balance - invoice.pending - discount)
    by_card = min(rest, card.balance) if card else 0
    if status == "failed" and rest > by_card:
        return _book(world, invoice, rest - by_card, method, "failed")
    if coupon is not None:
        codes.use_coupon(world, invoice, coupon)
        if rest <= 0:
            return _book(world, invoice, 0, "coupon", "completed")
    if card is not None:
        codes.move_balance(world, card, -by_card)
        made = _book(world, invoice, by_card, "gift_card", "completed", card)
        if by_card == rest:
            return made
    return _book(world, invoice, rest - by_card, method, status)


def _check_payable(invoice: Invoice, amount: int, method: str) -> None:
    if method not in CHARGED:
        raise DeedError("payment_method", "The studio takes cards, PayPal and bank transfers.")
    if invoice.status == "draft":
        raise DeedError("invoice_draft", "This invoice can't be paid: the studio hasn't sent it yet.")
    if invoice.status == "canceled":
        raise DeedError("invoice_canceled", "This invoice can't be paid: the studio has canceled it.")
    still_open = invoice.balance - invoice.pending
    if still_open <= 0:
        on_its_way = "The rest of this invoice is on its way." if invoice.pending else "This invoice is paid already."
        raise DeedError("invoice_paid", on_its_way)
    if amount < 1:
        raise DeedError("payment_amount", "A payment must be more than nothing.")
    if amount > still_open:
        most = formatted(still_open, invoice.currency)
        raise DeedError("payment_amount", f"Only {most} of this invoice is open.")


def use_coupon(world: Studio, invoice: Invoice | str, code: str) -> None:
    """A client uses a coupon without paying yet, as when they book; `DeedError` where they may not."""
    invoice = the(world.tables.invoices, invoice, "invoice")
    _check_payable(invoice, 1, "card")
    codes.use_coupon(world, invoice, codes.usable_coupon(world, invoice, code))
    if invoice.balance <= 0:
        _book(world, invoice, 0, "coupon", "completed")
    else:
        world.tables.invoices.touch(invoice.id)


def _book(
    world: Studio,
    invoice: Invoice,
    amount: int,
    method: PaymentMethod,
    status: PaymentStatus,
    card: GiftCard | None = None,
) -> Payment:
    payment = Payment(
        id=world.new_id(PaymentId, invoice.id),
        created_at=world.now,
        client_id=invoice.client_id,
        invoice_id=invoice.id,
        amount=amount,
        currency=invoice.currency,
        method=method,
        status=status,
        gift_card_id=card.id if card else None,
    )
    invoice.payments.append(payment)
    world.tables.payments.add(payment)
    if status == "completed":
        convert(world, invoice.client_id)
    _after_payment(world, invoice, payment)
    return payment


def change_payment(world: Studio, payment: Payment, status: PaymentStatus, *, refunded: int | None = None) -> None:
    """A pending payment completes or fails, a completed one is disputed or goes back, onto a gift card if it was one's.

    `refunded` is what went back in all; where it is left out, a payment that is `refunded` went back whole.
    """
    before = payment.refunded
    payment.status = status
    if refunded is not None or status == "refunded":
        payment.refunded = payment.amount if refunded is None else refunded
    card = world.tables.gift_cards.get(payment.gift_card_id or "")
    if card is not None and payment.refunded != before:
        codes.move_balance(world, card, payment.refunded - before)
    world.tables.payments.touch(payment.id)
    invoice = world.tables.invoices.rows[payment.invoice_id]
    if status == "completed":
        convert(world, payment.client_id)
    _after_payment(world, invoice, payment)


def refund(world: Studio, payment: Payment | str, amount: int) -> Payment:
    """The studio gives back so much of a payment, or the rest of it; `DeedError` for more than is there."""
    payment = the(world.tables.payments, payment, "payment")
    left = payment.amount - payment.refunded
    if payment.status not in COUNTED or not 1 <= amount <= left:
        most = formatted(left if payment.status in COUNTED else 0, payment.currency)
        raise DeedError("refund_amount", f"Of this payment {most} can be given back.")
    whole = payment.refunded + amount
    change_payment(world, payment, "refunded" if amount == left else "partially_refunded", refunded=whole)
    return payment


def cancel_invoice(world: Studio, invoice: Invoice) -> None:
    """The invoice is off; what was paid stays in its payments."""
    invoice.status = "canceled"
    world.tables.invoices.touch(invoice.id)
    world.changed()
    world.tell("invoice_canceled", invoice.client_id, f"{{name}}: invoice {invoice.number} canceled")


def refresh_status(world: Studio, invoice: Invoice) -> None:
    """Work the status out again, as at midnight after the due date."""
    before = invoice.status
    _settle(world, invoice)
    if invoice.status != before:
        world.tables.invoices.touch(invoice.id)
        world.changed()
        if invoice.status == "past_due":
            world.tell("invoice_past_due", invoice.client_id, f"{{name}}: invoice {invoice.number} is past due")


def _after_payment(world: Studio, invoice: Invoice, payment: Payment) -> None:
    _settle(world, invoice)
    world.tables.invoices.touch(invoice.id)
    world.changed()
    world.ledger.paid(
        world.now,
        invoice_id=invoice.id,
        invoice_number=invoice.number,
        client_id=invoice.client_id,
        amount=payment.amount,
        currency=payment.currency,
        status=payment.status,
        complete=invoice.balance <= 0,
    )
    amount = formatted(payment.amount, payment.currency)
    world.tell(
        f"payment_{payment.status}",
        invoice.client_id,
        f"{{name}}: payment of {amount} on invoice {invoice.number} {payment.status.replace('_', ' ')}",
    )
    world.noticed("payment", payment)


def _settle(world: Studio, invoice: Invoice) -> None:
    if invoice.status in {"draft", "canceled"}:
        return
    status: InvoiceStatus = "unpaid"
    if invoice.balance <= 0:
        status = "paid"
    elif world.now >= end_of(world, invoice.due_date):
        status = "past_due"
    elif invoice.paid > 0:
        status = "partially_paid"
    invoice.status = status
