"""Snapshots: the present version of each record, every version kept, and how far each list is known."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.facts.stored import Resource, StoredRecord
from selftimer.store import tables
from selftimer.store.dialect import upsert
from selftimer.store.rows import STUDIO, Group, Rows, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whenever import Instant

    from selftimer.facts.records import Kind

RESOURCES = Rows(Resource, tables.resources)
RECORDS = Rows(StoredRecord, tables.records)

_r, _v, _q, _p = tables.records.c, tables.record_versions.c, tables.quarantines.c, tables.polls.c
_OF_KIND = (_r.studio == STUDIO, _r.kind == bindparam("_kind"))
_HERE = (*_OF_KIND, _r.gone_at.is_(None))
_IDS = _r.id.in_(bindparam("_ids", expanding=True))
_ONE = (*_OF_KIND, _r.id == bindparam("_id"))

_RESOURCE = RESOURCES.select.where(tables.resources.c.kind == bindparam("_kind"))
_BEGIN_POLL = sa.insert(tables.polls).returning(_p.id)
_END_POLL = sa.update(tables.polls).where(_p.studio == STUDIO, _p.id == bindparam("_id"))
_DIGESTS = sa.select(_r.id, _r.digest, _r.quarantine).where(*_HERE)
_DIGESTS_OF = _DIGESTS.where(_IDS)
_PRESENT = sa.select(_r.id, _r.digest).where(*_OF_KIND, _IDS)
_GET = RECORDS.select.where(_r.kind == bindparam("_kind"), _r.id == bindparam("_id"))
_GET_SOME = RECORDS.select.where(_r.kind == bindparam("_kind"), _IDS)
_LIVE = RECORDS.select.where(_r.kind == bindparam("_kind"), _r.gone_at.is_(None))
_OF_CLIENT = _LIVE.where(_r.client_id == bindparam("_owner")).order_by(_r.sort_at, _r.id)
_IDS_OF_CLIENT = sa.select(_r.id).where(*_HERE, _r.client_id == bindparam("_owner")).order_by(_r.sort_at, _r.id)
_OF_PARENT = _LIVE.where(_r.parent_id == bindparam("_owner")).order_by(_r.sort_at, _r.id)
_ORDER = sa.select(_r.id, _r.open).where(*_HERE).order_by(_r.sort_at.desc(), _r.id.desc())
_BEGINNINGS = (1, 8, 64)
"""How many beginnings are looked for in one statement: of so many sizes, that each is prepared once."""
_CREATED = sa.select(_r.id).where(*_HERE, _r.sort_at == bindparam("_at"), _r.created_at == bindparam("_at"))
_SOME = _LIVE.where(_IDS).order_by(_r.sort_at.desc(), _r.id.desc())
_COUNT = sa.select(sa.func.count()).select_from(tables.records).where(*_HERE)
_ABSENCES = sa.select(_r.kind, _r.id, _r.missing).where(
    _r.studio == STUDIO, _r.kind.in_(bindparam("_kinds", expanding=True)), _r.gone_at.is_(None)
)
_MISSING = sa.select(_r.id).where(*_HERE, _r.missing > 0)
_MISS = sa.update(tables.records).where(*_HERE, _IDS).values(missing=_r.missing + 1)
_FOUND = sa.update(tables.records).where(*_OF_KIND, _IDS).values(missing=0)
_CLOSE = sa.update(tables.records).where(*_OF_KIND, _IDS).values(open=False)
_GONE = sa.update(tables.records).where(*_ONE).values(gone_at=bindparam("_at"))
_QUARANTINE = sa.update(tables.records).where(*_ONE).values(quarantine=bindparam("_reason"))
_QUARANTINED = sa.select(_q.digest).where(
    _q.studio == STUDIO, _q.kind == bindparam("_kind"), _q.record_id == bindparam("_id")
)
_ALL_QUARANTINED = sa.select(_q.kind, _q.record_id, _q.reason).where(_q.studio == STUDIO)
_RELEASE = sa.delete(tables.quarantines).where(
    _q.studio == STUDIO, _q.kind == bindparam("_kind"), _q.record_id.in_(bindparam("_ids", expanding=True))
)
_ADD_VERSION = sa.insert(tables.record_versions)


@cache
def _beginning(count: int) -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Ids that begin with one of so many texts: a range of the index each; joined by OR they'd be looked for in all."""
    ranges = ((_r.id >= bindparam(f"_low{i}"), _r.id < bindparam(f"_high{i}")) for i in range(count))
    return sa.union_all(*(sa.select(_r.id).where(*_HERE, *ends) for ends in ranges))


class SqlRecords(Group):
    """`selftimer.ports.store.Records` over SQL."""

    __slots__ = ()

    def resource(self, kind: Kind) -> Resource | None:
        return self._one(RESOURCES, _RESOURCE, _kind=kind)

    def resources(self) -> dict[Kind, Resource]:
        return {resource.kind: resource for resource in self._many(RESOURCES, RESOURCES.select)}

    def put_resources(self, resources: Sequence[Resource]) -> None:
        rows = [RESOURCES.dump(resource, self._studio) for resource in resources]
        self._insert(upsert(self._dialect, tables.resources), rows)

    def begin_poll(self, at: Instant, depth: str) -> int:
        row = {"studio": self._studio, "begun_at": at, "depth": depth}
        return int(self._connection.execute(_BEGIN_POLL, row).scalar_one())

    def end_poll(self, poll_id: int, at: Instant, *, requests: int, changed: int, error: str | None) -> None:
        self._run(_END_POLL, _id=poll_id, ended_at=at, requests=requests, changed=changed, error=error)

    def digests(self, kind: Kind, ids: Sequence[str] | None = None) -> dict[str, bytes]:
        """A quarantined record's digest is empty: it equals nothing, so each poll looks whether it can be read now."""
        if ids is None:
            rows = self._run(_DIGESTS, _kind=kind).all()
        else:
            rows = [row for some in chunks(ids) for row in self._run(_DIGESTS_OF, _kind=kind, _ids=some)]
        return {ident: digest if quarantine is None else b"" for ident, digest, quarantine in rows}

    def put(self, records: Sequence[StoredRecord]) -> None:
        known = {
            key: digest for kind in dict.fromkeys(r.kind for r in records) for key, digest in self._known(kind, records)
        }
        rows, versions = [], []
        for record in records:
            row = RECORDS.dump(record, self._studio)
            rows.append({**row, "sort_at": record.created_at or record.first_seen_at})
            if known.get((record.kind, record.id)) != record.digest:
                known[record.kind, record.id] = record.digest
                versions.append(
                    {name: row[name] for name in ("studio", "kind", "digest", "raw", "poll_id", "seen_at")}
                    | {"record_id": record.id}
                )
        self._insert(_ADD_VERSION, versions)
        self._insert(upsert(self._dialect, tables.records), rows)
        for kind in dict.fromkeys(r.kind for r in records):
            for some in chunks(r.id for r in records if r.kind is kind and r.quarantine is None):
                self._run(_RELEASE, _kind=kind, _ids=some)

    def _known(self, kind: Kind, records: Sequence[StoredRecord]) -> Iterator[tuple[tuple[Kind, str], bytes]]:
        for some in chunks(r.id for r in records if r.kind is kind):
            for ident, digest in self._run(_PRESENT, _kind=kind, _ids=some):
                yield (kind, ident), digest

    def get(self, kind: Kind, record_id: str) -> StoredRecord | None:
        return self._one(RECORDS, _GET, _kind=kind, _id=record_id)

    def some(self, kind: Kind, ids: Iterable[str]) -> dict[str, StoredRecord]:
        found = (self._many(RECORDS, _GET_SOME, _kind=kind, _ids=some) for some in chunks(ids))
        return {record.id: record for records in found for record in records}

    def of_client(self, kind: Kind, client_id: str) -> list[StoredRecord]:
        return self._many(RECORDS, _OF_CLIENT, _kind=kind, _owner=client_id)

    def ids_of_client(self, kind: Kind, client_id: str) -> list[str]:
        return list(self._run(_IDS_OF_CLIENT, _kind=kind, _owner=client_id).scalars())

    def of_parent(self, kind: Kind, parent_id: str) -> list[StoredRecord]:
        return self._many(RECORDS, _OF_PARENT, _kind=kind, _owner=parent_id)

    def all(self, kind: Kind) -> Iterable[StoredRecord]:
        """Some hundred at a time, so that a large studio isn't held in memory and the caller may write meanwhile."""
        for some in chunks(ident for ident, _ in self.order(kind)):
            yield from self._many(RECORDS, _SOME, _kind=kind, _ids=some)

    def order(self, kind: Kind) -> list[tuple[str, bool]]:
        return [(ident, is_open) for ident, is_open in self._run(_ORDER, _kind=kind)]

    def beginning_with(self, kind: Kind, texts: Iterable[str]) -> list[str]:
        found: dict[str, None] = {}
        for some in chunks(texts, _BEGINNINGS[-1]):
            size = next(size for size in _BEGINNINGS if size >= len(some))
            values: dict[str, str] = {}
            for place, text in enumerate(some + some[-1:] * (size - len(some))):
                values |= {f"_low{place}": text, f"_high{place}": text + "\x7f"}
            found |= dict.fromkeys(self._run(_beginning(size), _kind=kind, **values).scalars())
        return list(found)

    def created_at(self, kind: Kind, at: Instant) -> list[str]:
        return list(self._run(_CREATED, _kind=kind, _at=at).scalars())

    def close(self, kind: Kind, ids: Sequence[str]) -> None:
        for some in chunks(ids):
            self._run(_CLOSE, _kind=kind, _ids=some)

    def count(self, kind: Kind) -> int:
        return int(self._run(_COUNT, _kind=kind).scalar_one())

    def absences(self, kinds: Sequence[Kind]) -> dict[Kind, dict[str, int]]:
        found: dict[Kind, dict[str, int]] = {kind: {} for kind in kinds}
        for kind, ident, missing in self._run(_ABSENCES, _kinds=list(kinds)):
            found[kind][ident] = missing
        return found

    def mark_missing(self, kind: Kind, ids: Sequence[str]) -> None:
        absent = set(ids)
        found = [ident for (ident,) in self._run(_MISSING, _kind=kind) if ident not in absent]
        for some in chunks(found):
            self._run(_FOUND, _kind=kind, _ids=some)
        for some in chunks(ids):
            self._run(_MISS, _kind=kind, _ids=some)

    def mark_gone(self, kind: Kind, record_id: str, at: Instant) -> None:
        self._run(_GONE, _kind=kind, _id=record_id, _at=at)
        self._run(_RELEASE, _kind=kind, _ids=[record_id])

    def quarantined(self) -> dict[Kind, dict[str, str]]:
        found: dict[Kind, dict[str, str]] = {}
        for kind, ident, reason in self._run(_ALL_QUARANTINED):
            found.setdefault(kind, {})[ident] = reason
        return found

    def release(self, kind: Kind, ids: Sequence[str]) -> None:
        for some in chunks(ids):
            self._run(_RELEASE, _kind=kind, _ids=some)

    def quarantine(self, kind: Kind, record_id: str, digest: bytes, reason: str, at: Instant) -> bool:
        if self._run(_QUARANTINED, _kind=kind, _id=record_id).scalar() == digest:
            return False
        row = {"kind": kind, "record_id": record_id, "digest": digest, "reason": reason, "at": at}
        self._run(upsert(self._dialect, tables.quarantines), studio=self._studio, **row)
        self._run(_QUARANTINE, _kind=kind, _id=record_id, _reason=reason)
        return True
