"""The sentences of `when`, `wait` and `repeat`, read into parts (rule-language.md, when; Exact meaning 11, 15).

Only the grammar is known here; whether a field exists and is a date is checked by whoever knows the records. Forms of
the language that this version can't do are told apart from forms that don't exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from selftimer.facts.event import EVENTS
from selftimer.primitives.time import Span, TimeError, parse_time
from selftimer.rulebook.calendar import parse_calendar
from selftimer.rulebook.model import CalendarTrigger, EventTrigger, HookTrigger, ManualTrigger, NoReplyTrigger, Repeat
from selftimer.rulebook.sentence import SentenceError, similar

if TYPE_CHECKING:
    from whenever import Time

__all__ = [
    "Becomes",
    "Moment",
    "Pause",
    "SentenceError",
    "later",
    "parse_moment",
    "parse_repeat",
    "parse_span",
    "parse_wait",
    "parse_when",
    "similar",
]
Sign = Literal[-1, 0, 1]

SUCCESSORS: dict[str, str] = {
    "lead.new": "lead.created",
    "lead.received": "lead.created",
    "lead.booked": "lead.converted",
    "client.new": "client.created",
    "client.updated": "client.changed",
    "session.booked": "session.confirmed",
    "session.created": "session.requested",
    "session.completed": "session.ended",
    "session.finished": "session.ended",
    "session.moved": "session.rescheduled",
    "session.cancelled": "session.canceled",
    "invoice.past_due": "invoice.overdue",
    "invoice.late": "invoice.overdue",
    "invoice.cancelled": "invoice.canceled",
    "payment.completed": "payment.received",
    "payment.succeeded": "payment.received",
    "contract.completed": "contract.signed",
    "questionnaire.submitted": "questionnaire.completed",
    "questionnaire.pending": "questionnaire.sent",
    "quote.approved": "quote.accepted",
    "message.created": "message.received",
    "message.new": "message.received",
    "gallery.created": "gallery.published",
    "gallery.new": "gallery.published",
    "collection.published": "gallery.published",
}
"""Names that people and the API use for events, with ours."""

_EVENT = re.compile(r"[a-z_]+\.[a-z_]+\Z")
_MOMENT = re.compile(
    r"(?:(?P<span>\d.*?) (?P<side>before|after)|(?P<on>on)) (?P<anchor>[a-z_]+(?:\.[a-z_]+)*)(?: at (?P<at>\S+))?\Z"
)
_REPEAT = re.compile(r"(?:(?P<once>once)|after (?P<span>\d.*?))(?: per (?P<per>[a-z_]+(?:\.[a-z_]+)*))?\Z")
_FORMS = (
    "write an event (lead.created), a moment (2 days before session.start_at at 09:00), 'every monday at 08:00', "
    "'no reply for 3 days', 'becomes invoice.balance == 0', 'webhook contact-form' or manual"
)
_SILENCE = re.compile(r"no (?:reply|answer|response)\b ?(?P<rest>.*)\Z")
_BECOMES = re.compile(r"becomes\b ?(?P<rest>.*)\Z")
_HOOK = re.compile(r"webhook\b ?(?P<name>.*)\Z")
_SIGNS: dict[str | None, Sign] = {"before": -1, "after": 1, None: 0}


@dataclass(frozen=True, slots=True)
class Moment:
    """`2 days before session.start_at at 09:00`: `sign` -1 before, 1 after, 0 on; `anchor` the dotted name's parts."""

    anchor: tuple[str, ...]
    sign: Sign
    span: Span | None
    at: Time | None


@dataclass(frozen=True, slots=True)
class Becomes:
    """`becomes invoice.balance == 0`: the condition as it was written, and at which sign of the sentence it begins."""

    source: str
    offset: int


@dataclass(frozen=True, slots=True)
class Pause:
    """What `wait:` says: a span from now, a time of day, or a moment."""

    span: Span | None = None
    at: Time | None = None
    moment: Moment | None = None


def later(what: str) -> SentenceError:
    """The refusal of a form that the language has and this version hasn't."""
    return SentenceError(
        f"this version can't do {what} yet", "take it out, or keep the file aside until a later version"
    )


Said = EventTrigger | Moment | ManualTrigger | CalendarTrigger | NoReplyTrigger | Becomes | HookTrigger


def parse_when(text: str) -> Said:
    """The trigger of a sentence, else `SentenceError`; anchors, conditions and names are still to be checked."""
    written, text = text, _plain(text)
    if text == "manual":
        return ManualTrigger()
    if match := _HOOK.match(text):
        if not match["name"]:
            raise SentenceError("which webhook?", "write its name: 'webhook contact-form'")
        return HookTrigger(name=match["name"])
    if text in EVENTS:
        return EventTrigger(name=text)
    if _EVENT.match(text):
        _unknown_event(text)
    schedule = parse_calendar(text)
    if schedule is not None:
        return CalendarTrigger(schedule=schedule)
    if match := _SILENCE.match(text):
        return NoReplyTrigger(span=_silence(match["rest"]))
    if match := _BECOMES.match(text):
        return _becomes(written, match["rest"])
    if text.startswith("become "):
        raise SentenceError(f"{text!r} is not understood", f"did you mean 'becomes {text.partition(' ')[2]}'?")
    return parse_moment(text, _FORMS)


def _silence(rest: str) -> Span:
    """How long nobody may have answered."""
    said = rest.removeprefix("for ").removeprefix("in ").removeprefix("after ").removeprefix("since ")
    how = "write it like 'no reply for 3 days' or 'no reply for 2 business days'"
    if " at " in said:
        raise SentenceError("'no reply' counts from the message and takes no time of day", how)
    if re.fullmatch(r"\d{1,4}", said):
        raise SentenceError(f"no reply for {said} of what?", f"did you mean 'no reply for {said} days'?")
    try:
        span = _span(said)
    except SentenceError as error:
        raise SentenceError(error.message if said else "no reply for how long?", how) from None
    if not rest.startswith("for "):
        raise SentenceError(f"'no reply {rest}' is not understood", f"did you mean 'no reply for {span}'?")
    return span


def _becomes(written: str, rest: str) -> Becomes:
    if not rest:
        raise SentenceError("becomes what?", "write a condition: 'becomes invoice.balance == 0'")
    offset = written.index("becomes") + len("becomes")
    source = written[offset:]
    return Becomes(source.strip(), offset + len(source) - len(source.lstrip()))


def parse_moment(text: str, forms: str) -> Moment:
    """A moment relative to a date; `forms` is the hint when it is none."""
    match = _MOMENT.match(text)
    if match is None:
        raise SentenceError(f"{text!r} is not understood", forms)
    at = _time(match["at"])
    span = _span(match["span"]) if match["span"] else None
    if span is not None and span.exact and at is not None:
        raise SentenceError(f"{span} and a time of day contradict each other", "count in days, or leave 'at …' out")
    if span is None and match["on"] is None:
        raise SentenceError(f"{text!r} is not understood", forms)
    return Moment(tuple(match["anchor"].split(".")), _SIGNS[match["side"]], span, at)


def parse_wait(text: str) -> Pause:
    """`2 days` · `until 09:00` · `until 2 days after start at 10:00`. `SentenceError` otherwise."""
    text = _plain(text)
    if not text.startswith("until "):
        return Pause(span=_span(text))
    rest = text.removeprefix("until ")
    if rest[:1].isdigit() and " " not in rest:
        return Pause(at=_time(rest))
    return Pause(
        moment=parse_moment(
            rest, "write '2 days', 'until 09:00', 'until 2 days after start at 10:00' or a day before a record's date"
        )
    )


def parse_repeat(text: str) -> Repeat:
    """`once` · `once per client` · `after 30 days per client.email`. `SentenceError` otherwise."""
    text = _plain(text)
    match = _REPEAT.match(text)
    if match is None:
        raise SentenceError(
            f"repeat {text!r} is not understood", "write 'once', 'once per client' or 'after 30 days per client.email'"
        )
    per = tuple(match["per"].split(".")) if match["per"] else None
    return Repeat(once=match["once"] is not None, after=_span(match["span"]) if match["span"] else None, per=per)


def parse_span(text: str) -> Span:
    """`30 minutes`, `2 days`. `SentenceError` otherwise."""
    return _span(_plain(text))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _span(text: str) -> Span:
    try:
        span = Span.parse(text)
    except TimeError as error:
        message, _, hint = str(error).partition("; ")
        raise SentenceError(message, hint) from None
    if span.count == 0:
        raise SentenceError(f"{text!r} is no time at all", "leave it out, or say how long")
    return span


def _time(text: str | None) -> Time | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except TimeError as error:
        message, _, hint = str(error).partition("; ")
        raise SentenceError(message, hint) from None


def _unknown_event(text: str) -> NoReturn:
    if text in SUCCESSORS:
        raise SentenceError(f"there is no event {text!r}", f"did you mean {SUCCESSORS[text]!r}?")
    kind = text.partition(".")[0]
    near = similar(text, EVENTS)
    of_kind = [name for name in EVENTS if name.startswith(kind + ".")]
    raise SentenceError(
        f"there is no event {text!r}", near or (f"{kind} has: {', '.join(of_kind)}" if of_kind else _FORMS)
    )
