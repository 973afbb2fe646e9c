"""The rule language a second time: small, slow and obvious, for the compiler to be compared with.

An expression is a plain tuple. `source` writes it down, `judge` works it out straight from the sentences of
rule-language.md (Exact meaning 3); nothing of the compiler is used. Left is looked at before right, and not at all
after a left side that is null or decides.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.facts import derive as d
from selftimer.facts import derive_money as m
from selftimer.primitives.money import Money

if TYPE_CHECKING:
    from selftimer.rulebook.scope import Scope

Expr = tuple[Any, ...]
_DERIVED = {
    ("client", "replied"): d.replied,
    ("client", "contacted"): d.contacted,
    ("client", "silent_days"): d.silent_days,
    ("client", "last_session"): d.last_session,
    ("client", "next_session"): d.next_session,
    ("client", "invoices"): d.client_invoices,
    ("client", "open_invoices"): d.open_invoices,
    ("client", "kinds"): d.kinds,
    ("session", "invoice"): d.session_invoice,
    ("session", "kind"): d.session_kind,
    ("session", "ended"): d.ended,
    ("invoice", "balance"): m.balance,
    ("invoice", "outstanding"): m.outstanding,
    ("invoice", "disputed"): m.disputed,
    ("invoice", "last_payment_at"): m.last_payment_at,
}
STATUS_FIELDS = {"confirmed", "pending", "unpaid", "draft", "active", "archived"}


class Failed(Exception):  # noqa: N818 - a third outcome, beside true, false and unknown
    """The expression is an error."""


def source(expr: Expr) -> str:
    """As it stands in a rule file."""
    match expr:
        case ("and" | "or" as word, *parts):
            return f" {word} ".join(f"({source(part)})" for part in parts)
        case ("not", item):
            return f"not ({source(item)})"
        case ("alone", item):
            return source(item)
        case ("none", item):
            return f"({source(item)}) is none"
        case ("cmp", op, left, right):
            return f"{source(left)} {op} {source(right)}"
        case ("in", item, values):
            return f"{source(item)} in {list(values)!r}"
        case ("contains", item, text):
            return f"{source(item)} is containing {text!r}"
        case ("path", path):
            return str(path)
        case ("const", value):
            return str(value).lower() if isinstance(value, bool) else repr(value)
        case ("arith", op, left, right):
            return f"({source(left)} {op} {source(right)})"
        case ("days_ago" | "days_until" | "count" | "lower" as name, item):
            return f"{source(item)} | {name}"
        case ("sum", item, field):
            return f"{source(item)} | sum({field!r})"
        case ("where", item, field, value):
            return f"{source(item)} | where({field}={value!r})"
    raise AssertionError(expr)


def judge(expr: Expr, scope: Scope) -> bool | None:
    """True, False or None for unknown; `Failed` for an error."""
    match expr:
        case ("and", *parts):
            return _kleene(parts, scope, False)
        case ("or", *parts):
            return _kleene(parts, scope, True)
        case ("not", item):
            truth = judge(item, scope)
            return None if truth is None else not truth
        case ("alone", item):
            value = evaluate(item, scope)[0]
            return value is not None and value is not False and value not in ([], ())
        case ("none", item):
            return evaluate(item, scope)[0] is None
        case ("cmp", op, left, right):
            return _compare(op, left, right, scope)
        case ("in", item, values):
            value = evaluate(item, scope)[0]
            return None if value is None else value in values
        case ("contains", item, text):
            value = evaluate(item, scope)[0]
            if value is None:
                return False
            return text.lower() in (value.lower() if isinstance(value, str) else [word.lower() for word in value])
    raise AssertionError(expr)


def _kleene(parts: list[Expr], scope: Scope, decisive: bool) -> bool | None:
    truths = []
    for part in parts:
        truth = judge(part, scope)
        if truth is decisive:
            return decisive
        truths.append(truth)
    return None if None in truths else not decisive


def _compare(op: str, left: Expr, right: Expr, scope: Scope) -> bool | None:
    one = evaluate(left, scope)[0]
    other = None if one is None else evaluate(right, scope)[0]
    if other is None:
        return None
    if isinstance(one, Money) and isinstance(other, Money) and one.currency != other.currency:
        raise Failed
    one, other = (_bare(value) for value in (one, other))
    return bool(
        {
            "==": one == other,
            "!=": one != other,
            "<": op == "<" and one < other,
            "<=": op == "<=" and one <= other,
            ">": op == ">" and one > other,
            ">=": op == ">=" and one >= other,
        }[op]
    )


def _bare(value: Any) -> Any:
    if isinstance(value, Money):
        return value.main
    if isinstance(value, float):
        return Decimal(str(value))
    return getattr(value, "id", value)


def evaluate(expr: Expr, scope: Scope) -> tuple[Any, Any]:
    """(value, the record it was read from)."""
    match expr:
        case ("path", path):
            return _walk(path.split("."), scope)
        case ("const", value):
            return value, None
        case ("arith", op, left, right):
            value = evaluate(left, scope)[0]
            return _arithmetic(op, value, None if value is None else evaluate(right, scope)[0]), None
        case ("days_ago" | "days_until" as name, item):
            value, owner = evaluate(item, scope)
            if value is None:
                return None, None
            days = _days(value, owner, scope)
            return (days if name == "days_ago" else -days), None
        case ("count", item):
            value = evaluate(item, scope)[0]
            return None if value is None else len(value), None
        case ("lower", item):
            value = evaluate(item, scope)[0]
            return None if value is None else value.lower(), None
        case ("sum", item, field):
            found = evaluate(item, scope)[0]
            return None if found is None else _sum([_field(each, field, scope) for each in found], scope), None
        case ("where", item, field, value):
            found = evaluate(item, scope)[0]
            if found is None:
                return None, None
            return [each for each in found if _field(each, field, scope) == value], None
    raise AssertionError(expr)


def _walk(names: list[str], scope: Scope) -> tuple[Any, Any]:
    value, owner = getattr(scope, names[0]), None
    for name in names[1:]:
        if value is None:
            return None, None
        owner, value = value, _field(value, name, scope)
    return value, owner


def _field(record: Any, name: str, scope: Scope) -> Any:
    table = type(record).__name__.lower()
    if (table, name) in _DERIVED:
        return _DERIVED[table, name](record, scope.world, scope.start)  # type: ignore[operator]  # each takes its own kind
    if name in STATUS_FIELDS:
        return record.status == name
    return getattr(record, name)


def _days(value: Instant | Date, owner: Any, scope: Scope) -> int:
    zone = getattr(owner, "timezone", None) or scope.studio.zone
    there = value if isinstance(value, Date) else value.to_tz(zone).date()
    today = scope.today if isinstance(value, Date) else scope.now.to_tz(zone).date()
    return (today.to_stdlib() - there.to_stdlib()).days


def _arithmetic(op: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    currency = next((side.currency for side in (left, right) if isinstance(side, Money)), None)
    one, other = (Decimal(str(_bare(side))) for side in (left, right))
    if op == "/" and other == 0:
        raise Failed
    result = {"+": one + other, "-": one - other, "*": one * other, "/": op == "/" and one / other}[op]
    if currency is None:
        return result
    return Money(int((Decimal(result) * 100).to_integral_value()), currency)


def _sum(values: list[Any], scope: Scope) -> Any:
    if None in values:
        return None
    if not values:
        return Money(0, scope.studio.currency)
    if len({value.currency for value in values}) > 1:
        raise Failed
    return Money(sum(value.minor for value in values), values[0].currency)
