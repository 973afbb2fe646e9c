"""The guide's tests of rules are run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from selftimer.rulebook.files import read_workspace
from selftimer.rulebook.loader import load_workspace
from selftimer.ruletests.deeds import DEEDS
from selftimer.ruletests.reading import read_tests
from selftimer.ruletests.report import rows_of
from selftimer.ruletests.runner import run_test
from selftimer.ruletests.shape import FIELDS
from selftimer.settings import Settings

if TYPE_CHECKING:
    from selftimer.ruletests.stage import Ground

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORDS = re.compile(r"^```\n(subject: .*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(page for page in GUIDE.glob("*.md") if "\ntests:\n" in page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_tests_of_a_page_pass_with_the_rules_of_the_page(page: Path, ground: Ground) -> None:
    settings = Settings.load(ROOT)
    text = page.read_text("utf-8")
    blocks = BLOCK.findall(text)
    files: dict[str, bytes | str] = dict(read_workspace(ROOT))
    rules = [block for block in blocks if block.startswith("rules:")]
    if rules:
        files["rules/page.yaml"] = rules[-1]
    files |= {f"automations/messages/{page.stem}.md": said for said in WORDS.findall(text)[:1]}
    if page.stem == "first-rule":
        files["automations/messages/contract-signed.md"] = files.pop("automations/messages/first-rule.md")
    book = load_workspace(files, settings.facts()).rulebook
    assert book is not None
    tests = [block for block in blocks if block.startswith("tests:")]

    for number, block in enumerate(tests):
        read = read_tests({f"rules/tests/{number}.yaml": block}, book, settings.facts())
        assert [str(problem) for problem in read.problems] == []
        for test in read.tests:
            outcome = await run_test(test, book, settings, ground)
            assert outcome.passed, list(rows_of(outcome, settings.studio.time_zone))


def test_there_are_pages_with_tests() -> None:
    assert {page.stem for page in PAGES} == {"first-rule", "testing-rules"}


def test_the_guide_names_every_field_and_no_others() -> None:
    text = (GUIDE / "testing-rules.md").read_text("utf-8")
    rows = {
        kind.partition(" ")[0]: set(re.findall(r"`(\w+)`", fields))
        for kind, fields in re.findall(r"^\| ([a-z][\w ()]*) \| (`id`.*) \|$", text, re.MULTILINE)
    }

    assert rows == {kind: set(fields) for kind, fields in FIELDS.items()}


def test_the_guide_names_the_deed_that_is_no_event() -> None:
    assert "message.sent" in DEEDS
    assert "message.sent" in (GUIDE / "testing-rules.md").read_text("utf-8")
