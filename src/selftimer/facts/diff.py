"""What changed between two versions of a record, as events (rule-language.md, Events; Exact meaning 8 and 12).

Pure. Status events fire for the status found when a new record is first seen, and only that one; between two polls
only the last status counts. Whether a record is new or was there before is the caller's to say.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from selftimer.facts.event import Event
from selftimer.facts.records import (
    Client,
    Contract,
    Conversation,
    Gallery,
    Invoice,
    Kind,
    Message,
    Payment,
    Questionnaire,
    Quote,
    Record,
    Session,
    SessionType,
    client_id_of,
    created_at_of,
    kind_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from whenever import Instant

_SESSION = {
    "inquiry": "session.requested",
    "pending": "session.pending",
    "confirmed": "session.confirmed",
    "declined": "session.declined",
    "canceled": "session.canceled",
}
_PAYMENT = {
    "completed": "payment.received",
    "failed": "payment.failed",
    "disputed": "payment.disputed",
    "refunded": "payment.refunded",
    "partially_refunded": "payment.refunded",
}
_DOCUMENT: dict[tuple[Kind, str], str] = {
    (Kind.CONTRACT, "sent"): "contract.sent",
    (Kind.CONTRACT, "viewed"): "contract.viewed",
    (Kind.CONTRACT, "signed"): "contract.signed",
    (Kind.CONTRACT, "expired"): "contract.expired",
    (Kind.QUESTIONNAIRE, "pending"): "questionnaire.sent",
    (Kind.QUESTIONNAIRE, "completed"): "questionnaire.completed",
    (Kind.QUESTIONNAIRE, "expired"): "questionnaire.expired",
    (Kind.QUOTE, "sent"): "quote.sent",
    (Kind.QUOTE, "accepted"): "quote.accepted",
    (Kind.QUOTE, "declined"): "quote.declined",
    (Kind.QUOTE, "expired"): "quote.expired",
}
_NOT_A_CHANGE = frozenset({"type", "status"})
"""Fields of a client that have events of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How a change was seen: by which poll, and what the diff has to ask of the studio."""

    at: Instant
    zone_of: Callable[[Session], str]
    """The zone in which a session's dates are dates (rule-language.md 15)."""
    zone: str = "UTC"
    """The studio's, for all else."""


def changed_fields(before: Record | None, after: Record) -> tuple[str, ...]:
    """The names of the fields that differ; empty for a new record."""
    if before is None:
        return ()
    return tuple(
        field.name
        for field in dataclasses.fields(after)
        if getattr(before, field.name, None) != getattr(after, field.name)
    )


def events_of(before: Record | None, after: Record, seen: Seen) -> list[Event]:
    """The events of one record's change; `before` is None for a record that is new to the studio."""
    return [_event(name, occurrence, before, after, seen) for name, occurrence in _happenings(before, after, seen)]


def removed(last: Record, seen: Seen) -> Event | None:
    """The event of a record that is gone; None for kinds that have none."""
    kind = kind_of(last)
    if kind in {Kind.PAYMENT, Kind.MESSAGE, Kind.CONVERSATION, Kind.SESSION_TYPE}:
        return None
    return dataclasses.replace(_event(f"{kind}.removed", "", last, last, seen), changed=())


def partially_paid(invoice: Invoice, paid_minor: int, seen: Seen) -> Event:
    """`invoice.partially_paid`, whose occurrence is the sum paid: asked for by whoever knows the payments."""
    return _event("invoice.partially_paid", str(paid_minor), None, invoice, seen)


def _event(name: str, occurrence: str, before: Record | None, after: Record, seen: Seen) -> Event:
    kind = kind_of(after)
    subject_kind, subject_id = kind, after.id
    if isinstance(after, Message):
        subject_kind, subject_id = Kind.CLIENT, after.client_id or ""
    elif isinstance(after, Payment):
        subject_kind, subject_id = Kind.INVOICE, after.invoice_id or ""
    # Who became a lead later on isn't new: that happened when it was seen.
    own_time = created_at_of(after) if before is None and (name.endswith(".created") or kind is Kind.MESSAGE) else None
    return Event(
        name=name,
        kind=kind,
        record_id=after.id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        client_id=client_id_of(after),
        occurrence=f"{name}:{occurrence}" if occurrence else name,
        at=own_time or seen.at,
        seen_at=seen.at,
        changed=changed_fields(before, after),
        before=before,
        after=after,
    )


def _happenings(before: Record | None, after: Record, seen: Seen) -> Iterator[tuple[str, str]]:
    match after:
        case Client():
            yield from _client(before if isinstance(before, Client) else None, after, seen)
        case Session():
            yield from _session(before if isinstance(before, Session) else None, after, seen)
        case Invoice():
            yield from _invoice(before if isinstance(before, Invoice) else None, after)
        case Payment():
            if _status_of(before) != after.status and after.status in _PAYMENT and after.invoice_id:
                yield _PAYMENT[after.status], after.id
        case Contract() | Questionnaire() | Quote():
            name = _DOCUMENT.get((kind_of(after), after.status))
            if name is not None and _status_of(before) != after.status:
                yield name, ""
        case Message() | Gallery():
            if before is None:
                yield from _arrived(after)
        case Conversation() | SessionType():
            pass
        case _:
            assert_never(after)


def _arrived(new: Message | Gallery) -> Iterator[tuple[str, str]]:
    if isinstance(new, Gallery):
        yield "gallery.published", ""
    elif new.sender_type == "client" and new.client_id:
        yield "message.received", new.id


def _status_of(record: Record | None) -> str | None:
    return getattr(record, "status", None)


def _client(before: Client | None, after: Client, seen: Seen) -> Iterator[tuple[str, str]]:
    was = before.type if before else None
    if after.type == "lead" and was != "lead":
        yield "lead.created", ""
    elif after.type == "client" and was == "lead":
        yield "lead.converted", ""
    elif after.type == "client" and was != "client":
        yield "client.created", ""
    if before is None:
        return
    if after.status == "archived" and before.status != "archived":
        yield "client.archived", seen.at.to_tz(seen.zone).date().format_iso()
    changed = [name for name in changed_fields(before, after) if name not in _NOT_A_CHANGE]
    if changed:
        yield "client.changed", _digest([(name, getattr(after, name)) for name in changed])


def _session(before: Session | None, after: Session, seen: Seen) -> Iterator[tuple[str, str]]:
    if before is None or before.status != after.status:
        day = after.start_at.to_tz(seen.zone_of(after)).date().format_iso() if after.start_at else ""
        yield _SESSION[after.status], day
    coming = after.status in {"inquiry", "pending", "confirmed"}
    if before and before.start_at and after.start_at and before.start_at != after.start_at and coming:
        yield "session.rescheduled", after.start_at.format_iso()


def _invoice(before: Invoice | None, after: Invoice) -> Iterator[tuple[str, str]]:
    if before is None:
        yield "invoice.created", ""
    if after.status == "unpaid" and (before is None or before.status == "draft"):
        yield "invoice.sent", ""
    if _status_of(before) != after.status:
        if after.status == "paid":
            yield "invoice.paid", str(after.amount.minor)
        elif after.status == "canceled":
            yield "invoice.canceled", ""


def _digest(values: list[Any]) -> str:
    return hashlib.blake2b(repr(values).encode(), digest_size=12).hexdigest()
