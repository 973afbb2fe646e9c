"""From `rules/tests/*.yaml` to tests, with every mistake at once (rule-language.md, Tests)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.errors import Problem
from selftimer.facts.event import EVENTS
from selftimer.plan.moments import CLOCK_EVENTS
from selftimer.receiver.doors import tidy
from selftimer.rulebook.sentences import SUCCESSORS, similar
from selftimer.rulebook.source import Place
from selftimer.rulebook.yaml12 import load
from selftimer.ruletests.deeds import DEEDS
from selftimer.ruletests.model import FOLDER, Answers, Called, Expected, Given, Happens, Passes, RuleTest
from selftimer.ruletests.shape import FIELDS, NEEDED, ONLY_BEFORE, ONLY_NEW, a
from selftimer.ruletests.spoken import ACTIONS, OUTCOMES, effects_of, of_step
from selftimer.ruletests.values import MISSING, ValueReader
from selftimer.settings.sections import CapsSection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selftimer.facts.world import StudioFacts
    from selftimer.rulebook.model import Rule, Rulebook
    from selftimer.ruletests.deeds import Deed
    from selftimer.ruletests.model import Line

KEYS = ("name", "rule", "caps", "given", "diary")
ANSWERS = ("yes", "no")
BESIDE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(ACTIONS, ("to", "contains")),
    **dict.fromkeys(OUTCOMES, ("to", "contains", "because")),
    **dict.fromkeys(ANSWERS, ("to",)),
}
"""What may stand beside the verb of a diary's line."""
_TEST_SUCCESSORS = {
    "rules": "rule",
    "title": "name",
    "id": "name",
    "events": "diary",
    "then": "diary",
    "limits": "caps",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The tests of a workspace, and what is wrong with them. A test with an error is left out."""

    tests: tuple[RuleTest, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep a test from being run."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def read_tests(files: Mapping[str, bytes | str], book: Rulebook, studio: StudioFacts) -> Read:
    """The tests of the files below `rules/tests/`, by their relative paths; other files are passed over."""
    tests: list[RuleTest] = []
    problems: list[Problem] = []
    for file in sorted(name for name in files if name.startswith(FOLDER)):
        reader = _FileReader(file, files[file], book, studio)
        reader.read()
        tests += reader.tests
        problems += reader.problems
    names: dict[tuple[str, str], RuleTest] = {}
    for test in tests:
        first = names.setdefault((test.file, test.name), test)
        if first is not test:
            where = test.where
            said = f"the test {test.name!r} is already on line {first.where.line}"
            problems.append(Problem(where.file, where.line, where.column, said, hint="give one of them another name"))
    return Read(tests=tuple(tests), problems=tuple(sorted(problems)))


class _FileReader:
    def __init__(self, file: str, content: bytes | str, book: Rulebook, studio: StudioFacts) -> None:
        self._file, self._content, self._book, self._studio = file, content, book, studio
        self.tests: list[RuleTest] = []
        self.problems: list[Problem] = []

    def read(self) -> None:
        if not self._file.endswith(".yaml"):
            hint = "tests live in files that end in .yaml"
            self.problems.append(Problem(self._file, 1, 1, "this file is not read", hint=hint))
            return
        document = load(self._content, self._file)
        self.problems += document.problems
        place = Place(document, ())
        data = document.data
        if not document.readable or data is None:
            return
        if not isinstance(data, dict) or not isinstance(data.get("tests"), list):
            self.problems.append(place.problem("the file begins with 'tests:'", "write 'tests:' and a list below it"))
            return
        for name in data.keys() - {"tests"}:
            self.problems.append((place / name).problem(f"there is no key {name!r}", "there is: tests", key=True))
        for number, raw in enumerate(data["tests"]):
            reader = _TestReader(self._book, self._studio)
            test = reader.read(raw, place / "tests" / number)
            self.problems += reader.values.problems
            faulty = any(problem.severity == "error" for problem in reader.values.problems)
            if test is not None and not faulty and not document.problems:
                self.tests.append(test)  # of YAML that had to be mended nobody knows what was meant


class _TestReader:
    """Made for one test: it learns the names of the records as it reads on."""

    def __init__(self, book: Rulebook, studio: StudioFacts) -> None:
        self._book = book
        self._studio = studio
        self.values = ValueReader(studio)
        self._rules: tuple[Rule, ...] = ()

    def read(self, raw: Any, place: Place) -> RuleTest | None:
        """The test, or None where hardly anything of it can be read."""
        if not isinstance(raw, dict):
            self.values.add(place, "a test is wanted here", "begin it with '- name: …' and indent its other keys below")
            return None
        for key in raw.keys() - set(KEYS):
            self._unknown(key, KEYS, place, "a test")
        name = self.values.text(raw["name"], place / "name") if "name" in raw else MISSING
        if "name" not in raw:
            self.values.add(place, "a test needs 'name'", "say what must be so: 'name: a reply ends it'")
        rules = self._named_rules(raw, place)
        self._rules = tuple(self._book.rules[one] for one in rules) or tuple(self._book.rules.values())
        given = self._given(raw.get("given"), place / "given")
        diary = self._diary(raw.get("diary"), place / "diary") if "diary" in raw else []
        if "diary" not in raw:
            self.values.add(place, "a test needs 'diary'", "write what happens, and what must be done")
        caps = self._caps(raw.get("caps"), place / "caps")
        if name is MISSING or not diary:
            return None
        return RuleTest(
            name=name, rules=rules, given=tuple(given), diary=tuple(diary), where=place.where(), caps=caps
        )  # fmt: skip

    def _unknown(self, key: str, known: Iterable[str], place: Place, what: str) -> None:
        names = list(known)
        hint = f"did you mean {_TEST_SUCCESSORS[key]!r}?" if key in _TEST_SUCCESSORS else similar(key, names)
        hint = hint or f"there are: {', '.join(names)}"
        self.values.add(place / key, f"{what} has no key {key!r}", hint, key=True)

    def _named_rules(self, raw: Mapping[str, Any], place: Place) -> tuple[str, ...]:
        if "rule" not in raw:
            return ()
        said, at = raw["rule"], place / "rule"
        names = said if isinstance(said, list) else [said]
        if not names:
            self.values.add(at, "the list is empty", "name a rule, or leave it out: then all rules run")
        found = []
        for number, name in enumerate(names):
            here = at / number if isinstance(said, list) else at
            if name in self._book.rules:
                found.append(str(name))
            else:
                self.values.add(here, f"there is no rule {name!r}", similar(str(name), self._book.rules))
        return tuple(found)

    def _caps(self, raw: Any, place: Place) -> dict[str, int]:
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self.values.add(place, "names with numbers are wanted here", "write them like {client_per_day: 1}")
            return {}
        caps = {}
        for name, value in raw.items():
            if name not in CapsSection.model_fields:
                self._unknown(name, CapsSection.model_fields, place, "caps")
            elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
                self.values.add(place / name, f"{value!r} is no number of 1 or more", "write a whole number")
            else:
                caps[name] = value
        return caps

    # --- given -------------------------------------------------------------------------------------------------------

    def _given(self, raw: Any, place: Place) -> list[Given]:
        if raw is None:
            return []
        if not isinstance(raw, list):
            self.values.add(place, "a list is wanted here", "begin each record with '- ', like - client: {id: anna}")
            return []
        found = []
        for number, item in enumerate(raw):
            here = place / number
            if not isinstance(item, dict) or len(item) != 1:
                self.values.add(here, "one record is wanted here", "write it like - client: {id: anna}")
                continue
            ((kind, fields),) = item.items()
            if kind not in FIELDS:
                hint = similar(kind, FIELDS) or f"there are: {', '.join(FIELDS)}"
                self.values.add(here / kind, f"there is no record {kind!r} in a test", hint, key=True)
                continue
            values = self.values.record(kind, fields, here / kind)
            self._complete(kind, values, fields, here / kind)
            self._name(kind, values, here / kind)
            found.append(Given(kind=kind, values=values, where=here.where()))
        return found

    def _complete(self, kind: str, values: Mapping[str, Any], raw: Any, place: Place) -> None:
        for name in NEEDED.get(kind, ()):
            if name not in values and isinstance(raw, dict) and name not in raw:
                self.values.add(place, f"a new {kind} needs {name!r}", f"add '{name}: …'")

    def _name(self, kind: str, values: Mapping[str, Any], place: Place) -> None:
        name = values.get("id")
        if name is None:
            return
        if name in self.values.names:
            self.values.add(place / "id", f"{name!r} is {a(self.values.names[name])} already", "choose another name")
        self.values.names[name] = kind

    # --- the diary ---------------------------------------------------------------------------------------------------

    def _diary(self, raw: Any, place: Place) -> list[Line]:
        if not isinstance(raw, list) or not raw:
            self.values.add(place, "a list of lines is wanted here", "write each like - {at: 2026-03-02 15:20, …}")
            return []
        lines: list[Line] = []
        latest = Instant.MIN
        for number, item in enumerate(raw):
            here = place / number
            if not isinstance(item, dict) or "at" not in item:
                self.values.add(here, "a line of the diary needs 'at'", "write it like {at: 2026-03-02 15:20, …}")
                continue
            at = self.values.moment(item["at"], here / "at")
            line = self._line(item, latest if at is MISSING else at, here)
            if at is not MISSING and at < latest:
                self.values.add(here / "at", f"{item['at']} is earlier than the line before", "put the lines in order")
            elif at is not MISSING:
                latest = at
            if line is not None:
                lines.append(line)
        if lines and isinstance(lines[-1], Expected) and not self.values.problems:
            self.values.add(
                place / (len(raw) - 1),
                "the last line is something that must be done: nothing proves that nothing follows",
                "add a line with a later time alone, like {at: 2026-04-20 10:00}",
                warning=True,
            )
        return lines

    def _line(self, item: Mapping[str, Any], at: Instant, place: Place) -> Line | None:
        keys = [key for key in item if key != "at" and key not in {"to", "contains", "because"}]
        if len(keys) > 1:
            self.values.add(place, f"two things in one line: {' and '.join(keys)}", "write a line for each")
            return None
        if not keys:
            for name in ("to", "contains", "because"):
                if name in item:
                    self.values.add(place / name, f"{name!r} without an action", "say what is done: send, create …")
            return Passes(at=at, where=place.where())
        key = keys[0]
        for name in ("to", "contains", "because"):
            if name in item and name not in BESIDE.get(key, ()):
                self.values.add(place / name, f"{key!r} has no {name!r} beside it", key=True)
        if key in BESIDE:
            return self._expected(key, item, at, place)
        return self._happens(key, item[key], at, place)

    def _happens(self, event: str, raw: Any, at: Instant, place: Place) -> Happens | Called | None:
        if event.partition(" ")[0] == "webhook":
            return self._called(event.partition(" ")[2].strip(), raw, at, place / event)
        deed = DEEDS.get(event)
        if deed is None:
            self._no_event(event, place)
            return None
        values = self.values.record(deed.kind, raw, place / event)
        known = self.values.names.get(values.get("id", "")) == deed.kind
        self._idle(deed, values, place / event, known=known or not deed.makes)
        if not known and deed.makes:
            self._complete(deed.kind, values, raw, place / event)
            self._name(deed.kind, values, place / event)
        elif not known and "id" in values:
            self.values.known(values["id"], deed.kind, place / event / "id")
        elif not known and "client" not in values and isinstance(raw, dict) and not {"id", "client"} & raw.keys():
            self.values.add(place / event, f"which {deed.kind}?", "say its 'id', or whose it is by 'client'")
        return Happens(at=at, event=event, values=values, where=place.where())

    def _called(self, name: str, raw: Any, at: Instant, place: Place) -> Called | None:
        """`webhook contact-form: {email: anna@example.com}`: a form was sent."""
        fields = self._studio.hooks.get(name)
        if fields is None:
            hint = similar(name, self._studio.hooks) or "add it to selftimer.toml, with its 'fields'"
            self.values.add(place, f"selftimer.toml has no webhook {name!r} with 'fields'", hint, key=True)
            return None
        if not isinstance(raw, dict):
            self.values.add(place, "the fields that it brings are wanted here", f"write them: {{{fields[0]}: …}}")
            return None
        brought: dict[str, str] = {}
        for field, value in raw.items():
            if field not in fields:
                hint = similar(str(field), fields) or f"there are: {', '.join(fields)}"
                self.values.add(place / field, f"webhook {name!r} has no field {field!r}", hint, key=True)
            elif (text := self.values.text(value, place / field, empty=True)) is not MISSING and (clean := tidy(text)):
                brought[field] = clean
        return Called(at=at, webhook=name, fields=brought, where=place.where())

    def _idle(self, deed: Deed, values: Mapping[str, Any], place: Place, *, known: bool) -> None:
        """Fields that the line wouldn't do anything with."""
        for name in values:
            if name in ONLY_BEFORE.get(deed.kind, ()):
                hint = "take it out: the event and its time say it"
                self.values.add(place / name, f"{name!r} belongs into 'given' only", hint, key=True)
            elif known and name in ONLY_NEW.get(deed.kind, ()) and not (name == "client" and "id" not in values):
                hint = "take it out, or put it where the record comes to be"
                self.values.add(place / name, f"{deed.event} changes no {name!r} of {a(deed.kind)}", hint, key=True)

    def _no_event(self, event: str, place: Place) -> None:
        if event in CLOCK_EVENTS:
            hint = "take the line out and let the time come: it happens by itself"
            self.values.add(place / event, f"{event} comes from the clock", hint, key=True)
        elif event in EVENTS:
            self.values.add(place / event, f"tests can't bring about {event!r} yet", key=True)
        else:
            near = SUCCESSORS.get(event)
            known = [*DEEDS, *BESIDE]
            hint = f"did you mean {near!r}?" if near else similar(event, known)
            hint = hint or f"write an event (lead.created) or an action ({', '.join(BESIDE)})"
            self.values.add(place / event, f"there is no event or action {event!r}", hint, key=True)

    def _expected(self, verb: str, item: Mapping[str, Any], at: Instant, place: Place) -> Line | None:
        name = self.values.text(item[verb], place / verb)
        to = self.values.known(item["to"], "client", place / "to") if "to" in item else None
        contains = self._texts(item["contains"], place / "contains") if "contains" in item else ()
        because = self.values.text(item["because"], place / "because") if "because" in item else None
        if name is MISSING:
            return None
        self._can_be(verb, name, place / verb)
        if MISSING in {to, because} or MISSING in contains:
            return None
        if verb in ANSWERS:
            return Answers(at=at, yes=verb == "yes", name=name, to=to, where=place.where())
        came: Any = verb if verb in OUTCOMES else "done"
        return Expected(
            at=at,
            came=came,
            verb="" if verb in OUTCOMES else verb,
            name=name,
            to=to,
            contains=contains,
            because=because,
            where=place.where(),
        )

    def _texts(self, raw: Any, place: Place) -> tuple[Any, ...]:
        if isinstance(raw, list):
            return tuple(self.values.text(one, place / number) for number, one in enumerate(raw))
        return (self.values.text(raw, place),)

    def _can_be(self, verb: str, name: str, place: Place) -> None:
        """Whether one of the rules that run can do that at all."""
        all_of = [(of_step(step), step.id) for rule in self._rules for step in effects_of(rule)]
        if verb in ACTIONS:
            known = {said for (of, said), _ in all_of if of == verb}
        else:
            known = {said for (_, said), _ in all_of} | {step for _, step in all_of}
        if name in known:
            return
        rules = ", ".join(rule.id for rule in self._rules)
        who = f"rule {rules}" if len(self._rules) == 1 else f"none of the rules ({rules})"
        says = f"{who} {'never does' if len(self._rules) == 1 else 'does'} '{verb}: {name}'"
        there = f"it does: {', '.join(sorted(known))}" if known else f"there is no '{verb}' in it"
        self.values.add(place, says, similar(name, known) or there)
