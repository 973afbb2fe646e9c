"""The records of the sandbox's studio, as it knows them; `views` turns them into the API's JSON (studio-api.md).

They are plain mutable rows that life changes in place; `Table.touch` and `Studio.changed` make a change visible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from selftimer.sandbox.rounding import percent_of

if TYPE_CHECKING:
    from whenever import Date, Instant

ClientType = Literal["client", "lead", "other"]
SessionStatus = Literal["inquiry", "pending", "confirmed", "declined", "canceled"]
InvoiceStatus = Literal["draft", "unpaid", "partially_paid", "past_due", "paid", "canceled"]
PaymentStatus = Literal["completed", "pending", "failed", "disputed", "refunded", "partially_refunded"]
PaymentMethod = Literal["card", "paypal", "bank_transfer", "gift_card", "coupon"]
"""The first three are documented; a gift card, and a coupon that left nothing to pay, are inferred."""
CHARGED: tuple[PaymentMethod, ...] = ("card", "paypal", "bank_transfer")
"""What a client can choose to pay with."""
ContractStatus = Literal["draft", "sent", "viewed", "partially_signed", "signed", "expired", "cancelled"]
SignerType = Literal["client", "photographer"]
UNSIGNED: tuple[ContractStatus, ...] = ("sent", "viewed", "partially_signed")
"""Where a contract still waits for a signature."""
QuestionnaireStatus = Literal["draft", "pending", "completed", "expired"]
QuoteStatus = Literal["draft", "sent", "accepted", "declined", "expired"]
CouponStatus = Literal["active", "disabled", "expired", "exhausted"]
GiftCardStatus = Literal["active", "redeemed", "expired"]
DiscountType = Literal["percentage", "fixed_amount"]
SenderType = Literal["client", "photographer", "system"]
SessionTypeStatus = Literal["published", "draft"]
TemplateKind = Literal["email", "contract", "questionnaire", "quote", "invoice"]
TemplateStatus = Literal["active", "archived", "draft", "locked"]
ConversationStatus = Literal["active", "archived"]
Author = Literal["bot", "studio", "client"]
"""Who did something: the API's user, the studio's own people and flows, or the client."""


@dataclass(slots=True, kw_only=True)
class Record:
    """What every record has: an id, when it was made, and whose it is ("" where it is nobody's)."""

    id: str
    created_at: Instant
    client_id: str = ""


@dataclass(slots=True, kw_only=True)
class Client(Record):
    """A contact; `person` is the key of the random stream of whoever lives behind it ("" for nobody)."""

    first_name: str
    last_name: str
    email: str
    type: ClientType = "lead"
    person: str = ""
    phone: str = ""
    company: str = ""
    job_title: str = ""
    notes: str = ""
    avatar_color: str = "#8a9a5b"
    address: dict[str, str] = field(default_factory=dict)
    archived: bool = False
    sample: bool = False

    @property
    def name(self) -> str:
        """First and last name as people would say it."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(slots=True, kw_only=True)
class WayToPay:
    """A way to pay for a session; `type` is `card` or `manual`, and `id` is a manual one's."""

    name: str
    type: str
    enabled: bool = True
    instructions: str = ""
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax on a session's price; `rate` in hundredths of a percent: 1900 is 19 %."""

    name: str
    rate: int


@dataclass(slots=True, kw_only=True)
class SessionType(Record):
    """What can be booked; amounts in the smallest unit, durations and buffers in minutes, notices in days.

    `key`, `lead_days` and `weight` are life's: what people wish for, and how long before. A `deleted` one stays for the
    sessions that were booked of it.
    """

    key: str
    name: str
    duration: int
    price: int
    deposit: int
    lead_days: tuple[int, int]
    weight: float
    description: str
    schedule_id: str
    status: SessionTypeStatus = "published"
    location: str = ""
    minimum_notice: int = 0
    maximum_notice: int = 365
    buffer_before: int = 0
    buffer_after: int = 0
    collect_payment: bool = True
    payment_methods: list[WayToPay] = field(default_factory=list)
    taxes: list[Tax] = field(default_factory=list)
    contract_template_id: str | None = None
    auto_send_contract: bool = False
    contract_required: bool = False
    questionnaire_template_id: str | None = None
    deleted: bool = False


@dataclass(slots=True, kw_only=True)
class OpenDay:
    """When a schedule is open: every `weekday` (1 is Monday), or on one `date`, which then goes before its weekday.

    `hours` are spans of minutes since local midnight, in order and apart; 1440 is the day's end. None: closed.
    """

    id: str
    weekday: int | None = None
    date: Date | None = None
    hours: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Schedule(Record):
    """Opening hours in a zone of their own: seven weekdays, and the dates that are different."""

    name: str
    zone: str
    week: list[OpenDay]
    overrides: dict[str, OpenDay] = field(default_factory=dict)

    def on(self, date: Date) -> OpenDay:
        """The hours of a date."""
        return self.overrides.get(str(date)) or self.week[date.day_of_week().value - 1]


@dataclass(slots=True, kw_only=True)
class Session(Record):
    """A booking or the wish for one."""

    type_id: str
    status: SessionStatus
    start_at: Instant
    end_at: Instant
    updated_at: Instant
    location: str = ""
    invoice_id: str | None = None
    contract_id: str | None = None
    questionnaire_id: str | None = None


@dataclass(slots=True, kw_only=True)
class LineItem:
    """A line of an invoice or quote; `amount` is the price of one before tax, in the smallest unit.

    `tax_rate` is in percent, and stays what it was when the line was written.
    """

    id: str
    name: str
    amount: int
    quantity: int = 1
    description: str = ""
    taxable: bool = False
    tax_rate: Decimal = Decimal(0)

    @property
    def net(self) -> int:
        """The price of all of them, before tax."""
        return self.amount * self.quantity

    @property
    def tax(self) -> int:
        """The tax on all of them."""
        return percent_of(self.net, self.tax_rate) if self.tax_rate else 0


def total_of(items: list[LineItem]) -> int:
    """What the lines come to, with tax."""
    return sum(item.net + item.tax for item in items)


@dataclass(slots=True, kw_only=True)
class Payment(Record):
    """Money that came, or didn't; `refunded` is what went back."""

    invoice_id: str
    amount: int
    currency: str
    method: PaymentMethod
    status: PaymentStatus
    refunded: int = 0
    gift_card_id: str | None = None


COUNTED: tuple[PaymentStatus, ...] = ("completed", "disputed", "refunded", "partially_refunded")
"""Payments that came in; disputed money counts until it is refunded."""


@dataclass(slots=True, kw_only=True)
class Invoice(Record):
    """A bill; its payments are kept with it, oldest first. A coupon's `discount` is off the total, tax included."""

    number: str
    currency: str
    due_date: Date
    status: InvoiceStatus
    items: list[LineItem]
    author: Author
    sent: bool = True
    session_id: str | None = None
    quote_id: str | None = None
    coupon_id: str | None = None
    coupon_code: str = ""
    discount: int = 0
    payments: list[Payment] = field(default_factory=list)

    @property
    def amount(self) -> int:
        """The total in the smallest unit: lines and tax, less the discount."""
        return total_of(self.items) - self.discount

    @property
    def paid(self) -> int:
        """Payments that came in, less refunds."""
        return sum(p.amount - p.refunded for p in self.payments if p.status in COUNTED)

    @property
    def balance(self) -> int:
        """What is still open."""
        return self.amount - self.paid

    @property
    def pending(self) -> int:
        """Money on its way, which isn't paid yet."""
        return sum(p.amount for p in self.payments if p.status == "pending")


@dataclass(slots=True, kw_only=True)
class Signature:
    """One signer of a contract and when they signed, if they did."""

    signer_type: SignerType
    name: str
    email: str
    required: bool = True
    signed_at: Instant | None = None


@dataclass(slots=True, kw_only=True)
class Contract(Record):
    """A contract that was made of a template; `body` is the template's text of that day."""

    number: str
    template_id: str
    status: ContractStatus
    due_date: Instant
    author: Author
    body: str = ""
    sent_at: Instant | None = None
    signed_date: Instant | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    signatures: list[Signature] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Questionnaire(Record):
    """Questions for a client; they are the template's of that day."""

    template_id: str
    status: QuestionnaireStatus
    due_date: Instant
    updated_at: Instant
    author: Author
    questions: list[dict[str, Any]] = field(default_factory=list)
    completed_at: Instant | None = None
    responses: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Quote(Record):
    """An offer; `invoice_id` is the invoice that was made when it was accepted."""

    template_id: str
    status: QuoteStatus
    valid_until: Instant
    currency: str
    items: list[LineItem]
    author: Author
    invoice_id: str | None = None

    @property
    def amount(self) -> int:
        """The total in the smallest unit, with tax."""
        return total_of(self.items)


@dataclass(slots=True, kw_only=True)
class Message:
    """One message of a conversation; `author` tells the bot's from the owner's, which the API doesn't."""

    id: str
    conversation_id: str
    content: str
    sent_at: Instant
    sender_type: SenderType
    sender_id: str
    author: Author
    read_at: Instant | None = None
    attachment_ids: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Conversation(Record):
    """The thread with a client."""

    subject: str
    updated_at: Instant
    last_message_at: Instant | None = None
    status: ConversationStatus = "active"
    unread: int = 0
    messages: list[Message] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Attachment(Record):
    """A file announced by `upload_url`; `content` once its form came."""

    filename: str
    content_type: str
    file_size: int
    content: bytes | None = None


@dataclass(slots=True, kw_only=True)
class Template(Record):
    """A template of any kind; `extra` is its kind's part."""

    kind: TemplateKind
    name: str
    updated_at: Instant
    subject: str = ""
    body: str = ""
    status: TemplateStatus = "active"
    variables: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Coupon(Record):
    """A discount code; `value` is percent or the smallest unit."""

    code: str
    discount_type: DiscountType
    value: int
    expires_at: Instant | None = None
    usage_limit: int | None = None
    usage_count: int = 0
    minimum_order_amount: int = 0
    description: str = ""
    disabled: bool = False

    def status_at(self, now: Instant) -> CouponStatus:
        """What it is worth at that instant."""
        if self.disabled:
            return "disabled"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        if self.usage_limit is not None and self.usage_count >= self.usage_limit:
            return "exhausted"
        return "active"


@dataclass(slots=True, kw_only=True)
class CouponUse(Record):
    """One use of a coupon: the order it was for, before and what came off, in the smallest unit."""

    coupon_id: str
    invoice_id: str
    order_amount: int
    discount: int
    currency: str


@dataclass(slots=True, kw_only=True)
class GiftCard(Record):
    """A paid card; `client_id` is its buyer where that is a known contact."""

    code: str
    amount: int
    balance: int
    expires_at: Instant
    purchased_by: str

    def status_at(self, now: Instant) -> GiftCardStatus:
        """Whether it can still be used; one that was used up has nothing left to expire."""
        if not self.balance:
            return "redeemed"
        return "active" if self.expires_at > now else "expired"
