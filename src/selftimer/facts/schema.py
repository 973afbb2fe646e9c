"""Every field that rules and texts can say, by table (rule-language.md, Exact meaning 2; docs/reference is made of it).

A table is a kind of record, or `event` and `studio`. Whatever isn't here can't be reached from a rule.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from selftimer.facts import derive as d
from selftimer.facts import derive_money as m
from selftimer.facts.records import Kind
from selftimer.facts.types import (
    DATE,
    INSTANT,
    MONEY,
    NUMBER,
    TEXT,
    YES_NO,
    Derive,
    Field,
    Read,
    Type,
    enum_of,
    list_of,
    record_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT, SESSION, INVOICE, PAYMENT = Kind.CLIENT, Kind.SESSION, Kind.INVOICE, Kind.PAYMENT
PAYMENTS: Read = (INVOICE, PAYMENT)
_WRITTEN = frozenset({(CLIENT, Kind.CONVERSATION)})

SPELLINGS: dict[str, str] = {"cancelled": "canceled"}
"""Words that are read as another, as a value and as a field's name."""


def _stored(name: str, kind: Type, doc: str, *, opt: bool = False, unit: str = "", own: bool = False) -> Field:
    return Field(name=name, type=kind, doc=doc, nullable=opt, unit=unit, attribute=name, own_words=own)


def _worked(name: str, kind: Type, doc: str, derive: object, *reads: Read, opt: bool = False, unit: str = "") -> Field:
    how = cast("Derive", derive)
    return Field(name=name, type=kind, doc=doc, nullable=opt, unit=unit, derive=how, reads=frozenset(reads))


def _statuses(*words: str, but: tuple[str, ...] = ()) -> list[Field]:
    fields = [Field(name="status", type=enum_of(*words), doc=f"one of {', '.join(words)}", attribute="status")]
    for word in words:
        if word not in but:
            said = word.replace("_", " ")
            fields.append(Field(name=word, type=YES_NO, doc=f"the status is {said}", status=word))
    return fields


def _table(*fields: Field | list[Field], expected: str = "") -> Mapping[str, Field]:
    """Fields by name; `expected` names those that can be missing and hardly ever are."""
    flat = [field for group in fields for field in (group if isinstance(group, list) else [group])]
    table = {field.name: field for field in flat}
    if len(table) != len(flat):
        raise AssertionError("a field stands twice in its table")
    for name in expected.split():
        table[name] = replace(table[name], expected=True)
    return table


def _owner(of: Kind) -> Field:
    return _worked("client", record_of("client"), "whose it is", d.client_of, (of, CLIENT), opt=True)


_ID = _stored("id", TEXT, "its id in the studio")
_CREATED = _stored("created_at", INSTANT, "when it came to be", opt=True)
_TEMPLATE = _stored("template_name", TEXT, "the template it was made from", opt=True)


def _many(name: str, of: Kind, doc: str, derive: object, *more: Read) -> Field:
    return _worked(name, list_of(record_of(of)), doc, derive, (CLIENT, of), *more)


_CLIENT = _table(
    _ID,
    _stored("type", enum_of("client", "lead", "other"), "client, lead or other"),
    _statuses("active", "archived"),
    _stored("email", TEXT, "address", opt=True),
    _stored("first_name", TEXT, "first name", opt=True, own=True),
    _stored("last_name", TEXT, "last name", opt=True, own=True),
    Field(name="full_name", type=TEXT, doc="first and last name", nullable=True, derive=d.full_name, own_words=True),
    _stored("phone", TEXT, "phone number", opt=True),
    _stored("company", TEXT, "company", opt=True, own=True),
    _stored("job_title", TEXT, "job title", opt=True, own=True),
    _stored("notes", TEXT, "the studio's notes", opt=True),
    _stored("city", TEXT, "city", opt=True, own=True),
    _stored("country", TEXT, "country", opt=True, own=True),
    _CREATED,
    _stored("sample", YES_NO, "a demo record made by the product"),
    _worked("replied", YES_NO, "the client wrote since the run began", d.replied, *_WRITTEN),
    _worked("contacted", YES_NO, "a person of the studio wrote since the run began", d.contacted, *_WRITTEN),
    _worked(
        "silent_days",
        NUMBER,
        "since the last message, if it was the studio's",
        d.silent_days,
        *_WRITTEN,
        opt=True,
        unit="days",
    ),
    _worked("last_message", record_of("message"), "the latest message", d.last_message, *_WRITTEN, opt=True),
    _many("sessions", SESSION, "all sessions", d.client_sessions),
    _worked(
        "last_session",
        record_of("session"),
        "the latest confirmed session that has ended",
        d.last_session,
        (CLIENT, SESSION),
        opt=True,
    ),
    _worked(
        "next_session",
        record_of("session"),
        "the earliest confirmed session that has not ended",
        d.next_session,
        (CLIENT, SESSION),
        opt=True,
    ),
    _worked("kinds", list_of(TEXT), "the kinds of the past sessions", d.kinds, (CLIENT, SESSION)),
    _many("invoices", INVOICE, "all invoices", d.client_invoices),
    _many("open_invoices", INVOICE, "the outstanding invoices", d.open_invoices, PAYMENTS),
    _many("contracts", Kind.CONTRACT, "all contracts", d.client_contracts),
    _many("questionnaires", Kind.QUESTIONNAIRE, "all questionnaires", d.client_questionnaires),
    _many("quotes", Kind.QUOTE, "all quotes", d.client_quotes),
    expected="created_at silent_days",
)

_SESSION = _table(
    _ID,
    _statuses("inquiry", "pending", "confirmed", "declined", "canceled"),
    _stored("start_at", INSTANT, "when it begins", opt=True),
    _stored("end_at", INSTANT, "when it ends", opt=True),
    _stored("timezone", TEXT, "its time zone", opt=True),
    _stored("location", TEXT, "where it is", opt=True),
    _stored("duration", NUMBER, "how long it is", opt=True, unit="minutes"),
    _CREATED,
    _worked("kind", TEXT, "the first of the studio's [kinds] that its type's name fits", d.session_kind, opt=True),
    _worked("session_type", record_of("session_type"), "what was booked", d.session_type, opt=True),
    _worked("ended", YES_NO, "confirmed, and its end has passed", d.ended),
    _owner(SESSION),
    _worked("invoice", record_of("invoice"), "its invoice", d.session_invoice, (SESSION, INVOICE), opt=True),
    _worked("contract", record_of("contract"), "its contract", d.session_contract, (SESSION, Kind.CONTRACT), opt=True),
    _worked(
        "questionnaire",
        record_of("questionnaire"),
        "its questionnaire",
        d.session_questionnaire,
        (SESSION, Kind.QUESTIONNAIRE),
        opt=True,
    ),
    expected="start_at end_at created_at session_type client",
)

_SESSION_TYPE = _table(
    _stored("name", TEXT, "its name"),
    _stored("duration", NUMBER, "how long it is", opt=True, unit="minutes"),
    _stored("location", TEXT, "where it is", opt=True),
)

_INVOICE = _table(
    _ID,
    _stored("invoice_number", TEXT, "its number", opt=True),
    _statuses("draft", "unpaid", "partially_paid", "paid", "canceled", but=("paid",)),
    _stored("amount", MONEY, "what it asks for"),
    _worked("currency", TEXT, "its currency's code", m.currency),
    _stored("due_date", DATE, "when it is to be paid", opt=True),
    _CREATED,
    _worked("paid", MONEY, "completed payments less refunds", m.paid, PAYMENTS, opt=True),
    _worked("paid_amount", MONEY, "the same as `paid`", m.paid, PAYMENTS, opt=True),
    _worked("balance", MONEY, "amount less paid", m.balance, PAYMENTS, opt=True),
    _worked("outstanding", YES_NO, "balance above zero, neither draft nor canceled", m.outstanding, PAYMENTS),
    _worked("settled", YES_NO, "canceled, or paid in full and no draft", m.settled, PAYMENTS),
    _worked("overdue", YES_NO, "outstanding after its due date", m.overdue, PAYMENTS),
    _worked("disputed", YES_NO, "a payment of it is disputed", m.disputed, PAYMENTS, opt=True),
    _worked("last_payment_at", INSTANT, "when money last came in", m.last_payment_at, PAYMENTS, opt=True),
    _worked("payments", list_of(record_of("payment")), "its payments", m.payments, PAYMENTS),
    _owner(INVOICE),
    expected="invoice_number created_at paid paid_amount balance disputed client",
)

_PAYMENT = _table(
    _ID,
    _statuses("completed", "pending", "failed", "disputed", "refunded", "partially_refunded"),
    _stored("amount", MONEY, "how much"),
    _stored("payment_date", INSTANT, "when", opt=True),
    _stored("payment_method", TEXT, "card, paypal, bank_transfer …", opt=True),
    _worked("invoice", record_of("invoice"), "what was paid", m.payment_invoice, (PAYMENT, INVOICE), opt=True),
    _owner(PAYMENT),
    expected="payment_date invoice client",
)

_CONTRACT = _table(
    _ID,
    _stored("contract_number", TEXT, "its number", opt=True),
    _statuses("draft", "sent", "viewed", "partially_signed", "signed", "expired", "canceled"),
    _CREATED,
    _stored("sent_at", INSTANT, "when it went out", opt=True),
    _stored("due_date", INSTANT, "until when it can be signed", opt=True),
    _stored("signed_at", INSTANT, "when all had signed", opt=True),
    _TEMPLATE,
    _worked("outstanding", YES_NO, "sent, viewed or partially signed", d.contract_outstanding),
    _owner(Kind.CONTRACT),
    expected="contract_number created_at template_name client",
)

_QUESTIONNAIRE = _table(
    _ID,
    _statuses("draft", "pending", "completed", "expired"),
    _CREATED,
    _stored("completed_at", INSTANT, "when it was filled in", opt=True),
    _stored("due_date", INSTANT, "until when it can be filled in", opt=True),
    _TEMPLATE,
    _worked("outstanding", YES_NO, "waits for answers (pending)", d.questionnaire_outstanding),
    _owner(Kind.QUESTIONNAIRE),
    expected="created_at template_name client",
)

_QUOTE = _table(
    _ID,
    _statuses("draft", "sent", "accepted", "declined", "expired"),
    _stored("amount", MONEY, "what it offers for", opt=True),
    _CREATED,
    _stored("valid_until", INSTANT, "until when it holds", opt=True),
    _TEMPLATE,
    _worked("outstanding", YES_NO, "waits for a yes or no (sent)", d.quote_outstanding),
    _owner(Kind.QUOTE),
    expected="amount created_at template_name client",
)

_CONVERSATION = _table(
    _ID,
    _stored("subject", TEXT, "its subject", opt=True),
    _statuses("active", "archived"),
    _stored("unread_count", NUMBER, "messages the studio hasn't read"),
    _CREATED,
    _stored("last_message_at", INSTANT, "when somebody last wrote", opt=True),
    _owner(Kind.CONVERSATION),
    expected="created_at client",
)

_MESSAGE = _table(
    _ID,
    _stored("content", TEXT, "what was written"),
    _stored("sent_at", INSTANT, "when", opt=True),
    _stored("sender_type", enum_of("client", "photographer", "system"), "client, photographer or system"),
    _worked(
        "conversation",
        record_of("conversation"),
        "where it stands",
        d.message_conversation,
        (Kind.MESSAGE, Kind.CONVERSATION),
        opt=True,
    ),
    _owner(Kind.MESSAGE),
    expected="sent_at conversation client",
)

_COUPON = _table(
    _stored("code", TEXT, "what is typed in to use it"),
    _stored("discount", TEXT, "what it takes off, in words: 10%, or an amount"),
    _stored("uses", NUMBER, "how often it can be used"),
    _stored("expires_at", INSTANT, "the end of the last day on which it can be used", opt=True),
)

_EVENT = _table(
    _stored("name", TEXT, "what happened"),
    _stored("at", INSTANT, "when it happened, by the record's own time where it has one, else when it was seen"),
    _stored("changed", list_of(TEXT), "the names of the fields that changed"),
    _stored("before", record_of("client"), "the record as it was before", opt=True),
    Field(name="in_quiet_hours", type=YES_NO, doc="it happened in the studio's quiet hours", scope="in_quiet_hours"),
    expected="before",
)


def _word(name: str, doc: str) -> Field:
    return _worked(name, TEXT, doc, d.studio_word(name), opt=True)


_STUDIO = _table(
    _stored("name", TEXT, "the studio's name"),
    _word("owner", "who owns it"),
    _word("phone", "phone number"),
    _word("email", "address"),
    _word("website", "web address"),
    _word("review_link", "where clients can write a review"),
    _word("signature", "what stands under every message to a client"),
    _word("country", "country code, for public holidays"),
    _stored("zone", TEXT, "time zone"),
    _stored("currency", TEXT, "currency code"),
)

SCHEMA: Mapping[str, Mapping[str, Field]] = {
    "client": _CLIENT,
    "session": _SESSION,
    "session_type": _SESSION_TYPE,
    "invoice": _INVOICE,
    "payment": _PAYMENT,
    "contract": _CONTRACT,
    "questionnaire": _QUESTIONNAIRE,
    "quote": _QUOTE,
    "conversation": _CONVERSATION,
    "message": _MESSAGE,
    "coupon": _COUPON,
    "event": _EVENT,
    "studio": _STUDIO,
}
"""Table to its fields by name. The record type of `event.before` is that of the event, see `rulebook.names`."""
