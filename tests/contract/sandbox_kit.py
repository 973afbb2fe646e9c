"""What the tests of the sandbox share: a signed-in client in process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from selftimer.sandbox.app import create_app
from selftimer.sandbox.transport import FaultTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from selftimer.sandbox.profile import ServerOptions
    from selftimer.sandbox.world import World

API = "/api/v1"


async def sign_in(client: httpx.AsyncClient, world: World) -> None:
    profile = world.profile
    answer = await client.post("/login", data={"email": profile.email, "password": profile.password})
    assert answer.status_code == 302, answer.text
    client.headers["X-CSRF-Token"] = client.cookies["csrf_token"]


@asynccontextmanager
async def signed_in(world: World, options: ServerOptions | None = None) -> AsyncIterator[httpx.AsyncClient]:
    transport = FaultTransport(create_app(world, options))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", timeout=5) as client:
        await sign_in(client, world)
        yield client


async def read(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(API + path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def control(client: httpx.AsyncClient, name: str, **body: Any) -> Any:
    answer = await client.post(f"/_sandbox/{name}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()
