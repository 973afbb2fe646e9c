"""Events as they were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.facts.stored import StoredEvent
from selftimer.store import tables
from selftimer.store.rows import STUDIO, Group, Rows, one_of

if TYPE_CHECKING:
    from whenever import Instant

EVENTS = Rows(StoredEvent, tables.events)
_e = tables.events.c

_ADD = sa.insert(tables.events).returning(_e.id)
_GET = EVENTS.select.where(_e.id == bindparam("_id"))
_UPDATE = sa.update(tables.events).where(_e.studio == STUDIO, _e.id == bindparam("_id"))
_IN_STATE = EVENTS.select.where(_e.state == bindparam("_state")).order_by(_e.id)
_SETTLING = EVENTS.select.where(
    _e.record_id == bindparam("_record"),
    _e.name == bindparam("_name"),
    _e.state == "settling",
    _e.settle_rule == bindparam("_rule"),
).order_by(_e.id)
_BETWEEN = EVENTS.select.where(
    _e.name == bindparam("_name"),
    _e.at >= bindparam("_since"),
    _e.at < bindparam("_until"),
    one_of(_e.state, "done", "expired"),
).order_by(_e.at, _e.id)
_NEXT = sa.select(sa.func.min(_e.settle_until)).where(_e.studio == STUDIO, _e.state == "settling")


class SqlEvents(Group):
    """`selftimer.ports.store.Events` over SQL."""

    __slots__ = ()

    def add(self, event: StoredEvent) -> int:
        row = EVENTS.dump(event, self._studio)
        del row["id"]
        return int(self._connection.execute(_ADD, row).scalar_one())

    def get(self, event_id: int) -> StoredEvent | None:
        return self._one(EVENTS, _GET, _id=event_id)

    def update(self, event: StoredEvent) -> None:
        self._run(_UPDATE, _id=event.id, **EVENTS.dump(event, self._studio))

    def in_state(self, state: str) -> list[StoredEvent]:
        return self._many(EVENTS, _IN_STATE, _state=state)

    def between(self, name: str, since: Instant, until: Instant) -> list[StoredEvent]:
        return self._many(EVENTS, _BETWEEN, _name=name, _since=since, _until=until)

    def settling(self, name: str, record_id: str, rule_id: str) -> StoredEvent | None:
        return self._one(EVENTS, _SETTLING, _name=name, _record=record_id, _rule=rule_id)

    def next_settled(self) -> Instant | None:
        return self._run(_NEXT).scalar_one_or_none()
