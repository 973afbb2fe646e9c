"""The payloads of each kind of record, and the record that each one is (studio-api.md, by resource).

One table in the order of the API's own description, to be read beside it: it is long as that is, and not split.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from selftimer.facts import records as r
from selftimer.primitives.money import Money
from selftimer.studio import wire as w


class PersonWire(w.Wire):
    """A client inside another record."""

    id: w.ClientId | None = None


class RefWire(w.Wire):
    """A template inside another record."""

    id: w.Name | None = None
    name: w.Text = None


class OwnedWire(w.Wire):
    """What belongs to a client: by its own field, the expanded client, or what the client library added."""

    client_id: w.ClientId | None = None
    client: PersonWire | None = None
    owner: w.ClientId | None = Field(default=None, alias="_client_id")

    @property
    def of_client(self) -> str | None:
        """The client's id, wherever it stands."""
        nested = self.client.id if self.client is not None else None
        return self.client_id or nested or self.owner


def _status_name(value: Any) -> Any:
    """Active or Archived, by name or by the number that `client_statuses` gives it."""
    word = str(value).strip().lower() if value is not None else ""
    return {"": "active", "1": "active", "2": "archived"}.get(word, word)


class AddressWire(w.Wire):
    """A client's address."""

    city: w.Text = None
    country: w.Text = None


class ClientWire(w.Wire):
    """Clients and leads (documented)."""

    id: w.ClientId
    type: Annotated[r.ClientType, w.Word]
    status: Annotated[r.ClientStatus, BeforeValidator(_status_name)] = Field(
        default="active", validation_alias=AliasChoices("status_name", "status")
    )
    email: w.Text = None
    first_name: w.Text = None
    last_name: w.Text = None
    phone: w.Text = None
    company: w.Text = None
    job_title: w.Text = None
    notes: w.Text = None
    address_info: AddressWire | None = None
    created_at: w.Stamp = None
    sample: w.Flag = False

    def record(self) -> r.Client:
        """The record."""
        address = self.address_info or AddressWire()
        return r.Client(
            id=self.id,
            type=self.type,
            status=self.status,
            email=self.email,
            first_name=self.first_name,
            last_name=self.last_name,
            phone=self.phone,
            company=self.company,
            job_title=self.job_title,
            notes=self.notes,
            city=address.city,
            country=address.country,
            created_at=self.created_at,
            sample=self.sample,
        )


class ScheduleWire(w.Wire):
    """A session type's schedule."""

    display_timezone: w.Text = None


class SessionTypeWire(w.Wire):
    """Session types (documented)."""

    id: w.SessionTypeId
    name: w.Text = None
    status: w.Text = None
    duration: int | None = None
    location: w.Text = None
    session_type_schedule: ScheduleWire | None = None

    def record(self) -> r.SessionType:
        """The record."""
        schedule = self.session_type_schedule
        return r.SessionType(
            id=self.id,
            name=self.name or "",
            status=(self.status or "published").lower(),
            duration=self.duration,
            location=self.location,
            timezone=schedule.display_timezone if schedule is not None else None,
        )


class BookedTypeWire(w.Wire):
    """A session type inside a session."""

    id: w.SessionTypeId | None = None
    name: w.Text = None
    duration: int | None = None


class _InvoiceRef(w.Wire):
    id: w.InvoiceId | None = None


class _ContractRef(w.Wire):
    id: w.ContractId | None = None


class _QuestionnaireRef(w.Wire):
    id: w.QuestionnaireId | None = None


class SessionWire(OwnedWire):
    """Sessions (the record is inferred)."""

    id: w.SessionId
    status: Annotated[r.SessionStatus, w.Word]
    start_at: w.Stamp = None
    end_at: w.Stamp = None
    timezone: w.Text = None
    location: w.Text = None
    created_at: w.Stamp = None
    session_type: BookedTypeWire | None = None
    session_type_id: w.SessionTypeId | None = None
    invoice_id: w.InvoiceId | None = None
    invoice: _InvoiceRef | None = None
    contract_id: w.ContractId | None = None
    contract: _ContractRef | None = None
    questionnaire_id: w.QuestionnaireId | None = None
    questionnaire: _QuestionnaireRef | None = None

    def record(self) -> r.Session:
        """The record."""
        kind = self.session_type or BookedTypeWire()
        return r.Session(
            id=self.id,
            client_id=self.of_client,
            status=self.status,
            start_at=self.start_at,
            end_at=self.end_at,
            timezone=self.timezone,
            location=self.location,
            created_at=self.created_at,
            type_id=kind.id or self.session_type_id,
            type_name=kind.name,
            duration=kind.duration,
            invoice_id=self.invoice_id or (self.invoice.id if self.invoice else None),
            contract_id=self.contract_id or (self.contract.id if self.contract else None),
            questionnaire_id=self.questionnaire_id or (self.questionnaire.id if self.questionnaire else None),
        )


def _invoice_word(value: Any) -> Any:
    """Both vocabularies in one: sent, unpaid, overdue and past due are `unpaid`; being overdue comes from the clock."""
    word = w.spelled(value)
    return "unpaid" if word in ("sent", "overdue", "past_due") else word


class LineWire(w.Wire):
    """A line of an invoice."""

    name: w.Text = None
    amount: w.Minor
    quantity: int = 1
    description: w.Text = None


class InvoiceWire(OwnedWire):
    """Invoices (documented)."""

    id: w.InvoiceId
    status: Annotated[r.InvoiceStatus, BeforeValidator(_invoice_word)]
    amount: w.Minor
    currency: w.Currency
    invoice_number: w.Text = None
    due_date: w.Day = None
    created_at: w.Stamp = None
    line_items: Annotated[tuple[LineWire, ...], w.ListOf] = ()

    def record(self) -> r.Invoice:
        """The record."""
        return r.Invoice(
            id=self.id,
            client_id=self.of_client,
            status=self.status,
            amount=Money(self.amount, self.currency),
            invoice_number=self.invoice_number,
            due_date=self.due_date,
            created_at=self.created_at,
            line_items=tuple(
                r.LineItem(
                    name=line.name or "",
                    amount=Money(line.amount, self.currency),
                    quantity=line.quantity,
                    description=line.description,
                )
                for line in self.line_items
            ),
        )


class PaymentWire(OwnedWire):
    """Payments (documented)."""

    id: w.PaymentId
    invoice_id: w.InvoiceId | None = None
    invoice: _InvoiceRef | None = None
    status: Annotated[r.PaymentStatus, w.Word]
    amount: w.Minor
    currency: w.Currency
    payment_date: w.Moment = None
    payment_method: w.Text = None

    def record(self) -> r.Payment:
        """The record."""
        return r.Payment(
            id=self.id,
            invoice_id=self.invoice_id or (self.invoice.id if self.invoice else None),
            client_id=self.of_client,
            status=self.status,
            amount=Money(self.amount, self.currency),
            payment_date=self.payment_date,
            payment_method=self.payment_method,
        )


class DocumentWire(OwnedWire):
    """What is made of a template."""

    created_at: w.Stamp = None
    template: RefWire | None = None
    template_id: w.Name | None = None

    @property
    def of_template(self) -> tuple[str | None, str | None]:
        """The template's id and name."""
        template = self.template or RefWire()
        return template.id or self.template_id, template.name


class ContractWire(DocumentWire):
    """Contracts (documented); `signed_date` is read as a date or a timestamp."""

    id: w.ContractId
    status: Annotated[r.ContractStatus, w.Word]
    contract_number: w.Text = None
    sent_at: w.Stamp = None
    due_date: w.Moment = None
    signed_date: w.Moment = None

    def record(self) -> r.Contract:
        """The record."""
        template_id, template_name = self.of_template
        return r.Contract(
            id=self.id,
            client_id=self.of_client,
            status=self.status,
            contract_number=self.contract_number,
            created_at=self.created_at,
            sent_at=self.sent_at,
            due_date=self.due_date,
            signed_at=self.signed_date,
            template_id=template_id,
            template_name=template_name,
        )


class QuestionnaireWire(DocumentWire):
    """Questionnaires (documented)."""

    id: w.QuestionnaireId
    status: Annotated[r.QuestionnaireStatus, w.Word]
    completed_at: w.Stamp = None
    due_date: w.Moment = None

    def record(self) -> r.Questionnaire:
        """The record."""
        template_id, template_name = self.of_template
        return r.Questionnaire(
            id=self.id,
            client_id=self.of_client,
            status=self.status,
            created_at=self.created_at,
            completed_at=self.completed_at,
            due_date=self.due_date,
            template_id=template_id,
            template_name=template_name,
        )


class QuoteWire(DocumentWire):
    """Quotes (inferred)."""

    id: w.QuoteId
    status: Annotated[r.QuoteStatus, w.Word]
    valid_until: w.Moment = None
    amount: w.Minor | None = None
    currency: w.Currency | None = None

    def record(self) -> r.Quote:
        """The record; its amount only where the currency is told too."""
        template_id, template_name = self.of_template
        known = self.amount is not None and self.currency is not None
        return r.Quote(
            id=self.id,
            client_id=self.of_client,
            status=self.status,
            amount=Money(self.amount or 0, self.currency or "") if known else None,
            created_at=self.created_at,
            valid_until=self.valid_until,
            template_id=template_id,
            template_name=template_name,
        )


class ParticipantWire(w.Wire):
    """Who takes part in a conversation."""

    id: w.Name
    type: w.Text = None
    email: w.Text = None


class ConversationWire(OwnedWire):
    """Conversations (documented)."""

    id: w.ConversationId
    subject: w.Text = None
    status: w.Text = None
    unread_count: w.Count = 0
    created_at: w.Stamp = None
    last_message_at: w.Stamp = None
    participants: Annotated[tuple[ParticipantWire, ...], w.ListOf] = ()

    def record(self) -> r.Conversation:
        """The record."""
        return r.Conversation(
            id=self.id,
            client_id=self.of_client,
            subject=self.subject,
            status=(self.status or "active").lower(),
            unread_count=self.unread_count,
            created_at=self.created_at,
            last_message_at=self.last_message_at,
            participants=tuple((p.id, (p.type or "").lower(), p.email) for p in self.participants),
        )


def _content(value: Any) -> Any:
    return "" if value is None else value


class MessageWire(OwnedWire):
    """Messages (documented); the conversation's id and client are added by whoever read the conversation."""

    id: w.MessageId
    conversation_id: w.ConversationId
    content: Annotated[str, BeforeValidator(_content)] = ""
    sent_at: w.Stamp = None
    sender_type: Annotated[r.SenderType, w.Word]
    sender_id: w.Name | None = None

    def record(self) -> r.Message:
        """The record."""
        return r.Message(
            id=self.id,
            conversation_id=self.conversation_id,
            client_id=self.of_client,
            content=self.content,
            sent_at=self.sent_at,
            sender_type=self.sender_type,
            sender_id=self.sender_id,
        )


class GalleryWire(OwnedWire):
    """Collections of galleries (documented, but thinly); the client is added by whoever listed the client's."""

    id: w.Name
    name: w.Text = None
    description: w.Text = None
    gallery_count: w.Count = 0
    photo_count: w.Count = 0
    video_count: w.Count = 0
    password_protected: w.Flag = False
    downloadable: w.Flag = False
    expiry_date: w.Day = None
    created_at: w.Stamp = None

    def record(self) -> r.Gallery:
        """The record."""
        return r.Gallery(
            id=self.id,
            client_id=self.of_client,
            name=self.name,
            description=self.description,
            gallery_count=self.gallery_count,
            photo_count=self.photo_count,
            video_count=self.video_count,
            password_protected=self.password_protected,
            downloadable=self.downloadable,
            expiry_date=self.expiry_date,
            created_at=self.created_at,
        )


Model = (
    ClientWire
    | SessionTypeWire
    | SessionWire
    | InvoiceWire
    | PaymentWire
    | ContractWire
    | QuestionnaireWire
    | QuoteWire
    | ConversationWire
    | MessageWire
    | GalleryWire
)

MODELS: dict[r.Kind, type[Model]] = {
    r.Kind.CLIENT: ClientWire,
    r.Kind.SESSION: SessionWire,
    r.Kind.INVOICE: InvoiceWire,
    r.Kind.PAYMENT: PaymentWire,
    r.Kind.CONTRACT: ContractWire,
    r.Kind.QUESTIONNAIRE: QuestionnaireWire,
    r.Kind.QUOTE: QuoteWire,
    r.Kind.CONVERSATION: ConversationWire,
    r.Kind.MESSAGE: MessageWire,
    r.Kind.GALLERY: GalleryWire,
    r.Kind.SESSION_TYPE: SessionTypeWire,
}
