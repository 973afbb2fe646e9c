"""`all_rules`: what every rule is held to besides its own (rule-language.md, Rules).

It can only make rules more careful: `approve` and `until` are or-ed, `if` and-ed, of limits the smaller counts. What
it asks about counts for the rules that are about such records: one on a client's notes leaves a weekly digest alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selftimer.facts.records import Kind
from selftimer.rulebook.build_text import Checker, Ground
from selftimer.rulebook.compiler import CompiledCondition, combine_all, combine_any
from selftimer.rulebook.names import Names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selftimer.errors import Problem
    from selftimer.facts.world import StudioFacts
    from selftimer.rulebook.condition import Condition
    from selftimer.rulebook.models import AllRulesSource
    from selftimer.rulebook.source import Place

_ANY = tuple(kind for kind in Kind if kind is not Kind.SESSION_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere:
    """A workspace's `all_rules`, with its place and its raw data."""

    source: AllRulesSource
    place: Place
    raw: Mapping[str, Any]
    studio: StudioFacts

    def check(self, limits: Sequence[str]) -> list[Problem]:
        """What is wrong with it, looked at by itself; `limits` are those that there are."""
        ground = Ground(names=Names.of(*_ANY, studio=self.studio))
        checker, source = Checker(), self.source
        condition = checker.condition(self.place / "if", source.if_, ground)
        if condition is not None and "client.replied" in condition.names:
            checker.add(self.place / "if", "client.replied is about the time since a run began", "put it into 'until'")
        checker.condition(self.place / "until", source.until, ground, any_of=True)
        checker.yes_or_condition(self.place / "approve", source.approve, ground)
        for name in source.limits or {}:
            if name not in limits:
                checker.add(self.place / "limits" / name, f"there is no limit {name!r}", ", ".join(limits), key=True)
        return checker.problems

    def narrowed(self, own: Condition | None, ground: Ground) -> Condition | None:
        """A rule's `if` together with this one."""
        return _joined([own, *self._fitting("if", self.source.if_, ground)], any_of=False)

    def ended(self, own: Condition | None, ground: Ground) -> Condition | None:
        """A rule's `until`, or this one."""
        return _joined([own, *self._fitting("until", self.source.until, ground)], any_of=True)

    def asked(self, own: Condition | bool, ground: Ground) -> Condition | bool:  # noqa: FBT001 - it is one of the two
        """Whether the owner is asked by the rule, or by this."""
        wish = self.source.approve
        if own is True or wish is True:
            return True
        parts = [] if isinstance(wish, bool) else self._fitting("approve", wish, ground)
        return _joined([None if isinstance(own, bool) else own, *parts], any_of=True) or False

    def limits(self, own: Mapping[str, int]) -> dict[str, int]:
        """The smaller of both."""
        mine = self.source.limits or {}
        return {name: min(both.get(name, 1_000_000) for both in (own, mine)) for name in {**own, **mine}}

    def _fitting(self, key: str, parts: tuple[str, ...] | None, ground: Ground) -> list[Condition]:
        """The conditions of a list that speak only of what a rule knows."""
        found = []
        for part in parts or ():
            everything = Ground(names=Names.of(*_ANY, studio=self.studio))
            whole = Checker().condition(self.place / key, (part,), everything)
            if whole is None:
                continue  # reported by `check`
            roots = {name.partition(".")[0] for name in whole.names}
            if roots <= ground.names.roots.keys():
                mine = Checker().condition(self.place / key, (part,), ground)
                found += [] if mine is None else [mine]
        return found


def _joined(conditions: Sequence[Condition | None], *, any_of: bool) -> Condition | None:
    known = [condition for condition in conditions if isinstance(condition, CompiledCondition)]
    if not known:
        return None
    return combine_any(known) if any_of else combine_all(known)
