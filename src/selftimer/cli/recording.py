"""Writing a test from a real run, and seeing whether it passes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from selftimer.cli.output import note
from selftimer.cli.workspace import find_run_or_delivery, load_settings, open_reader
from selftimer.plan.state import Run

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.settings import Settings

FILE = "rules/tests/recorded.yaml"


def record_run(workspace: Path, ident: str) -> int:
    """Print the file of a test, and say on the side whether the rules of today do what was done then."""
    from selftimer.log import silence
    from selftimer.ruletests.recording import Recorder

    silence()
    settings = load_settings(workspace)
    with open_reader(settings) as reader:
        found = find_run_or_delivery(reader, ident)
        run = found if isinstance(found, Run) else reader.find_runs(found.run_id)[0]
        text = Recorder(reader, run, settings.studio.time_zone).text()
    sys.stdout.write(text)
    sys.stdout.flush()
    return _try(settings, text)


def _try(settings: Settings, text: str) -> int:
    from selftimer.ruletests.reading import read_tests
    from selftimer.ruletests.report import rows_of
    from selftimer.ruletests.workspace import Suite, rules_of, run_all

    book = rules_of(settings)
    read = read_tests({FILE: text}, book, settings.facts())
    for problem in read.problems:
        note(str(problem))
    suite = Suite(settings=settings, book=book, tests=read.tests)
    for outcome in run_all(suite, read.tests):
        if outcome.passed:
            note("The test passes: the rules of today do what was done then. Give it a name that says what must be so.")
            return 0
        note("The test fails: the rules of today do something else, or what it took isn't kept.")
        for row in rows_of(outcome, settings.studio.time_zone):
            note(f"  {row.sign} {row.text}")
    return 1
