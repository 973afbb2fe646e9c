"""Texts: messages, and the values of steps. Jinja2's syntax, our whitelist, never Jinja2's engine.

A client's own words are values: they are made fit to be printed and never looked at as template text. A value that is
missing and has no fallback holds the message (rule-language.md, Words; delivery.md, 6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.render.format import format_date, format_day, format_money, format_time
from selftimer.render.words import clean, fit_name
from selftimer.render.workdays import next_working_day
from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.expression import ExpressionError, Fault
from selftimer.rulebook.expression_eval import Run, plain
from selftimer.rulebook.expression_parse import SyntaxFault
from selftimer.rulebook.expression_values import count_nodes
from selftimer.rulebook.template import MissingWord
from selftimer.rulebook.textcompile_check import Body, Branch, Loop, Print, TextChecker
from selftimer.rulebook.textcompile_parse import parse_text

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from selftimer.rulebook.condition import Read
    from selftimer.rulebook.names import Names
    from selftimer.rulebook.scope import Scope

MAX_OUTPUT = 20_000
MAX_TEXT_NODES = 2_000
_GAPS = re.compile(r"\n{3,}")
_LINE_ENDS = re.compile(r"[ \t]+(?=\n|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledText:
    """A `selftimer.rulebook.template.TextTemplate`.

    `names` are the paths it says; `possibly_missing` those that it prints although they can be missing and have no
    fallback, each with its offset; `warnings` are doubts about the source.
    """

    source: str
    reads: frozenset[Read]
    names: frozenset[str]
    possibly_missing: Mapping[str, int]
    warnings: tuple[Fault, ...]
    body: Body

    def render(self, scope: Scope) -> str:
        """The text with its values.

        Raises `MissingWord` for one that is missing, `ConditionError` for a wrong type or more than 20,000 characters.
        """
        text = _Writer(scope).text(self.body)
        return _GAPS.sub("\n\n", _LINE_ENDS.sub("", text))

    def value(self, scope: Scope) -> Any:
        """Like `render`, but a text that is one `{{ }}` keeps its type (rule-language.md, Exact meaning 16)."""
        only = [piece for piece in self.body if not isinstance(piece, str) or piece.strip()]
        if len(only) == 1 and isinstance(only[0], Print):
            return _Writer(scope).printed(only[0].node)
        return self.render(scope)


def compile_text(
    source: str, names: Names, *, fallbacks: Container[str] | None = None, strict_printing: bool = True
) -> CompiledText:
    """The text of a source; `ExpressionError` with all that is wrong.

    `fallbacks`: the `kind.field`s that have words for when they are missing (default: those of `names.studio`).
    `strict_printing`: amounts, dates and yes/no must be turned into words; off for the values of steps.
    """
    if fallbacks is None:
        fallbacks = names.studio.fallbacks if names.studio is not None else ()
    checker = TextChecker(names, fallbacks, strict=strict_printing)
    body: Body = ()
    try:
        statements = parse_text(source)
        if not all(count_nodes(statement, MAX_TEXT_NODES) for statement in statements):
            raise SyntaxFault(0, f"this is made of more than {MAX_TEXT_NODES} pieces", "make it simpler")
        body = checker.body(statements)
    except SyntaxFault as error:
        checker.faults.append(error.fault)
    if checker.faults:
        raise ExpressionError(checker.faults)
    return CompiledText(
        source=source,
        reads=frozenset(checker.reads),
        names=frozenset(checker.said),
        possibly_missing=checker.missing,
        warnings=tuple(sorted(checker.warnings)),
        body=body,
    )


class _Writer(Run):
    """Writes one text. While `printing`, a value that is missing or unfit becomes the studio's fallback for it."""

    __slots__ = ("_length", "_printing")

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._printing = False
        self._length = 0

    def text(self, body: Body) -> str:
        """The words of a body, one piece after the other."""
        return "".join(self._pieces(body))

    def _pieces(self, body: Body) -> list[str]:
        written: list[str] = []
        for piece in body:
            match piece:
                case str():
                    written.append(self._bounded(piece))
                case Print(node=node):
                    written.append(self._bounded(_words(self.printed(node))))
                case Branch(tests=tests, otherwise=otherwise):
                    chosen = next((then for test, then in tests if self.judge(test) is True), otherwise)
                    written += self._pieces(chosen)
                case Loop(variable=variable, node=node, body=inner):
                    for value in self.value(node) or ():
                        self.variables[variable] = value
                        written += self._pieces(inner)
        return written

    def _bounded(self, text: str) -> str:
        self._length += len(text)
        if self._length > MAX_OUTPUT:
            raise ConditionError("text", f"would be longer than {MAX_OUTPUT} characters")
        return text

    def printed(self, node: t.Node) -> Any:
        """The value that a `{{ }}` prints, in one line if it is a text; `MissingWord` if there is none."""
        self._printing = True
        try:
            value = self.value(node)
        finally:
            self._printing = False
        if value is None:
            raise MissingWord(next((path.text for path in t.paths(node)), node.text))
        return clean(value) if isinstance(value, str) else value

    def path(self, path: t.Path) -> Any:
        """The value of a path; a stranger's words are None unless they are fit to be printed, and so are blanks."""
        value = super().path(path)
        field = path.fields[-1] if path.fields else None
        if isinstance(value, str):
            value = fit_name(value) if field is not None and field.own_words else value if value.strip() else None
        if value is None and self._printing and field is not None:
            return self.scope.studio.fallbacks.get(f"{path.owner}.{field.name}") or None
        return value

    def other(self, node: t.Node) -> Any:
        """What only texts have: words for amounts and times, and fallbacks."""
        match node:
            case t.Fallback(parts=parts):
                return self._first(parts)
            case t.Show(item=item):
                return self._one(item, lambda value: self._show(node, value))
            case t.WorkingDay(item=item):
                working = self.scope.world.is_working_day
                return self._one(item, lambda value: next_working_day(self._day(item, value), working))
            case _:
                return super().other(node)

    def _first(self, parts: tuple[t.Node, ...]) -> Any:
        """The first that is there; what the text itself offers goes before the studio's fallbacks."""
        printing = self._printing
        for attempt in dict.fromkeys((False, printing)):
            self._printing = attempt
            try:
                for part in parts:
                    value = self.value(part)
                    if value is not None:
                        return value
            finally:
                self._printing = printing
        return None

    def _day(self, item: t.Node, value: Date | Instant) -> Date:
        return value if isinstance(value, Date) else value.to_tz(self.zone(item)).date()

    def _show(self, node: t.Show, value: Any) -> str:
        locale = self.scope.studio.locale
        match node.how:
            case "money":
                return format_money(value, locale)
            case "date":
                return format_date(self._day(node.item, value), locale)
            case "day":
                return format_day(self._day(node.item, value), locale)
            case "time":
                return format_time(value, self.zone(node.item), locale)


def _words(value: Any) -> str:
    """A value that needs no filter, as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(plain(value))
