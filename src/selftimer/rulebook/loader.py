"""From the files of a workspace to a `Rulebook`, with every error at once. Pure: files come by content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from selftimer.errors import Problem, RuleFileError
from selftimer.facts.records import Kind
from selftimer.rulebook.build import RuleUnit, build_rule
from selftimer.rulebook.build_inputs import inside, types_of
from selftimer.rulebook.build_steps import AutomationUnit, StepBuilder, Use
from selftimer.rulebook.build_text import Checker
from selftimer.rulebook.lint import lint, unused_words
from selftimer.rulebook.model import Rulebook
from selftimer.rulebook.models import AutomationSource, RuleSource
from selftimer.rulebook.names import Names
from selftimer.rulebook.sentences import later, similar
from selftimer.rulebook.source import Place, read_source, unknown_key
from selftimer.rulebook.words import FOLDER, SUFFIXES, WordsSource, compile_words, read_words
from selftimer.rulebook.yaml12 import Document, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.facts.world import StudioFacts
    from selftimer.rulebook.model import Rule, Words

Source = TypeVar("Source", RuleSource, AutomationSource)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """The rulebook, and all problems, sorted by place. With an error among them there is no rulebook."""

    rulebook: Rulebook | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the rules from being used."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems to be looked at."""
        return tuple(problem for problem in self.problems if problem.severity != "error")


def load_workspace(files: Mapping[str, bytes | str], vocabulary: StudioFacts) -> LoadResult:
    """The rulebook of the files by their relative paths (`rules/…`, `automations/…`, `automations/messages/…`).

    `vocabulary` is the studio as `selftimer.toml` tells it. Never raises, whatever the files hold.
    """
    return _Loader(vocabulary).load(files)


def compile_source(source: Mapping[str, Any], vocabulary: StudioFacts) -> Rule:
    """A rule again from its `Rule.source`: the version that a run is pinned to.

    Words are not looked at: they are today's, whatever the version (19).
    `RuleFileError` where that version can't be compiled any more.
    """
    file = str(source.get("file", "rules"))
    problems: list[Problem] = []
    units: dict[str, AutomationUnit] = {}
    for name, raw in source["automations"].items():
        place = Place(Document(file=file, data=raw), ())
        parsed, found = read_source(AutomationSource, raw, place, "an automation")
        problems += found
        if parsed is not None:
            units[name] = AutomationUnit(source=parsed, place=place, raw=raw)
    place = Place(Document(file=file, data=source["rule"]), ())
    rule, found = read_source(RuleSource, source["rule"], place, "a rule")
    problems += found
    if rule is not None:
        built = build_rule(RuleUnit(source=rule, place=place, raw=source["rule"]), units, vocabulary)
        if built.rule is not None:
            return built.rule
        problems += built.problems
    raise RuleFileError([problem for problem in problems if problem.severity == "error"])


@dataclass(slots=True)
class _Loader:
    studio: StudioFacts
    problems: list[Problem] = field(default_factory=list)
    rules: dict[str, RuleUnit] = field(default_factory=dict)
    automations: dict[str, AutomationUnit] = field(default_factory=dict)
    words: dict[str, WordsSource] = field(default_factory=dict)
    complete: bool = True
    """Whether all automations could be read; where not, one that is unknown is not an error of the rule."""
    broken_words: set[str] = field(default_factory=set)
    mended: set[Problem] = field(default_factory=set)
    """Faults of YAML: read on as what was probably meant."""

    def load(self, files: Mapping[str, bytes | str]) -> LoadResult:
        for file in sorted(files):
            self._file(file, files[file])
        builts = [
            build_rule(unit, self.automations, self.studio, complete=self.complete) for unit in self.rules.values()
        ]
        for built in builts:
            self.problems += built.problems
        rules = {built.rule.id: built.rule for built in builts if built.rule is not None}
        titled = frozenset(name for name, unit in self.rules.items() if unit.source.title)
        self.problems += lint(rules.values(), titled, self.words)
        ran = {name for built in builts for name in built.ran}
        alone = [use for name in sorted(self.automations.keys() - ran) for use in self._alone(self.automations[name])]
        uses = [use for built in builts for use in built.uses] + alone
        words = self._words(uses)
        if not self._failed():  # else what looks unused may be what a faulty rule means to use
            self._unused(ran, frozenset(use.words for use in uses))
        spots = {_spot(problem) for problem in self.mended}  # what else is wrong there follows from it
        problems = {p for p in self.problems if p in self.mended or _spot(p) not in spots}
        book = None if self._failed() else Rulebook(rules=rules, words=words)
        return LoadResult(rulebook=book, problems=tuple(sorted(problems)))

    def _failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    # --- files -------------------------------------------------------------------------------------------------------

    def _file(self, file: str, content: bytes | str) -> None:
        folder, _, name = file.rpartition("/")
        if folder == FOLDER.rstrip("/"):
            self._words_file(file, content)
        elif folder in {"rules", "automations"}:
            if not name.endswith(".yaml"):
                self._add(file, "this file is not read", "rules and automations live in files that end in .yaml")
            elif folder == "rules":
                self._read(file, content, "rules", RuleSource, "a rule")
            else:
                self._read(file, content, "automations", AutomationSource, "an automation")

    def _read(self, file: str, content: bytes | str, key: str, model: type[Source], what: str) -> None:
        document = load(content, file)
        self.problems += document.problems
        self.mended |= {problem for problem in document.problems if problem.severity == "error"}
        place = Place(document, ())
        if not document.readable:
            self.complete = False
            return
        data = document.data
        if data is None:
            return
        if not isinstance(data, dict):
            self.problems.append(place.problem(f"the file begins with '{key}:'", f"write '{key}:' and indent the rest"))
            self.complete = False
            return
        for name in data:
            if name == "all_rules" and key == "rules":
                error = later("'all_rules'")
                self.problems.append((place / name).problem(error.message, error.hint, key=True))
            elif name != key:
                self.problems.append((place / name).problem(*unknown_key(name, [key]), key=True))
        if not isinstance(data.get(key), list):
            if key in data:
                self.problems.append((place / key).problem("a list is wanted here", "begin each entry with '- id: …'"))
            self.complete = False
            return
        for number, raw in enumerate(data[key]):
            self._unit(model, raw, place / key / number, what)

    def _unit(self, model: type[Source], raw: Any, place: Place, what: str) -> None:
        source, problems = read_source(model, raw, place, what)
        self.problems += problems
        if source is None:
            self.complete = False
            return
        units: Mapping[str, RuleUnit | AutomationUnit] = self.rules if what == "a rule" else self.automations
        if (first := units.get(source.id)) is not None:
            here, there = place / "id", (first.place / "id").where()
            self.problems.append(
                here.problem(f"{what} {source.id!r} is already at {there}", "ids are unique: choose another")
            )
            self.problems.append(
                (first.place / "id").problem(
                    f"{what} {source.id!r} is again at {here.where()}", "ids are unique: choose another for one of them"
                )
            )
            return
        if isinstance(source, RuleSource):
            self.rules[source.id] = RuleUnit(source=source, place=place, raw=raw)
        else:
            self.automations[source.id] = AutomationUnit(source=source, place=place, raw=raw)

    def _words_file(self, file: str, content: bytes | str) -> None:
        if not file.endswith(SUFFIXES):
            self._add(file, "this file is not read", "messages live in files that end in .md or .txt")
            return
        source, problems = read_words(content, file)
        self.problems += problems
        name = file.removeprefix(FOLDER).rpartition(".")[0]
        if source is None:
            self.broken_words.add(name)
        elif name in self.words:
            self._add(file, f"the message {name} is in {self.words[name].file} as well", "delete one of the two files")
        else:
            self.words[name] = source

    def _add(self, file: str, message: str, hint: str) -> None:
        self.problems.append(Problem(file, 1, 1, message, hint=hint))

    # --- what is used ------------------------------------------------------------------------------------------------

    def _words(self, uses: list[Use]) -> dict[str, Words]:
        """The messages, compiled for each place that says them; those that nobody says for what any rule could."""
        compiled: dict[str, Words] = {}
        told: set[Problem] = set()
        for use in uses:
            source = self.words.get(use.words)
            if source is None:
                if use.words not in self.broken_words:
                    hint = similar(use.words, self.words) or f"write it to {FOLDER}{use.words}.md"
                    self.problems.append(use.place.problem(f"there is no message {use.words!r}", hint))
                continue
            words, problems = compile_words(source, use.ground.names, use.ground.present)
            self.problems += [_for_rule(problem, use) for problem in problems if problem not in told]
            told.update(problems)
            if words is not None:
                compiled.setdefault(source.name, words)
        return compiled

    def _alone(self, unit: AutomationUnit) -> list[Use]:
        """Check an automation that no rule runs, as far as it says what it is about; the messages it says."""
        subject = unit.source.subject
        if subject is None:
            return []
        if subject not in set(Kind):
            hint = similar(subject, list(Kind)) or "write a kind of record, like client or session"
            self.problems.append((unit.place / "subject").problem(f"there is no record {subject!r}", hint))
            return []
        names = Names.of(*sorted({Kind.CLIENT, Kind(subject)}), studio=self.studio)
        builder = StepBuilder(checker=Checker(), automations=self.automations, late=None, complete=self.complete)
        ground = inside(names, types_of(unit.source, {}))
        builder.steps(unit.source.then, unit.place / "then", ground, f"{unit.source.id}/")
        self.problems += builder.checker.problems
        return builder.uses

    def _unused(self, ran: set[str], used: frozenset[str]) -> None:
        self.problems += unused_words(self.words.values(), used)
        for name in self.automations.keys() - ran:
            warning = self.automations[name].place.problem(
                f"no rule runs the automation {name}", "run it, or delete it", severity="warning"
            )
            self.problems.append(warning)


def _spot(problem: Problem) -> tuple[str, int, int]:
    return problem.file, problem.line, problem.column


def _for_rule(problem: Problem, use: Use) -> Problem:
    """A message's problem with the place that says it: what can be known depends on who says it."""
    said = f"{problem.message} (as {use.place.where()} says it)"
    return Problem(problem.file, problem.line, problem.column, said, problem.severity, problem.hint)
