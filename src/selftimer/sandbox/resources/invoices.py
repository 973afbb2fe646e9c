"""Invoices, their payments and sums (studio-api.md, Invoices and payments: documented).

Inferred: that time frames are about the day of creation (payments: of payment) in the studio's zone, and what happens
with several currencies: their amounts are never added.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.primitives.ids import InvoiceId, PaymentId
from selftimer.sandbox import views_money as views
from selftimer.sandbox.book import money
from selftimer.sandbox.http import (
    MAX_NUMBER,
    Answer,
    Call,
    Fields,
    Refused,
    body_of,
    client_named,
    day_of,
    found,
    invalid,
    page_of,
    shape1,
)
from selftimer.sandbox.routing import Param, Route, ShortPageMeta
from selftimer.sandbox.view_types import ClientRef, CurrencyCode, Day, FromOne

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whenever import Date, Instant

    from selftimer.sandbox.model import Author, Invoice, InvoiceStatus, LineItem, Payment

PaymentType = Literal["all", "paid", "unpaid", "overdue"]
Timeframe = Literal["all_time", "this_month", "last_month", "this_year", "last_year"]
_PAYMENT_TYPES: dict[str, tuple[InvoiceStatus, ...]] = {
    "all": (),
    "paid": ("paid",),
    "unpaid": ("unpaid", "partially_paid", "past_due"),
    "overdue": ("past_due",),
}
_MAX_ITEMS = 100
_MAX_QUANTITY = 10_000


class ItemBody(TypedDict):
    """A line of a new invoice or quote: `amount` is for one, before tax, in the currency's smallest unit."""

    name: Annotated[str, Field(min_length=1, max_length=500)]
    amount: Annotated[int, Field(ge=0, le=MAX_NUMBER)]
    quantity: NotRequired[Annotated[int, Field(ge=1, le=_MAX_QUANTITY)]]
    description: NotRequired[Annotated[str, Field(max_length=10_000)] | None]
    taxable: NotRequired[bool]


class InvoiceBody(TypedDict):
    """A new invoice; `currency` is inferred, the studio's own where it is left out."""

    client_id: ClientRef
    due_date: Day
    line_items: Annotated[list[ItemBody], Field(min_length=1, max_length=_MAX_ITEMS)]
    currency: NotRequired[CurrencyCode | None]
    send_email: NotRequired[bool]


Frame = tuple["Date | None", "Date | None"]


def listing(call: Call) -> Answer:
    """Invoices, newest first; filters: client_id, currency, payment_type, timeframe_filter, to."""
    table = call.world.tables.invoices
    kind = call.query.get("payment_type", "all")
    if kind not in _PAYMENT_TYPES:
        raise invalid({"payment_type": ["The selected payment_type is invalid."]})
    statuses = _PAYMENT_TYPES[kind]
    client_id, frame = call.query.get("client_id", ""), _frame(call, "to")
    currency = _known_currency(call, call.query["currency"]) if "currency" in call.query else ""

    def wanted(row: Invoice) -> bool:
        return (
            (not statuses or row.status in statuses)
            and currency in {"", row.currency}
            and _within(call, row.created_at, frame)
        )

    if client_id:
        rows = [row for row in reversed(table.of_client(client_id)) if wanted(row)]
    else:
        rows = table.select((kind, currency, frame), wanted)
    page = page_of(call, rows)
    return Answer({"data": [_seen(call, row) for row in page.rows], "meta": page.meta()})


def _seen(call: Call, row: Invoice) -> Any:
    """The invoice's JSON; what it belongs to can change without it, and is part of what is kept."""
    whole = "all" in call.query.get("expand", "").split(",")
    variant = str(views.associated(call.world, row)) if whole else ""
    return call.world.tables.invoices.json(row, variant, partial(views.invoice, call.world, whole=whole))


def _frame(call: Call, *limits: str) -> Frame:
    """The first and last day that a time frame names, in the studio's zone; `limits` are parameters with a last day."""
    today = call.world.now.to_tz(call.world.profile.zone).date()
    first = today.replace(day=1)
    new_year = first.replace(month=1)
    name = call.query.get("timeframe_filter", "all_time")
    frames: dict[str, Frame] = {
        "all_time": (None, None),
        "this_month": (first, None),
        "last_month": (first.subtract(months=1), first.subtract(days=1)),
        "this_year": (new_year, None),
        "last_year": (new_year.subtract(years=1), new_year.subtract(days=1)),
    }
    if name not in frames:
        raise invalid({"timeframe_filter": ["The selected timeframe_filter is invalid."]})
    since, until = frames[name]
    for limit in limits:
        if limit in call.query:
            day = day_of(call.query[limit])
            if day is None:
                raise invalid({limit: [f"The {limit} parameter must be a date like 2026-03-31."]})
            until = day if until is None else min(until, day)
    return since, until


def _within(call: Call, instant: Instant, frame: Frame) -> bool:
    since, until = frame
    if since is None and until is None:
        return True
    day = instant.to_tz(call.world.profile.zone).date()
    return (since is None or day >= since) and (until is None or day <= until)


def _one(call: Call) -> Invoice:
    return found(call.world.tables.invoices, InvoiceId, call.params["id"], "invoice_not_found")


def detail(call: Call) -> Answer:
    """One invoice; with payments and associated documents under `expand=all`."""
    return Answer({"data": _seen(call, _one(call))})


def create(call: Call) -> Answer:
    """An invoice; sent by the studio's own mail with `send_email`, else a draft."""
    body = body_of(call)
    fields = Fields(body)
    client = client_named(call, fields)
    send = fields.flag("send_email", default=False)
    due = fields.day("due_date", required=True)
    currency = _own_currency(call, fields)
    drafts = read_items(fields, "line_items", body.get("line_items"))
    fields.check()
    assert client is not None
    assert due is not None
    call.world.tell("bot_invoice", client.id, "The bot makes an invoice for {name}")
    items = [draft.line(call, client.id) for draft in drafts]
    row = money.add_invoice(call.world, client.id, items, due, by="bot", sent=send, currency=currency)
    call.wrote(
        "invoice",
        row.id,
        client_id=client.id,
        content={**body, "amount": row.amount, "currency": row.currency, "invoice_number": row.number},
    )
    return Answer({"data": views.invoice(call.world, row, whole=False)}, 201)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """A line as a body describes it, before it is known that the whole body is good."""

    name: str
    amount: int
    quantity: int
    description: str
    taxable: bool

    def line(self, call: Call, client_id: str, by: Author = "bot") -> LineItem:
        """The line itself, for that client."""
        return money.line(
            call.world,
            client_id,
            self.name,
            self.amount,
            self.quantity,
            description=self.description,
            taxable=self.taxable,
            by=by,
        )


def read_items(fields: Fields, name: str, given: Any) -> list[ItemDraft]:
    """Lines of a body; what is wrong is noted under the field's name, like `line_items.0.amount`."""
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        fields.fault(name, f"The {name} field must hold at least one item.")
        return []
    if len(given) > _MAX_ITEMS:
        fields.fault(name, f"The {name} field must not hold more than {_MAX_ITEMS} items.")
        return []
    drafts = []
    for place, item in enumerate(given):
        inner = Fields(item)
        drafts.append(
            ItemDraft(
                name=inner.text("name", required=True, limit=500),
                amount=inner.number("amount"),
                quantity=inner.number("quantity", least=1, most=_MAX_QUANTITY, default=1),
                description=inner.text("description"),
                taxable=inner.flag("taxable", default=False),
            )
        )
        for key, messages in inner.wrong.items():
            for message in messages:
                fields.fault(f"{name}.{place}.{key}", message)
    if sum(draft.amount * draft.quantity for draft in drafts) > MAX_NUMBER:
        fields.fault(name, f"The {name} field must not come to more than {MAX_NUMBER} in all.")
    return drafts


# Sums and currencies ------------------------------------------------------------------------------------------------


def _billed(call: Call) -> list[str]:
    table = call.world.tables.invoices
    codes: list[str] = table.kept("currencies", lambda: sorted({row.currency for row in table}))
    return codes


def _own(call: Call) -> list[str]:
    return [call.world.profile.currency, *call.world.profile.other_currencies]


def _own_currency(call: Call, fields: Fields) -> str:
    """The currency of a body: one that the studio bills in."""
    code = fields.text("currency", default=call.world.profile.currency).lower()
    if code not in _own(call):
        raise _no_currency(code, _own(call))
    return code


def _known_currency(call: Call, text: str) -> str:
    """A currency that the studio bills in, or has billed in."""
    known = {*_own(call), *_billed(call)}
    if text.lower() not in known:
        raise _no_currency(text, known)
    return text.lower()


def _no_currency(text: str, known: Iterable[str]) -> Refused:
    details = {"currency": [f"{text[:10]!r} is not one of the studio's currencies."], "supported": sorted(known)}
    return shape1(422, "invalid_currency", "The studio doesn't bill in this currency.", details)


def _rows(call: Call, client_id: str) -> list[Invoice]:
    table = call.world.tables.invoices
    return table.of_client(client_id) if client_id else [*table]  # sums are of all, whatever the list shows


def summary(call: Call) -> Answer:
    """Sums over all invoices but drafts and canceled ones: what was billed, came in, is open."""

    def sums() -> views.SummaryView | views.TotalsView:
        rows, own = _rows(call, ""), call.world.profile.currency
        others = [views.totals(rows, code) for code in _billed(call) if code != own]
        seen = views.totals(rows, own)
        return {**seen, "other_currencies": others} if others else seen

    return Answer({"data": call.world.tables.invoices.kept("summary", sums)})


def currencies(call: Call) -> Answer:
    """The currencies that the studio bills in, or has billed in."""
    return Answer({"data": sorted({*_own(call), *_billed(call)})})


def currencies_of(call: Call) -> Answer:
    """The same; with a client, only those that this client was billed in."""
    client_id = call.query.get("client_id", "")
    return Answer({"data": sorted({row.currency for row in _rows(call, client_id)})}) if client_id else currencies(call)


def totals(call: Call) -> Answer:
    """The sums of one currency, of one client if asked."""
    code = _known_currency(call, call.params["currency"])
    rows = _rows(call, call.query.get("client_id", ""))
    return Answer({"data": views.totals(rows, code)})


# Payments -----------------------------------------------------------------------------------------------------------


def payments(call: Call) -> Answer:
    """Payments, newest first; of one client, of a time frame, until a day."""
    table = call.world.tables.payments
    client_id = call.query.get("client_id", "")
    frame = _frame(call, "to", "transaction_date_to")
    rows = table.of_client(client_id)[::-1] if client_id else table.newest()
    if frame != (None, None):
        rows = [row for row in rows if _within(call, row.created_at, frame)]
    page = page_of(call, rows, "page_size")
    data = [table.json(row, "", partial(views.payment, call.world)) for row in page.rows]
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
    count = table.kept("disputed", lambda: sum(p.status == "disputed" for p in table))
    return Answer({"data": {"count": count}})


# The calls ----------------------------------------------------------------------------------------------------------

PAGE = (Param("page", FromOne), Param("per_page", FromOne, "How many on a page; more than 100 is cut to 100."))
_EXPAND = Param("expand", str, "`all` adds payments and associated documents.")
_CURRENCY = Param("currency", CurrencyCode, "One that the studio bills in or has billed in.")
_CLIENT = Param("client_id", str, "Only of this client.")
_FRAME = (
    Param("timeframe_filter", Timeframe, "By the day of creation, or of the payment."),
    Param("to", Day, "The last day of the time frame."),
)

ROUTES = (
    Route(
        "GET",
        "/invoices/",
        listing,
        query=(_EXPAND, *_FRAME, _CURRENCY, Param("payment_type", PaymentType), *PAGE, _CLIENT),
        data=list[views.InvoiceView],
        errors=(422,),
    ),
    Route(
        "POST",
        "/invoices/",
        create,
        body=InvoiceBody,
        data=views.InvoiceView,
        status=201,
        errors=(400, 422),
    ),
    Route("GET", "/invoices/invoice_summary", summary, data=views.SummaryView),
    Route("GET", "/invoices/currencies/list", currencies, data=list[str]),
    Route(
        "GET",
        "/invoices/payments/list/",
        payments,
        query=(
            Param("expand", str, "The client is always there."),
            _CLIENT,
            Param("page", FromOne),
            Param("page_size", FromOne, "How many on a page; more than 100 is cut to 100."),
            *_FRAME,
            Param("transaction_date_to", Day, "The last day of payment."),
        ),
        data=list[views.PaymentView],
        meta=ShortPageMeta,
        errors=(422,),
    ),
    Route("GET", "/invoices/payments/disputed,needs-response/count", disputed, data=views.CountView),
    Route("GET", "/invoices/{id}", detail, query=(_EXPAND,), data=views.InvoiceView, errors=(400, 404)),
    Route("GET", "/invoices/{id}/payments/{payment}/", payment, data=views.PaymentView, errors=(400, 404)),
    Route("GET", "/invoices_summary/currencies", currencies_of, query=(_CLIENT,), data=list[str]),
    Route(
        "GET",
        "/invoices_summary/totals/{currency}",
        totals,
        query=(_CLIENT,),
        data=views.TotalsView,
        errors=(422,),
    ),
)
