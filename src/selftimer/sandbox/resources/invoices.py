"""Invoices and payments (studio-api.md, Invoices and payments)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whenever import Date

from selftimer.primitives.ids import InvoiceId, PaymentId
from selftimer.sandbox import views
from selftimer.sandbox.book import money
from selftimer.sandbox.http import Answer, Call, Fields, body_of, client_named, found, invalid, page_of, shape1
from selftimer.sandbox.money_words import formatted
from selftimer.sandbox.routing import Route

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.sandbox.model import Invoice, LineItem, Payment

_OUT = ("draft", "canceled")
_PAYMENT_TYPES = {
    "all": (),
    "paid": ("paid",),
    "unpaid": ("unpaid", "partially_paid", "past_due"),
    "overdue": ("past_due",),
}


def listing(call: Call) -> Answer:
    """Invoices, newest first; filters: client_id, currency, payment_type, timeframe_filter, to."""
    table = call.world.tables.invoices
    kind = call.query.get("payment_type", "all")
    if kind not in _PAYMENT_TYPES:
        raise invalid({"payment_type": ["The selected payment_type is invalid."]})
    statuses = _PAYMENT_TYPES[kind]
    client_id, currency = call.query.get("client_id", ""), call.query.get("currency", "").lower()
    frame = _frame(call)

    def wanted(row: Invoice) -> bool:
        return (
            (not statuses or row.status in statuses)
            and client_id in {"", row.client_id}
            and currency in {"", row.currency}
            and _within(call, row.created_at, frame)
        )

    if client_id:
        rows = [row for row in reversed(table.of_client(client_id)) if wanted(row)]
    else:
        rows = table.select((kind, currency, frame), wanted)
    page = page_of(call, rows)
    whole = "all" in call.query.get("expand", "").split(",")
    data = [table.json(row, f"{whole}", lambda r: views.invoice(call.world, r, payments=whole)) for row in page.rows]
    return Answer({"data": data, "meta": page.meta()})


def _frame(call: Call) -> tuple[Date | None, Date | None]:
    """The first and last day that a time frame names, in the studio's zone."""
    today = call.world.now.to_tz(call.world.profile.zone).date()
    first = today.replace(day=1)
    name = call.query.get("timeframe_filter", "all_time")
    frames: dict[str, tuple[Date | None, Date | None]] = {
        "all_time": (None, None),
        "this_month": (first, None),
        "last_month": (first.subtract(months=1), first.subtract(days=1)),
        "this_year": (first.replace(month=1), None),
        "last_year": (first.replace(month=1).subtract(years=1), first.replace(month=1).subtract(days=1)),
    }
    if name not in frames:
        raise invalid({"timeframe_filter": ["The selected timeframe_filter is invalid."]})
    since, until = frames[name]
    to = call.query.get("to")
    return since, _date(to, "to") if to else until


def _within(call: Call, instant: Instant, frame: tuple[Date | None, Date | None]) -> bool:
    since, until = frame
    if since is None and until is None:
        return True
    day = instant.to_tz(call.world.profile.zone).date()
    return (since is None or day >= since) and (until is None or day <= until)


def _date(text: str, name: str) -> Date:
    try:
        return Date.parse_iso(text)
    except ValueError:
        raise invalid({name: [f"The {name} field must be a date like 2026-03-31."]}) from None


def _one(call: Call) -> Invoice:
    return found(call.world.tables.invoices, InvoiceId, call.params["id"], "invoice_not_found")


def detail(call: Call) -> Answer:
    """One invoice; with payments and associated documents under `expand=all`."""
    row = _one(call)
    whole = "all" in call.query.get("expand", "").split(",")
    table = call.world.tables.invoices
    return Answer({"data": table.json(row, f"{whole}", lambda r: views.invoice(call.world, r, payments=whole))})


def create(call: Call) -> Answer:
    """An invoice; sent by the studio's own mail with `send_email`, else a draft."""
    body = body_of(call)
    fields = Fields(body)
    client = client_named(call, fields)
    send = fields.flag("send_email", default=False)
    due_text = fields.text("due_date", required=True)
    due = None
    try:
        due = Date.parse_iso(due_text)
    except ValueError:
        fields.fault("due_date", "The due_date field must be a date like 2026-03-31.")
    currency = fields.text("currency", default=call.world.profile.currency).lower()
    if currency != call.world.profile.currency:
        raise shape1(422, "invalid_currency", f"This studio bills in {call.world.profile.currency}.")
    items = read_items(call, fields, "line_items", body.get("line_items"), client.id if client else "")
    fields.check()
    assert client is not None
    assert due is not None
    call.world.tell("bot_invoice", client.id, "The bot makes an invoice for {name}")
    row = money.add_invoice(call.world, client.id, items, due, by="bot", sent=send)
    call.wrote(
        "invoice",
        row.id,
        client_id=client.id,
        content={**body, "amount": row.amount, "currency": row.currency, "invoice_number": row.number},
    )
    return Answer({"data": views.invoice(call.world, row, payments=False)}, 201)


def read_items(call: Call, fields: Fields, name: str, given: Any, client_id: str) -> list[LineItem]:
    """Line items of a body; what is wrong is noted under the field's name."""
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        fields.fault(name, f"The {name} field must hold at least one item.")
        return []
    items = []
    for place, item in enumerate(given):
        inner = Fields(item)
        items.append(
            money.line(
                call.world,
                client_id,
                inner.text("name", required=True, limit=500),
                inner.number("amount"),
                inner.number("quantity", least=1, default=1),
                description=inner.text("description"),
                taxable=inner.flag("taxable", default=False),
                by="bot",
            )
        )
        for key, messages in inner.wrong.items():
            for message in messages:
                fields.fault(f"{name}.{place}.{key}", message)
    return items


def summary(call: Call) -> Answer:
    """Sums over all invoices but drafts and canceled ones: what was billed, came in, is open."""
    table = call.world.tables.invoices
    return Answer({"data": table.kept("summary", lambda: _sums(call, call.world.profile.currency, ""))})


def _sums(call: Call, currency: str, client_id: str) -> dict[str, Any]:
    table = call.world.tables.invoices
    rows = [
        row
        for row in (table.of_client(client_id) if client_id else table)
        if row.status not in _OUT and row.currency == currency
    ]
    total = sum(row.amount for row in rows)
    paid = sum(row.paid for row in rows)
    return {
        "total_invoices": len(rows),
        "total_amount": total,
        "total_amount_formatted": formatted(total, currency),
        "paid_amount": paid,
        "paid_amount_formatted": formatted(paid, currency),
        "unpaid_amount": total - paid,
        "unpaid_amount_formatted": formatted(total - paid, currency),
        "overdue_count": sum(row.status == "past_due" for row in rows),
        "currency": currency,
    }


def currencies(call: Call) -> Answer:
    """The currencies that were billed in."""
    used = sorted({row.currency for row in call.world.tables.invoices} | {call.world.profile.currency})
    return Answer({"data": used})


def totals(call: Call) -> Answer:
    """The sums of one currency, of one client if asked."""
    return Answer({"data": _sums(call, call.params["currency"].lower(), call.query.get("client_id", ""))})


def payments(call: Call) -> Answer:
    """Payments, newest first; of one client if asked."""
    table = call.world.tables.payments
    client_id = call.query.get("client_id", "")
    frame = _frame(call)
    rows = table.newest() if not client_id else table.of_client(client_id)[::-1]
    if frame != (None, None):
        rows = [row for row in rows if _within(call, row.created_at, frame)]
    page = page_of(call, rows, "page_size")
    data = [table.json(row, "", lambda r: views.payment(call.world, r)) for row in page.rows]
    return Answer({"data": data, "meta": page.meta("from", "to")})


def payment(call: Call) -> Answer:
    """One payment of an invoice."""
    invoice = _one(call)
    row: Payment = found(call.world.tables.payments, PaymentId, call.params["payment"], "payment_not_found")
    if row.invoice_id != invoice.id:
        raise shape1(404, "payment_not_found", "The invoice has no such payment.", {"id": row.id})
    return Answer({"data": views.payment(call.world, row)})


def disputed(call: Call) -> Answer:
    """How many payments are disputed and want an answer."""
    table = call.world.tables.payments
    return Answer({"data": {"count": table.kept("disputed", lambda: sum(p.status == "disputed" for p in table))}})


ROUTES = (
    Route("GET", "/invoices/", listing),
    Route("POST", "/invoices/", create),
    Route("GET", "/invoices/invoice_summary", summary),
    Route("GET", "/invoices/currencies/list", currencies),
    Route("GET", "/invoices/payments/list/", payments),
    Route("GET", "/invoices/payments/disputed,needs-response/count", disputed),
    Route("GET", "/invoices/{id}", detail),
    Route("GET", "/invoices/{id}/payments/{payment}/", payment),
    Route("GET", "/invoices_summary/currencies", currencies),
    Route("GET", "/invoices_summary/totals/{currency}", totals),
)
