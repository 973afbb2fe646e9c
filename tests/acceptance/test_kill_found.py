"""What the kill test found, each as the smallest story that shows it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from selftimer.plan.state import DeliveryState, Hold
from selftimer.runtime.lockstep import SandboxClock
from selftimer.sandbox.app import create_app
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


async def test_a_flood_that_nobody_confirms_is_over_when_it_is_late_and_nothing_spins(tmp_path: Path) -> None:
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
        assert {d.reason for d in skipped} == {"late: no answer in the time that the step allows"}
        assert len(skipped) == 11


RULES = """
rules:
  - id: papers
    title: Papers, then a word
    when: lead.created
    repeat: after 30 days per client.email
    then:
      - create: questionnaire
        from: Portrait questionnaire
      - create: invoice
        items: [{name: Sitting fee, amount: 50}]
        due: 14 days
      - create: contract
        from: Portrait agreement
      - send: hello
"""


async def test_judgements_with_many_reads_dont_wait_for_each_other_until_all_are_old(tmp_path: Path) -> None:
    """At two requests a second seven of them at once would never see an end if each took its reads one by one."""
    files = {"rules/papers.yaml": RULES, "automations/messages/hello.md": "Hi {{ client.first_name }}, all is sent."}
    async with Simulation(tmp_path, world=World.empty(), rules=files) as sim:
        await sim.run_until(sim.now.add(hours=1))
        clients = [arrive(sim.world, number) for number in range(7)]
        before = sim.transport.requests
        await sim.run_until(sim.now.add(minutes=15))
        sent = await sim.deliveries(DeliveryState.SENT)
        assert sorted(str(d.client_id) for d in sent) == sorted(client.id for client in clients * 4)
        assert sim.transport.requests - before < 7 * 4 * 10 + 100


async def test_who_sleeps_over_the_end_of_the_story_wakes_up(tmp_path: Path) -> None:
    """The sandbox's clock stands at its horizon; who waits for its turn there must not wait for ever."""
    world = World.empty()
    world.end = world.start.add(seconds=10)
    clock = SandboxClock("http://localhost", httpx.ASGITransport(create_app(world)))
    await clock.start()
    await clock.sleep(60)
    assert clock.monotonic() == 60
    assert (await clock.wait(clock.now(), 300)).ended
    await clock.aclose()


async def test_a_pause_of_a_fraction_of_a_microsecond_is_over_some_time(tmp_path: Path) -> None:
    """Jitter has more digits than the sandbox counts; its clock would stand before the end for ever."""
    clock = SandboxClock("http://localhost", httpx.ASGITransport(create_app(World.empty())))
    await clock.start()
    await asyncio.wait_for(clock.sleep(0.1234567891), 10)
    assert clock.monotonic() == pytest.approx(0.123457)
    await clock.aclose()
