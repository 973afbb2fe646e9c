"""What a person may ask for: no more advertising, and to be forgotten (delivery.md §3, §6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.facts.records import Kind
from selftimer.plan.state import RunState
from selftimer.ports.people import Suppression
from selftimer.store import tables
from selftimer.store.rows import STUDIO, Group, Rows, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from whenever import Instant

SUPPRESSIONS = Rows(Suppression, tables.suppressions)
_s, _r, _v = tables.suppressions.c, tables.records.c, tables.record_versions.c
_e, _t, _n = tables.events.c, tables.traces.c, tables.notices.c
_CLIENT, _KIND = bindparam("_client", type_=sa.Text), bindparam("_kind", type_=_r.kind.type)
_IDS = bindparam("_ids", type_=sa.Text, expanding=True)

_ALL = SUPPRESSIONS.select.order_by(_s.at, _s.digest)
_LISTED = (
    sa.select(sa.literal(1)).where(_s.studio == STUDIO, _s.digest.in_(bindparam("_digests", expanding=True))).limit(1)
)
_ENTRIES = sa.select(_s.entry).where(_s.studio == STUDIO, _s.digest.in_(bindparam("_digests", expanding=True)))
_UNLIST = sa.delete(tables.suppressions).where(_s.studio == STUDIO, _s.entry.in_(bindparam("_entries", expanding=True)))

_THEIRS = sa.select(_r.id).where(_r.studio == STUDIO, _r.kind == _KIND, _r.client_id == _CLIENT)
_WITHIN = sa.select(_r.id).where(_r.studio == STUDIO, _r.kind == _KIND, _r.parent_id == bindparam("_parent"))
_DROP_RECORDS = sa.delete(tables.records).where(_r.studio == STUDIO, _r.kind == _KIND, _r.id.in_(_IDS))
_DROP_VERSIONS = sa.delete(tables.record_versions).where(_v.studio == STUDIO, _v.kind == _KIND, _v.record_id.in_(_IDS))
_DROP_QUARANTINES = sa.delete(tables.quarantines).where(
    tables.quarantines.c.studio == STUDIO, tables.quarantines.c.kind == _KIND, tables.quarantines.c.record_id.in_(_IDS)
)
_DROP_OF_CLIENT = [
    sa.delete(table).where(table.c.studio == STUDIO, table.c.client_id == _CLIENT)
    for table in (tables.events, tables.timers, tables.traces)
]
_DROP_EVENTS = sa.delete(tables.events).where(_e.studio == STUDIO, _e.record_id.in_(_IDS))
_DROP_OF_SUBJECT = [
    sa.delete(table).where(table.c.studio == STUDIO, table.c.subject_id.in_(_IDS))
    for table in (tables.timers, tables.traces, tables.truths)
]
_RUNS = sa.select(tables.runs.c.id, tables.runs.c.repeat_key).where(
    tables.runs.c.studio == STUDIO, tables.runs.c.client_id == _CLIENT
)
_EMPTY_RUN = sa.update(tables.runs).where(tables.runs.c.studio == STUDIO, tables.runs.c.id == bindparam("_id"))
_PHRASE = bindparam("_phrase", type_=sa.Text)
_d = tables.deliveries.c
_ABOUT = sa.select(_d.id).where(
    _d.studio == STUDIO,
    sa.or_(
        *(
            sa.cast(column, sa.Text).contains(_PHRASE, autoescape=False)
            for column in (_d.text, _d.body, _d.approved_text, _d.edited_text)
        )
    ),
)
_DROP_TRACES_ABOUT = sa.delete(tables.traces).where(
    _t.studio == STUDIO, sa.cast(_t.detail, sa.Text).contains(_PHRASE, autoescape=False)
)
_DROP_NAMED = sa.delete(tables.named).where(tables.named.c.studio == STUDIO, tables.named.c.name == bindparam("_name"))
_NOTICES = sa.select(_n.key, _n.subject, _n.text).where(_n.studio == STUDIO)
_o = tables.orders.c
_ORDERS = sa.select(_o.id, sa.cast(_o.args, sa.Text)).where(_o.studio == STUDIO)
_EMPTY_ORDER = sa.update(tables.orders).where(_o.studio == STUDIO, _o.id == bindparam("_id")).values(args={})
_DROP_NOTICES = sa.delete(tables.notices).where(_n.studio == STUDIO, _n.key.in_(bindparam("_keys", expanding=True)))


class SqlPeople(Group):
    """`selftimer.ports.people.People` over SQL."""

    __slots__ = ()

    def suppress(self, entries: Sequence[Suppression]) -> None:
        for entry in entries:
            if not self.is_suppressed([entry.digest]):
                row = SUPPRESSIONS.dump(entry, self._studio)
                self._run(sa.insert(tables.suppressions), **row)

    def unsuppress(self, digests: Sequence[str]) -> int:
        entries = list(self._run(_ENTRIES, _digests=list(digests)).scalars())
        return self._run(_UNLIST, _entries=entries).rowcount if entries else 0

    def is_suppressed(self, digests: Sequence[str]) -> bool:
        return self._run(_LISTED, _digests=list(digests)).first() is not None

    def suppressions(self) -> list[Suppression]:
        return self._many(SUPPRESSIONS, _ALL)

    def records_of(self, client_id: str) -> list[tuple[Kind, str]]:
        """The client's own record, what belongs to them, and what is within that; also what is gone."""
        found = dict.fromkeys([(Kind.CLIENT, client_id)])
        for kind in Kind:
            found |= dict.fromkeys((kind, i) for i in self._run(_THEIRS, _kind=kind, _client=client_id).scalars())
        for parent in [ident for _, ident in found]:
            for kind in (Kind.PAYMENT, Kind.MESSAGE):
                found |= dict.fromkeys((kind, i) for i in self._run(_WITHIN, _kind=kind, _parent=parent).scalars())
        return list(found)

    def deliveries_about(self, phrases: Sequence[str]) -> list[str]:
        found = (ident for phrase in phrases for ident in self._run(_ABOUT, _phrase=phrase).scalars())
        return list(dict.fromkeys(found))

    def forget_traces_about(self, phrases: Sequence[str]) -> None:
        for phrase in phrases:
            self._run(_DROP_TRACES_ABOUT, _phrase=phrase)

    def forget_records(self, client_id: str, records: Sequence[tuple[Kind, str]]) -> None:
        for kind in dict.fromkeys(kind for kind, _ in records):
            for some in chunks(ident for one, ident in records if one is kind):
                for statement in (_DROP_RECORDS, _DROP_VERSIONS, _DROP_QUARANTINES):
                    self._run(statement, _kind=kind, _ids=some)
        for statement in _DROP_OF_CLIENT:
            self._run(statement, _client=client_id)
        for some in chunks(ident for _, ident in records):
            for statement in (_DROP_EVENTS, *_DROP_OF_SUBJECT):
                self._run(statement, _ids=some)

    def empty_runs(self, client_id: str, at: Instant, sealed: Callable[[str], str]) -> list[str]:
        """Leave of the client's runs what keeps them from beginning again; their ids."""
        ids = []
        for ident, key in self._run(_RUNS, _client=client_id).all():
            rest: dict[str, Any] = {
                "inputs": {},
                "reason": "purged",
                "repeat_key": None if key is None else sealed(key),
            }
            self._run(_EMPTY_RUN.values(**rest, state=RunState.ENDED, wake_at=None, ended_at=at), _id=ident)
            ids.append(ident)
        return ids

    def forget_notices(self, ids: Collection[str], phrases: Sequence[str]) -> int:
        keys = list(self._mentioning(set(ids), phrases))
        for some in chunks(keys):
            self._run(_DROP_NOTICES, _keys=some)
        return len(keys)

    def _mentioning(self, ids: set[str], phrases: Sequence[str]) -> Iterator[str]:
        """Keys of the notices that hold a whole id, or a phrase anywhere."""
        for key, subject, text in self._run(_NOTICES):
            if _mentions(f"{key}\n{subject}\n{text}", ids, phrases):
                yield key

    def forget_orders(self, ids: Collection[str], phrases: Sequence[str]) -> None:
        wanted = set(ids)
        for order, args in self._run(_ORDERS).all():
            if _mentions(args, wanted, phrases):
                self._run(_EMPTY_ORDER, _id=order)

    def forget_named(self, name: str) -> None:
        self._run(_DROP_NAMED, _name=name)


def _mentions(text: str, ids: set[str], phrases: Sequence[str]) -> bool:
    return bool(ids & set(re.findall(r"\w+", text))) or any(phrase in text for phrase in phrases)
