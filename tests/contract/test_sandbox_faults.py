from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.contract.sandbox_kit import API, control, read, sign_in

from selftimer.sandbox import bulk
from selftimer.sandbox.app import create_app
from selftimer.sandbox.faults import KINDS
from selftimer.sandbox.server import serve
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MESSAGES = {"method": "POST", "path": "/conversation_messages"}


@pytest.fixture
def world() -> World:
    made = World.empty()
    bulk.add_clients(made, 5)
    return made


@asynccontextmanager
async def in_process(world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = FaultTransport(create_app(world))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", timeout=0.4) as client:
        await sign_in(client, world)
        yield client


@asynccontextmanager
async def over_a_socket(world: World) -> AsyncIterator[httpx.AsyncClient]:
    stop = asyncio.Event()
    origin: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(world, ready=origin.set_result, stop=stop))
    try:
        async with httpx.AsyncClient(base_url=await origin, timeout=0.4) as client:
            await sign_in(client, world)
            yield client
    finally:
        stop.set()
        await serving


ROADS = pytest.mark.parametrize("road", [in_process, over_a_socket])


async def post(client: httpx.AsyncClient, world: World, text: str = "Hello") -> httpx.Response:
    thread = next(iter(world.tables.conversations))
    return await client.post(f"{API}/conversation_messages", json={"conversation_id": thread.id, "content": text})


def sent(world: World) -> list[str]:
    return [write.content["content"] for write in world.ledger.writes if write.kind == "message"]


@ROADS
async def test_a_connection_dropped_before_the_commit_leaves_nothing_behind(road: Any, world: World) -> None:
    async with road(world) as client:
        await control(client, "faults", match=MESSAGES, fault="drop_before")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await post(client, world)
        assert sent(world) == []
        assert (await post(client, world)).status_code == 201, "one time only"


@ROADS
async def test_a_connection_dropped_after_the_commit_has_sent_the_message(road: Any, world: World) -> None:
    async with road(world) as client:
        await control(client, "faults", match=MESSAGES, fault="drop_after")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await post(client, world)
        assert sent(world) == ["Hello"]


@ROADS
async def test_half_a_page_is_a_torn_answer(road: Any, world: World) -> None:
    async with road(world) as client:
        await control(client, "faults", match={"path": "/clients/"}, fault="half_page")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{API}/clients/")
        assert len((await read(client, "/clients/"))["data"]) == 5


@ROADS
async def test_a_late_write_times_out_now_and_is_applied_by_the_sandboxs_clock(road: Any, world: World) -> None:
    async with road(world) as client:
        await control(client, "faults", match=MESSAGES, fault="late_apply", seconds=90)
        with pytest.raises(httpx.ReadTimeout):
            await post(client, world, "late")
        world.advance_to(world.now.add(seconds=89))
        assert sent(world) == []
        world.advance_to(world.now.add(seconds=1))
        assert sent(world) == ["late"]


@ROADS
async def test_a_slow_answer_times_out_although_it_was_carried_out_and_a_quick_one_arrives(
    road: Any, world: World
) -> None:
    async with road(world) as client:
        await control(client, "faults", match=MESSAGES, fault="delay", seconds=5)
        with pytest.raises(httpx.ReadTimeout):
            await post(client, world)
        assert sent(world) == ["Hello"]
        await control(client, "faults", match=MESSAGES, fault="delay", seconds=0.05)
        before = time.perf_counter()
        assert (await post(client, world)).status_code == 201
        assert time.perf_counter() - before >= 0.05


@ROADS
@pytest.mark.parametrize(("commit", "expected"), [(False, []), (True, ["Hello"])])
async def test_a_status_can_come_before_or_after_the_commit(
    road: Any, world: World, commit: bool, expected: list[str]
) -> None:
    async with road(world) as client:
        await control(client, "faults", match=MESSAGES, fault="status", status=503, commit=commit)
        assert (await post(client, world)).status_code == 503
        assert sent(world) == expected


async def test_a_status_comes_in_every_shape_with_headers(world: World) -> None:
    async with in_process(world) as client:
        for shape in ("1", "2", "3", "4", "html"):
            await control(client, "faults", fault="status", status=429, shape=shape, headers={"Retry-After": "7"})
            answer = await client.get(f"{API}/clients/")
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
            assert ("error" in answer.text) == (shape != "html")


async def test_a_web_page_with_status_200_broken_records_and_bad_json(world: World) -> None:
    async with in_process(world) as client:
        await control(client, "faults", fault="html200")
        page = await client.get(f"{API}/clients/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html")
        await control(client, "faults", fault="bad_json")
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
            (await client.get(f"{API}/clients/")).json()
        await control(client, "faults", fault="broken_record", index=2)
        rows = (await read(client, "/clients/"))["data"]
        assert [isinstance(row["id"], str) for row in rows] == [True, True, False, True, True]
        await control(client, "faults", fault="broken_record", record={"type": "martian"})
        assert (await read(client, "/clients/"))["data"][0]["type"] == "martian"
        await control(client, "faults", fault="broken_record")
        assert (await client.get(f"{API}/clients/download_csv")).text.startswith("id,type,status_name")


async def test_orders_skip_match_repeat_and_are_cancelled(world: World) -> None:
    async with in_process(world) as client:
        await control(client, "faults", match={"path": r"page=2"}, fault="status", times=2, skip=1)
        codes = [(await client.get(f"{API}/clients/?page={page}")).status_code for page in (1, 2, 2, 1, 2, 2)]
        assert codes == [200, 200, 500, 200, 500, 200]
        await control(client, "faults", fault="drop_before", times=9)
        assert len((await client.get("/_sandbox/faults")).json()["faults"]) == 1
        assert (await client.delete("/_sandbox/faults")).json() == {"faults": []}
        assert (await client.get(f"{API}/clients/")).status_code == 200


@pytest.mark.parametrize(
    ("order", "part"),
    [
        ({"fault": "explode"}, "fault must be one of"),
        ({"fault": "status", "shape": "9"}, "shape must be one of"),
        ({"fault": "status", "when": 1}, "unknown: when"),
        ({"fault": "status", "match": {"path": "("}}, "regular expression"),
        ({"fault": "status", "match": "x"}, "match must be an object"),
    ],
)
async def test_an_order_that_cannot_be_understood_says_why(world: World, order: dict[str, Any], part: str) -> None:
    async with in_process(world) as client:
        answer = await client.post("/_sandbox/faults", json=order)
        assert answer.status_code == 422
        assert part in answer.json()["error"]
    assert len(KINDS) == 9


async def test_without_socket_or_fault_transport_a_drop_is_an_error_and_not_a_false_answer(world: World) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world)), base_url="http://s") as client:
        await sign_in(client, world)
        await control(client, "faults", fault="drop_before")
        with pytest.raises(ConnectionResetError):
            await client.get(f"{API}/clients/")


async def test_the_server_takes_a_free_port_serves_keep_alive_and_prints_nothing(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    async with over_a_socket(world) as client:
        answers = [await client.get(f"{API}/clients/") for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        assert "server" not in answers[0].headers
        assert answers[0].headers.get_list("date") == ["Mon, 02 Mar 2026 07:00:00 GMT"]
        await control(client, "faults", fault="half_page")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{API}/clients/")
    out = capfd.readouterr()
    assert (out.out, out.err) == ("", "")
