"""How people pay: at once, when it is due, late, in parts, never; and what a reminder does."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from selftimer.sandbox.book import codes, money
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.life.person import after_hours, some_time
from selftimer.sandbox.script import Script

if TYPE_CHECKING:
    from random import Random

    from selftimer.sandbox.life.living import LivingStudio
    from selftimer.sandbox.life.person import Payer, Person
    from selftimer.sandbox.model import Invoice, Payment, PaymentMethod

PART = Script()

OUTSTANDING = ("unpaid", "partially_paid", "past_due")
_METHODS: tuple[PaymentMethod, ...] = ("card", "bank_transfer", "paypal")
_AFTER_REMINDER: dict[Payer, float] = {"prompt": 0.8, "on_due": 0.5, "late": 0.5, "parts": 0.45, "never": 0.12}


@PART.hears("invoice")
def invoice_came(world: LivingStudio, invoice: Invoice) -> None:
    """An invoice arrives: by temper they pay at once, around the due date, in parts, or not at all."""
    person = world.person_of(invoice.client_id)
    if person is None:
        return
    random = person.dice(world, "invoice")
    due = (money.end_of(world, invoice.due_date) - world.now).total("hours")
    match person.payer:
        case "prompt":
            _plan(world, person, invoice, random, 3, min(96, max(due - 4, 6)))
        case "on_due":
            _plan(world, person, invoice, random, max(due - 60, 1), max(due - 2, 3))
        case "late":
            _plan(world, person, invoice, random, due + 30, due + 20 * 24)
        case "parts":
            _plan(world, person, invoice, random, max(due - 100, 2), max(due, 4), share=0.5)
            _plan(world, person, invoice, random, due + 8 * 24, due + 25 * 24)
        case "never":
            pass


def _plan(
    world: LivingStudio, person: Person, invoice: Invoice, random: Random, low: float, high: float, share: float = 1.0
) -> None:
    at = some_time(world, person, random, max(low, 0.1), max(high, low, 0.2))
    world.at(at, person.key, "pays", invoice.id, share)


@PART.on("pays")
def pays(world: LivingStudio, key: str, invoice_id: str, share: float) -> None:
    """Money is sent: by card at once (or it fails), by bank transfer some days later."""
    invoice = world.tables.invoices.rows[invoice_id]
    if invoice.status not in OUTSTANDING or any(p.status == "pending" for p in invoice.payments):
        return
    person = world.people[key]
    random = person.dice(world, "pay")
    amount = invoice.balance if share >= 1 else max(1, int(invoice.amount * share) - invoice.paid)
    amount = min(amount, invoice.balance)
    code = coupon_in_mind(world, invoice)
    method = random.choices(_METHODS, (0.55, 0.3, 0.15))[0]
    if method == "bank_transfer":
        payment = money.pay(world, invoice, amount, method=method, status="pending", coupon_code=code)
        world.at(after_hours(world, random, 20, 72), key, "transfer_arrives", payment.id)
    elif random.random() < 0.05:
        money.pay(world, invoice, amount, method=method, status="failed", coupon_code=code)
        world.at(some_time(world, person, random, 2, 40), key, "pays", invoice_id, share)
    else:
        payment = money.pay(world, invoice, amount, method=method, coupon_code=code)
        if random.random() < 0.03:
            world.at(after_hours(world, random, 60, 400), key, "disputes", payment.id)


def coupon_in_mind(world: LivingStudio, invoice: Invoice) -> str | None:
    """The code of a coupon that the studio wrote to them about, if it counts for this invoice."""
    threads = world.tables.conversations.of_client(invoice.client_id)
    said = {
        word.casefold()
        for thread in threads
        for message in thread.messages
        if message.sender_type == "photographer"
        for word in re.findall(r"[\w-]+", message.content)
    }
    for coupon in world.tables.coupons:
        if coupon.code.casefold() in said:
            with contextlib.suppress(DeedError):
                return codes.usable_coupon(world, invoice, coupon.code).code
    return None


@PART.on("transfer_arrives")
def transfer_arrives(world: LivingStudio, _key: str, payment_id: str) -> None:
    """The bank's money is there; now and then it bounces."""
    payment = world.tables.payments.rows[payment_id]
    invoice = world.tables.invoices.rows[payment.invoice_id]
    bounced = world.random("transfer", payment_id).random() < 0.03 or invoice.status == "canceled"
    money.change_payment(world, payment, "failed" if bounced else "completed")


@PART.on("disputes")
def disputes(world: LivingStudio, key: str, payment_id: str) -> None:
    """The client disputes a card payment."""
    payment = world.tables.payments.rows[payment_id]
    if payment.status == "completed":
        random = world.people[key].dice(world, "dispute")
        money.change_payment(world, payment, "disputed")
        world.at(after_hours(world, random, 48, 300), key, "dispute_ends", payment_id)


@PART.on("dispute_ends")
def dispute_ends(world: LivingStudio, key: str, payment_id: str) -> None:
    """The bank decides: the money stays, or goes back."""
    payment: Payment = world.tables.payments.rows[payment_id]
    if payment.status != "disputed":
        return
    if world.people[key].dice(world, "dispute").random() < 0.5:
        money.change_payment(world, payment, "completed")
    else:
        money.change_payment(world, payment, "refunded", refunded=payment.amount)


def reminded_of_invoice(world: LivingStudio, person: Person, text: str) -> None:
    """A reminder that names an invoice, or their oldest open one, makes many pay within two days."""
    still_open = [i for i in world.tables.invoices.of_client(person.client_id) if i.status in OUTSTANDING]
    if not still_open:
        return
    invoice = next((i for i in still_open if i.number in text), still_open[0])
    random = person.dice(world, "reminded")
    if random.random() < _AFTER_REMINDER[person.payer]:
        world.at(some_time(world, person, random, 0.5, 44), person.key, "pays", invoice.id, 1.0)
