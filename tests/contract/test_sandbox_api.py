from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from selftimer.sandbox.app import create_app
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

API = "/api/v1"


@pytest.fixture
def world() -> World:
    return World(population=60)


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(world))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        profile = world.profile
        answer = await client.post("/login", data={"email": profile.email, "password": profile.password})
        assert answer.status_code == 302
        client.headers["X-CSRF-Token"] = client.cookies["csrf_token"]
        yield client


LISTS = [
    "/clients/",
    "/sessions",
    "/invoices/",
    "/invoices/payments/list/",
    "/contracts/",
    "/questionnaires/",
    "/quotes/",
    "/conversations/",
    "/session_types/",
    "/templates/emails",
    "/templates/contracts",
    "/templates/questionnaires",
    "/templates/quotes",
    "/templates/invoices",
    "/coupons",
    "/gift_cards",
]


async def read(http: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await http.get(API + path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_has_an_envelope_and_the_other_slash_is_a_404(http: httpx.AsyncClient, path: str) -> None:
    body = await read(http, path)
    assert isinstance(body["data"], list)
    assert body["meta"]["total"] >= len(body["data"])
    wrong = path[:-1] if path.endswith("/") else path + "/"
    answer = await http.get(API + wrong)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_not_found")
