"""Orders, pauses, notices to the owner, and small facts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.ports.store import Notice, Order, Pause
from selftimer.store import tables
from selftimer.store.dialect import insert_new, upsert
from selftimer.store.rows import STUDIO, Group, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

ORDERS = Rows(Order, tables.orders)
PAUSES = Rows(Pause, tables.pauses)
_o, _p, _n = tables.orders.c, tables.pauses.c, tables.named.c

_WAITING = ORDERS.select.where(_o.done_at.is_(None)).order_by(_o.id)
_ADD_ORDER = sa.insert(tables.orders).returning(_o.id)
_FINISH = sa.update(tables.orders).where(_o.studio == STUDIO, _o.id == bindparam("_id"))
_RESULT = sa.select(_o.result).where(_o.studio == STUDIO, _o.id == bindparam("_id"), _o.done_at.is_not(None))
_ALL_PAUSES = PAUSES.select.order_by(_p.since, _p.scope, _p.id)
_REMOVE_PAUSE = sa.delete(tables.pauses).where(
    _p.studio == STUDIO, _p.scope == bindparam("_scope"), _p.id == bindparam("_id")
)
_NAMED = sa.select(_n.value).where(_n.studio == STUDIO, _n.name == bindparam("_name"))
_TOLD = sa.select(tables.notices.c.at).where(
    tables.notices.c.studio == STUDIO, tables.notices.c.key == bindparam("_key")
)
_e = tables.notices.c
NOTICES = Rows(Notice, tables.notices)
_LATER = (
    _e.studio == STUDIO,
    _e.id > bindparam("_after", type_=sa.Integer),
    _e.at >= bindparam("_since", type_=_e.at.type),
)
_NOTICES_AFTER = NOTICES.select.where(*_LATER[1:]).order_by(_e.id).limit(bindparam("_limit", type_=sa.Integer))
_NOTICES_COUNT = sa.select(sa.func.count(), sa.func.max(_e.id)).where(*_LATER)
_EPOCH = "epoch"


class SqlControl(Group):
    """`selftimer.ports.store.Control` over SQL."""

    __slots__ = ()

    def orders(self) -> list[Order]:
        """Those that wait to be carried out, in the order they were given."""
        return self._many(ORDERS, _WAITING)

    def add_order(self, at: Instant, what: str, args: Mapping[str, Any]) -> int:
        row = {"studio": self._studio, "at": at, "what": what, "args": args}
        return int(self._connection.execute(_ADD_ORDER, row).scalar_one())

    def finish_order(self, order_id: int, at: Instant, result: Mapping[str, Any]) -> None:
        self._run(_FINISH, _id=order_id, done_at=at, result=result)

    def order_result(self, order_id: int) -> Mapping[str, Any] | None:
        """What came of it; None while it waits."""
        result: Mapping[str, Any] | None = self._run(_RESULT, _id=order_id).scalar_one_or_none()
        return result

    def pauses(self) -> list[Pause]:
        return self._many(PAUSES, _ALL_PAUSES)

    def put_pause(self, pause: Pause) -> None:
        self._run(upsert(self._dialect, tables.pauses), **PAUSES.dump(pause, self._studio))

    def remove_pause(self, scope: str, ident: str) -> bool:
        """Whether there was one."""
        return self._run(_REMOVE_PAUSE, _scope=scope, _id=ident).rowcount > 0

    def notice(self, at: Instant, subject: str, text: str, *, key: str) -> bool:
        row = {"studio": self._studio, "key": key, "at": at, "subject": subject, "text": text}
        return self._run(insert_new(self._dialect, tables.notices), **row).rowcount > 0

    def told(self, key: str) -> bool:
        return self._run(_TOLD, _key=key).first() is not None

    def notices_after(self, ident: int, *, since: Instant, limit: int) -> tuple[list[Notice], int, int]:
        count, last = self._run(_NOTICES_COUNT, _after=ident, _since=since).one()
        found = self._many(NOTICES, _NOTICES_AFTER, _after=ident, _since=since, _limit=limit) if count else []
        return found, int(count), int(last or ident)

    def get(self, name: str) -> Any:
        """The value of that name; None where none was put."""
        return self._run(_NAMED, _name=name).scalar_one_or_none()

    def put(self, name: str, value: Any) -> None:
        self._run(upsert(self._dialect, tables.named), studio=self._studio, name=name, value=value)

    def next_epoch(self) -> int:
        epoch = int(self.get(_EPOCH) or 0) + 1
        self.put(_EPOCH, epoch)
        return epoch
