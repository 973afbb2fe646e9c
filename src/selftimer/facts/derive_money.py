"""What an invoice's payments say: paid, balance, outstanding, settled, overdue (rule-language.md, Exact meaning 2).

Where payments can't be read, the invoice's status decides and a part-paid balance is None. The same holds where they
don't tell: a partial refund's sum isn't known, a payment may be in another currency, and an invoice may be marked as
(partly) paid without any payment on record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from selftimer.facts.records import Kind
from selftimer.primitives.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

    from selftimer.facts.records import Invoice, Payment, Record
    from selftimer.facts.world import World


def payments(invoice: Invoice, world: World, _start: Instant | None) -> Sequence[Payment]:
    """All known payments of the invoice."""
    return cast("Sequence[Payment]", world.of_invoice(invoice.id))


def _paid_by_payments(invoice: Invoice, world: World) -> Money | None:
    """Completed payments less refunds, or None where the payments don't tell."""
    if not world.payments_readable():
        return None
    known = payments(invoice, world, None)
    if not known and invoice.status in {"paid", "partially_paid"}:
        return None
    total = 0
    for payment in known:
        if payment.status == "partially_refunded":
            return None
        if payment.status == "completed":
            if payment.amount.currency != invoice.amount.currency:
                return None
            total += payment.amount.minor
    return Money(total, invoice.amount.currency)


def paid(invoice: Invoice, world: World, _start: Instant | None) -> Money | None:
    """The sum that was paid; by status where the payments don't tell, None for a part of unknown size."""
    told = _paid_by_payments(invoice, world)
    if told is not None:
        return told
    match invoice.status:
        case "paid":
            return invoice.amount
        case "partially_paid":
            return None
        case "draft" | "unpaid" | "canceled":
            return Money(0, invoice.amount.currency)


def balance(invoice: Invoice, world: World, start: Instant | None) -> Money | None:
    """The amount less what was paid; None where that isn't known."""
    had = paid(invoice, world, start)
    return None if had is None else invoice.amount - had


def outstanding(invoice: Invoice, world: World, start: Instant | None) -> bool:
    """Something is to be paid: a balance above zero, and neither draft nor canceled."""
    if invoice.status in {"draft", "canceled"}:
        return False
    still = balance(invoice, world, start)
    return invoice.status == "partially_paid" if still is None else still.minor > 0


def settled(invoice: Invoice, world: World, start: Instant | None) -> bool:
    """Nothing is to be paid any more: canceled, or a balance of zero or less and no draft."""
    if invoice.status == "canceled":
        return True
    return invoice.status != "draft" and not outstanding(invoice, world, start)


def overdue(invoice: Invoice, world: World, start: Instant | None) -> bool:
    """Outstanding after its due date, in the studio's zone."""
    if invoice.due_date is None or not outstanding(invoice, world, start):
        return False
    return invoice.due_date < world.now.to_tz(world.studio.zone).date()


def disputed(invoice: Invoice, world: World, start: Instant | None) -> bool | None:
    """A payment of it is disputed; None where payments can't be read."""
    if not world.payments_readable():
        return None
    return any(payment.status == "disputed" for payment in payments(invoice, world, start))


def last_payment_at(invoice: Invoice, world: World, start: Instant | None) -> Instant | None:
    """When money last came in."""
    dates = [
        payment.payment_date
        for payment in payments(invoice, world, start)
        if payment.payment_date is not None and payment.status in {"completed", "partially_refunded"}
    ]
    return max(dates, default=None)


def currency(invoice: Invoice, _world: World, _start: Instant | None) -> str:
    """The invoice's currency code, in capitals."""
    return invoice.amount.currency.upper()


def payment_invoice(payment: Payment, world: World, _start: Instant | None) -> Record | None:
    """The invoice that was paid."""
    return None if payment.invoice_id is None else world.get(Kind.INVOICE, payment.invoice_id)
