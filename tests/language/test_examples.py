"""Every row of the language by example: what is accepted does as its diary says, the rest is refused in these words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
from tests.language.kit import HERE, OK, REFUSED, example, name_of, settings
from tests.language.rows import ROWS

from selftimer.facts.event import EVENTS
from selftimer.rulebook import keys
from selftimer.rulebook.models import VERBS
from selftimer.rulebook.yaml12 import load
from selftimer.ruletests.jsonschema import FILES
from selftimer.ruletests.reading import read_tests
from selftimer.ruletests.report import rows_of
from selftimer.ruletests.runner import run_test

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.ruletests.stage import Ground

SETTINGS = settings()
SCHEMAS = {name: jsonschema_rs.Draft202012Validator(make()) for name, make in FILES.items()}
CREATES = ("invoice", "contract", "questionnaire", "quote", "coupon", "lead")


@pytest.mark.parametrize("path", OK, ids=name_of)
async def test_it_is_accepted_without_a_word_and_does_as_its_diary_says(path: Path, ground: Ground) -> None:
    one = example(path)
    loaded = one.load()
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.rulebook is not None
    read = read_tests({"rules/tests/example.yaml": one.section("tests")}, loaded.rulebook, SETTINGS.facts())
    assert [str(problem) for problem in read.problems] == []
    (test,) = read.tests

    outcome = await run_test(test, loaded.rulebook, SETTINGS, ground)

    rows = rows_of(outcome, SETTINGS.studio.time_zone)
    assert outcome.passed, "\n".join(["", *(f"{row.sign} {row.text}" for row in rows)])


@pytest.mark.parametrize("path", OK, ids=name_of)
def test_it_fits_the_schema_that_editors_are_given(path: Path) -> None:
    one = example(path)
    for kind, sections in (("rules", ("rules", "all_rules")), ("automations", ("automations",)), ("tests", ("tests",))):
        text = one.section(*sections)
        if text.strip():
            assert [error.message for error in SCHEMAS[kind].iter_errors(load(text, path.name).data)] == []


@pytest.mark.parametrize("path", REFUSED, ids=name_of)
def test_it_is_refused_in_these_words(path: Path) -> None:
    one = example(path)
    loaded = one.load()
    assert loaded.rulebook is None
    assert [str(problem).removeprefix("rules/example.yaml:") for problem in loaded.problems] == one.expected


@pytest.mark.parametrize("path", REFUSED, ids=name_of)
def test_a_key_that_there_is_not_doesnt_fit_the_schema_either(path: Path) -> None:
    one = example(path)
    if any("there is no key" in said for said in one.expected):
        assert not SCHEMAS["rules"].is_valid(load(one.section("rules", "all_rules"), path.name).data)


# --- nothing is left out ---------------------------------------------------------------------------------------------


def _written(paths: list[Path]) -> str:
    return "\n".join(path.read_text("utf-8") for path in paths)


def test_every_event_has_an_example_and_a_refused_one() -> None:
    for suffix in ("ok", "refused"):
        assert {path.name.removesuffix(f".{suffix}.yaml") for path in HERE.glob(f"events/*.{suffix}.yaml")} == set(
            EVENTS
        )


def test_every_key_of_a_rule_and_every_verb_stands_in_an_example() -> None:
    text = _written(OK)
    for key in {*keys.RULE, *keys.STEP, *keys.ALL_RULES, *keys.AUTOMATION}:
        assert re.search(rf"\b{key}:", text), key
    for kind in CREATES:
        assert f"create: {kind}" in text
    refused = _written(REFUSED)
    for key in {*VERBS, *keys.RULE}:
        assert re.search(rf"\b{key}:", refused), key


@pytest.mark.parametrize(("section", "row"), [(section, row) for section, rows in ROWS.items() for row in rows])
def test_each_row_of_the_language_has_what_is_accepted_and_what_is_refused(section: str, row: str) -> None:
    for name in ROWS[section][row]:
        assert HERE / f"{name}.ok.yaml" in OK
        assert HERE / f"{name}.refused.yaml" in REFUSED


def test_no_example_stands_outside_the_rows() -> None:
    inside = {name for rows in ROWS.values() for names in rows.values() for name in names}
    found = {name_of(path).rpartition(".")[0] for path in (*OK, *REFUSED)}
    others = {name for name in found - inside if name.partition("/")[0] not in {"events", "meaning"}}
    assert others <= {"conditions/always", "conditions/never", "when/nothing", "rule/approve", "rule/unknown-key"}


def test_each_point_of_the_exact_meaning_has_an_example_of_each_kind() -> None:
    for paths in (OK, REFUSED):
        points = {path.name[:2] for path in paths if path.parent.name == "meaning"}
        assert points == {f"{number:02}" for number in range(1, 23)}
