"""Triggers, checked against the records: what a run is about, and the names that it begins with."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from selftimer.facts.records import Kind
from selftimer.facts.schema import SCHEMA
from selftimer.rulebook.compiler import compile_condition
from selftimer.rulebook.expression import ExpressionError, Fault
from selftimer.rulebook.model import (
    BecomesTrigger,
    CalendarTrigger,
    EventTrigger,
    HookTrigger,
    ManualTrigger,
    MomentTrigger,
    NoReplyTrigger,
    Trigger,
)
from selftimer.rulebook.names import Names
from selftimer.rulebook.sentences import Becomes, Moment, SentenceError, later, parse_when, similar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.facts.types import Field
    from selftimer.facts.world import StudioFacts

_LATER = {"gift_card": "gift cards", "coupon": "coupons"}
_ABOUT_CLIENT = {"lead", "client", "message"}
READ_AFRESH = (Kind.CLIENT, Kind.SESSION, Kind.INVOICE, Kind.CONTRACT, Kind.QUESTIONNAIRE, Kind.QUOTE)
"""The kinds that the studio gives by their id: what `for_each` and `becomes` can be about."""
_CLOCKED = {
    "now": "'becomes' is judged when a record changes, and nothing changes when time passes",
    "today": "'becomes' is judged when a record changes, and nothing changes when time passes",
    "invoice.overdue": "that changes with the clock alone: write 'when: invoice.overdue'",
    "session.ended": "that changes with the clock alone: write 'when: session.ended'",
    "client.silent_days": "that changes with the clock alone: write 'when: no reply for 7 days'",
    "client.last_session": "that changes with the clock alone: write 'when: session.ended'",
    "client.next_session": "that changes with the clock alone: write 'when: session.confirmed' or 'session.ended'",
    "client.kinds": "that changes with the clock alone: write 'when: session.ended'",
    "client.replied": "it is about the time since a run began: write 'when: message.received'",
}
"""What `becomes` can't be asked (14), and what to write."""
_CLOCK_FILTERS = re.compile(r"\|\s*(days_ago|days_until)\b")


def trigger_of(text: str, studio: StudioFacts) -> Trigger:
    """The trigger that a `when` sentence says; `SentenceError` or `ExpressionError` for one that can't be."""
    parsed = parse_when(text)
    if isinstance(parsed, Becomes):
        return _becomes(parsed, studio)
    if isinstance(parsed, HookTrigger):
        return _hook(parsed, studio)
    if not isinstance(parsed, Moment):
        return parsed
    kind, field = date_field(parsed.anchor)
    if field.type.name == "date" and parsed.at is None:
        raise SentenceError(f"{'.'.join(parsed.anchor)} is a bare day: at what time?", "add a time, like 'at 10:00'")
    return MomentTrigger(kind=kind, field=field.attribute, sign=parsed.sign, span=parsed.span, at=parsed.at)


def _hook(said: HookTrigger, studio: StudioFacts) -> HookTrigger:
    """It, if the studio's settings say what it brings."""
    if said.name in studio.hooks:
        return said
    if said.name in studio.webhooks:
        raise SentenceError(
            f"webhook {said.name!r} is an address that rules call: nothing comes from it",
            "give what comes in another name: [webhooks.contact-form] with 'fields' in selftimer.toml",
        )
    known = ", ".join(studio.hooks)
    raise SentenceError(
        f"selftimer.toml has no webhook {said.name!r} with 'fields'",
        similar(said.name, studio.hooks)
        or (f"known are {known}" if known else f'add [webhooks.{said.name}] with fields = ["name", "email"] there'),
    )


def _becomes(said: Becomes, studio: StudioFacts) -> BecomesTrigger:
    """Its condition, and the one record that it is about: the client, or another of which the client is known too."""

    def put(message: str, hint: str, word: str = "") -> ExpressionError:
        at = max(said.source.find(word), 0) if word else 0
        return ExpressionError([Fault(0, said.offset + at, message, hint)])

    try:
        condition = compile_condition(said.source, Names.of(*READ_AFRESH, start=False, studio=studio))
    except ExpressionError as error:
        raise ExpressionError([replace(f, offset=said.offset + f.offset) for f in error.faults]) from None
    for name in sorted(condition.names):
        for clocked, why in _CLOCKED.items():
            if name == clocked or name.startswith(f"{clocked}."):
                raise put(f"{clocked} can't be asked in 'becomes'", why, name)
    if match := _CLOCK_FILTERS.search(said.source):
        raise put(f"'| {match[1]}' can't be asked in 'becomes'", _CLOCKED["now"], match[0])
    if any(target in {Kind.CONVERSATION, Kind.MESSAGE} for _, target in condition.reads):
        hint = "threads from before the first look aren't read: write 'when: message.received' or 'no reply for 3 days'"
        raise put("messages can't be asked in 'becomes'", hint)
    roots = {name.partition(".")[0] for name in condition.names}
    kinds = [kind for kind in READ_AFRESH if kind.value in roots]
    about = [kind for kind in kinds if kind is not Kind.CLIENT] or kinds
    if len(about) > 1:
        listed = " and ".join(kind.value for kind in about)
        raise put(f"'becomes' is about one record, and this is about {listed}", "put one of them into the rule's 'if'")
    if not about:
        raise put("this says nothing about a record", "write a condition like invoice.balance == 0")
    return BecomesTrigger(kind=about[0], source=" ".join(said.source.split()), condition=condition)


@cache
def _dated() -> tuple[str, ...]:
    """The kinds of record that have dates of their own."""
    return tuple(kind.value for kind in Kind if _dates(kind.value))


def date_field(anchor: tuple[str, ...]) -> tuple[Kind, Field]:
    """The kind and the field of `kind.field`, if that is a date of the record itself; else `SentenceError`."""
    said = ".".join(anchor)
    if anchor[0] in _LATER:
        raise later(f"moments of {_LATER[anchor[0]]}")
    kinds = _dated()
    if anchor[0] not in kinds:
        raise SentenceError(
            f"{anchor[0]!r} is no record with a date", similar(anchor[0], kinds) or f"there are: {', '.join(kinds)}"
        )
    dates = _dates(anchor[0])
    hint = f"{anchor[0]} has these dates: {', '.join(dates)}"
    if len(anchor) != 2:
        raise SentenceError(f"{said} is not a date of a record", hint)
    field = SCHEMA[anchor[0]].get(anchor[1])
    if field is None:
        raise SentenceError(f"{anchor[0]} has no field {anchor[1]!r}", similar(anchor[1], dates) or hint)
    if not field.type.timely:
        raise SentenceError(f"{said} is {field.type}, not a date", hint)
    if not field.attribute:
        raise SentenceError(f"{said} is worked out from other records; a moment needs a date of its own record", hint)
    return Kind(anchor[0]), field


@cache
def _dates(table: str) -> tuple[str, ...]:
    return tuple(name for name, field in SCHEMA.get(table, {}).items() if field.type.timely and field.attribute)


def subject_of(trigger: Trigger, for_each: Kind | None = None) -> Kind | None:
    """The kind of record that a run is about (Exact meaning 1); None for a manual start, which brings one.

    None too for a webhook, and for the calendar without `for_each`: such a run is about no record.
    """
    match trigger:
        case ManualTrigger() | HookTrigger():
            return None
        case CalendarTrigger():
            return for_each
        case NoReplyTrigger():
            return Kind.CLIENT
        case MomentTrigger(kind=kind) | BecomesTrigger(kind=kind):
            return kind
        case EventTrigger(name=name):
            about = name.partition(".")[0]
            if about in _ABOUT_CLIENT:
                return Kind.CLIENT
            return Kind.INVOICE if about == "payment" else Kind(about)


def names_of(
    triggers: Sequence[Trigger], studio: StudioFacts, brought: Kind | None = None, for_each: Kind | None = None
) -> Names:
    """What can be said in a run that any of these begin: what all of them know. `brought`: by a manual start."""
    known = [_known(trigger, brought, for_each) for trigger in triggers] or [frozenset({Kind.CLIENT})]
    events = {_event_kind(trigger) for trigger in triggers}
    common = sorted(frozenset.intersection(*known))
    names = Names.of(*common, event=events.pop() if len(events) == 1 else None, studio=studio)
    brings = [studio.hooks[trigger.name] if isinstance(trigger, HookTrigger) else () for trigger in triggers]
    if any(brings):
        names = names.with_hook([name for name in brings[0] if all(name in other for other in brings)])
    anchors = {(trigger.kind, trigger.field) if isinstance(trigger, MomentTrigger) else None for trigger in triggers}
    anchor = anchors.pop() if len(anchors) == 1 else None
    return names if anchor is None else _with_date(names, *anchor)


def _with_date(names: Names, kind: Kind, field: str) -> Names:
    """These, where a date can't be missing: the run begins with it."""
    table = names.tables[kind]
    return replace(names, tables={**names.tables, kind: {**table, field: replace(table[field], nullable=False)}})


def _known(trigger: Trigger, brought: Kind | None, for_each: Kind | None) -> frozenset[Kind]:
    if isinstance(trigger, HookTrigger) or (isinstance(trigger, CalendarTrigger) and for_each is None):
        return frozenset()
    subject = subject_of(trigger, for_each) or brought
    kinds = {Kind.CLIENT} if subject is None else {Kind.CLIENT, subject}
    match _event_kind(trigger):
        case Kind.PAYMENT:
            kinds.add(Kind.PAYMENT)
        case Kind.MESSAGE:
            kinds |= {Kind.MESSAGE, Kind.CONVERSATION}
    return frozenset(kinds)


def _event_kind(trigger: Trigger) -> Kind | None:
    if not isinstance(trigger, EventTrigger):
        return None
    about = trigger.name.partition(".")[0]
    return Kind.CLIENT if about == "lead" else Kind(about)
