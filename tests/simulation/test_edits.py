"""What an edit does to runs under way: they finish, migrate or end; words and rules that are gone (18, 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay, workspace_files

from selftimer.plan.state import Hold, RunState
from selftimer.simulation.workspace import write_files

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
- id: bill
  title: A bill went out
  when: invoice.sent
  until: client.replied
  {on_edit}
  then:
    - id: first
      send: first
    - id: pause
      wait: 2 days
    - id: second
      send: second
    - id: rest
      wait: 2 days
    - id: third
      send: third
"""


def rule(on_edit: str = "on_edit: migrate") -> str:
    return RULE.replace("{on_edit}", on_edit)


async def begun(day: StudioDay) -> None:
    anna = day.known()
    await day.until("2026-03-02 09:01")
    day.invoice(anna, "2026-03-20")
    await day.poll()
    assert [row[12:] for row in day.sent()] == ["first Anna"]


async def edited(day: StudioDay, rules: str) -> None:
    day.rules(rules)
    await day.restart()
    await day.until("2026-03-02 09:30")


async def test_finish_old_keeps_to_the_version_that_a_run_began_with(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule("on_edit: finish_old")) as day:
        await begun(day)
        await edited(day, rule("on_edit: finish_old").replace("send: second", "send: other"))
        await day.until("2026-03-07 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna", "third Anna"]


async def test_cancel_ends_the_run(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule("on_edit: cancel")) as day:
        await begun(day)
        await edited(day, rule("on_edit: cancel").replace("wait: 2 days", "wait: 3 days"))
        await day.until("2026-03-10 12:00")
        assert len(day.sent()) == 1
        assert await day.ends() == ["the rule was edited"]


async def test_cancel_ends_the_run_where_the_condition_is_edited_too(tmp_path: Path) -> None:
    text = rule("on_edit: cancel").replace("  until:", "  if: invoice.outstanding\n  until:")
    async with StudioDay(tmp_path, text) as day:
        await begun(day)
        await edited(day, text.replace("invoice.outstanding", "invoice.amount > 5"))
        assert await day.ends() == ["the rule was edited"]


async def test_a_migrated_run_goes_on_in_the_new_version_from_the_step_it_had_come_to(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule()) as day:
        await begun(day)
        new = rule().replace("send: second", "send: other").replace("wait: 2 days", "wait: 1 day", 1)
        new = new.replace("    - id: rest\n", "    - id: more\n      send: more\n    - id: rest\n")
        await edited(day, new)
        await day.until("2026-03-07 12:00")
        assert day.sent() == [
            "03-02 09:05 first Anna",
            "03-03 09:05 other Anna",  # the wait counts from when it was reached
            "03-03 09:05 more Anna",
            "03-05 09:05 third Anna",
        ]
        assert "migrated" in await day.verdicts("bill")


async def test_a_migrated_run_whose_step_is_gone_goes_on_with_what_follows_there_now(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule()) as day:
        await begun(day)
        await edited(day, rule().replace("    - id: pause\n      wait: 2 days\n", ""))
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna"]
        await day.until("2026-03-07 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna", "third Anna"]


async def test_nothing_is_sent_twice_when_steps_are_put_in_another_order(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule()) as day:
        await begun(day)
        await day.until("2026-03-04 12:00")
        assert len(day.sent()) == 2
        moved = (
            rule()
            .replace("    - id: first\n      send: first\n", "")
            .replace("    - id: third\n", "    - id: first\n      send: first\n    - id: third\n")
        )
        day.rules(moved)
        await day.restart()
        await day.until("2026-03-08 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna", "third Anna"]


async def test_what_waits_for_a_yes_is_asked_again_in_the_new_words_or_dropped_with_its_step(tmp_path: Path) -> None:
    asked = rule().replace("send: first", "send: first\n      approve: true\n      late: 5 days")
    for number, new in enumerate(
        (asked.replace("send: first", "send: fresh"), rule().replace("id: first", "id: other"))
    ):
        async with StudioDay(tmp_path / str(number), asked) as day:
            anna = day.known()
            await day.until("2026-03-02 09:01")
            day.invoice(anna, "2026-03-20")
            await day.poll()
            (held,) = await day.held()
            assert held.hold is Hold.APPROVAL
            await edited(day, new)
            if number == 0:
                await day.approve(held.id)
                await day.until("2026-03-02 10:00")
                (again,) = await day.held()
                assert (again.text or "").startswith("fresh Anna")
                assert day.sent() == []
            else:
                assert (await day.deliveries())[0].reason == "its step is gone from the rule"
                assert [row[12:] for row in day.sent()] == ["first Anna"]


async def test_inside_an_automation_a_run_migrates_with_its_inputs(tmp_path: Path) -> None:
    rules = """
- id: bill
  title: A bill went out
  when: invoice.sent
  until: client.replied
  on_edit: migrate
  then:
    - id: chase
      run: chase
      with: {{word: gentle}}
"""
    rules = rules.replace("{{", "{").replace("}}", "}")
    chase = """
- id: chase
  inputs: {word: {type: text}}
  then:
    - id: wait
      wait: 1 day
    - id: nudge
      send: nudge
"""
    words = {"nudge": "{{ inputs.word }} nudge\n"}
    async with StudioDay(tmp_path, rules, automations=chase, words=words) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.poll()
        day.rules(rules, automations=chase.replace("1 day", "2 days"), words=words)
        await day.restart()
        await day.until("2026-03-05 09:00")
        assert day.sent() == ["03-04 09:05 gentle nudge"]


async def test_an_unclear_send_is_settled_and_its_run_goes_on_in_the_new_version(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule()) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("drop_after", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.poll()
        assert len(day.sent()) == 1
        day.rules(rule().replace("send: second", "send: other"))
        await day.restart()
        await day.until("2026-03-05 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "other Anna"]


# --- a rule, or words, that are gone ---


async def test_a_rule_that_is_removed_pauses_its_runs_and_says_so_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    text = rule("late: 5 days")
    async with StudioDay(tmp_path, text) as day:
        await begun(day)
        day.rules("")
        await day.restart()
        await day.until("2026-03-05 09:00")
        assert len(day.sent()) == 1
        assert "Rule bill is gone from the workspace" in await day.notices()
        assert [run.state for run in await day.runs()] != [RunState.ENDED]
        day.rules(text)
        await day.restart()
        await day.until("2026-03-08 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "second Anna", "third Anna"]


async def test_words_that_only_an_older_version_says_are_the_last_good_ones(tmp_path: Path) -> None:
    words = {"second": "subject: Again\n---\nthe second of old, {{ client.first_name }}\n"}
    async with StudioDay(tmp_path, rule("on_edit: finish_old"), words=words) as day:
        await begun(day)
        (day.workspace / "automations/messages/second.md").unlink()
        await edited(day, rule("on_edit: finish_old").replace("send: second", "send: other"))
        await day.restart()
        await day.until("2026-03-05 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "the second of old, Anna"]


async def test_words_are_todays_as_long_as_their_file_is_there(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, rule("on_edit: finish_old")) as day:
        await begun(day)
        new = rule("on_edit: finish_old").replace("wait: 2 days", "wait: 3 days")
        write_files(day.workspace, workspace_files(new, "", {"second": "of now\n"}))
        await day.restart()
        await day.until("2026-03-05 08:00")
        assert [row[12:] for row in day.sent()] == ["first Anna", "of now"]
