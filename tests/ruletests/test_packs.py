"""Every pack of the catalogue, in the starter: its own tests as tests of ours, and what all of them promise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.ruletests.pack_kit import STUDIO, Ready, farthest, ready

from selftimer.packs.catalogue import STARTER, catalogue
from selftimer.rulebook.lint_walk import effects_of
from selftimer.rulebook.model import CalendarTrigger, NotifyStep, SendStep
from selftimer.ruletests.report import rows_of
from selftimer.ruletests.runner import run_test

if TYPE_CHECKING:
    from selftimer.rulebook.model import Rule
    from selftimer.ruletests.model import RuleTest
    from selftimer.ruletests.stage import Ground

PACKS = {pack.name: pack for pack in catalogue()}
READY = {name: ready(pack) for name, pack in PACKS.items() if name not in STARTER}
DIARIES = [(name, test) for name, one in READY.items() for test in one.tests]


def rules_of(one: Ready) -> list[Rule]:
    return [rule for rule in one.book.rules.values() if rule.where.file in one.files]


@pytest.mark.parametrize(("name", "test"), DIARIES, ids=[f"{name}: {test.name}" for name, test in DIARIES])
async def test_a_pack_does_what_its_tests_say(name: str, test: RuleTest, ground: Ground) -> None:
    outcome = await run_test(test, READY[name].book, STUDIO, ground)

    rows = rows_of(outcome, STUDIO.studio.time_zone)
    assert outcome.passed, "\n".join(["", *(f"{row.sign} {row.text}" for row in rows)])


@pytest.mark.parametrize("name", READY)
def test_a_pack_loads_without_a_word_in_the_starter(name: str) -> None:
    assert [str(problem) for problem in READY[name].problems] == []


@pytest.mark.parametrize("most", [False, True], ids=["least", "most"])
@pytest.mark.parametrize("name", [name for name in READY if PACKS[name].inputs])
def test_a_pack_loads_whatever_is_answered(name: str, *, most: bool) -> None:
    answers = {one.name: farthest(one, most=most) for one in PACKS[name].inputs}

    assert [str(problem) for problem in ready(PACKS[name], answers).problems] == []


@pytest.mark.parametrize("name", READY)
def test_every_rule_of_a_pack_is_seen_at_work_and_seen_to_stop(name: str) -> None:
    one = READY[name]
    for rule in rules_of(one):
        mine = [test for test in one.tests if rule.id in test.rules]
        note = rule.for_each is None and all(isinstance(t, CalendarTrigger) for e in rule.entries for t in e.triggers)
        assert len(mine) >= (1 if note else 2), rule.id


@pytest.mark.parametrize("name", READY)
def test_the_words_of_a_pack_are_warm_short_and_finished(name: str) -> None:
    one = READY[name]
    effects = [e.step for rule in rules_of(one) for entry in rule.entries for e in effects_of(entry)]
    notes = {step.words for step in effects if isinstance(step, NotifyStep)}
    sent = {step.words for step in effects if isinstance(step, SendStep)}
    own = {file.rpartition("/")[2].rpartition(".")[0] for file in one.files if "/messages/" in file}

    assert own == notes | sent, "no words without a rule, and none of another pack"
    for words in own:
        text = one.book.words[words].body.source
        assert not re.search(r"[ \t]+\n|\n{3,}|!!|\bTODO\b|lorem|xxx|\$\{", text, re.IGNORECASE), words
        assert len(text) < 1_000, words
        if words in sent:
            assert text.startswith("Hi {{ client.first_name }},\n\n"), words
            assert "studio.owner" not in text, "the signature stands under every message already"


def test_packs_can_stand_side_by_side() -> None:
    """No two of them bring the same rule, words or file."""
    rules = [rule.id for one in READY.values() for rule in rules_of(one)]
    files = [file for pack in PACKS.values() for file in pack.files]

    assert len(rules) == len(set(rules))
    assert len(files) == len(set(files))


def test_the_starters_packs_are_the_starter() -> None:
    from tests.ruletests.pack_kit import ROOT

    there = {p.relative_to(ROOT).as_posix() for f in ("rules", "automations") for p in (ROOT / f).rglob("*.*")}
    assert {file for name in STARTER for file in PACKS[name].files} == there


def test_there_are_many_more_than_fifteen_automations() -> None:
    starter = next(iter(READY.values())).book.rules.keys() - {r.id for r in rules_of(next(iter(READY.values())))}

    assert len(starter) + sum(len(rules_of(one)) for one in READY.values()) >= 35


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_gives_its_reasons(name: str) -> None:
    for part in ("**Why so.**", "**What stops it.**", "**What to change.**"):
        assert part in PACKS[name].about, part
