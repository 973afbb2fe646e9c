"""The tree judged step by step: the slow form, the one that texts use, and the one that leaves a trace.

It agrees with the generated code (`expression_code`): the generated function turns here whenever a record is missing or
an operation fails, to find out which path was at fault.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.facts.derive import zone_of
from selftimer.primitives.money import Money
from selftimer.primitives.time import Span
from selftimer.rulebook import expression_ops as ops
from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.condition import ConditionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.facts.types import Field
    from selftimer.rulebook.condition import Truth
    from selftimer.rulebook.scope import Scope

MAX_SHOWN = 10
"""How many entries of a list a trace shows."""


class Run:
    """One evaluation: the scope, and the variables of loops and of `where` and `sum`."""

    __slots__ = ("scope", "variables")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.variables: dict[str, Any] = {}

    def read(self, field: Field, owner: Any) -> Any:
        """One field of a record that is there."""
        if field.derive is not None:
            return field.derive(owner, self.scope.world, self.scope.start)
        if field.status:
            return owner.status == field.status
        if field.scope:
            return getattr(self.scope, field.scope)
        if field.key:
            return ops.checked(owner, field.key, field.type)
        return getattr(owner, field.attribute)

    def walk(self, path: t.Path) -> tuple[Any, Any]:
        """(value, the record it was read from); the value is None as soon as something on the way is."""
        if path.start.local:
            value: Any = self.variables[path.root]
        else:
            value = self.scope.lists[path.root] if path.start.listed else getattr(self.scope, path.root)
        owner: Any = None
        for field in path.fields:
            if value is None:
                return None, None
            owner, value = value, self.read(field, value)
        return value, owner

    def path(self, path: t.Path) -> Any:
        """The value of a path; what fails on the way is told with it."""
        try:
            return self.walk(path)[0]
        except ConditionError as error:
            raise ConditionError(path.text, error.why) from error
        except ops.FAULTS as error:
            raise ConditionError(path.text, _why(error)) from error

    def zone(self, node: t.Node) -> str:
        """The zone that the times of this value are in: a session's own, else the studio's."""
        path = t.source_of(node)
        owner = None if path is None else self.walk(path)[1]
        return zone_of(owner, self.scope.world)

    def value(self, node: t.Node) -> Any:  # noqa: C901, PLR0911, PLR0912 - one arm for each kind of node
        """The value of any node; None is null or unknown."""
        match node:
            case t.Path():
                return self.path(node)
            case t.Const(value=value):
                return value
            case t.And(parts=parts):
                return self._and(parts)
            case t.Or(parts=parts):
                return self._or(parts)
            case t.Not(item=item):
                truth = self.judge(item)
                return None if truth is None else not truth
            case t.Truth(item=item):
                return self.present(self.value(item))
            case t.IsNone(item=item):
                return self.value(item) is None
            case t.Compare(op=op, left=left, right=right):
                return self._two(node, left, right, lambda a, b: ops.compare(op, a, b))
            case t.In(item=item, values=values, negated=negated):
                return self._one(item, lambda v: (v in values) != negated)
            case t.Contains(item=item, needle=needle):
                if self.value(item) is None:
                    return False
                return self._two(node, item, needle, lambda a, b: ops.contains(a, b.casefold()))
            case t.Arith(op=op, left=left, right=right):
                return self._two(node, left, right, lambda a, b: ops.arithmetic(op, a, b))
            case t.Neg(item=item):
                return self._one(item, ops.negative)
            case t.Count(item=item):
                return self._one(item, len)
            case t.Sum():
                return self._one(node.item, lambda values: self._sum(node, values))
            case t.Where():
                return self._one(node.item, lambda values: self._where(node, values))
            case t.Days(item=item, sign=sign):
                return self._one(item, lambda v: ops.days(v, sign, self.zone(item), self.scope))
            case t.Plus(item=item, span=span):
                return self._one(item, lambda v: ops.plus(v, span, self.zone(item), self.scope))
            case t.Case(item=item, upper=upper):
                return self._one(item, str.upper if upper else str.lower)
            case _:
                return self.other(node)

    def other(self, node: t.Node) -> Any:
        """A node that only texts have."""
        raise AssertionError(f"{type(node).__name__} is no part of a condition")

    def judge(self, node: t.Node) -> Truth:
        """A truth: True, False or None."""
        truth: Truth = self.value(node)
        return truth

    @staticmethod
    def present(value: Any) -> bool:
        """A value standing alone: null, no, an empty list or text is false."""
        if value is None or value is False:
            return False
        return bool(value) if isinstance(value, str | tuple | list) else True

    def _and(self, parts: Sequence[t.Node]) -> Truth:
        result: Truth = True
        for part in parts:
            truth = self.judge(part)
            if truth is False:
                return False
            if truth is None:
                result = None
        return result

    def _or(self, parts: Sequence[t.Node]) -> Truth:
        result: Truth = False
        for part in parts:
            truth = self.judge(part)
            if truth is True:
                return True
            if truth is None:
                result = None
        return result

    def _one(self, item: t.Node, how: Any) -> Any:
        value = self.value(item)
        try:
            return None if value is None else how(value)
        except ConditionError:
            raise
        except ops.FAULTS as error:
            raise ConditionError(_name(item), _why(error)) from error

    def _two(self, node: t.Node, left: t.Node, right: t.Node, how: Any) -> Any:
        first = self.value(left)
        second = None if first is None else self.value(right)
        try:
            return None if second is None else how(first, second)
        except ConditionError:
            raise
        except ops.FAULTS as error:
            raise ConditionError(_name(node), _why(error)) from error

    def _where(self, node: t.Where, values: Sequence[Any]) -> tuple[Any, ...]:
        kept = []
        for value in values:
            self.variables[node.variable] = value
            if self._and(node.tests) is True:
                kept.append(value)
        return tuple(kept)

    def _sum(self, node: t.Sum, values: Sequence[Any]) -> Any:
        found = []
        for value in values:
            self.variables[node.variable] = value
            found.append(self.path(node.each))
        return ops.total(found, node.type.name == "money", self.scope)

    # --- the trace ----------------------------------------------------------------------------------------------------

    def trace(self, node: t.Node) -> dict[str, Any]:
        """The judgement with its path, as plain JSON data; an error is told, not raised: `"is": "error"`."""
        match node:
            case t.And(parts=parts):
                return self._trace_parts(node, parts, False)
            case t.Or(parts=parts):
                return self._trace_parts(node, parts, True)
            case t.Not(item=item):
                part = self.trace(item)
                truth = part["is"]
                told: dict[str, Any] = {"text": node.text, "is": truth if truth in {None, "error"} else not truth}
                if "why" in part:
                    told["why"] = part["why"]
                return {**told, "parts": [part]}
            case _:
                return self._trace_leaf(node)

    def _trace_parts(self, node: t.Node, parts: Sequence[t.Node], decisive: bool) -> dict[str, Any]:  # noqa: FBT001 - private
        result: Truth | str = not decisive
        whys, seen = [], []
        for part in parts:
            one = self.trace(part)
            seen.append(one)
            truth = one["is"]
            if truth == "error" or truth is decisive:
                result = truth
                whys = [one["why"]] if "why" in one else []
                break
            if truth is None:
                result = None
                whys.append(one["why"])
        told: dict[str, Any] = {"text": node.text, "is": result}
        if whys:
            told["why"] = "; ".join(whys)
        return {**told, "parts": seen}

    def _trace_leaf(self, node: t.Node) -> dict[str, Any]:
        asked = [child for child in t.children(node) if not isinstance(child, t.Const)] or [node]
        try:
            told: dict[str, Any] = {"text": node.text, "is": self.judge(node)}
        except ConditionError as error:
            return {"text": node.text, "is": "error", "why": str(error)}
        if told["is"] is None or (isinstance(node, t.Contains) and self.value(node.item) is None):
            told["why"] = self._why_unknown(node)
        shown = [self._shown(child) for child in asked]
        return {**shown[0], **told} if len(shown) == 1 else {**told, "parts": shown}

    def _shown(self, node: t.Node) -> dict[str, Any]:
        """A value that was asked for; one side of a comparison may fail after the other has made it unknown."""
        try:
            return {"text": node.text, "value": plain(self.value(node))}
        except ConditionError as error:
            return {"text": node.text, "why": str(error)}

    def _why_unknown(self, node: t.Node) -> str:
        for path in t.paths(node):
            if path.start.local or path.start.listed:
                continue
            try:
                said = self._missing(path)
            except ops.FAULTS:  # a part that wasn't looked at, since another was missing: it isn't what is asked about
                continue
            if said is not None:
                return f"{said} is missing"
        return f"{node.text} can't be worked out"

    def _missing(self, path: t.Path) -> str | None:
        """As far as a path leads to what is missing; None where all of it is there."""
        value, said = getattr(self.scope, path.root), path.root
        for field in path.fields:
            if value is None:
                break
            value = self.read(field, value)
            said += f".{field.name}"
        return said if value is None else None


def _name(node: t.Node) -> str:
    """The path that a failure is told of."""
    return next((path.text for path in t.paths(node) if not path.start.local), node.text)


def _why(error: Exception) -> str:
    if isinstance(error, ArithmeticError):
        return "can't be worked out (division by zero, or a number too large)"
    return str(error) or type(error).__name__


def plain(value: Any) -> Any:
    """A value as JSON data: amounts and times as text, records by their id, long lists cut."""
    match value:
        case None | bool() | int() | str():
            return value
        case Money() | Span() | Decimal():
            return str(value)
        case Instant() | Date():
            return value.format_iso()
        case tuple() | list():
            return [plain(item) for item in value[:MAX_SHOWN]]
        case _:
            return getattr(value, "id", type(value).__name__)
