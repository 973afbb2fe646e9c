"""The sandbox and its description (`/openapi.json`), held to each other by schemathesis: every operation, with data as
described and with data that isn't, one by one and in chains along the links."""

from __future__ import annotations

import asyncio
import os
import pickle
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

import httpx
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from tests.contract.sandbox_kit import sign_in

from selftimer.primitives.ids import ID_TYPES, StudioId
from selftimer.sandbox.app import create_app
from selftimer.sandbox.auth import SESSION_COOKIE
from selftimer.sandbox.openapi import id_schema
from selftimer.sandbox.profile import ServerOptions
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from starlette.applications import Starlette

ROUNDS = int(os.environ.get("SELFTIMER_API_ROUNDS", "12"))
WORLD = World(population=40)
FROZEN = pickle.dumps(WORLD)
OPTIONS = ServerOptions(rate_limit=None)


def serve(world: World) -> tuple[Starlette, str, str]:
    """An app over the world, signed in to: the session and the CSRF token. Both are the same every time."""
    app = create_app(world, OPTIONS)

    async def signed_in() -> tuple[str, str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as http:
            await sign_in(http, world)
            return http.cookies[SESSION_COOKIE], http.headers["X-CSRF-Token"]

    return app, *asyncio.run(signed_in())


@lru_cache(maxsize=1)
def fresh(_operation: str) -> Starlette:
    """The same studio again for each operation, so that what one test writes can't change what another finds."""
    return serve(pickle.loads(FROZEN))[0]


APP, SESSION, CSRF = serve(WORLD)
SCHEMA = schemathesis.openapi.from_asgi(
    "/openapi.json",
    APP,
    config=SchemathesisConfig.from_dict(
        {
            "seed": 7,
            "auth": {"openapi": {"session": {"api_key": SESSION}, "csrf": {"api_key": CSRF}}},
            "generation": {"max-examples": ROUNDS, "database": "none", "deterministic": True},
        }
    ),
)


def existing(kind: type[StudioId]) -> list[str]:
    return [key for table in WORLD.tables.all() for key in table.rows if kind.valid(key)]


for kind in ID_TYPES:
    some = st.integers().map(lambda seed, kind=kind: str(kind.generate(Random(seed))))
    known = existing(kind)
    schemathesis.openapi.format(id_schema(kind)["format"], st.sampled_from(known) | some if known else some)


@SCHEMA.parametrize()
def test_every_operation_answers_as_described(case: schemathesis.Case) -> None:
    case.call_and_validate(app=fresh(case.operation.label))
