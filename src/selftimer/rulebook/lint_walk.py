"""What the checks of rules share: the effects of an entry with what was waited for and asked before each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selftimer.errors import Problem
from selftimer.rulebook.model import (
    BecomesTrigger,
    BranchStep,
    CalendarTrigger,
    CouponStep,
    CreateStep,
    Entry,
    LeadStep,
    MomentTrigger,
    NotifyStep,
    RunStep,
    SendStep,
    StopStep,
    UpdateStep,
    WaitStep,
    WebhookStep,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whenever import Time

    from selftimer.rulebook.condition import Condition
    from selftimer.rulebook.model import EffectStep, Rule, Step, Where

_DAY = 86_400
_ECHO = re.compile(r"\{\{[^{}]*\.content\b")
_INPUT = re.compile(r"\{\{[^{}]*\binputs\.(\w+)")


def echoes(text: str, carried: frozenset[str]) -> bool:
    """Whether a template prints what somebody wrote: a message's content, or an input that was given it."""
    return _ECHO.search(text) is not None or any(name in carried for name in _INPUT.findall(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """An effect as the walk comes to it: what was waited for before it, and the conditions around it."""

    step: EffectStep
    waited: bool
    soon: bool
    """Whether it comes less than a day after the beginning, as far as single waits tell."""
    at: Time | None
    """The local time that the last moment or wait before it names, if any."""
    timed: bool
    """Whether the run is at a known local time there (not at the whim of an event)."""
    guards: tuple[Condition, ...]
    carried: frozenset[str]
    """Inputs of its automation that hold what somebody wrote."""


@dataclass(slots=True)
class _Walk:
    """Goes through the steps of an entry in order."""

    waited: bool
    at: Time | None
    timed: bool
    soon: bool = True
    carried: frozenset[str] = frozenset()
    found: list[At] = field(default_factory=list)

    def steps(self, steps: Sequence[Step], guards: tuple[Condition, ...]) -> None:
        for step in steps:
            inner = guards if step.if_ is None else (*guards, step.if_)
            match step:
                case (
                    SendStep() | CreateStep() | CouponStep() | LeadStep() | UpdateStep() | NotifyStep() | WebhookStep()
                ):
                    self.found.append(self._here(step, inner))
                case WaitStep():
                    self.soon = self.soon and (step.span is None or step.span.approximate_seconds() < _DAY)
                    self.waited, self.at = True, step.at
                    self.timed = step.at is not None and step.or_until is None
                case BranchStep():
                    self._branch(step, (*inner, step.test))
                case RunStep():
                    self._sequence(step, inner)
                case StopStep():
                    pass

    def _sequence(self, step: RunStep, guards: tuple[Condition, ...]) -> None:
        before = self.carried
        self.carried = frozenset(name for name, text in step.inputs.items() if echoes(text.source, before))
        self.steps(step.steps, guards)
        self.carried = before

    def _here(self, step: EffectStep, guards: tuple[Condition, ...]) -> At:
        return At(
            step=step,
            waited=self.waited,
            soon=self.soon,
            at=self.at,
            timed=self.timed,
            guards=guards,
            carried=self.carried,
        )

    def _branch(self, step: BranchStep, guards: tuple[Condition, ...]) -> None:
        before, soon = (self.waited, self.at, self.timed), self.soon
        self.steps(step.then, guards)
        after, self.soon, soon = (self.waited, self.at, self.timed), soon, self.soon
        self.waited, self.at, self.timed = before
        self.steps(step.otherwise, guards)
        self.soon = self.soon or soon
        if after != (self.waited, self.at, self.timed):
            self.waited, self.at, self.timed = self.waited or after[0], None, False


def effects_of(entry: Entry) -> list[At]:
    """The effects of an entry in order, branches and automations included."""
    at, timed = _first_time(entry)
    walk = _Walk(waited=False, at=at, timed=timed)
    walk.steps(entry.steps, ())
    return walk.found


def _first_time(entry: Entry) -> tuple[Time | None, bool]:
    trigger = entry.triggers[0] if len(entry.triggers) == 1 else None
    at = None
    if isinstance(trigger, MomentTrigger):
        at = trigger.at
    elif isinstance(trigger, CalendarTrigger):
        at = trigger.schedule.time
    return at, at is not None


def conditions_of(rule: Rule) -> Iterator[Condition]:
    """Every condition that a rule and its steps have, and those of its lists."""
    yield from _given(rule.if_, rule.until, rule.approve, rule.ignore_quiet_hours)
    yield from _given(*(one.if_ for one in rule.lists.values()))
    for entry in rule.entries:
        yield from _given(entry.if_, *(t.condition for t in entry.triggers if isinstance(t, BecomesTrigger)))
        yield from _of_steps(entry.steps)


def _of_steps(steps: Sequence[Step]) -> Iterator[Condition]:
    for step in steps:
        yield from _given(step.if_, step.approve)
        match step:
            case WaitStep():
                yield from _given(step.or_until)
            case BranchStep():
                yield step.test
                yield from _of_steps((*step.then, *step.otherwise))
            case RunStep():
                yield from _of_steps(step.steps)
            case _:
                pass


def _given(*conditions: Condition | bool | None) -> Iterator[Condition]:
    for condition in conditions:
        if condition is not None and not isinstance(condition, bool):
            yield condition


def source_of(condition: Condition | None) -> str:
    """A condition as it is written, blanks aside."""
    return "" if condition is None else " ".join(condition.source.split())


def names_of(*conditions: Condition | None) -> set[str]:
    """Every path that these conditions say."""
    return {name for condition in conditions if condition is not None for name in condition.names}


def error(where: Where, message: str, hint: str) -> Problem:
    """What keeps the rules from being used."""
    return Problem(where.file, where.line, where.column, message, "error", hint)


def warning(where: Where, message: str, hint: str) -> Problem:
    """What should be looked at."""
    return Problem(where.file, where.line, where.column, message, "warning", hint)
