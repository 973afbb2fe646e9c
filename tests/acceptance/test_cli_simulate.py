"""`selftimer simulate` as people and programs use it: on a made-up studio, on a copy of theirs, over its past."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
- id: hello
  title: Answer a lead
  when: lead.created
  if: client.type == 'lead'
  repeat: after 30 days per client.email
  ignore_quiet_hours: true
  then:
    - send: hello
- id: nudge
  title: Ask once more
  when: lead.created
  if: client.type == 'lead'
  until: client.replied
  then:
    - wait: 2 days
    - send: nudge
"""


async def _live(folder: Path) -> Path:
    async with StudioDay(folder, RULES) as day:
        await day.until("2026-03-02 12:00")
        day.lead("Anna")
        day.lead("Ben")
        await day.until("2026-03-03 12:00")
    return day.workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A studio where two leads were answered and wait for a second message."""
    return asyncio.run(_live(tmp_path_factory.mktemp("studio")))


@pytest.fixture
def old(workspace: Path, tmp_path: Path) -> Path:
    """The same rules in another folder."""
    for name in ("rules", "automations"):
        shutil.copytree(workspace / name, tmp_path / name)
    return tmp_path


def simulate(workspace: Path, *options: str) -> int:
    return main(["simulate", "-w", str(workspace), *options])


def test_a_calendar_tells_each_day_and_the_sums(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(workspace, "--days", "3") == 0
    said = capsys.readouterr().out
    assert said.startswith("A made-up studio (seed 7), Mon 2026-03-02 08:00 to Thu 2026-03-05 08:00")
    assert re.search(r"^Tue 2026-03-03 +\d+  hello \d", said, re.MULTILINE)
    assert re.search(r"^hello +\d", said, re.MULTILINE)


def test_words_and_one_clients_story_can_be_seen(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(workspace, "--days", "3", "--words") == 0
    said = capsys.readouterr().out
    found = re.search(r"\d\d:\d\d  (\S+ \S+) message hello  \[hello\]\n +hello", said)
    assert found is not None
    assert simulate(workspace, "--days", "3", "--client", found[1]) == 0
    lines = capsys.readouterr().out.splitlines()
    asks = next(number for number, line in enumerate(lines) if "asks about" in line)
    answered = next(number for number, line in enumerate(lines) if "→ message hello" in line)
    assert asks < answered


def test_an_unknown_client_rule_or_day_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(workspace, "--days", "1", "--client", "Nobody At All") == 2
    assert simulate(workspace, "--rule", "helo") == 2
    assert simulate(workspace, "--since", "yesterday") == 2
    assert simulate(workspace, "--since", "2026-03-02", "--my-studio") == 2
    assert "write it like 2026-03-02" in capsys.readouterr().err


def test_the_same_rules_do_not_differ_and_edited_ones_do(
    workspace: Path, old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(workspace, "--my-studio", "--against", str(old)) == 0
    assert "Nothing differs." in capsys.readouterr().out
    rules = old / "rules/test.yaml"
    rules.write_text(rules.read_text("utf-8").replace("wait: 2 days", "wait: 3 days"), "utf-8")
    (old / "automations/messages/hello.md").write_text("Good day {{ client.first_name }}\n", "utf-8")
    assert simulate(workspace, "--since", "2026-03-02", "--against", str(old)) == 1
    said = capsys.readouterr().out
    assert "in other words" in said
    assert re.search(r"- Good day Anna\n +\+ hello Anna", said)


def test_differences_come_as_data_too(workspace: Path, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = old / "automations/messages/hello.md"
    words.write_text("Good day {{ client.first_name }}\n", "utf-8")
    assert simulate(workspace, "--days", "2", "--against", str(old), "--json") == 1
    data = json.loads(capsys.readouterr().out)
    direct = [one for one in data["differences"] if not one["follows"]]
    assert direct
    assert all(one["rule"] == "hello" and one["what"] == ["words"] for one in direct)
    assert {"where", "seed", "notes", "old", "new"} <= data.keys()


def test_rules_with_errors_are_refused(workspace: Path, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "rules/test.yaml").write_text("rules: [", "utf-8")
    assert simulate(workspace, "--against", str(old)) == 1
    said = capsys.readouterr().err
    assert f"The rules of {old} can't be used" in said
    assert "rules/test.yaml" in said
    assert simulate(workspace, "--against", str(old / "rules")) == 2
    assert "no folder 'rules'" in capsys.readouterr().err


def test_a_copy_of_the_studio_is_told_like_a_calendar(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(workspace, "--my-studio", "--days", "2") == 0
    said = capsys.readouterr().out
    assert said.startswith("A copy of your studio")
    assert "Wed 2026-03-04    2  nudge 2" in said
    assert "Did nothing in this time: hello." in said


def test_the_past_is_told_beside_what_was_really_sent(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(workspace, "--since", "2026-01-01") == 0
    said = capsys.readouterr().out
    assert "Note: the history begins on 2026-03-02" in said
    assert "Mon 2026-03-02    2  hello 2" in said
    assert "Nothing differs." in said
    assert simulate(workspace, "--since", "2026-01-01", "--client", "Anna", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert [one["words"] for one in data["was"]["effects"]] == ["hello"]
    assert [one["words"] for one in data["would_be"]["effects"]] == ["hello"]
    assert data["would_be"]["deeds"][0]["text"].startswith("lead.created cl_")
    assert data["differences"] == []


def test_without_a_database_there_is_no_past_and_no_copy(
    workspace: Path, old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(workspace / "selftimer.toml", old)
    assert simulate(old, "--since", "2026-03-02") == 2
    assert simulate(old, "--my-studio") == 2
    assert "nothing has been recorded" in capsys.readouterr().err
    assert simulate(old, "--days", "1") == 0, "a made-up studio needs neither account nor database"
