"""Money in minor units with ISO 4217's exponents."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftimer.primitives.money import EXPONENTS, Money, MoneyError, exponent

CURRENCIES = ["usd", "eur", "jpy", "kwd", "clf", "afn", "iqd", *EXPONENTS]


@pytest.mark.parametrize(
    ("currency", "digits"), [("usd", 2), ("EUR", 2), ("jpy", 0), ("kwd", 3), ("clf", 4), ("afn", 2)]
)
def test_the_exponent_is_isos_not_the_locale_datas(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@given(st.integers(-(10**12), 10**12), st.sampled_from(CURRENCIES))
def test_main_units_and_back_is_the_same_amount(minor: int, currency: str) -> None:
    amount = Money(minor, currency)

    assert Money.from_main(amount.main, currency) == amount


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_sums_and_differences_undo_each_other(a: int, b: int) -> None:
    left, right = Money(a, "usd"), Money(b, "usd")

    assert (left + right) - right == left


def test_two_currencies_are_never_combined() -> None:
    with pytest.raises(MoneyError, match="usd and eur"):
        Money(1, "usd") + Money(1, "eur")
    with pytest.raises(MoneyError):
        Money(1, "usd") - Money(1, "eur")


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "usd"), ("1.5", "jpy"), (Decimal("0.0001"), "kwd")])
def test_a_fraction_of_the_smallest_unit_is_refused(amount: Decimal | str, currency: str) -> None:
    with pytest.raises(MoneyError, match="more decimals"):
        Money.from_main(amount, currency)


@pytest.mark.parametrize("currency", ["USD", "us", "u$d", ""])
def test_a_currency_is_a_lower_case_code(currency: str) -> None:
    with pytest.raises(MoneyError):
        Money(1, currency)


def test_it_says_itself_with_its_currencys_digits() -> None:
    assert str(Money(5000, "usd")) == "50.00 USD"
    assert str(Money(5000, "jpy")) == "5000 JPY"
    assert not Money(0, "usd")
    assert Money(-1, "usd")
