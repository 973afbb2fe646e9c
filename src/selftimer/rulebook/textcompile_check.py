"""From Jinja2's tree of a text to ours: the whitelist of conditions, and what may be printed (checks 19 and 20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jinja2 import nodes

from selftimer.facts.types import DATE, TEXT
from selftimer.rulebook import expression_compare as rules
from selftimer.rulebook import expression_guards as guards
from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.expression import Fault
from selftimer.rulebook.expression_check import Checker
from selftimer.rulebook.expression_filters import TEXT_FILTERS
from selftimer.rulebook.expression_values import FILTERS, Refused, bracketed

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from selftimer.rulebook.names import Names

MAX_BLOCKS = 10
_HOW: dict[str, Literal["money", "date", "day", "time"]] = {
    "money": "money",
    "date": "date",
    "day": "day",
    "time": "time",
}
_FOR: dict[str, tuple[str, ...]] = {
    "money": ("money",),
    "date": ("date", "instant"),
    "day": ("date", "instant"),
    "time": ("instant",),
}
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Assign: "{% set %}",
    nodes.AssignBlock: "{% set %}",
    nodes.Include: "{% include %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% from %}",
    nodes.Extends: "{% extends %}",
    nodes.Block: "{% block %}",
    nodes.Macro: "{% macro %}",
    nodes.CallBlock: "{% call %}",
    nodes.FilterBlock: "{% filter %}",
    nodes.With: "{% with %}",
}


@dataclass(frozen=True, slots=True)
class Print:
    """`{{ … }}`."""

    node: t.Node


@dataclass(frozen=True, slots=True)
class Branch:
    """`{% if %}` with its `elif`s; the body of the first that is true, else `otherwise`."""

    tests: tuple[tuple[t.Node, Body], ...]
    otherwise: Body


@dataclass(frozen=True, slots=True)
class Loop:
    """`{% for x in list %}`."""

    variable: str
    node: t.Node
    body: Body


Body = tuple["str | Print | Branch | Loop", ...]


class TextChecker(Checker):
    """Builds the typed tree of one text."""

    def __init__(self, names: Names, fallbacks: Container[str], *, strict: bool) -> None:
        super().__init__(names)
        self.missing: dict[str, int] = {}
        """Paths that are printed, can be missing and have no fallback, with where they are printed first."""
        self._fallbacks = fallbacks
        self._strict = strict
        self._sure: frozenset[str] = frozenset()

    # --- statements ---------------------------------------------------------------------------------------------------

    def body(self, statements: Sequence[nodes.Node], depth: int = 0) -> Body:
        """A run of statements; what is wrong in one doesn't hide what is wrong in the next."""
        found: list[str | Print | Branch | Loop] = []
        for statement in statements:
            try:
                if depth > MAX_BLOCKS:
                    self.refuse(statement.lineno, "the blocks are nested too deeply", "make it simpler")
                found += self._statement(statement, depth)
            except Refused:
                continue
        return tuple(found)

    def _statement(self, node: nodes.Node, depth: int) -> Body:
        if isinstance(node, nodes.Stmt) and not isinstance(node, nodes.Output | nodes.If | nodes.For):
            said = _REFUSED.get(type(node), f"{{% {type(node).__name__.lower()} %}}")
            self.refuse(node.lineno, f"{said} is not known here", "there are {% if %}, {% for %} and {{ }}")
        match node:
            case nodes.TemplateData():
                return (node.data,)
            case nodes.Output():
                return self.body(node.nodes, depth)
            case nodes.If():
                return (self._if(node, depth),)
            case nodes.For():
                return (self._for(node, depth),)
            case _:
                return (Print(self._printed(node)),)

    def _if(self, node: nodes.If, depth: int) -> Branch:
        before = self._sure
        tests = []
        try:
            for branch in (node, *node.elif_):
                test = self.truth(branch.test)
                ahead = self._sure
                self._sure = ahead | guards.present(test)
                tests.append((test, self.body(branch.body, depth + 1)))
                self._sure = ahead | guards.present(test, False, explicit=True)
            return Branch(tuple(tests), self.body(node.else_, depth + 1))
        finally:
            self._sure = before

    def _for(self, node: nodes.For, depth: int) -> Loop:
        if node.test is not None or node.recursive or node.else_:
            self.refuse(node.lineno, "a loop has no if, else or recursive here", "use `| where(…)`")
        if not isinstance(node.target, nodes.Name):
            self.refuse(node.lineno, "a loop has one variable")
        name = node.target.name
        if name in self.names.roots or name.startswith("_"):
            self.refuse(node.target.lineno, f"{name!r} is taken", "call the loop's variable otherwise")
        many = self.value(node.iter)
        if many.type.of is None:
            self.refuse(many.at, f"{many.text} is {many.type}; a loop needs a list")
        outer = self.names
        self.names = outer.with_local(name, many.type.of)
        try:
            return Loop(name, many, self.body(node.body, depth + 1))
        finally:
            self.names = outer

    # --- what is printed ----------------------------------------------------------------------------------------------

    def alone(self, item: t.Node, beside: str) -> t.Node:
        """In a text a text may stand alone in a condition: it is there, and not empty."""
        if item.type.name == "text" and not isinstance(item, t.Const):
            return t.Truth(text=item.text, at=item.at, type=item.type, nullable=False, item=item)
        return super().alone(item, beside)

    def value(self, node: nodes.Node) -> t.Node:
        """A value, or several with `or` between them."""
        return self._fallback(node) if isinstance(node, nodes.Or) else super().value(node)

    def _fallback(self, node: nodes.Or) -> t.Node:
        parts: list[t.Node] = []
        rest: nodes.Node = node
        while isinstance(rest, nodes.Or):
            parts.insert(0, self.value(rest.right))
            rest = rest.left
        parts.insert(0, self.value(rest))
        for part in parts[1:]:
            if rules.group(part.type) != rules.group(parts[0].type):
                hint = f"write `{parts[0].text} | … or {part.text}`: the filter belongs to what stands before it"
                self.refuse(part.at, f"{parts[0].text} is {parts[0].type} and {part.text} is {part.type}", hint)
        kind = parts[0].type if len({part.type for part in parts}) == 1 else TEXT
        return t.Fallback(
            text=" or ".join(bracketed(part) for part in parts),
            at=parts[0].at,
            type=kind,
            nullable=all(part.nullable for part in parts),
            parts=tuple(parts),
        )

    def known_filters(self) -> tuple[str, ...]:
        """Those of conditions, and those that turn values into words."""
        return (*FILTERS, *TEXT_FILTERS)

    def apply(self, node: nodes.Filter, item: t.Node) -> t.Node:
        """One filter applied to a value."""
        if isinstance(item, t.Const):
            hint = f"put brackets around what belongs together: `(… or {item.text}) | {node.name}`"
            self.refuse(item.at, f"| {node.name} belongs to {item.text} alone", hint)
        text = f"{bracketed(item)} | {node.name}"
        common: dict[str, Any] = {"text": text, "at": item.at, "nullable": item.nullable, "item": item}
        if node.name in _HOW:
            self.need(node, item, *_FOR[node.name])
            return t.Show(type=TEXT, how=_HOW[node.name], **common)
        if node.name == "next_working_day":
            self.need(node, item, "date", "instant")
            return t.WorkingDay(type=DATE, **common)
        return super().apply(node, item)

    def _printed(self, node: nodes.Node) -> t.Node:
        item = self.value(node)
        if self._strict or item.type.name in {"record", "list"}:
            self.object(item.at, _unprintable(item))
        self._note_missing(item)
        return item

    def _note_missing(self, item: t.Node) -> None:
        """Note a path that may leave nothing to print; a word of the studio's that is known to be empty is an error."""
        if not item.nullable or any(isinstance(part, t.Const) for part in _parts(item)):
            return
        for path in t.paths(item):
            lost = [step for step in path.missing if step not in self._sure]
            if not lost or not path.spoken or f"{path.owner}.{path.fields[-1].name}" in self._fallbacks:
                continue
            if path.root == "studio" and self.names.studio is not None:
                hint = f"set it under [studio], or write `{path.text} or '…'`"
                self.faults.append(Fault(self.part, path.at, f"{path.text} is empty in selftimer.toml", hint))
            else:
                self.missing.setdefault(path.text, path.at)


def _parts(item: t.Node) -> tuple[t.Node, ...]:
    """What stands between the `or`s of a value, through the filters behind it."""
    while isinstance(item, t.Plus | t.WorkingDay | t.Case | t.Show):
        item = item.item
    return item.parts if isinstance(item, t.Fallback) else (item,)


def _unprintable(item: t.Node) -> rules.Objection | None:
    """Why a value can't be printed as it is, or None."""
    text = bracketed(item)
    match item.type.name:
        case "money":
            return rules.Objection(f"{item.text} is an amount", f"write `{text} | money`")
        case "date":
            return rules.Objection(f"{item.text} is a date", f"write `{text} | date` or `| day`")
        case "instant":
            return rules.Objection(f"{item.text} is an instant", f"write `{text} | date`, `| day` or `| time`")
        case "record":
            return rules.Objection(f"{item.text} is a whole record", f"print one of its fields, like {item.text}.id")
        case "list":
            return rules.Objection(f"{item.text} is a list", f"use {{% for x in {item.text} %}} or `| count`")
        case "yes/no":
            return rules.Objection(f"{item.text} is yes or no", f"use {{% if {item.text} %}}")
        case _:
            return None
