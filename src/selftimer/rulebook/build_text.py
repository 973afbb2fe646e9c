"""Conditions, texts and sentences of one rule, compiled with every fault put in its place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from jinja2 import Environment, TemplateSyntaxError

from selftimer.errors import Problem
from selftimer.rulebook.build_when import trigger_of
from selftimer.rulebook.compiler import CompiledCondition, compile_condition
from selftimer.rulebook.expression import ExpressionError, Fault
from selftimer.rulebook.sentences import SentenceError, parse_span
from selftimer.rulebook.textcompile import CompiledText, compile_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selftimer.facts.world import StudioFacts
    from selftimer.primitives.time import Span
    from selftimer.rulebook.condition import Condition
    from selftimer.rulebook.model import Trigger, Where
    from selftimer.rulebook.names import Names
    from selftimer.rulebook.source import Place
    from selftimer.rulebook.template import TextTemplate

T = TypeVar("T")
_LEXER = Environment(autoescape=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What can be said at one step: the names, and the inputs that may be said without `inputs.` before them."""

    names: Names
    bare: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()
    """Paths that can't be missing here, because of the trigger or of a condition that holds."""

    def given(self, *conditions: Condition | None) -> Ground:
        """The same where these conditions hold."""
        more = [condition.present for condition in conditions if isinstance(condition, CompiledCondition)]
        return replace(self, present=self.present.union(*more))

    def having(self, other: Ground, *, surely: bool) -> Ground:
        """These names and the records that steps of `other` made; not `surely` where those may have been left out."""
        own = {"inputs", "steps"}
        more = {
            name: root if surely else replace(root, nullable=True)
            for name, root in other.names.roots.items()
            if name not in self.names.roots and name not in own
        }
        return replace(self, names=replace(self.names, roots={**self.names.roots, **more}))


@dataclass(slots=True, kw_only=True)
class Checker:
    """Collects what is wrong while the parts of a rule are compiled; a part that can't be is None."""

    problems: list[Problem] = field(default_factory=list)

    def condition(
        self, place: Place, parts: Sequence[str] | None, ground: Ground, *, any_of: bool = False
    ) -> Condition | None:
        """The condition of an `if` (all of a list) or `until` (any of it)."""
        if parts is None:
            return None
        bound = [_bound(part, ground.bare, condition=True) for part in parts]
        try:
            compiled = compile_condition(bound, ground.names, join="or" if any_of else "and")
        except ExpressionError as error:
            for fault in error.faults:
                self._fault(place, parts, bound, fault, "error")
            return None
        for fault in compiled.warnings:
            self._fault(place, parts, bound, fault, "warning")
        return compiled

    def yes_or_condition(self, place: Place, value: bool | tuple[str, ...], ground: Ground) -> Condition | bool:  # noqa: FBT001 - it is one of the two
        """`true`, `false` or a condition; false for one that can't be compiled (it is reported)."""
        return value if isinstance(value, bool) else self.condition(place, value, ground) or False

    def value(self, place: Place, source: str, ground: Ground) -> TextTemplate | None:
        """A bare expression, as if it stood in `{{ }}`; a value that can be missing needs no warning."""
        try:
            return compile_text(f"{{{{{source}}}}}", ground.names, strict_printing=False)
        except ExpressionError as error:
            for fault in error.faults:
                inside = replace(fault, offset=max(fault.offset - 2, 0))
                self._fault(place, [source], [source], inside, "error")
            return None

    def text(self, place: Place, source: str, ground: Ground) -> TextTemplate | None:
        """A value with `{{ }}` in it."""
        bound = _bound(source, ground.bare, condition=False)
        try:
            compiled = compile_text(bound, ground.names, strict_printing=False)
        except ExpressionError as error:
            for fault in error.faults:
                self._fault(place, [source], [bound], fault, "error")
            return None
        for fault in doubts(compiled, ground.present):
            self._fault(place, [source], [bound], fault, "warning")
        return compiled

    def sentence(self, place: Place, parse: Callable[[str], T], text: str) -> T | None:
        """What a sentence says."""
        try:
            return parse(text)
        except SentenceError as error:
            self.problems.append(place.problem(error.message, error.hint))
            return None

    def trigger(self, place: Place, text: str, studio: StudioFacts) -> Trigger | None:
        """The trigger that a sentence of `when` says; a condition in it is checked as any other."""
        try:
            return self.sentence(place, lambda said: trigger_of(said, studio), text)
        except ExpressionError as error:
            for fault in error.faults:
                self._fault(place, [text], [text], fault, "error")
            return None

    def span(self, place: Place, text: str | None) -> Span | None:
        """A length of time."""
        return None if text is None else self.sentence(place, parse_span, text)

    def add(self, place: Place, message: str, hint: str = "", *, key: bool = False) -> None:
        """One more error."""
        self.problems.append(place.problem(message, hint, key=key))

    def add_at(self, where: Where, message: str, hint: str) -> None:
        """One more error, at a place that is known by its line and column."""
        self.problems.append(Problem(where.file, where.line, where.column, message, hint=hint))

    def _fault(self, place: Place, parts: Sequence[str], bound: Sequence[str], fault: Fault, severity: str) -> None:
        exact = place / fault.part
        if exact.path not in place.document.spots:
            exact = place
        source = parts[fault.part]
        offset = fault.offset if bound[fault.part] == source else -1
        self.problems.append(exact.problem_within(source, offset, fault.message, fault.hint, severity))


def doubts(text: CompiledText, present: frozenset[str]) -> list[Fault]:
    """What is doubtful about a text where these paths can't be missing."""
    missing = [
        Fault(0, offset, f"{path} can be missing", f"say what then: '… or …', {{% if {path} %}}, or [fallbacks]")
        for path, offset in text.possibly_missing.items()
        if path not in present
    ]
    return sorted([*text.warnings, *missing])


def _bound(source: str, bare: frozenset[str], *, condition: bool) -> str:
    """The source with `inputs.` before each input that is said by its name alone."""
    if not bare or not any(name in source for name in bare):
        return source
    opened = "{{" + source + "}}" if condition else source
    out: list[str] = []
    before = ""
    try:
        for _, kind, value in _LEXER.lex(opened):
            said = kind == "name" and value in bare and before not in {".", "|"}
            out.append(f"inputs.{value}" if said else value)
            if kind != "whitespace":
                before = value
    except TemplateSyntaxError:
        return source
    text = "".join(out)
    return text[2:-2] if condition else text
