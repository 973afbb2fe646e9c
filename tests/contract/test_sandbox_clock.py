from __future__ import annotations

from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.sandbox_kit import API, control, read, signed_in
from whenever import Instant

from selftimer.sandbox import bulk
from selftimer.sandbox.app import create_app
from selftimer.sandbox.book import people
from selftimer.sandbox.world import World

START = World.empty().start


def at(minutes: float) -> Instant:
    return START.add(seconds=round(minutes * 60))


def stamp(minutes: float) -> str:
    return at(minutes).format_iso(unit="microsecond")


async def clock(http: httpx.AsyncClient, due: float | None, **more: Any) -> tuple[float, bool, bool]:
    """The answer as minutes since the start, poll, ended."""
    answer = await control(http, "clock", due=None if due is None else stamp(due), **more)
    now = Instant.parse_iso(answer["now"])
    return (now - START).total("minutes"), answer["poll"], answer["ended"]


async def test_without_changes_the_clock_stands_at_due_and_no_poll_is_asked_for() -> None:
    async with signed_in(World.empty()) as http:
        assert await clock(http, 7.5) == (7.5, False, False)
        assert await clock(http, 60) == (60, False, False)


async def test_a_due_time_gone_by_is_answered_at_once_without_going_back() -> None:
    async with signed_in(World.empty()) as http:
        await clock(http, 60)
        assert await clock(http, 30) == (60, False, False)
        assert await clock(http, 60) == (60, False, False)


async def test_after_a_write_of_the_bot_the_next_whole_poll_is_asked_for_once() -> None:
    world = World.empty()
    [client] = bulk.add_clients(world, 1)
    world.changed_at = None
    async with signed_in(world) as http:
        await clock(http, 7)
        thread = (await read(http, "/conversations/", client_id=client.id))["data"][0]
        body = {"conversation_id": thread["id"], "content": "Hello"}
        assert (await http.post(f"{API}/conversation_messages", json=body)).status_code == 201
        assert await clock(http, 8) == (8, False, False), "due comes before the whole poll at 10"
        assert await clock(http, 60) == (10, True, False)
        assert await clock(http, 60) == (60, False, False)


async def test_a_change_at_a_whole_poll_is_seen_at_the_next_one() -> None:
    world = World.empty()
    async with signed_in(world) as http:
        await clock(http, 10)
        bulk.add_clients(world, 1)
        assert await clock(http, 10) == (10, False, False), "the same instant asks for no second poll"
        assert await clock(http, 60) == (15, True, False)


async def test_poll_every_sets_the_grid() -> None:
    world = World.empty()
    async with signed_in(world) as http:
        await clock(http, 1)
        bulk.add_clients(world, 1)
        assert await clock(http, 60, poll_every=3600) == (60, True, False)


async def test_without_due_life_goes_on_until_something_is_to_be_seen_or_until_is_reached() -> None:
    world = World(population=20)
    async with signed_in(world) as http:
        minutes, poll, ended = await clock(http, None)
        assert poll
        assert not ended
        assert minutes % 5 == 0
        quiet = World.empty()
    async with signed_in(quiet) as http:
        assert await clock(http, None, until=stamp(90)) == (90, False, False)


async def test_the_horizon_is_never_passed_and_shows_the_last_changes() -> None:
    world = World.empty(end=at(7))
    async with signed_in(world) as http:
        await clock(http, 6)
        bulk.add_clients(world, 1)
        assert await clock(http, 500) == (7, True, True)
        assert await clock(http, 500) == (7, False, True)
        state = await control(http, "advance", to=stamp(1000))
        assert (state["now"], state["ended"]) == (stamp(7), True)


async def test_time_that_passes_while_nobody_looks_ends_in_one_poll() -> None:
    world = World(population=30)
    async with signed_in(world) as http:
        await control(http, "advance", to=stamp(3 * 1440 + 2))
        assert await clock(http, 10 * 1440) == (3 * 1440 + 5, True, False)


async def test_orders_that_cannot_be_understood_say_how_to_write_them() -> None:
    async with signed_in(World.empty()) as http:
        for name, body in (
            ("clock", {"due": "tomorrow"}),
            ("clock", {"poll_every": 0}),
            ("advance", {}),
            ("clock", []),
        ):
            answer = await http.post(f"/_sandbox/{name}", json=body)
            assert answer.status_code == 422
            assert answer.json()["error"]
        assert (await http.get("/_sandbox/story", params={"after": "x"})).status_code == 422


async def test_a_real_clock_runs_by_itself_and_cannot_be_moved() -> None:
    world = World(mode="real", population=5)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world)), base_url="http://s") as http:
        before = world.now
        state = (await http.get("/_sandbox/state")).json()
        assert state["mode"] == "real"
        assert Instant.parse_iso(state["now"]) >= before
        assert (await http.post("/_sandbox/clock", json={"due": None})).status_code == 422


async def test_the_story_is_told_in_local_time_and_from_where_one_stopped() -> None:
    world = World(population=40)
    async with signed_in(world) as http:
        await control(http, "advance", to=stamp(5 * 1440))
        first = (await http.get("/_sandbox/story")).json()
        assert first["story"][0]["text"].startswith("2026-03-0")
        seqs = [line["seq"] for line in first["story"]]
        assert seqs == sorted(seqs)
        rest = (await http.get("/_sandbox/story", params={"after": seqs[3]})).json()
        assert rest["story"] == first["story"][4:]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 5),
    every=st.sampled_from([60, 300, 420]),
    orders=st.lists(
        st.tuples(st.sampled_from(["due", "none", "write", "back"]), st.floats(0, 3000)), min_size=3, max_size=25
    ),
)
def test_the_clock_never_goes_back_never_passes_due_and_no_visible_change_is_skipped(
    seed: int, every: int, orders: list[tuple[str, float]]
) -> None:
    world = World(seed=seed, population=8, end=START.add(hours=24 * 30))
    thread = next(iter(world.tables.conversations))
    assert world.end is not None
    unseen: list[Instant] = []
    plain = world.changed

    def noted() -> None:
        unseen.append(world.now)
        plain()

    world.changed = noted  # type: ignore[method-assign]  # listens, and does what it did

    def step(due: Instant | None) -> None:
        before = world.now
        answer = world.step(due=due, poll_every=every)
        assert answer.now == world.now >= before
        assert world.end is not None
        assert answer.now <= world.end
        if due is not None:
            assert answer.now <= max(due, before)
        if answer.poll:
            assert answer.ended or (answer.now - START).total("seconds") % every == 0
            assert unseen, "a poll that could see nothing new"
            assert (answer.now - unseen[0]).total("seconds") <= every
            unseen.clear()
        assert not unseen or (answer.now - unseen[0]).total("seconds") <= every, "a poll was left out"

    for order, minutes in orders:
        match order:
            case "due":
                step(world.now.add(seconds=round(minutes * 60)))
            case "none":
                step(None)
            case "back":
                step(world.now.subtract(seconds=round(minutes * 60)))
            case _:
                people.studio_says(world, thread, "Hello", by="bot")
    while world.now < world.end:
        step(world.end.add(hours=1))
    assert all(change == world.now for change in unseen)
