"""Running tests of rules: progress, what failed and why, what no test reached."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.cli.output import clean, console, print_json, say
from selftimer.cli.problems import show_text
from selftimer.cli.workspace import load_settings
from selftimer.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.ruletests.report import Row
    from selftimer.ruletests.runner import Outcome
    from selftimer.ruletests.workspace import Suite

_STYLES = {"-": "red", "+": "green", "!": "yellow", " ": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which tests, and whether to stop at the first that fails."""

    what: tuple[str, ...] = ()
    text: str | None = None
    rule: str | None = None
    first: bool = False


def run_tests(workspace: Path, choice: Choice, *, coverage: bool, junit: Path | None, as_json: bool) -> int:
    """Run them; 1 where one failed or a file of tests has errors."""
    from selftimer.log import silence
    from selftimer.rulebook.files import TEST_FOLDERS, read_workspace
    from selftimer.ruletests import report
    from selftimer.ruletests.workspace import choose, load_suite, run_all

    silence()
    begun = time.perf_counter()
    suite = load_suite(load_settings(workspace))
    tests = choose(suite, choice.what, text=choice.text, rule=choice.rule)
    if not as_json:
        show_text(suite.problems, read_workspace(suite.settings.workspace, TEST_FOLDERS))
    if not tests and not suite.errors:
        raise ConfigError(_nothing(suite))
    zone = suite.settings.studio.time_zone
    outcomes: list[Outcome] = []
    progress = _Progress(quiet=as_json)
    for outcome in run_all(suite, tests):
        outcomes.append(outcome)
        progress.done(outcome)
        if choice.first and not outcome.passed:
            break
    progress.end()
    if junit is not None:
        _write(junit, report.junit(outcomes, zone))
    failed = [one for one in outcomes if not one.passed]
    code = 1 if failed or suite.errors else 0
    if as_json:
        _as_json(suite, outcomes, zone, coverage=coverage)
        return code
    for one in failed:
        _show(one, list(report.rows_of(one, zone)))
    if coverage:
        _coverage(suite, outcomes)
    _summary(suite, outcomes, len(tests), time.perf_counter() - begun)
    return code


def _nothing(suite: Suite) -> str:
    if suite.tests:
        return "no test is like that; 'selftimer test' without more runs all"
    return f"there are no tests in {suite.settings.workspace}/rules/tests; the guide's 'Test your rules' shows one"


class _Progress:
    """A sign for each test, a line for each file."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._file = ""

    def done(self, outcome: Outcome) -> None:
        if self._quiet:
            return
        if outcome.test.file != self._file:
            self.end()
            self._file = outcome.test.file
            sys.stdout.write(f"{self._file} ")
        sys.stdout.write("." if outcome.passed else "F")
        sys.stdout.flush()

    def end(self) -> None:
        if self._file:
            sys.stdout.write("\n")
        self._file = ""


def _show(outcome: Outcome, rows: list[Row]) -> None:
    say("")
    console().print(clean(f"FAILED {outcome.test.name}"), style="bold red", soft_wrap=True)
    say(f"       {outcome.test.where}")
    for row in rows:
        indent = "      " if row.sign == "!" else f"  {row.sign} "
        console().print(f"{indent}{_one_line(row.text)}", style=_STYLES[row.sign], soft_wrap=True)


def _one_line(text: str) -> str:
    """Cleaned, its indentation kept."""
    inner = text.lstrip(" ")
    return " " * (len(text) - len(inner)) + clean(inner)


def _coverage(suite: Suite, outcomes: list[Outcome]) -> None:
    from selftimer.ruletests.reached import coverage

    say("\nWhat no test reached:")
    found = coverage(suite.book, (one.reached for one in outcomes))
    for one in found:
        for place in one.missed if one.tests else ():
            say(f"  {one.rule}: {place}")
        if not one.tests:
            console().print(f"  {one.rule}: no test runs it", style="yellow", soft_wrap=True)
    points, missed = sum(one.points for one in found), sum(len(one.missed) for one in found)
    say(f"{points - missed} of {points} places reached")


def _summary(suite: Suite, outcomes: list[Outcome], wanted: int, seconds: float) -> None:
    failed = sum(not one.passed for one in outcomes)
    parts = [f"{len(outcomes) - failed} passed"] + ([f"{failed} failed"] if failed else [])
    if len(outcomes) < wanted:
        parts.append(f"{wanted - len(outcomes)} not run")
    if suite.errors:
        errors = len(suite.errors)
        parts.append(f"{errors} error{'' if errors == 1 else 's'} in the files of tests")
    text = f"\n{', '.join(parts)} in {seconds:.1f} s"
    console().print(text, style="red" if failed or suite.errors else "green", soft_wrap=True)


def _as_json(suite: Suite, outcomes: list[Outcome], zone: str, *, coverage: bool) -> None:
    from selftimer.ruletests import reached, report

    data: dict[str, object] = {
        "passed": sum(one.passed for one in outcomes),
        "failed": sum(not one.passed for one in outcomes),
        "problems": suite.problems,
        "tests": [report.as_data(one, zone) for one in outcomes],
    }
    if coverage:
        data["coverage"] = reached.coverage(suite.book, (one.reached for one in outcomes))
    print_json(data)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from error
