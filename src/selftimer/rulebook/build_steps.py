"""The steps of a rule: verbs checked, ids given, automations set in place, names followed from step to step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from selftimer.facts.records import Kind
from selftimer.rulebook.build_inputs import bind_inputs
from selftimer.rulebook.build_verbs import CREATED, create_step, send_step, update_step, wait_step, webhook_step
from selftimer.rulebook.model import BranchStep, NotifyStep, RunStep, Step, StopStep
from selftimer.rulebook.models import STEP_KEYS, AutomationSource, StepSource
from selftimer.rulebook.sentences import similar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selftimer.primitives.time import Span
    from selftimer.rulebook.build_text import Checker, Ground
    from selftimer.rulebook.source import Place

MAX_STEPS = 500
COMMON = frozenset({"id", "if", "approve", "late"})
NO_EFFECT = ("wait", "run", "stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationUnit:
    """An automation with its place and its raw data."""

    source: AutomationSource
    place: Place
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A step says a message: what can be said in it there. `place` is the message's name in the rule."""

    words: str
    ground: Ground
    place: Place


@dataclass(slots=True, kw_only=True)
class StepBuilder:
    """Builds the steps of one entry. `late` is the rule's, for steps without their own."""

    checker: Checker
    automations: Mapping[str, AutomationUnit]
    late: Span | None
    complete: bool = True
    """Whether all automations could be read; where not, an unknown one isn't reported."""
    ids_wanted: bool = False
    """Whether each step needs an id of its own (`on_edit: migrate`, 18)."""
    uses: list[Use] = field(default_factory=list)
    ran: set[str] = field(default_factory=set)
    """Ids of the automations that are run, at any depth."""
    seen: dict[str, Place] = field(default_factory=dict)
    """Step ids with the place of each."""
    _counts: Counter[str] = field(default_factory=Counter)
    _stack: list[str] = field(default_factory=list)

    def steps(
        self, sources: Sequence[StepSource], place: Place, ground: Ground, prefix: str = ""
    ) -> tuple[tuple[Step, ...], Ground]:
        """The steps, and what can be said after them. Steps with faults are left out (they are reported)."""
        built: list[Step] = []
        for number, source in enumerate(sources):
            step, ground = self.step(source, place / number, ground, prefix, first=number == 0)
            if step is not None:
                built.append(step)
        return tuple(built), ground

    def step(
        self, source: StepSource, place: Place, ground: Ground, prefix: str = "", *, first: bool = True
    ) -> tuple[Step | None, Ground]:
        """One step, and what can be said after it."""
        verb = self._verb(source, place, first=first)
        if verb is None:
            return None, ground
        if len(self.seen) >= MAX_STEPS:
            self.checker.add(place, f"more than {MAX_STEPS} steps in one rule", "split it into several rules")
            return None, ground
        common = self._common(source, verb, place, ground, prefix)
        if common is None:
            return None, ground
        if verb == "if":
            return self._branch(source, common, place, ground, prefix)
        if verb == "run":
            return self._run(source, common, place, ground, prefix)
        if verb == "create":
            return self._create(source, common, place, ground)
        return self._plain(source, verb, common, place, ground.given(common["if_"])), ground

    def _plain(
        self, source: StepSource, verb: str, common: dict[str, Any], place: Place, ground: Ground
    ) -> Step | None:
        """A step after which nothing more can be said than before it."""
        match verb:
            case "stop":
                return StopStep(**common, why=source.stop or "")
            case "notify":
                self._use(source.notify or "", place / "notify", ground)
                return NotifyStep(**common, words=source.notify or "")
            case "send":
                return self._send(source, common, place, ground)
            case "update":
                return update_step(self.checker, source, common, place, ground)
            case "webhook":
                return self._webhook(source, common, place, ground)
            case _:
                return wait_step(self.checker, source, common, place, ground)

    def _create(
        self, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
    ) -> tuple[Step | None, Ground]:
        created = create_step(self.checker, source, common, place, ground.given(common["if_"]))
        kind = source.create or ""
        if kind not in CREATED:
            return None, ground
        given = {source.id: kind} if source.id else None
        old = {path for path in ground.present if path.startswith(f"{kind}.")}
        after = replace(ground, names=ground.names.plus(kind, steps=given), present=ground.present - old)
        return created, ground.having(after, surely=False) if source.if_ is not None else after

    # --- what a step says --------------------------------------------------------------------------------------------

    def _verb(self, source: StepSource, place: Place, *, first: bool) -> str | None:
        verbs = source.verbs()
        branch = source.then is not None or source.otherwise is not None
        if len(verbs) + branch > 1:
            said = " and ".join([*verbs, *(["then"] if branch else [])])
            self.checker.add(
                place, f"two actions in one step ({said})", "give each a step of its own, with its own '- '"
            )
            return None
        if not verbs and not branch:
            keys = ", ".join(sorted(source.written())) or "empty"
            hint = "add what to do: send, create, update, notify, webhook, wait, run or stop"
            if not first:
                hint = "does it belong to the step above? Then take the dash away"
            self.checker.add(place, f"this step does nothing ({keys})", hint)
            return None
        verb = verbs[0] if verbs else "if"
        return verb if self._keys_fit(source, verb, place) else None

    def _keys_fit(self, source: StepSource, verb: str, place: Place) -> bool:
        allowed = {"if", "then", "else", "id"} if verb == "if" else COMMON | STEP_KEYS[verb] | {verb}
        if verb in NO_EFFECT:
            allowed = allowed - {"approve", "late"}
        wrong = sorted(source.written() - allowed)
        for key in wrong:
            owners = [name for name, keys in STEP_KEYS.items() if key in keys]
            if key == "when":
                hint = "in a series each entry of `then` has its own `when`; elsewhere it belongs to the rule"
            elif key in {"approve", "late"}:
                hint = "write it at a step that sends, creates, updates, notifies or calls a webhook"
            else:
                hint = f"it belongs to {' or '.join(owners)}" if owners else "take it out"
            self.checker.add(place / key, f"{key!r} has no meaning at {verb!r}", hint, key=True)
        if verb == "if" and (source.if_ is None or source.then is None):
            self.checker.add(place, "a branch needs both 'if' and 'then'", "add the one that is missing")
            return False
        return not wrong

    def _common(
        self, source: StepSource, verb: str, place: Place, ground: Ground, prefix: str
    ) -> dict[str, Any] | None:
        step_id = prefix + (source.id or self._own_id(source, verb, prefix))
        if step_id in self.seen:
            first = self.seen[step_id]
            said = source.id or step_id
            where = first.where()
            self.checker.add(
                place,
                f"{said!r} stands twice in this rule (first on line {where.line} of {where.file})",
                "give one of them an id of its own: its history hangs on it",
            )
            return None
        self.seen[step_id] = place
        if self.ids_wanted and source.id is None:
            hint = "give it one, like 'id: first-nudge': by its id a run finds its place in the new version"
            self.checker.add(place, "with 'on_edit: migrate' each step needs an id of its own", hint)
        if verb == "if":
            return {"id": step_id, "where": place.where()}
        own = self.checker.span(place / "late", source.late)
        return {
            "id": step_id,
            "where": place.where(),
            "if_": self.checker.condition(place / "if", source.if_, ground),
            "approve": self.checker.yes_or_condition(place / "approve", source.approve, ground),
            "late": None if verb in NO_EFFECT else own or self.late,
        }

    def _own_id(self, source: StepSource, verb: str, prefix: str) -> str:
        if verb in {"wait", "stop", "if"}:
            self._counts[prefix + verb] += 1
            return f"{verb}:{self._counts[prefix + verb]}"
        return f"{verb}:{getattr(source, verb)}"

    # --- verbs that need the builder ---------------------------------------------------------------------------------

    def _use(self, words: str, place: Place, ground: Ground) -> None:
        self.uses.append(Use(words=words, ground=ground, place=place))

    def _send(self, source: StepSource, common: dict[str, Any], place: Place, ground: Ground) -> Step | None:
        if "client" not in ground.names.roots:
            self.checker.add(place / "send", "nobody to send to: this rule leads to no client", "use notify")
            return None
        step = send_step(self.checker, source, common, place, ground)
        if step is not None and step.words is not None:
            self._use(step.words, place / "send", ground)
        return step

    def _webhook(self, source: StepSource, common: dict[str, Any], place: Place, ground: Ground) -> Step | None:
        name, studio = source.webhook or "", ground.names.studio
        if studio is not None and name not in studio.webhooks:
            known = ", ".join(studio.webhooks)
            hint = similar(name, studio.webhooks) or (f"known are {known}" if known else f"add [webhooks.{name}] there")
            self.checker.add(place / "webhook", f"selftimer.toml has no webhook {name!r}", hint)
            return None
        return webhook_step(self.checker, source, common, place, ground)

    def _branch(
        self, source: StepSource, common: dict[str, Any], place: Place, ground: Ground, prefix: str
    ) -> tuple[Step | None, Ground]:
        test = self.checker.condition(place / "if", source.if_, ground)
        then, after_then = self.steps(source.then or (), place / "then", ground.given(test), prefix)
        otherwise, after_else = self.steps(source.otherwise or (), place / "else", ground, prefix)
        after = ground.having(after_then, surely=False).having(after_else, surely=False)
        if test is None:
            return None, after
        return BranchStep(**common, test=test, then=then, otherwise=otherwise), after

    def _run(
        self, source: StepSource, common: dict[str, Any], place: Place, ground: Ground, prefix: str
    ) -> tuple[Step | None, Ground]:
        name = source.run or ""
        unit = self.automations.get(name)
        at = place / "run"
        if unit is None:
            if self.complete:
                hint = similar(name, self.automations) or "automations live in automations/*.yaml"
                self.checker.add(at, f"there is no automation {name!r}", hint)
            return None, ground
        if name in self._stack:
            self.checker.add(at, f"{name} runs itself ({' → '.join([*self._stack, name])})", "take one of the runs out")
            return None, ground
        subject = unit.source.subject
        if subject is not None and subject in set(Kind) and subject not in ground.names.roots:
            self.checker.add(at, f"{name} is about a {subject}, and there is none here", "run it from a rule about one")
            return None, ground
        self.ran.add(name)
        inputs, inner = bind_inputs(self.checker, unit.source, source.with_ or {}, place, ground.given(common["if_"]))
        self._stack.append(name)
        steps, after = self.steps(unit.source.then, unit.place / "then", inner, f"{prefix}{source.id or name}/")
        self._stack.pop()
        common["late"] = None
        built = RunStep(**common, automation=name, inputs=inputs, steps=steps)
        return built, ground.having(after, surely=built.if_ is None)
