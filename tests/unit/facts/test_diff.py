"""Every event of the table from two versions of a record, and no other (rule-language.md, Events; 8 and 12)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.facts.small_world import at, client, euros, invoice, message, payment, session

from selftimer.facts.diff import Seen, changed_fields, events_of, partially_paid, removed
from selftimer.facts.event import EVENTS
from selftimer.facts.records import Contract, Conversation, Gallery, Kind, Questionnaire, Quote, SessionType

if TYPE_CHECKING:
    from selftimer.facts.records import Record

SEEN = Seen(at=at("2026-06-01T22:30Z"), zone_of=lambda s: s.timezone or "Europe/Berlin", zone="Europe/Berlin")


def contract(**fields: object) -> Contract:
    return Contract(id="co1", client_id="c1", **{"status": "sent", **fields})  # type: ignore[arg-type]  # what a test says


def form(**fields: object) -> Questionnaire:
    return Questionnaire(id="q1", client_id="c1", **{"status": "pending", **fields})  # type: ignore[arg-type]  # what a test says


def quote(**fields: object) -> Quote:
    return Quote(id="qo1", client_id="c1", **{"status": "sent", **fields})  # type: ignore[arg-type]  # what a test says


def names(before: Record | None, after: Record) -> list[str]:
    return [event.name for event in events_of(before, after, SEEN)]


TABLE: list[tuple[Record | None, Record, str]] = [
    (None, client(type="lead"), "lead.created"),
    (client(type="other"), client(type="lead"), "lead.created"),
    (client(type="client"), client(type="lead"), "lead.created"),
    (client(type="lead"), client(type="client"), "lead.converted"),
    (None, client(type="client"), "client.created"),
    (client(type="other"), client(type="client"), "client.created"),
    (client(notes="a"), client(notes="b"), "client.changed"),
    (client(), client(status="archived"), "client.archived"),
    (None, session(status="inquiry"), "session.requested"),
    (session(status="inquiry"), session(status="pending"), "session.pending"),
    (session(status="pending"), session(status="confirmed"), "session.confirmed"),
    (session(), session(start_at=at("2026-06-11T12:00Z")), "session.rescheduled"),
    (session(status="inquiry"), session(status="inquiry", start_at=at("2026-06-11T12:00Z")), "session.rescheduled"),
    (session(status="pending"), session(status="pending", start_at=at("2026-06-11T12:00Z")), "session.rescheduled"),
    (session(status="inquiry"), session(status="declined"), "session.declined"),
    (session(), session(status="canceled"), "session.canceled"),
    (invoice(status="draft"), invoice(status="unpaid"), "invoice.sent"),
    (invoice(), invoice(status="paid"), "invoice.paid"),
    (invoice(), invoice(status="canceled"), "invoice.canceled"),
    (None, payment(), "payment.received"),
    (payment(status="pending"), payment(status="completed"), "payment.received"),
    (None, payment(status="failed"), "payment.failed"),
    (payment(), payment(status="disputed"), "payment.disputed"),
    (payment(), payment(status="refunded"), "payment.refunded"),
    (payment(), payment(status="partially_refunded"), "payment.refunded"),
    (None, contract(), "contract.sent"),
    (contract(status="draft"), contract(), "contract.sent"),
    (contract(), contract(status="viewed"), "contract.viewed"),
    (contract(status="partially_signed"), contract(status="signed"), "contract.signed"),
    (contract(), contract(status="expired"), "contract.expired"),
    (None, form(), "questionnaire.sent"),
    (form(), form(status="completed"), "questionnaire.completed"),
    (form(), form(status="expired"), "questionnaire.expired"),
    (None, quote(), "quote.sent"),
    (quote(), quote(status="accepted"), "quote.accepted"),
    (quote(), quote(status="declined"), "quote.declined"),
    (quote(), quote(status="expired"), "quote.expired"),
    (None, message("m1", "2026-06-01T10:00Z"), "message.received"),
    (None, Gallery(id="g1", client_id="c1"), "gallery.published"),
]


@pytest.mark.parametrize(("before", "after", "name"), TABLE, ids=lambda v: v if isinstance(v, str) else "")
def test_each_change_is_one_event(before: Record | None, after: Record, name: str) -> None:
    assert names(before, after) == [name]


def test_every_event_has_its_cause() -> None:
    by_clock = {"session.ended", "invoice.overdue"}
    by_payments = {"invoice.partially_paid"}
    of_new = {"invoice.created"}
    gone = {name for name in EVENTS if name.endswith(".removed")}
    assert {name for *_, name in TABLE} | by_clock | by_payments | of_new | gone == set(EVENTS)


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (invoice(status="draft"), ["invoice.created"]),
        (invoice(status="unpaid"), ["invoice.created", "invoice.sent"]),
        (invoice(status="paid"), ["invoice.created", "invoice.paid"]),
        (invoice(status="canceled"), ["invoice.created", "invoice.canceled"]),
        (contract(status="signed"), ["contract.signed"]),
        (contract(status="draft"), []),
        (contract(status="partially_signed"), []),
        (form(status="completed"), ["questionnaire.completed"]),
        (session(status="confirmed"), ["session.confirmed"]),
        (payment(status="pending"), []),
        (Gallery(id="g1", client_id="c1", photo_count=3), ["gallery.published"]),
    ],
)
def test_at_first_sight_only_the_status_that_is_found_is_an_event(after: Record, found: list[str]) -> None:
    assert names(None, after) == found


def test_between_two_polls_only_the_last_status_counts() -> None:
    assert names(contract(status="draft"), contract(status="signed")) == ["contract.signed"]
    assert names(invoice(status="draft"), invoice(status="paid")) == ["invoice.paid"]
    assert names(session(status="inquiry"), session(status="confirmed")) == ["session.confirmed"]


def test_the_same_value_in_another_field_is_another_change() -> None:
    (notes,) = events_of(client(notes="x"), client(), SEEN)
    (phone,) = events_of(client(phone="x"), client(), SEEN)
    (again,) = events_of(client(notes="y"), client(), SEEN)
    assert notes.name == phone.name == "client.changed"
    assert notes.occurrence != phone.occurrence  # else the second, a phone that was removed, would fire nothing
    assert notes.occurrence == again.occurrence


def test_nothing_changed_is_no_event() -> None:
    for before, _, _ in TABLE:
        if before is not None:
            assert names(before, before) == []


def test_the_studios_and_the_products_messages_are_no_event_nor_is_an_old_one_that_was_read() -> None:
    assert names(None, message("m1", "2026-06-01T10:00Z", by="photographer")) == []
    assert names(None, message("m1", "2026-06-01T10:00Z", by="system")) == []
    ours = message("m1", "2026-06-01T10:00Z")
    assert names(ours, replace(ours, content="edited")) == []


def test_talks_and_session_types_have_no_events() -> None:
    assert names(None, Conversation(id="t1", client_id="c1")) == []
    assert names(None, SessionType(id="st1", name="Wedding")) == []


def test_a_payment_without_an_invoice_is_nobodys_event() -> None:
    assert names(None, payment(invoice_id=None)) == []


def test_a_canceled_session_that_moves_is_not_rescheduled() -> None:
    canceled = session(status="canceled")
    assert names(canceled, replace(canceled, start_at=at("2026-06-20T12:00Z"))) == []
    assert names(session(start_at=None), session()) == []


def test_type_and_status_have_events_of_their_own() -> None:
    assert names(None, client(type="lead", status="archived")) == ["lead.created"]
    assert names(client(type="lead"), client(type="client")) == ["lead.converted"]
    assert names(client(type="lead", notes="a"), client(type="client", notes="b")) == [
        "lead.converted",
        "client.changed",
    ]


# --- whose, when, and the same again ---


@pytest.mark.parametrize(
    ("before", "after", "occurrence"),
    [
        (None, client(type="lead"), "lead.created"),
        (client(type="lead"), client(), "lead.converted"),
        (client(), client(status="archived"), "client.archived:2026-06-02"),  # the studio's date
        (None, session(start_at=at("2026-06-10T22:30Z")), "session.confirmed:2026-06-11"),
        (None, session(start_at=at("2026-06-10T22:30Z"), timezone="UTC"), "session.confirmed:2026-06-10"),
        (None, session(start_at=None), "session.confirmed"),
        (session(), session(start_at=at("2026-06-11T12:00Z")), "session.rescheduled:2026-06-11T12:00:00Z"),
        (invoice(), invoice(status="paid"), "invoice.paid:50000"),
        (None, payment(), "payment.received:p1"),
        (None, contract(), "contract.sent"),
        (None, message("m1", "2026-06-01T10:00Z"), "message.received:m1"),
    ],
)
def test_an_occurrence_is_made_of_content(before: Record | None, after: Record, occurrence: str) -> None:
    assert [e.occurrence for e in events_of(before, after, SEEN) if e.name in occurrence] == [occurrence]


def test_a_change_back_and_forth_is_the_same_change_again_and_another_value_is_another() -> None:
    def digest(notes: str) -> str:
        (event,) = events_of(client(notes="x"), client(notes=notes), SEEN)
        return event.occurrence

    assert digest("a") == digest("a") != digest("b")
    assert (
        digest("a") == "client.changed:f15aed8b0bcbbfe234b8a555"
    )  # in every version, or an update of ours fires again


def test_an_event_is_about_its_subject() -> None:
    (paid,) = events_of(None, payment(), SEEN)
    assert (paid.kind, paid.record_id, paid.subject_kind, paid.subject_id) == (Kind.PAYMENT, "p1", Kind.INVOICE, "i1")
    (wrote,) = events_of(None, message("m1", "2026-06-01T10:00Z"), SEEN)
    assert (wrote.kind, wrote.subject_kind, wrote.subject_id) == (Kind.MESSAGE, Kind.CLIENT, "c1")
    (signed,) = events_of(None, contract(status="signed"), SEEN)
    assert (signed.subject_kind, signed.subject_id, signed.client_id) == (Kind.CONTRACT, "co1", "c1")


def test_an_event_happened_when_the_record_says_or_when_it_was_seen() -> None:
    (created,) = events_of(None, client(type="lead"), SEEN)
    assert (created.at, created.seen_at) == (at("2026-01-01T10:00Z"), SEEN.at)
    (became,) = events_of(client(type="other"), client(type="lead"), SEEN)
    assert became.at == SEEN.at  # an old contact who becomes a lead does so now
    (wrote,) = events_of(None, message("m1", "2026-06-01T10:00Z"), SEEN)
    assert wrote.at == at("2026-06-01T10:00Z")
    booked = session(created_at=at("2026-05-01T10:00Z"))
    assert [event.at for event in events_of(None, booked, SEEN)] == [SEEN.at]  # its status is of when it was seen
    (undated,) = events_of(None, client(type="lead", created_at=None), SEEN)
    assert undated.at == SEEN.at
    (moved,) = events_of(session(), session(start_at=at("2026-06-11T12:00Z")), SEEN)
    assert moved.at == SEEN.at
    assert moved.changed == ("start_at",)


def test_what_is_gone_is_told_once_a_record_for_kinds_that_people_know() -> None:
    gone = removed(invoice(), SEEN)
    assert gone is not None
    assert (gone.name, gone.occurrence, gone.changed) == ("invoice.removed", "invoice.removed", ())
    talk, kind = Conversation(id="t1", client_id="c1"), SessionType(id="st1", name="Portrait")
    for silent in (payment(), message("m1", "2026-06-01T10:00Z"), talk, kind):
        assert removed(silent, SEEN) is None


def test_a_part_payment_is_told_by_the_sum() -> None:
    event = partially_paid(invoice(), 12_000, SEEN)
    assert (event.name, event.occurrence, event.subject_id) == (
        "invoice.partially_paid",
        "invoice.partially_paid:12000",
        "i1",
    )


STATUSES = st.sampled_from(["draft", "unpaid", "partially_paid", "paid", "canceled"])


@given(STATUSES, STATUSES)
def test_an_invoice_has_at_most_one_event_of_status_a_poll(was: str, is_now: str) -> None:
    found = names(invoice(status=was), invoice(status=is_now))
    assert len(found) <= 1
    assert (was == is_now) <= (found == [])


@given(st.permutations(["first_name", "notes", "phone", "company"]), st.integers(0, 4))
def test_the_changed_fields_are_those_that_differ(order: list[str], count: int) -> None:
    changed = set(order[:count])
    after = replace(client(), **dict.fromkeys(changed, "new"))  # type: ignore[arg-type]  # texts all of them
    assert set(changed_fields(client(), after)) == changed
    assert changed_fields(None, after) == ()


def test_money_in_another_currency_is_a_change() -> None:
    assert changed_fields(invoice(), replace(invoice(), amount=euros("501"))) == ("amount",)
