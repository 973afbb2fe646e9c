"""Why things were done, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.facts.stored import TraceRow
from selftimer.store import tables
from selftimer.store.rows import STUDIO, Group, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

TRACES = Rows(TraceRow, tables.traces)
_ADD = sa.insert(tables.traces)
_PRUNE = sa.delete(tables.traces).where(tables.traces.c.studio == STUDIO, tables.traces.c.at < bindparam("_before"))


class SqlTraces(Group):
    """`selftimer.ports.store.Traces` over SQL."""

    __slots__ = ()

    def add(self, rows: Sequence[TraceRow]) -> None:
        self._insert(_ADD, [TRACES.dump(row, self._studio) for row in rows])

    def prune(self, before: Instant) -> int:
        """Delete those from before that instant; how many."""
        return self._run(_PRUNE, _before=before).rowcount
