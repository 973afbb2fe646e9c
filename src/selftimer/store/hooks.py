"""Calls of the service from outside, each kept once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.facts.stored import HookCall
from selftimer.plan.hooks import PREFIX, SEPARATOR
from selftimer.store import tables
from selftimer.store.dialect import insert_new
from selftimer.store.rows import STUDIO, Group, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

CALLS = Rows(HookCall, tables.hook_calls)
_c, _r = tables.hook_calls.c, tables.runs.c
_MINE = (_c.studio == STUDIO, _c.name == bindparam("_name"), _c.id == bindparam("_id"))
_GET = CALLS.select.where(*_MINE[1:])
_WAITING = (
    CALLS.select.where(_c.done_at.is_(None))
    .order_by(_c.at, _c.name, _c.id)
    .limit(bindparam("_limit", type_=sa.Integer))
)
_FINISH = sa.update(tables.hook_calls).where(*_MINE)
_SPOKEN_OF = sa.exists().where(
    _r.studio == _c.studio,
    _r.subject_id == _c.name + SEPARATOR + _c.id,
    _r.occurrence == PREFIX + _c.id,
    _r.ended_at.is_(None),
)
_PRUNE = sa.delete(tables.hook_calls).where(
    _c.studio == STUDIO, _c.done_at < bindparam("_before", type_=_c.done_at.type), ~_SPOKEN_OF
)
_EMPTY = (
    sa.update(tables.hook_calls)
    .where(
        _c.studio == STUDIO, sa.cast(_c.fields, sa.Text).contains(bindparam("_phrase", type_=sa.Text), autoescape=False)
    )
    .values(fields={})
)


class SqlHooks(Group):
    """`selftimer.ports.store.Hooks` over SQL."""

    __slots__ = ()

    def add(self, call: HookCall) -> bool:
        return self._run(insert_new(self._dialect, tables.hook_calls), **CALLS.dump(call, self._studio)).rowcount > 0

    def get(self, name: str, call_id: str) -> HookCall | None:
        return self._one(CALLS, _GET, _name=name, _id=call_id)

    def waiting(self, limit: int = 200) -> list[HookCall]:
        return self._many(CALLS, _WAITING, _limit=limit)

    def finish(self, name: str, call_id: str, at: Instant) -> None:
        self._run(_FINISH, _name=name, _id=call_id, done_at=at)

    def prune(self, before: Instant) -> int:
        return self._run(_PRUNE, _before=before).rowcount

    def forget_about(self, phrases: Sequence[str]) -> None:
        for phrase in phrases:
            self._run(_EMPTY, _phrase=phrase)
