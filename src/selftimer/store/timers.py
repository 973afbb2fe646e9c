"""Moments to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.plan.state import Timer, TimerState
from selftimer.store import tables
from selftimer.store.dialect import upsert
from selftimer.store.rows import STUDIO, Group, Rows, at_once, one_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

    from selftimer.facts.records import Kind

TIMERS = Rows(Timer, tables.timers)
_t = tables.timers.c

_GET = TIMERS.select.where(
    _t.rule_id == bindparam("_rule"), _t.entry_id == bindparam("_entry"), _t.subject_id == bindparam("_subject")
)
_OF_SUBJECT = TIMERS.select.where(_t.kind == bindparam("_kind"), _t.subject_id == bindparam("_subject")).order_by(
    _t.due_at, _t.rule_id, _t.entry_id
)
_DUE = (
    TIMERS.select.where(_t.state == TimerState.PENDING, _t.due_at <= bindparam("_now"))
    .order_by(_t.due_at, _t.rule_id, _t.entry_id, _t.subject_id)
    .limit(bindparam("_limit", type_=sa.Integer))
)
_OPEN_OF_CLIENT = TIMERS.select.where(_t.client_id == bindparam("_client"), _t.state == TimerState.OPEN).order_by(
    _t.due_at, _t.rule_id, _t.entry_id
)
_CLOSING = TIMERS.select.where(_t.state == TimerState.OPEN, _t.closes_at <= bindparam("_now")).order_by(
    _t.closes_at, _t.rule_id, _t.entry_id, _t.subject_id
)
_DROP = sa.delete(tables.timers).where(
    _t.studio == STUDIO, _t.rule_id == bindparam("_rule"), one_of(_t.state, TimerState.PENDING, TimerState.OPEN)
)
_DROP_ENTRIES = _DROP.where(_t.entry_id.in_(bindparam("_entries", expanding=True)))
_NEXT_DUE = at_once(
    sa.select(sa.func.min(_t.due_at)).where(_t.studio == STUDIO, _t.state == TimerState.PENDING),
    sa.select(sa.func.min(_t.closes_at)).where(_t.studio == STUDIO, _t.state == TimerState.OPEN),
)
_COUNT = (
    sa.select(sa.func.count()).select_from(tables.timers).where(_t.studio == STUDIO, _t.state == bindparam("_state"))
)


class SqlTimers(Group):
    """`selftimer.ports.store.Timers` over SQL."""

    __slots__ = ()

    def get(self, rule_id: str, entry_id: str, subject_id: str) -> Timer | None:
        return self._one(TIMERS, _GET, _rule=rule_id, _entry=entry_id, _subject=subject_id)

    def of_subject(self, kind: Kind, subject_id: str) -> list[Timer]:
        return self._many(TIMERS, _OF_SUBJECT, _kind=kind, _subject=subject_id)

    def put(self, timers: Sequence[Timer]) -> None:
        self._insert(upsert(self._dialect, tables.timers), [TIMERS.dump(timer, self._studio) for timer in timers])

    def due(self, now: Instant, limit: int = 500) -> list[Timer]:
        return self._many(TIMERS, _DUE, _now=now, _limit=limit)

    def open_of_client(self, client_id: str) -> list[Timer]:
        return self._many(TIMERS, _OPEN_OF_CLIENT, _client=client_id)

    def closing(self, now: Instant) -> list[Timer]:
        return self._many(TIMERS, _CLOSING, _now=now)

    def drop_rule(self, rule_id: str, entry_ids: Sequence[str] | None = None) -> None:
        if entry_ids is None:
            self._run(_DROP, _rule=rule_id)
        else:
            self._run(_DROP_ENTRIES, _rule=rule_id, _entries=list(entry_ids))

    def next_due(self) -> Instant | None:
        return self._earliest(_NEXT_DUE)

    def states(self, state: TimerState) -> int:
        return int(self._run(_COUNT, _state=state).scalar_one())
