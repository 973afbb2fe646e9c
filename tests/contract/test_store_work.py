"""What every store promises (ports/store.py). Timers, runs and deliveries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.store.builders import T0, at, delivery, run, timer
from tests.unit.store.stores import STORES

from selftimer.facts.records import Kind
from selftimer.plan.state import DeliveryState, Hold, RunState, TimerState, Verb
from selftimer.ports.store import Cap

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


# --- timers


async def test_a_moved_moment_replaces_the_one_there_was(store: Store) -> None:
    moved = timer(due_at=at(90), closes_at=at(120), occurrence="2026-03-02", reason="moved")
    await store.write(lambda tx: tx.timers.put([timer()]))
    await store.write(lambda tx: tx.timers.put([moved, timer("ses_2")]))

    assert await store.read(lambda tx: tx.timers.get("reminder", "before", "ses_1")) == moved
    assert await store.read(lambda tx: tx.timers.of_subject(Kind.SESSION, "ses_1")) == [moved]
    assert await store.read(lambda tx: tx.timers.states(TimerState.PENDING)) == 2
    assert await store.read(lambda tx: tx.timers.of_subject(Kind.INVOICE, "ses_1")) == []


async def test_due_timers_come_in_due_order_and_not_before_their_time(store: Store) -> None:
    timers = [timer(f"ses_{i}", due_at=at(i), closes_at=at(i + 10)) for i in (3, 1, 2, 7)]
    done = timer("ses_0", due_at=at(0), state=TimerState.DONE)
    await store.write(lambda tx: tx.timers.put([*timers, done]))

    assert [t.subject_id for t in await store.read(lambda tx: tx.timers.due(at(3)))] == ["ses_1", "ses_2", "ses_3"]
    assert [t.subject_id for t in await store.read(lambda tx: tx.timers.due(at(3), 1))] == ["ses_1"]
    assert await store.read(lambda tx: tx.timers.next_due()) == at(1)


async def test_open_timers_close(store: Store) -> None:
    opened = timer("ses_1", state=TimerState.OPEN, due_at=at(0), closes_at=at(5))
    await store.write(lambda tx: tx.timers.put([opened, timer("ses_2", due_at=at(8), closes_at=at(9))]))

    assert await store.read(lambda tx: tx.timers.next_due()) == at(5)
    assert await store.read(lambda tx: tx.timers.closing(at(4))) == []
    assert await store.read(lambda tx: tx.timers.closing(at(5))) == [opened]
    assert await store.read(lambda tx: tx.timers.open_of_client("cl_1")) == [opened]


async def test_a_dropped_rule_leaves_only_what_is_over(store: Store) -> None:
    timers = [
        timer("ses_1"),
        timer("ses_2", state=TimerState.OPEN, entry_id="after"),
        timer("ses_3", state=TimerState.DONE),
        timer("ses_4", rule_id="other"),
    ]
    await store.write(lambda tx: tx.timers.put(timers))
    await store.write(lambda tx: tx.timers.drop_rule("reminder", ["after"]))
    assert await store.read(lambda tx: tx.timers.states(TimerState.OPEN)) == 0
    assert await store.read(lambda tx: tx.timers.states(TimerState.PENDING)) == 2

    await store.write(lambda tx: tx.timers.drop_rule("reminder"))
    assert [t.subject_id for t in await store.read(lambda tx: tx.timers.due(at(99)))] == ["ses_4"]
    assert await store.read(lambda tx: tx.timers.states(TimerState.DONE)) == 1


# --- runs


async def test_an_occurrence_runs_once(store: Store) -> None:
    first = run("r1", subject_id="ses_1", made={"bill": ("invoice", "in_1")}, inputs={"n": 1})
    assert await store.write(lambda tx: tx.runs.add(first))
    assert not await store.write(lambda tx: tx.runs.add(run("r2", subject_id="ses_1")))
    assert await store.write(lambda tx: tx.runs.add(run("r3", subject_id="ses_1", occurrence="2026-03-02")))

    assert await store.read(lambda tx: tx.runs.get("r1")) == first
    assert await store.read(lambda tx: tx.runs.get("r2")) is None
    assert await store.read(lambda tx: tx.runs.exists("reminder", "before", "ses_1", "2026-03-01"))
    assert not await store.read(lambda tx: tx.runs.exists("reminder", "after", "ses_1", "2026-03-01"))
    assert [r.id for r in await store.read(lambda tx: tx.runs.of_subject("reminder", "ses_1"))] == ["r1", "r3"]


async def test_waiting_runs_wake_in_order(store: Store) -> None:
    def work(tx: Tx) -> None:
        for i in (3, 1, 2):
            tx.runs.add(run(f"r{i}", wake_at=at(i)))
        tx.runs.add(run("r0", state=RunState.HELD, wake_at=at(0)))

    await store.write(work)
    assert [r.id for r in await store.read(lambda tx: tx.runs.due(at(2)))] == ["r1", "r2"]
    assert [r.id for r in await store.read(lambda tx: tx.runs.due(at(2), 1))] == ["r1"]
    assert await store.read(lambda tx: tx.runs.next_wake()) == at(1)
    assert [r.id for r in await store.read(lambda tx: tx.runs.in_state(RunState.HELD))] == ["r0"]


async def test_an_ended_run_is_no_longer_its_clients(store: Store) -> None:
    await store.write(lambda tx: tx.runs.add(run("r1")))
    assert [r.id for r in await store.read(lambda tx: tx.runs.of_client("cl_1"))] == ["r1"]

    ended = run("r1", state=RunState.ENDED, ended_at=at(5), reason="done", pc=4, effects=1)
    await store.write(lambda tx: tx.runs.update(ended))
    assert await store.read(lambda tx: tx.runs.of_client("cl_1")) == []
    assert await store.read(lambda tx: tx.runs.get("r1")) == ended


async def test_a_repeat_is_remembered_from_a_time_on_unless_nothing_came_of_it(store: Store) -> None:
    await store.write(lambda tx: tx.runs.add(run("r1", repeat_key="a@b.c", start_at=at(10))))

    def repeated(minutes: float | None) -> Callable[[Tx], bool]:
        return lambda tx: tx.runs.repeated("reminder", "a@b.c", None if minutes is None else at(minutes))

    assert [await store.read(repeated(m)) for m in (None, 9, 10)] == [True, True, False]
    nothing = run("r1", repeat_key="a@b.c", start_at=at(10), state=RunState.ENDED, effects=0)
    await store.write(lambda tx: tx.runs.update(nothing))
    assert not await store.read(repeated(None))
    await store.write(lambda tx: tx.runs.update(replace(nothing, effects=1)))
    assert await store.read(repeated(None))


# --- deliveries


def claim(minutes: float = 0, *, limit: int = 10, epoch: int = 1, lease: float = 5) -> Callable[[Tx], list[str]]:
    def work(tx: Tx) -> list[str]:
        return [
            d.id for d in tx.deliveries.claim(at(minutes), limit=limit, lease_until=at(minutes + lease), epoch=epoch)
        ]

    return work


def add(*given: Any) -> Callable[[Tx], list[bool]]:
    return lambda tx: [tx.deliveries.add(one) for one in given]


async def test_a_delivery_comes_back_as_it_was_added(store: Store) -> None:
    given = delivery(
        "d1",
        hold=Hold.WORDS,
        state=S.HELD,
        body={"content": "Grüße", "n": [1]},
        known_ids=("msg_1", "msg_2"),
        looks=("2026",),
        applied=True,
        approved_at=at(3),
        dry=True,
    )
    await store.write(add(given))

    assert await store.read(lambda tx: tx.deliveries.get("d1")) == given
    assert await store.read(lambda tx: tx.deliveries.by_key("key:d1")) == given
    assert await store.read(lambda tx: tx.deliveries.of_run("r1")) == [given]
    assert await store.read(lambda tx: tx.deliveries.of_client("cl_d1")) == [given]
    assert await store.read(lambda tx: tx.deliveries.in_state(S.HELD)) == [given]


async def test_a_key_is_taken_once(store: Store) -> None:
    assert await store.write(add(delivery("d1", key="k"), delivery("d2", key="k"))) == [True, False]
    assert await store.read(lambda tx: tx.deliveries.get("d2")) is None


async def test_claims_come_in_due_order_and_are_not_claimed_twice(store: Store) -> None:
    await store.write(
        add(
            delivery("d3", due_at=at(2)),
            delivery("d1", due_at=at(1), planned_at=at(0)),
            delivery("d2", due_at=at(1), planned_at=at(1)),
            delivery("d4", due_at=at(3), state=S.UNKNOWN),
            delivery("d9", due_at=at(9)),
        )
    )
    assert await store.write(claim(5, limit=2)) == ["d1", "d2"]
    assert await store.write(claim(5)) == ["d3", "d4"]
    assert await store.write(claim(5)) == []


async def test_a_claimed_row_keeps_its_state_and_names_its_lease(store: Store) -> None:
    await store.write(add(delivery("d1")))
    (leased,) = await store.write(lambda tx: tx.deliveries.claim(T0, limit=1, lease_until=at(5), epoch=7))

    assert leased == delivery("d1", lease_until=at(5), epoch=7)
    assert await store.read(lambda tx: tx.deliveries.get("d1")) == leased


async def test_a_lease_lapses_or_is_given_back(store: Store) -> None:
    await store.write(add(delivery("d1")))
    assert await store.write(claim(0, lease=5)) == ["d1"]
    assert await store.write(claim(4)) == []
    assert await store.write(claim(5, lease=5)) == ["d1"]
    await store.write(lambda tx: tx.deliveries.release("d1"))
    assert await store.write(claim(6)) == ["d1"]


async def test_only_one_of_a_client_is_claimed(store: Store) -> None:
    await store.write(add(*(delivery(f"d{i}", client_id="cl_1", due_at=at(i)) for i in range(3))))
    assert await store.write(claim(9, lease=1)) == ["d0"]
    assert await store.write(claim(9)) == []

    sent = delivery("d0", client_id="cl_1", state=S.SENT, lease_until=at(10), sent_at=at(9))
    assert await store.write(lambda tx: tx.deliveries.update(sent, expect=[S.READY]))
    assert await store.write(claim(9)) == ["d1"]


@pytest.mark.parametrize("state", [S.IN_FLIGHT, S.UNKNOWN])
async def test_a_client_with_an_unsettled_delivery_gets_no_other(store: Store, state: DeliveryState) -> None:
    unsettled = delivery("d0", client_id="cl_1", state=state, due_at=at(60))
    await store.write(add(unsettled, delivery("d1", client_id="cl_1")))

    assert await store.write(claim(1)) == []


async def test_an_unknown_delivery_is_claimed_again_for_its_next_look(store: Store) -> None:
    unknown = (delivery(f"d{i}", client_id="cl_1", state=S.UNKNOWN, due_at=at(i)) for i in (1, 2))
    await store.write(add(*unknown, delivery("d0", client_id="cl_1")))

    assert await store.write(claim(3)) == ["d1"]
    await store.write(lambda tx: tx.deliveries.release("d1"))
    later = delivery("d1", client_id="cl_1", state=S.UNKNOWN, due_at=at(9))
    await store.write(lambda tx: tx.deliveries.update(later, expect=[S.UNKNOWN]))
    assert await store.write(claim(4)) == ["d2"]


async def test_deliveries_without_a_client_do_not_wait_for_each_other(store: Store) -> None:
    await store.write(add(*(delivery(f"d{i}", client_id=None, verb=Verb.NOTIFY) for i in range(3))))
    assert await store.write(claim()) == ["d0", "d1", "d2"]


async def test_an_update_is_fenced_by_state_and_epoch(store: Store) -> None:
    await store.write(add(delivery("d1")))
    await store.write(claim(epoch=3))
    in_flight = delivery("d1", state=S.IN_FLIGHT, epoch=3, intent_at=T0)

    assert not await store.write(lambda tx: tx.deliveries.update(in_flight, expect=[S.READY], epoch=2))
    assert not await store.write(lambda tx: tx.deliveries.update(in_flight, expect=[S.HELD, S.UNKNOWN], epoch=3))
    assert await store.write(lambda tx: tx.deliveries.update(in_flight, expect=[S.READY, S.HELD], epoch=3))
    assert not await store.write(lambda tx: tx.deliveries.update(in_flight, expect=[S.READY]))
    assert await store.read(lambda tx: tx.deliveries.get("d1")) == in_flight
    assert not await store.write(lambda tx: tx.deliveries.update(delivery("d9"), expect=[S.READY]))


async def test_a_start_makes_older_in_flight_rows_unknown_and_lets_older_leases_lapse(store: Store) -> None:
    await store.write(
        add(
            delivery("d1", state=S.IN_FLIGHT, epoch=1, lease_until=at(5), due_at=at(-5)),
            delivery("d2", state=S.IN_FLIGHT, epoch=2, lease_until=at(5)),
            delivery("d3", epoch=1, lease_until=at(60)),
        )
    )
    assert await store.write(lambda tx: tx.deliveries.adopt_orphans(2, at(1))) == 1

    assert await store.write(claim(1)) == ["d3", "d1"]
    orphan = await store.read(lambda tx: tx.deliveries.get("d1"))
    assert orphan is not None
    assert (orphan.state, orphan.due_at) == (S.UNKNOWN, at(1))
    assert [d.id for d in await store.read(lambda tx: tx.deliveries.in_state(S.IN_FLIGHT))] == ["d2"]


async def test_the_next_due_time_is_of_something_that_can_then_be_done(store: Store) -> None:
    assert await store.read(lambda tx: tx.deliveries.next_due()) is None
    await store.write(
        add(
            delivery("d1", client_id="cl_1", due_at=at(1)),
            delivery("d2", client_id="cl_1", due_at=at(5), state=S.UNKNOWN),
            delivery("d3", due_at=at(7), state=S.HELD, hold=Hold.APPROVAL),
            delivery("d4", due_at=at(0), state=S.SENT),
        )
    )
    assert await store.read(lambda tx: tx.deliveries.next_due()) == at(5), "d1 waits for d2, whatever it is due"
    await store.write(claim(5, lease=1))
    assert await store.read(lambda tx: tx.deliveries.next_due()) == at(6), "the lease lapses, unless it is settled"
    sent = delivery("d2", client_id="cl_1", state=S.SENT)
    await store.write(lambda tx: tx.deliveries.update(sent, expect=[S.UNKNOWN]))
    assert await store.read(lambda tx: tx.deliveries.next_due()) == at(1)
    assert [d.id for d in await store.read(lambda tx: tx.deliveries.held_due(at(7)))] == ["d3"]
    assert await store.read(lambda tx: tx.deliveries.held_due(at(6))) == []


async def test_caps_count_what_reached_or_may_have_reached_somebody(store: Store) -> None:
    await store.write(
        add(
            delivery("d1", client_id="cl_1", state=S.SENT, intent_at=at(1), sent_at=at(2), purpose="marketing"),
            delivery("d2", client_id="cl_1", state=S.IN_FLIGHT, intent_at=at(3)),
            delivery("d3", client_id="cl_2", state=S.UNKNOWN, intent_at=at(4), rule_id="other", verb=Verb.INVOICE),
            delivery("d4", client_id="cl_2", state=S.SENT, sent_at=at(5), dry=True),
            delivery("d5", client_id="cl_2", state=S.FAILED, intent_at=at(5)),
            delivery("d6", client_id="cl_2"),
        )
    )
    caps = {
        Cap(since=T0): (3, at(2)),
        Cap(since=at(2.5)): (2, at(3)),
        Cap(since=T0, client_id="cl_1"): (2, at(2)),
        Cap(since=T0, client_id="cl_1", purpose="marketing"): (1, at(2)),
        Cap(since=T0, rule_id="other"): (1, at(4)),
        Cap(since=T0, verbs=frozenset({"message", "quote"})): (2, at(2)),
        Cap(since=at(50)): (0, None),
    }
    for cap, expected in caps.items():
        found = await store.read(lambda tx, cap=cap: (tx.deliveries.count(cap), tx.deliveries.earliest(cap)))  # type: ignore[misc]  # bound now
        assert found == expected, cap


async def test_what_was_planned_at_one_instant_for_clients_is_found(store: Store) -> None:
    ours = [delivery("d1", planned_at=at(1)), delivery("d2", planned_at=at(1), verb=Verb.INVOICE, state=S.HELD)]
    others = [
        delivery("d3", planned_at=at(1), verb=Verb.NOTIFY),
        delivery("d4", planned_at=at(1), dry=True),
        delivery("d5", planned_at=at(2)),
    ]
    await store.write(add(*ours, *others))

    found = await store.read(lambda tx: tx.deliveries.planned_at(at(1)))
    assert sorted(d.id for d in found) == ["d1", "d2"]


async def test_what_was_made_and_what_is_unresolved_is_found(store: Store) -> None:
    made = delivery("d1", state=S.SENT, sent_at=at(2), result_kind="invoice", result_id="in_1", verb=Verb.INVOICE)
    unknown = delivery("d2", state=S.UNKNOWN, verb=Verb.MESSAGE, client_id="cl_2")
    await store.write(add(made, unknown))

    assert await store.read(lambda tx: tx.deliveries.made("invoice", "in_1")) == made
    assert await store.read(lambda tx: tx.deliveries.made("quote", "in_1")) is None
    assert await store.read(lambda tx: tx.deliveries.unresolved("cl_2", "message"))
    assert not await store.read(lambda tx: tx.deliveries.unresolved("cl_2", "invoice"))
