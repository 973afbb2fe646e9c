"""What a rule says about its beginnings beside `when`: `for_each`, `backfill`, and which keys fit which triggers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from selftimer.facts.records import Kind
from selftimer.rulebook.build_when import READ_AFRESH, subject_of
from selftimer.rulebook.model import (
    BecomesTrigger,
    BranchStep,
    CalendarTrigger,
    CreateStep,
    EventTrigger,
    HookTrigger,
    ManualTrigger,
    MomentTrigger,
    NoReplyTrigger,
    RunStep,
    SendStep,
    UpdateStep,
)
from selftimer.rulebook.sentences import similar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selftimer.errors import Problem
    from selftimer.primitives.time import Span
    from selftimer.rulebook.build_text import Checker
    from selftimer.rulebook.model import Step, Trigger
    from selftimer.rulebook.models import RuleSource
    from selftimer.rulebook.source import Place

_UNKNOWN = re.compile(r"'(\w+)' is not known here")
MOST_BACKFILL = 92 * 86_400
"""Seconds: a rule that would write to a year's clients at once is no rule but a mailing."""


def for_each_of(checker: Checker, source: RuleSource, place: Place) -> Kind | None:
    """The kind of record that `for_each` names."""
    if source.for_each is None:
        return None
    kinds = [kind.value for kind in READ_AFRESH]
    if source.for_each in kinds:
        return Kind(source.for_each)
    known = {"lead": "client", "leads": "client", "clients": "client", **{f"{kind}s": kind for kind in kinds}}
    meant = known.get(source.for_each)
    hint = f"did you mean 'for_each: {meant}'?" if meant else similar(source.for_each, kinds)
    if source.for_each.startswith("lead"):
        hint = "write 'for_each: client' and \"if: client.type == 'lead'\""
    checker.add(
        place / "for_each", f"{source.for_each!r} can't be gone through", hint or f"there are: {', '.join(kinds)}"
    )
    return None


def backfill_of(checker: Checker, source: RuleSource, place: Place, triggers: Sequence[Trigger]) -> Span | None:
    """How far back the rule looks when it becomes active."""
    span = checker.span(place / "backfill", source.backfill)
    if span is None:
        return None
    if span.approximate_seconds() > MOST_BACKFILL:
        checker.add(place / "backfill", f"{span} are too far back", "three months at most")
    if not any(isinstance(trigger, EventTrigger | MomentTrigger) for trigger in triggers):
        checker.add(
            place / "backfill",
            "'backfill' is for rules that begin with an event or a moment",
            "take it out: what begins this rule has no past",
            key=True,
        )
    return span


def check_beginnings(checker: Checker, source: RuleSource, place: Place, entries: Sequence[Sequence[Trigger]]) -> None:
    """Keys that need a certain trigger, triggers that need a certain key, and what can't stand together."""
    triggers = [trigger for entry in entries for trigger in entry]
    if source.for_each is not None and not any(isinstance(trigger, CalendarTrigger) for trigger in triggers):
        checker.add(
            place / "for_each",
            "'for_each' belongs to the calendar",
            "take it out, or write a 'when' like 'every monday at 08:00'",
            key=True,
        )
    if source.repeat is None and any(isinstance(trigger, NoReplyTrigger) for trigger in triggers):
        checker.add(
            place / "when" if source.when is not None else place,
            "'no reply' needs a 'repeat': each message of yours that nobody answers would begin it again",
            "add 'repeat: after 30 days per client' to the rule",
            key=source.when is not None,
        )
    if source.settle is not None and not any(isinstance(t, EventTrigger | BecomesTrigger) for t in triggers):
        checker.add(
            place / "settle", "'settle' is for events and 'becomes': nothing else goes there and back", "take it out"
        )
    _check_series(checker, source, place, entries)
    if source.for_each is None and any(isinstance(trigger, CalendarTrigger) for trigger in triggers):
        checker.problems = [_about_none(problem) for problem in checker.problems]
    elif any(isinstance(trigger, HookTrigger) for trigger in triggers):
        checker.problems = [_about_a_call(problem) for problem in checker.problems]


def _about_none(problem: Problem) -> Problem:
    """What a condition of the calendar asks of a record: that there is none is what was forgotten."""
    said = _UNKNOWN.match(problem.message)
    if said is None or said[1] not in set(READ_AFRESH):
        return problem
    return replace(problem, hint=f"the calendar is about no record: add 'for_each: {said[1]}' to the rule")


def _about_a_call(problem: Problem) -> Problem:
    """What a condition of a webhook asks of a record: whom it is about isn't known."""
    said = _UNKNOWN.match(problem.message)
    if said is None or said[1] not in set(Kind):
        return problem
    return replace(problem, hint="a webhook is about no record: what it brings is webhook.email and so on")


def _check_series(checker: Checker, source: RuleSource, place: Place, entries: Sequence[Sequence[Trigger]]) -> None:
    if source.when is not None or source.for_each is not None:
        return
    about = [entry for entry in entries if any(_about_a_record(trigger) for trigger in entry)]
    for number, entry in enumerate(entries):
        if about and any(isinstance(trigger, HookTrigger) for trigger in entry):
            checker.add(
                place / "then" / number / "when",
                "the other entries of this series are about a record, and a webhook is about none",
                "make it a rule of its own",
                key=True,
            )
        if about and any(isinstance(trigger, CalendarTrigger) for trigger in entry):
            checker.add(
                place / "then" / number / "when",
                "the other entries of this series are about a record, and the calendar is about none",
                "add 'for_each: client' (or another record) to the rule, or make it a rule of its own",
                key=True,
            )


def _about_a_record(trigger: Trigger) -> bool:
    return isinstance(trigger, ManualTrigger) or subject_of(trigger) is not None


def clientless(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that need a client: what a run that is about none can't do."""
    for step in steps:
        match step:
            case SendStep() | UpdateStep() | CreateStep():
                yield step
            case BranchStep(then=then, otherwise=otherwise):
                yield from clientless((*then, *otherwise))
            case RunStep(steps=inner):
                yield from clientless(inner)
            case _:
                pass
