"""What is said of texts that can't be used, and what may be missing when they are printed (checks 19, 20, 33)."""

# ruff: noqa: E501 - one text and its whole sentence to a line

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.facts.small_world import NORD

from selftimer.facts.records import Kind
from selftimer.rulebook.expression import ExpressionError
from selftimer.rulebook.names import Names
from selftimer.rulebook.textcompile import compile_text

NAMES = Names.of(Kind.CLIENT, Kind.SESSION, Kind.INVOICE, event=Kind.SESSION, studio=NORD)


@pytest.mark.parametrize(
    ("source", "offset", "sentence"),
    [
        ("Hi {{ client.frist_name }}", 13, "client has no field 'frist_name'; did you mean 'first_name'?"),
        ("Hi {{ cleint.first_name }}", 6, "'cleint' is not known here; did you mean 'client'?"),
        ("x\n{{ invoice.balance }}", 5, "invoice.balance is an amount; write `invoice.balance | money`"),
        ("{{ invoice.amount - 5 }}", 3, "invoice.amount - 5 is an amount; write `(invoice.amount - 5) | money`"),
        ("{{ invoice.due_date }}", 3, "invoice.due_date is a date; write `invoice.due_date | date` or `| day`"),
        ("{{ session.start_at }}", 3, "session.start_at is an instant; write `session.start_at | date`, `| day` or `| time`"),
        ("{{ client }}", 3, "client is a whole record; print one of its fields, like client.id"),
        ("{{ client.invoices }}", 3, "client.invoices is a list; use {% for x in client.invoices %} or `| count`"),
        ("{{ session.confirmed }}", 3, "session.confirmed is yes or no; use {% if session.confirmed %}"),
        ("{{ invoice.due_date | time }}", 3, "invoice.due_date is a date; | time is for instants"),
        ("{{ client.first_name | money }}", 3, "client.first_name is a text; | money is for amounts"),
        ("{{ client.last_name or 'you' | upper }}", 23, "| upper belongs to 'you' alone; put brackets around what belongs together: `(… or 'you') | upper`"),
        ("{{ invoice.balance or 'nothing' }}", 22, "invoice.balance is an amount and 'nothing' is a text; write `invoice.balance | … or 'nothing'`: the filter belongs to what stands before it"),
        ("{% if invoice.balance %}x{% endif %}", 6, "invoice.balance is an amount, not a yes or no; did you mean `invoice.balance > 0`?"),
        ("{% if client.first_name = 'x' %}y{% endif %}", 24, "'=' doesn't compare; write =="),
        ("{% if client.sample %}x", 23, "{% if %} is never closed: {% endif %} is missing"),
        ("{% if client.sample client.active %}x{% endif %}", 20, "expected '%}', got 'client'"),
        ("x{% endif %}", 4, "{% endif %} is not known here, or stands in the wrong place"),
        ("{% foo %}", 3, "{% foo %} is not known here, or stands in the wrong place"),
        ("{% set x = 1 %}", 3, "{% set %} is not known here; there are {% if %}, {% for %} and {{ }}"),
        ("{% for i in client.email %}{% endfor %}", 12, "client.email is a text; a loop needs a list"),
        ("{% for client in client.invoices %}{% endfor %}", 7, "'client' is taken; call the loop's variable otherwise"),
        ("{{ studio.website }}", 3, "studio.website is empty in selftimer.toml; set it under [studio], or write `studio.website or '…'`"),
        ("{{ client.first_name(", 21, "unexpected end of the text"),
    ],
)  # fmt: skip
def test_a_refusal_says_where_what_and_what_to_write(source: str, offset: int, sentence: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_text(source, NAMES)
    (fault,) = caught.value.faults
    assert (fault.offset, str(fault)) == (offset, sentence)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_text("{{ client.a }} {% if client.sample %}{{ invoice.balance }}{% endif %} {{ nobody }}", NAMES)
    assert [fault.offset for fault in caught.value.faults] == [10, 40, 73]


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("{{ client.first_name }}", []),  # the studio has words for it
        ("{{ client.last_name }}", ["client.last_name"]),
        ("{{ client.last_name or 'you' }}", []),
        ("{{ client.last_name or client.company }}", ["client.last_name", "client.company"]),
        ("{% if client.last_name %}{{ client.last_name }}{% endif %}", []),
        ("{% if client.last_name %}x{% else %}{{ client.last_name }}{% endif %}", ["client.last_name"]),
        ("{% if client.last_name is none %}x{% else %}{{ client.last_name }}{% endif %}", []),
        ("{% if client.sample %}x{% elif client.last_name %}{{ client.last_name }}{% endif %}", []),
        ("{{ session.invoice.due_date | date }}", ["session.invoice.due_date"]),
        ("{% if session.invoice %}{{ session.invoice.balance | money }}{% endif %}", []),
        ("{% if session.invoice.outstanding %}{{ session.invoice.due_date | date }}{% endif %}", ["session.invoice.due_date"]),
        ("{% if invoice.due_date < today %}{{ invoice.due_date | date }}{% endif %}", []),
        ("{% for i in client.invoices %}{{ i.due_date | date }}{% endfor %}", ["i.due_date"]),
        ("{% for i in client.invoices %}{% if i.due_date %}{{ i.due_date | date }}{% endif %}{% endfor %}", []),
        ("{{ session.start_at | date }} {{ event.before.start_at | time }}", []),
        ("{{ client.last_name }} {{ client.last_name }}", ["client.last_name"]),
        ("{% if studio.website %}{{ studio.website }}{% endif %}", []),
    ],
)  # fmt: skip
def test_a_text_says_what_may_be_missing_when_it_is_printed(source: str, missing: list[str]) -> None:
    assert list(compile_text(source, NAMES).possibly_missing) == missing


def test_what_may_be_missing_is_told_with_its_place() -> None:
    assert compile_text("Hi {{ client.last_name }}", NAMES).possibly_missing == {"client.last_name": 6}


def test_given_fallbacks_count_instead_of_the_studios() -> None:
    source = "{{ client.first_name }} {{ session.location }}"
    assert list(compile_text(source, NAMES, fallbacks={"session.location"}).possibly_missing) == ["client.first_name"]


def test_a_record_that_a_step_may_not_have_made_may_be_missing() -> None:
    quote = NAMES.plus(Kind.QUOTE)
    unsure = replace(quote, roots={**quote.roots, "quote": replace(quote.roots["quote"], nullable=True)})
    assert list(compile_text("{{ quote.amount | money }}", unsure).possibly_missing) == ["quote.amount"]
    assert not compile_text("{% if quote %}{{ quote.amount | money }}{% endif %}", unsure).possibly_missing


def test_amounts_and_dates_may_stand_bare_where_values_are_meant() -> None:
    compile_text("{{ invoice.balance }}", NAMES, strict_printing=False)
    with pytest.raises(ExpressionError):
        compile_text("{{ client }}", NAMES, strict_printing=False)
