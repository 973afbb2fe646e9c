"""Amounts as the API spells them in its `*_formatted` twins."""

from __future__ import annotations

from selftimer.primitives.money import exponent

_SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}


def formatted(minor: int, currency: str) -> str:
    """`€1,250.00` for 125000 eur; a currency without a sign is named: `NOK 10.00`."""
    digits = exponent(currency)
    sign = _SIGNS.get(currency) or f"{currency.upper()} "
    whole, rest = divmod(abs(minor), 10**digits)
    tail = f".{rest:0{digits}}" if digits else ""
    return f"{'-' if minor < 0 else ''}{sign}{whole:,}{tail}"
