"""The typed, checked tree of an expression: the one thing that code, trace and texts are made from.

Each node knows its text as people would write it, its type, and whether its value can be None although the records it
begins at are there (null for a value, unknown for a truth).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selftimer.facts.types import Field, Type
    from selftimer.primitives.time import Span
    from selftimer.rulebook.names import Root

Op = Literal["==", "!=", "<", "<=", ">", ">="]
ArithOp = Literal["+", "-", "*", "/"]
ORDERED: frozenset[str] = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every node has; `at` is the offset in its source."""

    text: str
    at: int
    type: Type
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Const(Node):
    """A literal: text, int or Decimal, True or False."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Node):
    """`client.last_session.end_at`: a root and the fields that lead on from it. `missing`: worth a warning."""

    root: str
    start: Root
    fields: tuple[Field, ...]
    missing: tuple[str, ...] = ()

    @property
    def spoken(self) -> bool:
        """Whether it begins with a name that was written: not with the record that `where` or `sum` look at."""
        return self.text.partition(".")[0] == self.root

    @property
    def owner(self) -> str:
        """The table that the last field belongs to, '' for a bare root."""
        if not self.fields:
            return ""
        return self.fields[-2].type.table if len(self.fields) > 1 else self.start.type.table


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(Node):
    """Two values; unknown if one is null."""

    op: Op
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class In(Node):
    """A value among constants."""

    item: Node
    values: frozenset[Any]
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNone(Node):
    """Whether a value is null; never unknown."""

    item: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains(Node):
    """A text in a text, or one of a list of texts, ignoring case; one that is missing contains nothing."""

    item: Node
    needle: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth(Node):
    """A value alone: a yes/no that is yes, a record or date that is there, a list that isn't empty. Null is false."""

    item: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    """Kleene."""

    item: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class And(Node):
    """Kleene, two parts or more; what follows a false one is not looked at."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(Node):
    """Kleene, two parts or more; what follows a true one is not looked at."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arith(Node):
    """Numbers and amounts."""

    op: ArithOp
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Neg(Node):
    """Minus."""

    item: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(Node):
    """How many a list holds."""

    item: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum(Node):
    """The sum of a field over a list of records; null if one is null. `each` is a Path from `variable`."""

    item: Node
    variable: str
    each: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Where(Node):
    """Those records of a list for which all tests are true. The tests' paths begin at `variable`."""

    item: Node
    variable: str
    tests: tuple[Compare, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Days(Node):
    """Calendar days: since a point in time (`sign` 1, days_ago) or until it (-1, days_until)."""

    item: Node
    sign: Literal[1, -1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plus(Node):
    """A point in time moved on by a span."""

    item: Node
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Node):
    """A text in small letters, or (in texts) in capitals."""

    item: Node
    upper: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Node):
    """In texts: an amount or a point in time as words."""

    item: Node
    how: Literal["money", "date", "day", "time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingDay(Node):
    """In texts: the first working day after a day."""

    item: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback(Node):
    """In texts: `x or 'y'`, the first that is there."""

    parts: tuple[Node, ...]


def children(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is made of."""
    match node:
        case And(parts=parts) | Or(parts=parts) | Fallback(parts=parts):
            return parts
        case Compare(left=left, right=right) | Arith(left=left, right=right):
            return (left, right)
        case Contains(item=item, needle=needle):
            return (item, needle)
        case Where(item=item, tests=tests):
            return (item, *tests)
        case Sum(item=item, each=each):
            return (item, each)
        case Const() | Path():
            return ()
        case _:
            inner: Node = node.item  # type: ignore[attr-defined]  # all that are left have exactly one
            return (inner,)


def paths(node: Node) -> Iterator[Path]:
    """Every path in a tree, in the order it is written."""
    if isinstance(node, Path):
        yield node
    for child in children(node):
        yield from paths(child)


def source_of(node: Node) -> Path | None:
    """The path that a value was made from, through the filters behind it: it says which zone its times are in."""
    while isinstance(node, Plus | WorkingDay | Case | Show | Days | Fallback):
        node = node.parts[0] if isinstance(node, Fallback) else node.item
    return node if isinstance(node, Path) else None
