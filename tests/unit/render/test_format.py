"""Amounts, days and times in words, and strangers' words made fit (stack.md 7; delivery.md 6)."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Date, Instant

from selftimer.primitives.money import Money
from selftimer.render.format import find_locale, format_date, format_day, format_money, format_time
from selftimer.render.words import clean, fit_name
from selftimer.render.workdays import is_working_day, next_working_day

JUNE = Date(2026, 6, 10)


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "said"),
    [
        (123450, "eur", "en_GB", "€1,234.50"),
        (123450, "eur", "de_DE", "1.234,50\xa0€"),
        (123450, "usd", "en_US", "$1,234.50"),
        (500, "jpy", "en_GB", "JP¥500"),
        (1234567, "kwd", "en_US", "KWD\xa01,234.567"),
        (1234567, "iqd", "en_US", "IQD\xa01,234.567"),
        (150, "mga", "en_US", "MGA\xa01.50"),
        (-500, "gbp", "en_GB", "-£5.00"),
    ],
)
def test_amounts_have_their_currencys_own_digits(minor: int, currency: str, locale: str, said: str) -> None:
    assert format_money(Money(minor, currency), locale).replace("\xa0", "") == said.replace("\xa0", "")


@given(st.integers(-(10**12), 10**12))
def test_no_cent_is_lost_in_words(minor: int) -> None:
    said = format_money(Money(minor, "eur"), "en_GB")
    assert int("".join(sign for sign in said if sign.isdigit())) == abs(minor)


def test_days_and_times_are_in_the_studios_words_and_zone() -> None:
    noon = Instant.from_utc(2026, 6, 10, 12)
    assert format_date(JUNE, "en_GB") == "10 June 2026"
    assert format_date(JUNE, "de-DE") == "10. Juni 2026"
    assert format_day(JUNE, "en_GB") == "Wednesday"
    assert format_time(noon, "Europe/Berlin", "en_GB") == "14:00"
    assert format_time(noon, "America/New_York", "en_US") == "8:00 AM"


@pytest.mark.parametrize(
    ("name", "found"), [("de-DE", "de_DE"), ("fr_LB", "fr_LB"), ("de_XX", "de"), ("nonsense", "en_GB"), ("", "en_GB")]
)
def test_an_unknown_locale_is_its_language_or_english(name: str, found: str) -> None:
    assert str(find_locale(name)) in {found, found.split("_", maxsplit=1)[0]}


@pytest.mark.parametrize(
    "name", ["Anna", "Anna-Lena O'Neill", "St. John", "J.R. Smith", "Dr. Müller", "محمد", "李雷", "A" * 40, "  Anna  "]
)
def test_a_name_is_fit(name: str) -> None:
    assert fit_name(name) == name.strip()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "A" * 41,
        "anna@example.com",
        "see https://evil.example/x",
        "ftp://x",
        "www.evil",
        "win at evil.com",
        "evil.io",
        "bit.ly/abc",
        "ev\u200bil.c\u200bom",
        "\uff45\uff56\uff49\uff4c\uff0e\uff43\uff4f\uff4d",
        "<b>Anna</b>",
        "Anna\nP.S.",
        "Anna\u2028x",
        "Anna\x00",
        "{{ client.email }}",
        "{% if %}",
    ],
)
def test_a_name_is_unfit(name: str) -> None:
    assert fit_name(name) is None


def test_values_lose_line_breaks_and_signs_that_turn_text_around() -> None:
    assert clean("a\r\nb\tc\x1b[0m") == "a b c [0m"
    assert clean("ab\u202ec\u2066d\u200b") == "abcd"
    assert (
        clean("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645") == "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    )


@given(st.text())
def test_a_cleaned_value_is_one_line(text: str) -> None:
    assert len(clean(text).splitlines()) <= 1


def test_working_days_leave_out_weekends_and_the_countrys_holidays() -> None:
    assert is_working_day(Date(2026, 6, 10), "DE")
    assert not is_working_day(Date(2026, 6, 13), "")
    assert not is_working_day(Date(2026, 12, 25), "DE")
    assert is_working_day(Date(2026, 12, 25), "")
    assert not is_working_day(Date(2026, 1, 6), "DE-BY")
    assert is_working_day(Date(2026, 1, 6), "DE-BE")
    assert is_working_day(Date(2026, 1, 6), "ZZ")
    assert next_working_day(Date(2026, 12, 24), lambda date: is_working_day(date, "DE")) == Date(2026, 12, 28)


def test_babel_and_holidays_are_imported_only_when_words_are_needed() -> None:
    program = (
        "import sys, selftimer.render.format, selftimer.render.workdays, selftimer.rulebook.textcompile;"
        "print([m for m in ('babel', 'holidays') if m in sys.modules])"
    )
    path = ":".join(part for part in sys.path if part)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.strip() == "[]"
