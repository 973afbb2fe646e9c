"""Filters: lists of records, days, and times moved on."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

from selftimer.facts.types import NUMBER, TEXT, Type
from selftimer.primitives.time import Span, TimeError
from selftimer.rulebook import expression_compare as rules
from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.expression_values import FILTERS, ValueChecker, bracketed
from selftimer.rulebook.names import Root

if TYPE_CHECKING:
    from jinja2 import nodes

TEXT_FILTERS = ("money", "date", "day", "time", "next_working_day", "upper", "length")
_UNIQUE = itertools.count(1)


class FilterChecker(ValueChecker):
    """Values with filters."""

    def known_filters(self) -> tuple[str, ...]:
        """The filters that may stand here."""
        return FILTERS

    def filtered(self, node: nodes.Filter) -> t.Node:
        """A value with a filter behind it."""
        known = self.known_filters()
        if node.name not in known:
            if node.name in TEXT_FILTERS:
                self.refuse(node.lineno, f"| {node.name} is for texts", "compare the value itself")
            hint = rules.near(node.name, known) or f"there are {', '.join(known)}"
            self.refuse(node.lineno, f"there is no filter {node.name!r}", hint)
        if node.dyn_args is not None or node.dyn_kwargs is not None or node.node is None:
            self.refuse(node.lineno, f"| {node.name} can't take that")
        if node.kwargs and node.name != "where":
            self.refuse(node.lineno, f"| {node.name} takes no names")
        wanted = 1 if node.name in {"plus", "sum"} else 0
        if len(node.args) != wanted:
            example = {"plus": "| plus('3 days')", "sum": "| sum('balance')", "where": "| where(status='paid')"}
            hint = f"write `{example.get(node.name, f'| {node.name}')}`"
            self.refuse(node.lineno, f"| {node.name} takes {'one text' if wanted else 'nothing'} in brackets", hint)
        return self.apply(node, self.value(node.node))

    def apply(self, node: nodes.Filter, item: t.Node) -> t.Node:
        """One filter applied to a value."""
        text = f"{bracketed(item)} | {node.name}"
        match node.name:
            case "where":
                return self._where(node, item)
            case "count" | "length":
                self.need(node, item, "list")
                return t.Count(text=text, at=item.at, type=NUMBER, nullable=item.nullable, item=item)
            case "sum":
                return self._sum(node, item)
            case "days_ago" | "days_until":
                self.need(node, item, "date", "instant")
                sign: Literal[1, -1] = 1 if node.name == "days_ago" else -1
                return t.Days(text=text, at=item.at, type=NUMBER, nullable=item.nullable, item=item, sign=sign)
            case "plus":
                return self._plus(node, item)
            case _:
                self.need(node, item, "text", "enum")
                return t.Case(
                    text=text, at=item.at, type=TEXT, nullable=item.nullable, item=item, upper=node.name == "upper"
                )

    def need(self, node: nodes.Filter, item: t.Node, *kinds: str) -> None:
        """Refuse a value that a filter isn't for."""
        if item.type.name not in kinds or (isinstance(item, t.Const) and node.name != "upper"):
            said = {"text": "texts", "enum": "words", "date": "dates", "instant": "instants", "list": "lists"}
            fit = " and ".join(said.get(kind, "amounts") for kind in kinds)
            self.refuse(item.at, f"{item.text} is {item.type}; | {node.name} is for {fit}")

    def _plus(self, node: nodes.Filter, item: t.Node) -> t.Node:
        self.need(node, item, "date", "instant")
        const = self.value(node.args[0])
        if not isinstance(const, t.Const) or not isinstance(const.value, str):
            self.refuse(const.at, "| plus needs a length of time in quotes", "write `| plus('3 days')`")
        try:
            span = Span.parse(const.value)
        except TimeError as error:
            self.refuse(const.at, str(error))
        if span.exact and item.type.name == "date":
            self.refuse(const.at, f"{item.text} is a date and can't be moved by {span}", "use days")
        text = f"{item.text} | plus({const.text})"
        return t.Plus(text=text, at=item.at, type=item.type, nullable=item.nullable, item=item, span=span)

    def _records(self, node: nodes.Filter, item: t.Node) -> Type:
        if item.type.of is None or item.type.of.name != "record":
            self.refuse(item.at, f"{item.text} is {item.type}; | {node.name} is for lists of records")
        return item.type.of

    def _of_each(self, record: Type, variable: str, name: str, at: int) -> t.Path:
        """A field of the records of a list, which `variable` stands for one after the other."""
        field = self._field(record.table, name, at)
        return self._read(
            t.Path(
                text=f"{record.table}.{field.name}",
                at=at,
                type=field.type,
                nullable=field.nullable,
                root=variable,
                start=Root(type=record, local=True),
                fields=(field,),
            )
        )

    def _sum(self, node: nodes.Filter, item: t.Node) -> t.Node:
        record = self._records(node, item)
        const = self.value(node.args[0])
        if not isinstance(const, t.Const) or not isinstance(const.value, str):
            self.refuse(const.at, "| sum needs a field's name in quotes", "write `| sum('balance')`")
        variable = _variable()
        each = self._of_each(record, variable, const.value, const.at)
        if each.type.name not in {"money", "number"}:
            self.refuse(const.at, f"{each.text} is {each.type} and can't be summed")
        text = f"{item.text} | sum({const.text})"
        return t.Sum(text=text, at=item.at, type=each.type, nullable=True, item=item, variable=variable, each=each)

    def _where(self, node: nodes.Filter, item: t.Node) -> t.Node:
        record = self._records(node, item)
        if not node.kwargs:
            self.refuse(node.lineno, "| where needs a field and its value", "write `| where(status='paid')`")
        variable, tests, said = _variable(), [], []
        for pair in node.kwargs:
            field = self._of_each(record, variable, _key(pair), pair.lineno)
            test = self.compare("==", field, self.value(pair.value))
            tests.append(test)
            said.append(f"{_key(pair)}={test.right.text}")
        return t.Where(
            text=f"{item.text} | where({', '.join(said)})",
            at=item.at,
            type=item.type,
            nullable=item.nullable,
            item=item,
            variable=variable,
            tests=tuple(tests),
        )


def _variable() -> str:
    return f"each{next(_UNIQUE)}"


def _key(pair: nodes.Node) -> str:
    """The name of a `name=value`; Jinja2's own types call it an expression."""
    return str(getattr(pair, "key", ""))
