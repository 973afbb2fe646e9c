"""From the files of a workspace to a `Rulebook`, with every error at once. Pure: files come by content."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from selftimer.errors import Problem, RuleFileError
from selftimer.facts.records import Kind
from selftimer.rulebook.build import LIMITS, RuleUnit, build_rule
from selftimer.rulebook.build_everywhere import Everywhere
from selftimer.rulebook.build_inputs import inside, types_of
from selftimer.rulebook.build_steps import MAX_STEPS, AutomationUnit, StepBuilder, Use
from selftimer.rulebook.build_text import Checker
from selftimer.rulebook.files import FILES, MAX_FILE
from selftimer.rulebook.limits import MAX_FOUND, MAX_UNITS, MAX_VALUES, Size, Sizes, size_of, told
from selftimer.rulebook.lint import lint, unused_words
from selftimer.rulebook.lint_walk import effects_of
from selftimer.rulebook.model import NotifyStep, Rulebook, SendStep
from selftimer.rulebook.models import AllRulesSource, AutomationSource, RuleSource
from selftimer.rulebook.names import Names
from selftimer.rulebook.sentences import similar
from selftimer.rulebook.source import Place, read_source, unknown_key
from selftimer.rulebook.words import FOLDER, SUFFIXES, Saying, WordsSource, compile_words, read_words
from selftimer.rulebook.yaml12 import Document, Most, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from selftimer.facts.world import StudioFacts
    from selftimer.rulebook.build import Built
    from selftimer.rulebook.model import Rule, Words

Source = TypeVar("Source", RuleSource, AutomationSource)
Unit = TypeVar("Unit", RuleUnit, AutomationUnit)
_MOST = Most(MAX_VALUES, MAX_FOUND)


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


def load_workspace(
    files: Mapping[str, bytes | str], vocabulary: StudioFacts, attachments: Mapping[str, int] | None = None
) -> LoadResult:
    """The rulebook of the files by their relative paths (`rules/…`, `automations/…`, `automations/messages/…`).

    `vocabulary` is the studio as `selftimer.toml` tells it; `attachments` are the sizes of the files that messages can
    carry, by their path from automations/files (None: not looked at). Never raises, whatever the files hold.
    """
    with _uncollected():
        return _Loader(vocabulary, attachments).load(files)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage meanwhile: what a load makes stays, and going through it costs a fifth of the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A rule of an older version, and what words it says that today's workspace hasn't any more."""

    rule: Rule
    words: Mapping[str, Words]


def compile_version(
    source: Mapping[str, Any],
    vocabulary: StudioFacts,
    kept: Callable[[str], tuple[str, str] | None],
    all_rules: Mapping[str, Any] | None = None,
) -> Version:
    """A rule again from its `Rule.source`: the version that a run is pinned to, with today's `all_rules`.

    `kept` gives the file and the text of words that are gone from the workspace; None for words that aren't (19).
    `RuleFileError` where that version can't be compiled any more.
    """
    built = _built_again(source, vocabulary, all_rules)
    assert built.rule is not None
    words: dict[str, Words] = {}
    for use in built.uses:
        found = kept(use.words) if use.words not in words else None
        text, _ = read_words(found[1], found[0]) if found is not None else (None, [])
        compiled, _ = compile_words(text, use.ground.names, use.ground.present) if text is not None else (None, [])
        if compiled is not None:
            words[use.words] = compiled
    return Version(rule=built.rule, words=words)


def compile_source(source: Mapping[str, Any], vocabulary: StudioFacts) -> Rule:
    """As `compile_version`, the rule alone."""
    return compile_version(source, vocabulary, lambda _name: None).rule


def _built_again(source: Mapping[str, Any], vocabulary: StudioFacts, all_rules: Mapping[str, Any] | None) -> Built:
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
    everywhere = _everywhere(all_rules, Place(Document(file=file, data=all_rules), ()), vocabulary)[0]
    if rule is not None:
        unit = RuleUnit(source=rule, place=place, raw=source["rule"])
        built = build_rule(unit, units, vocabulary, everywhere=everywhere)
        if built.rule is not None:
            return built
        problems += built.problems
    raise RuleFileError([problem for problem in problems if problem.severity == "error"])


def _everywhere(raw: Any, place: Place, studio: StudioFacts) -> tuple[Everywhere | None, list[Problem]]:
    """`all_rules` from its raw data, and what is wrong with it."""
    if raw is None:
        return None, []
    source, problems = read_source(AllRulesSource, raw, place, "all_rules")
    if source is None:
        return None, problems
    everywhere = Everywhere(source=source, place=place, raw=raw, studio=studio)
    return everywhere, problems + everywhere.check(LIMITS)


@dataclass(slots=True)
class _Loader:
    studio: StudioFacts
    attachments: Mapping[str, int] | None = None
    problems: list[Problem] = field(default_factory=list)
    rules: dict[str, RuleUnit] = field(default_factory=dict)
    automations: dict[str, AutomationUnit] = field(default_factory=dict)
    words: dict[str, WordsSource] = field(default_factory=dict)
    complete: bool = True
    """Whether all automations could be read; where not, one that is unknown is not an error of the rule."""
    put_off: bool = False
    """Whether rules were passed over for their size, so that what they run isn't known."""
    everywhere: Everywhere | None = None
    broken_words: set[str] = field(default_factory=set)
    mended: set[Problem] = field(default_factory=set)
    """Faults of YAML: read on as what was probably meant."""

    def load(self, files: Mapping[str, bytes | str]) -> LoadResult:
        for file in sorted(files):
            self._file(file, files[file])
        builts = list(self._built())
        rules = {built.rule.id: built.rule for built in builts if built.rule is not None}
        titled = frozenset(name for name, unit in self.rules.items() if unit.source.title)
        self.problems += lint(rules.values(), titled, self.words, self.studio.mails)
        ran = {name for built in builts for name in built.ran}
        unrun = [] if self.put_off else [self.automations[name] for name in sorted(self.automations.keys() - ran)]
        alone = [use for unit in self._affordable(unrun) for use in self._alone(unit)]
        uses = [use for built in builts for use in built.uses] + alone
        words = self._words(uses)
        self._attached(builts)
        if not self._failed():  # else what looks unused may be what a faulty rule means to use
            self._unused(ran, frozenset(use.words for use in uses))
        spots = {_spot(problem) for problem in self.mended}  # what else is wrong there follows from it
        problems = {p for p in self.problems if p in self.mended or _spot(p) not in spots}
        everywhere = self.everywhere.raw if self.everywhere is not None else None
        book = None if self._failed() else Rulebook(rules=rules, words=words, all_rules=everywhere)
        return LoadResult(rulebook=book, problems=told(problems))

    def _built(self) -> Iterator[Built]:
        """The rules, each compiled."""
        for unit in self._affordable(self.rules.values()):
            built = build_rule(unit, self.automations, self.studio, complete=self.complete, everywhere=self.everywhere)
            self.problems += built.problems
            yield built

    def _affordable(self, units: Iterable[Unit]) -> Iterator[Unit]:
        """The units but for those of a file that are too much with what they run, or stand behind many faults."""
        sizes = Sizes(
            automations={name: unit.raw for name, unit in self.automations.items()},
            everywhere=Size() if self.everywhere is None else size_of(self.everywhere.raw),
        )
        totals: dict[str, Size] = {}
        for unit in units:
            file, size = unit.place.document.file, sizes.whole(unit.raw)
            before = totals.get(file, Size())
            totals[file] = before + size
            if before.too_large or sum(problem.file == file for problem in self.problems) >= MAX_FOUND:
                self.put_off = True
            elif totals[file].too_large:
                self.put_off = True
                message = f"with what is run, the file has {totals[file].too_large} down to here"
                hint = "put this and what is below it into another file" if before.values else "make several of it"
                if size.steps > MAX_STEPS:
                    message, hint = f"more than {MAX_STEPS} steps in one rule", "split it into several rules"
                self.problems.append(unit.place.problem(message, hint))
            else:
                yield unit

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
        document = load(content, file, _MOST)
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
                self._all_rules(data[name], place / name)
            elif name != key:
                self.problems.append((place / name).problem(*unknown_key(name, [key]), key=True))
        if key not in data and "all_rules" in data:
            return
        if not isinstance(data.get(key), list):
            if key in data:
                self.problems.append((place / key).problem("a list is wanted here", "begin each entry with '- id: …'"))
            self.complete = False
            return
        if len(data[key]) > MAX_UNITS:
            message, hint = f"more than {MAX_UNITS} {key} in one file", "put the rest into another file"
            self.problems.append((place / key / MAX_UNITS).problem(message, hint))
            self.complete = False
        for number, raw in enumerate(data[key][:MAX_UNITS]):
            self._unit(model, raw, place / key / number, what)

    def _all_rules(self, raw: Any, place: Place) -> None:
        if self.everywhere is not None:
            first = self.everywhere.place.where()
            self.problems.append(place.problem(f"'all_rules' is already at {first}", "write both as one", key=True))
            return
        self.everywhere, problems = _everywhere(raw if raw is not None else {}, place, self.studio)
        self.problems += problems

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
        sayings = {name: Saying(source) for name, source in self.words.items()}
        told: set[Problem] = set()
        for use in uses:
            source = self.words.get(use.words)
            if source is None:
                if use.words not in self.broken_words:
                    hint = similar(use.words, self.words) or f"write it to {FOLDER}{use.words}.md"
                    self.problems.append(use.place.problem(f"there is no message {use.words!r}", hint))
                continue
            words, problems = sayings[use.words].words(use.ground.names, use.ground.present)
            self.problems += [_for_rule(problem, use) for problem in problems if problem not in told]
            told.update(problems)
            if words is not None:
                compiled.setdefault(source.name, words)
        return compiled

    def _attached(self, builts: Sequence[Built]) -> None:
        """Every file that a step or a message names is there, and not too large for the studio."""
        named = [
            (Problem(source.file, part.line, part.column, ""), part.text)
            for source in self.words.values()
            for part in source.attach
        ]
        steps = [e.step for built in builts if built.rule for entry in built.rule.entries for e in effects_of(entry)]
        for step in steps:
            at = Problem(step.where.file, step.where.line, step.where.column, "")
            if isinstance(step, SendStep):
                named += [(at, name) for name in step.attach]
            elif isinstance(step, NotifyStep) and step.words in self.words and self.words[step.words].attach:
                hint = "take 'attach' out of its head, or send it to a client"
                self.problems.append(replace(at, message=f"a note carries no files, and {step.words} has", hint=hint))
        for at, name in named:
            size = self.attachments.get(name) if self.attachments is not None else 0
            if size is None:
                hint = similar(name, self.attachments or ()) or f"put the file into {FILES}"
                self.problems.append(replace(at, message=f"there is no file {FILES}{name}", hint=hint))
            elif size > MAX_FILE:
                message = f"{FILES}{name} has {size / 1024**2:.1f} MiB; the studio takes 10"
                self.problems.append(replace(at, message=message, hint="make it smaller, or send a link to it"))

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
