"""Invoices and payments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.primitives.ids import InvoiceId, InvoiceItemId, PaymentId
from selftimer.primitives.time import start_of_day
from selftimer.sandbox.book.people import convert
from selftimer.sandbox.model import Author, Invoice, InvoiceStatus, LineItem, Payment, PaymentStatus
from selftimer.sandbox.money_words import formatted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Date, Instant

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
    """A line for an invoice or quote of that client."""
    return LineItem(
        id=world.new_id(InvoiceItemId, client_id, by),
        name=name,
        amount=amount,
        quantity=quantity,
        description=description,
        taxable=taxable,
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
    world: Studio, invoice: Invoice, amount: int, *, method: str = "card", status: PaymentStatus = "completed"
) -> Payment:
    """Money comes (or fails to). A completed payment makes a client of a lead."""
    payment = Payment(
        id=world.new_id(PaymentId, invoice.id),
        created_at=world.now,
        client_id=invoice.client_id,
        invoice_id=invoice.id,
        amount=amount,
        currency=invoice.currency,
        method=method,
        status=status,
    )
    invoice.payments.append(payment)
    world.tables.payments.add(payment)
    if status == "completed":
        convert(world, invoice.client_id)
    _after_payment(world, invoice, payment)
    return payment


def change_payment(world: Studio, payment: Payment, status: PaymentStatus, *, refunded: int | None = None) -> None:
    """A pending payment completes or fails, a completed one is disputed or goes back."""
    payment.status = status
    if refunded is not None:
        payment.refunded = refunded
    world.tables.payments.touch(payment.id)
    invoice = world.tables.invoices.rows[payment.invoice_id]
    if status == "completed":
        convert(world, payment.client_id)
    _after_payment(world, invoice, payment)


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
