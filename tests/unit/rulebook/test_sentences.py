"""The sentences of when, wait and repeat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Time

from selftimer.facts.event import EVENTS
from selftimer.primitives.time import Span
from selftimer.rulebook.model import EventTrigger, ManualTrigger, NoReplyTrigger, Repeat
from selftimer.rulebook.sentences import (
    _FORMS,
    Becomes,
    Moment,
    Pause,
    SentenceError,
    parse_repeat,
    parse_span,
    parse_wait,
    parse_when,
)

NINE, TEN = Time(9, 0), Time(10, 0)


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_can_be_said(name: str) -> None:
    assert parse_when(name) == EventTrigger(name=name)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (
            "2 days before session.start_at at 09:00",
            Moment(("session", "start_at"), -1, Span(2, "days"), NINE),
        ),
        ("on invoice.due_date at 10:00", Moment(("invoice", "due_date"), 0, None, TEN)),
        ("6 hours after session.end_at", Moment(("session", "end_at"), 1, Span(6, "hours"), None)),
        (
            "  3 business days   after contract.sent_at at 10:00 ",
            Moment(("contract", "sent_at"), 1, Span(3, "business days"), TEN),
        ),
        ("manual", ManualTrigger()),
        ("no reply for 3 days", NoReplyTrigger(span=Span(3, "days"))),
        (" no reply for  2 business days", NoReplyTrigger(span=Span(2, "business days"))),
        ("becomes invoice.balance == 0", Becomes("invoice.balance == 0", 8)),
        ("becomes   client.notes is containing 'a  b'", Becomes("client.notes is containing 'a  b'", 10)),
    ],
)
def test_a_when_is_read_into_its_parts(text: str, meant: object) -> None:
    assert parse_when(text) == meant


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("lead.craeted", "there is no event 'lead.craeted'", "did you mean 'lead.created'?"),
        ("session.booked", "there is no event 'session.booked'", "did you mean 'session.confirmed'?"),
        ("invoice.past_due", "there is no event 'invoice.past_due'", "did you mean 'invoice.overdue'?"),
        (
            "1d before session.start_at at 09:00",
            "'1d' is not a length of time",
            "write it like '30 minutes', '2 days' or '3 business days'",
        ),
        (
            "1 day before session.start_at at 9:00",
            "'9:00' is not a time",
            "write it with two digits, like 09:00",
        ),
        (
            "2 hours before session.start_at at 09:00",
            "2 hours and a time of day contradict each other",
            "count in days, or leave 'at …' out",
        ),
        ("0 days before session.start_at", "'0 days' is no time at all", "leave it out, or say how long"),
        ("no reply for 3", "no reply for 3 of what?", "did you mean 'no reply for 3 days'?"),
        (
            "no reply",
            "no reply for how long?",
            "write it like 'no reply for 3 days' or 'no reply for 2 business days'",
        ),
        ("no reply in 3 days", "'no reply in 3 days' is not understood", "did you mean 'no reply for 3 days'?"),
        (
            "no reply for 3d",
            "'3d' is not a length of time",
            "write it like 'no reply for 3 days' or 'no reply for 2 business days'",
        ),
        (
            "no reply for 3 days at 10:00",
            "'no reply' counts from the message and takes no time of day",
            "write it like 'no reply for 3 days' or 'no reply for 2 business days'",
        ),
        ("becomes", "becomes what?", "write a condition: 'becomes invoice.balance == 0'"),
        (
            "become invoice.paid",
            "'become invoice.paid' is not understood",
            "did you mean 'becomes invoice.paid'?",
        ),
        (
            "when the moon is full",
            "'when the moon is full' is not understood",
            _FORMS,
        ),
    ],
)
def test_a_when_that_is_wrong_says_what_to_write(text: str, message: str, hint: str) -> None:
    with pytest.raises(SentenceError) as caught:
        parse_when(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2 days", Pause(span=Span(2, "days"))),
        ("until 09:00", Pause(at=NINE)),
        ("until 2 days after start at 10:00", Pause(moment=Moment(("start",), 1, Span(2, "days"), TEN))),
        (
            "until 3 days before session.start_at at 09:00",
            Pause(moment=Moment(("session", "start_at"), -1, Span(3, "days"), NINE)),
        ),
        ("until on invoice.due_date at 10:00", Pause(moment=Moment(("invoice", "due_date"), 0, None, TEN))),
    ],
)
def test_a_wait_is_read_into_its_parts(text: str, meant: Pause) -> None:
    assert parse_wait(text) == meant


@pytest.mark.parametrize("text", ["2d", "until 9:00", "until tomorrow", "until", "two days", "until 25:00", ""])
def test_a_wait_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(SentenceError):
        parse_wait(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("once", Repeat(once=True)),
        ("once per client", Repeat(once=True, per=("client",))),
        ("after 30 days", Repeat(after=Span(30, "days"))),
        ("after 30 days per client.email", Repeat(after=Span(30, "days"), per=("client", "email"))),
    ],
)
def test_a_repeat_is_read_into_its_parts(text: str, meant: Repeat) -> None:
    assert parse_repeat(text) == meant


@pytest.mark.parametrize("text", ["twice", "after", "per client", "after 30d per client", "once a year"])
def test_a_repeat_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(SentenceError):
        parse_repeat(text)


def test_a_span_is_read() -> None:
    assert parse_span("1 hour") == Span(1, "hours")


WORDS = st.one_of(
    st.sampled_from(["no reply for", "becomes", "cron", "*", "*/2", "monday", "2026-04-01", "3"]),
    st.sampled_from(["on", "before", "after", "at", "until", "once", "per", "every", "2 days", "1 day"]),
    st.sampled_from(["09:00", "9:00", "session.start_at", "invoice.due_date", "start", "client", "x"]),
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=8).map(" ".join)))
def test_no_sentence_raises_anything_but_its_own_error(text: str) -> None:
    for parse in (parse_when, parse_wait, parse_repeat, parse_span):
        try:
            parse(text)
        except SentenceError as error:
            assert error.message  # noqa: PT017 - either way is right; only another error would be wrong
