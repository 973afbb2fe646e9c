from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from tests.unit.store.builders import delivery
from whenever import Date, Instant

from selftimer.plan.state import DeliveryState, Hold
from selftimer.sandbox.world import World
from selftimer.simulation.feed import Feed
from selftimer.simulation.view import Digest, Picture, Silence

START = Instant.from_utc(2026, 3, 2, 7)


def feed(days: int = 10) -> Feed:
    return Feed(zone="Europe/Berlin", start=START, end=START.add(hours=24 * days))


def story(seq: int, day: int, kind: str, text: str, client: str = "cl_1") -> dict[str, Any]:
    return {
        "seq": seq,
        "at": f"2026-03-{day:02}T09:00:00Z",
        "kind": kind,
        "client_id": client,
        "text": f"2026-03-{day:02} 10:00 {text}",
    }


def message(seq: int, at: str, text: str) -> dict[str, Any]:
    return {"seq": seq, "at": at, "by": "bot", "kind": "message", "client_id": "cl_1", "content": {"content": text}}


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=100, height=30, force_terminal=terminal, color_system=None)


def printed(screen: Console) -> str:
    file = screen.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_each_day_is_told_once_and_only_when_it_is_over() -> None:
    seen, screen = feed(), console()
    view = Digest(screen)
    seen.take_story({"seq": 3, "story": [story(1, 2, "lead", "Anna asks"), story(3, 3, "lead", "Ben asks")]})
    seen.take_ledger({"seq": 4, "writes": [message(2, "2026-03-02T22:59:00Z", "Hi")]})
    seen.now = START.add(hours=26)
    view.show(seen)
    view.show(seen)
    assert printed(screen) == "2026-03-02 Mon  1 lead, 1 message\n"
    seen.now = START.add(hours=60)
    view.last(seen)
    assert printed(screen).splitlines()[1:] == ["2026-03-03 Tue  1 lead", "2026-03-04 Wed  nothing"]


def test_a_write_belongs_to_the_studios_own_day() -> None:
    seen = feed()
    seen.take_ledger({"seq": 1, "writes": [message(1, "2026-03-02T23:30:00Z", "Hi")]})
    assert list(seen.days) == [Date(2026, 3, 3)]


def test_the_share_and_the_day_follow_the_clock() -> None:
    seen = feed(days=4)
    assert (seen.share, seen.day, seen.length) == (0.0, 1, 4)
    seen.now = START.add(hours=36)
    assert (seen.share, seen.day) == (0.375, 2)


def test_what_was_held_and_is_no_more_was_answered() -> None:
    seen = feed()
    one, two = (delivery(name, state=DeliveryState.HELD, hold=Hold.APPROVAL) for name in "ab")
    seen.waiting([one, two])
    seen.waiting([two])
    assert (seen.answered, [d.id for d in seen.held]) == (1, ["b"])


def test_the_picture_shows_time_story_words_documents_and_what_waits() -> None:
    seen, screen = feed(), console(terminal=True)
    seen.take_story({"seq": 1, "story": [story(1, 2, "bot_message", "The bot writes to Anna Quorbel: Hi Anna, …")]})
    document = {**message(3, "2026-03-02T09:00:00Z", ""), "kind": "contract", "content": {"template_name": "Wedding"}}
    seen.take_ledger({"seq": 3, "writes": [message(2, "2026-03-02T09:00:00Z", "Hi Anna,\n\nall is well"), document]})
    seen.waiting(
        [
            *(
                delivery(f"d{n}", state=DeliveryState.HELD, hold=Hold.APPROVAL, words="lead-last-call")
                for n in range(3)
            ),
            delivery("e", state=DeliveryState.HELD, hold=Hold.EVIDENCE, reason="not found"),
        ]
    )
    with Picture(screen, "Studio Nord") as view:
        view.show(seen)
        view.last(seen)
    shown = printed(screen)
    for words in (
        "Mon 2026-03-02 08:00",
        "day 1 of 10",
        "The bot writes to Anna Quorbel",
        "To Anna Quorbel, 03-02 10:00",
        "all is well",
        "contract Wedding",
        "reminder: lead-last-call",
        "and 1 more",
        "1 message",
    ):
        assert words in shown, words


def test_what_strangers_write_cannot_steer_the_terminal() -> None:
    seen, screen = feed(), console(terminal=True)
    evil = "\x1b]0;gotcha\x07\u202eabc [red]x[/red] [/]"
    seen.take_story(
        {"seq": 1, "story": [story(1, 2, "message", evil), story(1, 2, "bot_message", f"The bot writes to {evil}: Hi")]}
    )
    seen.take_ledger({"seq": 2, "writes": [message(2, "2026-03-02T09:00:00Z", evil)]})
    with Picture(screen, "Studio Nord") as view:
        view.show(seen)
    shown = printed(screen)
    assert "\x1b]0" not in shown
    assert "\u202e" not in shown
    assert "[red]x[/red] [/]" in shown


def test_silence_shows_nothing() -> None:
    with Silence() as view:
        view.show(feed())
        view.last(feed())


def test_the_story_of_a_living_sandbox_is_understood() -> None:
    world = World(seed=3, population=20)
    world.advance_to(world.now.add(hours=24 * 8))
    seen, screen = Feed(zone=world.profile.zone, start=world.start, end=world.now), console(terminal=True)
    seen.take_story({"seq": world.ledger.seq, "story": world.ledger.story_after(0)})
    seen.take_ledger(world.ledger.to_json())
    seen.now = world.now
    assert seen.counts["leads"] > 0
    with Picture(screen, "Studio Nord") as view:
        view.show(seen)
    Digest(screen).last(seen)
    assert "2026-03-10 Tue" in printed(screen)
