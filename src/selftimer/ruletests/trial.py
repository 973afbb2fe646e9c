"""`python -m selftimer.ruletests.trial`: the tests of changed rule files, for a service that is about to take them.

On standard input, as JSON: the workspace, all files as they would be in force, and the changed ones as they were. On
standard output a line of JSON for each thing worth telling, at once, so that what is known is known when time runs out.
Nothing is read of the workspace but its settings; nothing is written there, and nothing leaves this process.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selftimer.errors import Problem, SelftimerError
from selftimer.log import silence
from selftimer.rulebook.files import read_attachments
from selftimer.rulebook.loader import load_workspace
from selftimer.ruletests.concerned import Concerned
from selftimer.ruletests.reading import read_tests
from selftimer.ruletests.report import in_a_sentence
from selftimer.ruletests.workspace import Suite, run_all
from selftimer.settings import Settings

if TYPE_CHECKING:
    from selftimer.ruletests.runner import Outcome

_BEHIND = 5
"""How much the process stands back: the service goes first."""
HINT = "change the rule, or the test if the new way is the one you want; 'selftimer test' shows all of it"


def main() -> int:
    """Run what is asked for; 0 also where tests failed, as that is an answer."""
    os.nice(_BEHIND)
    silence()
    request = json.load(sys.stdin)
    try:
        _run(Settings.load(Path(request["workspace"])), _bytes(request["files"]), _bytes(request["changed"]))
    except SelftimerError as error:
        _tell({"trouble": str(error).partition("\n")[0]})
    _tell({"end": True})
    return 0


def _bytes(texts: dict[str, str | None]) -> dict[str, Any]:
    return {name: None if text is None else text.encode("utf-8", "surrogateescape") for name, text in texts.items()}


def _run(settings: Settings, files: dict[str, bytes], changed: dict[str, bytes | None]) -> None:
    loaded = load_workspace(files, settings.facts(), read_attachments(settings.workspace))
    if loaded.rulebook is None:
        _tell({"trouble": f"with today's settings the rules can't be used: {loaded.errors[0]}"})
        return
    read = read_tests(files, loaded.rulebook, settings.facts())
    broken = [problem for problem in read.errors if problem.file in changed]
    for problem in broken:
        _failed(problem, frozenset({problem.file}))
    unread = [problem for problem in read.errors if problem.file not in changed]
    concerned = Concerned.by(loaded.rulebook, files, changed)
    tests = [test for test in read.tests if concerned.files_of(test)]
    _tell({"wanted": len(tests)})
    suite = Suite(settings=settings, book=loaded.rulebook, tests=read.tests)
    hint = HINT
    for outcome in run_all(suite, tests):
        if not outcome.passed:
            against = concerned.files_of(outcome.test)
            _failed(_problem(outcome, settings.studio.time_zone, against, hint), against)
            hint = ""  # once is enough
        _tell({"ran": 1})
    if unread:
        _tell({"trouble": f"{unread[0]}"})


def _problem(outcome: Outcome, zone: str, against: frozenset[str], hint: str) -> Problem:
    where, sentence = in_a_sentence(outcome, zone)
    message = f"the test {outcome.test.name!r} fails with the change of {', '.join(sorted(against))}: {sentence}"
    return Problem(where.file, where.line, where.column, message, hint=hint)


def _failed(problem: Problem, files: frozenset[str]) -> None:
    _tell({"failed": {"problem": asdict(problem), "files": sorted(files)}})


def _tell(said: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
