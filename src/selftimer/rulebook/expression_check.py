"""From Jinja2's tree to ours: conditions, every comparison checked, everything wrong told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from selftimer.facts.types import TEXT, YES_NO
from selftimer.rulebook import expression_compare as rules
from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.expression_filters import FilterChecker
from selftimer.rulebook.expression_values import MAX_DEPTH, Refused, bracketed

if TYPE_CHECKING:
    from collections.abc import Iterable

TESTS = ("none", "containing")
_OPS: dict[str, t.Op] = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}


class Checker(FilterChecker):
    """Builds the typed tree of one condition."""

    def truth(self, node: nodes.Node, beside: str = "") -> t.Node:
        """A condition, or a part of one beside `and`, `or`, `not`."""
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                self.refuse(node.lineno, "this is nested too deeply", "split it into several conditions")
            match node:
                case nodes.And():
                    return self._joined(node, nodes.And, "and")
                case nodes.Or():
                    return self._joined(node, nodes.Or, "or")
                case nodes.Not():
                    item = self.truth(node.node, "not")
                    text = f"not {bracketed(item)}"
                    return t.Not(text=text, at=node.lineno, type=YES_NO, nullable=item.nullable, item=item)
                case nodes.Compare():
                    return self._comparison(node)
                case nodes.Test():
                    return self._test(node)
                case _:
                    return self.alone(self.value(node), beside)
        finally:
            self._depth -= 1

    def alone(self, item: t.Node, beside: str) -> t.Node:
        """A value standing alone."""
        self.object(item.at, rules.alone(item, beside))
        return t.Truth(text=item.text, at=item.at, type=YES_NO, nullable=False, item=item)

    def _joined(self, node: nodes.BinExpr, kind: type[nodes.BinExpr], word: str) -> t.Node:
        flat: list[nodes.Node] = []
        rest: nodes.Node = node
        while isinstance(rest, kind):
            flat.append(rest.right)
            rest = rest.left
        parts: list[t.Node] = []
        for child in reversed([*flat, rest]):
            try:
                part = self.truth(child, word)
            except Refused:
                continue
            parts += part.parts if isinstance(part, t.And if word == "and" else t.Or) else [part]
        if self.faults:
            raise Refused
        return join(parts, word)

    def _comparison(self, node: nodes.Compare) -> t.Node:
        left, links = node.expr, []
        for operand in node.ops:
            links.append(self._link(left, operand))
            left = operand.expr
        return links[0] if len(links) == 1 else join(links, "and")

    def _link(self, left: nodes.Expr, operand: nodes.Operand) -> t.Node:
        if operand.op in {"in", "notin"}:
            return self._among(self.value(left), operand.expr, negated=operand.op == "notin")
        for side, other in ((left, operand.expr), (operand.expr, left)):
            if isinstance(side, nodes.Const) and side.value is None:
                text = self.value(other).text
                self.refuse(side.lineno, "nothing is equal to none", f"write `{text} is none` or `{text} is not none`")
        return self.compare(_OPS[operand.op], self.value(left), self.value(operand.expr))

    def _among(self, item: t.Node, choices: nodes.Node, *, negated: bool) -> t.Node:
        if not isinstance(choices, nodes.List | nodes.Tuple):
            hint = f"write `in ['lead', 'other']`; for a text in a text or list: `… is containing {item.text}`"
            self.refuse(choices.lineno, "`in` needs a list in square brackets", hint)
        if not choices.items:
            self.refuse(choices.lineno, "the list behind `in` is empty", "then this is always false")
        if isinstance(item, t.Const) or item.type.name not in {"text", "enum", "number"}:
            self.refuse(item.at, f"{item.text} is {item.type}; `in` is for texts, words and numbers", "use == and or")
        consts = []
        for choice in choices.items:
            const = self.value(choice)
            if not isinstance(const, t.Const):
                self.refuse(const.at, f"{const.text} can't stand in a list; only fixed words and numbers can")
            self.object(const.at, rules.objection("==", item, const))
            consts.append(self.word(item, const))
        listed = ", ".join(const.text for const in consts)
        return t.In(
            text=f"{item.text} {'not in' if negated else 'in'} [{listed}]",
            at=item.at,
            type=YES_NO,
            nullable=item.nullable,
            item=item,
            values=frozenset(const.value for const in consts),
            negated=negated,
        )

    def _test(self, node: nodes.Test) -> t.Node:
        if node.name not in TESTS:
            hint = rules.near(node.name, TESTS) or "there are `is none` and `is containing`"
            self.refuse(node.lineno, f"there is no test {node.name!r}", hint)
        item = self.value(node.node)
        if node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
            self.refuse(node.lineno, f"`is {node.name}` takes no names")
        if node.name == "none":
            if node.args or isinstance(item, t.Const):
                self.refuse(node.lineno, "`is none` asks whether a field is missing", "write `client.email is none`")
            return t.IsNone(text=f"{item.text} is none", at=item.at, type=YES_NO, nullable=False, item=item)
        return self._containing(node, item)

    def _containing(self, node: nodes.Test, item: t.Node) -> t.Node:
        if len(node.args) != 1:
            self.refuse(node.lineno, "`is containing` needs one text", "write `client.notes is containing 'VIP'`")
        needle = self.value(node.args[0])
        listed = item.type.name == "list" and item.type.of == TEXT
        if isinstance(item, t.Const) or not (listed or item.type.name == "text"):
            hint = {"enum": "compare it with ==", "list": "use `| where(…)`"}.get(item.type.name, "")
            self.refuse(item.at, f"{item.text} is {item.type}; `is containing` is for texts and lists of texts", hint)
        if not needle.type.texty or (isinstance(needle, t.Const) and not needle.value):
            self.refuse(needle.at, f"`is containing` needs a text, not {needle.text}")
        return t.Contains(
            text=f"{item.text} is containing {needle.text}",
            at=item.at,
            type=YES_NO,
            nullable=needle.nullable,  # a text that is missing holds nothing
            item=item,
            needle=needle,
        )


def join(parts: Iterable[t.Node], word: str) -> t.Node:
    """Conditions joined by and/or, flat; one alone is itself."""
    kind = t.And if word == "and" else t.Or
    flat: list[t.Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, t.And | t.Or) and isinstance(part, kind) else [part]
    if len(flat) == 1:
        return flat[0]
    text = f" {word} ".join(f"({part.text})" if isinstance(part, t.And | t.Or) else part.text for part in flat)
    nullable = any(part.nullable for part in flat)
    return kind(text=text, at=flat[0].at, type=YES_NO, nullable=nullable, parts=tuple(flat))
