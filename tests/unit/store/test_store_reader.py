from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.store.builders import T0, at, delivery, event, record, resource, run, timer, trace

from selftimer.errors import StoreError
from selftimer.facts.newfields import NEW_FIELDS
from selftimer.facts.records import Kind
from selftimer.facts.stored import NewField
from selftimer.plan.state import DeliveryState, RunState, TimerState
from selftimer.ports.reader import SetAside
from selftimer.ports.store import Pause, RuleRow
from selftimer.store.engine import open_database
from selftimer.store.reader import SqlReader
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from selftimer.facts.stored import StoredRecord
    from selftimer.ports.reader import StoreReader
    from selftimer.ports.store import Tx


def person(ident: str, first: str, last: str, email: str, **more: Any) -> StoredRecord:
    raw = {"id": ident, "first_name": first, "last_name": last, "email": email, "type": "client", "status": 1}
    return record(ident, raw=raw, **more)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    made = SqlStore(tmp_path / "s.db", "s")
    yield made
    await made.aclose()


@pytest.fixture
def reader(store: SqlStore) -> Iterator[StoreReader]:
    opened = SqlReader(store.database.path, "s")
    yield opened
    opened.close()


async def test_the_status_says_everything_at_a_glance(store: SqlStore, reader: StoreReader) -> None:
    def fill(tx: Tx) -> None:
        poll = tx.records.begin_poll(T0, "full")
        tx.records.end_poll(poll, at(1), requests=8, changed=2, error=None)
        tx.records.put([record("cl_1"), record("cl_2"), record("cl_3", gone_at=T0)])
        tx.records.put_resources([resource(Kind.SESSION, failing_since=T0, error="500")])
        tx.records.put_resources([resource(baseline_at=T0)])
        tx.records.quarantine(Kind.CLIENT, "cl_2", b"bad", "why", T0)
        tx.timers.put(
            [timer("ses_1", due_at=at(9)), timer("ses_2", due_at=at(5)), timer("ses_3", state=TimerState.OPEN)]
        )
        tx.runs.add(run("r1"))
        tx.deliveries.add(delivery("d2", due_at=at(5)))
        tx.deliveries.add(delivery("d1", due_at=at(1), state=DeliveryState.HELD))
        tx.deliveries.add(delivery("d0", state=DeliveryState.SENT))
        tx.control.add_order(T0, "pause", {})
        tx.control.put_pause(Pause(scope="all", id="", since=T0))

    await store.write(fill)
    await store.write(lambda tx: tx.control.put(NEW_FIELDS, {"quote": {"tax": [T0.format_iso(), 3]}}))
    status = reader.status(upcoming=1)

    assert status.studio == "s"
    assert status.last_poll is not None
    assert (status.last_poll.depth, status.last_poll.requests, status.last_poll.ended_at) == ("full", 8, at(1))
    assert list(status.kinds) == [Kind.CLIENT, Kind.SESSION]
    clients = status.kinds[Kind.CLIENT]
    assert (clients.count, clients.quarantined, clients.baseline_done, clients.failing) == (2, 1, True, False)
    assert not status.baseline_done
    assert [kind.resource.error for kind in status.failing] == ["500"]
    assert status.runs == {RunState.WAITING: 1}
    assert status.deliveries == {DeliveryState.HELD: 1, DeliveryState.READY: 1, DeliveryState.SENT: 1}
    assert status.timers == {TimerState.PENDING: 2, TimerState.OPEN: 1}
    assert [t.subject_id for t in status.next_timers] == ["ses_2"]
    assert [d.id for d in status.next_deliveries] == ["d1"]
    assert [p.scope for p in status.pauses] == ["all"]
    assert status.orders == 1
    assert status.new_fields == (NewField(kind=Kind.QUOTE, name="tax", first_seen_at=T0, records=3),)
    assert status.set_aside == (SetAside(kind=Kind.CLIENT, reason="why", records=1),)


async def test_an_empty_database_has_a_status_too(reader: StoreReader) -> None:
    status = reader.status()
    assert (status.last_poll, dict(status.kinds), dict(status.runs), status.baseline_done) == (None, {}, {}, False)


async def test_lists_are_filtered_and_limited_with_the_latest_first(store: SqlStore, reader: StoreReader) -> None:
    def fill(tx: Tx) -> None:
        for i in range(3):
            client = f"cl_{i % 2}"
            tx.runs.add(run(f"r{i}", begun_at=at(i), client_id=client))
            tx.deliveries.add(delivery(f"d{i}", planned_at=at(i), client_id=client, run_id=f"r{i}"))
            tx.traces.add([trace(at=at(i), client_id=client, what=f"w{i}", verdict="no" if i else "begun")])
            tx.events.add(event(client_id=client, record_id=f"in_{i}"))
            tx.timers.put([timer(f"ses_{i}", client_id=client, due_at=at(-i))])
            tx.control.notice(at(i), f"subject {i}", "text", key=f"k{i}")
            tx.records.begin_poll(at(i), "full")

    await store.write(fill)

    assert [r.id for r in reader.runs()] == ["r2", "r1", "r0"]
    assert [r.id for r in reader.runs(client="cl_0", limit=1)] == ["r2"]
    assert reader.runs(state=RunState.ENDED) == reader.runs(rule="other") == []
    assert [d.id for d in reader.deliveries(client="cl_0", rule="reminder")] == ["d2", "d0"]
    assert [d.id for d in reader.deliveries(state=DeliveryState.READY, run="r1")] == ["d1"]
    assert [t.what for t in reader.traces(client="cl_0")] == ["w2", "w0"]
    assert [t.what for t in reader.traces(since=at(1), verdict="no", rule="thanks", subject="in_1")] == ["w2", "w1"]
    assert [e.record_id for e in reader.events(limit=2)] == ["in_2", "in_1"]
    assert [e.record_id for e in reader.events(record="in_0", client="cl_0")] == ["in_0"]
    assert [t.subject_id for t in reader.timers(limit=2)] == ["ses_2", "ses_1"]
    assert reader.timers(state=TimerState.DONE, client="cl_0", rule="reminder") == []
    assert [n.subject for n in reader.notices(limit=1)] == ["subject 2"]
    assert [p.begun_at for p in reader.polls(limit=1)] == [at(2)]


async def test_an_id_may_be_shortened_and_its_case_matters(store: SqlStore, reader: StoreReader) -> None:
    def fill(tx: Tx) -> None:
        for ident in ("abc1", "abd2", "ABC3", "a%c"):
            tx.runs.add(run(ident))
            tx.deliveries.add(delivery(ident))

    await store.write(fill)

    assert [r.id for r in reader.find_runs("ab")] == ["abc1", "abd2"]
    assert [r.id for r in reader.find_runs("abc")] == ["abc1"]
    assert [d.id for d in reader.find_deliveries("a%")] == ["a%c"]
    assert reader.find_deliveries("x") == []


async def test_a_client_is_found_by_id_email_or_name_in_any_case(store: SqlStore, reader: StoreReader) -> None:
    people = [
        person("cl_Ab1", "Özlem", "Straße", "oz@example.com", created_at=at(1)),
        person("cl_Ab2", "Ada", "Byron", "ada@example.com", created_at=at(2), gone_at=at(3)),
        record("cl_3", raw={"id": "cl_3", "first_name": None, "company": "Foto GmbH", "email": 7}),
        record("ses_1", kind=Kind.SESSION, raw={"first_name": "Ada"}),
    ]
    await store.write(lambda tx: tx.records.put(people))

    assert [c.id for c in reader.clients("özl")] == ["cl_Ab1"]
    assert [c.name for c in reader.clients("STRASSE")] == ["Özlem Straße"]
    assert [(c.id, c.gone_at) for c in reader.clients("ADA@example")] == [("cl_Ab2", at(3))]
    assert [c.id for c in reader.clients("cl_ab")] == ["cl_Ab2", "cl_Ab1"]
    assert [c.id for c in reader.clients(limit=2)] == ["cl_Ab2", "cl_Ab1"]
    assert reader.clients("nobody") == []
    assert reader.client_names(["cl_3", "cl_Ab1", "cl_9"]) == {"cl_3": "Foto GmbH", "cl_Ab1": "Özlem Straße"}


async def test_a_record_and_what_it_was_are_shown(store: SqlStore, reader: StoreReader) -> None:
    def fill(tx: Tx) -> None:
        tx.records.put([record("in_1", kind=Kind.INVOICE, digest=b"1", raw={"status": "unpaid"}, poll_id=1)])
        tx.records.put([record("in_1", kind=Kind.INVOICE, digest=b"2", raw={"status": "paid"}, poll_id=2)])

    await store.write(fill)

    found = reader.record("in_1")
    assert found is not None
    assert (found.kind, found.raw) == (Kind.INVOICE, {"status": "paid"})
    assert reader.record("in_2") is None
    assert [(v.poll_id, v.raw["status"]) for v in reader.versions(Kind.INVOICE, "in_1")] == [(2, "paid"), (1, "unpaid")]


async def test_rules_pauses_and_waiting_orders_are_shown(store: SqlStore, reader: StoreReader) -> None:
    row = RuleRow(rule_id="thanks", version="v1", activation="a", active_since=T0)

    def fill(tx: Tx) -> None:
        tx.rules.put(row)
        tx.control.put_pause(Pause(scope="client", id="cl_1", since=T0))
        tx.control.finish_order(tx.control.add_order(T0, "skip", {}), T0, {})
        tx.control.add_order(T0, "approve", {"id": "d1"})

    await store.write(fill)
    assert reader.rules() == [row]
    assert [p.id for p in reader.pauses()] == ["cl_1"]
    assert [o.what for o in reader.orders()] == ["approve"]


@pytest.mark.parametrize("module", [None, "sqlite3"])
async def test_a_reader_sees_each_commit_of_a_service_at_work_and_leaves_the_file_readable(
    tmp_path: Path, module: str | None
) -> None:
    store = SqlStore(open_database(tmp_path / "t.db", module=module), "s")
    await store.write(lambda tx: tx.control.put("x", 1))
    reader = SqlReader(tmp_path / "t.db", module=module)

    assert reader.studio == "s"
    for number in range(3):
        await store.write(lambda tx, number=number: tx.runs.add(run(f"r{number}")))  # type: ignore[misc]  # bound now
        assert len(reader.runs()) == number + 1
    await store.database.aclose()
    assert len(reader.runs()) == 3
    reader.close()
    with_nobody = SqlReader(tmp_path / "t.db", "s", module=module)
    assert len(with_nobody.runs()) == 3
    with_nobody.close()


async def test_a_reader_writes_nothing(store: SqlStore) -> None:
    opened = SqlReader(store.database.path, "s")
    with pytest.raises(StoreError, match="can't be written"):
        opened._read(lambda connection: connection.exec_driver_sql("DELETE FROM named"))
    opened.close()


async def test_the_studio_need_only_be_named_where_there_are_several(store: SqlStore) -> None:
    assert SqlReader(store.database.path).studio == ""
    await store.write(lambda tx: tx.control.put("x", 1))
    only = SqlReader(store.database.path)
    assert (only.studio, only.studios()) == ("s", ["s"])
    await SqlStore(store.database, "t").write(lambda tx: tx.control.put("x", 1))
    with pytest.raises(StoreError, match=r"several studios \(s, t\)"):
        SqlReader(store.database.path)


def test_no_database_is_said_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        SqlReader(tmp_path / "s.db")
    assert not (tmp_path / "s.db").exists()


def test_tables_of_another_version_are_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "s.db").touch()
    with pytest.raises(StoreError, match="tables of version none"):
        SqlReader(tmp_path / "s.db")


async def test_a_damaged_file_is_said(store: SqlStore, reader: StoreReader) -> None:
    await store.aclose()
    reader.close()
    store.database.path.write_bytes(b"garbage " * 2_000)
    with pytest.raises(StoreError, match="is damaged"):
        SqlReader(store.database.path, "s")
