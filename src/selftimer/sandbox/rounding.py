"""Percentages of amounts, in whole smallest units."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def percent_of(amount: int, percent: Decimal) -> int:
    """That many percent of an amount, rounded half up to the currency's smallest unit, as a till does it.

    A line's tax is rounded by itself, so that what the lines show adds up to the invoice (inferred).
    """
    return int((Decimal(amount) * percent / 100).to_integral_value(ROUND_HALF_UP))
