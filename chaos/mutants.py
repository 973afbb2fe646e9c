"""Mutants: one small change of the code each, as a slip of the hand would make it.

What is told stays as it is: log lines with all that they are called with, texts, docstrings. So do types, imports,
asserts, `strict=` of a zip and the fields of classes. What the product does is the same without; logs are a contract of
their own, which other tests keep.

A `return False` of a function that says yes or no becomes `return True`, not `return None`: that is a no as well.

A mutant is known by its number in the order of the source; the tree is parsed anew for each, so that none can leave
anything behind.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
}
_SAID = {"log", "_log", "structlog"}
"""Whoever is called on these tells what happened, and does nothing about it."""
_WRITTEN = {"replace", "Timer", "Delivery"}
"""Calls of which each named value is left out once: rows, and rows with something changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: where it is, in which function, and what is written there instead of what."""

    number: int
    line: int
    start: int
    """The first line of the statement that it is in."""
    inside: str
    """The function's qualified name; empty at the top of the module."""
    what: str


Change = tuple[ast.AST, str, "Callable[[], None]"]


def mutants_of(source: str) -> list[Mutant]:
    """All of a module's, in the order of its source."""
    return [
        Mutant(number=n, line=line, start=start, inside=inside, what=what)
        for n, (line, start, inside, what, _) in enumerate(_changes(ast.parse(source)))
    ]


def mutated(source: str, number: int) -> ast.Module:
    """The module's tree with that one change, each node where it was."""
    tree = ast.parse(source)
    for n, (*_, change) in enumerate(_changes(tree)):
        if n == number:
            change()
            return ast.fix_missing_locations(tree)
    raise IndexError(f"there is no mutant {number}")


def probed(source: str, probe: str) -> ast.Module:
    """The module's tree with a call of that name before each statement of a function, which is told its line."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in {id(one): one for function in functions for one in ast.walk(function)}.values():
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):  # a lambda's is an expression
                setattr(node, name, [part for one in body for part in (_told(probe, one), one)])
    return ast.fix_missing_locations(tree)


def _told(probe: str, statement: ast.stmt) -> ast.stmt:
    call = ast.Call(ast.Name(probe, ast.Load()), [ast.Constant(statement.lineno)], [])
    return ast.copy_location(ast.Expr(call), statement)


def _changes(tree: ast.Module) -> list[tuple[int, int, str, str, Callable[[], None]]]:
    found: list[tuple[int, int, str, str, Callable[[], None]]] = []
    _body(tree.body, "", found)
    noes = _noes(tree)
    return [one for one in found if one[1] not in noes or not one[3].startswith("None instead of")]


def _noes(tree: ast.Module) -> set[int]:
    """The lines of each `return False` of a function that says yes or no."""
    lines: set[int] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):  # the outer ones come first
            mine = {
                node.lineno
                for node in ast.walk(function)
                if isinstance(node, ast.Return) and node.value is not None and _is_constant(node.value, False)
            }
            plain = isinstance(function.returns, ast.Name) and function.returns.id == "bool"
            lines = lines | mine if plain else lines - mine
    return lines


def _body(body: list[ast.stmt], inside: str, found: list[tuple[int, int, str, str, Callable[[], None]]]) -> None:
    for place, statement in enumerate(body):
        if _is_text(statement) or isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert):
            continue
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            _body(statement.body, f"{inside}.{statement.name}".lstrip("."), found)
            continue
        if isinstance(statement, ast.ClassDef):  # its fields' defaults are the settings' and the tables' to test
            methods = [one for one in statement.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            for method in methods:
                _body(method.body, f"{inside}.{statement.name}.{method.name}".lstrip("."), found)
            continue
        if isinstance(statement, ast.If) and ("TYPE_CHECKING" in ast.unparse(statement.test) or _only_says(statement)):
            continue
        head, bodies = _parts(statement)
        for node, what, change in (*_dropped(body, place, statement, inside), *_within(statement, head)):
            found.append((getattr(node, "lineno", statement.lineno), statement.lineno, inside, what, change))
        for inner in bodies:
            _body(inner, inside, found)


def _parts(statement: ast.stmt) -> tuple[list[ast.AST], list[list[ast.stmt]]]:
    """What belongs to the statement itself, and the statements within it."""
    head: list[ast.AST] = []
    bodies: list[list[ast.stmt]] = []
    for name, value in ast.iter_fields(statement):
        if name in {"annotation", "type_comment"}:
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.ExceptHandler | ast.match_case):
                bodies.append(item.body)
                if isinstance(item, ast.match_case) and item.guard is not None:
                    head.append(item.guard)
            elif isinstance(item, ast.AST) and not isinstance(item, ast.stmt):
                head.append(item)
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            bodies.append(value)
    return head, bodies


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _only_says(statement: ast.If) -> bool:
    """Whether nothing but a line of the log depends on it."""
    return all(isinstance(one, ast.Expr) and _is_said(one.value) for one in (*statement.body, *statement.orelse))


def _is_said(call: ast.AST) -> bool:
    """Whether it is a line of the log, a crash point or a note to mypy: what the product does is the same without."""
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "assert_never":
        return True
    if isinstance(call, ast.Await):
        call = call.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    told = call.func.attr in {"crash_point", "_crash_point"}
    return told or (isinstance(call.func.value, ast.Name) and call.func.value.id in _SAID)


def _dropped(body: list[ast.stmt], place: int, statement: ast.stmt, inside: str) -> Iterator[Change]:
    """The statement left out, where that isn't a mere name that is missing then."""

    def drop(instead: ast.stmt) -> Callable[[], None]:
        def change() -> None:
            body[place] = ast.copy_location(instead, statement)

        return change

    if not inside:
        return
    shown = _short(statement)
    match statement:
        case ast.Expr(value=value) if not _is_said(value):
            yield statement, f"left out: {shown}", drop(ast.Pass())
        case ast.AugAssign() | ast.Delete() | ast.Raise() | ast.Continue() | ast.Break():
            yield statement, f"left out: {shown}", drop(ast.Pass())
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield statement, f"left out: {shown}", drop(ast.Pass())
        case ast.Return(value=value) if value is not None and not _is_constant(value, None):
            yield statement, f"None instead of {shown}", drop(ast.Return(ast.Constant(None)))


def _is_constant(node: ast.AST, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _short(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:70]


def _within(statement: ast.stmt, head: Sequence[ast.AST]) -> Iterator[Change]:
    if isinstance(statement, ast.Expr) and _is_said(statement.value):
        return
    if isinstance(statement, ast.If | ast.While):
        yield from _decided(statement, "test", (False,) if isinstance(statement, ast.While) else (True, False))
    for part in head:
        for node in _walk(part):
            yield from _of(node)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what it is made of; texts, types and whatever is told to people are left alone."""
    if isinstance(node, ast.JoinedStr) or _is_said(node) or (isinstance(node, ast.keyword) and node.arg == "strict"):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _set(node: ast.AST, name: str, value: object) -> Callable[[], None]:
    def change() -> None:
        setattr(node, name, value)

    return change


def _decided(node: ast.AST, name: str, values: Sequence[bool]) -> Iterator[Change]:
    test = getattr(node, name)
    for value in values:
        if not _is_constant(test, value):
            yield test, f"{value} instead of {_short(test)}", _set(node, name, ast.copy_location(_c(value), test))


def _c(value: object) -> ast.Constant:
    return ast.Constant(value)  # type: ignore[arg-type]  # numbers and truths


def _of(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for place, op in enumerate(node.ops):
                for other in _COMPARED[type(op)]:
                    ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                    yield node, f"{other.__name__} in {_short(node)}", _set(node, "ops", ops)
        case ast.BoolOp():
            other_op: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield node, f"{type(other_op).__name__} in {_short(node)}", _set(node, "op", other_op)
        case ast.IfExp():
            yield from _decided(node, "test", (True, False))
        case ast.comprehension():
            for place, test in enumerate(node.ifs):
                ifs = [*node.ifs[:place], ast.copy_location(_c(True), test), *node.ifs[place + 1 :]]
                yield test, f"every one, not if {_short(test)}", _set(node, "ifs", ifs)
        case ast.BinOp(op=op) if type(op) in _COUNTED and not isinstance(node.left, ast.JoinedStr):
            yield node, f"{_COUNTED[type(op)].__name__} in {_short(node)}", _set(node, "op", _COUNTED[type(op)]())
        case ast.Constant(value=value) if isinstance(value, bool):
            yield node, f"{not value} instead of {value}", _set(node, "value", not value)
        case ast.Constant(value=value) if isinstance(value, int | float):
            for other_value in (value + 1, value - 1):
                yield node, f"{other_value} instead of {value}", _set(node, "value", other_value)
        case _:
            yield from _of_parts(node)


def _of_parts(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, f"without not: {_short(node)}", _set(node, "operand", _negated(operand))
        case ast.Set(elts=elts) if len(elts) > 1:
            for place, one in enumerate(elts):
                yield one, f"without {_short(one)} in a set", _set(node, "elts", elts[:place] + elts[place + 1 :])
        case ast.Dict(keys=keys, values=values) if len(keys) > 1:
            for place, key in enumerate(keys):
                said = _short(key) if key is not None else "**"

                def change(node: ast.Dict = node, place: int = place) -> None:
                    node.keys.pop(place)
                    node.values.pop(place)

                yield key or values[place], f"without {said} in a dict", change
        case ast.Call(keywords=keywords) if _called(node) in _WRITTEN:
            for place, keyword in enumerate(keywords):
                rest = keywords[:place] + keywords[place + 1 :]
                yield keyword, f"without {keyword.arg}= in {_called(node)}(…)", _set(node, "keywords", rest)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _negated(operand: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), operand), operand)
