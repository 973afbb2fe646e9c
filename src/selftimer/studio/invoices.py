"""Invoices and payments (studio-api.md, Invoices and payments: documented)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.facts.records import Kind, RawRecord
from selftimer.studio.pages import client_of, data_of, one, within

if TYPE_CHECKING:
    from selftimer.studio.http import Http


class Invoices:
    """Requests on `/invoices/`, beyond the list and the record."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def summary(self) -> dict[str, Any]:
        """`GET /invoices/invoice_summary`: sums in minor units, and `overdue_count`."""
        path = self._http.endpoints["invoice.summary"].path
        return data_of(await self._http.read(path), f"GET {path}")

    async def sums(self) -> tuple[int, int, int] | None:
        """(paid, unpaid, number overdue) of the summary: a cheap change signal; None where one is missing."""
        found = await self.summary()
        values = [found.get(name) for name in ("paid_amount", "unpaid_amount", "overdue_count")]
        paid, unpaid, overdue = (value if isinstance(value, int) else None for value in values)
        return None if paid is None or unpaid is None or overdue is None else (paid, unpaid, overdue)

    async def totals(self, currency: str, client_id: str) -> dict[str, Any]:
        """`GET /invoices_summary/totals/{currency}`: a client's sums in one currency."""
        path = self._http.endpoints["invoice.totals"].at(currency=currency.lower())
        return data_of(await self._http.read(path, {"client_id": client_id}), f"GET {path}")

    async def currencies(self) -> tuple[str, ...]:
        """`GET /invoices/currencies/list`: lower-case codes; the entries' shape is inferred (a code, or an object)."""
        path = self._http.endpoints["invoice.currencies"].path
        body = await self._http.read(path)
        entries = body.get("data") if isinstance(body, dict) else body
        codes = (
            entry.get("code") or entry.get("currency") if isinstance(entry, dict) else entry for entry in entries or ()
        )
        return tuple(code.lower() for code in codes if isinstance(code, str))

    async def payment(self, invoice_id: str, payment_id: str) -> RawRecord:
        """`GET /invoices/{id}/payments/{ip}/`: a payment can only be read with its invoice's id."""
        path = self._http.endpoints["payment.get"].at(invoice_id=invoice_id, id=payment_id)
        return one(Kind.PAYMENT, payment_id, await self._http.read(path), f"GET {path}")

    async def disputed(self) -> int | None:
        """`GET /invoices/payments/disputed,needs-response/count`: a cheap change signal."""
        return count_in(await self._http.read(self._http.endpoints["payment.disputed"].path), "count")


def payments_of(invoice: RawRecord) -> tuple[RawRecord, ...]:
    """The payments inside an invoice, each with the invoice's id and the client's (`_client_id`)."""
    client_id = client_of(invoice.raw)
    return within(Kind.PAYMENT, invoice.raw.get("payments"), invoice_id=invoice.id, _client_id=client_id)


def count_in(body: Any, *names: str) -> int | None:
    """The number in an answer that is little else: bare, by one of the names, or the only whole number there is."""
    data = body.get("data", body) if isinstance(body, dict) else body
    if isinstance(data, dict):
        numbers = {key: value for key, value in data.items() if isinstance(value, int) and not isinstance(value, bool)}
        for name in names:
            if name in numbers:
                return numbers[name]
        return next(iter(numbers.values())) if len(numbers) == 1 else None
    return data if isinstance(data, int) and not isinstance(data, bool) else None
