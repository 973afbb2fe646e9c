"""The page at /_sandbox/: what it shows, what it moves, and who may drive it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.contract.page_kit import HERE, browser, forms, path_of, send, shown
from tests.contract.sandbox_kit import API

from selftimer.sandbox.app import create_app
from selftimer.sandbox.book import people
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from selftimer.sandbox.model import Client

MEAN = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}")


@pytest.fixture
def world() -> World:
    return World.empty()


@pytest.fixture
def anna(world: World) -> Client:
    return people.add_client(
        world, first_name="Anna", last_name="Quorbelovazq", email="anna@example.com", client_type="lead"
    )


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(world) as client:
        yield client


# The studio's clock and its faults ------------------------------------------------------------------------------


async def test_the_clock_moves_an_hour_a_day_and_to_the_next_happening(http: httpx.AsyncClient, world: World) -> None:
    start = world.now
    await send(http, "/_sandbox/", "move", to="hour")
    assert world.now == start.add(hours=1)
    await send(http, "/_sandbox/", "move", to="day")
    assert world.now == start.add(hours=25)
    following = world.next_at
    await send(http, "/_sandbox/", "move", to="next")
    assert world.now == following


async def test_a_real_clock_has_no_buttons_and_is_not_moved(world: World) -> None:
    async with browser(World.empty(mode="real")) as http:
        page = (await http.get("/_sandbox/")).text
        assert "An hour on" not in page
        token = forms(page)[0]["token"]
        answer = await http.post("/_sandbox/do", data={"token": token, "do": "move", "to": "day"})
        assert answer.status_code == 422


async def test_a_fault_is_ordered_suffered_and_cancelled(http: httpx.AsyncClient) -> None:
    page = await send(http, "/_sandbox/", "fault", fault="status", path="/clients/", status="503", times="2")
    assert "Under order: status." in page.text
    assert (await http.get(f"{API}/clients/")).status_code == 503
    await send(http, "/_sandbox/", "calm")
    assert (await http.get(f"{API}/clients/")).status_code == 200
    bad = await send(http, "/_sandbox/", "fault", path="(")
    assert bad.status_code == 422
    assert "regular expression" in bad.text


async def test_sessions_of_the_api_are_ended_from_the_page(http: httpx.AsyncClient) -> None:
    await send(http, "/_sandbox/", "logins", action="rotate_csrf")
    assert (await http.post(f"{API}/clients/", json={"email": "a@b.example"})).status_code == 419
    await send(http, "/_sandbox/", "logins", action="expire")
    assert (await http.get(f"{API}/clients/")).status_code == 401


# What it shows --------------------------------------------------------------------------------------------------


async def test_the_page_tells_the_story_and_what_the_bot_wrote(http: httpx.AsyncClient, anna: Client) -> None:
    await send(http, path_of(anna), "act", "write", text="Hello?")
    thread = (await shown(http, "/conversations/"))[0]
    body = {"conversation_id": thread["id"], "content": "Here is the bot"}
    assert (await http.post(f"{API}/conversation_messages", json=body)).status_code == 201
    page = (await http.get("/_sandbox/")).text
    assert "Anna Quorbelovazq writes: Hello?" in page
    ledger = page[page.index('id="ledger"') : page.index('id="clients"')]
    assert "Here is the bot" in ledger
    assert "1</b> unread messages" in page
    assert "Quorbelovazq" in (await http.get("/_sandbox/?q=quorb")).text
    assert "Nobody is called that." in (await http.get("/_sandbox/?q=xyz")).text
    assert 'http-equiv="refresh"' in (await http.get("/_sandbox/?live=1")).text


@pytest.mark.parametrize("mean", MEAN)
async def test_what_strangers_type_is_shown_and_never_run(http: httpx.AsyncClient, world: World, mean: str) -> None:
    client = people.add_client(world, first_name=mean, last_name="", email="x@example.com", company=mean, notes=mean)
    people.client_tells(world, client.id, mean, "writes")
    for where in ("/_sandbox/", path_of(client), f"/_sandbox/?q={mean}"):
        page = (await http.get(where)).text
        assert html.escape(mean, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
        assert "<script" not in page
        assert "<img" not in page
        assert ">49<" not in page


async def test_what_was_typed_is_still_there_when_it_could_not_be_done(http: httpx.AsyncClient) -> None:
    page = await send(
        http, "/_sandbox/", "act", "inquire", first_name="Ada", email="no address", date="2026-08-01", text="Hello <b>"
    )
    assert page.status_code == 422
    assert "is no e-mail address" in page.text
    assert 'value="no address"' in page.text
    assert "Hello &lt;b&gt;</textarea>" in page.text


async def test_the_page_of_a_whole_studio_is_well_made(world: World) -> None:
    """Every form control has a label, ids are unique, and nothing comes from anywhere else."""
    lived = World(population=40)
    async with browser(lived) as http:
        pages = ["/_sandbox/", *(path_of(client) for client in lived.tables.clients)]
        for where in pages:
            page = (await http.get(where)).text
            ids = re.findall(r'\bid="([^"]+)"', page)
            assert len(ids) == len(set(ids)), where
            controls = set(re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page))
            assert controls <= set(re.findall(r'<label for="([^"]+)"', page))
            assert not re.search(r'(?:src|href|action)="(?!/|#)', page)
            assert page.count("<h1>") == 1


# Who may drive it -----------------------------------------------------------------------------------------------


async def test_a_form_without_the_pages_token_does_nothing(http: httpx.AsyncClient, world: World, anna: Client) -> None:
    for token in ("", "guess", "ü"):
        order = {"token": token, "do": "act", "as": "client", "deed": "write", "client": anna.id, "text": "Hello"}
        assert (await http.post("/_sandbox/do", data=order)).status_code == 403
    assert not len(world.tables.conversations)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8765", ""])
async def test_a_foreign_name_is_refused(http: httpx.AsyncClient, host: str) -> None:
    assert (await http.get("/_sandbox/", headers={"host": host})).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8765.x"])
@pytest.mark.parametrize("path", ["do", "act", "faults", "advance", "clock", "logins"])
async def test_a_page_from_elsewhere_cannot_drive_the_sandbox(
    http: httpx.AsyncClient, world: World, origin: str, path: str
) -> None:
    before = world.version
    answer = await http.post(f"/_sandbox/{path}", content=b"{}", headers={"origin": origin})
    assert answer.status_code == 403
    assert world.version == before


async def test_a_foreign_name_made_to_point_here_cannot_drive_it_either(http: httpx.AsyncClient) -> None:
    headers = {"host": "evil.example:8765", "origin": "http://evil.example:8765"}
    assert (await http.post("/_sandbox/act", content=b"{}", headers=headers)).status_code == 403


async def test_another_machine_is_refused(world: World) -> None:
    transport = httpx.ASGITransport(create_app(world), client=("192.0.2.7", 1234))
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as http:
        for path in ("", "style.css", "state"):
            assert (await http.get(f"/_sandbox/{path}")).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1", "[::1]:8765"])
async def test_every_name_of_this_machine_will_do_and_no_script_may_run(http: httpx.AsyncClient, host: str) -> None:
    page = await http.get("/_sandbox/", headers={"host": host})
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"


async def test_nothing_is_done_by_get(http: httpx.AsyncClient, world: World, anna: Client) -> None:
    before = world.version
    for path in ("do", "act"):
        query = {"as": "client", "deed": "write", "client": anna.id, "text": "x"}
        assert (await http.get(f"/_sandbox/{path}", params=query)).status_code == 405
    assert world.version == before
