"""The days ahead are planned by the code that carries them out, on a copy, and come true where nobody does anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.errors import RuleFileError
from selftimer.plan.state import DeliveryState
from selftimer.settings import Settings
from selftimer.simulation.planning import plan_ahead

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.simulation.planning import Plan

RULES = """
- id: follow
  title: Follow up a silent lead
  when: lead.created
  if: client.type == 'lead'
  until: client.replied
  then:
    - wait: until 2 days after start at 10:00
    - send: nudge
    - wait: 2 days
    - send: call
      approve: true
- id: bill
  title: Remind of a bill
  if: invoice.outstanding
  then:
    - when: 3 days before invoice.due_date at 10:00
      send: soon
    - when: 1 day after invoice.due_date at 23:30
      send: late
- id: session
  title: Remind of the session
  if: session.confirmed
  then:
    - when: 1 day before session.start_at at 09:00
      send: eve
    - when: 2 days before session.start_at at 09:00
      create: questionnaire
      from: Portrait questionnaire
"""


async def plan_of(day: StudioDay, days: float = 7) -> Plan:
    return await plan_ahead(Settings.load(day.workspace), day.now, days)


def told(day: StudioDay, plan: Plan) -> list[str]:
    sent = [one for one in plan.effects if one.delivery.state is DeliveryState.SENT and one.delivery.text]
    messages = [one for one in sent if one.delivery.verb.value == "message"]
    return [f"{day._local(one.at.format_iso())} {(one.delivery.text or '').splitlines()[0]}" for one in messages]


async def furnished(day: StudioDay) -> None:
    await day.until("2026-03-02 09:00")
    anna, ben = day.lead("Anna"), day.known("Ben")
    day.lead("Cleo", text=None)  # who has no conversation: one is opened for her
    day.invoice(ben, "2026-03-06")
    day.session(ben, "2026-03-08 14:00")
    day.invoice(anna, "2026-03-20")
    await day.until("2026-03-02 12:00")


async def test_a_plan_comes_true_where_nobody_does_anything(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES, toml='quiet_hours = "21:00-08:00"') as day:
        await furnished(day)
        plan = await plan_of(day)
        assert day.sent() == []
        await day.until("2026-03-09 12:00")
        assert told(day, plan) == day.sent()
        assert len(day.sent()) >= 5
        assert [one.delivery.verb.value for one in plan.effects].count("questionnaire") == len(
            day.made("questionnaire")
        )


async def test_a_plan_leaves_the_store_and_the_studio_alone(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES) as day:
        await furnished(day)
        before = [*await day.deliveries(), *await day.runs(), await day.notices(), len(day.ledger["writes"])]
        await plan_of(day)
        assert [*await day.deliveries(), *await day.runs(), await day.notices(), len(day.ledger["writes"])] == before


async def test_what_waits_for_a_yes_is_shown_as_held(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES) as day:
        await furnished(day)
        plan = await plan_of(day, 5)
        held = [one for one in plan.effects if one.delivery.state is DeliveryState.HELD]
        assert [(one.delivery.words, one.delivery.text) for one in held] == [
            ("call", "call Anna\n\nKim, Studio Nord"),
            ("call", "call Cleo\n\nKim, Studio Nord"),
        ]
        assert not any(one.at_once for one in plan.effects)


async def test_a_rule_that_was_edited_is_planned_as_it_is_now(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES) as day:
        await furnished(day)
        day.rules(
            RULES.replace("if: invoice.outstanding", "if: invoice.outstanding and invoice.balance >= 50")
            .replace("send: eve", "send: other")
            .replace("- id: follow", "- id: chase")
        )
        plan = await plan_of(day)
        assert [(one.rule_id, one.what, one.runs) for one in plan.changes] == [
            ("bill", "counts anew", 0),
            ("chase", "new", 0),
            ("follow", "removed", 2),
            ("session", "changed", 0),
        ]
        assert next(one.moments for one in plan.changes if one.rule_id == "bill") > 0
        assert plan.under_way["follow"]
        assert "now" not in plan.under_way["follow"]
        assert "03-07 09:00 other Ben" in told(day, plan)
        assert not [row for row in told(day, plan) if "nudge" in row], (
            "a removed rule's runs pause, a new one's don't begin"
        )


async def test_what_is_due_the_moment_the_rules_count_is_told_apart(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, "") as day:
        await day.until("2026-03-02 09:00")
        day.session(day.known("Ben"), "2026-03-03 14:00")
        await day.until("2026-03-02 12:00")
        day.rules(
            RULES.replace("1 day before", "6 hours after").replace("at 09:00\n      send: eve", "\n      send: eve")
        )
        plan = await plan_of(day)
        assert {one.at_once for one in plan.effects} <= {False}
    async with StudioDay(tmp_path / "other", RULES) as day:
        await day.until("2026-03-02 09:00")
        day.lead("Anna")
        await day.until("2026-03-04 09:58")
        await day.aclose()
        day.clock_to("2026-03-04 12:00")  # the service was down when it was due
        plan = await plan_ahead(Settings.load(day.workspace), day.world.now, 1)
        assert [(one.delivery.words, one.at_once) for one in plan.effects] == [("nudge", True)]
        await day.start()


async def test_a_plan_of_broken_files_is_refused(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES) as day:
        await furnished(day)
        (day.workspace / "rules/test.yaml").write_text("rules: [")
        with pytest.raises(RuleFileError):
            await plan_of(day)


async def test_a_pause_is_told_and_nothing_is_sent_in_the_plan(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES) as day:
        await furnished(day)
        await day.order("pause")
        await day.until("2026-03-02 12:05")
        plan = await plan_of(day, 3)
        assert plan.paused == ("all",)
        assert told(day, plan) == []
