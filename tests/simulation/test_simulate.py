"""Weeks of a made-up studio under a workspace's rules, and two sets of rules side by side."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import workspace_files
from whenever import Date

from selftimer.plan.state import DeliveryState
from selftimer.settings import FILE, Settings
from selftimer.simulation.compare import What, differences
from selftimer.simulation.harness import SETTINGS
from selftimer.simulation.lacking import lacking
from selftimer.simulation.living import live
from selftimer.simulation.trial import rules_of
from selftimer.simulation.workspace import write_files

if TYPE_CHECKING:
    from selftimer.simulation.compare import Difference
    from selftimer.simulation.story import Story

RULES = """
- id: hello
  when: lead.created
  if: client.type == 'lead'
  repeat: after 30 days per client.email
  ignore_quiet_hours: true
  then:
    - send: hello
- id: nudge
  when: lead.created
  if: client.type == 'lead'
  until: client.replied
  then:
    - wait: until 1 day after start at 10:00
    - send: nudge
- id: bill
  if: invoice.outstanding
  then:
    - when: 7 days before invoice.due_date at 10:00
      send: soon
"""
DAYS = 4
_OLD: dict[int, Story] = {}
"""The story of `RULES`, which is the same each time, by its days."""


def workspace(folder: Path, rules: str = RULES, **words: str) -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "automations", ignore_errors=True)
    given = {name: f"{text} {{{{ client.first_name }}}}\n" for name, text in words.items()}
    write_files(folder, {FILE: SETTINGS, **workspace_files(rules, words=given)})
    return Settings.load(folder)


async def story(settings: Settings, *, seed: int = 7, days: int = DAYS) -> Story:
    return await live(settings, rules_of(settings), days=days, seed=seed)


def told(some: Story) -> list[tuple[object, ...]]:
    shown: list[tuple[object, ...]] = [
        (one.at, one.delivery.key, one.delivery.state, one.delivery.text) for one in some.effects
    ]
    return shown + [(deed.at, deed.client_id, deed.text) for deed in some.deeds]


async def compared(folder: Path, rules: str, *, days: int = DAYS, **words: str) -> list[Difference]:
    """What differs where the rules are edited to these."""
    new, old = workspace(folder / "new", rules, **words), workspace(folder / "old")
    if days not in _OLD:
        _OLD[days] = await story(old, days=days)
    return differences(_OLD[days], await story(new, days=days), books=(rules_of(old), rules_of(new)))


async def test_the_same_seed_twice_is_the_same_story_and_another_seed_another(tmp_path: Path) -> None:
    settings = workspace(tmp_path)
    first = await story(settings, days=3)
    assert told(first) == told(await story(settings, days=3))
    assert told(first) != told(await story(settings, days=1, seed=8))
    assert {one.delivery.rule_id for one in first.effects} == {"hello", "nudge", "bill"}
    assert first.deeds
    assert all(one.delivery.client_id in first.names for one in first.effects)


async def test_rules_against_themselves_show_no_difference(tmp_path: Path) -> None:
    assert await compared(tmp_path, RULES) == []


async def test_a_wait_that_is_longer_moves_its_messages(tmp_path: Path) -> None:
    found = await compared(tmp_path, RULES.replace("1 day after start at 10:00", "1 day after start at 17:00"))
    moved = [one for one in found if What.MOVED in one.what and one.any.delivery.rule_id == "nudge"]
    assert moved
    assert not any(one.follows for one in moved)
    assert all(one.follows for one in found if one.any.delivery.rule_id != "nudge")
    assert all(one.old and one.new and (one.new.at - one.old.at).total("hours") == 7 for one in moved)


async def test_other_words_are_shown_as_other_words(tmp_path: Path) -> None:
    found = await compared(tmp_path, RULES, hello="Good day")
    direct = [one for one in found if not one.follows and one.because is None]
    assert direct
    assert {one.what for one in direct} == {(What.WORDS,)}


async def test_a_rule_that_is_gone_and_one_that_is_new_are_told_apart(tmp_path: Path) -> None:
    rules = RULES.replace("- id: hello\n  when: lead.created", "- id: hello\n  when: manual")
    rules += "- id: thanks\n  when: payment.received\n  then: [{send: thanks}]\n"
    found = await compared(tmp_path, rules)
    assert {one.what for one in found if one.any.delivery.rule_id == "hello"} == {(What.ONLY_OLD,)}
    assert {one.what for one in found if one.any.delivery.rule_id == "thanks"} == {(What.ONLY_NEW,)}


async def test_a_rule_with_another_name_alone_changes_nothing_for_clients(tmp_path: Path) -> None:
    assert await compared(tmp_path, RULES.replace("- id: hello", "- id: welcome")) == []


async def test_a_difference_that_only_follows_is_said_to(tmp_path: Path) -> None:
    """Whom nobody answers at once may reply later or never, and then the other rule does something else."""
    found = await compared(tmp_path, RULES.replace("send: hello", "stop: no more"), days=10)
    assert all(one.follows == (one.any.delivery.rule_id != "hello") for one in found)
    others = [one for one in found if one.any.delivery.rule_id != "hello"]
    assert others, "some of the leads of two weeks live differently"
    assert all(one.because is not None and one.because.at <= one.at for one in others)


async def test_what_waits_for_a_yes_gets_it_two_hours_later(tmp_path: Path) -> None:
    settings = workspace(tmp_path, RULES.replace("    - send: hello", "    - send: hello\n      approve: true"))
    effects = [one for one in (await story(settings)).effects if one.delivery.rule_id == "hello"]
    sent = [one for one in effects if one.delivery.state is DeliveryState.SENT]
    assert sent
    assert all(one.delivery.approved_at is not None for one in sent)
    assert not [one for one in effects if one.delivery.state is DeliveryState.SKIPPED]


async def test_the_workspace_and_a_pause_of_it_are_left_alone(tmp_path: Path) -> None:
    settings = workspace(tmp_path)
    (tmp_path / "PAUSE").touch()
    before = sorted(tmp_path.rglob("*"))
    assert (await story(settings, days=2)).effects
    assert sorted(tmp_path.rglob("*")) == before
    assert not settings.state_folder.exists()


async def test_the_studio_is_the_workspaces_and_opens_when_asked(tmp_path: Path) -> None:
    workspace(tmp_path)
    text = SETTINGS.replace("Europe/Berlin", "America/New_York").replace('"eur"', '"usd"')
    (tmp_path / FILE).write_text(text)
    settings = Settings.load(tmp_path)
    some = await live(settings, rules_of(settings), days=2, seed=7, first_day=Date(2027, 1, 4))
    assert str(some.begins.to_tz("America/New_York"))[:16] == "2027-01-04T08:00"
    assert not any("€" in deed.text for deed in some.deeds)


async def test_progress_is_told_day_by_day(tmp_path: Path) -> None:
    settings, shares = workspace(tmp_path, ""), list[float]()
    await live(settings, rules_of(settings), days=4, seed=7, progress=shares.append)
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_what_the_made_up_studio_does_not_have_is_said(tmp_path: Path) -> None:
    rules = """
- id: pets
  when: session.confirmed
  if: session.kind == 'pets' and session.session_type.name == 'Dogs on the beach'
  then:
    - create: questionnaire
      id: dog
      from: Your dog
    - create: questionnaire
      from: Portrait questionnaire
"""
    workspace(tmp_path, rules)
    (tmp_path / FILE).write_text(SETTINGS + '\n[kinds]\npets = ["Dogs*"]\nwedding = ["*wedding*"]\n')
    settings = Settings.load(tmp_path)
    assert lacking(settings, rules_of(settings)) == [
        "no session type of the made-up studio is of your kind 'pets'",
        "pets: the made-up studio has no session type 'Dogs on the beach'",
        "pets: the made-up studio has no questionnaire template 'Your dog', so this step fails there",
    ]


def test_the_starter_workspace_lacks_nothing_that_matters() -> None:
    settings = Settings.load(Path(__file__).parents[2])
    assert lacking(settings, rules_of(settings)) == []
