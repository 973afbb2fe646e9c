"""The documentation says what the program does: tables, settings, examples, commands and the promise."""

from __future__ import annotations

import ast
import re
import runpy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from selftimer.cli import main
from selftimer.packs.catalogue import names
from selftimer.plan.policy import QuietHours
from selftimer.primitives.time import Span
from selftimer.rulebook import keys
from selftimer.rulebook.files import read_workspace
from selftimer.rulebook.loader import load_workspace
from selftimer.settings import Settings

if TYPE_CHECKING:
    from selftimer.facts.world import StudioFacts

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
FOLDERS = {"cookbook": "cookbook"}
"""Tool to the folder of the pages that it writes, if that isn't the reference."""


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --- reference -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "page", "content"),
    [
        (tool.name, (FOLDERS.get(tool.stem, "reference"), page), content)
        for tool in sorted((DOCS / "tools").glob("*.py"))
        for page, content in runpy.run_path(str(tool))["pages"]().items()
    ],
    ids=lambda value: "/".join(value) if isinstance(value, tuple) else None,
)
def test_the_pages_are_what_the_program_knows(tool: str, page: tuple[str, str], content: str) -> None:
    written = DOCS.joinpath(*page).read_text("utf-8")
    assert written == content, f"run: .venv/bin/python docs/tools/{tool}"


def test_the_cookbook_has_a_page_for_each_pack_and_no_others() -> None:
    pages = {page.stem for page in (DOCS / "cookbook").glob("*.md")}
    assert pages == {"index", *names()}
    nav = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert {page for page in pages if f"cookbook/{page}.md" not in nav} == set()


def test_the_languages_table_of_a_rules_keys_says_what_editors_say() -> None:
    text = (DOCS / "reference" / "language.md").read_text("utf-8")
    table = re.sub(
        r"\[((?:`[^`]*`|[^\]`])+)\]\([^)]+\)", r"\1", text[text.index("| key |") : text.index("### all_rules")]
    )
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert rows == [(name, key.meaning, key.default) for name, key in keys.RULE.items()]


_SHOWN = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_test_that_a_promise_names_is_there() -> None:
    text = (DOCS / "reference" / "safety.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    named = [pair for line in lines for pair in _SHOWN.findall(line)]
    assert len(named) >= len(lines) > 100
    tests = {file: _tests_in(ROOT / file) for file, _ in named}
    assert [f"{file}::{name}" for file, name in named if name not in tests[file]] == []


def _tests_in(file: Path) -> set[str]:
    """The functions of a file that pytest runs; none of a file that isn't there."""
    tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module([], [])
    found = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {name for name in found if name.startswith("test_")}


# --- settings --------------------------------------------------------------------------------------------------------


def _settings_page() -> dict[str, dict[str, str]]:
    """Section to key to the default as it is written."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in (DOCS / "guide" / "settings.md").read_text("utf-8").splitlines():
        if header := re.match(r"## \[([\w.]+)\]", line):
            current = sections.setdefault(header[1], {})
        elif row := re.match(r"\| `(\w+)` \| (.+?) \|", line):
            current[row[1]] = row[2].strip("`")
    return sections


def _shown(default: Any) -> str:
    match default:
        case None:
            return "none"
        case bool():
            return str(default).lower()
        case QuietHours(start=start, end=end):
            return f'"{start.hour:02}:{start.minute:02}-{end.hour:02}:{end.minute:02}"'
        case tuple():
            return "[" + ", ".join(f'"{one}"' for one in default) + "]"
        case str() | Path() | Span():
            return f'"{default}"'
        case _:
            return str(default)


def _sections(model: type[BaseModel] = Settings, path: str = "") -> dict[str, type[BaseModel]]:
    """The sections by name, those within others and those of a table of names (`webhooks.NAME`) too."""
    found: dict[str, type[BaseModel]] = {}
    for name, field in model.model_fields.items():
        inner = "NAME." if get_origin(field.annotation) is dict else ""
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                here = f"{path}{name}.{inner}".rstrip(".")
                found |= {here: kind, **_sections(kind, f"{here}.")}
    return found


@pytest.mark.parametrize("section", sorted(_sections()))
def test_every_setting_is_explained_with_its_default(section: str) -> None:
    secrets = {"secret"}  # of a table of names: their variable stands in the first table of the page
    fields = {n: f for n, f in _sections()[section].model_fields.items() if n not in secrets}
    wanted = {
        name: "needed" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        for name, field in fields.items()
    }
    assert _settings_page()[section] == wanted


def test_every_section_is_explained() -> None:
    text = (DOCS / "guide" / "settings.md").read_text("utf-8")
    shorthands = {"email", "password", "cookie"}
    for name in Settings.model_fields.keys() - shorthands:
        assert f"[{name}]" in text
    for name in shorthands:
        assert f"SELFTIMER_{name.upper()}" in text


# --- examples --------------------------------------------------------------------------------------------------------


def _examples() -> list[tuple[str, str]]:
    """Blocks of rules and automations, those that begin in the middle of a list too."""
    found = []
    for page in PAGES:
        for block in re.finditer(r"^( *)```yaml\n(.*?)^ *```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            text = "\n".join(line.removeprefix(block[1]) for line in block[2].splitlines()) + "\n"
            text = f"rules:\n{text}" if text.startswith("  - id:") else text
            if text.startswith(("rules:", "automations:")):
                found.append((_name(page), text))
    return found


@pytest.mark.parametrize(("page", "text"), _examples())
def test_an_example_is_a_rule_that_loads(page: str, text: str) -> None:
    data = yaml.safe_load(text)
    there = "automations/" if "rules" in data else "automations/messages/"
    files = {name: content for name, content in read_workspace(ROOT).items() if name.startswith(there)}
    for said in re.findall(r"(?:send|notify): ([a-z-]+)", text):
        files.setdefault(f"automations/messages/{said}.md", b"Hello")
    folder = "rules" if "rules" in data else "automations"
    loaded = load_workspace({**files, f"{folder}/example.yaml": text}, _studio())
    assert [str(problem) for problem in loaded.errors] == [], page
    assert loaded.rulebook is not None


def _studio() -> StudioFacts:
    """The starter's, and the form that examples speak of."""
    fields = ("name", "email", "phone", "message", "trap")
    return replace(Settings.load(ROOT).facts(), hooks={"contact-form": fields})


# --- commands, links, the promise ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    known = set(main.app)
    text = page.read_text("utf-8")
    blocks = re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *blocks])
    said = set(re.findall(r"(?:^|[\s$/])selftimer ([a-z][a-z-]*)\b", code, re.MULTILINE))
    assert said <= known


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=_name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8")):
        assert (ROOT / target).exists(), target


def _promise(page: Path) -> str:
    text = page.read_text("utf-8")
    start = text.index("Every change visible at a poll")
    return " ".join(text[start : text.index("bounds them.", start)].split())


def test_the_promise_is_the_same_everywhere() -> None:
    assert _promise(ROOT / "README.md") == _promise(DOCS / "index.md")


def test_every_decision_is_listed() -> None:
    index = (DOCS / "decisions" / "index.md").read_text("utf-8")
    for page in (DOCS / "decisions").glob("0*.md"):
        assert page.name in index
