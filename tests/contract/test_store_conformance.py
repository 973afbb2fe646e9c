"""What every store promises (ports/store.py). Transactions, records, events, rules, control; the rest beside this."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.store.builders import T0, at, delivery, entry, event, record, resource, run, timer, trace
from tests.unit.store.stores import STORES

from selftimer.errors import StoreError
from selftimer.facts.records import Kind
from selftimer.facts.stored import HookCall, Look
from selftimer.plan.state import DeliveryState
from selftimer.ports.store import Cap, Pause, RuleRow
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from selftimer.ports.store import Store, Tx

S = DeliveryState


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = STORES[request.param](tmp_path, "studio-a")
    yield made
    await made.aclose()
    await made.database.aclose()


# --- transactions


async def test_work_that_fails_leaves_nothing_behind(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.control.put("x", 1)
        tx.deliveries.add(delivery("d1"))
        raise ValueError("a mistake in the caller")

    with pytest.raises(ValueError, match="a mistake"):
        await store.write(work)

    assert await store.read(lambda tx: (tx.control.get("x"), tx.deliveries.get("d1"))) == (None, None)


async def test_a_store_goes_on_after_work_that_failed(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.control.put("x", 1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(work)
    await store.write(lambda tx: tx.control.put("x", 2))

    assert await store.read(lambda tx: tx.control.get("x")) == 2


async def test_a_read_must_not_write(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.read(lambda tx: tx.control.put("x", 1))

    assert await store.read(lambda tx: tx.control.get("x")) is None


async def test_a_write_gives_back_what_its_work_gave_back(store: Store) -> None:
    assert await store.write(lambda tx: tx.control.next_epoch()) == 1


# --- records


async def test_a_record_comes_back_as_it_was_put(store: Store) -> None:
    given = record(
        "cl_1",
        raw={"name": "Zoë \ud83d", "n": 2**70, "list": [1, None, {"a": True}]},
        parent_id="p",
        open=True,
        baseline=True,
        created_at=at(1.000_01),
    )
    await store.write(lambda tx: tx.records.put([given]))

    assert await store.read(lambda tx: tx.records.get(Kind.CLIENT, "cl_1")) == given
    assert await store.read(lambda tx: tx.records.get(Kind.SESSION, "cl_1")) is None


async def test_lists_are_newest_first_and_those_of_a_client_oldest_first(store: Store) -> None:
    records = [
        record(f"ses_{i}", kind=Kind.SESSION, client_id="cl_1", created_at=at(i), open=i == 2) for i in (2, 1, 3)
    ]
    unknown_age = record("ses_0", kind=Kind.SESSION, client_id="cl_1", created_at=None, first_seen_at=at(0))
    await store.write(lambda tx: tx.records.put([*records, unknown_age]))

    def work(tx: Tx) -> tuple[list[str], list[tuple[str, bool]], list[str]]:
        return (
            [r.id for r in tx.records.all(Kind.SESSION)],
            tx.records.order(Kind.SESSION),
            [r.id for r in tx.records.of_client(Kind.SESSION, "cl_1")],
        )

    newest, order, oldest = await store.read(work)
    assert newest == ["ses_3", "ses_2", "ses_1", "ses_0"]
    assert order == [("ses_3", False), ("ses_2", True), ("ses_1", False), ("ses_0", False)]
    assert oldest == newest[::-1]


async def test_all_goes_on_while_the_caller_writes(store: Store) -> None:
    await store.write(lambda tx: tx.records.put([record(f"cl_{i:04}") for i in range(1_200)]))

    def work(tx: Tx) -> int:
        seen = 0
        for found in tx.records.all(Kind.CLIENT):
            tx.records.put([replace(found, digest=b"second", created_at=at(seen))])
            seen += 1
        return seen

    assert await store.write(work) == 1_200


async def test_children_are_found_by_their_parent(store: Store) -> None:
    messages = [record(f"msg_{i}", kind=Kind.MESSAGE, parent_id="conv_1", created_at=at(i)) for i in (2, 1)]
    other = record("msg_9", kind=Kind.MESSAGE, parent_id="conv_2")
    await store.write(lambda tx: tx.records.put([*messages, other]))

    found = await store.read(lambda tx: tx.records.of_parent(Kind.MESSAGE, "conv_1"))
    assert [r.id for r in found] == ["msg_1", "msg_2"]


async def test_digests_are_those_of_records_that_are_not_gone(store: Store) -> None:
    await store.write(lambda tx: tx.records.put([record(f"cl_{i}", digest=bytes([i])) for i in range(3)]))
    await store.write(lambda tx: tx.records.mark_gone(Kind.CLIENT, "cl_1", at(5)))

    assert await store.read(lambda tx: tx.records.digests(Kind.CLIENT)) == {"cl_0": b"\0", "cl_2": b"\2"}
    assert await store.read(lambda tx: tx.records.digests(Kind.CLIENT, ["cl_2", "cl_1", "cl_9"])) == {"cl_2": b"\2"}
    assert await store.read(lambda tx: tx.records.digests(Kind.CLIENT, [])) == {}
    assert await store.read(lambda tx: tx.records.count(Kind.CLIENT)) == 2
    gone = await store.read(lambda tx: tx.records.get(Kind.CLIENT, "cl_1"))
    assert gone is not None
    assert gone.gone_at == at(5)
    some = await store.read(lambda tx: tx.records.some(Kind.CLIENT, ["cl_1", "cl_2", "cl_9"]))
    assert {ident: row.gone_at for ident, row in some.items()} == {"cl_1": at(5), "cl_2": None}


async def test_thousands_of_ids_are_asked_for_at_once(store: Store) -> None:
    ids = [f"cl_{i}" for i in range(2_500)]
    await store.write(lambda tx: tx.records.put([record(i) for i in ids]))

    assert len(await store.read(lambda tx: tx.records.digests(Kind.CLIENT, [*ids, *ids]))) == 2_500


async def test_missing_counts_sweeps_in_a_row(store: Store) -> None:
    await store.write(lambda tx: tx.records.put([record("cl_1"), record("cl_2"), record("cl_3")]))
    for absent in (["cl_1", "cl_2"], ["cl_1"], ["cl_1", "cl_3"]):
        await store.write(lambda tx, absent=absent: tx.records.mark_missing(Kind.CLIENT, absent))  # type: ignore[misc]  # bound now

    def work(tx: Tx) -> dict[str, int]:
        return {r.id: r.missing for r in tx.records.all(Kind.CLIENT)}

    assert await store.read(work) == {"cl_1": 3, "cl_2": 0, "cl_3": 1}

    await store.write(lambda tx: tx.records.put([record("qu_1", kind=Kind.QUOTE), record("se_1", kind=Kind.SESSION)]))
    await store.write(lambda tx: tx.records.mark_gone(Kind.CLIENT, "cl_3", at(5)))
    kinds = [Kind.CLIENT, Kind.QUOTE, Kind.INVOICE]
    assert await store.read(lambda tx: tx.records.absences(kinds)) == {
        Kind.CLIENT: {"cl_1": 3, "cl_2": 0},
        Kind.QUOTE: {"qu_1": 0},
        Kind.INVOICE: {},
    }


async def test_records_are_closed_by_time_alone(store: Store) -> None:
    await store.write(lambda tx: tx.records.put([record("cl_1", open=True), record("cl_2", open=True)]))
    await store.write(lambda tx: tx.records.close(Kind.CLIENT, ["cl_1"]))

    assert dict(await store.read(lambda tx: tx.records.order(Kind.CLIENT))) == {"cl_1": False, "cl_2": True}


async def test_a_record_that_cannot_be_read_keeps_its_last_good_version_and_is_news_once(store: Store) -> None:
    await store.write(lambda tx: tx.records.put([record("cl_1", raw={"ok": 1})]))

    def bad(digest: bytes) -> Callable[[Tx], bool]:
        return lambda tx: tx.records.quarantine(Kind.CLIENT, "cl_1", digest, "type is 'robot'", at(1))

    assert [await store.write(bad(d)) for d in (b"bad", b"bad", b"worse", b"worse")] == [True, False, True, False]
    kept = await store.read(lambda tx: tx.records.get(Kind.CLIENT, "cl_1"))
    assert kept is not None
    assert (kept.raw, kept.quarantine) == ({"ok": 1}, "type is 'robot'")


async def test_a_quarantined_record_is_looked_at_again_until_it_can_be_read(store: Store) -> None:
    await store.write(lambda tx: tx.records.put([record("cl_1", digest=b"good")]))
    await store.write(lambda tx: tx.records.quarantine(Kind.CLIENT, "cl_1", b"bad", "why", at(1)))

    digests = await store.read(lambda tx: tx.records.digests(Kind.CLIENT))
    assert digests["cl_1"] not in {b"good", b"bad"}

    await store.write(lambda tx: tx.records.put([record("cl_1", digest=b"good")]))
    assert await store.read(lambda tx: tx.records.digests(Kind.CLIENT)) == {"cl_1": b"good"}
    assert await store.write(lambda tx: tx.records.quarantine(Kind.CLIENT, "cl_1", b"bad", "why", at(2)))


async def test_a_record_that_never_could_be_read_is_no_record_but_no_news_again(store: Store) -> None:
    def bad(tx: Tx) -> bool:
        return tx.records.quarantine(Kind.CLIENT, "cl_1", b"bad", "why", at(1))

    assert [await store.write(bad), await store.write(bad)] == [True, False]
    assert await store.read(lambda tx: tx.records.get(Kind.CLIENT, "cl_1")) is None
    assert await store.read(lambda tx: tx.records.digests(Kind.CLIENT)) == {}


async def test_what_is_set_aside_is_listed_with_its_reason_until_it_is_let_go(store: Store) -> None:
    def fill(tx: Tx) -> None:
        tx.records.put([record("cl_1"), record("cl_2")])
        for ident in ("cl_1", "cl_2", "odd", ""):
            tx.records.quarantine(Kind.CLIENT, ident, b"bad", f"why {ident}", at(1))

    await store.write(fill)
    await store.write(lambda tx: tx.records.release(Kind.CLIENT, ["odd", ""]))
    await store.write(lambda tx: tx.records.put([record("cl_2", digest=b"new")]))
    assert await store.read(lambda tx: tx.records.quarantined()) == {Kind.CLIENT: {"cl_1": "why cl_1"}}


async def test_whether_the_owner_was_told_can_be_asked(store: Store) -> None:
    await store.write(lambda tx: tx.control.notice(T0, "Subject", "Text", key="one"))
    assert await store.read(lambda tx: [tx.control.told(key) for key in ("one", "other")]) == [True, False]


async def test_how_far_a_list_is_known_is_kept(store: Store) -> None:
    given = resource(baseline_at=at(1), total=5, ordered=True, sweep_digest=b"x", frozen="3 vanished", failing_since=T0)
    await store.write(lambda tx: tx.records.put_resources([resource()]))
    await store.write(lambda tx: tx.records.put_resources([given]))

    assert await store.read(lambda tx: tx.records.resource(Kind.CLIENT)) == given
    assert await store.read(lambda tx: tx.records.resource(Kind.QUOTE)) is None

    await store.write(lambda tx: tx.records.put_resources([resource(Kind.QUOTE), resource(Kind.CLIENT, total=6)]))
    await store.write(lambda tx: tx.records.put_resources([]))
    both = {Kind.CLIENT: resource(Kind.CLIENT, total=6), Kind.QUOTE: resource(Kind.QUOTE)}
    assert await store.read(lambda tx: tx.records.resources()) == both


async def test_polls_have_numbers_that_rise(store: Store) -> None:
    first = await store.write(lambda tx: tx.records.begin_poll(T0, "full"))
    await store.write(lambda tx: tx.records.end_poll(first, at(1), requests=8, changed=2, error=None))
    second = await store.write(lambda tx: tx.records.begin_poll(at(5), "signals"))

    assert second > first


# --- events


async def test_an_event_comes_back_and_is_changed(store: Store) -> None:
    given = event(before={"status": "unpaid"}, changed=("status", "paid"), own=True)
    ident = await store.write(lambda tx: tx.events.add(given))
    parked = replace(given, id=ident, state="parked", reason="client is missing")
    await store.write(lambda tx: tx.events.update(parked))

    assert await store.read(lambda tx: tx.events.get(ident)) == parked
    assert await store.read(lambda tx: tx.events.in_state("parked")) == [parked]
    assert await store.read(lambda tx: tx.events.in_state("done")) == []


async def test_a_settling_event_is_found_for_its_rule(store: Store) -> None:
    given = event(state="settling", settle_rule="thanks", settle_until=at(30))
    ident = await store.write(lambda tx: tx.events.add(given))
    await store.write(lambda tx: tx.events.add(event()))

    assert await store.read(lambda tx: tx.events.settling("invoice.paid", "in_1", "thanks")) == replace(given, id=ident)
    assert await store.read(lambda tx: tx.events.settling("invoice.paid", "in_1", "other")) is None
    assert await store.read(lambda tx: tx.events.next_settled()) == at(30)
    await store.write(lambda tx: tx.events.update(replace(given, id=ident, state="done")))
    assert await store.read(lambda tx: tx.events.next_settled()) is None


async def test_events_of_a_time_are_found_by_their_name(store: Store) -> None:
    times = {"a": at(0), "b": at(10), "c": at(20), "d": at(10), "e": at(10)}

    def add(tx: Tx) -> None:
        for name, time in times.items():
            state = "settling" if name == "d" else "done"
            tx.events.add(event(record_id=name, at=time, state=state, name="x" if name == "e" else "invoice.paid"))

    await store.write(add)
    found = await store.read(lambda tx: tx.events.between("invoice.paid", at(0), at(20)))
    assert [one.record_id for one in found] == ["a", "b"]


# --- rules


async def test_what_a_becomes_last_was_is_kept_for_each_rule_trigger_and_record(store: Store) -> None:
    def judge(tx: Tx) -> None:
        tx.rules.put_truth("thanks", "becomes", "in_1", T0, value=False)
        tx.rules.put_truth("thanks", "becomes", "in_1", at(1), value=True)
        tx.rules.put_truth("thanks", "becomes#2", "in_1", at(1), value=False)
        tx.rules.put_truth("other", "becomes", "in_1", at(1), value=False)

    def look(tx: Tx) -> list[bool | None]:
        asked = (("thanks", "becomes", "in_1"), ("thanks", "becomes#2", "in_1"), ("other", "becomes", "in_1"))
        return [tx.rules.truth(*one) for one in (*asked, ("thanks", "becomes", "in_2"))]

    await store.write(judge)
    assert await store.read(look) == [True, False, False, None]
    await store.write(lambda tx: tx.rules.forget_truths("thanks"))
    assert await store.read(look) == [None, None, False, None]


async def test_rules_and_the_text_of_each_version_are_kept(store: Store) -> None:
    row = RuleRow(rule_id="thanks", version="v1", activation="a", active_since=T0)
    await store.write(lambda tx: tx.rules.put(row))
    await store.write(lambda tx: tx.rules.put(replace(row, version="v2", title="Thanks", removed_at=at(9))))
    await store.write(lambda tx: tx.rules.put_version("thanks", "v1", {"send": "hello"}, T0))
    await store.write(lambda tx: tx.rules.put_version("thanks", "v1", {"send": "other"}, T0))

    assert await store.read(lambda tx: tx.rules.rows()) == {
        "thanks": replace(row, version="v2", title="Thanks", removed_at=at(9))
    }
    assert await store.read(lambda tx: tx.rules.source("thanks", "v1")) == {"send": "hello"}
    assert await store.read(lambda tx: tx.rules.source("thanks", "v9")) is None


# --- traces and control


async def test_traces_are_kept_until_they_are_pruned(store: Store) -> None:
    await store.write(lambda tx: tx.traces.add([trace(at=at(i), detail={"path": [i]}) for i in range(5)]))
    await store.write(lambda tx: tx.traces.add([]))

    assert await store.write(lambda tx: tx.traces.prune(at(3))) == 3
    assert await store.write(lambda tx: tx.traces.prune(at(3))) == 0


async def test_records_are_found_by_how_their_id_begins_and_by_when_they_came_to_be(store: Store) -> None:
    rows = [record("cl_ab", created_at=at(1)), record("cl_abc", created_at=at(2)), record("cl_b", created_at=at(1))]
    await store.write(lambda tx: tx.records.put([*rows, record("cl_abd"), record("se_a", kind=Kind.SESSION)]))
    await store.write(lambda tx: tx.records.mark_gone(Kind.CLIENT, "cl_abd", at(5)))

    def beginning(*texts: str) -> Callable[[Tx], list[str]]:
        return lambda tx: sorted(tx.records.beginning_with(Kind.CLIENT, texts))

    assert await store.read(beginning("cl_ab")) == ["cl_ab", "cl_abc"]
    assert await store.read(beginning("cl_abc", "cl_b", "cl_ab", "se_")) == ["cl_ab", "cl_abc", "cl_b"]
    assert await store.read(beginning(*(f"cl_{i}" for i in range(99)), "cl_b")) == ["cl_b"]
    assert await store.read(beginning()) == []
    assert sorted(await store.read(lambda tx: tx.records.created_at(Kind.CLIENT, at(1)))) == ["cl_ab", "cl_b"]


async def test_orders_wait_until_they_are_finished(store: Store) -> None:
    first = await store.write(lambda tx: tx.control.add_order(T0, "approve", {"id": "d1"}))
    second = await store.write(lambda tx: tx.control.add_order(T0, "pause", {}))

    waiting = await store.read(lambda tx: tx.control.orders())
    assert [(o.id, o.what, o.args) for o in waiting] == [(first, "approve", {"id": "d1"}), (second, "pause", {})]
    assert await store.read(lambda tx: tx.control.order_result(first)) is None
    await store.write(lambda tx: tx.control.finish_order(first, at(1), {"ok": True}))
    assert await store.read(lambda tx: tx.control.order_result(first)) == {"ok": True}
    assert [o.id for o in await store.read(lambda tx: tx.control.orders())] == [second]


async def test_looks_for_galleries_are_due_in_order_each_client_once(store: Store) -> None:
    def work(tx: Tx) -> None:
        for client, due in (("cl_1", 5), ("cl_2", 3), ("cl_3", 9)):
            tx.looks.put(Look(client_id=client, due_at=at(due)))
        tx.looks.put(Look(client_id="cl_2", due_at=at(6), looked_at=at(3), absent=("g1", "g2")))

    assert await store.read(lambda tx: tx.looks.next_due()) is None
    await store.write(work)
    due = await store.read(lambda tx: tx.looks.due(at(6), 5))
    assert [look.client_id for look in due] == ["cl_1", "cl_2"]
    assert due[1] == Look(client_id="cl_2", due_at=at(6), looked_at=at(3), absent=("g1", "g2"))
    assert [look.client_id for look in await store.read(lambda tx: tx.looks.due(at(99), 1))] == ["cl_1"]
    assert await store.read(lambda tx: tx.looks.next_due()) == at(5)
    await store.write(lambda tx: tx.looks.drop("cl_1"))
    assert await store.read(lambda tx: tx.looks.get("cl_1")) is None
    assert await store.read(lambda tx: tx.looks.next_due()) == at(6)


async def test_a_call_from_outside_is_kept_once_and_waits_until_it_is_finished(store: Store) -> None:
    def work(tx: Tx) -> list[bool]:
        first = HookCall(name="form", id="a", at=at(2), fields={"email": "x"}, dropped=3)
        return [
            tx.hooks.add(first),
            tx.hooks.add(replace(first, fields={})),
            tx.hooks.add(replace(first, name="other", at=at(1))),
            tx.hooks.add(replace(first, id="b", at=at(3))),
        ]

    assert await store.write(work) == [True, False, True, True]
    waiting = await store.read(lambda tx: tx.hooks.waiting())
    assert [(call.name, call.id) for call in waiting] == [("other", "a"), ("form", "a"), ("form", "b")]
    assert waiting[1] == HookCall(name="form", id="a", at=at(2), fields={"email": "x"}, dropped=3)
    assert [call.name for call in await store.read(lambda tx: tx.hooks.waiting(1))] == ["other"]
    await store.write(lambda tx: tx.hooks.finish("form", "a", at(4)))
    assert len(await store.read(lambda tx: tx.hooks.waiting())) == 2
    kept = await store.read(lambda tx: tx.hooks.get("form", "a"))
    assert kept is not None
    assert kept.done_at == at(4)
    assert await store.read(lambda tx: tx.hooks.get("form", "z")) is None


async def test_a_call_is_forgotten_when_its_time_is_over_and_no_run_speaks_of_it(store: Store) -> None:
    def work(tx: Tx) -> None:
        for ident, done in (("waits", None), ("old", at(1)), ("spoken", at(1)), ("ended", at(1)), ("new", at(9))):
            tx.hooks.add(HookCall(name="form", id=ident, at=T0, fields={}, done_at=done))
        for ident, ended in (("spoken", None), ("ended", at(2))):
            about = {"subject_kind": None, "subject_id": f"form/{ident}", "occurrence": f"webhook:{ident}"}
            tx.runs.add(run(f"run_{ident}", **about, ended_at=ended))

    await store.write(work)
    assert await store.write(lambda tx: tx.hooks.prune(at(5))) == 2
    left = await store.read(
        lambda tx: [i for i in ("waits", "old", "spoken", "ended", "new") if tx.hooks.get("form", i) is not None]
    )
    assert left == ["waits", "spoken", "new"]


async def test_pauses_stand_until_they_are_removed(store: Store) -> None:
    pause = Pause(scope="rule", id="thanks", since=T0, why="typo")
    await store.write(lambda tx: tx.control.put_pause(replace(pause, why="")))
    await store.write(lambda tx: tx.control.put_pause(pause))

    assert await store.read(lambda tx: tx.control.pauses()) == [pause]
    assert await store.write(lambda tx: tx.control.remove_pause("rule", "thanks"))
    assert not await store.write(lambda tx: tx.control.remove_pause("rule", "thanks"))


async def test_the_owner_is_told_once_per_key(store: Store) -> None:
    def tell(tx: Tx) -> bool:
        return tx.control.notice(T0, "Held", "3 messages wait", key="flood:2026-03-01")

    assert [await store.write(tell), await store.write(tell)] == [True, False]


async def test_small_facts_are_kept_by_name(store: Store) -> None:
    values: dict[str, Any] = {"account": "ac_1", "seen": {"a": [1, 2]}, "off": None, "flag": False}

    def put(tx: Tx) -> None:
        for name, value in values.items():
            tx.control.put(name, value)

    await store.write(put)
    assert await store.read(lambda tx: {name: tx.control.get(name) for name in values}) == values
    assert await store.read(lambda tx: tx.control.get("never")) is None


async def test_epochs_rise(store: Store) -> None:
    epochs = [await store.write(lambda tx: tx.control.next_epoch()) for _ in range(3)]
    assert epochs == sorted(set(epochs))


async def test_the_journal_is_there(store: Store) -> None:
    store.journal.append(entry())
    store.journal.append(entry(outcome="sent", result_id="msg_1"), sync=False)

    assert list(store.journal.entries()) == [entry(), entry(outcome="sent", result_id="msg_1")]


# --- studios beside each other


@pytest.mark.parametrize("make", STORES.values(), ids=STORES)
async def test_studios_of_one_database_see_nothing_of_each_other(
    make: Callable[[Path, str], SqlStore], tmp_path: Path
) -> None:
    ours = make(tmp_path, "studio-a")
    theirs = SqlStore(ours.database, "studio-b")

    def fill(tx: Tx) -> None:
        tx.records.put([record("cl_1")])
        tx.records.put_resources([resource()])
        tx.events.add(event(state="settling", settle_rule="thanks", settle_until=T0))
        tx.rules.put(RuleRow(rule_id="thanks", version="v1", activation="a", active_since=T0))
        tx.rules.put_truth("thanks", "becomes", "in_1", T0, value=True)
        tx.timers.put([timer()])
        tx.runs.add(run("r1", wake_at=T0, repeat_key="k"))
        tx.deliveries.add(delivery("d1"))
        tx.deliveries.add(delivery("d2", state=S.UNKNOWN, intent_at=T0))
        tx.hooks.add(HookCall(name="form", id="a", at=T0, fields={}))
        tx.looks.put(Look(client_id="cl_1", due_at=T0))
        tx.control.put("x", 1)
        tx.control.add_order(T0, "pause", {})
        tx.control.put_pause(Pause(scope="all", id="", since=T0))
        tx.control.notice(T0, "s", "t", key="k")

    def look(tx: Tx) -> list[object]:
        return [
            tx.records.get(Kind.CLIENT, "cl_1"),
            tx.records.resource(Kind.CLIENT),
            tx.records.resources(),
            tx.records.quarantined(),
            tx.records.absences([Kind.CLIENT]),
            tx.records.some(Kind.CLIENT, ["cl_1"]),
            tx.records.digests(Kind.CLIENT),
            tx.events.in_state("settling"),
            tx.events.next_settled(),
            tx.rules.rows(),
            tx.rules.truth("thanks", "becomes", "in_1") or [],
            tx.events.between("invoice.paid", at(-9), at(9)),
            tx.timers.due(at(9)),
            tx.timers.next_due(),
            tx.runs.due(at(9)),
            tx.runs.repeated("reminder", "k", None),
            tx.deliveries.by_key("key:d1"),
            tx.deliveries.count(Cap(since=at(-9))),
            tx.deliveries.next_due(),
            tx.deliveries.next_over(),
            tx.hooks.waiting(),
            tx.hooks.get("form", "a"),
            tx.looks.due(at(9), 9),
            tx.looks.get("cl_1"),
            tx.looks.next_due(),
            tx.control.get("x"),
            tx.control.orders(),
            tx.control.pauses(),
        ]

    empty = await theirs.read(look)
    await ours.write(fill)
    ours.journal.append(entry())

    assert await theirs.read(look) == empty
    assert await theirs.write(lambda tx: tx.deliveries.claim(at(9), limit=9, lease_until=at(10), epoch=1)) == []
    assert list(theirs.journal.entries()) == []
    before = await ours.read(look)
    await theirs.write(fill)
    assert await ours.read(look) == before
    for one in (ours, theirs):
        await one.aclose()
    await ours.database.aclose()


async def test_notices_come_in_the_order_they_were_written_each_once(store: Store) -> None:
    def tell(tx: Tx) -> None:
        for number, minutes in enumerate((5, 3, 9)):
            assert tx.control.notice(at(minutes), f"note {number}", "text", key=f"n{number}")
        assert not tx.control.notice(at(10), "again", "text", key="n1")

    await store.write(tell)
    first, count, last = await store.read(lambda tx: tx.control.notices_after(0, since=T0, limit=2))
    assert ([note.subject for note in first], count) == (["note 0", "note 1"], 3)
    rest, count, _ = await store.read(lambda tx: tx.control.notices_after(first[-1].id, since=T0, limit=2))
    assert ([note.subject for note in rest], count, rest[-1].id) == (["note 2"], 1, last)
    assert await store.read(lambda tx: tx.control.notices_after(last, since=T0, limit=2)) == ([], 0, last)
    young, _, _ = await store.read(lambda tx: tx.control.notices_after(0, since=at(4), limit=5))
    assert [note.subject for note in young] == ["note 0", "note 2"]


async def test_the_last_text_of_a_message_is_kept(store: Store) -> None:
    await store.write(lambda tx: tx.rules.put_words("hello", "automations/messages/hello.md", "Hi", at(1)))
    await store.write(lambda tx: tx.rules.put_words("hello", "automations/messages/hello.txt", "Hello", at(2)))
    found = await store.read(lambda tx: (tx.rules.words("hello"), tx.rules.words("other")))
    assert found == (("automations/messages/hello.txt", "Hello"), None)
