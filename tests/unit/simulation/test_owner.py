from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.unit.store.builders import T0, at, delivery
from whenever import Instant

from selftimer.plan.state import DeliveryState, Hold
from selftimer.simulation.owner import ScriptedOwner
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from selftimer.ports import Tx

import pytest


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = SqlStore(tmp_path / "selftimer.db", "studio")
    yield opened
    await opened.aclose()


def held(ident: str, **more: Any) -> Any:
    values = {"state": DeliveryState.HELD, "hold": Hold.APPROVAL, "text": f"words of {ident}"}
    return delivery(ident, **{**values, **more})


async def plan(store: SqlStore, *deliveries: Any) -> None:
    def add(tx: Tx) -> None:
        for one in deliveries:
            assert tx.deliveries.add(one)

    await store.write(add)


async def orders(store: SqlStore) -> list[tuple[str, str]]:
    return [(order.what, order.args["id"]) for order in await store.read(lambda tx: tx.control.orders())]


async def test_a_held_one_is_answered_after_two_hours_and_not_twice(store: SqlStore) -> None:
    owner = ScriptedOwner(store)
    assert await owner.step(T0) == Instant.MAX
    await plan(store, held("a"))
    assert await owner.step(at(10)) == at(130)
    assert await owner.step(at(129)) == at(130)
    assert await orders(store) == []
    assert await owner.step(at(130)) == at(130), "it is wanted at once, so that the order is carried out now"
    assert await owner.step(at(130)) == at(250), "the order waits for the delivering lane"
    assert await orders(store) == [("approve", "a")]


async def test_every_third_in_the_order_of_planning_is_declined(store: SqlStore) -> None:
    owner = ScriptedOwner(store)
    await plan(store, *(held(name, planned_at=at(-minutes)) for minutes, name in enumerate("fedcba")))
    await owner.step(T0)
    await owner.step(at(120))
    assert await orders(store) == [
        ("approve", "a"),
        ("approve", "b"),
        ("skip", "c"),
        ("approve", "d"),
        ("approve", "e"),
        ("skip", "f"),
    ]
    assert (owner.approved, owner.declined) == (4, 2)


async def test_words_that_changed_are_answered_again_and_the_answer_is_the_same(store: SqlStore) -> None:
    owner = ScriptedOwner(store)
    await plan(store, held("a"))
    await owner.step(T0)
    await owner.step(at(120))
    changed = held("a", text="other words")
    await store.write(lambda tx: tx.deliveries.update(changed, expect=[DeliveryState.HELD]))
    assert await owner.step(at(125)) == at(245)
    await owner.step(at(245))
    seen = [order.args["seen"] for order in await store.read(lambda tx: tx.control.orders())]
    assert seen == ["words of a", "other words"]


async def test_an_unclear_send_and_other_holds_are_left_alone(store: SqlStore) -> None:
    owner = ScriptedOwner(store)
    others = (Hold.EVIDENCE, Hold.FLOOD, Hold.CONDITION, Hold.WORDS, Hold.CONVERSATION)
    await plan(store, *(held(hold.value, hold=hold) for hold in others), delivery("ready"))
    assert await owner.step(T0) == Instant.MAX
    assert await owner.step(at(60 * 24)) == Instant.MAX
    assert await orders(store) == []
