"""Checks of what several rules, or several entries of one, come to together; and of the studio's own mails."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from selftimer.rulebook.build_when import date_field
from selftimer.rulebook.exclude import asked, contradiction, together
from selftimer.rulebook.lint_reach import USUAL_LATE
from selftimer.rulebook.lint_walk import effects_of, warning
from selftimer.rulebook.model import BecomesTrigger, CreateStep, EventTrigger, LeadStep, MomentTrigger, SendStep
from selftimer.rulebook.sentences import Moment, SentenceError, parse_when

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selftimer.errors import Problem
    from selftimer.rulebook.exclude import Asked
    from selftimer.rulebook.model import Entry, Rule, Step, Trigger

_COMPARED = 100
"""Rules that are compared with each other where they all begin with the same: more are past anybody's oversight."""
Reason = tuple[object, ...]
"""What brings a message about, times of day aside: an event's name, or a record's date and the days from it."""


class _Sender(NamedTuple):
    """An entry that sends as soon as it begins."""

    rule: Rule
    entry: Entry


def lint_pairs(rules: Sequence[Rule], mails: Mapping[str, str]) -> Iterator[Problem]:
    """What is doubtful about rules beside each other; `mails` are the studio's own: name to when they go out."""
    live = [rule for rule in rules if rule.mode != "off"]
    yield from _same_day(live)
    yield from _doubled(live, mails)
    yield from _rounds(live)
    for rule in live:
        yield from _windows(rule)


def reason_of(trigger: Trigger) -> Reason | None:
    """Why and on which day something is sent; None for what has no such day."""
    match trigger:
        case EventTrigger(name=name):
            return (name,)
        case MomentTrigger(kind=kind, field=field, sign=sign, span=span):
            exact = trigger.at if span is not None and span.exact else None
            return (kind.value, field, sign, str(span), exact)
        case BecomesTrigger(source=source):
            return ("becomes", source)
        case _:
            return None


def _senders(rules: Sequence[Rule]) -> dict[Reason, list[_Sender]]:
    found: dict[Reason, list[_Sender]] = {}
    for rule in rules:
        for entry in rule.entries:
            if any(isinstance(effect.step, SendStep) and not effect.waited for effect in effects_of(entry)):
                for trigger in entry.triggers:
                    if (reason := reason_of(trigger)) is not None:
                        found.setdefault(reason, []).append(_Sender(rule, entry))
    return found


# --- twice -----------------------------------------------------------------------------------------------------------


def _same_day(rules: Sequence[Rule]) -> Iterator[Problem]:
    for senders in _senders(rules).values():
        for one, other in combinations(senders[:_COMPARED], 2):
            if one.rule is other.rule or _exclusive(one, other):
                continue
            yield warning(
                other.entry.where,
                f"rules {one.rule.id} and {other.rule.id} can both write to one client on the same day, "
                "for the same reason",
                "give them conditions that can't both hold, or make one of the two",
            )
            break


def _exclusive(one: _Sender, other: _Sender) -> bool:
    """Whether no record can meet the conditions of both."""
    conditions = (one.rule.if_, one.entry.if_, other.rule.if_, other.entry.if_)
    guards = [_always(entry) for _, entry in (one, other)]
    return bool(contradiction(*map(asked, conditions), *guards))


def _always(entry: Entry) -> Asked:
    """What holds of an entry whose one message has conditions of its own."""
    sends = [effect for effect in effects_of(entry) if isinstance(effect.step, SendStep) and not effect.waited]
    return together(*map(asked, sends[0].guards)) if len(sends) == 1 else {}


def _doubled(rules: Sequence[Rule], mails: Mapping[str, str]) -> Iterator[Problem]:
    """A message that goes out beside the studio's own mail for the same reason."""
    own = {reason: name for name, sentence in mails.items() if (reason := _mail_reason(sentence)) is not None}
    for reason, senders in _senders(rules).items() if own else ():
        name = own.get(reason[:4])
        for sender in senders if name is not None else ():
            yield warning(
                sender.entry.where,
                f"the studio mails its own {name!r} for the same reason ([studio_mails] says so)",
                "switch one of the two off: the client gets both",
            )


def _mail_reason(sentence: str) -> Reason | None:
    try:
        parsed = parse_when(sentence)
        if isinstance(parsed, EventTrigger):
            return (parsed.name,)
        if isinstance(parsed, Moment):
            kind, field = date_field(parsed.anchor)
            return (kind.value, field.attribute, parsed.sign, str(parsed.span))
    except SentenceError:
        pass
    return None  # the settings are checked where they are read


# --- round and round -------------------------------------------------------------------------------------------------


def _rounds(rules: Sequence[Rule]) -> Iterator[Problem]:
    """Rules that begin each other, or themselves, by what they create; one that repeats itself rarely ends that."""
    ways: dict[str, dict[str, Rule]] = {}
    for rule in rules:
        if rule.repeat.after is None and not rule.repeat.once:
            for begun in {t.name for entry in rule.entries for t in entry.triggers if isinstance(t, EventTrigger)}:
                for made in _made(rule):
                    ways.setdefault(begun, {}).setdefault(made, rule)
    told: set[frozenset[str]] = set()
    for start in ways:
        circle = _way_back(start, ways)
        names = [rule.id for rule in circle]
        if circle and frozenset(names) not in told:
            told.add(frozenset(names))
            said = " → ".join([*names, names[0]])
            yield warning(
                circle[0].where,
                f"these begin each other for ever, each time with a new record; the third time is the last: {said}",
                "add a 'repeat' to one of them, like 'repeat: after 30 days per client'",
            )


def _way_back(start: str, ways: Mapping[str, Mapping[str, Rule]]) -> list[Rule]:
    """The rules of the shortest way from an event back to itself, or nothing."""
    todo: list[tuple[str, list[Rule]]] = [(start, [])]
    seen: set[str] = set()
    while todo:
        event, way = todo.pop(0)
        for following, rule in ways.get(event, {}).items():
            if following == start:
                return [*way, rule]
            if following not in seen:
                seen.add(following)
                todo.append((following, [*way, rule]))
    return []


def _made(rule: Rule) -> list[str]:
    """The events that come of what a rule creates."""
    return [name for entry in rule.entries for effect in effects_of(entry) for name in _events(effect.step)]


def _events(step: Step) -> tuple[str, ...]:
    match step:
        case LeadStep():
            return ("lead.created",)
        case CreateStep(kind=kind, draft=draft):
            born = ("invoice.created",) if kind == "invoice" else ()
            return born if draft else (*born, f"{kind}.sent")
        case _:
            return ()


# --- windows ---------------------------------------------------------------------------------------------------------


def _windows(rule: Rule) -> Iterator[Problem]:
    """Two messages of a series before the same date, whose windows are open together: booked late, both go out."""
    timed = [(entry, trigger) for entry in rule.entries for trigger in entry.triggers if _before(trigger)]
    for (one, first), (other, second) in combinations(timed, 2):
        assert isinstance(first, MomentTrigger)
        assert isinstance(second, MomentTrigger)
        same = (first.kind, first.field) == (second.kind, second.field)
        if not same or one is other or not _sends(one) or not _sends(other):
            continue
        if _exclusive(_Sender(rule, one), _Sender(rule, other)):
            continue
        ahead = sorted(((_seconds(first), one), (_seconds(second), other)), key=lambda pair: -pair[0])
        (long, early), (short, late) = ahead
        window = (early.late or USUAL_LATE).approximate_seconds()
        if long - window < short and long != short:
            yield warning(
                early.where,
                f"'late: {early.late}' reaches beyond the next message: who is booked then gets both at once",
                f"make it shorter than the time to {late.id!r}",
            )


def _before(trigger: Trigger) -> bool:
    return isinstance(trigger, MomentTrigger) and trigger.sign == -1 and trigger.span is not None


def _seconds(trigger: MomentTrigger) -> float:
    return trigger.span.approximate_seconds() if trigger.span is not None else 0.0


def _sends(entry: Entry) -> bool:
    return any(isinstance(effect.step, SendStep) and not effect.waited for effect in effects_of(entry))
