"""A rule's `lists`, looked up when a step or its words first speak of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.engine.scopes import scope_for
from selftimer.facts.records import client_id_of
from selftimer.plan.verdict import in_audience
from selftimer.primitives.money import Money
from selftimer.rulebook.template import MissingWord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selftimer.engine.context import Context
    from selftimer.engine.world import TxWorld
    from selftimer.facts.records import Record
    from selftimer.rulebook.model import ListRule, Rule
    from selftimer.rulebook.scope import Scope


class Lists(Mapping[str, "Sequence[Record]"]):
    """The lists of a rule by name: records as they are known, of clients that the rule is for (7).

    Looking one up raises `ConditionError` where its condition meets a wrong type; what is unknown is left out.
    """

    def __init__(self, rule: Rule, context: Context, world: TxWorld) -> None:
        self._rule = rule
        self._context = context
        self._world = world
        self._found: dict[str, Sequence[Record]] = {}

    def __getitem__(self, name: str) -> Sequence[Record]:
        if name not in self._found:
            self._found[name] = self._look_up(self._rule.lists[name])
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rule.lists)

    def __len__(self) -> int:
        return len(self._rule.lists)

    def _look_up(self, wanted: ListRule) -> Sequence[Record]:
        found: list[tuple[Any, Record]] = []
        for record in self._world.all(wanted.kind):
            scope = self._scope(wanted, record)
            if in_audience(scope.client, self._rule.include) is not None:
                continue
            if wanted.if_ is None or wanted.if_.judge(scope) is True:
                found.append((_rank(wanted, scope), record))
        return tuple(record for _, record in sorted(found, key=lambda pair: (*pair[0], pair[1].id)))

    def _scope(self, wanted: ListRule, record: Record) -> Scope:
        return scope_for(
            self._context,
            self._world,
            subject_kind=wanted.kind,
            subject_id=record.id,
            client_id=client_id_of(record),
            event=None,
            start=None,
        )


def _rank(wanted: ListRule, scope: Scope) -> tuple[bool, Any]:
    """Where a record stands: by its value, those without one last."""
    if wanted.sort is None:
        return False, 0
    try:
        value = wanted.sort.value(scope)
    except MissingWord:
        return True, 0
    match value:
        case Money():
            return False, (value.currency, value.minor)
        case Instant() | Date() | bool() | int():
            return False, value
        case str():
            return False, value.casefold()
        case _:
            return (False, value) if hasattr(value, "__lt__") and not hasattr(value, "id") else (True, 0)
