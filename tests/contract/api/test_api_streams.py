from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.api.kit import empty, meet

from selftimer.errors import Unclear
from selftimer.sandbox import bulk
from selftimer.studio.models import Entry
from selftimer.studio.pages import Sheet, sheet_of
from selftimer.studio.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.sandbox.world import World


class Gate(httpx.AsyncBaseTransport):
    """Holds back lists' pages until they are let through; counts those that are under way."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.under_way = 0
        self.most = 0
        self.cancelled = 0
        self.opened = asyncio.Event()
        self.opened.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        if "page" not in request.url.params:
            return await self._inner.handle_async_request(request)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            if request.url.params["page"] != "1":
                await self.opened.wait()
            return await self._inner.handle_async_request(request)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1


def crowd(count: int) -> World:
    world = empty()
    bulk.add_clients(world, count)
    return world


def gated(world: World, **settings: Any) -> tuple[Any, Gate]:
    made: list[Gate] = []

    def wrap(inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        made.append(Gate(inner))
        return made[0]

    return meet(world, wrap=wrap, **settings), made[0]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 97])
async def test_a_list_is_read_whole_and_in_order_with_no_page_too_many(count: int) -> None:
    m = meet(crowd(count), page_size=10, pages_at_once=3)
    clients = m.studio.clients.list()
    found = [client.id async for client in clients]
    assert found == [row.id for row in m.world.tables.clients.newest()]
    assert clients.total == count
    assert not clients.torn
    assert len(m.made) == max(1, -(-count // 10))


async def test_page_one_comes_first_and_at_most_so_many_pages_are_under_way() -> None:
    m, gate = gated(crowd(200), page_size=10, pages_at_once=4)
    gate.opened.clear()
    clients = m.studio.clients.list()
    await anext(clients)
    assert gate.most == 1
    reader = asyncio.ensure_future(clients)
    while gate.under_way < 4:
        await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
    assert gate.under_way == 4
    gate.opened.set()
    assert len(await reader) == 199
    assert gate.most == 4


async def test_pages_that_nobody_takes_are_not_read_further_ahead() -> None:
    m = meet(crowd(200), page_size=10, pages_at_once=3)
    clients = m.studio.clients.list()
    for _ in range(11):
        await anext(clients)
    for _ in range(200):
        await asyncio.sleep(0)
    assert len(m.made) <= 2 + 3
    await clients.aclose()


@pytest.mark.parametrize("leave", ["break", "aclose", "async with", "cancel"])
async def test_leaving_early_stops_what_is_under_way(leave: str) -> None:
    m, gate = gated(crowd(200), page_size=10, pages_at_once=3)

    async def read() -> None:
        clients = m.studio.clients.list()
        seen = 0
        if leave == "async with":
            async with clients:
                async for _ in clients:
                    if (seen := seen + 1) == 11:
                        return
        async for _ in clients:
            seen += 1
            if seen == 10:
                gate.opened = asyncio.Event()  # page two was read, three and four never come
            if seen == 11 and leave != "cancel":
                break
        if leave == "aclose":
            await clients.aclose()

    gate.opened.set()
    task = asyncio.ensure_future(read())
    for _ in range(400):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for _ in range(20):
        await asyncio.sleep(0)
    assert gate.under_way == 0
    asked = len(m.made)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(m.made) == asked < 20


async def test_a_list_that_was_read_to_its_end_does_not_pass_for_an_empty_one() -> None:
    m = meet(crowd(3))
    clients = m.studio.clients.list()
    first = await anext(clients)
    rest = await clients
    assert {first.id, *(client.id for client in rest)} == m.world.tables.clients.rows.keys()
    with pytest.raises(RuntimeError, match="ask for it again"):
        await clients


async def test_what_moves_while_it_is_read_is_not_given_twice() -> None:
    m = meet(crowd(60), page_size=10, pages_at_once=2)
    before = {row.id for row in m.world.tables.clients}
    clients = m.studio.clients.list()
    found = []
    async for client in clients:
        found.append(client.id)
        if len(found) % 10 == 5:
            bulk.add_clients(m.world, 3)
    assert len(found) == len(set(found))
    assert before <= set(found)
    assert clients.torn


async def test_a_page_that_can_not_be_had_is_raised_where_its_turn_comes() -> None:
    m = meet(crowd(60), page_size=10, pages_at_once=4)
    m.fault("status", path=r"[?&]page=3&", times=99, status=500)
    clients = m.studio.clients.list()
    found: list[str] = []

    async def read() -> None:
        async for client in clients:
            found.append(client.id)  # noqa: PERF401 - what was read before the error counts

    with pytest.raises(Unclear):
        await read()
    assert len(found) == 20
    assert [client async for client in clients] == []


async def test_what_can_not_be_understood_is_set_aside_and_logged_without_its_words() -> None:
    m = meet(crowd(30), page_size=10)
    m.fault("broken_record", path=r"[?&]page=2&", index=4, record={"type": "martian", "email": "secret@example.com"})
    clients = m.studio.clients.list()
    with structlog.testing.capture_logs() as logs:
        assert len(await clients) == 29
    (aside,) = clients.unreadable
    assert aside.kind == "client"
    assert aside.id == m.world.tables.clients.newest()[14].id
    assert "martian" in aside.reason
    assert isinstance(aside.raw, dict)
    (line,) = [entry for entry in logs if entry["event"] == "record.unreadable"]
    assert (line["list"], line["record"], line["shape"]) == ("client", aside.id, "client.type=martian")
    assert "secret" not in str(logs)


# Lists of every kind of server ---------------------------------------------------------------------------------------


class Thing(Entry):
    id: int


def server(
    things: list[int], *, meta: str, most: int, by: str, deaf: bool = False
) -> tuple[Callable[[int], Any], list[int]]:
    """A list that gives at most so many, tells its length in one way or not at all, or takes no notice of pages."""
    asked: list[int] = []

    async def fetch(number: int) -> Sheet:
        asked.append(number)
        await asyncio.sleep(0)
        size = min(7, most)
        start = 0 if deaf else (number - 1) * size
        rows = things if deaf else things[start : start + size]
        body: dict[str, Any] = {"data": [{"id": one} for one in rows]}
        last = max(1, -(-len(things) // size))
        told = {
            "all": {"total": len(things), "last_page": last, "per_page": size},
            "total": {"total": len(things)},
            "last_page": {"last_page": last},
            "links": {},
            "nothing": {},
        }[meta]
        if told:
            body["meta"] = told
        if meta == "links":
            body["links"] = {"next": f"/x?{by}={number + 1}" if number < last else None}
        return sheet_of(number, 7, body, "GET /things", None if number == 1 else size)

    return fetch, asked


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(0, 40),
    most=st.integers(1, 9),
    meta=st.sampled_from(["all", "total", "last_page", "links", "nothing"]),
    at_once=st.integers(1, 5),
)
async def test_whatever_a_list_tells_of_its_length_it_is_read_whole(
    count: int, most: int, meta: str, at_once: int
) -> None:
    fetch, asked = server(list(range(1, count + 1)), meta=meta, most=most, by="page")
    found = await Stream(fetch, lambda _: Thing, "thing", at_once)
    assert [thing.id for thing in found] == list(range(1, count + 1))
    needed = max(1, -(-count // min(7, most)))
    assert len(asked) == len(set(asked)) <= needed + (1 if meta == "nothing" else 0)


async def test_a_list_that_takes_no_notice_of_pages_ends() -> None:
    fetch, asked = server([1, 2, 3], meta="nothing", most=7, by="page", deaf=True)
    assert [thing.id for thing in await Stream(fetch, lambda _: Thing, "thing")] == [1, 2, 3]
    assert asked == [1, 2]


@settings(deadline=None, max_examples=40)
@given(data=st.data())
async def test_a_list_that_shifts_gives_nothing_twice_and_all_that_stayed_in_its_place(data: st.DataObject) -> None:
    things = list(range(100, 100 + data.draw(st.integers(0, 30))))
    fresh = iter(range(99, 0, -1))
    stayed = set(things)

    async def fetch(number: int) -> Sheet:
        for _ in range(data.draw(st.integers(0, 2))):
            things.insert(0, next(fresh))
        rows = things[(number - 1) * 5 : number * 5]
        body = {"data": [{"id": one} for one in rows], "meta": {"total": len(things), "per_page": 5}}
        return sheet_of(number, 5, body, "GET /things")

    stream = Stream(fetch, lambda _: Thing, "thing", data.draw(st.integers(1, 4)))
    found = [thing.id async for thing in stream]
    assert len(found) == len(set(found))
    assert stayed <= set(found)
