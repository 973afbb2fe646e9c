"""A client's threads are read afresh before a message: in one request where the list shows them whole, else by id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from tests.acceptance.support_meddler import Meddler
from tests.simulation.studio_day import StudioDay

from selftimer.plan.state import Hold

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLLOW = """
- id: follow
  title: Follow up
  when: lead.created
  until: client.replied
  then:
    - wait: until 2 days after start at 10:00
    - send: first
    - wait: 1 day
    - send: second
"""
LISTED = r"GET /api/v1/conversations/\?.*client_id="
BY_ID = r"GET /api/v1/conversations/conv_"

Thread = dict[str, Any]


def shown(change: Callable[[Thread], None]) -> Callable[[httpx.Response], httpx.Response]:
    """Each thread of a list as another studio might show it."""

    def spoil(response: httpx.Response) -> httpx.Response:
        body = orjson.loads(response.content)
        for thread in body["data"]:
            change(thread)
        return httpx.Response(200, content=orjson.dumps(body), headers={"content-type": "application/json"})

    return spoil


def whole(_thread: Thread) -> None:
    pass


def newest_only(thread: Thread) -> None:
    thread["messages"] = sorted(thread["messages"], key=lambda m: m["sent_at"])[-1:]


def oldest_only(thread: Thread) -> None:
    thread["messages"] = sorted(thread["messages"], key=lambda m: m["sent_at"])[:2]


def first_and_last_only(thread: Thread) -> None:
    messages = sorted(thread["messages"], key=lambda m: m["sent_at"])
    thread["messages"] = messages[:1] + messages[1:][-1:]


def none(thread: Thread) -> None:
    del thread["messages"]


def undated(thread: Thread) -> None:
    thread["last_message_at"] = None


SHOWN = [whole, newest_only, oldest_only, first_and_last_only, none, undated]


def meddled(day: StudioDay) -> Meddler:
    meddler = Meddler(day.transport)
    day.transport = meddler  # type: ignore[assignment] # it counts requests too
    return meddler


@pytest.mark.parametrize("change", SHOWN, ids=lambda change: change.__name__)
async def test_an_unseen_reply_ends_it_however_much_of_a_thread_the_list_shows(
    tmp_path: Path, change: Callable[[Thread], None]
) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    meddler = meddled(day)
    meddler.path, meddler.spoil = LISTED, shown(change)
    async with day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-05 09:58")
        assert [row[12:] for row in day.sent()] == ["first Anna"]
        day.says(anna, "Yes please")
        day.kim_says(anna, "Lovely")  # the newest message is not the reply
        day.world.changed_at = None  # and no poll sees either before ten
        await day.until("2026-03-08 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna"]
        assert meddler.hits


@pytest.mark.parametrize(
    "change", [c for c in SHOWN if c is not first_and_last_only], ids=lambda change: change.__name__
)
async def test_a_twin_is_found_however_much_of_a_thread_the_list_shows(
    tmp_path: Path, change: Callable[[Thread], None]
) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    meddler = meddled(day)
    meddler.path, meddler.spoil = LISTED, shown(change)
    async with day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        day.kim_says(anna, "first Anna\n\nKim, Studio Nord")  # a second copy of the bot
        day.kim_says(anna, "And see my website")
        day.world.changed_at = None
        await day.until("2026-03-04 12:00")
        assert day.sent() == []


@pytest.mark.parametrize(
    ("known_by", "written"), [("nothing", False), ("no address either", False), ("id", True), ("email", True)]
)
async def test_a_thread_in_which_somebody_else_takes_part_is_never_written_in(
    tmp_path: Path, known_by: str, written: bool
) -> None:
    """It is said to be the client's own, and who reads it is another: then nobody knows whose it is."""
    day = StudioDay(tmp_path, FOLLOW)
    meddler = meddled(day)

    def another(response: httpx.Response) -> httpx.Response:
        body = orjson.loads(response.content)
        for thread in body["data"] if isinstance(body["data"], list) else [body["data"]]:
            thread["participants"][0] |= {"id": "cl_somebodyelse", "email": "ben@example.com" if anna.email else ""}
            if known_by in {"id", "email"}:
                thread["participants"][0][known_by] = {"id": anna.id, "email": anna.email.upper()}[known_by]
        return httpx.Response(200, content=orjson.dumps(body), headers={"content-type": "application/json"})

    async with day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        if known_by == "no address either":
            day.change(anna, email="")
        await day.until("2026-03-04 09:58")
        meddler.path, meddler.spoil = rf"{LISTED}|{BY_ID}", another
        await day.until("2026-03-04 12:00")
        assert [row[12:] for row in day.sent()] == (["first Anna"] if written else [])
        assert [d.hold for d in await day.held()] == ([] if written else [Hold.CONVERSATION])


async def test_a_message_takes_three_requests_where_the_list_shows_the_thread_whole(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    meddler = meddled(day)
    async with day:
        await day.until("2026-03-02 09:01")
        day.lead("Anna")
        await day.until("2026-03-04 09:58")
        meddler.seen.clear()
        await day.until("2026-03-04 10:00")
        assert [row[12:] for row in day.sent()] == ["first Anna"]
        last = meddler.seen.index("POST /api/v1/conversation_messages")
        assert re.match(r"GET /api/v1/clients/cl_", meddler.seen[last - 2])
        assert re.match(LISTED, meddler.seen[last - 1])
        assert not [request for request in meddler.seen[: last + 1] if re.match(BY_ID, request)]


async def test_a_thread_that_no_poll_has_seen_yet_is_read_by_its_id(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, FOLLOW)
    meddler = meddled(day)
    async with day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        day.says_elsewhere(anna)
        day.world.changed_at = None
        meddler.seen.clear()
        await day.until("2026-03-04 10:00")
        assert day.sent() == []
        assert [request for request in meddler.seen if re.match(BY_ID, request)]
