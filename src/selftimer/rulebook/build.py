"""A rule from its source: entries, conditions in their scope, steps, digests (rule-language.md, Exact meaning)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from selftimer.facts.records import Kind
from selftimer.rulebook.build_begin import backfill_of, check_beginnings, clientless, for_each_of
from selftimer.rulebook.build_lists import build_lists
from selftimer.rulebook.build_steps import AutomationUnit, StepBuilder, Use
from selftimer.rulebook.build_text import Checker, Ground
from selftimer.rulebook.build_when import names_of, subject_of
from selftimer.rulebook.digest import activation_of, version_of
from selftimer.rulebook.model import Entry, HookTrigger, ManualTrigger, Repeat, Rule
from selftimer.rulebook.models import RuleSource, StepSource
from selftimer.rulebook.sentences import parse_repeat, similar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selftimer.errors import Problem
    from selftimer.facts.world import StudioFacts
    from selftimer.primitives.time import Span
    from selftimer.rulebook.build_everywhere import Everywhere
    from selftimer.rulebook.condition import Condition
    from selftimer.rulebook.model import ListRule, Step, Trigger
    from selftimer.rulebook.source import Place

LIMITS = ("per_day", "per_hour")
AUDIENCE = ("archived", "sample", "other")
EFFECTS = frozenset({"send", "create", "update", "notify", "webhook"})
MAX_ENTRIES = 100
_ENTRY_KEYS = frozenset({"id", "when", "if", "late"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleUnit:
    """A rule's source with its place and its raw data."""

    source: RuleSource
    place: Place
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A rule, what is wrong with it, the messages it says and the automations it runs."""

    rule: Rule | None
    problems: tuple[Problem, ...]
    uses: tuple[Use, ...]
    ran: frozenset[str]


@dataclass(slots=True, kw_only=True)
class _Draft:
    """An entry before its conditions are compiled: they need the names of all entries."""

    source: StepSource | None
    place: Place
    id: str
    given: bool
    triggers: tuple[Trigger, ...]
    ground: Ground
    seen: Mapping[str, Place] = field(default_factory=dict)


def build_rule(
    unit: RuleUnit,
    automations: Mapping[str, AutomationUnit],
    studio: StudioFacts,
    *,
    complete: bool = True,
    everywhere: Everywhere | None = None,
) -> Built:
    """The rule, or everything that is wrong with it. `complete`: whether all automations could be read.

    `everywhere` is the workspace's `all_rules`.
    """
    return _RuleBuilder(unit, automations, studio, complete=complete, everywhere=everywhere).build()


class _RuleBuilder:
    def __init__(
        self,
        unit: RuleUnit,
        automations: Mapping[str, AutomationUnit],
        studio: StudioFacts,
        *,
        complete: bool,
        everywhere: Everywhere | None,
    ) -> None:
        self.unit = unit
        self.source = unit.source
        self.place = unit.place
        self.automations = automations
        self.studio = studio
        self.complete = complete
        self.everywhere = everywhere
        self.lists: dict[str, ListRule] = {}
        self.checker = Checker()
        self.for_each = for_each_of(self.checker, self.source, self.place)
        self.uses: list[Use] = []
        self.ran: set[str] = set()

    def build(self) -> Built:
        drafts = self._drafts()
        rule = self._rule(drafts) if drafts else None
        problems = tuple(self.checker.problems)
        if any(problem.severity == "error" for problem in problems):
            rule = None
        return Built(rule=rule, problems=problems, uses=tuple(self.uses), ran=frozenset(self.ran))

    # --- triggers ----------------------------------------------------------------------------------------------------

    def _drafts(self) -> list[_Draft]:
        steps = self.source.then
        timed = [n for n, step in enumerate(steps) if step.when is not None]
        if not timed:
            return self._plain()
        if self.source.when is not None:
            self.checker.add(
                self.place / "when",
                "both the rule and its entries have a 'when'",
                "in a series each entry has its own: take the rule's away",
                key=True,
            )
            return []
        for n, step in enumerate(steps):
            if step.when is None:
                self.checker.add(
                    self.place / "then" / n,
                    "some entries have a 'when' and this one has none",
                    "give it one, or put it into the 'then' of the entry above",
                )
        if len(timed) > MAX_ENTRIES:
            hint = "make several rules of it"
            self.checker.add(self.place / "then", f"more than {MAX_ENTRIES} entries in one series", hint, key=True)
            return []
        drafts = [self._entry(steps[n], self.place / "then" / n) for n in timed]
        return [draft for draft in drafts if draft is not None] if len(timed) == len(steps) else []

    def _plain(self) -> list[_Draft]:
        if self.source.when is None:
            self.checker.add(
                self.place, "this rule never begins: it has no 'when'", "add 'when: lead.created' or another moment"
            )
            return []
        triggers = self._triggers(self.source.when, self.place / "when")
        if triggers is None:
            return []
        ground = self._ground(triggers, self.source.then)
        return [_Draft(source=None, place=self.place, id="", given=False, triggers=triggers, ground=ground)]

    def _entry(self, source: StepSource, place: Place) -> _Draft | None:
        sentences = source.when or ()
        triggers = self._triggers(sentences, place / "when")
        if triggers is None:
            return None
        return _Draft(
            source=source,
            place=place,
            id=source.id or " or ".join(" ".join(text.split()) for text in sentences),
            given=source.id is not None,
            triggers=triggers,
            ground=self._ground(triggers, source.then or (source,)),
        )

    def _triggers(self, sentences: Sequence[str], place: Place) -> tuple[Trigger, ...] | None:
        found: list[Trigger] = []
        for n, text in enumerate(sentences):
            at = place / n if (place / n).path in place.document.spots else place
            trigger = self.checker.trigger(at, text, self.studio)
            if trigger is not None:
                found.append(trigger)
        return tuple(found) if len(found) == len(sentences) else None

    def _ground(self, triggers: tuple[Trigger, ...], steps: Sequence[StepSource]) -> Ground:
        return Ground(names=names_of(triggers, self.studio, self._brought(triggers, steps), self.for_each))

    def _brought(self, triggers: tuple[Trigger, ...], steps: Sequence[StepSource]) -> Kind | None:
        """What a manual start brings: the record that the automations are about."""
        if not any(isinstance(trigger, ManualTrigger) for trigger in triggers):
            return None
        subjects = {
            self.automations[step.run].source.subject for step in steps if step.run and step.run in self.automations
        }
        known = [Kind(subject) for subject in subjects if subject is not None and subject in set(Kind)]
        return known[0] if len(known) == 1 else None

    # --- the rule ----------------------------------------------------------------------------------------------------

    def _rule(self, drafts: list[_Draft]) -> Rule:
        source, place, checker = self.source, self.place, self.checker
        # What the rule itself can say: what all of its entries know.
        common = drafts[0].ground
        if len(drafts) > 1:
            common = self._ground(tuple(t for draft in drafts for t in draft.triggers), source.then)
        late = checker.span(place / "late", source.late)
        series = drafts[0].source is not None
        automations = self._reachable()
        taken = {name for draft in drafts for name in draft.ground.names.roots}
        self.lists = build_lists(checker, source.lists or {}, place / "lists", self.studio, taken)
        condition = self._trigger_condition(place / "if", source.if_, common)
        fields: dict[str, Any] = {
            "if_": condition,
            "until": checker.condition(place / "until", source.until, common, any_of=True),
            "approve": checker.yes_or_condition(place / "approve", source.approve, common),
            "ignore_quiet_hours": checker.yes_or_condition(
                place / "ignore_quiet_hours", source.ignore_quiet_hours, common
            ),
            "repeat": self._repeat(common),
            "settle": checker.span(place / "settle", source.settle),
            "include": self._include(),
            "limits": self._limits(),
        }
        if (all_of := self.everywhere) is not None:
            fields["if_"] = condition = all_of.narrowed(condition, common)
            fields["until"] = all_of.ended(fields["until"], common)
            fields["approve"] = all_of.asked(fields["approve"], common)
            fields["limits"] = all_of.limits(fields["limits"])
        entries = tuple(self._built_entry(draft, late, condition) for draft in drafts)
        self._check_entries(drafts)
        check_beginnings(checker, source, place, [draft.triggers for draft in drafts])
        return Rule(
            id=source.id,
            title=source.title or source.id,
            where=place.where(),
            entries=entries,
            version=version_of(self.unit.raw, automations),
            activation=activation_of(self.unit.raw, self.everywhere.raw.get("if") if self.everywhere else None),
            source={"file": place.document.file, "rule": self.unit.raw, "automations": automations},
            series=series,
            mode=source.mode,
            restart=source.restart,
            late=late,
            purpose=source.purpose,
            also_own_changes=source.also is not None,
            on_edit=source.on_edit,
            subject=_subject(drafts, self._brought(drafts[0].triggers, source.then), self.for_each),
            for_each=self.for_each,
            backfill=backfill_of(checker, source, place, [t for draft in drafts for t in draft.triggers]),
            lists=self.lists,
            **fields,
        )

    def _built_entry(self, draft: _Draft, rule_late: Span | None, rule_if: Condition | None) -> Entry:
        checker, source = self.checker, draft.source
        builder = StepBuilder(
            checker=checker,
            automations=self.automations,
            late=rule_late,
            complete=self.complete,
            ids_wanted=self.source.on_edit == "migrate",
        )
        late, condition = rule_late, None
        inside = replace(draft.ground, names=draft.ground.names.with_lists({n: r.kind for n, r in self.lists.items()}))
        if source is None:
            steps, _ = builder.steps(self.source.then, self.place / "then", inside.given(rule_if))
        else:
            late = checker.span(draft.place / "late", source.late) or rule_late
            condition = self._trigger_condition(draft.place / "if", source.if_, draft.ground)
            steps = _entry_steps(builder, source, draft, inside.given(rule_if, condition))
        if "client" not in draft.ground.names.roots:
            for step in clientless(steps):
                hint = "write 'notify', or add 'for_each: client' to the rule"
                if any(isinstance(trigger, HookTrigger) for trigger in draft.triggers):
                    hint = "write 'create: lead': a rule that begins with 'lead.created' can write to them"
                checker.add_at(step.where, "nobody is there to be written to: this run is about no client", hint)
        self.uses += builder.uses
        self.ran |= builder.ran
        draft.seen = builder.seen
        return Entry(
            id=draft.id, triggers=draft.triggers, if_=condition, late=late, steps=steps, where=draft.place.where()
        )

    def _check_entries(self, drafts: list[_Draft]) -> None:
        """Each entry and each unnamed effect once: history hangs on their ids (18)."""
        entries: dict[str, Place] = {}
        effects: dict[str, Place] = {}
        for draft in drafts:
            if draft.id in entries:
                line = entries[draft.id].where().line
                self.checker.add(
                    draft.place, f"the entry {draft.id!r} stands twice (first on line {line})", "give one of them an id"
                )
            entries.setdefault(draft.id, draft.place)
            if draft.given:
                continue
            for step_id, place in draft.seen.items():
                if step_id.partition(":")[0] in {"wait", "stop", "if"} or step_id not in effects:
                    effects.setdefault(step_id, place)
                    continue
                line = effects[step_id].where().line
                self.checker.add(
                    place,
                    f"{step_id!r} stands twice in this rule (first on line {line})",
                    "give one of the entries an id of its own: its history hangs on it",
                )

    def _trigger_condition(self, place: Place, parts: tuple[str, ...] | None, ground: Ground) -> Condition | None:
        condition = self.checker.condition(place, parts, ground)
        if condition is not None and "client.replied" in condition.names:
            self.checker.add(
                place,
                "client.replied is about the time since the run began, and here none has begun",
                "put it into 'until', or into the 'if' of a step",
            )
        return condition

    def _reachable(self) -> dict[str, Any]:
        """The raw data of the automations that the rule runs, at any depth."""
        found: dict[str, Any] = {}
        todo = list(_runs(self.source.then))
        while todo:
            name = todo.pop()
            unit = self.automations.get(name)
            if unit is not None and name not in found:
                found[name] = unit.raw
                todo += _runs(unit.source.then)
        return dict(sorted(found.items()))

    # --- keys of a rule ----------------------------------------------------------------------------------------------

    def _repeat(self, ground: Ground) -> Repeat:
        place, text = self.place / "repeat", self.source.repeat
        repeat = self.checker.sentence(place, parse_repeat, text) if text is not None else None
        if repeat is None or repeat.per is None:
            return repeat or Repeat()
        root = ground.names.roots.get(repeat.per[0])
        kind = root.type if root is not None else None
        for name in repeat.per[1:]:
            found = ground.names.field(kind.table, name) if kind is not None else None
            kind = found.type if found is not None else None
        if kind is None or kind.name not in {"record", "text", "enum"}:
            said = ".".join(repeat.per)
            self.checker.add(
                place, f"{said!r} is nothing to tell occurrences apart by", "write 'client' or 'client.email'"
            )
        return repeat

    def _include(self) -> frozenset[str]:
        for n, word in enumerate(self.source.include):
            at = self.place / "include" / n
            at = at if at.path in at.document.spots else self.place / "include"
            if word not in AUDIENCE:
                self.checker.add(at, f"{word!r} can't be included", similar(word, AUDIENCE) or ", ".join(AUDIENCE))
        return frozenset(self.source.include)

    def _limits(self) -> dict[str, int]:
        limits = self.source.limits or {}
        for name in limits:
            if name not in LIMITS:
                at = self.place / "limits" / name
                self.checker.add(
                    at, f"there is no limit {name!r}", similar(name, LIMITS) or ", ".join(LIMITS), key=True
                )
        return limits


def _entry_steps(builder: StepBuilder, source: StepSource, draft: _Draft, ground: Ground) -> tuple[Step, ...]:
    """The steps of an entry: those of its `then`, or the one that it is itself."""
    if source.then is not None and not source.verbs():
        for key in sorted(source.written() - _ENTRY_KEYS - {"then"}):
            builder.checker.add(draft.place / key, f"{key!r} has no meaning at an entry with steps", "", key=True)
        return builder.steps(source.then, draft.place / "then", ground)[0]
    dropped = {"id", "when", "if"} | ({"late"} if not set(source.verbs()) & EFFECTS else set())
    fields = StepSource.model_fields
    kept = {
        name: (fields[name].alias or name)
        for name in source.model_fields_set
        if (fields[name].alias or name) not in dropped
    }
    inline = StepSource.model_construct(set(kept), **{alias: getattr(source, name) for name, alias in kept.items()})
    step, _ = builder.step(inline, draft.place, ground)
    return (step,) if step is not None else ()


def _runs(steps: Sequence[StepSource]) -> Iterator[str]:
    for step in steps:
        if step.run is not None:
            yield step.run
        yield from _runs(step.then or ())
        yield from _runs(step.otherwise or ())


def _subject(drafts: list[_Draft], brought: Kind | None, for_each: Kind | None) -> Kind | None:
    subjects = {subject_of(trigger, for_each) or brought for draft in drafts for trigger in draft.triggers}
    return subjects.pop() if len(subjects) == 1 else None
