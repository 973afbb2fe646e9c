"""Whether conditions can be true together: what each asks of words, yes/no fields and whole comparisons.

Only what is surely so is said: amounts, dates and texts that are looked into can always be anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.rulebook import expression_tree as t
from selftimer.rulebook.compiler import CompiledCondition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.rulebook.condition import Condition

YES = "yes"


@dataclass(frozen=True, slots=True)
class Words:
    """Some words, or (`among` false) all but those."""

    among: bool
    words: frozenset[str]

    def both(self, other: Words) -> Words:
        """What is in both."""
        match self.among, other.among:
            case True, True:
                return Words(True, self.words & other.words)
            case True, False:
                return Words(True, self.words - other.words)
            case False, True:
                return Words(True, other.words - self.words)
            case _:
                return Words(False, self.words | other.words)

    def either(self, other: Words) -> Words:
        """What is in one of them."""
        return self.other().both(other.other()).other()

    def other(self) -> Words:
        """All that isn't in it."""
        return Words(not self.among, self.words)

    @property
    def none(self) -> bool:
        """Whether nothing is in it."""
        return self.among and not self.words

    def __str__(self) -> str:
        return ("" if self.among else "not ") + " or ".join(sorted(self.words))


Asked = dict[str, Words]
"""What a condition needs: path (or the text of a comparison) to the words that it may be."""

STANDING: Mapping[str, Words] = {
    "contract": Words(True, frozenset({"sent", "viewed", "partially_signed"})),
    "questionnaire": Words(True, frozenset({"pending"})),
    "quote": Words(True, frozenset({"sent"})),
    "invoice": Words(False, frozenset({"draft", "canceled", "paid"})),
}
"""The statuses in which a record is outstanding."""


def words(*some: str) -> Words:
    """One of these."""
    return Words(True, frozenset(some))


def asked(condition: Condition | None) -> Asked:
    """What holds wherever the condition is true."""
    return _asked(condition.tree, wanted=True) if isinstance(condition, CompiledCondition) else {}


def together(*parts: Asked) -> Asked:
    """What holds where all of these do."""
    found: Asked = {}
    for part in parts:
        for path, wanted in part.items():
            found[path] = found[path].both(wanted) if path in found else wanted
    return found


def contradiction(*parts: Asked) -> str:
    """A path that can't be what these want of it together, or ''."""
    return next((path for path, wanted in together(*parts).items() if wanted.none), "")


def implied(condition: Condition | None, known: Asked) -> bool:
    """Whether the condition is surely true where this is known: what would make it false contradicts that."""
    if not isinstance(condition, CompiledCondition):
        return False
    parts = condition.tree.parts if isinstance(condition.tree, t.Or) else (condition.tree,)
    return any(_surely(part, known) for part in parts)


def _surely(part: t.Node, known: Asked) -> bool:
    wanted = _asked(part, wanted=True)
    simple = isinstance(part, t.Truth | t.Compare | t.In | t.Not) and len(wanted) == 1
    return simple and all(path in known and known[path].both(want.other()).none for path, want in wanted.items())


def _asked(node: t.Node, *, wanted: bool) -> Asked:
    match node:
        case t.Not(item=item):
            return _asked(item, wanted=not wanted)
        case t.And(parts=parts) | t.Or(parts=parts):
            each = [_asked(part, wanted=wanted) for part in parts]
            return together(*each) if isinstance(node, t.And) == wanted else _any(each)
        case t.Truth(item=t.Path() as path):
            return _truth(path, wanted=wanted)
        case t.IsNone(item=item):
            return {item.text: Words(False, frozenset({YES}))} if wanted else {}
        case _:
            said, found = _leaf(node)
            return {said: found if wanted else found.other()}


def _any(each: list[Asked]) -> Asked:
    found = dict(each[0])
    for one in each[1:]:
        found = {path: held.either(one[path]) for path, held in found.items() if path in one}
    return found


def _truth(path: t.Path, *, wanted: bool) -> Asked:
    last = path.fields[-1] if path.fields else None
    if last is not None and last.status:
        held = words(last.status)
        return {f"{path.text.rpartition('.')[0]}.status": held if wanted else held.other()}
    found = {path.text: Words(wanted, frozenset({YES}))}
    if last is not None and last.name == "outstanding" and wanted and path.owner in STANDING:
        found[f"{path.text.rpartition('.')[0]}.status"] = STANDING[path.owner]
    return found


def _leaf(node: t.Node) -> tuple[str, Words]:
    match node:
        case t.Compare(op="==" | "!=", left=t.Path() as path, right=t.Const(value=str() as word)):
            return path.text, Words(node.op == "==", frozenset({word}))
        case t.Compare(op="==" | "!=", left=t.Const(value=str() as word), right=t.Path() as path):
            return path.text, Words(node.op == "==", frozenset({word}))
        case t.In(item=t.Path() as path, values=values) if all(isinstance(value, str) for value in values):
            return path.text, Words(not node.negated, values)
        case _:
            return node.text, words(YES)
