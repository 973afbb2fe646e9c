"""Problems of rule files for people, for programs, and for places that show them beside the line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from selftimer import __version__
from selftimer.cli.output import clean, console, print_json, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from selftimer.errors import Problem

Format = Literal["text", "json", "github", "sarif"]
_WIDEST = 110
"""Signs of a line that are shown."""


def show_text(problems: Sequence[Problem], files: Mapping[str, bytes]) -> None:
    """Each with the line that it is in, and a mark below the place."""
    screen = console()
    lines = {name: content.decode("utf-8", "replace").splitlines() for name, content in files.items()}
    for problem in problems:
        style = "red" if problem.severity == "error" else "yellow"
        screen.print(clean(problem), style=style, soft_wrap=True)
        there = lines.get(problem.file, [])
        if 1 <= problem.line <= len(there):
            _line(there[problem.line - 1], problem.line, problem.column)


def _line(text: str, number: int, column: int) -> None:
    """A long one is shown from a little before the place."""
    start = max(0, column - 1 - _WIDEST // 2) if len(text) > _WIDEST else 0
    part = "".join(sign if sign.isprintable() else " " for sign in text[start : start + _WIDEST])
    say(f"{number:>5} | {part}", "dim")
    if 1 <= column <= len(text) + 1:
        say(f"      | {' ' * (column - 1 - start)}^", "dim")


def show_github(problems: Sequence[Problem], workspace: Path) -> None:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    for problem in problems:
        said = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
        level = "error" if problem.severity == "error" else "warning"
        where = f"file={_escaped(_path(problem, workspace), extra=True)},line={problem.line},col={problem.column}"
        print(f"::{level} {where}::{_escaped(said)}")


def _escaped(text: str, *, extra: bool = False) -> str:
    for sign, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), *(((":", "%3A"), (",", "%2C")) if extra else ())):
        text = text.replace(sign, code)
    return text


def show_sarif(problems: Sequence[Problem], workspace: Path) -> None:
    """SARIF 2.1.0, which code hosts and editors read."""
    driver = {"name": "selftimer", "version": __version__, "rules": [{"id": "rule-file"}]}
    run = {"tool": {"driver": driver}, "results": [_result(problem, workspace) for problem in problems]}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    print_json({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _result(problem: Problem, workspace: Path) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": _path(problem, workspace)},
        "region": {"startLine": max(1, problem.line), "startColumn": max(1, problem.column)},
    }
    return {
        "ruleId": "rule-file",
        "level": "error" if problem.severity == "error" else "warning",
        "message": {"text": f"{problem.message}; {problem.hint}" if problem.hint else problem.message},
        "locations": [{"physicalLocation": place}],
    }


def _path(problem: Problem, workspace: Path) -> str:
    """From where the command was given, as code hosts want it."""
    return os.path.relpath(workspace / problem.file).replace(os.sep, "/")
