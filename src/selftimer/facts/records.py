"""The records of a studio, in one vocabulary whatever the API calls things (studio-api.md).

Frozen, slotted, keyword-only; instants are UTC, an absent optional value is None, statuses are the lower-case words of
rule-language.md. Nothing here is derived: what is worked out from several records is in `selftimer.facts.derive`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from whenever import Date, Instant

    from selftimer.primitives.money import Money


class Kind(StrEnum):
    """The kinds of record that are read and kept."""

    CLIENT = "client"
    SESSION = "session"
    INVOICE = "invoice"
    PAYMENT = "payment"
    CONTRACT = "contract"
    QUESTIONNAIRE = "questionnaire"
    QUOTE = "quote"
    CONVERSATION = "conversation"
    MESSAGE = "message"
    GALLERY = "gallery"
    SESSION_TYPE = "session_type"


LISTED: tuple[Kind, ...] = (
    Kind.CLIENT,
    Kind.SESSION,
    Kind.INVOICE,
    Kind.PAYMENT,
    Kind.CONTRACT,
    Kind.QUESTIONNAIRE,
    Kind.QUOTE,
    Kind.CONVERSATION,
)
"""The eight lists that a poll reads, clients first. Messages come with their conversation, session types on demand,
galleries by looks of their own (`engine.galleries`).
"""

ClientType = Literal["client", "lead", "other"]
ClientStatus = Literal["active", "archived"]
SessionStatus = Literal["inquiry", "pending", "confirmed", "declined", "canceled"]
InvoiceStatus = Literal["draft", "unpaid", "partially_paid", "paid", "canceled"]
PaymentStatus = Literal["completed", "pending", "failed", "disputed", "refunded", "partially_refunded"]
ContractStatus = Literal["draft", "sent", "viewed", "partially_signed", "signed", "expired", "canceled"]
QuestionnaireStatus = Literal["draft", "pending", "completed", "expired"]
QuoteStatus = Literal["draft", "sent", "accepted", "declined", "expired"]
SenderType = Literal["client", "photographer", "system"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A contact: lead, client or other (studio-api.md, Clients and leads). There is no updated_at."""

    id: str
    type: ClientType
    status: ClientStatus
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    company: str | None = None
    job_title: str | None = None
    notes: str | None = None
    city: str | None = None
    country: str | None = None
    created_at: Instant | None = None
    sample: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionType:
    """What can be booked; `timezone` is its schedule's display zone."""

    id: str
    name: str
    status: str = "published"
    duration: int | None = None
    location: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A booking. `duration` is in minutes; *completed* is no status but a confirmed session whose end has passed."""

    id: str
    client_id: str | None
    status: SessionStatus
    start_at: Instant | None = None
    end_at: Instant | None = None
    timezone: str | None = None
    location: str | None = None
    created_at: Instant | None = None
    type_id: str | None = None
    type_name: str | None = None
    duration: int | None = None
    invoice_id: str | None = None
    contract_id: str | None = None
    questionnaire_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """One line of an invoice; `amount` is for one, before tax."""

    name: str
    amount: Money
    quantity: int = 1
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice. The API's sent, overdue and past due are all `unpaid`: being overdue comes from the clock."""

    id: str
    client_id: str | None
    status: InvoiceStatus
    amount: Money
    invoice_number: str | None = None
    due_date: Date | None = None
    created_at: Instant | None = None
    line_items: tuple[LineItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money that came, or failed to, for an invoice."""

    id: str
    invoice_id: str | None
    client_id: str | None
    status: PaymentStatus
    amount: Money
    payment_date: Instant | None = None
    payment_method: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract; `due_date` is an instant (its day is in the studio's zone)."""

    id: str
    client_id: str | None
    status: ContractStatus
    contract_number: str | None = None
    created_at: Instant | None = None
    sent_at: Instant | None = None
    due_date: Instant | None = None
    signed_at: Instant | None = None
    template_id: str | None = None
    template_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """A questionnaire that was sent to a client, or lies as a draft."""

    id: str
    client_id: str | None
    status: QuestionnaireStatus
    created_at: Instant | None = None
    completed_at: Instant | None = None
    due_date: Instant | None = None
    template_id: str | None = None
    template_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quote (inferred: studio-api.md)."""

    id: str
    client_id: str | None
    status: QuoteStatus
    amount: Money | None = None
    created_at: Instant | None = None
    valid_until: Instant | None = None
    template_id: str | None = None
    template_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A thread with a client. `participants` are (id, type, email)."""

    id: str
    client_id: str | None
    subject: str | None = None
    status: str = "active"
    unread_count: int = 0
    created_at: Instant | None = None
    last_message_at: Instant | None = None
    participants: tuple[tuple[str, str, str | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation; `client_id` is the conversation's."""

    id: str
    conversation_id: str
    client_id: str | None
    content: str
    sent_at: Instant | None
    sender_type: SenderType
    sender_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """A collection that was published for a client (studio-api.md, Gallery API; its `created_at` is inferred).

    `expiry_date` is its last day.
    """

    id: str
    client_id: str | None
    name: str | None = None
    description: str | None = None
    gallery_count: int = 0
    photo_count: int = 0
    video_count: int = 0
    password_protected: bool = False
    downloadable: bool = False
    expiry_date: Date | None = None
    created_at: Instant | None = None


Record = (
    Client
    | SessionType
    | Session
    | Invoice
    | Payment
    | Contract
    | Questionnaire
    | Quote
    | Conversation
    | Message
    | Gallery
)

RECORD_TYPES: dict[Kind, type[Record]] = {
    Kind.CLIENT: Client,
    Kind.SESSION: Session,
    Kind.INVOICE: Invoice,
    Kind.PAYMENT: Payment,
    Kind.CONTRACT: Contract,
    Kind.QUESTIONNAIRE: Questionnaire,
    Kind.QUOTE: Quote,
    Kind.CONVERSATION: Conversation,
    Kind.MESSAGE: Message,
    Kind.GALLERY: Gallery,
    Kind.SESSION_TYPE: SessionType,
}
_KIND_OF: dict[type, Kind] = {cls: kind for kind, cls in RECORD_TYPES.items()}


def kind_of(record: Record) -> Kind:
    """The kind that a record is of."""
    return _KIND_OF[type(record)]


def client_id_of(record: Record) -> str | None:
    """The client that a record belongs to; a client is its own."""
    if isinstance(record, Client):
        return record.id
    if isinstance(record, SessionType):
        return None
    return record.client_id


def created_at_of(record: Record) -> Instant | None:
    """When the studio says the record came to be: `created_at`, a message's `sent_at`, a payment's date."""
    if isinstance(record, Message):
        return record.sent_at
    if isinstance(record, Payment):
        return record.payment_date
    if isinstance(record, SessionType):
        return None
    return record.created_at


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as the API sent it: what is kept, compared by `digest` and parsed only when it changed."""

    kind: Kind
    id: str
    raw: dict[str, object]
    digest: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that can't be understood: set aside with its last good state and reported, never dropped."""

    kind: Kind
    id: str
    reason: str
    shape: str = field(default="")
    """The same for every record with this fault, so that it is reported once."""
