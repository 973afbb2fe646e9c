"""A slow and obvious reading of conditions, from the specification and Jinja2's own tree of them.

`judge` says true, false or None for unknown, and raises `Failed` for an error. Conditions are read from left to right;
`and` stops at a false part, `or` at a true one, a comparison or calculation at a side that is missing: what isn't
looked at can't fail. It takes what the loader has accepted; what the loader refuses means nothing here.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, nodes

from chaos.reference.fields import read, zone_of
from chaos.reference.plain import Amount, Length, Plain, Situation, digits
from chaos.reference.times import moved, moved_date

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENV = Environment(autoescape=False)  # it only parses
_WORDS_OF_A_LIST = {"status", "type", "sender_type"}
"""Fields that are one of a list of words, where `cancelled` is read as `canceled`."""
_INPUTS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, Decimal, float),
    "yes_no": (bool,),
    "money": (Amount,),
    "date": (date,),
    "duration": (Length,),
}


class Failed(Exception):  # noqa: N818 - a fourth outcome, beside true, false and unknown
    """The condition is an error."""


class Value(NamedTuple):
    """A value, and the record that it was read from, which says the zone of its times."""

    it: Any
    of: Plain | None = None


def parse(source: str) -> nodes.Expr:
    """Jinja2's tree of an expression."""
    body = _ENV.parse("{{ " + source + " }}").body[0]
    assert isinstance(body, nodes.Output)
    return body.nodes[0]


def judge(source: str, at: Situation) -> bool | None:
    """The truth of a condition; `Failed` for an error."""
    return Reading(at).truth(parse(source))


class Reading:
    """One reading of a condition in one situation."""

    def __init__(self, at: Situation) -> None:
        self.at = at

    # --- truths -------------------------------------------------------------------------------------------------------

    def truth(self, node: nodes.Node) -> bool | None:
        """True, false or unknown."""
        match node:
            case nodes.And(left=left, right=right):
                return self._both(left, right, decides=False)
            case nodes.Or(left=left, right=right):
                return self._both(left, right, decides=True)
            case nodes.Not(node=inner):
                truth = self.truth(inner)
                return None if truth is None else not truth
            case nodes.Compare():
                return self._comparison(node)
            case nodes.Test(name="none"):
                return self.value(node.node).it is None
            case nodes.Test(name="containing"):
                assert node.args is not None
                return self._containing(self.value(node.node).it, node.args[0])
            case _:
                return _alone(self.value(node).it)

    def _both(self, left: nodes.Node, right: nodes.Node, *, decides: bool) -> bool | None:
        """Kleene: false decides an `and`, true an `or`, else unknown stays unknown."""
        first = self.truth(left)
        if first is decides:
            return decides
        second = self.truth(right)
        if second is decides:
            return decides
        return None if first is None or second is None else not decides

    def _comparison(self, node: nodes.Compare) -> bool | None:
        """`a < b < c` is `a < b and b < c`."""
        left, result = node.expr, True
        unsure = False
        for operand in node.ops:
            truth = self._compared(operand.op, left, operand.expr)
            if truth is False:
                return False
            unsure, left = unsure or truth is None, operand.expr
        return None if unsure else result

    def _compared(self, op: str, left: nodes.Node, right: nodes.Node) -> bool | None:
        first = self.value(left).it
        if first is None:
            return None
        if op in {"in", "notin"}:
            choices = [self._word(item, left) for item in getattr(right, "items", ())]
            return any(_equal(first, choice) for choice in choices) is (op == "in")
        first, second = self._word(left, right, first), self._word(right, left)
        if second is None:
            return None
        if op in {"eq", "ne"}:
            return _equal(first, second) is (op == "eq")
        return _ordered(op, first, second)

    def _word(self, node: nodes.Node, beside: nodes.Node, known: Any = None) -> Any:
        """A value, and a fixed word in the spelling of what stands beside it."""
        value = self.value(node).it if known is None else known
        listed = isinstance(beside, nodes.Getattr) and beside.attr in _WORDS_OF_A_LIST
        return "canceled" if listed and isinstance(node, nodes.Const) and value == "cancelled" else value

    def _containing(self, item: Any, sought: nodes.Node) -> bool | None:
        if item is None:
            return False  # a text that is missing contains nothing
        needle = self.value(sought).it
        if needle is None:
            return None
        if isinstance(item, str):
            return needle.casefold() in item.casefold()
        return needle.casefold() in [word.casefold() for word in item]

    # --- values -------------------------------------------------------------------------------------------------------

    def value(self, node: nodes.Node) -> Value:
        """A value; null where it is missing or can't be worked out for something that is missing."""
        match node:
            case nodes.Const(value=value):
                return Value(Decimal(str(value)) if isinstance(value, float) else value)
            case nodes.Name(name=name):
                return Value(self._named(name))
            case nodes.Getattr(node=inner, attr=name):
                record = self.value(inner).it
                return Value(None) if record is None else Value(self._field(record, name), record)
            case nodes.Neg(node=inner):
                return Value(_calculated("*", -1, self.value(inner).it))
            case nodes.Add() | nodes.Sub() | nodes.Mul() | nodes.Div():
                left = self.value(node.left).it
                return Value(None if left is None else _calculated(node.operator, left, self.value(node.right).it))
            case nodes.Filter():
                assert node.node is not None
                item = self.value(node.node)
                return Value(None) if item.it is None else self._filtered(node, item)
        raise AssertionError(f"{type(node).__name__} should have been refused")

    def _named(self, name: str) -> Any:
        match name:
            case "now":
                return self.at.now
            case "today":
                return self.at.today()
            case "start":
                return self.at.start
            case "studio":
                return self.at.studio
        return self.at.names[name]

    def _field(self, record: Plain, name: str) -> Any:
        if record.kind == "inputs":
            return _checked(record[name], self.at.inputs[name])
        return read(record, name, self.at)

    def _filtered(self, node: nodes.Filter, item: Value) -> Value:
        match node.name:
            case "count":
                return Value(len(item.it))
            case "lower":
                return Value(item.it.lower())
            case "sum":
                return Value(self._sum(item.it, self.value(node.args[0]).it))
            case "where":
                return Value([one for one in item.it if self._kept(one, node)])
            case "days_ago" | "days_until":
                days = self._days_ago(item)
                return Value(days if node.name == "days_ago" else -days)
            case "plus":
                return Value(self._moved(item, self.value(node.args[0]).it), item.of)
        raise AssertionError(f"| {node.name} should have been refused")

    def _kept(self, record: Plain, node: nodes.Filter) -> bool:
        """Whether every field of a record is known to be what is asked for."""
        sure = True
        for pair in node.kwargs:
            name, wanted = str(getattr(pair, "key", "")), pair.value
            value = self._field(record, name)
            if value is None:
                sure = False
                continue
            beside = nodes.Getattr(nodes.Name("each", "load"), name, "load")
            other = self._word(wanted, beside)
            if other is None:
                sure = False
            elif not _equal(value, other):
                return False
        return sure

    def _sum(self, records: Sequence[Plain], name: str) -> Any:
        values = [self._field(record, name) for record in records]
        if None in values:
            return None
        if not values:
            nothing = Amount(Decimal(0), self.at.studio["currency"])
            return nothing if name in {"amount", "paid", "paid_amount", "balance"} else 0
        total = values[0]
        for value in values[1:]:
            total = _calculated("+", total, value)
        return total

    def _days_ago(self, item: Value) -> int:
        if not isinstance(item.it, datetime):
            return int((self.at.today() - item.it).days)
        try:
            zone = zone_of(item.of, self.at)
            return (self.at.day(self.at.now, zone) - self.at.day(item.it, zone)).days
        except (LookupError, ValueError, OverflowError) as error:
            raise Failed from error

    def _moved(self, item: Value, length: str) -> date | datetime:
        count, unit = length.split(" ", 1)
        by = Length(int(count), unit if unit.endswith("s") else f"{unit}s")
        try:
            if isinstance(item.it, datetime):
                return moved(item.it, by, zone_of(item.of, self.at))
            return moved_date(item.it, by)
        except (LookupError, ValueError, OverflowError) as error:
            raise Failed from error


def _alone(value: Any) -> bool:
    """Null alone is false; so are no, and a list without entries."""
    if isinstance(value, bool):
        return value
    return value != [] and value is not None


def _checked(value: Any, kind: str) -> Any:
    """An input as it was declared; of another type it is an error."""
    if value is None:
        return None
    if not isinstance(value, _INPUTS[kind]) or (kind == "number" and isinstance(value, bool)):
        raise Failed
    return Decimal(str(value)) if isinstance(value, float) else value


def _sides(left: Any, right: Any) -> tuple[Any, Any]:
    """Two values as they can be compared: amounts in main units of one currency, records by their id."""
    if isinstance(left, Amount) and isinstance(right, Amount) and left.currency != right.currency:
        raise Failed
    return _bare(left), _bare(right)


def _bare(value: Any) -> Any:
    if isinstance(value, Amount):
        return value.main
    return value.values.get("id", value) if isinstance(value, Plain) else value


def _equal(left: Any, right: Any) -> bool:
    one, other = _sides(left, right)
    return bool(one == other)


def _ordered(op: str, left: Any, right: Any) -> bool:
    one, other = _sides(left, right)
    match op:
        case "lt":
            return bool(one < other)
        case "lteq":
            return bool(one <= other)
        case "gt":
            return bool(one > other)
        case _:
            return bool(one >= other)


def _calculated(op: str, left: Any, right: Any) -> Any:
    """Numbers exactly, or to 28 digits where they have decimals; amounts to their currency's smallest unit."""
    if left is None or right is None:
        return None
    one, other = _sides(left, right)
    try:
        number = _worked_out(op, one, other)
        currencies = [side.currency for side in (left, right) if isinstance(side, Amount)]
        if not currencies or (len(currencies) == 2 and op == "/"):
            return number
        step = Decimal(1).scaleb(-digits(currencies[0]))
        return Amount(Decimal(number).quantize(step, ROUND_HALF_EVEN), currencies[0])
    except ArithmeticError as error:
        raise Failed from error


def _worked_out(op: str, left: Any, right: Any) -> Any:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return Decimal(left) / Decimal(right)
