"""`selftimer test`: what it prints, which tests it takes, what it writes, and the codes it exits with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import structlog
from tests.acceptance.cli_kit import Commands, bare, make_workspace

from selftimer.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = """\
rules:
  - id: hello
    title: Answer a new lead
    when: lead.created
    if: client.type == 'lead' and not client.contacted
    repeat: after 30 days per client.email
    then:
      - send: hello
  - id: silent
    title: Nobody waits for this one
    when: contract.signed
    then:
      - send: hello
        id: signed
"""
LEADS = """\
tests:
  - name: a lead is answered
    rule: hello
    diary:
      - {at: 2026-03-02 12:00, lead.created: {id: anna, first_name: Anna}}
      - {at: 2026-03-02 12:00, send: hello, to: anna, contains: Hi Anna}
      - {at: 2026-03-03 12:00}
  - name: nobody is answered twice
    rule: hello
    diary:
      - {at: 2026-03-02 12:00, lead.created: {id: anna, first_name: Anna}}
      - {at: 2026-03-02 12:01, send: hello, to: anna}
      - {at: 2026-03-03 12:00}
"""
MORE = """\
tests:
  - name: one who is a client is not
    diary:
      - {at: 2026-03-02 12:00, client.created: {id: anna, first_name: Anna}}
      - {at: 2026-03-03 12:00}
"""


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    bare(monkeypatch)
    yield
    structlog.reset_defaults()


@pytest.fixture
def selftimer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    workspace = make_workspace(tmp_path / "nord", "http://127.0.0.1:9", rules=RULES)
    folder = workspace / "rules" / "tests"
    folder.mkdir()
    (folder / "leads.yaml").write_text(LEADS)
    (folder / "more.yaml").write_text(MORE)
    return Commands(workspace, capsys)


def test_it_runs_all_and_shows_what_failed_as_a_diff(selftimer: Commands) -> None:
    assert selftimer("test") == 1

    assert "rules/tests/leads.yaml .F\nrules/tests/more.yaml .\n" in selftimer.out
    assert "FAILED nobody is answered twice\n       rules/tests/leads.yaml:8:5\n" in selftimer.out
    assert "  - 2026-03-02 12:01  send hello to anna\n  + 2026-03-02 12:00  send hello to anna\n" in selftimer.out
    assert "2 passed, 1 failed in" in selftimer.out


@pytest.mark.parametrize(
    ("words", "code", "summary"),
    [
        (["more"], 0, "1 passed in"),
        (["rules/tests/more.yaml"], 0, "1 passed in"),
        (["a lead is answered"], 0, "1 passed in"),
        (["a lead is answered", "more"], 0, "2 passed in"),
        (["-k", "TWICE"], 1, "0 passed, 1 failed in"),
        (["--rule", "silent"], 0, "1 passed in"),
        (["leads", "-x", "-k", "answered"], 1, "1 passed, 1 failed in"),
    ],
)
def test_tests_are_chosen_by_file_name_text_and_rule(
    selftimer: Commands, words: list[str], code: int, summary: str
) -> None:
    assert selftimer("test", *words) == code
    assert summary in selftimer.out


def test_it_stops_at_the_first_that_fails(selftimer: Commands) -> None:
    assert selftimer("test", "-x") == 1
    assert "1 passed, 1 failed, 1 not run in" in selftimer.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lead"], "there is no test or file of tests 'lead'"),
        (["--rule", "helo"], "there is no rule 'helo'; did you mean 'hello'?"),
        (["-k", "nothing of the kind"], "no test is like that"),
    ],
)
def test_what_isnt_there_is_a_usage_error(selftimer: Commands, words: list[str], said: str) -> None:
    assert selftimer("test", *words) == 2
    assert said in selftimer.err


def test_no_tests_at_all_is_said(selftimer: Commands) -> None:
    for path in (selftimer.workspace / "rules" / "tests").iterdir():
        path.unlink()
    assert selftimer("test") == 2
    assert "there are no tests in" in selftimer.err


def test_a_file_with_a_mistake_fails_but_the_others_are_run(selftimer: Commands) -> None:
    (selftimer.workspace / "rules" / "tests" / "more.yaml").write_text(MORE.replace("client.created", "client.creatd"))

    assert selftimer("test", "a lead is answered") == 1
    assert "rules/tests/more.yaml:4:32: there is no event or action 'client.creatd'" in selftimer.out
    assert "1 passed, 1 error in the files of tests in" in selftimer.out


def test_rules_with_errors_can_t_be_tested(selftimer: Commands) -> None:
    (selftimer.workspace / "rules" / "rules.yaml").write_text(RULES.replace("lead.created", "lead.creatd"))

    assert selftimer("test") == 1
    assert "there is no event 'lead.creatd'" in selftimer.err


def test_for_programs(selftimer: Commands) -> None:
    data = selftimer.json("test", "--coverage")

    assert (data["passed"], data["failed"], data["problems"]) == (2, 1, [])
    failed = data["tests"][1]
    assert (failed["name"], failed["line"], failed["passed"]) == ("nobody is answered twice", 8, False)
    assert failed["differences"][0]["expected"] == "send hello to anna"
    assert failed["differences"][0]["why"][0] == "it came at 2026-03-02 12:00"
    missed = {one["rule"]: one["missed"] for one in data["coverage"]}
    assert missed == {"hello": ["`if` says no"], "silent": ["it begins", "step signed"]}


def test_coverage_for_people(selftimer: Commands) -> None:
    selftimer("test", "--coverage")

    assert "What no test reached:\n  hello: `if` says no\n  silent: it begins\n" in selftimer.out
    assert "places reached" in selftimer.out


def test_a_build_server_reads_junit(selftimer: Commands, tmp_path: Path) -> None:
    selftimer("test", "--junit", str(tmp_path / "out.xml"))

    root = ET.parse(tmp_path / "out.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    cases = root.findall(".//testcase")
    assert [case.get("name") for case in cases if case.find("failure") is not None] == ["nobody is answered twice"]
    failure = root.find(".//failure")
    assert failure is not None
    assert "- 2026-03-02 12:01  send hello to anna" in (failure.text or "")


def test_check_counts_the_tests_and_tells_of_their_mistakes(selftimer: Commands) -> None:
    assert selftimer("check") == 0
    assert "3 tests: hello 2\nwithout a test: silent\n" in selftimer.out
    assert selftimer.json("check")["tests"] == {"hello": 2, "silent": 0}

    (selftimer.workspace / "rules" / "tests" / "more.yaml").write_text("tests: 7\n")
    assert selftimer("check") == 1
    assert "rules/tests/more.yaml:1:1: the file begins with 'tests:'" in selftimer.out


def test_a_workspace_made_by_init_brings_its_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    capsys.readouterr()

    assert main(["test", "leads", "-k", "ends it", "--json", "-w", str(tmp_path / "new")]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["passed"] >= 3


def test_the_stop_file_and_the_account_of_the_workspace_have_no_say(selftimer: Commands) -> None:
    (selftimer.workspace / "PAUSE").write_text("holiday")
    (selftimer.workspace / ".env").unlink()

    assert selftimer("test", "a lead is answered") == 0
    assert not (selftimer.workspace / ".selftimer").exists()
