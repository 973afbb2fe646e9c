"""Laws of the store, whatever is done in whatever order."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.store.builders import T0, at, delivery, record, run

from selftimer.facts.records import Kind
from selftimer.plan.state import FINAL, Delivery, DeliveryState, Run, RunState
from selftimer.store.engine import Database, open_database
from selftimer.store.tx import SqlTx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

S = DeliveryState
CLIENTS = ("cl_1", "cl_2", None)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "selftimer.db", synchronous="OFF")
    yield opened
    opened.close()


@contextmanager
def studio(database: Database, name: str) -> Iterator[SqlTx]:
    with database.engine.connect() as connection, connection.begin() as transaction:
        yield SqlTx(connection, name)
        transaction.rollback()


def settled(row: Delivery) -> bool:
    return row.state in FINAL or row.state is S.HELD


def leased(row: Delivery, now: float) -> bool:
    return row.state in {S.READY, S.UNKNOWN} and row.lease_until is not None and row.lease_until > at(now)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(CLIENTS), st.integers(0, 9), st.sampled_from([S.READY, S.HELD])),
        st.tuples(st.just("claim"), st.integers(1, 3), st.integers(1, 4)),
        st.tuples(st.just("move"), st.integers(0, 30), st.sampled_from(list(S)), st.integers(0, 9)),
        st.tuples(st.just("release"), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.integers(1, 3)),
        st.tuples(st.just("start")),
    ),
    max_size=40,
)


class World:
    """The store beside a dict, step by step; every claim is judged by the dict."""

    def __init__(self, tx: SqlTx) -> None:
        self.tx = tx
        self.rows: dict[str, Delivery] = {}
        self.now = 0
        self.epoch = 1

    def add(self, client: str | None, due: int, state: DeliveryState) -> None:
        row = delivery(f"d{len(self.rows):02}", client_id=client, due_at=at(due), state=state)
        assert self.tx.deliveries.add(row)
        assert not self.tx.deliveries.add(replace(row, id="another"))
        self.rows[row.id] = row

    def claim(self, limit: int, minutes: int) -> None:
        before = dict(self.rows)
        until = at(self.now + minutes)
        got = self.tx.deliveries.claim(at(self.now), limit=limit, lease_until=until, epoch=self.epoch)
        assert len(got) <= limit
        clients = [row.client_id for row in got if row.client_id is not None]
        assert len(clients) == len(set(clients)), "two of one client"
        assert got == sorted(got, key=lambda row: (row.due_at, row.planned_at, row.id)), "not in due order"
        for row in got:
            was = before[row.id]
            assert was.state in {S.READY, S.UNKNOWN}
            assert was.due_at <= at(self.now)
            assert not leased(was, self.now)
            assert not self.blocked(was, before)
            assert row == replace(was, lease_until=until, epoch=self.epoch)
            self.rows[row.id] = row
        if len(got) < limit:
            free = {row.client_id or row.id for row in before.values() if self.claimable(row, before)}
            assert {row.client_id or row.id for row in got} == free, "somebody's turn was forgotten"

    def blocked(self, row: Delivery, rows: dict[str, Delivery]) -> bool:
        others = [o for o in rows.values() if o.id != row.id and o.client_id == row.client_id is not None]
        unsettled = {S.IN_FLIGHT} if row.state is S.UNKNOWN else {S.IN_FLIGHT, S.UNKNOWN}
        return any(o.state in unsettled or leased(o, self.now) for o in others)

    def claimable(self, row: Delivery, rows: dict[str, Delivery]) -> bool:
        due = row.state in {S.READY, S.UNKNOWN} and row.due_at <= at(self.now)
        return due and not leased(row, self.now) and not self.blocked(row, rows)

    def move(self, which: int, state: DeliveryState, due: int) -> None:
        if not self.rows:
            return
        was = list(self.rows.values())[which % len(self.rows)]
        row = replace(was, state=state, due_at=at(due), lease_until=None, attempt=was.attempt + 1)
        wrong = next(s for s in S if s is not was.state)
        assert not self.tx.deliveries.update(row, expect=[wrong])
        assert not self.tx.deliveries.update(row, expect=[was.state], epoch=was.epoch + 1)
        assert self.tx.deliveries.update(row, expect=[wrong, was.state], epoch=was.epoch)
        self.rows[row.id] = row

    def release(self, which: int) -> None:
        if not self.rows:
            return
        was = list(self.rows.values())[which % len(self.rows)]
        self.tx.deliveries.release(was.id)
        if not settled(was) and was.state is not S.IN_FLIGHT:
            self.rows[was.id] = replace(was, lease_until=None)

    def wait(self, minutes: int) -> None:
        self.now += minutes

    def start(self) -> None:
        self.epoch += 1
        orphans = [row for row in self.rows.values() if row.state is S.IN_FLIGHT]
        assert self.tx.deliveries.adopt_orphans(self.epoch, at(self.now)) == len(orphans)
        for row in self.rows.values():
            if row.state is S.IN_FLIGHT:
                self.rows[row.id] = replace(row, state=S.UNKNOWN, due_at=at(self.now), lease_until=None)
            else:
                self.rows[row.id] = replace(row, lease_until=None)


@QUICK
@given(steps=STEPS)
def test_a_claim_takes_exactly_those_whose_turn_it_is(database: Database, steps: list[tuple[Any, ...]]) -> None:
    with studio(database, "s") as tx:
        world = World(tx)
        for what, *args in steps:
            getattr(world, what)(*args)
            held = {row.id: row for state in S for row in tx.deliveries.in_state(state)}
            assert held == world.rows
        due = tx.deliveries.next_due()
        if any(world.claimable(row, world.rows) for row in world.rows.values()):
            assert due is not None
            assert due <= at(world.now), "there is something to do, and nobody would wake for it"


@QUICK
@given(
    runs=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from("12")), max_size=12),
)
def test_an_occurrence_of_an_entry_for_a_subject_has_one_run(
    database: Database, runs: list[tuple[str, str, str]]
) -> None:
    with studio(database, "s") as tx:
        kept: dict[tuple[str, str, str], Run] = {}
        for number, (entry, subject, occurrence) in enumerate(runs):
            one = run(f"r{number}", entry_id=entry, subject_id=subject, occurrence=occurrence)
            assert tx.runs.add(one) is ((entry, subject, occurrence) not in kept)
            kept.setdefault((entry, subject, occurrence), one)
        assert {r.id for r in tx.runs.in_state(RunState.WAITING)} == {r.id for r in kept.values()}


@QUICK
@given(st.lists(st.lists(st.tuples(st.sampled_from(["cl_1", "cl_2"]), st.sampled_from([b"a", b"b"])), max_size=4)))
def test_the_history_has_a_version_for_each_change_and_the_last_is_the_present(
    database: Database, polls: list[list[tuple[str, bytes]]]
) -> None:
    with studio(database, "s") as tx:
        history: dict[str, list[bytes]] = {}
        for number, poll in enumerate(polls):
            tx.records.put([record(ident, digest=digest, poll_id=number) for ident, digest in poll])
            for ident, digest in poll:
                versions = history.setdefault(ident, [])
                if not versions or versions[-1] != digest:
                    versions.append(digest)
        assert tx.records.digests(Kind.CLIENT) == {ident: versions[-1] for ident, versions in history.items()}
        for ident, versions in history.items():
            rows = tx.records._connection.exec_driver_sql(
                "SELECT digest FROM record_versions WHERE studio = 's' AND record_id = ? ORDER BY id", (ident,)
            )
            assert [digest for (digest,) in rows] == versions


@QUICK
@given(
    st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
)
def test_raw_json_comes_back_whatever_it_holds(database: Database, raw: dict[str, Any]) -> None:
    with studio(database, "s") as tx:
        tx.records.put([record("cl_1", raw=raw)])
        found = tx.records.get(Kind.CLIENT, "cl_1")
        assert found is not None
        assert found.raw == raw
        assert found.seen_at == T0
