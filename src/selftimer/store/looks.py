"""When each client's galleries are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.facts.stored import Look
from selftimer.store import tables
from selftimer.store.dialect import upsert
from selftimer.store.rows import STUDIO, Group, Rows

if TYPE_CHECKING:
    from whenever import Instant

LOOKS = Rows(Look, tables.looks)
_c = tables.looks.c
_CLIENT = _c.client_id == bindparam("_client")
_GET = LOOKS.select.where(_CLIENT)
_DROP = sa.delete(tables.looks).where(_c.studio == STUDIO, _CLIENT)
_DUE = (
    LOOKS.select.where(_c.due_at <= bindparam("_now", type_=_c.due_at.type))
    .order_by(_c.due_at, _c.client_id)
    .limit(bindparam("_limit", type_=sa.Integer))
)
_NEXT = sa.select(sa.func.min(_c.due_at)).where(_c.studio == STUDIO)


class SqlLooks(Group):
    """`selftimer.ports.store.Looks` over SQL."""

    __slots__ = ()

    def get(self, client_id: str) -> Look | None:
        return self._one(LOOKS, _GET, _client=client_id)

    def put(self, look: Look) -> None:
        self._run(upsert(self._dialect, tables.looks), **LOOKS.dump(look, self._studio))

    def drop(self, client_id: str) -> None:
        self._run(_DROP, _client=client_id)

    def due(self, now: Instant, limit: int) -> list[Look]:
        return self._many(LOOKS, _DUE, _now=now, _limit=limit)

    def next_due(self) -> Instant | None:
        found: Instant | None = self._run(_NEXT).scalar_one_or_none()
        return found
