"""The tests of a workspace: reading them, choosing among them, running them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.errors import ConfigError, RuleFileError
from selftimer.rulebook.files import TEST_FOLDERS, read_workspace
from selftimer.rulebook.sentences import similar
from selftimer.ruletests.reading import read_tests
from selftimer.ruletests.runner import run_test
from selftimer.ruletests.stage import Ground
from selftimer.wiring import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selftimer.errors import Problem
    from selftimer.rulebook.model import Rulebook
    from selftimer.ruletests.model import RuleTest
    from selftimer.ruletests.runner import Outcome
    from selftimer.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The rules of a workspace and their tests; `problems` are those of the tests' files."""

    settings: Settings
    book: Rulebook
    tests: tuple[RuleTest, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep tests from being run."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def count(self) -> Mapping[str, int]:
        """Rule to how many tests name it."""
        return {rule: sum(rule in test.rules for test in self.tests) for rule in self.book.rules}


def load_suite(settings: Settings) -> Suite:
    """The tests of a workspace. `RuleFileError` with every error of the rules, which no test could be run with."""
    return suite_of(settings, rules_of(settings))


def rules_of(settings: Settings) -> Rulebook:
    """The workspace's rules; `RuleFileError` where they can't be used."""
    loaded = load_rules(settings)
    if loaded.rulebook is None:
        raise RuleFileError(list(loaded.errors))
    return loaded.rulebook


def suite_of(settings: Settings, book: Rulebook) -> Suite:
    """The same where the rules are loaded already."""
    files = read_workspace(settings.workspace, TEST_FOLDERS)
    read = read_tests(files, book, settings.facts())
    return Suite(settings=settings, book=book, tests=read.tests, problems=read.problems)


def choose(suite: Suite, what: Sequence[str], *, text: str | None = None, rule: str | None = None) -> list[RuleTest]:
    """The tests of those files and names (all where there are none), with that text in their name, of that rule.

    `ConfigError` for what isn't there.
    """
    if rule is not None and rule not in suite.book.rules:
        raise ConfigError(_unknown("rule", rule, list(suite.book.rules)))
    chosen = list(suite.tests)
    if what:
        wanted = [test for word in what for test in _named(suite, word)]
        chosen = [test for test in chosen if test in wanted]
    if rule is not None:
        chosen = [test for test in chosen if rule in (test.rules or (rule,))]
    if text is not None:
        chosen = [test for test in chosen if text.casefold() in test.name.casefold()]
    return chosen


def _named(suite: Suite, word: str) -> list[RuleTest]:
    """The tests that a word of the command line means: of a file, or of that name."""
    said = word.removeprefix("./")
    files = {test.file for test in suite.tests} | {problem.file for problem in suite.problems}
    mine = {file for file in files if said in {file, file.rpartition("/")[2], file.rpartition("/")[2].split(".")[0]}}
    mine |= {file for file in files if said.endswith(f"/{file}")}
    found = [test for test in suite.tests if test.file in mine or test.name.casefold() == word.casefold()]
    if not found and not mine:
        raise ConfigError(_unknown("test or file of tests", word, [*files, *(test.name for test in suite.tests)]))
    return found


def _unknown(what: str, word: str, known: list[str]) -> str:
    hint = similar(word, known)
    return f"there is no {what} {word!r}" + (f"; {hint}" if hint else "")


def run_all(suite: Suite, tests: Sequence[RuleTest]) -> Iterator[Outcome]:
    """Run tests one after the other, each outcome as it comes."""
    with Ground() as ground, asyncio.Runner() as runner:
        for test in tests:
            yield runner.run(run_test(test, suite.book, suite.settings, ground))
