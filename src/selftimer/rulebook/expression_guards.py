"""What is there when a condition holds, and where a missing value would silently make it unknown (check 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.expression import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def _steps(path: t.Path) -> frozenset[str]:
    """The texts of a path and of everything it leads through."""
    words = path.text.split(".")
    return frozenset(".".join(words[:end]) for end in range(1, len(words) + 1))


def _asked(node: t.Node) -> frozenset[str]:
    return frozenset().union(*(_steps(path) for path in t.paths(node) if path.spoken))


def present(node: t.Node, truth: bool = True, *, explicit: bool = False) -> frozenset[str]:  # noqa: FBT001, FBT002 - a truth value
    """Paths that aren't missing if the node is true (or false). `explicit`: only those that were asked about."""
    match node:
        case t.And(parts=parts) | t.Or(parts=parts):
            if truth != isinstance(node, t.And):
                return frozenset()
            return frozenset().union(*(present(part, truth, explicit=explicit) for part in parts))
        case t.Not(item=item):
            return present(item, not truth, explicit=explicit)
        case t.Truth(item=item):
            return _asked(item) if truth else frozenset()
        case t.IsNone(item=item):
            return frozenset() if truth else _asked(item)
        case t.Contains():
            return frozenset() if explicit or not truth else _asked(node)
        case _:
            return frozenset() if explicit else _asked(node)


def _risky(node: t.Node, known: frozenset[str]) -> Iterator[tuple[t.Path, str]]:
    """Ordered comparisons of a path that can be missing, with what can be missing of it."""
    match node:
        case t.And(parts=parts) | t.Or(parts=parts):
            for index, part in enumerate(parts):
                others = (other for other in range(len(parts)) if other != index)
                sure = (present(parts[other], isinstance(node, t.And), explicit=True) for other in others)
                yield from _risky(part, known.union(*sure))
        case t.Not(item=item):
            yield from _risky(item, known)
        case t.Compare(op=op) if op in t.ORDERED:
            for path in t.paths(node):
                missing = [step for step in path.missing if step not in known]
                if missing:
                    yield path, missing[0]
        case _:
            return


def warnings(tree: t.Node, part: int, known: frozenset[str]) -> Iterator[Fault]:
    """A warning for each comparison that a missing value would leave unknown; `known` are paths that are there."""
    for path, missing in _risky(tree, known):
        message = f"{path.text} can be missing, and then this is unknown"
        yield Fault(part, path.at, message, f"add `{missing} is none or` or `{missing} is not none and`")
