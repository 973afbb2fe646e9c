from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selftimer.errors import RuleFileError
from selftimer.plan.state import DeliveryState, Hold
from selftimer.sandbox.world import World
from selftimer.simulation.harness import Simulation

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = {
    "rules/leads.yaml": """
rules:
  - id: lead-answer
    when: lead.created
    repeat: after 30 days per client.email
    ignore_quiet_hours: true
    then:
      - send: lead-answer
""",
    "automations/messages/lead-answer.md": "Hi, thank you for writing.\n",
}
ASKED = {**ANSWER, "rules/leads.yaml": ANSWER["rules/leads.yaml"] + "        approve: true\n"}


async def test_a_studio_lives_and_is_looked_after_with_nothing_sent_twice_or_wrong(tmp_path: Path) -> None:
    async with Simulation(tmp_path, seed=7, rules=ANSWER) as simulation:
        begun = simulation.now
        await simulation.run_days(4)
        assert simulation.now == begun.add(hours=96)
        leads = [line for line in simulation.world.ledger.story if line.kind == "lead"]
        sent = await simulation.deliveries(DeliveryState.SENT)
        assert len(leads) == len(sent) == len(simulation.messages()) > 0
        assert simulation.transport.writes > len(sent), "logins are writes too"
        assert simulation.verdict().clean
        assert (await simulation.matched()).clean


async def test_the_owner_answers_by_the_orders_that_commands_use(tmp_path: Path) -> None:
    async with Simulation(tmp_path, seed=7, rules=ASKED) as simulation:
        await simulation.run_days(6)
        assert simulation.owner is not None
        assert simulation.owner.approved > 0
        assert len(await simulation.deliveries(DeliveryState.SENT)) == simulation.owner.approved
        skipped = await simulation.deliveries(DeliveryState.SKIPPED)
        assert len(skipped) == simulation.owner.declined > 0


async def test_without_the_owner_a_test_answers_itself(tmp_path: Path) -> None:
    async with Simulation(tmp_path, seed=7, rules=ASKED, owner=False) as simulation:
        await simulation.run_days(3)
        held = await simulation.deliveries(DeliveryState.HELD)
        assert {d.hold for d in held} == {Hold.APPROVAL}
        await simulation.approve(held[0].id)
        await simulation.skip(held[1].id)
        await simulation.run_days(0.5)
        states = {d.id: d.state for d in await simulation.deliveries()}
        assert (states[held[0].id], states[held[1].id]) == (DeliveryState.SENT, DeliveryState.SKIPPED)


async def test_a_lost_answer_and_a_restart_double_nothing(tmp_path: Path) -> None:
    async with Simulation(tmp_path, seed=7, rules=ANSWER) as simulation:
        lost = simulation.fault("drop_after", method="POST", path="conversation_messages", times=2)
        for _ in range(4):
            await simulation.run_days(1)
            await simulation.restart()
        await simulation.run_days(0.1)
        assert lost.hits == 2
        assert await simulation.deliveries(DeliveryState.UNKNOWN) == []
        assert simulation.verdict().clean
        assert (await simulation.matched()).clean


async def test_rules_that_cannot_be_used_leave_nothing_open(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"leads\.yaml"):
        async with Simulation(tmp_path, rules={"rules/leads.yaml": "rules: [{}]\n"}):
            pytest.fail("it started")


async def test_the_story_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        async with Simulation(tmp_path / name, seed=11, rules=ANSWER) as simulation:
            await simulation.run_days(3)
            told.append(simulation.ledger["writes"])
    assert told[0] == told[1]
    assert told[0]


async def test_a_world_may_be_furnished_first_and_ends_where_it_is_told(tmp_path: Path) -> None:
    world = World(seed=3, population=5)
    async with Simulation(tmp_path, world=world, days=2, rules=ANSWER) as simulation:
        await simulation.run_days(5)
        assert simulation.now == world.start.add(hours=48) == world.end
