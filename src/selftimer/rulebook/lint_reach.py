"""Checks of what a rule comes to: whether it can happen at all, and whether it stops when its reason is gone."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

from selftimer.facts.records import Kind
from selftimer.primitives.time import Span
from selftimer.rulebook.exclude import STANDING, YES, Words, asked, contradiction, implied, words
from selftimer.rulebook.lint_walk import names_of, source_of, warning
from selftimer.rulebook.model import (
    CalendarTrigger,
    CouponStep,
    CreateStep,
    EventTrigger,
    MomentTrigger,
    SendStep,
    UpdateStep,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selftimer.errors import Problem
    from selftimer.rulebook.exclude import Asked
    from selftimer.rulebook.lint_walk import At
    from selftimer.rulebook.model import Entry, Rule

USUAL_LATE = Span(24, "hours")
"""How late an effect may be where neither the step nor the rule says."""
_CAPS_WAIT = Span(7, "days")
"""The longest that the caps on marketing, three a week, hold a message."""
_STATUS: Mapping[str, Words] = {
    "lead.created": words("lead"),
    "lead.converted": words("client"),
    "client.created": words("client"),
    "session.requested": words("inquiry"),
    "session.ended": words("confirmed"),
    "invoice.overdue": STANDING["invoice"],
    "questionnaire.sent": words("pending"),
}
"""The status (of lead and client: the type) in which an event finds its record, where that isn't its own word."""
_WORDS = (
    "pending",
    "confirmed",
    "declined",
    "canceled",
    "sent",
    "viewed",
    "signed",
    "completed",
    "expired",
    "accepted",
)
_OPEN: Mapping[str, tuple[str, str]] = {
    "invoice": ("it is paid", r"outstanding|paid|status|balance|settled|overdue|unpaid|partially_paid|paid_amount"),
    "contract": ("it is signed", r"outstanding|status|signed|sent|viewed|expired|partially_signed"),
    "questionnaire": ("it is filled in", r"outstanding|status|completed|pending|expired"),
    "quote": ("it is answered", r"outstanding|status|accepted|declined|sent|expired"),
}
"""Kind of record to what ends its reminders, and the fields that ask about that."""
_OPENS = frozenset({"created", "sent", "overdue", "partially_paid", "viewed"})
_CHANGED: Mapping[str, tuple[str, ...]] = {
    "invoice": ("client.open_invoices", "client.invoices"),
    "contract": ("client.contracts",),
    "quote": ("client.quotes",),
    "questionnaire": ("client.questionnaires",),
}


def lint_reach(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    """What is doubtful about what one entry of a rule comes to."""
    yield from _never(rule, entry, effects)
    yield from _goes_on(rule, entry, effects)
    yield from _viewed(rule, entry, effects)
    yield from _own_doing(rule, entry, effects)
    yield from _mailing(rule, entry, effects)
    yield from _coupons(rule, effects)


# --- never -----------------------------------------------------------------------------------------------------------


def known_at(name: str) -> Asked:
    """What holds of its record when an event happens."""
    kind, _, what = name.partition(".")
    path = "client.type" if kind in {"lead", "client"} else f"{kind}.status"
    if name == "invoice.paid":
        return {"invoice.outstanding": Words(False, frozenset({YES}))}
    if name in _STATUS:
        return {path: _STATUS[name]}
    if kind in {*STANDING, "session"} - {"invoice"} and what in _WORDS:
        return {path: words(what)}
    return {}


def _never(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    wanted = (asked(rule.if_), asked(entry.if_))
    if path := contradiction(*wanted):
        yield warning(entry.where, f"this never happens: its conditions want two things of {path} at once", "mend one")
        return
    for trigger in entry.triggers:
        if not isinstance(trigger, EventTrigger):
            continue
        known = known_at(trigger.name)
        if path := contradiction(known, *wanted):
            what = f"{trigger.name} finds {path} as {known[path]}" if path in known else trigger.name
            yield warning(
                entry.where, f"this never happens: {what}, and 'if' wants something else", "mend 'if' or 'when'"
            )
        elif implied(rule.until, known):
            said = f"'until: {source_of(rule.until)}' holds already when {trigger.name} happens"
            yield warning(entry.where, f"this never happens: {said}", "say what ends it later")
        elif trigger.name == "client.archived" and "archived" not in rule.include:
            hint = "add 'include: archived' to the rule"
            yield warning(entry.where, "this never happens: archived clients are left out of every rule", hint)
    for effect in effects:
        if path := contradiction(*wanted, *map(asked, effect.guards)):
            said = f"this is never done: what has to hold for it wants two things of {path} at once"
            yield warning(effect.step.where, said, "mend its 'if', or take it out")


# --- goes on ---------------------------------------------------------------------------------------------------------


def _goes_on(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    """A reminder that doesn't ask whether what it reminds of is done."""
    kinds = {kind for trigger in entry.triggers if (kind := _opened(trigger))}
    for kind in sorted(kinds):
        why, fields = _OPEN[kind]
        about = re.compile(rf"{kind}\.(?:{fields})\Z")
        for effect in effects:
            moment = kind != "invoice" and not isinstance(entry.triggers[0], EventTrigger)
            if not isinstance(effect.step, SendStep) or not (effect.waited or moment):
                continue
            guards = (rule.if_, rule.until, entry.if_, *effect.guards)
            if any(guards) and not any(map(about.match, names_of(*guards))):
                hint = f"add 'if: {kind}.outstanding' to the rule"
                yield warning(effect.step.where, f"this goes out even if {why} by then", hint)


def _opened(trigger: object) -> str:
    """The kind of record that waits for the client when the trigger fires, or ''."""
    match trigger:
        case EventTrigger(name=name):
            kind, _, what = name.partition(".")
            return kind if kind in _OPEN and what in _OPENS else ""
        case MomentTrigger(kind=kind, sign=sign, field=field) if kind != Kind.INVOICE and kind.value in _OPEN:
            return kind.value if sign == 1 or field == "due_date" else ""
        case _:
            return ""


def _viewed(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    """`contract.sent` as what has to go on holding: false as soon as the client has looked at it."""
    event = any(isinstance(trigger, EventTrigger) for trigger in entry.triggers)
    standing = [rule.if_, entry.if_] if not event or any(effect.waited for effect in effects) else []
    conditions = [*standing, *(guard for effect in effects if effect.waited or not event for guard in effect.guards)]
    for condition in conditions:
        held = asked(condition).get("contract.status")
        if held is not None and held.among and held.words & {"sent", "viewed"} and len(held.words) == 1:
            (word,) = held.words
            said = "the client has looked at it" if word == "sent" else "somebody has signed it"
            yield warning(
                entry.where, f"{source_of(condition)!r} is false as soon as {said}", "contract.outstanding is meant"
            )
            return


def _own_doing(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    """A step that changes what the rule's own `if` asks, with steps behind it."""
    names = names_of(rule.if_, entry.if_)
    for effect in effects[:-1]:
        changed: tuple[str, ...] = ()
        if isinstance(effect.step, UpdateStep):
            changed = tuple(f"client.{name}" for name in effect.step.set)
        elif isinstance(effect.step, CreateStep) and not effect.step.draft:
            changed = _CHANGED[effect.step.kind.value]
        if found := sorted(name for name in names if any(f"{name}.".startswith(f"{one}.") for one in changed)):
            said = f"this changes {found[0]}, which the rule's own 'if' asks: the steps after it may not be done"
            hint = "make it the last step, or ask at the start alone: '- {stop: why, if: …}' as first step"
            yield warning(effect.step.where, said, hint)


# --- to many ---------------------------------------------------------------------------------------------------------


def _mailing(rule: Rule, entry: Entry, effects: Sequence[At]) -> Iterator[Problem]:
    """What the calendar sends to many: which caps count, and what becomes of those who are put off."""
    calendar = [trigger for trigger in entry.triggers if isinstance(trigger, CalendarTrigger)]
    first = next((effect.step for effect in effects if isinstance(effect.step, SendStep)), None)
    if not calendar or rule.for_each is None or first is None:
        return
    if "purpose" not in rule.source["rule"]:
        said = "this goes to many clients at one time, and counts as service"
        yield warning(first.where, said, "say 'purpose: marketing' or 'purpose: service'")
    if rule.limits and first.late is None and entry.late is None:
        said = f"what 'limits' puts off is dropped after {USUAL_LATE}"
        yield warning(first.where, said, "add 'late: 14 days' to the rule, long enough for all of them")


def _coupons(rule: Rule, effects: Sequence[At]) -> Iterator[Problem]:
    """A coupon is made before the message with its code is known to be allowed."""
    for effect, after in combinations(effects, 2):
        if not isinstance(effect.step, CouponStep) or not isinstance(after.step, SendStep):
            continue
        if "purpose" not in rule.source["rule"]:
            yield warning(effect.step.where, "a coupon that counts as service", "say 'purpose: marketing' or 'service'")
        late = after.step.late or USUAL_LATE
        if rule.purpose == "marketing" and late.approximate_seconds() < _CAPS_WAIT.approximate_seconds():
            said = f"caps on marketing can hold this for days, and with 'late: {late}' the coupon is made in vain"
            yield warning(after.step.where, said, f"add 'late: {_CAPS_WAIT}' to the rule, or more")
        return
