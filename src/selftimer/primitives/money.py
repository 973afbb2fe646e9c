"""Money in a currency's smallest unit (studio-api.md, Conventions), with ISO 4217 exponents.

The API sends integers in minor units and a currency code in either case. The exponents are those of ISO 4217, not of
CLDR: Babel knows 13 currencies with other digits, and amounts would be off by a factor of 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_ZERO = "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf"
_THREE = "bhd iqd jod kwd lyd omr tnd"
_FOUR = "clf uyw"
EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_ZERO.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
    **dict.fromkeys(_FOUR.split(), 4),
}
"""Currencies that don't have two decimals (ISO 4217, list one)."""


def exponent(currency: str) -> int:
    """How many decimals a currency has: 2 for usd, 0 for jpy, 3 for kwd."""
    return EXPONENTS.get(currency.lower(), 2)


class MoneyError(ValueError):
    """Amounts that can't be combined or expressed: two currencies, or a fraction below the smallest unit."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: `minor` smallest units of `currency` (lower-case ISO 4217 code)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not (len(self.currency) == 3 and self.currency.isalpha() and self.currency.islower()):
            raise MoneyError(f"a currency is a lower-case code of three letters; got {self.currency!r}")

    @classmethod
    def from_main(cls, amount: Decimal | float | str, currency: str) -> Money:
        """Of an amount in main units (50 or 50.00 for $50); `MoneyError` for a fraction of the smallest unit."""
        scaled = Decimal(str(amount)).scaleb(exponent(currency))
        if scaled != scaled.to_integral_value():
            raise MoneyError(f"{amount} {currency} has more decimals than the currency ({exponent(currency)})")
        return cls(int(scaled), currency.lower())

    @property
    def main(self) -> Decimal:
        """The amount in main units, exactly."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise MoneyError(f"{self.currency} and {other.currency} can't be combined")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.main:.{exponent(self.currency)}f} {self.currency.upper()}"
