"""Mistakes in a file of tests: each with its place and what to write instead, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.ruletests.conftest import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.ruletests.workspace import Suite

    Make = Callable[..., Suite]

DIARY = """
- name: it
  rule: nudge
  given:
    - client: {id: anna, first_name: Anna}
    - invoice: {id: i1, client: anna, amount: 100.50, due_date: 2026-04-10}
  diary:
    - {at: 2026-03-02 15:20, lead.created: {id: ben}}
    - {at: 2026-03-04 10:00, send: nudge, to: ben}
    - {at: 2026-05-01 10:00}
"""


def problems(suite: Suite) -> list[str]:
    return [str(problem) for problem in suite.problems]


def test_a_test_without_a_mistake_is_read_whole(suite: Make) -> None:
    found = suite(DIARY)

    assert problems(found) == []
    (test,) = found.tests
    assert (test.name, test.rules, str(test.where)) == ("it", ("nudge",), "rules/tests/one.yaml:2:5")
    assert test.given[1].values["amount"] == 10_050
    assert test.diary[0].at.format_iso() == "2026-03-02T14:20:00Z"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("rule: nudge", "rule: nugde", "3:11: there is no rule 'nugde'; did you mean 'nudge'?"),
        ("rule: nudge", "rules: nudge", "3:5: a test has no key 'rules'; did you mean 'rule'?"),
        (
            "lead.created",
            "lead.creatd",
            "8:32: there is no event or action 'lead.creatd'; did you mean 'lead.created'?",
        ),
        ("lead.created", "lead.new", "did you mean 'lead.created'?"),
        ("lead.created: {id: ben}", "session.ended: {id: s1}", "comes from the clock; take the line out"),
        (
            "client: {id: anna",
            "cleint: {id: anna",
            "5:9: there is no record 'cleint' in a test; did you mean 'client'?",
        ),
        (
            "first_name: Anna",
            "firstname: Anna",
            "a client has no field 'firstname' in a test; did you mean 'first_name'?",
        ),
        (
            "client: anna, amount",
            "client: ana, amount",
            "6:35: no client is called 'ana' by then; did you mean 'anna'?",
        ),
        ("to: ben", "to: i1", "'i1' is an invoice; there are: anna, ben"),
        ("due_date: 2026-04-10", "due_date: 10.4.2026", "'10.4.2026' is not understood as a date; write it like"),
        ("due_date: 2026-04-10", "due_date: 2026-04-31", "there is no 2026-04-31 in the calendar"),
        ("amount: 100.50", "amount: €100", "'€100' is no amount; write it in main units"),
        ("amount: 100.50", "amount: 100.505", "more decimals than the currency"),
        ("at: 2026-03-02 15:20", "at: 2026-03-02", "add the time of day: 2026-03-02 10:00"),
        ("at: 2026-03-02 15:20", "at: 2026-03-02 5pm", "write date and time of the studio, like 2026-03-02 15:20"),
        ("at: 2026-03-04", "at: 2026-03-01", "9:14: 2026-03-01 10:00 is earlier than the line before"),
        ("send: nudge", "send: nugde", "rule nudge never does 'send: nugde'; did you mean 'nudge'?"),
        ("send: nudge", "send: soon", "rule nudge never does 'send: soon'; it does: last-call, nudge"),
        ("send: nudge", "notify: nudge", "rule nudge never does 'notify: nudge'; there is no 'notify' in it"),
        ("send: nudge, to: ben", "send: nudge, to: bne", "no client is called 'bne' by then; did you mean 'ben'?"),
        ("send: nudge, to: ben", "to: ben", "'to' without an action; say what is done"),
        ("send: nudge, to: ben", "send: nudge, notify: call-them", "two things in one line: send and notify"),
        ("send: nudge, to: ben", "send: nudge, because: late", "'send' has no 'because' beside it"),
        ("- {at: 2026-05-01 10:00}", "- {send: nudge}", "a line of the diary needs 'at'"),
        ("  name: it\n", "", "a test needs 'name'"),
        (
            "lead.created: {id: ben}",
            "session.rescheduled: {id: s7, start_at: 2026-06-10 10:00}",
            "no session is called 's7'",
        ),
        ("lead.created: {id: ben}", "session.confirmed: {id: s7, client: anna}", "a new session needs 'start_at'"),
        ("lead.created: {id: ben}", "contract.signed: {}", "which contract?; say its 'id', or whose it is by 'client'"),
        ("lead.created: {id: ben}", "lead.created: {id: i1}", "'i1' is an invoice already; choose another name"),
        ("lead.created: {id: ben}", "message.sent: {client: anna, by: studio}", "'by' belongs into 'given' only"),
        ("lead.created: {id: ben}", "invoice.sent: {id: i1, client: anna}", "invoice.sent changes no 'client' of an"),
        ("rule: nudge", "caps: {client_a_day: 1}", "caps has no key 'client_a_day'; did you mean 'client_per_day'?"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_write(suite: Make, right: str, wrong: str, said: str) -> None:
    text = DIARY.replace("- name: it", "-\n  name: it") if right.startswith("  name") else DIARY
    assert right in text

    found = suite(text.replace(right, wrong, 1))

    assert any(said in line for line in problems(found)), problems(found)
    assert found.tests == ()


def test_all_mistakes_of_a_file_are_told_at_once_and_the_other_tests_are_kept(suite: Make) -> None:
    broken = DIARY.replace("rule: nudge", "rule: nope").replace("to: ben", "to: bert").replace("name: it", "name: two")

    found = suite(DIARY + broken)

    assert [test.name for test in found.tests] == ["it"]
    assert len(found.errors) >= 2


def test_a_test_whose_last_line_is_an_effect_proves_nothing_about_what_follows(suite: Make) -> None:
    found = suite(DIARY.replace("    - {at: 2026-05-01 10:00}\n", ""))

    assert [problem.severity for problem in found.problems] == ["warning"]
    assert "nothing proves that nothing follows" in problems(found)[0]
    assert len(found.tests) == 1


def test_two_tests_of_a_file_cant_have_one_name(suite: Make) -> None:
    assert any("the test 'it' is already on line 2" in line for line in problems(suite(DIARY + DIARY)))


def test_yaml_that_cant_be_read_is_told_as_for_rules(suite: Make) -> None:
    found = suite(DIARY.replace("name: it", "name: it: now"))

    assert any("one.yaml:2" in line for line in problems(found))
    assert found.tests == ()


def test_a_file_that_isnt_read_is_said(suite: Make, tmp_path: object) -> None:
    from pathlib import Path

    from selftimer.ruletests.workspace import load_suite

    found = suite(DIARY)
    folder = Path(str(tmp_path)) / "rules" / "tests"
    (folder / "notes.txt").write_text("hello")
    (folder / "other.yaml").write_text(listed("- id: x", "rules"))

    said = problems(load_suite(found.settings))

    assert any("notes.txt:1:1: this file is not read" in line for line in said)
    assert any("other.yaml:1:1: the file begins with 'tests:'" in line for line in said)


def test_a_rule_that_doesnt_exist_is_not_hidden_by_the_rules_that_run(suite: Make) -> None:
    """Without `rule` all rules run, and each of their actions may stand."""
    found = suite(DIARY.replace("  rule: nudge\n", "").replace("send: nudge, to: ben", "send: welcome, to: ben"))

    assert problems(found) == []
    assert found.tests[0].rules == ()
