"""Invoices and payments (studio-api.md, Invoices and payments: documented)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from selftimer.facts.records import Kind
from selftimer.studio.calls import Group, asked, call
from selftimer.studio.models.billing import Invoice, Payment, Summary
from selftimer.studio.pages import count_in, one

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Date

    from selftimer.facts.records import RawRecord
    from selftimer.studio.stream import Stream

PaymentType = Literal["all", "paid", "unpaid", "overdue"]


class Invoices(Group):
    """Requests on `/invoices/` and `/invoices_summary/`."""

    @call("invoice.list")
    def list(
        self,
        *,
        client_id: str | None = None,
        payment_type: PaymentType | None = None,
        currency: str | None = None,
        timeframe_filter: str | None = None,
        to: Date | None = None,
    ) -> Stream[Invoice]:
        """`GET /invoices/` (documented), newest first, with payments and documents.

        `timeframe_filter` is `all_time`, `this_month`, `last_month` and others that aren't documented; `to` is the last
        day.
        """
        filters = asked(
            client_id=client_id,
            payment_type=payment_type,
            currency=currency,
            timeframe_filter=timeframe_filter,
            to=_day(to),
        )
        return self._list("invoice.list", Invoice, filters)

    @call("invoice.get")
    async def get(self, invoice_id: str) -> Invoice:
        """`GET /invoices/{id}` (documented), with its payments."""
        return await self._get("invoice.get", Invoice, id=invoice_id)

    @call("invoice.create")
    async def create(
        self,
        client_id: str,
        due_date: Date,
        line_items: Sequence[Mapping[str, Any]],
        *,
        send_email: bool = False,
        **more: Any,
    ) -> Invoice:
        """`POST /invoices/` (documented), once. Unless `send_email`, it is a draft and the client hears nothing.

        A line is `{"name", "amount", "quantity", "description"?, "taxable"?}`, the amount for one of it in the smallest
        unit of the currency. `more` are fields that this page doesn't know.
        """
        fields = {
            "client_id": client_id,
            "due_date": _day(due_date),
            "line_items": [dict(line) for line in line_items],
            "send_email": send_email,
        }
        return await self._put("invoice.create", Invoice, fields | more)

    @call("invoice.summary")
    async def summary(self) -> Summary:
        """`GET /invoices/invoice_summary` (documented): what was billed, came in and is open."""
        return await self._told("invoice.summary", Summary)

    @call("invoice.summary")
    async def sums(self) -> tuple[int, int, int] | None:
        """(paid, unpaid, number overdue) of the summary: a cheap change signal; None where one is missing."""
        found = (await self._read("invoice.summary")).data
        values = [found.get(name) for name in ("paid_amount", "unpaid_amount", "overdue_count")]
        paid, unpaid, overdue = (value if isinstance(value, int) else None for value in values)
        return None if paid is None or unpaid is None or overdue is None else (paid, unpaid, overdue)

    @call("invoice.totals")
    async def totals(self, currency: str, client_id: str | None = None) -> Summary:
        """`GET /invoices_summary/totals/{currency}` (documented): the sums in one currency, of one client if given."""
        return await self._told("invoice.totals", Summary, asked(client_id=client_id), currency=currency.lower())

    @call("invoice.currencies")
    async def currencies(self) -> tuple[str, ...]:
        """`GET /invoices/currencies/list` (documented): lower-case codes."""
        return codes_in((await self._read("invoice.currencies")).content)

    @call("invoice.summary_currencies")
    async def billed_currencies(self, client_id: str | None = None) -> tuple[str, ...]:
        """`GET /invoices_summary/currencies` (documented): those that there are sums in, of one client if given."""
        return codes_in((await self._read("invoice.summary_currencies", asked(client_id=client_id))).content)


class Payments(Group):
    """Requests on payments, which are below `/invoices/`."""

    @call("payment.list")
    def list(
        self,
        *,
        client_id: str | None = None,
        timeframe_filter: str | None = None,
        to: Date | None = None,
        transaction_date_to: Date | None = None,
    ) -> Stream[Payment]:
        """`GET /invoices/payments/list/` (documented), newest first."""
        filters = asked(
            client_id=client_id,
            timeframe_filter=timeframe_filter,
            to=_day(to),
            transaction_date_to=_day(transaction_date_to),
        )
        return self._list("payment.list", Payment, filters)

    @call("payment.get")
    async def get(self, invoice_id: str, payment_id: str) -> Payment:
        """`GET /invoices/{id}/payments/{ip}/` (documented): a payment can only be read with its invoice's id."""
        return await self._get("payment.get", Payment, invoice_id=invoice_id, id=payment_id)

    async def record(self, invoice_id: str, payment_id: str) -> RawRecord:
        """`get`, raw."""
        body = await self._read("payment.get", invoice_id=invoice_id, id=payment_id)
        return one(Kind.PAYMENT, payment_id, body.content, body.request)

    @call("payment.disputed")
    async def disputed(self) -> int | None:
        """`GET /invoices/payments/disputed,needs-response/count` (documented): a cheap change signal."""
        return count_in((await self._read("payment.disputed")).content, "count")


def _day(date: Date | None) -> str | None:
    return None if date is None else str(date)


def codes_in(body: Any) -> tuple[str, ...]:
    """Currency codes of a list; what its entries look like is inferred: a code, or an object with one."""
    entries = body.get("data") if isinstance(body, dict) else body
    codes = (
        entry.get("code") or entry.get("currency") if isinstance(entry, dict) else entry for entry in entries or ()
    )
    return tuple(code.lower() for code in codes if isinstance(code, str))
