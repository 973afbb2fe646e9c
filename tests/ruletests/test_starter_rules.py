"""The starter's own tests of its rules, each as a test of ours; and that every rule has some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from selftimer.ruletests.report import rows_of
from selftimer.ruletests.runner import run_test
from selftimer.ruletests.workspace import load_suite
from selftimer.settings import Settings

if TYPE_CHECKING:
    from selftimer.ruletests.model import RuleTest
    from selftimer.ruletests.stage import Ground

ROOT = Path(__file__).resolve().parents[2]
SUITE = load_suite(Settings.load(ROOT))


@pytest.mark.parametrize("test", SUITE.tests, ids=lambda test: f"{Path(test.file).stem}: {test.name}")
async def test_the_starter_does_what_its_tests_say(test: RuleTest, ground: Ground) -> None:
    outcome = await run_test(test, SUITE.book, SUITE.settings, ground)

    rows = rows_of(outcome, SUITE.settings.studio.time_zone)
    assert outcome.passed, "\n".join(["", *(f"{row.sign} {row.text}" for row in rows)])


def test_the_tests_of_the_starter_have_no_mistake_and_every_one_proves_silence_in_the_end() -> None:
    assert [str(problem) for problem in SUITE.problems] == []


def test_every_rule_of_the_starter_has_its_way_and_something_that_stops_it() -> None:
    few = {rule: count for rule, count in SUITE.count().items() if count < 1}

    assert few == {}
