"""What is said of conditions that can't be used or are doubtful (language-examples.md, checks 4 to 10)."""

# ruff: noqa: E501 - one condition and its whole sentence to a line

from __future__ import annotations

import pytest
from tests.unit.facts.small_world import NORD

from selftimer.facts.records import Kind
from selftimer.facts.types import DURATION
from selftimer.rulebook.compiler import compile_condition
from selftimer.rulebook.expression import ExpressionError, Fault
from selftimer.rulebook.names import Names

NAMES = Names.of(Kind.CLIENT, Kind.SESSION, Kind.INVOICE, Kind.CONTRACT, inputs={"wait": DURATION}, studio=NORD)


def faults(source: str | list[str]) -> tuple[Fault, ...]:
    with pytest.raises(ExpressionError) as caught:
        compile_condition(source, NAMES)
    return caught.value.faults


@pytest.mark.parametrize(
    ("source", "offset", "sentence"),
    [
        # 4: habits of other languages
        ("client.type = 'lead'", 12, "'=' doesn't compare; write =="),
        ("client.sample && client.active", 14, "'&&' is not a word here; write and"),
        ("client.sample || client.active", 14, "'||' is not a word here; write or"),
        ("!client.sample", 0, "'!' is not a word here; write not"),
        ("client.type <> 'lead'", 12, "'<>' is not a comparison here; write !="),
        ("client.type == \u2018lead\u2019", 15, "curly quotes; write straight quotes: 'lead'"),
        ("client.notes contains 'VIP'", 13, "'contains' is not a word here; write `is containing`"),
        ("{{ client.sample }}", 0, "a condition stands without braces; take them away: names are known as they are"),
        ("client.sample AND client.active", 14, "words of the language stand in small letters; write and, or, not"),
        ("invoice.amount => 5", 15, "the signs stand the wrong way round; write <= or >="),
        ("client.type === 'lead'", 12, "three signs are too many; write == or !="),
        ("client.email is empty", 13, "there is no test 'empty'; there are `is none` and `is containing`"),
        ("client.email == null", 16, "'null' is not a word here; write none"),
        ("client.email == none", 16, "nothing is equal to none; write `client.email is none` or `client.email is not none`"),
        ("client.sample == yes", 17, "'yes' is not a word here; write true"),
        # 5: words that a status never is
        ("session.status == 'Confirmed'", 18, "session.status is never 'Confirmed'; it is one of inquiry, pending, confirmed, declined, canceled; did you mean 'confirmed'?"),
        ("session.status == 'completed'", 18, "session.status is never 'completed'; it is one of inquiry, pending, confirmed, declined, canceled"),
        ("invoice.status != 'partially paid'", 18, "invoice.status is never 'partially paid'; it is one of draft, unpaid, partially_paid, paid, canceled; did you mean 'partially_paid'?"),
        ("client.type in ['lead', 'Client']", 24, "client.type is never 'Client'; it is one of client, lead, other; did you mean 'client'?"),
        ("client.invoices | where(status='payd')", 31, "invoice.status is never 'payd'; it is one of draft, unpaid, partially_paid, paid, canceled; did you mean 'paid'?"),
        ("session.kind == 'weding'", 16, "session.kind is never 'weding'; it is one of wedding, family; did you mean 'wedding'?"),
        # 6: constants and bare values
        ("client.type == 'lead' or 'other'", 25, "'other' alone after or is always true; say what it is compared with, like `client.type == 'other'`, or use `in ['lead', 'other']`"),
        ("client.sample and 5", 18, "5 alone after and is always true"),
        ("true", 0, "true alone is always true"),
        ("1 == 1", 0, "1 == 1 is always the same; compare a field with it"),
        ("client.type in 'lead'", 15, "`in` needs a list in square brackets; write `in ['lead', 'other']`; for a text in a text or list: `… is containing client.type`"),
        ("client.type in []", 15, "the list behind `in` is empty; then this is always false"),
        ("client.email and client.sample", 0, "client.email is a text, not a yes or no; did you mean `client.email is not none`?"),
        ("client.sample or client.type", 17, "client.type is a word, not a yes or no; compare it: `client.type == 'client'`"),
        ("invoice.paid and client.sample", 0, "invoice.paid is an amount; did you mean `invoice.settled` or `invoice.paid > 0`?"),
        ("session.invoice.paid", 0, "session.invoice.paid is an amount; did you mean `session.invoice.settled` or `session.invoice.paid > 0`?"),
        ("invoice.balance", 0, "invoice.balance is an amount, not a yes or no; did you mean `invoice.balance > 0`?"),
        ("not client.silent_days", 4, "client.silent_days is a number, not a yes or no; did you mean `client.silent_days > 0`?"),
        ("inputs.wait", 0, "inputs.wait is a length of time, not a yes or no"),
        # 7: across types
        ("session.start_at > '2026-01-01'", 0, "session.start_at is an instant and can't be compared with a text; use days_ago or days_until: `session.start_at | days_ago > 3`"),
        ("3 > invoice.due_date", 0, "invoice.due_date is a date and can't be compared with a number; use days_ago or days_until: `invoice.due_date | days_ago > 3`"),
        ("invoice.due_date < now", 0, "invoice.due_date is a date and now is an instant; compare a date with today and an instant with now, or use `invoice.due_date | days_ago`"),
        ("invoice.amount > 'a lot'", 0, "invoice.amount is an amount and can't be compared with a text; write the number alone: `invoice.amount > 50`"),
        ("client.sample == 'yes'", 0, "client.sample is a yes/no and can't be compared with a text; write it alone: `client.sample` or `not client.sample`"),
        ("client.last_session == 'x'", 0, "client.last_session is a record (session) and can't be compared with a text; compare one of its fields"),
        ("session == invoice", 0, "session is a record (session) and can't be compared with a record (invoice); compare one of its fields"),
        ("client.email > 'a'", 0, "client.email > 'a': texts have no order here; use == or !="),
        ("client.type < client.status", 0, "client.type < client.status: these words have no order; use == or !="),
        ("client.type == session.status", 0, "client.type and session.status have no word in common"),
        ("client.invoices > 5", 0, "client.invoices is a list; use `client.invoices | count`, or `is containing` for texts"),
        ("client.email == 5", 0, "client.email is a text and can't be compared with a number"),
        ("client.created_at + 3 > now", 0, "client.created_at is an instant; + needs numbers or amounts; use `| plus('3 days')` or `| days_ago`"),
        ("invoice.amount * invoice.balance > 5", 0, "amounts can't be multiplied with each other"),
        ("5 / invoice.amount > 5", 0, "a number can't be divided by an amount"),
        ("-client.email == 'x'", 1, "client.email is a text; a minus needs a number or an amount"),
        ("client.type is containing 'lea'", 0, "client.type is a word; `is containing` is for texts and lists of texts; compare it with =="),
        ("client.invoices is containing 'x'", 0, "client.invoices is a list of invoices; `is containing` is for texts and lists of texts; use `| where(…)`"),
        ("client.notes is containing ''", 27, "`is containing` needs a text, not ''"),
        ("client.notes is containing", 13, "`is containing` needs one text; write `client.notes is containing 'VIP'`"),
        ("invoice.amount in [5, 6]", 0, "invoice.amount is an amount; `in` is for texts, words and numbers; use == and or"),
        ("client.email in [client.phone]", 17, "client.phone can't stand in a list; only fixed words and numbers can"),
        ("(client.sample) == (client.active and client.sample)", 20, "a condition can't be a value here; let it stand alone, beside and, or, not"),
        # 10: unknown names
        ("invoice.amout > 5", 8, "invoice has no field 'amout'; did you mean 'amount'?"),
        ("clinet.sample", 0, "'clinet' is not known here; did you mean 'client'?"),
        ("gallery.published", 0, "'gallery' is not known here; known: client, contract, inputs, invoice, now, session, start, studio, today"),
        ("client.created_at | day_ago > 5", 20, "there is no filter 'day_ago'; did you mean 'days_ago'?"),
        ("client.email is contaning 'x'", 13, "there is no test 'contaning'; did you mean 'containing'?"),
        ("client.email.lower == 'x'", 13, "client.email is a text and has no field 'lower'"),
        ("client.invoices.amount > 5", 16, "client.invoices is a list of invoices and has no field 'amount'; use | where, | count or | sum"),
        ("client.invoices | where(stats='paid') | count > 1", 30, "invoice has no field 'stats'; did you mean 'status'?"),
        ("client.invoices | sum('balanse') > 1", 22, "invoice has no field 'balanse'; did you mean 'balance'?"),
        ("client.invoices | sum('status') > 1", 22, "invoice.status is a word and can't be summed"),
        ("client.invoices | sum > 1", 18, "| sum takes one text in brackets; write `| sum('balance')`"),
        ("client.invoices | where | count > 1", 18, "| where needs a field and its value; write `| where(status='paid')`"),
        ("client.invoices | count(1) > 1", 18, "| count takes nothing in brackets; write `| count`"),
        ("client.kinds | sum('x') > 1", 0, "client.kinds is a list of texts; | sum is for lists of records"),
        ("client.created_at | plus('3d') > now", 25, "'3d' is not a length of time; write it like '30 minutes', '2 days' or '3 business days'"),
        ("invoice.due_date | plus('3 hours') > today", 24, "invoice.due_date is a date and can't be moved by 3 hours; use days"),
        ("client.email | days_ago > 3", 0, "client.email is a text; | days_ago is for dates and instants"),
        ("invoice.balance | money == 'x'", 18, "| money is for texts; compare the value itself"),
        ("client.email | count > 3", 0, "client.email is a text; | count is for lists"),
        # unreadable
        ("", 0, "there is nothing here; write a condition or leave the key out"),
        ("client.sample and", 17, "unexpected end of the text"),
        ("client.sample client.active", 14, "unexpected 'client' after 'client.sample'"),
        ("client.email == 'x", 16, "a quote is never closed"),
        ("client.email == #", 16, "'#' means nothing here"),
        ("99999999999999 < invoice.amount", 0, "this number is too large"),
    ],
)  # fmt: skip
def test_a_refusal_says_where_what_and_what_to_write(source: str, offset: int, sentence: str) -> None:
    (fault,) = faults(source)
    assert (fault.offset, str(fault)) == (offset, sentence)


def test_everything_wrong_is_told_at_once_with_its_part_of_the_list() -> None:
    found = faults(["client.typ == 'lead' and invoice.amout > 5", "client.sample", "session.status == 'ok'"])
    assert [(fault.part, fault.offset) for fault in found] == [(0, 7), (0, 33), (2, 18)]


def test_an_empty_list_is_refused() -> None:
    assert "nothing" in faults([])[0].message


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("invoice.due_date < today", "invoice.due_date can be missing, and then this is unknown; add `invoice.due_date is none or` or `invoice.due_date is not none and`"),
        ("session.invoice.balance > 5", "session.invoice.balance can be missing, and then this is unknown; add `session.invoice is none or` or `session.invoice is not none and`"),
        ("client.sample and client.active or client.archived", "and beside or without brackets; put brackets around what belongs together"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_a_warning(source: str, sentence: str) -> None:
    (warning,) = compile_condition(source, NAMES).warnings
    assert str(warning) == sentence


@pytest.mark.parametrize(
    "source",
    [
        "invoice.due_date is none or invoice.due_date < today",
        "invoice.due_date is not none and invoice.due_date < today",
        ["session.invoice", "session.invoice.balance > 5"],
        "session.invoice.outstanding and session.invoice.balance > 5",
        "not (session.invoice is none) and session.invoice.balance > 5",
        "client.last_session and client.last_session.end_at | days_ago > 183",
        "session.start_at > now",
        "(client.sample and client.active) or client.archived",
        "client.type in ['lead'] and (client.sample or client.active)",
        "contract.status == 'cancelled'",
    ],
)
def test_what_was_asked_about_is_no_doubt(source: str | list[str]) -> None:
    assert compile_condition(source, NAMES).warnings == ()


def test_a_warning_knows_its_part_of_a_list() -> None:
    (warning,) = compile_condition(["client.sample", "invoice.due_date < today"], NAMES).warnings
    assert (warning.part, warning.offset) == (1, 0)


@pytest.mark.parametrize(
    "source",
    [
        "client.sample and " * 150 + "client.sample",
        "(" * 60 + "client.sample" + ")" * 60,
        "not " * 100 + "client.sample",
        "- " * 200 + "client.silent_days > 1",
        "client.silent_days" + " + 1" * 60 + " > 2",
        "client.email == '" + "x" * 2000 + "'",
    ],
)
def test_a_condition_beyond_all_measure_is_refused(source: str) -> None:
    assert faults(source)
