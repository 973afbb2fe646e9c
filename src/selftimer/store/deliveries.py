"""Effects: at most one per key, one at a time per client, fenced by state and epoch (delivery.md §1)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.plan.state import SPREADS, Delivery, DeliveryState
from selftimer.store import tables
from selftimer.store.dialect import insert_new
from selftimer.store.rows import STUDIO, Group, Rows, at_once, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whenever import Instant

    from selftimer.ports.store import Cap

DELIVERIES = Rows(Delivery, tables.deliveries)
_d = tables.deliveries.c
_b = tables.deliveries.alias("other").c
S = DeliveryState

_MAY_HAVE_REACHED = (S.IN_FLIGHT, S.UNKNOWN, S.SENT)
_LEASABLE = (S.READY, S.UNKNOWN)

_NOW = bindparam("_now", type_=_d.due_at.type)
_MINE = (_d.studio == STUDIO, _d.id == bindparam("_id"))
_DUE_ORDER = (_d.due_at, _d.planned_at, _d.id)


def _blocked(leased: sa.ColumnElement[bool], *states: DeliveryState) -> sa.ColumnElement[bool]:
    """Whether the client has another one in these states, or leased: its turn comes when that one is settled."""
    return (
        sa.select(sa.literal(1))
        .where(
            _b.studio == _d.studio,
            _b.client_id == _d.client_id,
            one_of(_b.state, S.READY, S.IN_FLIGHT, S.UNKNOWN),
            _b.id != _d.id,
            sa.or_(one_of(_b.state, *states), sa.and_(one_of(_b.state, *_LEASABLE), leased)),
        )
        .exists()
    )


def _claimable(state: DeliveryState, blockers: tuple[DeliveryState, ...]) -> sa.Select[*tuple[Any, ...]]:
    """Due rows of a state, in due order and read one by one; the rest of a long queue is never touched."""
    return (
        sa.select(*_DUE_ORDER, _d.client_id)
        .where(
            _d.studio == STUDIO,
            _d.state == state,
            _d.due_at <= _NOW,
            sa.or_(_d.lease_until.is_(None), _d.lease_until <= _NOW),
            ~_blocked(_b.lease_until > _NOW, *blockers),
        )
        .order_by(*_DUE_ORDER)
    )


# An unknown one is looked for whatever else of its client is unknown: two that waited for each other would never end.
_READY = _claimable(S.READY, (S.IN_FLIGHT, S.UNKNOWN))
_UNKNOWN = _claimable(S.UNKNOWN, (S.IN_FLIGHT,))
_NEXT = sa.union_all(_READY.order_by(None), _UNKNOWN.order_by(None)).order_by("due_at", "planned_at", "id")
"""Both in due order: SQLite goes along two indexes and merges what it finds."""
_LEASE = (
    sa.update(tables.deliveries)
    .where(*_MINE, one_of(_d.state, *_LEASABLE))
    .values(lease_until=bindparam("_lease", type_=_d.lease_until.type), epoch=bindparam("_epoch"))
    .returning(*DELIVERIES.columns)
)

_GET = DELIVERIES.select.where(_d.id == bindparam("_id"))
_BY_KEY = DELIVERIES.select.where(_d.key == bindparam("_key"))
_RELEASE = sa.update(tables.deliveries).where(*_MINE, one_of(_d.state, *_LEASABLE)).values(lease_until=None)
_OF_RUN = DELIVERIES.select.where(_d.run_id == bindparam("_run")).order_by(_d.planned_at, _d.id)
_OF_CLIENT = DELIVERIES.select.where(_d.client_id == bindparam("_client")).order_by(_d.planned_at, _d.id)
_IN_STATE = DELIVERIES.select.where(_d.state == bindparam("_state")).order_by(*_DUE_ORDER)
_HELD_DUE = DELIVERIES.select.where(_d.state == S.HELD, _d.due_at <= _NOW).order_by(*_DUE_ORDER)
_REACHED = (
    _d.studio == STUDIO,
    one_of(_d.state, *_MAY_HAVE_REACHED),
    _d.dry.is_(False),
    _d.happened_at >= bindparam("_since", type_=_d.happened_at.type),
)
_UNRESOLVED = (
    sa.select(sa.literal(1))
    .where(
        _d.studio == STUDIO,
        _d.client_id == bindparam("_client"),
        _d.verb == bindparam("_verb", type_=sa.Text),
        one_of(_d.state, S.IN_FLIGHT, S.UNKNOWN),
    )
    .limit(1)
)
_MADE = DELIVERIES.select.where(_d.result_id == bindparam("_id"), _d.result_kind == bindparam("_kind")).order_by(
    _d.planned_at, _d.id
)
_PLANNED_AT = DELIVERIES.select.where(
    _d.planned_at == bindparam("_at", type_=_d.planned_at.type),
    _d.dry.is_(False),
    one_of(_d.verb, *sorted(SPREADS)),
)
_ORPHANS = (
    sa.update(tables.deliveries)
    .where(_d.studio == STUDIO, _d.state == S.IN_FLIGHT, _d.epoch < bindparam("_epoch"))
    .values(state=S.UNKNOWN, due_at=_NOW, lease_until=None)
)
_LAPSE = (
    sa.update(tables.deliveries)
    .where(_d.studio == STUDIO, _d.lease_until.is_not(None), _d.epoch < bindparam("_epoch"))
    .values(lease_until=None)
)


def _waiting(state: DeliveryState, blockers: tuple[DeliveryState, ...]) -> sa.Select[*tuple[Any, ...]]:
    """The earliest due time of a state among those that could be claimed then."""
    return (
        sa.select(_d.due_at)
        .where(
            _d.studio == STUDIO,
            _d.state == state,
            _d.lease_until.is_(None),
            ~_blocked(_b.lease_until.is_not(None), *blockers),
        )
        .order_by(_d.due_at)
        .limit(1)
    )


_NEXT_DUE = at_once(
    _waiting(S.READY, (S.IN_FLIGHT, S.UNKNOWN)),
    _waiting(S.UNKNOWN, (S.IN_FLIGHT,)),
    sa.select(sa.func.min(_d.due_at)).where(_d.studio == STUDIO, _d.state == S.HELD),
    sa.select(sa.func.min(_d.lease_until)).where(
        _d.studio == STUDIO, _d.lease_until.is_not(None), one_of(_d.state, *_LEASABLE)
    ),
)
_NEXT_OVER = at_once(
    sa.select(sa.func.min(_d.due_at)).where(_d.studio == STUDIO, _d.state == S.HELD),
    sa.select(sa.func.min(_d.lease_until)).where(
        _d.studio == STUDIO, _d.lease_until.is_not(None), _d.state == S.IN_FLIGHT
    ),
)


@cache
def _update(expected: int, *, fenced: bool) -> sa.Update:
    """Replace a row that is in one of so many states, and of an epoch."""
    statement = sa.update(tables.deliveries).where(
        *_MINE, one_of(_d.state, *(bindparam(f"_expect{i}") for i in range(expected)))
    )
    return statement.where(_d.epoch == bindparam("_epoch")) if fenced else statement


_Shape = tuple[tuple[str, ...], int]
"""Which columns a cap names, and how many verbs."""


def _within(shape: _Shape, place: int) -> sa.ColumnElement[bool]:
    """Whether a row counts for a cap of that shape; the values are those of the cap at that place."""
    named, verbs = shape
    inside = _d.happened_at >= bindparam(f"_since{place}", type_=_d.happened_at.type)
    words = [bindparam(f"_verb{place}_{i}", type_=sa.Text) for i in range(verbs)]
    return sa.and_(
        inside,
        *(_d[name] == bindparam(f"_{name}{place}") for name in named),
        *([one_of(_d.verb, *words)] if words else []),
    )


@cache
def _of_caps(what: Callable[[sa.ColumnElement[bool]], Any], shapes: tuple[_Shape, ...]) -> sa.Select[Any]:
    """What each cap asks for, in one pass over the longest window: a question for each would cost more."""
    asked = (what(_within(shape, place)).label(f"cap{place}") for place, shape in enumerate(shapes))
    return sa.select(*asked).select_from(tables.deliveries).where(*_REACHED)


def _how_many(within: sa.ColumnElement[bool]) -> Any:
    return sa.func.count(sa.case((within, 1)))


def _oldest(within: sa.ColumnElement[bool]) -> Any:
    return sa.func.min(sa.case((within, _d.happened_at)))


class SqlDeliveries(Group):
    """`selftimer.ports.store.Deliveries` over SQL."""

    __slots__ = ()

    def _dump(self, delivery: Delivery) -> dict[str, Any]:
        row = DELIVERIES.dump(delivery, self._studio)
        return {**row, "happened_at": delivery.sent_at or delivery.intent_at}

    def add(self, delivery: Delivery) -> bool:
        return self._run(insert_new(self._dialect, tables.deliveries), **self._dump(delivery)).rowcount > 0

    def get(self, delivery_id: str) -> Delivery | None:
        return self._one(DELIVERIES, _GET, _id=delivery_id)

    def by_key(self, key: str) -> Delivery | None:
        return self._one(DELIVERIES, _BY_KEY, _key=key)

    def update(self, delivery: Delivery, *, expect: Sequence[DeliveryState], epoch: int | None = None) -> bool:
        row = self._dump(delivery)
        del row["studio"], row["id"], row["key"]
        fence: dict[str, Any] = {f"_expect{i}": state for i, state in enumerate(expect)}
        if epoch is not None:
            fence["_epoch"] = epoch
        statement = _update(len(expect), fenced=epoch is not None)
        return self._run(statement, _id=delivery.id, **fence, **row).rowcount > 0

    def claim(self, now: Instant, *, limit: int, lease_until: Instant, epoch: int) -> list[Delivery]:
        lease = {"_lease": lease_until, "_epoch": epoch}
        leased = (self._one(DELIVERIES, _LEASE, _id=ident, **lease) for ident in self._next(now, limit))
        return [delivery for delivery in leased if delivery is not None]

    def _next(self, now: Instant, limit: int) -> list[str]:
        """The ids whose turn it is: in due order, the first of each client."""
        rows = self._run(_NEXT, _now=now)
        ids: list[str] = []
        clients: set[str] = set()
        for _, _, ident, client_id in rows:
            if len(ids) >= limit:
                break
            if client_id is not None:
                if client_id in clients:
                    continue
                clients.add(client_id)
            ids.append(ident)
        rows.close()
        return ids

    def release(self, delivery_id: str) -> None:
        self._run(_RELEASE, _id=delivery_id)

    def of_run(self, run_id: str) -> list[Delivery]:
        return self._many(DELIVERIES, _OF_RUN, _run=run_id)

    def of_client(self, client_id: str) -> list[Delivery]:
        return self._many(DELIVERIES, _OF_CLIENT, _client=client_id)

    def in_state(self, state: DeliveryState) -> list[Delivery]:
        return self._many(DELIVERIES, _IN_STATE, _state=state)

    def held_due(self, now: Instant) -> list[Delivery]:
        return self._many(DELIVERIES, _HELD_DUE, _now=now)

    def count(self, cap: Cap) -> int:
        """Dry ones never count: they reach nobody."""
        return self.counts([cap])[0]

    def counts(self, caps: Sequence[Cap]) -> list[int]:
        return [int(count) for count in self._caps(_how_many, caps)]

    def earliest(self, cap: Cap) -> Instant | None:
        found: Instant | None = self._caps(_oldest, [cap])[0]
        return found

    def _caps(self, what: Callable[[sa.ColumnElement[bool]], Any], caps: Sequence[Cap]) -> Sequence[Any]:
        if not caps:
            return []
        shapes: list[_Shape] = []
        values: dict[str, Any] = {"_since": min(cap.since for cap in caps)}
        for place, cap in enumerate(caps):
            said = {"rule_id": cap.rule_id, "client_id": cap.client_id, "purpose": cap.purpose}
            named = {name: value for name, value in said.items() if value is not None}
            shapes.append((tuple(named), len(cap.verbs)))
            values[f"_since{place}"] = cap.since
            values |= {f"_{name}{place}": value for name, value in named.items()}
            values |= {f"_verb{place}_{i}": verb for i, verb in enumerate(sorted(cap.verbs))}
        return self._run(_of_caps(what, tuple(shapes)), **values).one()

    def unresolved(self, client_id: str, verb: str) -> bool:
        return self._run(_UNRESOLVED, _client=client_id, _verb=verb).first() is not None

    def made(self, kind: str, record_id: str) -> Delivery | None:
        return self._one(DELIVERIES, _MADE, _kind=kind, _id=record_id)

    def planned_at(self, at: Instant) -> list[Delivery]:
        return self._many(DELIVERIES, _PLANNED_AT, _at=at)

    def adopt_orphans(self, epoch: int, now: Instant) -> int:
        orphans = self._run(_ORPHANS, _epoch=epoch, _now=now).rowcount
        self._run(_LAPSE, _epoch=epoch)
        return orphans

    def next_due(self) -> Instant | None:
        """Also when a lease lapses; but not one whose client's turn is another's, so that nobody wakes for nothing."""
        return self._earliest(_NEXT_DUE)

    def next_over(self) -> Instant | None:
        return self._earliest(_NEXT_OVER)
