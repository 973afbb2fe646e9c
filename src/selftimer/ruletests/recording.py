"""A test made of a real run: what was there, what happened, what was done. Nobody's name, address or words get into it.

Amounts, dates and statuses are kept, since rules are about those.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selftimer.facts.records import (
    Client,
    Contract,
    Invoice,
    Kind,
    Message,
    Payment,
    Questionnaire,
    Quote,
    RawRecord,
    Session,
    Unreadable,
)
from selftimer.plan.state import DeliveryState, Hold
from selftimer.ruletests.deeds import DEEDS
from selftimer.ruletests.spoken import of_delivery
from selftimer.ruletests.writing import test_text
from selftimer.studio.pages import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from whenever import Instant

    from selftimer.facts.records import Record
    from selftimer.facts.stored import StoredEvent, StoredRecord
    from selftimer.plan.state import Delivery, Run
    from selftimer.ports.reader import StoreReader

_PEOPLE = ("Anna", "Ben", "Cleo", "Dora", "Emil")
_LETTERS = {
    Kind.SESSION: "s",
    Kind.INVOICE: "i",
    Kind.PAYMENT: "p",
    Kind.CONTRACT: "c",
    Kind.QUESTIONNAIRE: "q",
    Kind.QUOTE: "o",
}
_ALL = 100_000
_FOLLOWS = {
    "invoice.created": ("invoice.sent",),
    "invoice.paid": ("payment.received",),
    "invoice.partially_paid": ("payment.received",),
    "lead.converted": ("session.confirmed", "payment.received", "quote.accepted"),
    "client.changed": ("lead.converted", "lead.created", "client.created", "client.archived"),
}
"""Events that come by themselves with another one of the same poll."""
HOURS_AFTER = 24
"""How long the test goes on after the last that was done."""
HOURS_BEFORE = 24
"""How long before a moment's run it begins."""
NO_AFTER_HOURS = 2
"""When a no was said isn't kept: so long after it was asked for."""


@dataclass(slots=True)
class Recorder:
    """Made for one run."""

    reader: StoreReader
    run: Run
    zone: str
    _names: dict[str, str] = field(default_factory=dict)
    _used: Counter[str] = field(default_factory=Counter)
    _ours: set[str] = field(default_factory=set)

    def text(self) -> str:
        """The file of a test that says what happened."""
        run = self.run
        mine = list(reversed(self.reader.deliveries(run=run.id, limit=_ALL)))
        everything = self.reader.deliveries(client=run.client_id, limit=_ALL) if run.client_id else mine
        self._ours = {one.result_id for one in everything if one.result_id}
        happened = sorted(self._events(), key=lambda event: (event.seen_at, event.id))
        trigger = next((event for event in happened if event.id == run.event_id), None)
        begin = trigger.seen_at if trigger else min(run.begun_at, run.start_at).subtract(hours=HOURS_BEFORE)
        end = max([run.ended_at or run.begun_at, *(one.sent_at or one.planned_at for one in mine)])
        last = end.add(hours=HOURS_AFTER)
        # The rule's other entries, and its runs for other records of the client, run in the test as well.
        deliveries = [one for one in everything if one.rule_id == run.rule_id and begin <= one.planned_at <= last]
        given = list(self._given(begin))
        lines: list[tuple[Instant, int, dict[str, Any]]] = []
        if trigger is None:
            lines.append((begin, 0, {"at": begin}))
        during = [event for event in happened if begin <= event.seen_at <= last]
        lines += [(at, 1, line) for at, line in self._deeds(during)]
        lines += [(at, 1, line) for at, line in self._written(begin, last)]
        lines += [(at, 2, line) for one in deliveries for at, line in self._done(one)]
        diary = [line for _, _, line in sorted(lines, key=lambda row: row[:2])]
        name = f"as it was with {self._names.get(run.client_id or '', 'nobody')} ({run.id})"
        return test_text(name, run.rule_id, given, [*diary, {"at": last}], self.zone)

    # --- what is kept ------------------------------------------------------------------------------------------------

    def _records(self) -> list[StoredRecord]:
        if self.run.client_id is None:
            found = self.reader.record(self.run.subject_id)
            return [found] if found else []
        return self.reader.records_of(self.run.client_id)

    def _events(self) -> list[StoredEvent]:
        if self.run.client_id is None:
            return self.reader.events(record=self.run.subject_id, limit=_ALL)
        return self.reader.events(client=self.run.client_id, limit=_ALL)

    def _as_of(self, stored: StoredRecord, at: Instant, *, before: bool) -> Record | None:
        """The record as it was known then; `before`: as it was before what came at that instant."""
        kept = [(one.seen_at, one.raw) for one in self.reader.versions(stored.kind, stored.id, limit=_ALL)]
        kept.append((stored.seen_at, stored.raw))
        known = [(seen, raw) for seen, raw in kept if (seen < at if before else seen <= at)]
        if not known:
            return None
        _, raw = max(known, key=lambda pair: pair[0])
        read = parse(RawRecord(stored.kind, stored.id, dict(raw), stored.digest))
        return None if isinstance(read, Unreadable) else read

    # --- what was there ----------------------------------------------------------------------------------------------

    def _given(self, begin: Instant) -> Iterator[tuple[str, dict[str, Any]]]:
        order = [Kind.CLIENT, *_LETTERS, Kind.MESSAGE]
        mine = [one for one in self._records() if one.kind in order and one.id not in self._ours]
        for stored in sorted(mine, key=lambda one: (order.index(one.kind), one.created_at or one.first_seen_at)):
            record = self._as_of(stored, begin, before=True)
            if record is None:
                continue
            if isinstance(record, Message):
                if record.sender_type != "system":
                    yield "message", self._message(record, given=True)
                continue
            self._name(stored.kind, record.id)
            values = self._short(record, None)
            if values is not None:
                yield stored.kind.value, values

    def _name(self, kind: Kind, record_id: str) -> str:
        if record_id not in self._names:
            self._used[kind] += 1
            number = self._used[kind]
            person = _PEOPLE[(number - 1) % len(_PEOPLE)].lower() + (str(number) if number > len(_PEOPLE) else "")
            self._names[record_id] = person if kind is Kind.CLIENT else f"{_LETTERS[kind]}{number}"
        return self._names[record_id]

    def _message(self, message: Message, *, given: bool) -> dict[str, Any]:
        theirs = message.sender_type == "client"
        values: dict[str, Any] = {"client": self._names.get(message.client_id or "", "")}
        if given:
            values |= {"by": "client" if theirs else "studio", "at": message.sent_at}
        return values | {"content": "Hello" if theirs else "Let us talk"}

    # --- what happened -----------------------------------------------------------------------------------------------

    def _deeds(self, events: list[StoredEvent]) -> Iterator[tuple[Instant, dict[str, Any]]]:
        at_once: dict[Instant, set[str]] = defaultdict(set)
        for event in events:
            at_once[event.seen_at].add(event.name)
        told: set[tuple[str, str, Instant]] = set()
        for event in events:
            follows = any(other in at_once[event.seen_at] for other in _FOLLOWS.get(event.name, ()))
            key = (event.name, event.record_id, event.seen_at)
            if event.name not in DEEDS or follows or event.own or key in told or event.kind is Kind.MESSAGE:
                continue
            if event.name.endswith((".sent", ".created")) and event.record_id in self._ours:
                continue  # our own creation: the rules do it
            told.add(key)
            line = self._deed(event)
            if line is not None:
                yield event.seen_at, {"at": event.seen_at, event.name: line}

    def _deed(self, event: StoredEvent) -> dict[str, Any] | None:
        stored = self.reader.record(event.record_id)
        record = self._as_of(stored, event.seen_at, before=False) if stored else None
        if stored is None or record is None:
            return None
        if event.record_id in self._ours:
            return {"client": self._names.get(event.client_id or "", "")}
        if event.record_id in self._names:
            return {"id": self._names[event.record_id], **self._changed(record, event.changed)}
        self._name(stored.kind, record.id)
        return self._short(record, event.seen_at)

    def _changed(self, record: Record, names: tuple[str, ...]) -> dict[str, Any]:
        whole = self._short(record, None) or {}
        kept = {name: whole[name] for name in names if name in whole and name not in {"status", "type", "created_at"}}
        return kept if isinstance(record, Session | Invoice | Client) else {}

    def _written(self, begin: Instant, end: Instant) -> Iterator[tuple[Instant, dict[str, Any]]]:
        """Messages of the client, and of people of the studio; an inquiry comes with its lead."""
        born = {one.created_at for one in self._records() if one.kind is Kind.CLIENT}
        for stored in self._records():
            record = self._as_of(stored, end, before=False) if stored.kind is Kind.MESSAGE else None
            if not isinstance(record, Message) or record.sent_at is None or record.id in self._ours:
                continue
            inquiry = any(at and abs((record.sent_at - at).total("minutes")) <= 10 for at in born)
            if record.sender_type == "system" or inquiry or not begin <= stored.first_seen_at <= end:
                continue
            event = "message.received" if record.sender_type == "client" else "message.sent"
            yield stored.first_seen_at, {"at": stored.first_seen_at, event: self._message(record, given=False)}

    # --- records, short ----------------------------------------------------------------------------------------------

    def _short(self, record: Record, seen: Instant | None) -> dict[str, Any] | None:
        """The fields that a test can say; with `seen`, of a record that comes to be in the diary then."""
        values: dict[str, Any] = {"id": self._names.get(record.id, record.id)}
        status: dict[str, Any] = {} if seen else {"status": getattr(record, "status", None)}
        owner = getattr(record, "client_id", None)
        if owner and not isinstance(record, Payment):
            values["client"] = self._names.get(owner, owner)
        match record:
            case Client():
                values |= self._person(record, seen)
            case Session():
                values |= {**status, "type": record.type_name, "start_at": record.start_at, "end_at": record.end_at}
            case Invoice():
                if status and (record.status == "partially_paid" or self._payments(record.id)):
                    status["status"] = "unpaid"  # its payments stand below it
                values |= {**status, "amount": record.amount, "due_date": record.due_date}
            case Payment():
                invoice = self._names.get(record.invoice_id or "", "")
                values |= {"invoice": invoice, **status, "amount": record.amount}
                values |= {} if seen else {"created_at": record.payment_date}
            case Contract() | Questionnaire() | Quote():
                values |= _paper(record, seen)
            case _:
                return None
        born = getattr(record, "created_at", None)
        if born is not None and (seen is None or born < seen.subtract(seconds=60)):
            values["created_at"] = born
        return {name: value for name, value in values.items() if value is not None}

    def _person(self, client: Client, seen: Instant | None) -> dict[str, Any]:
        name = self._names[client.id]
        there = {"first_name": name.title(), "last_name": "Example", "phone": "+49 30 5550000", "notes": "A note"}
        there |= {"company": "Example Ltd", "city": "Town"}
        values = {field: made_up for field, made_up in there.items() if getattr(client, field)}
        status = {"status": "archived"} if client.status == "archived" else {}
        return ({} if seen else {"type": client.type}) | status | {"email": f"{name}@example.com"} | values

    def _payments(self, invoice_id: str) -> bool:
        return any(one.kind is Kind.PAYMENT and one.parent_id == invoice_id for one in self._records())

    # --- what was done -----------------------------------------------------------------------------------------------

    def _done(self, delivery: Delivery) -> Iterator[tuple[Instant, dict[str, Any]]]:
        said = of_delivery(delivery)
        if said is None:
            return
        verb, name = said
        word = name if verb != "create" else delivery.verb.value
        to = {"to": self._names[delivery.client_id]} if delivery.client_id in self._names else {}
        declined = delivery.state is DeliveryState.SKIPPED and delivery.reason == "you said no"
        waited = delivery.hold is Hold.APPROVAL or "no answer" in (delivery.reason or "")
        if delivery.approved_at is not None or declined or waited:
            yield delivery.planned_at, {"at": delivery.planned_at, "held": word, **to}
        if delivery.approved_at is not None or declined:
            answered = delivery.approved_at or delivery.allowed_at.add(hours=NO_AFTER_HOURS)
            yield answered, {"at": answered, "no" if declined else "yes": word}
        if delivery.state is DeliveryState.SENT and delivery.sent_at is not None:
            yield delivery.sent_at, {"at": delivery.sent_at, verb: name, **to}
        elif delivery.state is DeliveryState.SKIPPED and not declined and delivery.reason != "if":
            yield delivery.due_at, {"at": delivery.due_at, "skipped": word, **to}


def _paper(record: Contract | Questionnaire | Quote, seen: Instant | None) -> dict[str, Any]:
    values: Mapping[str, Any] = {} if seen else {"status": record.status}
    values = {**values, "template": record.template_name}
    if isinstance(record, Contract):
        return {**values, **({} if seen else {"sent_at": record.sent_at}), "due_date": record.due_date}
    if isinstance(record, Quote):
        return {**values, "amount": record.amount, "valid_until": record.valid_until}
    return {**values, "due_date": record.due_date}
