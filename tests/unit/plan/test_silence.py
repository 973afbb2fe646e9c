"""Who has the last word, and since when (rule-language.md, Exact meaning 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.facts.small_world import SmallWorld, at, message
from tests.unit.plan.studio import berlin

from selftimer.facts.records import Conversation, Message
from selftimer.plan.policy import Policy
from selftimer.plan.silence import Silence, of_silence, silence_moment, silence_of
from selftimer.primitives.time import Span, weekday_only
from selftimer.rulebook.model import NoReplyTrigger

if TYPE_CHECKING:
    from whenever import Instant

START = at("2026-05-01T08:00Z")
WHO = st.sampled_from(["client", "photographer", "system", "ours"])
SAID = st.lists(st.tuples(WHO, st.sampled_from(["t1", "t2"])), max_size=8)


def thread(thread_id: str = "t1", moved: str = "2026-05-01T08:00Z") -> Conversation:
    return Conversation(id=thread_id, client_id="c1", last_message_at=at(moved))


def world_of(said: list[tuple[str, str]]) -> tuple[SmallWorld, list[Message]]:
    messages = [
        message(
            f"m{n}",
            START.add(minutes=n).format_iso(),
            by="photographer" if who == "ours" else who,
            talk=talk,
        )
        for n, (who, talk) in enumerate(said)
    ]
    ours = [f"m{n}" for n, (who, _) in enumerate(said) if who == "ours"]
    return SmallWorld(thread("t1"), thread("t2"), *messages, ours=ours), messages


@given(SAID)
def test_the_last_word_that_is_neither_ours_nor_the_products_decides(said: list[tuple[str, str]]) -> None:
    world, messages = world_of([*said, ("system", "t1"), ("system", "t2")])
    persons = [n for n, (who, _) in enumerate(said) if who in {"client", "photographer"}]
    expected = None
    if persons and said[persons[-1]][0] == "photographer":
        last = messages[persons[-1]]
        assert last.sent_at is not None
        expected = Silence(last.sent_at, last.id)
    assert silence_of("c1", world) == expected


@given(SAID, SAID)
def test_what_we_say_changes_nothing(said: list[tuple[str, str]], more: list[tuple[str, str]]) -> None:
    silent = [("system", "t1"), ("system", "t2")]
    before, _ = world_of([*silent, *said])
    after, _ = world_of([*silent, *said, *(("ours", talk) for _, talk in more)])
    assert silence_of("c1", before) == silence_of("c1", after)


def test_a_thread_that_moved_and_is_not_read_stands_for_a_silence_that_is_not_known_yet() -> None:
    world = SmallWorld(thread("t1", "2026-05-03T08:00Z"), message("m1", "2026-05-02T08:00Z", talk="t2"))
    found = silence_of("c1", world)
    assert found == Silence(at("2026-05-03T08:00Z"), None)
    assert not of_silence(found.occurrence)


def test_a_thread_that_is_not_read_and_older_than_the_last_word_changes_nothing() -> None:
    words = message("m1", "2026-05-02T08:00Z", by="photographer", talk="t2")
    world = SmallWorld(thread("t1", "2026-05-01T08:00Z"), words)
    found = silence_of("c1", world)
    assert found == Silence(at("2026-05-02T08:00Z"), "m1")
    assert of_silence(found.occurrence)


def due(span: Span, since: Instant) -> Instant:
    moment = silence_moment(
        NoReplyTrigger(span=span),
        Silence(since, "m1"),
        late=Span(2, "hours"),
        policy=Policy(zone="Europe/Berlin"),
        is_working=weekday_only,
    )
    assert moment.closes_at == moment.due_at.add(hours=2)
    return moment.due_at


def test_days_are_those_of_the_studios_calendar_and_hours_are_exact() -> None:
    assert due(Span(2, "days"), berlin("2026-03-28 10:00")) == berlin("2026-03-30 10:00")
    assert due(Span(48, "hours"), berlin("2026-03-28 10:00")) == berlin("2026-03-30 11:00")
    assert due(Span(1, "business days"), berlin("2026-03-06 10:00")) == berlin("2026-03-09 10:00")
