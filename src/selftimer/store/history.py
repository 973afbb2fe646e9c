"""The past as polls saw it: every version of every record with when it was seen, what was ordered, what was sent.

Read only, beside the service. Versions are kept as long as the store keeps them; nothing older can be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from selftimer.store import tables
from selftimer.store.columns import load_json
from selftimer.store.control import ORDERS
from selftimer.store.deliveries import DELIVERIES
from selftimer.store.events import EVENTS
from selftimer.store.reader import SqlReader
from selftimer.store.records import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.facts.records import Kind
    from selftimer.facts.stored import StoredEvent
    from selftimer.plan.state import Delivery
    from selftimer.ports.store import Order

_v, _r = tables.record_versions.c, tables.records.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a record; what it says is asked for by `number`."""

    number: int
    kind: Kind
    record_id: str
    digest: bytes
    """Empty for what we made ourselves, as the studio answered: no poll had seen it then."""
    seen_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose a record is, and whether it is gone."""

    client_id: str | None
    parent_id: str | None
    gone_at: Instant | None


class HistoryReader(SqlReader):
    """Views of the past of one studio."""

    def known_since(self) -> Instant | None:
        """When the last of the studio's lists was known whole: what was new before that can't be told from old."""
        found = [resource.baseline_at for resource in self._list(RESOURCES, RESOURCES.select)]
        return max((at for at in found if at is not None), default=None)

    def all_versions(self) -> list[Version]:
        """Every version, in the order in which they were seen."""
        wanted = sa.select(_v.id, _v.kind, _v.record_id, _v.digest, _v.seen_at).where(_v.studio == self.studio)
        rows = self._read(lambda connection: connection.execute(wanted.order_by(_v.id)).all())
        return [
            Version(number=number, kind=kind, record_id=ident, digest=digest, seen_at=seen)
            for number, kind, ident, digest, seen in rows
        ]

    def content(self, number: int) -> Mapping[str, Any]:
        """What that version says."""
        wanted = sa.select(sa.type_coerce(_v.raw, sa.Text)).where(_v.id == number)
        found: Mapping[str, Any] = load_json(self._read(lambda connection: connection.execute(wanted).scalar_one()))
        return found

    def places(self) -> dict[tuple[Kind, str], Place]:
        """Every record that there ever was."""
        wanted = sa.select(_r.kind, _r.id, _r.client_id, _r.parent_id, _r.gone_at).where(_r.studio == self.studio)
        rows = self._read(lambda connection: connection.execute(wanted.order_by(_r.sort_at, _r.id)).all())
        return {
            (kind, ident): Place(client_id=client, parent_id=parent, gone_at=gone)
            for kind, ident, client, parent, gone in rows
        }

    def all_orders(self) -> list[tuple[Instant, Order]]:
        """What the owner ordered, by when it was carried out."""
        o = tables.orders.c
        orders = self._list(ORDERS, ORDERS.select.where(o.done_at.is_not(None)).order_by(o.id))
        wanted = sa.select(o.id, o.done_at).where(o.studio == self.studio, o.done_at.is_not(None))
        done = dict(self._read(lambda connection: [(number, at) for number, at in connection.execute(wanted)]))
        return sorted(((done[order.id], order) for order in orders), key=lambda pair: (pair[0], pair[1].id))

    def all_deliveries(self) -> list[Delivery]:
        """Every one, in the order of planning."""
        d = tables.deliveries.c
        return self._list(DELIVERIES, DELIVERIES.select.order_by(d.planned_at, d.id))

    def all_events(self) -> list[StoredEvent]:
        """What happened, in the order in which it was found."""
        return self._list(EVENTS, EVENTS.select.order_by(tables.events.c.id))
