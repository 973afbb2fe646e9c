"""Events: what changed or fell due, frozen and in the past tense (rule-language.md, Events and Exact meaning 12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.facts.records import Kind, Record

EVENTS: dict[str, str] = {
    "lead.created": "a contact is first seen as a lead, or became one",
    "lead.converted": "a lead became a client",
    "client.created": "a contact is first seen as a client, or went from other to client",
    "client.changed": "a client's own fields changed",
    "client.archived": "a contact was archived",
    "session.requested": "a session was asked for and waits for the studio (status inquiry)",
    "session.pending": "the studio agreed and waits for the client",
    "session.confirmed": "a session is booked",
    "session.rescheduled": "a session's start moved",
    "session.declined": "the studio declined",
    "session.canceled": "a session was canceled",
    "session.ended": "a confirmed session's end has passed (from the clock)",
    "invoice.created": "an invoice is first seen",
    "invoice.sent": "an invoice is out: no draft any more",
    "invoice.overdue": "00:00 after the due date, still outstanding (from the clock)",
    "invoice.partially_paid": "a part was paid",
    "invoice.paid": "an invoice is paid in full",
    "invoice.canceled": "an invoice was canceled",
    "payment.received": "a payment was completed",
    "payment.failed": "a payment failed",
    "payment.disputed": "a client disputes a payment",
    "payment.refunded": "a payment was refunded, whole or in part",
    "contract.sent": "a contract went out",
    "contract.viewed": "the client looked at a contract",
    "contract.signed": "a contract is signed by all",
    "contract.expired": "a contract expired (by its status)",
    "questionnaire.sent": "a questionnaire went out",
    "questionnaire.completed": "a questionnaire was filled in",
    "questionnaire.expired": "a questionnaire expired",
    "quote.sent": "a quote went out",
    "quote.accepted": "a quote was accepted",
    "quote.declined": "a quote was declined",
    "quote.expired": "a quote expired",
    "message.received": "a client wrote",
    "gallery.published": "a gallery is first seen at a client whose session ended in the last 120 days, who is looked "
    "at once a day",
    "client.removed": "a contact is gone from the studio",
    "session.removed": "a session is gone from the studio",
    "invoice.removed": "an invoice is gone from the studio",
    "contract.removed": "a contract is gone from the studio",
    "questionnaire.removed": "a questionnaire is gone from the studio",
    "quote.removed": "a quote is gone from the studio",
    "gallery.removed": "a gallery is gone from the studio",
}
"""Every event name with what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a record.

    `subject` is what a rule's run is about: the client for lead, client and message events, the invoice for payments,
    else the record itself (Exact meaning 1). `occurrence` is made of content, never of a counter, so that the same
    happening seen twice is one. `at` is the record's own time where it has one, `seen_at` the poll that saw it.
    """

    name: str
    kind: Kind
    record_id: str
    subject_kind: Kind
    subject_id: str
    client_id: str | None
    occurrence: str
    at: Instant
    seen_at: Instant
    changed: tuple[str, ...] = ()
    own: bool = False
    """Whether Selftimer itself set these values: no rule meets it unless it says `also: own_changes` (20)."""
    before: Record | None = field(default=None, compare=False)
    after: Record | None = field(default=None, compare=False)
