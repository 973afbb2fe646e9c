"""Checks of rules that can be understood, and yet do what nobody means (language-examples.md, Checks).

Errors where a client would get something wrong, warnings where it depends.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selftimer.errors import Problem
from selftimer.rulebook.lint_pairs import lint_pairs
from selftimer.rulebook.lint_reach import USUAL_LATE, lint_reach
from selftimer.rulebook.lint_walk import At, echoes, effects_of, error, names_of, warning
from selftimer.rulebook.model import (
    CalendarTrigger,
    CouponStep,
    CreateStep,
    Entry,
    EventTrigger,
    MomentTrigger,
    Rule,
    SendStep,
)
from selftimer.rulebook.words import markup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from selftimer.facts.records import Kind
    from selftimer.primitives.time import Span
    from selftimer.rulebook.words import WordsSource

_DAY = 86_400
_RELATIVE = re.compile(r"\b(today|tonight|tomorrow|yesterday)\b", re.IGNORECASE)
_SAID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MONEY = re.compile(
    r"invoice\.(?:outstanding|paid|status|balance|settled|overdue|unpaid|partially_paid|draft|canceled|paid_amount)\Z"
)
_BOOKED = re.compile(r"session\.(?:status|confirmed|pending|inquiry|declined|canceled|cancelled|ended)\Z")
_MOVING = (".rescheduled", ".changed")


def lint(
    rules: Iterable[Rule],
    titled: frozenset[str],
    words: Mapping[str, WordsSource],
    mails: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Everything doubtful about these rules.

    `titled` are those with a title of their own; `mails` the studio's own mails, name to when they go out.
    """
    problems: list[Problem] = []
    known = list(rules)
    for rule in known:
        if rule.id not in titled:
            problems.append(warning(rule.where, f"rule {rule.id} has no title", "say in a line what it is for"))
        for entry in rule.entries:
            effects = effects_of(entry)
            problems += _moments(rule, entry, effects)
            problems += _calendar(rule, entry, effects)
            problems += _events(rule, entry, effects)
            problems += lint_reach(rule, entry, effects)
            for effect in effects:
                problems += _effect(rule, entry, effect, words)
    problems += lint_pairs(known, mails or {})
    for source in words.values():
        problems += markup(source)
    return problems


# --- one entry -------------------------------------------------------------------------------------------------------


def _moments(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    reaching = [effect for effect in effects if isinstance(effect.step, SendStep | CreateStep)]
    for trigger in entry.triggers:
        if not isinstance(trigger, MomentTrigger):
            continue
        if trigger.field == "end_at" and trigger.span is not None and not trigger.span.exact:
            yield warning(
                entry.where,
                f"{trigger.span} from session.end_at: a party that ends after midnight moves this by a day",
                "count from session.start_at",
            )
        if _too_late(trigger, entry.late):
            yield warning(
                entry.where,
                f"'late: {entry.late}' is longer than the {trigger.span} before {trigger.kind}.{trigger.field}",
                "the moment ends at the date itself: make it shorter",
            )
        for effect in reaching:
            yield from _unguarded(rule, entry, trigger.kind, effect)


def _calendar(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    """What would go to each record there is."""
    if rule.for_each is None or not any(isinstance(trigger, CalendarTrigger) for trigger in entry.triggers):
        return
    for effect in effects:
        if not isinstance(effect.step, SendStep | CreateStep):
            continue
        if not any((rule.if_, entry.if_, *effect.guards)):
            yield error(
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


def _unguarded(rule: Rule, entry: Entry, kind: Kind, effect: At) -> Iterator[Problem]:
    names = names_of(rule.if_, entry.if_, *effect.guards)
    if kind == "invoice" and not any(map(_MONEY.match, names)):
        yield error(effect.step.where, "this goes out for paid and draft invoices too", "add 'if: invoice.outstanding'")
    if kind == "session" and not any(map(_BOOKED.match, names)):
        yield warning(
            effect.step.where, "this goes out for declined and canceled sessions too", "add 'if: session.confirmed'"
        )


def _events(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    soon = [effect for effect in effects if effect.soon and isinstance(effect.step, SendStep)]
    at_once = any(not effect.waited for effect in soon)
    for trigger in entry.triggers:
        if not isinstance(trigger, EventTrigger) or not soon:
            continue
        if trigger.name.endswith(_MOVING) and rule.settle is None and at_once:
            yield warning(
                entry.where,
                f"{trigger.name} can come twice in a minute, there and back, and each time a message goes out",
                "add 'settle: 30 minutes' to the rule",
            )
        bounded = rule.repeat.once or (rule.repeat.after is not None and rule.repeat.per == ("client", "email"))
        if trigger.name == "lead.created" and not bounded:
            when = "within a day" if soon[0].waited else "at once"
            yield error(
                soon[0].step.where,
                f"this answers every inquiry {when}, however often an address writes: a relay for spam",
                "add 'repeat: after 30 days per client.email' to the rule",
            )


# --- one effect ------------------------------------------------------------------------------------------------------


def _effect(rule: Rule, entry: Entry, effect: At, words: Mapping[str, WordsSource]) -> Iterator[Problem]:
    step = effect.step
    guarded = any((rule.if_, rule.until, entry.if_, *effect.guards))
    if effect.waited and isinstance(step, SendStep) and not guarded:
        yield error(
            step.where,
            "this goes out after a wait, whatever happened meanwhile",
            "add 'until: client.replied' or an 'if' to the rule or the step",
        )
    own = rule.approve and "approve" in rule.source["rule"]  # `all_rules` asks of everything: no step is written for it
    if (step.approve or own) and step.late is None:
        hint = "say how long its words stay right: add 'late: 3 days' to the step"
        yield warning(step.where, "this waits up to 7 days for your yes", hint)
    if isinstance(step, CouponStep):
        yield from _coupon(step)
    if isinstance(step, SendStep) and step.words is not None and step.words in words:
        yield from _relative_days(step, effect, words[step.words])
    if isinstance(step, SendStep | CreateStep):
        yield from _echo(step, words, effect.carried)


def _echo(step: SendStep | CreateStep, words: Mapping[str, WordsSource], carried: frozenset[str]) -> Iterator[Problem]:
    """What a stranger wrote, sent to an address that a stranger gave."""
    source = words.get(step.words or "") if isinstance(step, SendStep) else None
    said = [part.text for part in source.parts()] if source is not None else []
    items = [item.name.source for item in step.items] if isinstance(step, CreateStep) else []
    if any(echoes(text, carried) for text in (*said, *items, *(value.source for value in step.variables.values()))):
        yield error(
            step.where,
            "this sends what somebody wrote to the address that they gave: a relay for spam",
            "take 'content' out of its words; in a note to you it may stand",
        )


def _coupon(step: CouponStep) -> Iterator[Problem]:
    if step.expires is None:
        yield warning(step.where, "this coupon can be used for ever", "add 'expires: 60 days'")
    if "{{" not in step.code.source:
        yield warning(
            step.where,
            f"everybody gets the same coupon, {step.code.source}, and its uses are used up by the first",
            "write 'code: \"BACK-{{ unique }}\"' for one of each client's own",
        )


def _relative_days(step: SendStep, effect: At, source: WordsSource) -> Iterator[Problem]:
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
    yield error(step.where, f"message {source.name} says {said[0]!r}, {why}", hint)


def unused_words(sources: Iterable[WordsSource], used: frozenset[str]) -> list[Problem]:
    """A warning for each message that no rule says."""
    return [
        Problem(source.file, 1, 1, f"no rule uses the message {source.name}", "warning", "use it, or delete the file")
        for source in sources
        if source.name not in used
    ]
