"""Conditions: from a source to one checked tree, and from that a fast function and its trace (rule-language.md, if)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from selftimer.rulebook import expression_guards as guards
from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.expression import ExpressionError, Fault
from selftimer.rulebook.expression_check import Checker
from selftimer.rulebook.expression_check import join as joined
from selftimer.rulebook.expression_code import make_judge
from selftimer.rulebook.expression_eval import Run
from selftimer.rulebook.expression_parse import MAX_NODES, SyntaxFault, mixed_connectives, parse_expression
from selftimer.rulebook.expression_values import Refused, count_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selftimer.rulebook.condition import Read, Truth
    from selftimer.rulebook.names import Names
    from selftimer.rulebook.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCondition:
    """A `selftimer.rulebook.condition.Condition`.

    `judge` is the generated function itself, from its first call on: a load makes many, and most of a condition's time
    is the making. `warnings` are doubts about the source; `present` names the paths that aren't missing when the
    condition is true.
    """

    source: str
    reads: frozenset[Read]
    names: frozenset[str]
    warnings: tuple[Fault, ...]
    present: frozenset[str]
    tree: t.Node
    judge: Callable[[Scope], Truth]

    def trace(self, scope: Scope) -> dict[str, Any]:
        """The judgement with its path as plain JSON data: `text`, `is` (true, false, null or "error"), `value`, `why`.

        `parts` are what `and`, `or`, `not` were judged by, as far as it was looked at, or the values compared.
        """
        return Run(scope).trace(self.tree)


def compile_condition(
    source: str | Sequence[str], names: Names, *, join: Literal["and", "or"] = "and"
) -> CompiledCondition:
    """The condition of a source, or of a list of them joined by `join`; `ExpressionError` with all that is wrong."""
    sources = [source] if isinstance(source, str) else list(source)
    faults: list[Fault] = []
    built: list[_Part] = []
    for number, text in enumerate(sources):
        part = _compile_part(text, names, number)
        faults += part.faults
        built.append(part)
    if not sources:
        faults.append(Fault(0, 0, "there is nothing here", "write a condition or leave the key out"))
    if faults:
        raise ExpressionError(faults)
    trees = [part.tree for part in built if part.tree is not None]
    return _finish(
        _joined_source(sources, join),
        trees,
        join,
        frozenset().union(*(part.reads for part in built)),
        frozenset().union(*(part.said for part in built)),
        _all_warnings(built, join),
    )


def combine_all(conditions: Sequence[CompiledCondition]) -> CompiledCondition:
    """One function for several conditions that must all hold."""
    return _combine(conditions, "and")


def combine_any(conditions: Sequence[CompiledCondition]) -> CompiledCondition:
    """One function for several conditions of which one must hold."""
    return _combine(conditions, "or")


def _combine(conditions: Sequence[CompiledCondition], word: Literal["and", "or"]) -> CompiledCondition:
    if not conditions:
        raise ValueError("nothing to combine")
    if len(conditions) == 1:
        return conditions[0]
    return _finish(
        _joined_source([condition.source for condition in conditions], word),
        [condition.tree for condition in conditions],
        word,
        frozenset().union(*(condition.reads for condition in conditions)),
        frozenset().union(*(condition.names for condition in conditions)),
        tuple(warning for condition in conditions for warning in condition.warnings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    number: int
    tree: t.Node | None
    faults: list[Fault]
    warnings: list[Fault]
    reads: set[Read]
    said: set[str]


def _compile_part(source: str, names: Names, number: int) -> _Part:
    checker = Checker(names, number)
    tree: t.Node | None = None
    try:
        parsed, pieces = parse_expression(source)
        if not count_nodes(parsed, MAX_NODES):
            checker.refuse(0, f"this is made of more than {MAX_NODES} pieces", "split it into several conditions")
        at = mixed_connectives(pieces)
        if at is not None:
            hint = "put brackets around what belongs together"
            checker.warnings.append(Fault(number, at, "and beside or without brackets", hint))
        tree = checker.truth(parsed)
    except SyntaxFault as error:
        checker.faults.append(Fault(number, error.fault.offset, error.fault.message, error.fault.hint))
    except Refused:
        pass
    return _Part(
        number=number,
        tree=tree,
        faults=checker.faults,
        warnings=checker.warnings,
        reads=checker.reads,
        said=checker.said,
    )


def _all_warnings(parts: Sequence[_Part], word: Literal["and", "or"]) -> tuple[Fault, ...]:
    """Each part's own, and what can be missing, given what the other parts of the list ask about."""
    found = [warning for part in parts for warning in part.warnings]
    for part in parts:
        if part.tree is not None:
            others = [other.tree for other in parts if other is not part and other.tree is not None]
            sure = (guards.present(other, word == "and", explicit=True) for other in others)
            found += guards.warnings(part.tree, part.number, frozenset().union(*sure))
    return tuple(sorted(found))


def _joined_source(sources: Sequence[str], word: str) -> str:
    texts = [source.strip() for source in sources]
    return texts[0] if len(texts) == 1 else f" {word} ".join(f"({text})" for text in texts)


def _finish(
    source: str,
    trees: Sequence[t.Node],
    word: Literal["and", "or"],
    reads: frozenset[Read],
    names: frozenset[str],
    warnings: tuple[Fault, ...],
) -> CompiledCondition:
    tree = joined(trees, word)
    condition: CompiledCondition

    def first(scope: Scope) -> Truth:
        judge = make_judge(tree)
        object.__setattr__(condition, "judge", judge)  # frozen for everybody else: the same answers, sooner
        return judge(scope)

    condition = CompiledCondition(
        source=source,
        reads=reads,
        names=names,
        warnings=warnings,
        present=guards.present(tree),
        tree=tree,
        judge=first,
    )
    return condition
