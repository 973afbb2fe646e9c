from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.studio.scripted import CLIENT, CONVERSATION, INVOICE, MESSAGE, PAYMENT, SESSION, client, invoice
from whenever import Date, Instant

from selftimer.facts.records import (
    RECORD_TYPES,
    Client,
    Contract,
    Conversation,
    Gallery,
    Invoice,
    Kind,
    LineItem,
    Message,
    Payment,
    Questionnaire,
    Quote,
    RawRecord,
    Record,
    Session,
    SessionType,
    Unreadable,
)
from selftimer.primitives.money import Money
from selftimer.studio.pages import digest, parse, raw_record

CONTRACT = "co_" + "k" * 30
QUESTIONNAIRE = "qu_" + "q" * 30
QUOTE = "qo_" + "o" * 30
SESSION_TYPE = "set_" + "t" * 30
AT = "2025-08-06T14:50:42.000000Z"
THEN = Instant.from_utc(2025, 8, 6, 14, 50, 42)


def read(kind: Kind, raw: dict[str, Any]) -> Record | Unreadable:
    record = raw_record(kind, raw)
    assert isinstance(record, RawRecord)
    return parse(record)


def session(**changes: Any) -> dict[str, Any]:
    return {"id": SESSION, "status": "Confirmed", "client": {"id": CLIENT}, "start_at": AT} | changes


SMALLEST: dict[Kind, dict[str, Any]] = {
    Kind.CLIENT: {"id": CLIENT, "type": "lead"},
    Kind.SESSION: {"id": SESSION, "status": "Inquiry"},
    Kind.INVOICE: {"id": INVOICE, "status": "draft", "amount": 1, "currency": "usd"},
    Kind.PAYMENT: {"id": PAYMENT, "status": "pending", "amount": 1, "currency": "usd"},
    Kind.CONTRACT: {"id": CONTRACT, "status": "draft"},
    Kind.QUESTIONNAIRE: {"id": QUESTIONNAIRE, "status": "draft"},
    Kind.QUOTE: {"id": QUOTE, "status": "draft"},
    Kind.CONVERSATION: {"id": CONVERSATION},
    Kind.MESSAGE: {"id": MESSAGE, "conversation_id": CONVERSATION, "sender_type": "system"},
    Kind.GALLERY: {"id": "12345678"},
    Kind.SESSION_TYPE: {"id": SESSION_TYPE},
}


@pytest.mark.parametrize("kind", list(Kind))
def test_the_least_that_makes_a_record_is_read(kind: Kind) -> None:
    assert isinstance(read(kind, SMALLEST[kind]), RECORD_TYPES[kind])


@pytest.mark.parametrize("kind", list(Kind))
def test_null_for_everything_optional_is_like_absent(kind: Kind) -> None:
    nulls = {
        "client": None, "client_id": None, "line_items": None, "participants": None, "created_at": None, "email": None,
        "template": None, "session_type": None, "due_date": None, "unread_count": None, "sample": None,
        "address_info": None, "signed_date": None, "content": None, "name": None, "duration": None,
    }  # fmt: skip
    assert read(kind, nulls | SMALLEST[kind]) == read(kind, SMALLEST[kind])


def test_a_gallery_is_its_clients_by_what_was_added_and_its_number_is_a_text() -> None:
    raw = {"id": 12345678, "name": "Summer", "photo_count": 40, "expiry_date": "2026-03-31", "_client_id": CLIENT}
    gallery = read(Kind.GALLERY, raw)
    assert isinstance(gallery, Gallery)
    assert (gallery.id, gallery.client_id, gallery.name, gallery.photo_count) == ("12345678", CLIENT, "Summer", 40)
    assert gallery.expiry_date == Date(2026, 3, 31)


def test_a_client_is_read_whole() -> None:
    assert read(Kind.CLIENT, client(company="  ", notes="VIP")) == Client(
        id=CLIENT, type="client", status="active", email="anna@example.com", first_name="Anna", last_name="Ek",
        notes="VIP", city="Lund", country="Sweden", created_at=THEN, sample=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status_name": "Archived"}, "archived"),
        ({"status": 2}, "archived"),
        ({"status": "1"}, "active"),
        ({}, "active"),
        ({"status_name": None}, "active"),
    ],
)
def test_a_clients_status_is_read_by_name_or_number(fields: dict[str, Any], status: str) -> None:
    found = read(Kind.CLIENT, {"id": CLIENT, "type": "lead"} | fields)
    assert isinstance(found, Client)
    assert found.status == status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Draft", "draft"), ("draft", "draft"), ("sent", "unpaid"), ("Unpaid", "unpaid"), ("overdue", "unpaid"),
        ("Past Due", "unpaid"), ("past_due", "unpaid"), ("Partially Paid", "partially_paid"), ("PAID", "paid"),
        ("Canceled", "canceled"), ("cancelled", "canceled"),
    ],
)  # fmt: skip
def test_both_invoice_vocabularies_are_one(word: str, status: str) -> None:
    found = read(Kind.INVOICE, invoice(status=word))
    assert isinstance(found, Invoice)
    assert found.status == status


def test_an_invoice_is_read_whole_with_its_currency_in_either_case() -> None:
    assert read(Kind.INVOICE, invoice()) == Invoice(
        id=INVOICE, client_id=CLIENT, status="partially_paid", amount=Money(5000, "usd"), invoice_number="0007",
        due_date=Date(2026, 4, 1), created_at=Instant.from_utc(2026, 3, 1, 10),
        line_items=(LineItem(name="Portrait", amount=Money(2500, "usd"), quantity=2),),
    )  # fmt: skip


def test_a_currency_without_minor_units_keeps_its_amount() -> None:
    found = read(Kind.INVOICE, invoice(amount=50_000, currency="JPY", line_items=[]))
    assert isinstance(found, Invoice)
    assert str(found.amount) == "50000 JPY"


def test_sessions_of_either_spelling_and_length_of_id_are_read() -> None:
    found = read(
        Kind.SESSION,
        session(
            status="Cancelled",
            session_type={"id": SESSION_TYPE, "name": "Wedding", "duration": 90},
            invoice={"id": INVOICE},
            location="Lund 中文 😀",
        ),
    )
    assert found == Session(
        id=SESSION, client_id=CLIENT, status="canceled", start_at=THEN, type_id=SESSION_TYPE, type_name="Wedding",
        duration=90, invoice_id=INVOICE, location="Lund 中文 😀",
    )  # fmt: skip


def test_a_payment_that_came_inside_an_invoice_knows_its_client() -> None:
    raw = SMALLEST[Kind.PAYMENT] | {"_client_id": CLIENT, "invoice_id": INVOICE, "payment_date": "2026-03-01"}
    assert read(Kind.PAYMENT, raw) == Payment(
        id=PAYMENT, invoice_id=INVOICE, client_id=CLIENT, status="pending", amount=Money(1, "usd"),
        payment_date=Instant.from_utc(2026, 3, 1, 12),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "instant"),
    [("2026-03-01", Instant.from_utc(2026, 3, 1, 12)), (AT, THEN), (None, None), ("", None)],
)
def test_a_contract_is_signed_on_a_date_or_at_a_time(text: str | None, instant: Instant | None) -> None:
    found = read(Kind.CONTRACT, SMALLEST[Kind.CONTRACT] | {"status": "signed", "signed_date": text})
    assert isinstance(found, Contract)
    assert found.signed_at == instant


def test_documents_know_their_template_and_quotes_their_amount() -> None:
    template = {"template": {"id": 7, "name": "Standard"}, "client": {"id": CLIENT}}
    quote = read(Kind.QUOTE, SMALLEST[Kind.QUOTE] | template | {"amount": 900, "currency": "EUR"})
    assert quote == Quote(
        id=QUOTE, client_id=CLIENT, status="draft", amount=Money(900, "eur"), template_id="7", template_name="Standard"
    )
    asked = read(Kind.QUESTIONNAIRE, SMALLEST[Kind.QUESTIONNAIRE] | template | {"completed_at": AT})
    assert asked == Questionnaire(
        id=QUESTIONNAIRE, client_id=CLIENT, status="draft", completed_at=THEN, template_id="7", template_name="Standard"
    )


def test_conversations_and_messages_are_read() -> None:
    people = [{"id": 12, "name": "A", "email": "a@b.c", "type": "Client"}, {"id": "u1", "type": "photographer"}]
    found = read(Kind.CONVERSATION, {"id": CONVERSATION, "client_id": CLIENT, "participants": people})
    assert found == Conversation(
        id=CONVERSATION, client_id=CLIENT, participants=(("12", "client", "a@b.c"), ("u1", "photographer", None))
    )
    text = read(Kind.MESSAGE, SMALLEST[Kind.MESSAGE] | {"_client_id": CLIENT, "content": " hej\n", "sent_at": AT})
    assert text == Message(
        id=MESSAGE, conversation_id=CONVERSATION, client_id=CLIENT, content=" hej\n", sent_at=THEN, sender_type="system"
    )


def test_a_session_type_knows_its_zone() -> None:
    raw = {"id": SESSION_TYPE, "name": "Family", "session_type_schedule": {"display_timezone": "Europe/Berlin"}}
    assert read(Kind.SESSION_TYPE, raw) == SessionType(id=SESSION_TYPE, name="Family", timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("kind", "raw", "shape"),
    [
        (Kind.SESSION, session(status="On hold"), "session.status=on_hold"),
        (Kind.SESSION, session(status=None), "session.status=<NoneType>"),
        (Kind.SESSION, session(status="<script>alert('x')</script>"), "session.status=<str>"),
        (Kind.SESSION, session(start_at="2025-08-06T14:50:42"), "session.start_at:timestamp"),
        (Kind.SESSION, session(start_at="tomorrow"), "session.start_at:timestamp"),
        (Kind.SESSION, session(start_at=1754491842), "session.start_at:timestamp"),
        (Kind.SESSION, session(id="ses_short"), "session.id:form"),
        (Kind.SESSION, session(client={"id": "xx_1"}), "session.client.id:form"),
        (Kind.CLIENT, client(type="vendor"), "client.type=vendor"),
        (Kind.CLIENT, client(id="CL_" + "C" * 30), "client.id:form"),
        (Kind.CLIENT, client(id=12345), "client.id:form"),
        (Kind.CLIENT, client(id=CLIENT + "CC"), "client.id:form"),
        (Kind.INVOICE, invoice(amount="50.00"), "invoice.amount:int_type"),
        (Kind.INVOICE, invoice(amount=50.5), "invoice.amount:int_type"),
        (Kind.INVOICE, invoice(amount=True), "invoice.amount:int_type"),
        (Kind.INVOICE, invoice(currency="dollars"), "invoice.currency:currency"),
        (Kind.INVOICE, invoice(due_date="soon"), "invoice.due_date:date"),
        (Kind.INVOICE, invoice(line_items=[{"name": "x"}]), "invoice.line_items.*.amount:missing"),
        (Kind.INVOICE, {"id": INVOICE, "status": "paid", "amount": 1}, "invoice.currency:missing"),
        (Kind.MESSAGE, {"id": MESSAGE, "sender_type": "client"}, "message.conversation_id:missing"),
        (Kind.QUOTE, SMALLEST[Kind.QUOTE] | {"currency": "€"}, "quote.currency:currency"),
    ],
)
def test_what_can_not_be_understood_is_set_aside_with_its_shape(kind: Kind, raw: dict[str, Any], shape: str) -> None:
    found = read(kind, raw)
    assert isinstance(found, Unreadable)
    assert found.shape == shape
    assert found.id == str(raw["id"])
    assert "alert" not in found.reason


def test_the_digest_is_of_content_not_of_order() -> None:
    one = client()
    other = dict(reversed(list(copy.deepcopy(one).items())))
    assert digest(one) == digest(other)
    assert len(digest(one)) == 16
    assert digest(client(first_name="Anne")) != digest(one)


@pytest.mark.parametrize("entry", [None, 3, "x", [], {}, {"id": None}, {"id": ""}, {"id": True}, {"id": {}}])
def test_an_entry_that_is_no_record_is_reported(entry: object) -> None:
    assert isinstance(raw_record(Kind.CLIENT, entry), Unreadable)


def test_what_can_not_be_written_again_is_reported_with_its_id() -> None:
    found = raw_record(Kind.CLIENT, {"id": CLIENT, "n": 2**70})
    assert isinstance(found, Unreadable)
    assert found.id == CLIENT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(sorted({field for raw in SMALLEST.values() for field in raw} | set(client()) | set(invoice())))


@given(kind=st.sampled_from(list(Kind)), changes=st.dictionaries(FIELDS | st.text(max_size=8), JSON, max_size=4))
def test_whatever_comes_is_a_record_or_unreadable_and_never_an_exception(kind: Kind, changes: dict[str, Any]) -> None:
    record = raw_record(kind, SMALLEST[kind] | changes)
    if isinstance(record, RawRecord):
        found = parse(record)
        assert isinstance(found, (RECORD_TYPES[kind], Unreadable))
