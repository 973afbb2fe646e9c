"""Documents by the studio's own mail: never posted twice (delivery.md §1.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selftimer.channels.outcome import attempt, readable
from selftimer.facts.records import Invoice, Kind, Quote, Record, Unreadable, client_id_of, created_at_of
from selftimer.plan.attempt import NotSent, Outcome, Sent, Twins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from selftimer.plan.state import Delivery
    from selftimer.ports import Page, StudioApi

_A_DAY = 24
"""Hours before it was wanted in which the same from another hand counts as this one."""
_LOOK_BACK = 3
"""Pages looked at for one that may have been made: newest first, so it stands on the first."""


class DocumentChannel:
    """`POST` of an invoice, quote, contract or questionnaire."""

    guarantee = "at most once"

    def __init__(self, api: StudioApi, kind: Kind) -> None:
        self._api = api
        self._kind = kind

    def needs_reading(self, delivery: Delivery) -> bool:  # noqa: ARG002 - as in Channel
        """Always: what is there before has to be known."""
        return True

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Twins:
        """Find the template by its name, lay the payload out as the API has it, note what is there before.

        The very same document, made since a day before this one was wanted, may come from a second copy of the bot.
        """
        body = dict(delivery.body or {})
        name = body.pop("template", None)
        if name is not None:
            known = await self._api.templates(self._kind)
            found = [i for i, n in known if name in {i, n} or n.casefold() == str(name).casefold()]
            if len(found) != 1:
                listed = ", ".join(sorted(n for _, n in known)) or "none"
                what = "no" if not found else f"{len(found)}"
                return NotSent(
                    reason=f"the studio has {what} {self._kind} template {name!r}; it has: {listed}", permanent=True
                )
            body["template_id"] = found[0]
        if self._kind is Kind.INVOICE:
            body["line_items"] = body.pop("items", [])
        there = [r async for r in self._mine(delivery)]
        ready = replace(delivery, body=body, known_ids=tuple(r.id for r in there))
        # After a first attempt the owner may have said that it is to be sent, whatever is there.
        twins = tuple(r.id for r in there if delivery.attempt == 0 and _is_twin(r, ready))
        return Twins(ready=ready, ids=twins) if twins else ready

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Create it, once."""

        async def send() -> Outcome:
            accepted = await self._api.create_document(self._kind, delivery.body or {})
            return Sent(result_id=accepted.record.id, result_kind=self._kind.value, record=accepted.record)

        return await attempt(send)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """New for the client since the intent, of the same template, lines, amount and due date."""

        async def look() -> list[str]:
            new = [r async for r in self._mine(delivery) if r.id not in delivery.known_ids]
            return [r.id for r in new if self._same(r, delivery)]

        return await readable(look)

    def _same(self, record: Record, delivery: Delivery) -> bool:
        body: dict[str, Any] = dict(delivery.body or {})
        created = created_at_of(record)
        if created is not None and delivery.intent_at is not None and created < delivery.intent_at.subtract(minutes=2):
            return False
        if isinstance(record, Invoice):
            due = record.due_date.format_iso() if record.due_date else None
            same = not record.line_items or _lines(record) == _wanted_lines(body)
            return same and body.get("due_date") in {None, due}
        template = getattr(record, "template_id", None)
        if isinstance(record, Quote) and template is None:
            return True
        return template is None or template == body.get("template_id")

    async def _mine(self, delivery: Delivery) -> AsyncIterator[Record]:
        """The client's documents of this kind, newest first, as far back as is looked."""
        number, filters = 1, {"client_id": delivery.client_id or ""} if self._kind is Kind.INVOICE else {}
        while number <= _LOOK_BACK:
            page = await self._api.page(self._kind, number, **filters)
            for record in self._parsed(page):
                if client_id_of(record) == delivery.client_id:
                    yield record
            if page.last:
                return
            number += 1

    def _parsed(self, page: Page) -> Iterator[Record]:
        for raw in page.records:
            record = self._api.parse(raw)
            if not isinstance(record, Unreadable):
                yield record


def _is_twin(record: Record, ready: Delivery) -> bool:
    """Whether it is the very document, made since a day before it was wanted; what can't be compared is not."""
    body, created = dict(ready.body or {}), created_at_of(record)
    if created is None or created < ready.planned_at.subtract(hours=_A_DAY):
        return False
    if isinstance(record, Invoice):
        due = record.due_date.format_iso() if record.due_date else None
        lines = _lines(record)
        return bool(lines) and lines == _wanted_lines(body) and body.get("due_date") == due
    template = getattr(record, "template_id", None)
    return template is not None and template == body.get("template_id")


def _lines(invoice: Invoice) -> list[tuple[str, int, int]]:
    return sorted((item.name, item.amount.minor, item.quantity) for item in invoice.line_items)


def _wanted_lines(body: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    return sorted((item["name"], item["amount"], item.get("quantity", 1)) for item in body.get("line_items", []))
