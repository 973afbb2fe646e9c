"""What the kill test found, each as the smallest story that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.plan.state import DeliveryState, Hold
from selftimer.sandbox.book import people
from selftimer.sandbox.world import World
from selftimer.simulation.harness import Simulation

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.sandbox.model import Client


def arrive(world: World, number: int = 0) -> Client:
    """A lead writes."""
    client = people.add_client(
        world, first_name="Nina", last_name=f"Oakfield{number}", email=f"nina{number}@example.com"
    )
    people.client_says(world, client.id, "Are you free in June?")
    return client


async def test_our_own_message_that_is_still_unclear_is_nobody_elses(tmp_path: Path) -> None:
    """A poll that sees it before it is settled must not take it for the owner's: that would end the follow-up."""
    async with Simulation(tmp_path, world=World.empty()) as sim:
        await sim.run_until(sim.now.add(hours=1))
        client = arrive(sim.world)
        sim.fault("drop_after", method="POST", path="conversation_messages")
        await sim.run_until(sim.now.add(minutes=6))
        (answer,) = await sim.deliveries()
        assert answer.state is DeliveryState.UNKNOWN
        await sim.restart()  # polls at once, before the window to settle is over
        await sim.run_days(3)
        assert [row["client_id"] for row in sim.messages()] == [client.id] * 2
        assert [d.words for d in await sim.deliveries(DeliveryState.SENT)] == ["lead-answer", "lead-nudge"]


async def test_a_flood_that_nobody_confirms_is_a_no_after_a_week_and_nothing_spins(tmp_path: Path) -> None:
    async with Simulation(tmp_path, world=World.empty(), owner=False) as sim:
        await sim.run_until(sim.now.add(hours=1))
        for number in range(11):
            arrive(sim.world, number)
        await sim.run_until(sim.now.add(minutes=6))
        held = [d for d in await sim.deliveries(DeliveryState.HELD) if d.words == "lead-answer"]
        assert len(held) == 11
        assert all(d.hold is Hold.FLOOD for d in held)
        await sim.run_days(8)
        assert await sim.service.deliver.step(sim.now) > sim.now
        skipped = [d for d in await sim.deliveries(DeliveryState.SKIPPED) if d.words == "lead-answer"]
        assert {d.reason for d in skipped} == {"no answer in 7 days is a no"}
        assert len(skipped) == 11
