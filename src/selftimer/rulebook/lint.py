"""Checks of rules that can be understood, and yet do what nobody means (language-examples.md, Checks).

Errors where a client would get something wrong, warnings where it depends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selftimer.errors import Problem
from selftimer.primitives.time import Span
from selftimer.rulebook.model import (
    BranchStep,
    CalendarTrigger,
    CouponStep,
    CreateStep,
    Entry,
    EventTrigger,
    LeadStep,
    MomentTrigger,
    NotifyStep,
    Rule,
    RunStep,
    SendStep,
    StopStep,
    UpdateStep,
    WaitStep,
    WebhookStep,
)
from selftimer.rulebook.words import markup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from whenever import Time

    from selftimer.facts.records import Kind
    from selftimer.rulebook.condition import Condition
    from selftimer.rulebook.model import EffectStep, Step, Where
    from selftimer.rulebook.words import WordsSource

USUAL_LATE = Span(24, "hours")
"""How late an effect may be where neither the step nor the rule says."""
_DAY = 86_400
_RELATIVE = re.compile(r"\b(today|tonight|tomorrow|yesterday)\b", re.IGNORECASE)
_SAID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MONEY = re.compile(
    r"invoice\.(?:outstanding|paid|status|balance|settled|overdue|unpaid|partially_paid|draft|canceled|paid_amount)\Z"
)
_BOOKED = re.compile(r"session\.(?:status|confirmed|pending|inquiry|declined|canceled|cancelled|ended)\Z")
_MOVING = (".rescheduled", ".changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    """An effect as the walk comes to it: what was waited for before it, and the conditions around it."""

    step: EffectStep
    waited: bool
    at: Time | None
    """The local time that the last moment or wait before it names, if any."""
    timed: bool
    """Whether the run is at a known local time there (not at the whim of an event)."""
    guards: tuple[Condition, ...]


@dataclass(slots=True)
class _Walk:
    """Goes through the steps of an entry in order."""

    waited: bool
    at: Time | None
    timed: bool
    found: list[_At] = field(default_factory=list)

    def steps(self, steps: Sequence[Step], guards: tuple[Condition, ...]) -> None:
        for step in steps:
            inner = guards if step.if_ is None else (*guards, step.if_)
            match step:
                case (
                    SendStep() | CreateStep() | CouponStep() | LeadStep() | UpdateStep() | NotifyStep() | WebhookStep()
                ):
                    self.found.append(_At(step=step, waited=self.waited, at=self.at, timed=self.timed, guards=inner))
                case WaitStep():
                    self.waited, self.at = True, step.at
                    self.timed = step.at is not None and step.or_until is None
                case BranchStep():
                    self._branch(step, (*inner, step.test))
                case RunStep():
                    self.steps(step.steps, inner)
                case StopStep():
                    pass

    def _branch(self, step: BranchStep, guards: tuple[Condition, ...]) -> None:
        before = (self.waited, self.at, self.timed)
        self.steps(step.then, guards)
        after = (self.waited, self.at, self.timed)
        self.waited, self.at, self.timed = before
        self.steps(step.otherwise, guards)
        if after != (self.waited, self.at, self.timed):
            self.waited, self.at, self.timed = self.waited or after[0], None, False


def lint(rules: Iterable[Rule], titled: frozenset[str], words: Mapping[str, WordsSource]) -> list[Problem]:
    """Everything doubtful about these rules; `titled` are those with a title of their own."""
    problems: list[Problem] = []
    known = list(rules)
    for rule in known:
        if rule.id not in titled:
            problems.append(_warning(rule.where, f"rule {rule.id} has no title", "say in a line what it is for"))
        for entry in rule.entries:
            effects = effects_of(entry)
            problems += _moments(rule, entry, effects)
            problems += _calendar(rule, entry, effects)
            problems += _events(rule, entry, effects)
            for effect in effects:
                problems += _effect(rule, entry, effect, words)
    problems += _twice(known)
    for source in words.values():
        problems += markup(source)
    return problems


def effects_of(entry: Entry) -> list[_At]:
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


# --- one entry -------------------------------------------------------------------------------------------------------


def _moments(rule: Rule, entry: Entry, effects: Sequence[_At]) -> Iterator[Problem]:
    reaching = [effect for effect in effects if isinstance(effect.step, SendStep | CreateStep)]
    for trigger in entry.triggers:
        if not isinstance(trigger, MomentTrigger):
            continue
        if trigger.field == "end_at" and trigger.span is not None and not trigger.span.exact:
            yield _warning(
                entry.where,
                f"{trigger.span} from session.end_at: a party that ends after midnight moves this by a day",
                "count from session.start_at",
            )
        if _too_late(trigger, entry.late):
            yield _warning(
                entry.where,
                f"'late: {entry.late}' is longer than the {trigger.span} before {trigger.kind}.{trigger.field}",
                "the moment ends at the date itself: make it shorter",
            )
        for effect in reaching:
            yield from _unguarded(rule, entry, trigger.kind, effect)


def _calendar(rule: Rule, entry: Entry, effects: Sequence[_At]) -> Iterator[Problem]:
    """What would go to each record there is."""
    if rule.for_each is None or not any(isinstance(trigger, CalendarTrigger) for trigger in entry.triggers):
        return
    for effect in effects:
        if not isinstance(effect.step, SendStep | CreateStep):
            continue
        if not any((rule.if_, entry.if_, *effect.guards)):
            yield _error(
                effect.step.where,
                f"this goes out for every {rule.for_each} of the studio",
                "say for which: add an 'if' to the rule",
            )
        else:
            yield from _unguarded(rule, entry, rule.for_each, effect)


def _too_late(trigger: MomentTrigger, late: Span | None) -> bool:
    if trigger.sign != -1 or trigger.span is None or late is None:
        return False
    return late.approximate_seconds() > trigger.span.approximate_seconds() + _DAY


def _unguarded(rule: Rule, entry: Entry, kind: Kind, effect: _At) -> Iterator[Problem]:
    names = _names(rule.if_, entry.if_, *effect.guards)
    if kind == "invoice" and not any(map(_MONEY.match, names)):
        yield _error(
            effect.step.where, "this goes out for paid and draft invoices too", "add 'if: invoice.outstanding'"
        )
    if kind == "session" and not any(map(_BOOKED.match, names)):
        yield _warning(
            effect.step.where, "this goes out for declined and canceled sessions too", "add 'if: session.confirmed'"
        )


def _events(rule: Rule, entry: Entry, effects: Sequence[_At]) -> Iterator[Problem]:
    at_once = [effect for effect in effects if not effect.waited and isinstance(effect.step, SendStep)]
    for trigger in entry.triggers:
        if not isinstance(trigger, EventTrigger) or not at_once:
            continue
        if trigger.name.endswith(_MOVING) and rule.settle is None:
            yield _warning(
                entry.where,
                f"{trigger.name} can come twice in a minute, there and back, and each time a message goes out",
                "add 'settle: 30 minutes' to the rule",
            )
        per_address = rule.repeat.after is not None and rule.repeat.per == ("client", "email")
        if trigger.name == "lead.created" and not per_address and not rule.repeat.once:
            yield _error(
                at_once[0].step.where,
                "this answers every inquiry at once, however often an address writes: a relay for spam",
                "add 'repeat: after 30 days per client.email' to the rule",
            )


# --- one effect ------------------------------------------------------------------------------------------------------


def _effect(rule: Rule, entry: Entry, effect: _At, words: Mapping[str, WordsSource]) -> Iterator[Problem]:
    step = effect.step
    guarded = any((rule.if_, rule.until, entry.if_, *effect.guards))
    if effect.waited and isinstance(step, SendStep) and not guarded:
        yield _error(
            step.where,
            "this goes out after a wait, whatever happened meanwhile",
            "add 'until: client.replied' or an 'if' to the rule or the step",
        )
    own = rule.approve and "approve" in rule.source["rule"]  # `all_rules` asks of everything: no step is written for it
    if (step.approve or own) and step.late is None:
        hint = "say how long its words stay right: add 'late: 3 days' to the step"
        yield _warning(step.where, "this waits up to 7 days for your yes", hint)
    if isinstance(step, CouponStep):
        yield from _coupon(step)
    if isinstance(step, SendStep) and step.words is not None and step.words in words:
        yield from _relative_days(step, effect, words[step.words])


def _coupon(step: CouponStep) -> Iterator[Problem]:
    if step.expires is None:
        yield _warning(step.where, "this coupon can be used for ever", "add 'expires: 60 days'")
    if "{{" not in step.code.source:
        yield _warning(
            step.where,
            f"everybody gets the same coupon, {step.code.source}, and its uses are used up by the first",
            "write 'code: \"BACK-{{ unique }}\"' for one of each client's own",
        )


def _relative_days(step: SendStep, effect: _At, source: WordsSource) -> Iterator[Problem]:
    said = [match[1].lower() for part in source.parts() for match in _RELATIVE.finditer(_SAID.sub(" ", part.text))]
    if not said:
        return
    late = step.late or USUAL_LATE
    seconds = late.approximate_seconds()
    minutes = effect.at.hour * 60 + effect.at.minute if effect.at is not None else 0
    if effect.timed and effect.at is not None and minutes * 60 + seconds <= _DAY:
        return
    why = f"but may go out as much as {late} late"
    if not effect.timed:
        why = "but what it waits for can come at any hour, and then it goes out the day after"
    hint = "say the date instead, with | date or | day"
    if effect.timed and minutes < 24 * 60 - 60:
        hint = f"give the step 'late: {(24 * 60 - minutes) // 60} hours', or say the date with | date"
    yield _error(step.where, f"message {source.name} says {said[0]!r}, {why}", hint)


# --- several rules ---------------------------------------------------------------------------------------------------


def _twice(rules: Sequence[Rule]) -> Iterator[Problem]:
    first: dict[tuple[str, str, str], Rule] = {}
    for rule in rules:
        if rule.mode == "off":
            continue
        for entry in rule.entries:
            if not any(isinstance(e.step, SendStep) and not e.waited for e in effects_of(entry)):
                continue
            for trigger in entry.triggers:
                key = (str(trigger), _source(rule.if_), _source(entry.if_))
                other = first.setdefault(key, rule)
                if other is not rule:
                    yield _warning(
                        entry.where,
                        f"rules {other.id} and {rule.id} both send at once when the same thing happens",
                        "give them different conditions, or make one of the two",
                    )


def unused_words(sources: Iterable[WordsSource], used: frozenset[str]) -> list[Problem]:
    """A warning for each message that no rule says."""
    return [
        Problem(source.file, 1, 1, f"no rule uses the message {source.name}", "warning", "use it, or delete the file")
        for source in sources
        if source.name not in used
    ]


def _source(condition: Condition | None) -> str:
    return "" if condition is None else " ".join(condition.source.split())


def _names(*conditions: Condition | None) -> set[str]:
    return {name for condition in conditions if condition is not None for name in condition.names}


def _error(where: Where, message: str, hint: str) -> Problem:
    return Problem(where.file, where.line, where.column, message, "error", hint)


def _warning(where: Where, message: str, hint: str) -> Problem:
    return Problem(where.file, where.line, where.column, message, "warning", hint)
