"""Drift that is ordered from the sandbox: what answers look like then, and that the studio's books stay as they are."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from tests.contract.sandbox_kit import API, control, read, signed_in

from selftimer.sandbox.book import people
from selftimer.sandbox.world import World


@pytest.fixture
def world() -> World:
    return World(seed=3, population=12, living=False)


async def test_a_field_comes_goes_or_changes_its_word_and_is_back_when_the_order_is_cancelled(world: World) -> None:
    async with signed_in(world) as http:
        before = await read(http, "/clients/")
        await control(http, "drift", drift="extra_field", path="/clients/", field="loyalty", value=[1])
        await control(http, "drift", drift="missing_field", path="/clients/", field="phone")
        await control(http, "drift", drift="new_word", path="/clients/", field="type", value="patron", every=2)
        rows = (await read(http, "/clients/"))["data"]
        assert all(row["loyalty"] == [1] and "phone" not in row for row in rows)
        assert [row["type"] == "patron" for row in rows[:4]] == [True, False, True, False]
        assert (await http.delete("/_sandbox/drift")).json() == {"drifts": []}
        assert await read(http, "/clients/") == before


async def test_only_the_paths_that_are_meant_drift(world: World) -> None:
    async with signed_in(world) as http:
        await control(http, "drift", drift="null_list", path=r"/invoices/$", field="line_items")
        rows = (await read(http, "/invoices/"))["data"]
        assert {row["line_items"] for row in rows} == {None}
        whole = await read(http, f"/invoices/{rows[0]['id']}")
        assert whole["data"]["line_items"]


@pytest.mark.parametrize("drift", ["id_29", "id_number"])
async def test_a_record_is_found_by_the_id_that_was_shown(world: World, drift: str) -> None:
    async with signed_in(world) as http:
        await control(http, "drift", drift=drift, path="/clients/")
        shown = (await read(http, "/clients/"))["data"][0]
        assert isinstance(shown["id"], int) if drift == "id_number" else len(shown["id"]) == len("cl_") + 29
        assert (await read(http, f"/clients/{shown['id']}"))["data"]["email"] == shown["email"]
        assert all(len(row.id) == len("cl_") + 30 for row in world.tables.clients)


async def test_a_list_can_be_turned_round_and_deaf_to_its_page_size(world: World) -> None:
    async with signed_in(world) as http:
        rows = (await read(http, "/clients/", per_page=5))["data"]
        await control(http, "drift", drift="order", path="/clients/")
        assert (await read(http, "/clients/", per_page=5))["data"] == rows[::-1]
        await control(http, "drift", drift="page_size", path="/clients/")
        answer = await read(http, "/clients/", per_page=5, types="client")
        assert (answer["meta"]["per_page"], answer["meta"]["current_page"]) == (25, 1)
        assert {row["type"] for row in answer["data"]} == {"client"}


async def test_what_was_just_made_is_seen_late(world: World) -> None:
    async with signed_in(world) as http:
        ann = next(iter(world.tables.clients))
        before = await read(http, "/clients/")
        world.advance_to(world.now.add(minutes=5))
        people.client_says(world, ann.id, "Hello", subject="New")
        bob = people.add_client(world, first_name="Bob", last_name="Late", email="bob@example.com")
        await control(http, "drift", drift="read_lag", seconds=60)
        lagging = await read(http, "/clients/")
        assert (lagging["data"], lagging["meta"]["total"]) == (before["data"], before["meta"]["total"])
        assert (await read(http, f"/clients/{bob.id}"))["data"]["first_name"] == "Bob"
        threads = (await read(http, "/conversations/", client_id=ann.id, message="true"))["data"]
        assert "Hello" not in [message["content"] for thread in threads for message in thread["messages"]]
        world.advance_to(world.now.add(minutes=1))
        after = await read(http, "/clients/")
        assert after["meta"]["total"] == before["meta"]["total"] + 1
        assert after["data"][0]["id"] == bob.id
        threads = (await read(http, "/conversations/", client_id=ann.id, message="true"))["data"]
        assert "Hello" in [message["content"] for thread in threads for message in thread["messages"]]


async def test_headers_drift_too(world: World) -> None:
    async with signed_in(world) as http:
        before = await http.get(f"{API}/clients/")
        await control(http, "drift", drift="no_rate_headers")
        await control(http, "drift", drift="clock_skew", seconds=-90)
        after = await http.get(f"{API}/clients/")
        assert "x-ratelimit-limit" in before.headers
        assert not [name for name in after.headers if name.startswith("x-ratelimit")]
        dates = [parsedate_to_datetime(answer.headers["date"]) for answer in (before, after)]
        assert (dates[1] - dates[0]).total_seconds() == -90


async def test_errors_and_pages_pass_as_they_are(world: World) -> None:
    async with signed_in(world) as http:
        await control(http, "drift", drift="extra_field", field="loyalty", value=1)
        missing = await http.get(f"{API}/clients/cl_{'z' * 30}")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_not_found")
        assert (await http.get(f"{API}/clients/download_csv")).text.startswith("id,type,status_name")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"drift": "melt"}, "drift must be one of extra_field"),
        ({"drift": "new_word"}, "new_word needs a field"),
        ({"drift": "order", "path": "("}, "not a regular expression"),
        ({"drift": "order", "times": 3}, "unknown: times"),
        ({"drift": "clock_skew", "seconds": "soon"}, "seconds must be a whole number"),
        ({"drift": "order", "every": 0}, "every must be a whole number"),
    ],
)
async def test_an_order_that_cannot_be_understood_is_refused(world: World, order: dict[str, Any], said: str) -> None:
    async with signed_in(world) as http:
        answer = await http.post("/_sandbox/drift", json=order)
        assert answer.status_code == 422
        assert said in answer.json()["error"]
        assert (await http.get("/_sandbox/drift")).json() == {"drifts": []}
