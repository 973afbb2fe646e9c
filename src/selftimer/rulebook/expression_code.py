"""One Python function from a checked tree: three-valued, with early exits, reading slotted records directly.

What stands in the generated source comes from the tree's shape and from our own tables of fields only; every constant
is an entry of the function's namespace. The whole condition is one expression of walrus assignments; only the top
level of an `and` or `or` is made of statements, so that it can return early. A missing record or a failing operation
goes to the slow form, which knows the paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from selftimer.facts.derive import session_zone
from selftimer.rulebook import expression_ops as ops
from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.expression_eval import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selftimer.facts.types import Field
    from selftimer.rulebook.condition import Truth
    from selftimer.rulebook.scope import Scope

    Judge = Callable[[Scope], Truth]


class _Writer:
    """Writes the source of one function and collects its namespace."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {}
        self.roots: dict[str, str] = {}
        self.asked: set[str] = set()
        """Roots that are asked for at the start; where only attributes are read, a missing record fails by itself."""
        self.owners: dict[str, str] = {}
        """Text of a path to the local variable that holds the record its value was read from."""
        self._counter = 0

    def constant(self, value: Any) -> str:
        """A name for a constant."""
        name = f"k{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def variable(self) -> str:
        """A new local variable."""
        self._counter += 1
        return f"v{self._counter}"

    # --- values: an expression that is the value, or None -------------------------------------------------------------

    def root(self, path: t.Path) -> str:
        """The local variable of a root; a loop's variable is its own."""
        if path.start.local:
            return path.root
        if path.start.listed:
            return f"s.lists[{self.constant(path.root)}]"
        if path.start.type.name != "record":
            return f"s.{path.root}"
        return self.roots.setdefault(path.root, f"r{len(self.roots)}")

    def hop(self, owner: str, field: Field) -> str:
        """One field of a record that is there."""
        if not field.attribute and not field.status:
            self.asked.add(owner)
        if field.derive is not None:
            return f"{self.constant(field.derive)}({owner}, s.world, s.start)"
        if field.status:
            return f"({owner}.status == {self.constant(field.status)})"
        if field.scope:
            return f"s.{field.scope}"
        if field.key:
            return f"checked({owner}, {self.constant(field.key)}, {self.constant(field.type)})"
        return f"{owner}.{field.attribute}"

    def path(self, path: t.Path) -> str:
        """A path, each record on the way that may be missing being asked for."""
        owner, opening = self.root(path), ""
        for field in path.fields[:-1]:
            held = self.variable()
            opening += f"(None if ({held} := {self.hop(owner, field)}) is None else "
            owner = held
        self.owners[path.text] = owner
        if not path.fields:
            self.asked.add(owner)
        last = self.hop(owner, path.fields[-1]) if path.fields else owner
        return opening + last + ")" * opening.count("(None if")

    def value(self, node: t.Node) -> str:  # noqa: PLR0911 - one arm for each kind of node
        """The value of a node, or None."""
        match node:
            case t.Path():
                return self.path(node)
            case t.Const(value=value):
                return self.constant(value)
            case t.Arith(op=op, left=left, right=right):
                sign = self.constant(op)
                return self._both(left, right, lambda a, b: f"arithmetic({sign}, {a}, {b})")
            case t.Neg(item=item):
                return self._one(item, lambda v: f"negative({v})")
            case t.Count(item=item):
                return self._one(item, lambda v: f"len({v})")
            case t.Case(item=item):
                return self._one(item, lambda v: f"{v}.lower()")
            case t.Days(item=item, sign=sign):
                return self._one(item, lambda v: f"days({v}, {sign}, {self.zone(item)}, s)")
            case t.Plus(item=item, span=span):
                length = self.constant(span)
                return self._one(item, lambda v: f"plus({v}, {length}, {self.zone(item)}, s)")
            case t.Sum(item=item, variable=variable, each=each):
                money = self.constant(node.type.name == "money")
                return self._one(item, lambda v: f"total([{self.path(each)} for {variable} in {v}], {money}, s)")
            case t.Where(item=item, variable=variable, tests=tests):
                kept = f"{self._kleene(tests, 'and')} is True"  # what follows an unknown one is looked at too
                return self._one(item, lambda v: f"[{variable} for {variable} in {v} if {kept}]")
            case _:
                return self.truth(node)

    def zone(self, node: t.Node) -> str:
        """The zone that a value's times are in."""
        path = t.source_of(node)
        if path is not None and path.owner == "session":
            return f"session_zone({self.owners[path.text]}, s.world)"
        return "s.studio.zone"

    def _one(self, item: t.Node, how: Callable[[str], str]) -> str:
        code = self.value(item)
        if not item.nullable and ":=" not in code:  # Python lets no comprehension run over an assignment
            return how(code)
        held = self.variable()
        return f"(None if ({held} := {code}) is None else {how(held)})"

    def _both(self, left: t.Node, right: t.Node, how: Callable[[str, str], str]) -> str:
        first, second = self.value(left), self.value(right)
        asks = []
        if left.nullable or (right.nullable and not _steady(left)):  # the left one is looked at first
            held = self.variable()
            asks.append(f"({held} := {first}) is None")
            first = held
        if right.nullable:
            held = self.variable()
            asks.append(f"({held} := {second}) is None")
            second = held
        code = how(first, second)
        return f"(None if {' or '.join(asks)} else {code})" if asks else f"({code})"

    # --- truths: an expression that is True, False or None ------------------------------------------------------------

    def truth(self, node: t.Node) -> str:
        """The truth of a node."""
        match node:
            case t.And(parts=parts):
                return self._kleene(parts, "and")
            case t.Or(parts=parts):
                return self._kleene(parts, "or")
            case t.Not(item=item):
                if not item.nullable:
                    return f"(not {self.truth(item)})"
                held = self.variable()
                return f"(None if ({held} := {self.truth(item)}) is None else not {held})"
            case t.Truth(item=item):
                return self._alone(item)
            case t.IsNone(item=item):
                return f"({self.value(item)} is None)"
            case t.In(item=item, values=values, negated=negated):
                among = self.constant(values)
                return self._one(item, lambda v: f"({v} {'not in' if negated else 'in'} {among})")
            case t.Contains(item=item, needle=needle):
                return self._contains(item, needle)
            case t.Compare():
                return self._compare(node)
            case _:
                return self.value(node)

    def _alone(self, item: t.Node) -> str:
        code = self.value(item)
        match item.type.name:
            case "yes/no":
                return f"({code} is True)" if item.nullable else code
            case "list":
                return f"bool({code})"
            case _:
                return f"({code} is not None)"

    def _contains(self, item: t.Node, needle: t.Node) -> str:
        held = self.variable()
        if isinstance(needle, t.Const):
            sought = self.constant(needle.value.casefold())
            found = f"({sought} in {held}.casefold())" if item.type.name == "text" else f"contains({held}, {sought})"
        else:
            found = self._one(needle, lambda v: f"contains({held}, {v}.casefold())")
        return f"(False if ({held} := {self.value(item)}) is None else {found})"

    def _compare(self, node: t.Compare) -> str:
        op, left, right = node.op, node.left, node.right
        if left.type.name == "record":
            return self._both(left, right, lambda a, b: f"({a}.id {op} {b}.id)")
        if left.type.name == right.type.name == "money":
            sign = self.constant(op)
            return self._both(left, right, lambda a, b: f"compare_money({sign}, {a}, {b})")
        if left.type.name == "money":
            if isinstance(right, t.Const):
                return self._amount(left, op, right.value)
            return self._both(left, right, lambda a, b: f"{a}.main {op} {b}")
        if right.type.name == "money":
            if isinstance(left, t.Const):
                return self._amount(right, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op), left.value)
            return self._both(left, right, lambda a, b: f"{a} {op} {b}.main")
        return self._both(left, right, lambda a, b: f"{a} {op} {b}")

    def _amount(self, money: t.Node, op: str, number: Any) -> str:
        limit = self.constant(ops.Thresholds(number))
        held = self.variable()
        compared = f"{held}.minor {op} {limit}[{held}.currency]"
        if money.nullable:
            return f"(None if ({held} := {self.value(money)}) is None else {compared})"
        return f"(({held} := {self.value(money)}).minor {op} {limit}[{held}.currency])"

    def _kleene(self, parts: Sequence[t.Node], word: str) -> str:
        """Parts joined in halves, so that the brackets don't nest deeply."""
        if len(parts) == 1:
            return self.truth(parts[0])
        if not any(part.nullable for part in parts):
            return "(" + f" {word} ".join(self.truth(part) for part in parts) + ")"
        middle = len(parts) // 2
        first, second = self._kleene(parts[:middle], word), self._kleene(parts[middle:], word)
        a, b = self.variable(), self.variable()
        final, pass_on = ("False", "True") if word == "and" else ("True", "False")
        return f"({final} if ({a} := {first}) is {final} else {b} if ({b} := {second}) is not {pass_on} else {a})"

    # --- the function -------------------------------------------------------------------------------------------------

    def body(self, tree: t.Node) -> list[str]:
        """The statements that return the tree's truth."""
        match tree:
            case t.And(parts=parts):
                return self._early(cheap_first(parts), "False", "True")
            case t.Or(parts=parts):
                return self._early(cheap_first(parts), "True", "False")
            case _:
                return [f"return {self.truth(tree)}"]

    def _early(self, parts: Sequence[t.Node], final: str, otherwise: str) -> list[str]:
        if not any(part.nullable for part in parts[:-1]):
            word = "and" if final == "False" else "or"
            return [f"return {f' {word} '.join(self.truth(part) for part in parts)}"]
        lines, unsure = ["u = False"], False
        for part in parts:
            code = self.truth(part)
            if part.nullable:
                unsure = True
                lines += [
                    f"if (x := {code}) is not {otherwise}:",
                    f"    if x is {final}:",
                    f"        return {final}",
                    "    u = True",
                ]
            else:
                lines += [f"if {'not ' if final == 'False' else ''}{code}:", f"    return {final}"]
        return [*lines, f"return None if u else {otherwise}" if unsure else f"return {otherwise}"]


def _can_fail(node: t.Node) -> bool:
    """Whether looking at it can raise although every record is as its types say."""
    if isinstance(node, t.Arith | t.Sum | t.Plus):
        return True
    if isinstance(node, t.Compare) and node.left.type.name == node.right.type.name == "money":
        return True
    if isinstance(node, t.Path) and any(field.key for field in node.fields):
        return True
    if isinstance(node, t.Days) and (path := t.source_of(node)) is not None and path.owner == "session":
        return True  # the studio may say a zone for it that nobody knows
    return any(_can_fail(child) for child in t.children(node))


def _cost(node: t.Node) -> int:
    """Roughly how long looking at it takes."""
    own = 1
    if isinstance(node, t.Path):
        own = sum(50 if field.derive is not None else 1 for field in node.fields)
    elif isinstance(node, t.Contains | t.Case):
        own = 4
    elif isinstance(node, t.Days):
        own = 10
    elif isinstance(node, t.Compare) and (node.left.type.name == "money" or node.op in t.ORDERED):
        own = 2
    return own + sum(_cost(child) for child in t.children(node))


def cheap_first(parts: Sequence[t.Node]) -> list[t.Node]:
    """The parts in an order that gives the same truth and is found out sooner.

    Kleene's `and` and `or` don't mind the order; failures do. So a part is moved only past parts that can't fail.
    """
    ordered: list[t.Node] = []
    run: list[t.Node] = []
    for part in parts:
        if _can_fail(part):
            ordered += [*sorted(run, key=_cost), part]
            run = []
        else:
            run.append(part)
    return [*ordered, *sorted(run, key=_cost)]


def _steady(node: t.Node) -> bool:
    """Whether looking at it can't fail, so that it doesn't matter when it is done."""
    return isinstance(node, t.Const) or (isinstance(node, t.Path) and not node.fields)


_TOOLS: dict[str, Any] = {
    "arithmetic": ops.arithmetic,
    "negative": ops.negative,
    "days": ops.days,
    "plus": ops.plus,
    "total": ops.total,
    "contains": ops.contains,
    "compare_money": ops.compare_money,
    "checked": ops.checked,
    "session_zone": session_zone,
    "FAULTS": ops.FAULTS,
    "bool": bool,
    "len": len,
}


def generate(tree: t.Node) -> tuple[str, dict[str, Any]]:
    """The source of `judge(s)` and its namespace, which has no builtins but `bool` and `len`."""
    writer = _Writer()
    body = writer.body(tree)
    lines = ["def judge(s):"]
    lines += [f"    {name} = s.{root}" for root, name in writer.roots.items()]
    asked = [name for name in writer.roots.values() if name in writer.asked]
    if asked:
        asks = " or ".join(f"{name} is None" for name in asked)
        lines += [f"    if {asks}:", "        return slow(s)"]
    lines += ["    try:", *(f"        {line}" for line in body), "    except FAULTS:", "        return slow(s)"]
    return "\n".join(lines) + "\n", {**_TOOLS, **writer.namespace, "__builtins__": {}}


def make_judge(tree: t.Node) -> Judge:
    """The generated function of a tree."""

    def slow(scope: Scope) -> Truth:
        return Run(scope).judge(tree)

    source, namespace = generate(tree)
    namespace["slow"] = slow
    exec(compile(source, "<rule>", "exec"), namespace)  # noqa: S102 - made from the checked tree, see the module
    return cast("Judge", namespace["judge"])
