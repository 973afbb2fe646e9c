"""The schemas for editors: one source with what reads the files, and never stricter than that."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from selftimer.cli.main import main
from selftimer.cli.schemas import schema_files
from selftimer.rulebook import keys
from selftimer.rulebook.models import (
    AllRulesSource,
    AutomationSource,
    InputSource,
    ItemSource,
    ListSource,
    RuleSource,
    StepSource,
)
from selftimer.rulebook.source import read_source
from selftimer.rulebook.yaml12 import load
from selftimer.ruletests.jsonschema import FILES

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOT = Path(__file__).parents[3]
LINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")
VALIDATORS = {name: jsonschema_rs.Draft202012Validator(make()) for name, make in FILES.items()}


def faults(kind: str, data: Any) -> list[str]:
    return [error.message for error in VALIDATORS[kind].iter_errors(data)]


def rule(text: str) -> Any:
    return load("rules:\n  - id: r\n" + "".join(f"    {line}\n" for line in text.splitlines()), "rules/a.yaml").data


# --- one source ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FILES)
def test_each_schema_is_one_by_the_dialects_own(kind: str) -> None:
    assert jsonschema_rs.meta.is_valid(FILES[kind]())


@pytest.mark.parametrize(
    ("model", "table"),
    [
        (RuleSource, keys.RULE),
        (StepSource, keys.STEP),
        (AllRulesSource, keys.ALL_RULES),
        (AutomationSource, keys.AUTOMATION),
        (ListSource, keys.LIST),
        (InputSource, keys.INPUT),
        (ItemSource, keys.ITEM),
    ],
)
def test_every_key_that_is_read_is_explained_and_no_other(model: type[BaseModel], table: dict[str, keys.Key]) -> None:
    assert set(table) == {field.alias or name for name, field in model.model_fields.items()}


def test_what_stands_in_the_checkout_is_what_the_program_knows() -> None:
    for name, text in schema_files().items():
        assert (ROOT / name).read_text("utf-8") == text, "run: selftimer schema --write"


def test_the_examples_of_the_schema_fit_it() -> None:
    for name, key in keys.RULE.items():
        for example in key.examples:
            whole = {"id": "r", "when": "manual", "then": [{"stop": "x"}], name: example}
            assert faults("rules", {"rules": [whole]}) == [], (name, example)


# --- what fits -------------------------------------------------------------------------------------------------------


FILES_HERE = sorted([*ROOT.glob("rules/**/*.yaml"), *ROOT.glob("automations/*.yaml")])


@pytest.mark.parametrize("file", FILES_HERE, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_starters_files_fit_and_name_their_schema(file: Path) -> None:
    text = file.read_text("utf-8")
    named = LINE.match(text)
    assert named is not None
    target = (file.parent / named[1]).resolve()
    assert target == ROOT / ".schemas" / f"{file.parent.name}.json"
    assert faults(target.stem, load(text, file.name).data) == []


def test_each_sentence_of_the_language_page_fits() -> None:
    page = (ROOT / "docs" / "reference" / "language.md").read_text("utf-8")
    table = page[page.index("## when") : page.index("### No reply")]
    sentences = [one for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for one in re.findall("`(.+?)`", row)]
    assert len(sentences) > 12
    for sentence in sentences:
        assert faults("rules", {"rules": [{"id": "r", "when": sentence, "then": [{"stop": "x"}]}]}) == [], sentence


# --- what doesn't ----------------------------------------------------------------------------------------------------


STEP = "when: lead.created\nthen:\n  - "


@pytest.mark.parametrize(
    "text",
    [
        "when: lead.creatd\nthen:\n  - stop: x",
        "when: 2d before session.start_at\nthen:\n  - stop: x",
        "when: lead.created\nmodus: off\nthen:\n  - stop: x",
        "when: lead.created\nmode: of\nthen:\n  - stop: x",
        "when: lead.created\nrepeat: twice\nthen:\n  - stop: x",
        "when: lead.created\nlate: 2d\nthen:\n  - stop: x",
        "when: lead.created\nlimits: {per_minute: 1}\nthen:\n  - stop: x",
        "when: lead.created\ninclude: everybody\nthen:\n  - stop: x",
        "when: lead.created\nthen: []",
        "when: lead.created",
        "then:\n  - stop: x",
        STEP + "send: x\n    wait: 2 days",
        STEP + "approve: true",
        STEP + "stop: x\n    approve: true",
        STEP + "when: lead.created\n    stop: x",
        STEP + "then:\n      - stop: x",
        STEP + "create: dossier",
        STEP + "create: coupon\n    code: X\n    discount: 10%",
        STEP + "create: contract\n    from: X\n    uses: 1",
        STEP + "create: lead\n    set: {first_name: X}",
        STEP + "update: client\n    set: {status: archived}",
        STEP + "wait: 2 days\n    or_untill: contract.signed",
        "then:\n  - when: lead.created\n    send: x\n  - send: y",
        "then:\n  - when: lead.created\n    then:\n      - stop: x\n    else:\n      - stop: y",
    ],
)
def test_what_doesnt_go_together_doesnt_fit(text: str) -> None:
    assert faults("rules", rule(text)) != []


def test_a_key_of_a_test_that_doesnt_exist_doesnt_fit() -> None:
    line = {"at": "2026-03-02 15:20"}
    assert faults("tests", {"tests": [{"name": "t", "diary": [line]}]}) == []
    for wrong in (
        {"name": "t", "diary": [line], "rules": "x"},
        {"name": "t", "diary": []},
        {"name": "t", "diary": [{**line, "send": "x", "notify": "y"}]},
        {"name": "t", "diary": [{**line, "lead.creatd": {"id": "anna"}}]},
        {"name": "t", "diary": [{**line, "lead.created": {"name": "anna"}}]},
        {"name": "t", "diary": [{**line, "yes": "x", "contains": "y"}]},
        {"name": "t", "diary": [line], "given": [{"session": {"client": "anna"}}]},
    ):
        assert faults("tests", {"tests": [wrong]}) != [], wrong


def test_what_the_models_refuse_doesnt_fit() -> None:
    """For values of every sort at every key of a rule: what no model reads doesn't fit either."""
    values: list[Any] = [
        "x", "", " ", 3, 0, True, None, [], ["x"], [3], {}, {"x": 1}, {"x": None}, 1.5, "2 days", "client", "once",
        {"per_day": 3}, {"per_day": 0}, "own_changes", "auto", "migrate", "marketing", ["archived"],
    ]  # fmt: skip
    for name in keys.RULE:
        for value in values:
            whole = {"id": "r", "when": "manual", "then": [{"stop": "x"}], name: value}
            source, _ = read_source(RuleSource, whole, _place(whole), "a rule")
            if source is None:
                assert faults("rules", {"rules": [whole]}) != [], (name, value)


def _place(raw: Any) -> Any:
    from selftimer.rulebook.source import Place
    from selftimer.rulebook.yaml12 import Document

    return Place(Document(file="rules/a.yaml", data=raw), ())


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FILES)
def test_it_is_printed(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", kind]) == 0
    assert json.loads(capsys.readouterr().out) == FILES[kind]()


def test_it_is_brought_up_to_date_in_a_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".schemas").mkdir()
    (tmp_path / ".schemas" / "rules.json").write_text("old")
    assert main(["schema", "--write", "-w", str(tmp_path)]) == 0
    assert {path.name for path in (tmp_path / ".schemas").iterdir()} == {f"{kind}.json" for kind in FILES}
    assert json.loads((tmp_path / ".schemas" / "rules.json").read_text()) == FILES["rules"]()
    assert main(["schema", "--write", "-w", str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err
