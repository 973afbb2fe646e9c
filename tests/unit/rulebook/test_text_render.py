"""What texts say: values in words, fallbacks, zones, and what holds a message (rule-language.md, Words)."""

# ruff: noqa: E501 - a text to a line

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.facts.small_world import NORD, SmallWorld, at, client, euros, invoice, session
from whenever import Date

from selftimer.facts.records import Kind
from selftimer.facts.types import DURATION, MONEY, NUMBER, TEXT
from selftimer.primitives.time import Span
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.names import Names
from selftimer.rulebook.template import MissingWord
from selftimer.rulebook.textcompile import compile_text

if TYPE_CHECKING:
    from selftimer.rulebook.scope import Scope

NAMES = Names.of(Kind.CLIENT, Kind.SESSION, Kind.INVOICE, studio=NORD)
ANNA = client(first_name="Anna", notes="likes {{ braces }}")
BILL = invoice("i1", invoice_number="2026-7")
BOOKED = session(invoice_id="i1", location="City park")


def scope(**names: object) -> Scope:
    records = {"client": ANNA, "invoice": BILL, "session": BOOKED, **names}
    world = SmallWorld(*[r for r in records.values() if r is not None and not isinstance(r, dict)])  # type: ignore[arg-type]  # records
    return world.scope(**records)


def render(source: str, names: Names = NAMES, **records: object) -> str:
    return compile_text(source, names).render(scope(**records))


def test_a_message_says_it_in_words() -> None:
    source = (
        "Hi {{ client.first_name }},\n"
        "invoice {{ invoice.invoice_number }} was due on {{ invoice.due_date | date }}, a {{ invoice.due_date | day }}; "
        "{{ invoice.balance | money }} is open. See you at {{ session.start_at | time }}.\n{{ studio.owner }}"
    )
    assert render(source) == (
        "Hi Anna,\ninvoice 2026-7 was due on 10 June 2026, a Wednesday; €500.00 is open. See you at 14:00.\nKim"
    )


def test_a_sessions_times_are_in_its_own_zone_and_all_else_in_the_studios() -> None:
    there = replace(BOOKED, timezone="Asia/Tokyo", start_at=at("2026-06-10T15:30Z"), created_at=at("2026-01-31T23:30Z"))
    source = "{{ session.start_at | time }} {{ session.start_at | date }} {{ session.start_at | plus('1 day') | day }}"
    assert render(source, session=there) == "00:30 11 June 2026 Friday"
    assert render("{{ client.next_session.start_at | time }}", session=there) == "00:30"
    old = replace(ANNA, created_at=at("2026-01-31T23:30Z"))
    assert (
        render("{{ client.created_at | date }} {{ client.created_at | time }}", client=old) == "1 February 2026 00:30"
    )


def test_a_tag_alone_on_its_line_leaves_no_empty_line() -> None:
    source = "One.\n{% if session.location %}\nAt {{ session.location }}.\n{% else %}\nNowhere.\n{% endif %}\nTwo."
    assert render(source) == "One.\nAt City park.\nTwo."
    assert render(source, session=replace(BOOKED, location=None)) == "One.\nNowhere.\nTwo."


def test_a_tag_within_a_line_leaves_the_line_as_it_is() -> None:
    source = "There{% if session.location %}, {{ session.location }}{% endif %}\nBye.\n\n\n\n{# a note #}\nKim  \n"
    assert render(source) == "There, City park\nBye.\n\nKim\n"


def test_a_loop_writes_a_line_for_each() -> None:
    source = (
        "{% if client.open_invoices %}{{ client.open_invoices | length }} open:\n"
        "{% for i in client.open_invoices %}- {{ i.invoice_number }}, {{ i.client.first_name }}, {{ i.balance | money }}"
        "{% if i.due_date %}, due {{ i.due_date | date }}{% endif %}\n"
        "{% endfor %}{% endif %}\nThat is {{ client.open_invoices | sum('balance') | money }}."
    )
    assert render(source) == "1 open:\n- 2026-7, Anna, €500.00, due 10 June 2026\nThat is €500.00."


def test_elif_takes_the_first_that_is_true_and_unknown_is_not() -> None:
    source = (
        "{% if client.silent_days > 3 %}a{% elif client.phone == 'x' %}b{% elif client.active %}c{% else %}d{% endif %}"
    )
    assert render(source) == "c"


def test_a_missing_value_holds_the_message_and_names_the_path() -> None:
    with pytest.raises(MissingWord) as caught:
        render("Hi {{ client.last_name }}")
    assert caught.value.path == "client.last_name"
    with pytest.raises(MissingWord) as caught:
        render("{{ client.last_session.end_at | date }}")
    assert caught.value.path == "client.last_session.end_at"


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_a_blank_is_as_good_as_missing(blank: str | None) -> None:
    assert render("Hi {{ client.first_name }}", client=client(first_name=blank)) == "Hi there"
    with pytest.raises(MissingWord):
        render("{{ session.location }}", session=replace(BOOKED, location=blank))


def test_an_unfit_name_becomes_the_fallback_or_holds() -> None:
    spam = client(first_name="visit evil.com", last_name="<b>", company="x@y")
    assert render("Hi {{ client.first_name }}", client=spam) == "Hi there"
    assert render("Hi {{ client.last_name or 'you' }}", client=spam) == "Hi you"
    for field in ("last_name", "company"):
        with pytest.raises(MissingWord):
            render(f"{{{{ client.{field} }}}}", client=spam)
    assert render("{% if client.last_name %}x{% else %}y{% endif %}", client=spam) == "y"


def test_what_the_text_offers_goes_before_the_studios_fallback() -> None:
    nobody = client()
    assert render("{{ client.first_name or 'friend' }}", client=nobody) == "friend"
    assert render("{{ client.first_name or client.last_name }}", client=nobody) == "there"
    assert render("{{ client.first_name or client.last_name }}", client=client(last_name="Meyer")) == "Meyer"
    assert render("{{ client.last_name or '' }}|", client=nobody) == "|"


def test_a_fallback_may_stand_before_or_behind_a_filter() -> None:
    nobody = client()
    assert render("{{ (client.last_name or 'you') | upper }}", client=nobody) == "YOU"
    assert render("{{ client.last_session.end_at | date or 'never' }}") == "never"
    assert render("{{ client.first_name | lower }} {{ client.first_name | upper }}") == "anna ANNA"


def test_the_next_working_day_is_never_today() -> None:
    assert render("{{ now | next_working_day | day }}") == "Tuesday"
    friday = SmallWorld(ANNA, now=at("2026-06-05T08:00Z")).scope(client=ANNA)
    assert compile_text("{{ today | next_working_day | date }}", NAMES).render(friday) == "8 June 2026"


def test_numbers_are_printed_plainly() -> None:
    assert (
        render("{{ session.start_at | days_until }} {{ 3 / 2 }} {{ session.session_type.name }}")
        == "9 1.5 Family outdoors"
    )


def test_a_clients_words_are_data_and_stay_in_their_line() -> None:
    strange = client(notes="a\nb\u202ec {{ 7 * 7 }} {% if %}")
    assert render("<{{ client.notes }}>", client=strange) == "<a bc {{ 7 * 7 }} {% if %}>"


def test_a_text_that_grows_beyond_measure_is_an_error() -> None:
    long = client(notes="x" * 15_000)
    with pytest.raises(ConditionError, match="20000"):
        render("{{ client.notes }}{{ client.notes }}", client=long)


def test_one_expression_keeps_its_type_as_a_value() -> None:
    def value(source: str, **names: object) -> object:
        return compile_text(source, NAMES.plus(inputs=INPUTS), strict_printing=False).value(scope(**names))

    inputs = {"times": 3, "wait": Span.parse("2 days"), "template": "Wedding", "price": euros("5")}
    assert value("{{ invoice.balance }}") == euros("500")
    assert value(" {{ invoice.due_date }} ") == Date(2026, 6, 10)
    assert value("{{ inputs.times }}", inputs=inputs) == 3
    assert value("{{ inputs.wait }}", inputs=inputs) == Span(2, "days")
    assert value("{{ inputs.template }} x", inputs=inputs) == "Wedding x"
    assert value("plain") == "plain"
    assert value("{{ client.first_name }}", client=client(first_name="<b>")) == "there"
    with pytest.raises(MissingWord):
        value("{{ inputs.template }}", inputs={})


INPUTS = {"times": NUMBER, "wait": DURATION, "template": TEXT, "price": MONEY}


def test_a_text_says_what_it_reads_and_names() -> None:
    text = compile_text("{% for i in client.open_invoices %}{{ i.client.first_name }}{% endfor %}", NAMES)
    assert text.source.startswith("{% for")
    assert {"client.open_invoices", "i.client.first_name"} <= text.names
    assert {(str(a), str(b)) for a, b in text.reads} == {
        ("client", "client"),
        ("client", "invoice"),
        ("invoice", "payment"),
        ("invoice", "client"),
    }


def test_a_wrong_type_is_an_error_that_names_the_path() -> None:
    with pytest.raises(ConditionError, match=r"session\.start_at"):
        render("{{ session.start_at | date }}", session=replace(BOOKED, start_at="soon"))  # type: ignore[arg-type]  # on purpose
