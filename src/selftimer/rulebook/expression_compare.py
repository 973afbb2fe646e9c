"""Which values can be compared, and what is said of those that can't (language-examples.md, checks 5 to 7)."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from selftimer.facts.schema import SPELLINGS
from selftimer.rulebook import expression_tree as t

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.facts.types import Type

_UNORDERED = {
    "text": "texts have no order here",
    "enum": "these words have no order",
    "yes/no": "yes and no have no order",
    "record": "records have no order",
    "duration": "lengths of time can't be compared",
}


class Objection(NamedTuple):
    """Why something is refused, and what to write instead."""

    message: str
    hint: str = ""


def near(word: str, known: Iterable[str]) -> str:
    """`did you mean 'amount'?`, or nothing."""
    choices = list(known)
    found = get_close_matches(word, choices, 1) or get_close_matches(word.casefold(), choices, 1)
    return f"did you mean {found[0]!r}?" if found else ""


def spelled(kind: Type, word: object) -> object:
    """A word as an enum has it: `cancelled` is read as `canceled`."""
    return SPELLINGS.get(word, word) if isinstance(word, str) and word not in kind.values else word


def never(path: t.Node, word: object) -> Objection | None:
    """The objection to a word that an enum never is."""
    kind = path.type
    if word in kind.values:
        return None
    guess = near(str(word).replace(" ", "_"), kind.values)
    return Objection(f"{path.text} is never {word!r}; it is one of {', '.join(kind.values)}", guess)


def group(kind: Type) -> str:
    """Types of one group can be compared with each other."""
    if kind.texty:
        return "text"
    return f"record {kind.table}" if kind.name == "record" else kind.name


def objection(op: str, left: t.Node, right: t.Node) -> Objection | None:
    """Why these two can't be compared that way, or None."""
    if isinstance(left, t.Const) and isinstance(right, t.Const):
        return Objection(f"{left.text} {op} {right.text} is always the same", "compare a field with it")
    first, second = group(left.type), group(right.type)
    if "list" in {first, second}:
        many = left if first == "list" else right
        return Objection(f"{many.text} is a list", f"use `{many.text} | count`, or `is containing` for texts")
    if first != second and {first, second} != {"money", "number"}:
        return _mismatch(left, right)
    if op in t.ORDERED and left.type.name in _UNORDERED:
        return Objection(f"{left.text} {op} {right.text}: {_UNORDERED[left.type.name]}", "use == or !=")
    if left.type.name == right.type.name == "enum" and not set(left.type.values) & set(right.type.values):
        return Objection(f"{left.text} and {right.text} have no word in common")
    return None


def _mismatch(left: t.Node, right: t.Node) -> Objection:
    if left.type.timely and right.type.timely:
        day = left if left.type.name == "date" else right
        return Objection(
            f"{left.text} is {left.type} and {right.text} is {right.type}",
            "compare a date with today and an instant with now"
            + ("" if isinstance(day, t.Const) else f", or use `{day.text} | days_ago`"),
        )
    if right.type.timely or isinstance(left, t.Const):
        left, right = right, left
    message = f"{left.text} is {left.type} and can't be compared with {right.type}"
    match left.type.name:
        case "date" | "instant":
            return Objection(message, f"use days_ago or days_until: `{left.text} | days_ago > 3`")
        case "money":
            return Objection(message, f"write the number alone: `{left.text} > 50`")
        case "yes/no":
            return Objection(message, f"write it alone: `{left.text}` or `not {left.text}`")
        case "record":
            return Objection(message, "compare one of its fields")
        case _:
            return Objection(message)


def alone(node: t.Node, beside: str) -> Objection | None:
    """Why a value can't stand alone as a condition, or None."""
    text, kind = node.text, node.type.name
    if isinstance(node, t.Const):
        return _constant(node, beside)
    match kind:
        case "money" if text == "invoice.paid" or text.endswith(".invoice.paid"):
            invoice = text.removesuffix(".paid")
            return Objection(f"{text} is an amount", f"did you mean `{invoice}.settled` or `{text} > 0`?")
        case "money":
            return Objection(f"{text} is an amount, not a yes or no", f"did you mean `{text} > 0`?")
        case "number":
            return Objection(f"{text} is a number, not a yes or no", f"did you mean `{text} > 0`?")
        case "text":
            return Objection(f"{text} is a text, not a yes or no", f"did you mean `{text} is not none`?")
        case "enum":
            word = node.type.values[0] if node.type.values else ""
            return Objection(f"{text} is a word, not a yes or no", f"compare it: `{text} == '{word}'`")
        case "duration":
            return Objection(f"{text} is a length of time, not a yes or no")
        case _:
            return None


def _constant(node: t.Const, beside: str) -> Objection:
    always = "true" if node.value else "false"
    where = f"alone after {beside}" if beside in {"and", "or"} else "alone"
    hint = "say what it is compared with, like `client.type == 'other'`, or use `in ['lead', 'other']`"
    return Objection(f"{node.text} {where} is always {always}", hint if isinstance(node.value, str) else "")
