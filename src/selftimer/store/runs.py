"""Rules at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.plan.state import Run, RunState
from selftimer.store import tables
from selftimer.store.dialect import insert_new
from selftimer.store.rows import STUDIO, Group, Rows

if TYPE_CHECKING:
    from whenever import Instant

RUNS = Rows(Run, tables.runs)
_r = tables.runs.c

_GET = RUNS.select.where(_r.id == bindparam("_id"))
_UPDATE = sa.update(tables.runs).where(_r.studio == STUDIO, _r.id == bindparam("_id"))
_DUE = (
    RUNS.select.where(_r.state == RunState.WAITING, _r.wake_at <= bindparam("_now"))
    .order_by(_r.wake_at, _r.begun_at, _r.id)
    .limit(bindparam("_limit", type_=sa.Integer))
)
_OF_CLIENT = RUNS.select.where(_r.client_id == bindparam("_client"), _r.state != RunState.ENDED).order_by(
    _r.begun_at, _r.id
)
_OF_SUBJECT = RUNS.select.where(_r.rule_id == bindparam("_rule"), _r.subject_id == bindparam("_subject")).order_by(
    _r.begun_at, _r.id
)
_IN_STATE = RUNS.select.where(_r.state == bindparam("_state")).order_by(_r.begun_at, _r.id)
_EXISTS = (
    sa.select(sa.literal(1))
    .where(
        _r.studio == STUDIO,
        _r.rule_id == bindparam("_rule"),
        _r.entry_id == bindparam("_entry"),
        _r.subject_id == bindparam("_subject"),
        _r.occurrence == bindparam("_occurrence"),
    )
    .limit(1)
)
_REPEATED = (
    sa.select(sa.literal(1))
    .where(
        _r.studio == STUDIO,
        _r.rule_id == bindparam("_rule"),
        _r.repeat_key == bindparam("_key"),
        sa.or_(_r.state != RunState.ENDED, _r.effects > 0),
    )
    .limit(1)
)
_REPEATED_SINCE = _REPEATED.where(_r.start_at > bindparam("_since"))
_NEXT = sa.select(sa.func.min(_r.wake_at)).where(_r.studio == STUDIO, _r.state == RunState.WAITING)


class SqlRuns(Group):
    """`selftimer.ports.store.Runs` over SQL."""

    __slots__ = ()

    def add(self, run: Run) -> bool:
        return self._run(insert_new(self._dialect, tables.runs), **RUNS.dump(run, self._studio)).rowcount > 0

    def get(self, run_id: str) -> Run | None:
        return self._one(RUNS, _GET, _id=run_id)

    def update(self, run: Run) -> None:
        self._run(_UPDATE, _id=run.id, **RUNS.dump(run, self._studio))

    def due(self, now: Instant, limit: int = 200) -> list[Run]:
        return self._many(RUNS, _DUE, _now=now, _limit=limit)

    def of_client(self, client_id: str) -> list[Run]:
        return self._many(RUNS, _OF_CLIENT, _client=client_id)

    def of_subject(self, rule_id: str, subject_id: str) -> list[Run]:
        """All of them, also those that have ended; the oldest first."""
        return self._many(RUNS, _OF_SUBJECT, _rule=rule_id, _subject=subject_id)

    def in_state(self, state: RunState) -> list[Run]:
        return self._many(RUNS, _IN_STATE, _state=state)

    def exists(self, rule_id: str, entry_id: str, subject_id: str, occurrence: str) -> bool:
        found = self._run(_EXISTS, _rule=rule_id, _entry=entry_id, _subject=subject_id, _occurrence=occurrence)
        return found.first() is not None

    def repeated(self, rule_id: str, repeat_key: str, since: Instant | None) -> bool:
        if since is None:
            return self._run(_REPEATED, _rule=rule_id, _key=repeat_key).first() is not None
        return self._run(_REPEATED_SINCE, _rule=rule_id, _key=repeat_key, _since=since).first() is not None

    def next_wake(self) -> Instant | None:
        return self._run(_NEXT).scalar_one_or_none()
