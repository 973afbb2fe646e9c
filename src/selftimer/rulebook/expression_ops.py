"""What operators and filters do with values; neither side is None. Wrong types raise; the caller names the path."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.facts.derive import days_between
from selftimer.primitives.money import Money, MoneyError, exponent
from selftimer.primitives.time import Span, move, move_date
from selftimer.rulebook.condition import ConditionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selftimer.facts.types import Type
    from selftimer.rulebook.scope import Scope

Number = int | Decimal
FAULTS = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError)
"""What a value of the wrong type can raise; MoneyError and TimeError are ValueErrors."""

PLAIN: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def same_currency(left: Money, right: Money) -> None:
    """Refuse two currencies."""
    if left.currency != right.currency:
        raise MoneyError(f"{left.currency.upper()} can't be compared or combined with {right.currency.upper()}")


def compare_money(op: str, left: Money, right: Money) -> bool:
    """Two amounts of one currency."""
    same_currency(left, right)
    return PLAIN[op](left.minor, right.minor)


class Thresholds(dict[str, Number]):
    """A number in main units as smallest units of each currency that comes along."""

    __slots__ = ("main",)

    def __init__(self, main: Number) -> None:
        super().__init__()
        self.main = Decimal(main)

    def __missing__(self, currency: str) -> Number:
        scaled = self.main.scaleb(exponent(currency))
        whole = scaled.to_integral_value()
        self[currency] = int(whole) if whole == scaled else scaled
        return self[currency]


def compare(op: str, left: Any, right: Any) -> bool:
    """Two values: amounts with numbers in main units, records by their id, everything else as it is."""
    if isinstance(left, Money):
        if isinstance(right, Money):
            return compare_money(op, left, right)
        return PLAIN[op](left.main, right)
    if isinstance(right, Money):
        return PLAIN[op](left, right.main)
    if hasattr(left, "id"):
        return PLAIN[op](left.id, right.id)
    return PLAIN[op](left, right)


def _money(amount: Decimal, currency: str) -> Money:
    """To the smallest unit, half to even."""
    return Money(int(amount.scaleb(exponent(currency)).to_integral_value()), currency)


def arithmetic(op: str, left: Any, right: Any) -> Number | Money:
    """Numbers and amounts; a number beside + or - an amount is in its main units."""
    if isinstance(left, Money) and isinstance(right, Money):
        same_currency(left, right)
        if op == "/":
            return left.main / right.main
        return left + right if op == "+" else left - right
    if isinstance(left, Money):
        return _money(_number(op, left.main, right), left.currency)
    if isinstance(right, Money):
        return _money(_number(op, left, right.main), right.currency)
    return _number(op, left, right)


def _number(op: str, left: Number, right: Number) -> Decimal | Any:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return Decimal(left) / Decimal(right)


def negative(value: Number | Money) -> Number | Money:
    """Minus."""
    return Money(-value.minor, value.currency) if isinstance(value, Money) else -value


def contains(value: str | Sequence[str], sought: str) -> bool:
    """A text in a text, or one of a list of texts, ignoring case; `sought` is case-folded already."""
    if isinstance(value, str):
        return sought in value.casefold()
    return any(sought == item.casefold() for item in value)


def days(value: Instant | Date, sign: int, zone: str, scope: Scope) -> int:
    """Calendar days since (sign 1) or until (-1) a point in time, in a zone."""
    if isinstance(value, Date):
        return days_between(value, scope.today) * sign
    today = scope.today if zone == scope.studio.zone else scope.now.to_tz(zone).date()
    return days_between(value.to_tz(zone).date(), today) * sign


def plus(value: Instant | Date, span: Span, zone: str, scope: Scope) -> Instant | Date:
    """A point in time moved on: calendar days keep the local time of the zone."""
    if isinstance(value, Date):
        return move_date(value, span, 1, scope.world.is_working_day)
    return move(value, span, 1, zone, is_working=scope.world.is_working_day)


def total(values: Sequence[Number | Money | None], money: bool, scope: Scope) -> Number | Money | None:  # noqa: FBT001 - generated code calls it by position
    """The sum; None if one is None. Of no amounts: zero in the studio's currency."""
    known = [value for value in values if value is not None]
    if len(known) != len(values):
        return None
    if not known:
        return Money(0, scope.studio.currency) if money else 0
    result = known[0]
    for value in known[1:]:
        result = arithmetic("+", result, value)
    return result


_PYTHON: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "enum": (str,),
    "number": (int, Decimal, float),
    "money": (Money,),
    "yes/no": (bool,),
    "date": (Date,),
    "instant": (Instant,),
    "duration": (Span,),
}


def checked(mapping: Mapping[str, Any], key: str, kind: Type) -> Any:
    """An input or what a step made, by name: None if it isn't there; `ConditionError` if it is of another type."""
    value = mapping.get(key)
    wanted = _PYTHON.get(kind.name)
    if value is None or wanted is None:
        return value
    if not isinstance(value, wanted) or (kind.name == "number" and isinstance(value, bool)):
        raise ConditionError(key, f"is {type(value).__name__}, not {kind}")
    return Decimal(str(value)) if isinstance(value, float) else value
