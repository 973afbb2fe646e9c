from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import httpx
import pytest
from tests.contract.sandbox_kit import API, control, signed_in

from selftimer.sandbox.app import create_app
from selftimer.sandbox.profile import ExpiryStyle, ServerOptions
from selftimer.sandbox.world import World

PROBE = f"{API}/notifications/all"


def stranger(world: World, options: ServerOptions | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world, options)), base_url="http://sandbox")


async def test_the_login_page_has_a_csrf_meta_element_and_wrong_words_bring_it_back() -> None:
    async with stranger(World.empty()) as http:
        page = await http.get("/login")
        assert '<meta name="csrf-token" content="' in page.text
        wrong = await http.post("/login", data={"email": "owner@studio-nord.example", "password": "no"})
        assert wrong.status_code == 422
        assert "credentials do not match" in wrong.text
        assert not http.cookies
        assert (await http.get("/")).headers["location"] == "/login"


async def test_a_login_sets_both_cookies_and_the_page_holds_the_same_token() -> None:
    async with signed_in(World.empty()) as http:
        assert http.cookies["csrf_token"] == http.cookies["XSRF-TOKEN"]
        assert http.cookies["studio_session"]
        found = re.search(r'name="csrf-token" content="(\w+)"', (await http.get("/")).text)
        assert found
        assert found[1] == http.cookies["csrf_token"]
        assert (await http.get(PROBE)).status_code == 200


@pytest.mark.parametrize(("style", "status"), [("401", 401), ("419", 419), ("redirect", 302), ("html", 200)])
async def test_without_a_session_the_api_answers_in_the_chosen_style(style: ExpiryStyle, status: int) -> None:
    async with stranger(World.empty(), ServerOptions(expiry_style=style)) as http:
        answer = await http.get(PROBE)
        assert answer.status_code == status
        if style == "401":
            assert answer.json()["error"]["code"] == "authentication_required"
        if style == "redirect":
            assert answer.headers["location"] == "/login"
        if style == "html":
            assert answer.headers["content-type"].startswith("text/html")
            assert 'action="/login"' in answer.text


async def test_a_write_needs_the_csrf_token_and_changes_nothing_without_it() -> None:
    world = World.empty()
    async with signed_in(world) as http:
        for token in ("", "wrong"):
            answer = await http.post(f"{API}/clients/", json={"email": "a@b.de"}, headers={"X-CSRF-Token": token})
            assert answer.status_code == 419
        assert not world.tables.clients.rows
        await control(http, "logins", action="rotate_csrf")
        assert (await http.post(f"{API}/clients/", json={"email": "a@b.de"})).status_code == 419
        assert (await http.get(PROBE)).status_code == 200, "reads need no token"


async def test_a_session_dies_of_inactivity_by_the_sandboxs_clock_and_lives_by_use() -> None:
    world = World.empty()
    async with signed_in(world, ServerOptions(idle_seconds=3600)) as http:
        for _ in range(3):
            world.advance_to(world.now.add(minutes=59))
            assert (await http.get(PROBE)).status_code == 200
        world.advance_to(world.now.add(minutes=61))
        assert (await http.get(PROBE)).status_code == 401
        assert (await http.get(PROBE)).status_code == 401


async def test_all_sessions_can_be_ended_at_once() -> None:
    async with signed_in(World.empty()) as http:
        await control(http, "logins", action="expire")
        assert (await http.get(PROBE)).status_code == 401
        assert (await http.post("/_sandbox/logins", json={"action": "dance"})).status_code == 422


async def test_the_rate_limit_counts_by_the_sandboxs_minute_and_says_how_long_to_wait() -> None:
    world = World.empty()
    async with signed_in(world, ServerOptions(rate_limit=3)) as http:
        world.advance_to(world.now.add(seconds=20))
        left = [(await http.get(PROBE)).headers["X-RateLimit-Remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        over = await http.get(PROBE)
        assert (over.status_code, over.headers["Retry-After"], over.headers["X-RateLimit-Limit"]) == (429, "40", "3")
        world.advance_to(world.now.add(seconds=40))
        assert (await http.get(PROBE)).status_code == 200
    async with signed_in(world, ServerOptions(rate_limit=None)) as http:
        assert "X-RateLimit-Limit" not in (await http.get(PROBE)).headers


async def test_the_date_header_is_the_sandboxs_now() -> None:
    world = World.empty()
    async with signed_in(world) as http:
        world.advance_to(world.now.add(hours=1000))
        shown = parsedate_to_datetime((await http.get(PROBE)).headers["date"])
        assert shown.timestamp() == world.now.timestamp()


async def test_control_is_for_this_machine_only() -> None:
    transport = httpx.ASGITransport(create_app(World.empty()), client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        assert (await http.get("/_sandbox/state")).status_code == 403
