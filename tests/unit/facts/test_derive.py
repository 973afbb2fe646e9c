"""What is worked out of several records (rule-language.md, Exact meaning 2 and 22)."""

from __future__ import annotations

import pytest
from tests.unit.facts.small_world import SmallWorld, at, client, invoice, message, session

from selftimer.facts import derive as d
from selftimer.facts.records import Contract, Questionnaire, Quote, SessionType

START = at("2026-05-10T10:00Z")


def test_the_inquiry_itself_is_no_reply() -> None:
    lead = client(type="lead", created_at=START)
    world = SmallWorld(lead, message("m1", "2026-05-10T10:05Z"))
    assert not d.replied(lead, world, START)


def test_a_second_message_within_ten_minutes_is_a_reply() -> None:
    lead = client(type="lead", created_at=START)
    world = SmallWorld(lead, message("m1", "2026-05-10T10:02Z"), message("m2", "2026-05-10T10:04Z"))
    assert d.replied(lead, world, START)


def test_a_first_message_after_ten_minutes_is_a_reply() -> None:
    lead = client(type="lead", created_at=START)
    assert d.replied(lead, SmallWorld(lead, message("m1", "2026-05-10T10:11Z")), START)


@pytest.mark.parametrize(
    ("sent", "counts"), [("2026-05-09T10:00Z", False), ("2026-05-10T10:00Z", False), ("2026-05-10T10:01Z", True)]
)
def test_a_reply_is_later_than_the_start(sent: str, counts: bool) -> None:
    old = client()
    assert d.replied(old, SmallWorld(old, message("m1", sent)), START) is counts


def test_a_reply_counts_in_any_conversation_of_the_client_and_in_nobody_elses() -> None:
    anna = client()
    assert d.replied(anna, SmallWorld(anna, message("m1", "2026-05-11T10:00Z", talk="another")), START)
    assert not d.replied(anna, SmallWorld(anna, message("m1", "2026-05-11T10:00Z", client_id="c2")), START)


def test_nobody_has_replied_before_a_run_begins() -> None:
    anna = client()
    assert not d.replied(anna, SmallWorld(anna, message("m1", "2026-05-11T10:00Z")), None)


def test_contacted_means_ever_at_the_trigger_and_since_the_start_in_a_run() -> None:
    anna = client()
    world = SmallWorld(anna, message("m1", "2026-05-01T10:00Z", by="photographer"))
    assert d.contacted(anna, world, None)
    assert not d.contacted(anna, world, START)


def test_neither_our_messages_nor_the_products_are_contact() -> None:
    anna = client()
    sent = [message("ours", "2026-05-11T10:00Z", by="photographer"), message("m2", "2026-05-11T10:00Z", by="system")]
    assert not d.contacted(anna, SmallWorld(anna, *sent, ours={"ours"}), START)
    assert d.contacted(anna, SmallWorld(anna, *sent), START)


def test_silent_days_are_calendar_days_since_the_studios_last_word() -> None:
    anna = client()
    world = SmallWorld(anna, message("m1", "2026-05-01T21:30Z", by="photographer"), now=at("2026-05-16T07:00Z"))
    assert d.silent_days(anna, world, None) == 15


def test_there_are_no_silent_days_after_the_clients_word_or_no_word() -> None:
    anna = client()
    spoken = [message("m1", "2026-05-01T10:00Z", by="photographer"), message("m2", "2026-05-02T10:00Z")]
    assert d.silent_days(anna, SmallWorld(anna, *spoken), None) is None
    assert d.silent_days(anna, SmallWorld(anna), None) is None


def test_the_last_message_is_of_a_person() -> None:
    anna = client()
    spoken = [message("m1", "2026-05-01T10:00Z"), message("m2", "2026-05-02T10:00Z", by="system")]
    last = d.last_message(anna, SmallWorld(anna, *spoken), None)
    assert last is not None
    assert last.id == "m1"


def test_last_and_next_session_are_confirmed_ones() -> None:
    anna = client()
    world = SmallWorld(
        anna,
        session("old", start_at=at("2026-03-01T10:00Z"), end_at=at("2026-03-01T12:00Z")),
        session("older", start_at=at("2026-02-01T10:00Z"), end_at=at("2026-02-01T12:00Z")),
        session("off", status="canceled", start_at=at("2026-04-01T10:00Z"), end_at=at("2026-04-01T12:00Z")),
        session("later", start_at=at("2026-08-01T10:00Z"), end_at=None),
        session("soon", start_at=at("2026-07-01T10:00Z"), end_at=None),
        session("asked", status="inquiry", start_at=at("2026-06-02T10:00Z")),
    )
    last, coming = d.last_session(anna, world, None), d.next_session(anna, world, None)
    assert last is not None
    assert coming is not None
    assert (last.id, coming.id) == ("old", "soon")


def test_a_session_under_way_is_still_the_next_one() -> None:
    anna = client()
    now = session(start_at=at("2026-06-01T11:00Z"), end_at=at("2026-06-01T13:00Z"))
    assert d.next_session(anna, SmallWorld(anna, now), None) == now
    assert d.last_session(anna, SmallWorld(anna, now), None) is None


def test_without_an_end_a_session_ends_after_its_length() -> None:
    one = session(start_at=at("2026-06-01T11:00Z"), end_at=None, duration=90)
    assert d.session_end(one) == at("2026-06-01T12:30Z")
    assert d.session_end(session(start_at=None, end_at=None)) is None
    assert not d.ended(one, SmallWorld(), None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Big WEDDING", "wedding"),
        ("Elopement in June", "wedding"),
        ("family", "family"),
        ("Headshot", None),
        (None, None),
    ],
)
def test_kinds_sort_session_types_whatever_the_case(name: str | None, kind: str | None) -> None:
    assert d.session_kind(session(type_name=name), SmallWorld(), None) == kind


def test_a_clients_kinds_are_those_of_past_sessions() -> None:
    anna = client()
    past = {"start_at": at("2026-03-01T10:00Z"), "end_at": at("2026-03-01T12:00Z")}
    world = SmallWorld(anna, session("s1", **past), session("s2", **past), session("s3", type_name="A wedding"))
    assert d.kinds(anna, world, None) == ("family",)


def test_a_session_is_in_its_own_zone_else_its_types_else_the_studios() -> None:
    world = SmallWorld(SessionType(id="st", name="Portrait", timezone="Asia/Tokyo"))
    assert d.session_zone(session(timezone="America/New_York", type_id="st"), world) == "America/New_York"
    assert d.session_zone(session(type_id="st"), world) == "Asia/Tokyo"
    assert d.session_zone(session(), world) == "Europe/Berlin"
    assert d.zone_of(client(), world) == "Europe/Berlin"


def test_the_session_type_is_known_by_what_came_with_the_session() -> None:
    known = SessionType(id="st", name="Portrait")
    assert d.session_type(session(type_id="st"), SmallWorld(known), None) == known
    told = d.session_type(session(duration=60), SmallWorld(), None)
    assert told is not None
    assert (told.name, told.duration) == ("Family outdoors", 60)
    assert d.session_type(session(type_name=None), SmallWorld(), None) is None


def test_related_records_are_found_by_id_or_missing() -> None:
    bill, anna = invoice(), client()
    world = SmallWorld(bill, anna)
    linked = session(invoice_id="i1", contract_id="gone")
    assert d.session_invoice(linked, world, None) == bill
    assert d.session_contract(linked, world, None) is None
    assert d.session_questionnaire(linked, world, None) is None
    assert d.client_of(linked, world, None) == anna


@pytest.mark.parametrize(
    ("status", "open_"),
    [
        ("draft", False),
        ("sent", True),
        ("viewed", True),
        ("partially_signed", True),
        ("signed", False),
        ("expired", False),
    ],
)
def test_a_contract_is_outstanding_until_all_have_signed(status: str, open_: bool) -> None:
    contract = Contract(id="k1", client_id="c1", status=status)  # type: ignore[arg-type]  # one of the statuses
    assert d.contract_outstanding(contract, SmallWorld(), None) is open_


def test_a_pending_questionnaire_and_a_sent_quote_are_outstanding() -> None:
    assert d.questionnaire_outstanding(Questionnaire(id="q", client_id="c1", status="pending"), SmallWorld(), None)
    assert not d.questionnaire_outstanding(Questionnaire(id="q", client_id="c1", status="draft"), SmallWorld(), None)
    assert d.quote_outstanding(Quote(id="q", client_id="c1", status="sent"), SmallWorld(), None)
    assert not d.quote_outstanding(Quote(id="q", client_id="c1", status="accepted"), SmallWorld(), None)


def test_a_full_name_is_what_there_is_of_it() -> None:
    world = SmallWorld()
    assert d.full_name(client(first_name="Anna", last_name="Meyer"), world, None) == "Anna Meyer"
    assert d.full_name(client(last_name="Meyer"), world, None) == "Meyer"
    assert d.full_name(client(first_name=" "), world, None) is None
