"""The read-only views of a database that another process may be writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from selftimer.errors import StoreError
from selftimer.facts.newfields import NEW_FIELDS, read_new_fields
from selftimer.facts.records import Kind
from selftimer.plan.keys import sealed
from selftimer.plan.state import DeliveryState, RunState, TimerState
from selftimer.ports import DEGRADED, DOUBT, SECRET
from selftimer.ports.reader import (
    ClientView,
    KindView,
    NoticeView,
    PollView,
    SetAside,
    StatusView,
    SuppressedView,
    VersionView,
)
from selftimer.store import tables
from selftimer.store.columns import load_json
from selftimer.store.control import ORDERS, PAUSES, SqlControl
from selftimer.store.deliveries import DELIVERIES
from selftimer.store.engine import READ_ONLY, connect_engine, library
from selftimer.store.events import EVENTS
from selftimer.store.faults import translate
from selftimer.store.people import SUPPRESSIONS
from selftimer.store.records import RECORDS, RESOURCES
from selftimer.store.rows import Rows, chunks
from selftimer.store.rules import RULES
from selftimer.store.runs import RUNS
from selftimer.store.schema import HEAD, version
from selftimer.store.timers import TIMERS
from selftimer.store.traces import TRACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from whenever import Instant

    from selftimer.facts.stored import NewField, StoredEvent, StoredRecord, TraceRow
    from selftimer.plan.state import Delivery, Run, Timer
    from selftimer.ports.store import Order, Pause, RuleRow

D = TypeVar("D")
T = TypeVar("T")

POLLS = Rows(PollView, tables.polls)
NOTICES = Rows(NoticeView, tables.notices)
VERSIONS = Rows(VersionView, tables.record_versions)
_ALL_CLIENTS = 1_000_000
_AHEAD = (DeliveryState.READY, DeliveryState.UNKNOWN, DeliveryState.HELD)
_OPEN = (TimerState.PENDING, TimerState.OPEN)


class SqlReader:
    """`selftimer.ports.reader.StoreReader` over a file. Not for several threads at once; open one for each.

    Without `studio` it shows the only one that the database holds.
    """

    def __init__(self, path: Path, studio: str | None = None, *, module: str | None = None) -> None:
        if not path.exists():
            raise StoreError(f"there is no database at {path} yet: nothing has been recorded; `selftimer run` makes it")
        self.path = path
        self._library = library(module)
        self._engine = connect_engine(path, self._library, owner=False)
        self._errors = (sa.exc.DBAPIError, self._library.module.Error)
        self._connection: sa.Connection | None = None
        try:
            self.studio = self._open(studio)
        except BaseException:
            self.close()
            raise

    def _open(self, studio: str | None) -> str:
        try:
            self._connection = self._engine.connect().execution_options(**{READ_ONLY: True})
            with self._connection.begin():
                found = version(self._connection)
        except self._errors as error:
            raise translate(error, self.path) from error
        if found != HEAD:
            raise StoreError(
                f"the database {self.path} has tables of version {found or 'none'}, this Selftimer reads {HEAD}: "
                f"start the service once, it brings them up to date; if a newer Selftimer wrote them, install that one"
            )
        if studio is not None:
            return studio
        studios = self.studios()
        if len(studios) > 1:
            raise StoreError(f"the database {self.path} holds several studios ({', '.join(studios)}): say which one")
        return studios[0] if studios else ""

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        assert self._connection is not None, "this reader is closed"
        try:
            with self._connection.begin():
                return work(self._connection)
        except self._errors as error:
            raise translate(error, self.path) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def _list(self, rows: Rows[D], statement: sa.Select[*tuple[Any, ...]]) -> list[D]:
        return self._read(lambda connection: self._rows(connection, rows, statement))

    def _rows(self, connection: sa.Connection, rows: Rows[D], statement: sa.Select[*tuple[Any, ...]]) -> list[D]:
        return [rows.load(row) for row in connection.execute(statement, {"_studio": self.studio})]

    def studios(self) -> list[str]:
        named = (sa.select(t.c.studio) for t in (tables.resources, tables.named, tables.rules, tables.orders))
        statement = sa.union(*named).order_by("studio")
        return self._read(lambda connection: [str(studio) for (studio,) in connection.execute(statement)])

    def status(self, *, upcoming: int = 5) -> StatusView:
        return self._read(lambda connection: self._status(connection, upcoming))

    def _status(self, connection: sa.Connection, upcoming: int) -> StatusView:
        t, d = tables.timers.c, tables.deliveries.c
        polls = self._rows(connection, POLLS, POLLS.select.order_by(tables.polls.c.id.desc()).limit(1))
        orders = ORDERS.select.where(tables.orders.c.done_at.is_(None))
        timers = TIMERS.select.where(t.state == TimerState.PENDING).order_by(t.due_at).limit(upcoming)
        deliveries = DELIVERIES.select.where(d.state.in_(_AHEAD)).order_by(d.due_at).limit(upcoming)
        held = RUNS.select.where(tables.runs.c.state == RunState.HELD)
        held = held.order_by(tables.runs.c.wake_at, tables.runs.c.id).limit(upcoming)
        return StatusView(
            studio=self.studio,
            last_poll=polls[0] if polls else None,
            kinds=self._kinds(connection),
            runs=self._counts(connection, tables.runs.c.state),
            deliveries=self._counts(connection, d.state),
            timers=self._counts(connection, t.state),
            pauses=tuple(self._rows(connection, PAUSES, PAUSES.select.order_by(tables.pauses.c.since))),
            orders=len(self._rows(connection, ORDERS, orders)),
            doubt=(SqlControl(connection, self.studio).get(DOUBT) or {}).get("why"),
            degraded=tuple(SqlControl(connection, self.studio).get(DEGRADED) or ()),
            next_timers=tuple(self._rows(connection, TIMERS, timers)),
            next_deliveries=tuple(self._rows(connection, DELIVERIES, deliveries)),
            held_runs=tuple(self._rows(connection, RUNS, held)),
            new_fields=self._new_fields(connection),
            set_aside=self._set_aside(connection),
        )

    def _kinds(self, connection: sa.Connection) -> dict[Kind, KindView]:
        counts = self._counts(connection, tables.records.c.kind, tables.records.c.gone_at.is_(None))
        bad = self._counts(connection, tables.quarantines.c.kind)
        return {
            resource.kind: KindView(
                resource=resource, count=counts.get(resource.kind, 0), quarantined=bad.get(resource.kind, 0)
            )
            for resource in sorted(
                self._rows(connection, RESOURCES, RESOURCES.select), key=lambda one: list(Kind).index(one.kind)
            )
        }

    def _new_fields(self, connection: sa.Connection) -> tuple[NewField, ...]:
        n = tables.named.c
        wanted = sa.select(n.value).where(n.studio == self.studio, n.name == NEW_FIELDS)
        return read_new_fields(connection.execute(wanted).scalar_one_or_none())

    def _set_aside(self, connection: sa.Connection) -> tuple[SetAside, ...]:
        q = tables.quarantines.c
        wanted = sa.select(q.kind, q.reason, sa.func.count()).where(q.studio == self.studio).group_by(q.kind, q.reason)
        found = [SetAside(kind=kind, reason=why, records=count) for kind, why, count in connection.execute(wanted)]
        return tuple(sorted(found, key=lambda one: (list(Kind).index(one.kind), -one.records, one.reason)))

    def _counts(self, connection: sa.Connection, column: sa.Column[Any], *where: Any) -> dict[Any, int]:
        statement = sa.select(column, sa.func.count()).where(column.table.c.studio == self.studio, *where)
        return {row[0]: row[1] for row in connection.execute(statement.group_by(column))}

    def runs(
        self, *, state: RunState | None = None, rule: str | None = None, client: str | None = None, limit: int = 50
    ) -> list[Run]:
        r = tables.runs.c
        wanted = _where({r.state: state, r.rule_id: rule, r.client_id: client})
        return self._list(RUNS, RUNS.select.where(*wanted).order_by(r.begun_at.desc(), r.id.desc()).limit(limit))

    def deliveries(
        self,
        *,
        state: DeliveryState | None = None,
        rule: str | None = None,
        client: str | None = None,
        run: str | None = None,
        limit: int = 50,
    ) -> list[Delivery]:
        d = tables.deliveries.c
        wanted = _where({d.state: state, d.rule_id: rule, d.client_id: client, d.run_id: run})
        statement = DELIVERIES.select.where(*wanted).order_by(d.planned_at.desc(), d.id.desc()).limit(limit)
        return self._list(DELIVERIES, statement)

    def find_runs(self, prefix: str, *, limit: int = 5) -> list[Run]:
        return self._find(RUNS, prefix, limit)

    def find_deliveries(self, prefix: str, *, limit: int = 5) -> list[Delivery]:
        return self._find(DELIVERIES, prefix, limit)

    def _find(self, rows: Rows[D], prefix: str, limit: int) -> list[D]:
        ident = rows.table.c.id
        begins = sa.func.substr(ident, 1, len(prefix)) == prefix  # LIKE would take another case for the same
        return self._list(rows, rows.select.where(begins).order_by(ident).limit(limit))

    def timers(
        self, *, state: TimerState | None = None, rule: str | None = None, client: str | None = None, limit: int = 50
    ) -> list[Timer]:
        t = tables.timers.c
        wanted = _where({t.state: state, t.rule_id: rule, t.client_id: client})
        if state is None:
            wanted.append(t.state.in_(_OPEN))
        return self._list(TIMERS, TIMERS.select.where(*wanted).order_by(t.due_at, t.rule_id).limit(limit))

    def traces(
        self,
        *,
        client: str | None = None,
        rule: str | None = None,
        subject: str | None = None,
        run: str | None = None,
        verdict: str | None = None,
        since: Instant | None = None,
        limit: int = 100,
    ) -> list[TraceRow]:
        t = tables.traces.c
        wanted = _where(
            {t.client_id: client, t.rule_id: rule, t.subject_id: subject, t.run_id: run, t.verdict: verdict}
        )
        if since is not None:
            wanted.append(t.at >= since)
        return self._list(TRACES, TRACES.select.where(*wanted).order_by(t.at.desc(), t.id.desc()).limit(limit))

    def events(self, *, record: str | None = None, client: str | None = None, limit: int = 50) -> list[StoredEvent]:
        e = tables.events.c
        wanted = _where({e.record_id: record, e.client_id: client})
        return self._list(EVENTS, EVENTS.select.where(*wanted).order_by(e.id.desc()).limit(limit))

    def polls(self, *, limit: int = 20) -> list[PollView]:
        return self._list(POLLS, POLLS.select.order_by(tables.polls.c.id.desc()).limit(limit))

    def notices(self, *, limit: int = 50) -> list[NoticeView]:
        n = tables.notices.c
        return self._list(NOTICES, NOTICES.select.order_by(n.at.desc(), n.key.desc()).limit(limit))

    def pauses(self) -> list[Pause]:
        return self._list(PAUSES, PAUSES.select.order_by(tables.pauses.c.since))

    def rules(self) -> list[RuleRow]:
        return self._list(RULES, RULES.select.order_by(tables.rules.c.rule_id))

    def orders(self, *, limit: int = 20) -> list[Order]:
        o = tables.orders.c
        return self._list(ORDERS, ORDERS.select.where(o.done_at.is_(None)).order_by(o.id).limit(limit))

    def clients(self, search: str = "", *, limit: int = 20) -> list[ClientView]:
        """The text is compared outside the transaction: SQL folds only ASCII, and names have umlauts."""
        r = tables.records.c
        statement = (
            sa.select(r.id, sa.type_coerce(r.raw, sa.Text), r.gone_at)
            .where(r.studio == self.studio, r.kind == Kind.CLIENT)
            .order_by(r.sort_at.desc(), r.id.desc())
        )
        if not search:
            statement = statement.limit(limit)
        rows = self._read(lambda connection: connection.execute(statement).all())
        text = search.casefold()
        found: list[ClientView] = []
        for ident, raw, gone_at in rows:
            view = _client(ident, load_json(raw), gone_at)
            if any(text in (part or "").casefold() for part in (view.id, view.email, view.name)):
                found.append(view)
                if len(found) >= limit:
                    break
        return found

    def suppressed(self) -> list[SuppressedView]:
        """Digests are made of every client that is known: the list itself can't be read."""
        entries = self._list(SUPPRESSIONS, SUPPRESSIONS.select.order_by(tables.suppressions.c.at))
        if not entries:
            return []
        secret = self._read(lambda connection: SqlControl(connection, self.studio).get(SECRET))
        clients = self.clients(limit=_ALL_CLIENTS)
        known = {sealed(secret, "email", one.email): one for one in reversed(clients) if one.email}
        known |= {sealed(secret, "client", one.id): one for one in clients}
        whole: dict[str, SuppressedView] = {}
        for entry in entries:
            client = known.get(entry.digest) or (whole[entry.entry].client if entry.entry in whole else None)
            whole[entry.entry] = SuppressedView(at=entry.at, why=entry.why, client=client)
        return list(whole.values())

    def client_names(self, ids: Iterable[str]) -> dict[str, str]:
        r = tables.records.c
        names: dict[str, str] = {}
        for some in chunks(ids):
            wanted = RECORDS.select.where(r.kind == Kind.CLIENT, r.id.in_(some))
            names |= {row.id: _client(row.id, row.raw, None).name for row in self._list(RECORDS, wanted)}
        return names

    def record(self, record_id: str) -> StoredRecord | None:
        r = tables.records.c
        found = self._list(RECORDS, RECORDS.select.where(r.kind.in_(list(Kind)), r.id == record_id))
        return found[0] if found else None

    def records_of(self, client_id: str) -> list[StoredRecord]:
        r = tables.records.c
        mine = sa.or_(r.client_id == client_id, r.id == client_id)
        return self._list(RECORDS, RECORDS.select.where(mine).order_by(r.sort_at, r.id))

    def versions(self, kind: Kind, record_id: str, *, limit: int = 50) -> list[VersionView]:
        v = tables.record_versions.c
        wanted = VERSIONS.select.where(v.kind == kind, v.record_id == record_id)
        return self._list(VERSIONS, wanted.order_by(v.id.desc()).limit(limit))


def _where(wanted: Mapping[sa.Column[Any], object]) -> list[sa.ColumnElement[bool]]:
    return [column == value for column, value in wanted.items() if value is not None]


def _client(ident: str, raw: Mapping[str, Any], gone_at: Instant | None) -> ClientView:
    def text(name: str) -> str | None:
        value = raw.get(name)
        return None if value is None or isinstance(value, dict | list) else str(value).strip() or None

    name = " ".join(part for part in (text("first_name"), text("last_name")) if part)
    return ClientView(
        id=ident,
        name=name or text("company") or text("email") or ident,
        email=text("email"),
        type=text("type"),
        status=text("status"),
        gone_at=gone_at,
    )
