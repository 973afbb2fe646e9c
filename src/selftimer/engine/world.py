"""The World of a transaction: stored records, with what was just read afresh laid over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selftimer.facts.records import (
    Client,
    Kind,
    Message,
    RawRecord,
    Record,
    Unreadable,
    client_id_of,
    created_at_of,
    kind_of,
)
from selftimer.plan.keys import normalised
from selftimer.plan.state import Delivery, DeliveryState, Hold, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whenever import Date, Instant

    from selftimer.engine.context import Context
    from selftimer.facts.stored import StoredRecord
    from selftimer.facts.world import StudioFacts
    from selftimer.ports import StudioApi, Tx


@dataclass(slots=True)
class Fresh:
    """What was read afresh for one judgement; None stands for a record that is gone."""

    records: dict[tuple[Kind, str], Record | None] = field(default_factory=dict)
    lists: set[tuple[Kind, str]] = field(default_factory=set)
    """(kind, client id) of lists that were read whole: what isn't in `records` isn't there."""
    read_at: Instant | None = None
    requests: int = 0

    def add(self, record: Record) -> None:
        """Lay a record over the stored one."""
        self.records[kind_of(record), record.id] = record

    def of(self, kind: Kind) -> Iterable[Record]:
        """The fresh records of a kind."""
        return (r for (k, _), r in self.records.items() if k is kind and r is not None)


def parsed(api: StudioApi, stored: StoredRecord) -> Record | None:
    """The record as it is kept, or None where even its last good version can't be read any more."""
    record = api.parse(RawRecord(stored.kind, stored.id, dict(stored.raw), stored.digest))
    return None if isinstance(record, Unreadable) else record


class TxWorld:
    """Lazy reads inside one transaction, remembered for its length."""

    def __init__(self, tx: Tx, context: Context, now: Instant, fresh: Fresh | None = None) -> None:
        self._tx = tx
        self._context = context
        self._now = now
        self._fresh = fresh or Fresh()
        self._seen: dict[tuple[Kind, str], Record | None] = {}

    @property
    def now(self) -> Instant:
        """The instant that is judged for."""
        return self._now

    @property
    def studio(self) -> StudioFacts:
        """The studio itself."""
        return self._context.facts

    def get(self, kind: Kind, record_id: str) -> Record | None:
        """Fresh if it was read afresh, else as stored."""
        key = (kind, record_id)
        if key in self._fresh.records:
            return self._fresh.records[key]
        if key not in self._seen:
            stored = self._tx.records.get(kind, record_id)
            gone = stored is None or stored.gone_at is not None
            self._seen[key] = None if gone or stored is None else self._parse(stored)
        return self._seen[key]

    def _parse(self, stored: StoredRecord) -> Record | None:
        key = (stored.kind, stored.id)
        if key not in self._seen:
            self._seen[key] = parsed(self._context.api, stored)
        return self._seen[key]

    def all(self, kind: Kind) -> Iterable[Record]:
        """Every record of a kind that isn't gone, fresh where it was read afresh."""
        for stored in self._tx.records.all(kind):
            record = self._fresh.records.get((kind, stored.id), ...)
            read = self._parse(stored) if record is ... else record
            if read is not None:
                yield read

    def of_client(self, kind: Kind, client_id: str) -> Sequence[Record]:
        """Oldest first."""
        found: dict[str, Record] = {}
        if (kind, client_id) not in self._fresh.lists:
            for stored in self._tx.records.of_client(kind, client_id):
                record = self.get(kind, stored.id)
                if record is not None:
                    found[stored.id] = record
        found |= {r.id: r for r in self._fresh.of(kind) if client_id_of(r) == client_id}
        return sorted(found.values(), key=_age)

    def of_invoice(self, invoice_id: str) -> Sequence[Record]:
        """Payments, oldest first."""
        found = {s.id: self.get(Kind.PAYMENT, s.id) for s in self._tx.records.of_parent(Kind.PAYMENT, invoice_id)}
        found |= {r.id: r for r in self._fresh.of(Kind.PAYMENT) if getattr(r, "invoice_id", None) == invoice_id}
        return sorted((r for r in found.values() if r is not None), key=_age)

    def payments_readable(self) -> bool:
        """Payments count once their list has been read whole."""
        resource = self._tx.records.resource(Kind.PAYMENT)
        return resource is not None and resource.baseline_at is not None

    def is_ours(self, message_id: str) -> bool:
        """By the deliveries' own record of what they made, or may have made while that isn't settled."""
        return self._tx.deliveries.made(Kind.MESSAGE, message_id) is not None or self._may_be_ours(message_id)

    def _may_be_ours(self, message_id: str) -> bool:
        """Whether an effect whose own message isn't known (yet) said these very words."""
        message = self.get(Kind.MESSAGE, message_id)
        if not isinstance(message, Message) or message.client_id is None:
            return False
        words = normalised(message.content)
        return any(
            message_id not in delivery.known_ids and normalised(delivery.text or "") == words
            for delivery in self._tx.deliveries.of_client(message.client_id)
            if delivery.verb is Verb.MESSAGE and _unnamed(delivery)
        )

    def is_working_day(self, date: Date) -> bool:
        """By the studio's country."""
        return self._context.is_working_day(date)

    def client(self, client_id: str | None) -> Client | None:
        """The client, typed."""
        record = self.get(Kind.CLIENT, client_id) if client_id else None
        return record if isinstance(record, Client) else None


def _unnamed(delivery: Delivery) -> bool:
    """Whether it has left something in the studio, or may have, of which it doesn't know the id."""
    match delivery.state:
        case DeliveryState.IN_FLIGHT | DeliveryState.UNKNOWN:
            return True
        case DeliveryState.HELD:
            return delivery.hold is Hold.EVIDENCE
        case _:
            return delivery.state is DeliveryState.SENT and delivery.result_id is None and not delivery.dry


def _age(record: Record) -> tuple[bool, float, str]:
    created = created_at_of(record)
    return (created is not None, created.timestamp(unit="nanosecond") / 1e9 if created else 0.0, record.id)
