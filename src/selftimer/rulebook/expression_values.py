"""Values from Jinja2's tree to ours: literals, paths and arithmetic, every name and type checked.

What has no method here can't be written: no calls, no subscripts, no `~`, no `**`, no private names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn

from jinja2 import nodes

from selftimer.facts.records import Kind
from selftimer.facts.types import MONEY, NUMBER, TEXT, YES_NO, Field
from selftimer.rulebook import expression_compare as rules
from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.expression import Fault

if TYPE_CHECKING:
    from selftimer.rulebook.condition import Read
    from selftimer.rulebook.names import Names, Root

MAX_DEPTH = 30
MAX_NUMBER = 10**12
FILTERS = ("where", "count", "sum", "days_ago", "days_until", "plus", "lower")
_KINDS = {str(kind) for kind in Kind}
_ARITH: dict[type[nodes.BinExpr], t.ArithOp] = {nodes.Add: "+", nodes.Sub: "-", nodes.Mul: "*", nodes.Div: "/"}
_REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Call: ("nothing can be called here", "use the filters: " + ", ".join(FILTERS)),
    nodes.Getitem: ("there are no square brackets behind a name", "fields stand behind a dot: client.email"),
    nodes.Concat: ("texts can't be joined with ~", ""),
    nodes.Pow: ("** is not known here", ""),
    nodes.FloorDiv: ("// is not known here", "use /"),
    nodes.Mod: ("% is not known here", ""),
    nodes.Pos: ("a plus sign before a value is not known here", "leave it out"),
    nodes.CondExpr: ("`… if … else …` is not known here", "use and, or, not; in texts {% if %}"),
    nodes.List: ("a list can only stand behind `in`", ""),
    nodes.Tuple: ("a list can only stand behind `in`", ""),
    nodes.Dict: ("braces are not known here", "names are known as they are"),
}
_WORDS = {"null": "none", "nil": "none", "undefined": "none", "yes": "true", "no": "false", "loop": ""}


class Refused(Exception):  # noqa: N818 - control flow: the fault is on the checker's list already
    """No good: go on with the next branch."""


def count_nodes(tree: nodes.Node, limit: int) -> bool:
    """Whether a tree has at most so many nodes; without recursion, since trees can be as deep as they are long."""
    stack, seen = [tree], 0
    while stack:
        node = stack.pop()
        seen += 1
        if seen > limit:
            return False
        stack.extend(node.iter_child_nodes())
    return True


def bracketed(node: t.Node) -> str:
    """A node's text, in brackets where it would fall apart beside another."""
    loose = isinstance(node, t.And | t.Or | t.Not | t.Arith | t.Compare | t.Fallback)
    return f"({node.text})" if loose else node.text


class ValueChecker(ABC):
    """Builds typed values, and notes all that is wrong."""

    def __init__(self, names: Names, part: int = 0) -> None:
        self.names = names
        self.part = part
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.reads: set[Read] = set()
        self.said: set[str] = set()
        self._depth = 0

    def refuse(self, at: int, message: str, hint: str = "") -> NoReturn:
        """Note a fault and leave this branch."""
        self.faults.append(Fault(self.part, at, message, hint))
        raise Refused

    def object(self, at: int, objection: rules.Objection | None) -> None:
        """Refuse if there is an objection."""
        if objection is not None:
            self.refuse(at, objection.message, objection.hint)

    # --- values -------------------------------------------------------------------------------------------------------

    def value(self, node: nodes.Node) -> t.Node:
        """A value."""
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                self.refuse(node.lineno, "this is nested too deeply", "split it into several conditions")
            match node:
                case nodes.Const():
                    return self._const(node)
                case nodes.Name() | nodes.Getattr():
                    return self._path(node)
                case nodes.Filter():
                    return self.filtered(node)
                case nodes.Neg():
                    return self._negative(node)
                case nodes.Add() | nodes.Sub() | nodes.Mul() | nodes.Div():
                    return self._arithmetic(node, _ARITH[type(node)])
                case _:
                    return self._not_a_value(node)
        finally:
            self._depth -= 1

    def _not_a_value(self, node: nodes.Node) -> NoReturn:
        if isinstance(node, nodes.And | nodes.Or | nodes.Not | nodes.Compare | nodes.Test):
            self.refuse(node.lineno, "a condition can't be a value here", "let it stand alone, beside and, or, not")
        message, hint = _REFUSED.get(type(node), (f"{type(node).__name__.lower()} is not known here", ""))
        self.refuse(node.lineno, message, hint)

    def _const(self, node: nodes.Const) -> t.Const:
        value = node.value
        if value is None:
            self.refuse(node.lineno, "none is no value", "ask with `is none`")
        if isinstance(value, bool):
            text, kind = str(value).lower(), YES_NO
        elif isinstance(value, str):
            text, kind = repr(value), TEXT
        else:
            if not abs(value) < MAX_NUMBER:
                self.refuse(node.lineno, "this number is too large")
            text, kind = str(value), NUMBER
            value = Decimal(text) if isinstance(value, float) else value
        return t.Const(text=text, at=node.lineno, type=kind, nullable=False, value=value)

    def _path(self, node: nodes.Name | nodes.Getattr) -> t.Path:
        steps: list[tuple[str, int]] = []
        at: nodes.Node = node
        while isinstance(at, nodes.Getattr):
            steps.append((at.attr, at.lineno + 1))
            at = at.node
        if not isinstance(at, nodes.Name):
            if isinstance(at, nodes.Filter):
                self.refuse(steps[-1][1], f"a field can't follow a filter: .{steps[-1][0]}")
            self._not_a_value(at)
        root = self._root(at)
        path = t.Path(
            text=at.name,
            at=at.lineno,
            type=root.type,
            nullable=root.nullable,
            root=at.name,
            start=root,
            fields=(),
            missing=(at.name,) if root.nullable and root.type.name == "record" else (),
        )
        self._read(path)
        for name, offset in reversed(steps):
            path = self._step(path, name, offset)
        self.said.add(path.text)
        return path

    def _root(self, node: nodes.Name) -> Root:
        root = self.names.roots.get(node.name)
        if root is None:
            if node.name in _WORDS:
                said = _WORDS[node.name]
                self.refuse(node.lineno, f"{node.name!r} is not a word here", f"write {said}" if said else "")
            message = f"{node.name!r} is not known here"
            hint = rules.near(node.name, self.names.roots) or f"known: {', '.join(sorted(self.names.roots))}"
            self.refuse(node.lineno, message, hint)
        return root

    def _step(self, path: t.Path, name: str, at: int) -> t.Path:
        kind = path.type
        if kind.name != "record":
            use = "use | where, | count or | sum" if kind.name == "list" else ""
            self.refuse(at, f"{path.text} is {kind} and has no field {name!r}", use)
        field = self._field(kind.table, name, at)
        text = f"{path.text}.{field.name}"
        return self._read(
            t.Path(
                text=text,
                at=path.at,
                type=field.type,
                nullable=path.nullable or field.nullable,
                root=path.root,
                start=path.start,
                fields=(*path.fields, field),
                missing=(*path.missing, text) if field.nullable and not field.expected else path.missing,
            )
        )

    def _field(self, table: str, name: str, at: int) -> Field:
        if name.startswith("_"):
            self.refuse(at, f"{name!r} is private")
        field = self.names.field(table, name)
        if field is None:
            known = sorted(self.names.fields(table))
            hint = rules.near(name, known) or f"it has {', '.join(known)}"
            self.refuse(at, f"{table} has no field {name!r}", hint)
        return field

    def _read(self, path: t.Path) -> t.Path:
        """Note what has to be read afresh for a path, one step at a time."""
        if path.fields:
            self.reads |= path.fields[-1].reads
        made = path.root == "steps" and len(path.fields) == 1
        if (made or not (path.fields or path.start.local)) and path.type.table in _KINDS:
            self.reads.add((Kind(path.type.table), Kind(path.type.table)))
        return path

    def _negative(self, node: nodes.Neg) -> t.Node:
        item = self.value(node.node)
        if item.type.name not in {"number", "money"}:
            self.refuse(item.at, f"{item.text} is {item.type}; a minus needs a number or an amount")
        text = f"-{bracketed(item)}"
        if isinstance(item, t.Const):
            return t.Const(text=text, at=node.lineno, type=item.type, nullable=False, value=-item.value)
        return t.Neg(text=text, at=node.lineno, type=item.type, nullable=item.nullable, item=item)

    def _arithmetic(self, node: nodes.BinExpr, op: t.ArithOp) -> t.Node:
        left, right = self.value(node.left), self.value(node.right)
        kinds = (left.type.name, right.type.name)
        for side in (left, right):
            if side.type.name not in {"number", "money"}:
                hint = "use `| plus('3 days')` or `| days_ago`" if side.type.timely else ""
                self.refuse(side.at, f"{side.text} is {side.type}; {op} needs numbers or amounts", hint)
        if kinds == ("money", "money") and op == "*":
            self.refuse(left.at, "amounts can't be multiplied with each other")
        if kinds == ("number", "money") and op == "/":
            self.refuse(left.at, "a number can't be divided by an amount")
        amount = "money" in kinds and not (kinds == ("money", "money") and op == "/")
        return t.Arith(
            text=f"{bracketed(left)} {op} {bracketed(right)}",
            at=left.at,
            type=MONEY if amount else NUMBER,
            nullable=left.nullable or right.nullable,
            op=op,
            left=left,
            right=right,
        )

    def compare(self, op: t.Op, left: t.Node, right: t.Node) -> t.Compare:
        """A comparison of two values that can be compared."""
        self.object(left.at, rules.objection(op, left, right))
        if isinstance(right, t.Const):
            right = self.word(left, right)
        elif isinstance(left, t.Const):
            left = self.word(right, left)
        text = f"{bracketed(left)} {op} {bracketed(right)}"
        nullable = left.nullable or right.nullable
        return t.Compare(text=text, at=left.at, type=YES_NO, nullable=nullable, op=op, left=left, right=right)

    def word(self, path: t.Node, const: t.Const) -> t.Const:
        """A constant as it is compared with a value: one of an enum's words, in the rules' spelling."""
        if path.type.name != "enum":
            return const
        word = rules.spelled(path.type, const.value)
        self.object(const.at, rules.never(path, word))
        return t.Const(text=repr(word), at=const.at, type=const.type, nullable=False, value=word)

    @abstractmethod
    def filtered(self, node: nodes.Filter) -> t.Node:
        """A value with a filter behind it."""
