"""What every store promises about people (ports/people.py): a list of digests, and that what is forgotten is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.store.builders import T0, at, delivery, event, record, run, timer, trace
from tests.unit.store.stores import STORES

from selftimer.facts.records import Kind
from selftimer.plan.state import RunState
from selftimer.ports.people import Suppression
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from selftimer.ports.store import Tx
    from selftimer.store.store import SqlStore


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    made = STORES[request.param](tmp_path, "studio-a")
    yield made
    await made.aclose()
    await made.database.aclose()


def listed(digest: str, entry: str = "one", **given: Any) -> Suppression:
    return Suppression(**{"digest": digest, "entry": entry, "what": "client", "at": T0, **given})


async def test_what_was_put_on_the_list_together_is_taken_off_together(store: SqlStore) -> None:
    await store.write(lambda tx: tx.people.suppress([listed("a"), listed("b"), listed("c", "two")]))
    await store.write(lambda tx: tx.people.suppress([listed("a", "three")]))

    assert await store.read(lambda tx: tx.people.is_suppressed(["x", "b"]))
    assert not await store.read(lambda tx: tx.people.is_suppressed(["x"]))
    assert [one.entry for one in await store.read(lambda tx: tx.people.suppressions())] == ["one", "one", "two"]
    assert await store.write(lambda tx: tx.people.unsuppress(["b"])) == 2
    assert await store.write(lambda tx: tx.people.unsuppress(["b"])) == 0
    assert not await store.read(lambda tx: tx.people.is_suppressed(["a", "b"]))
    assert await store.read(lambda tx: tx.people.is_suppressed(["c"]))


def furnish(tx: Tx) -> None:
    """Anna with an invoice, its payment and all that follows from them; Ben with the same."""
    for who in ("anna", "ben"):
        client, raw = f"cl_{who}", {"name": f"secret-{who}"}
        tx.records.put(
            [
                record(client, raw=raw),
                record(f"in_{who}", kind=Kind.INVOICE, client_id=client, raw=raw),
                record(f"pay_{who}", kind=Kind.PAYMENT, client_id=None, parent_id=f"in_{who}", raw=raw),
            ]
        )
        tx.records.quarantine(Kind.INVOICE, f"in_{who}", b"odd", f"secret-{who}", T0)
        tx.events.add(event(client_id=client, record_id=f"in_{who}", before=raw))
        tx.events.add(event(client_id=None, record_id=f"pay_{who}", before=raw))
        tx.timers.put([timer(f"in_{who}", client_id=client), timer(f"pay_{who}", client_id=None)])
        tx.traces.add([trace(client_id=client, detail=raw), trace(client_id=None, subject_id=f"in_{who}", detail=raw)])
        tx.rules.put_truth("rule", "trigger", client, T0, value=True)
        tx.runs.add(run(f"run_{who}", client_id=client, repeat_key=f"={who}@x", inputs=raw))
        tx.control.notice(T0, "one", f"about cl_{who}.", key=f"k:{who}")
        tx.control.notice(T0, "one", f"secret-{who} Surname was told", key=f"n:{who}")


async def test_what_is_forgotten_of_one_is_all_of_them_and_nothing_of_others(store: SqlStore) -> None:
    await store.write(furnish)

    def forget(tx: Tx) -> list[tuple[Kind, str]]:
        records = tx.people.records_of("cl_anna")
        tx.people.forget_records("cl_anna", records)
        assert tx.people.empty_runs("cl_anna", at(5), lambda key: f"sealed {len(key)}") == ["run_anna"]
        assert tx.people.forget_notices({"cl_anna"}, ["secret-anna"]) == 2
        return records

    records = await store.write(forget)
    assert set(records) == {(Kind.CLIENT, "cl_anna"), (Kind.INVOICE, "in_anna"), (Kind.PAYMENT, "pay_anna")}
    kept = await store.read(lambda tx: (tx.runs.get("run_anna"), tx.runs.get("run_ben")))
    assert kept[0] is not None
    assert (kept[0].state, kept[0].repeat_key, kept[0].inputs) == (RunState.ENDED, "sealed 7", {})
    assert kept[1] is not None
    assert (kept[1].state, kept[1].repeat_key) == (RunState.WAITING, "=ben@x")
    assert await store.compact()
    for file in store.database.path.parent.iterdir():
        assert b"secret-anna" not in file.read_bytes(), file
    assert b"secret-ben" in store.database.path.read_bytes()

    def left(tx: Tx) -> list[object]:
        return [
            tx.timers.get("reminder", "before", "in_anna"),
            tx.timers.get("reminder", "before", "pay_anna"),
            tx.rules.truth("rule", "trigger", "cl_anna"),
            *(one for one in tx.events.in_state("done") if one.record_id.endswith("anna")),
        ]

    assert set(await store.read(left)) == {None}
    assert await store.read(lambda tx: tx.timers.get("reminder", "before", "pay_ben")) is not None
    assert await store.read(lambda tx: tx.rules.truth("rule", "trigger", "cl_ben")) is True
    reader = SqlReader(store.database.path, "studio-a")
    assert {row.subject_id for row in reader.traces()} == {"in_1", "in_ben"}
    assert {notice.key for notice in reader.notices()} == {"k:ben", "n:ben"}
    reader.close()


async def test_orders_about_somebody_are_emptied_and_others_are_as_they_were(store: SqlStore) -> None:
    def put(tx: Tx) -> list[int]:
        said = ({"id": "dlv_anna", "seen": "Dear Anna"}, {"email": "anna@x"}, {"id": "dlv_annabel"})
        return [tx.control.add_order(T0, "approve", args) for args in said]

    await store.write(put)
    await store.write(lambda tx: tx.people.forget_orders({"dlv_anna"}, ["anna@x"]))
    assert [order.args for order in await store.read(lambda tx: tx.control.orders())] == [{}, {}, {"id": "dlv_annabel"}]


async def test_an_id_that_another_one_begins_with_is_not_that_one(store: SqlStore) -> None:
    await store.write(lambda tx: tx.control.notice(T0, "x", "about cl_annabel.", key="k"))
    assert await store.write(lambda tx: tx.people.forget_notices({"cl_anna"}, [])) == 0


async def test_deliveries_and_decisions_that_speak_of_somebody_are_found_by_a_phrase(store: SqlStore) -> None:
    def put(tx: Tx) -> None:
        tx.deliveries.add(delivery("d1", text="write to Fred@example.com soon"))
        tx.deliveries.add(delivery("d2", body={"email": "fred@example.com"}))
        tx.deliveries.add(delivery("d3", text="write to 100%_of them"))
        tx.traces.add([trace(detail={"value": "fred@example.com"}), trace(detail={"value": "ben@example.com"})])

    await store.write(put)
    found = await store.read(lambda tx: tx.people.deliveries_about(["fred@example.com"]))
    assert found == ["d1", "d2"]
    await store.write(lambda tx: tx.people.forget_traces_about(["fred@example.com"]))
    reader = SqlReader(store.database.path, "studio-a")
    assert [row.detail for row in reader.traces()] == [{"value": "ben@example.com"}]
    reader.close()


async def test_a_reader_in_the_way_is_said_and_the_next_try_empties_the_journal(store: SqlStore) -> None:
    await store.write(lambda tx: tx.control.notice(T0, "x", "a-secret", key="k"))
    if store.database.library.journal != "WAL":
        return  # there a reader makes the writer wait, and nothing is left beside the database
    other = store.database.library.module.connect(store.database.path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM notices").fetchall()
    await store.write(lambda tx: tx.people.forget_notices(set(), ["a-secret"]))
    assert not await store.compact()
    other.execute("COMMIT")
    other.close()
    assert await store.compact()
    assert not any(b"a-secret" in file.read_bytes() for file in store.database.path.parent.iterdir())
