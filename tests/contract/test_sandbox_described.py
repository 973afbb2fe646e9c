"""The sandbox and its description (`/openapi.json`), held to each other by schemathesis: every operation, with data as
described and with data that isn't, one by one and in chains along the links."""

from __future__ import annotations

import asyncio
import os
import pickle
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth
from tests.contract.sandbox_kit import sign_in

from selftimer.primitives.ids import ID_TYPES, AttachmentId, StudioId, id_type_of
from selftimer.sandbox.app import create_app
from selftimer.sandbox.auth import SESSION_COOKIE
from selftimer.sandbox.model import Attachment
from selftimer.sandbox.profile import ServerOptions
from selftimer.sandbox.view_types import id_schema
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from starlette.applications import Starlette

ROUNDS = int(os.environ.get("API_ROUNDS", "5"))
WORLD = World(population=40)
WORLD.tables.attachments.add(
    Attachment(
        id=WORLD.new_id(AttachmentId, "test"),
        created_at=WORLD.now,
        filename="a.txt",
        content_type="text/plain",
        file_size=5,
        content=b"Hello",
    )
)
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


ACCEPTED = ("2xx", "401", "403", "404", "409", "429")
MEANT = {
    "currency": ("eur", "EUR"),
    "day": ("2026-3-9-Europe/Berlin", "2026-3-28-Europe/London", "2027-12-1-UTC"),
    "month": ("2026-4-Europe/Berlin", "2026-10-America/New_York"),
}
"""Parameters whose form a schema can say, but not what there is."""
DEPENDS = {
    "coupons.update": "422",  # a percentage goes up to 100, and which kind of coupon it is stands in the record
    "documents.create_contract": "422",  # a template says which variables it has
    "documents.create_quote": "422",  # lines that come to more than can be billed
    "invoices.create": "422",  # the same
    "session_types.(create|update)": "422",  # amounts and notices that must fit each other, names used once
    "templates.update_contract": "422",  # the text and its variables must fit each other
    "templates.(fetch_content|preview.*)": "4xx",  # a template says which variables it has, and what is needed
    "conversations.upload_url": "413",  # what is too large is a fair question
}
"""By operation: what it may answer besides to data as described, because no schema could say more."""
APP, SESSION, CSRF = serve(WORLD)
SCHEMA = schemathesis.openapi.from_asgi(
    "/openapi.json",
    APP,
    config=SchemathesisConfig.from_dict(
        {
            "seed": 7,
            "auth": {"openapi": {"session": {"api_key": SESSION}, "csrf": {"api_key": CSRF}}},
            "generation": {"max-examples": ROUNDS, "database": "none", "deterministic": True},
            "phases": {"stateful": {"max-steps": 6, "inference": {"algorithms": []}}},
            "operations": [
                {
                    "include-operation-id-regex": f"^{name}$",
                    "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, status]}},
                }
                for name, status in DEPENDS.items()
            ],
        }
    ),
)


def existing(kind: type[StudioId]) -> list[str]:
    return [key for table in WORLD.tables.all() for key in table.rows if kind.valid(key)]


def ids(kind: type[StudioId]) -> st.SearchStrategy[str]:
    """Ids of that kind, most of them of records that are there."""
    strange = st.integers().map(lambda seed: str(kind.generate(Random(seed))))
    known = existing(kind)
    return st.sampled_from(known) | st.sampled_from(known) | strange if known else strange


for each in ID_TYPES:
    schemathesis.openapi.format(id_schema(each)["format"], ids(each))


schemathesis.openapi.format("currency-code", st.sampled_from(MEANT["currency"]))


def of_records(value: Any, name: str = "") -> Any:
    """The value with what is well formed and means nothing here put right: ids that nobody has, other currencies.

    No schema can say which there are.
    """
    if isinstance(value, dict):
        return {key: of_records(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [of_records(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if name in MEANT:
        return MEANT[name][len(value) % len(MEANT[name])]
    kind = id_type_of(value)
    known = existing(kind) if kind is not None and kind.valid(value) else []
    return known[len(value) % len(known)] if known and value not in known else value


def send(case: Any) -> Any:
    """Send the case to a studio of its operation's own."""
    if case.meta.generation.mode.is_positive:
        for where in ("body", "query"):
            value = getattr(case, where)
            if value and (better := of_records(value)) != value:
                setattr(case, where, better)
        if MEANT.keys() & case.path_parameters.keys():
            case.path_parameters |= of_records(
                {key: case.path_parameters[key] for key in MEANT if key in case.path_parameters}
            )
    return case.call(app=fresh(case.operation.label))


ASKED: set[str] = set()
"""Operations that were asked without a login, and with a wrong one: once is enough, each time is two requests more."""


@SCHEMA.parametrize()
def test_every_operation_answers_as_described(case: Any) -> None:
    asked_before = case.operation.label in ASKED
    ASKED.add(case.operation.label)
    case.validate_response(send(case), excluded_checks=[ignored_auth] if asked_before else [])


class Chains(SCHEMA.as_state_machine()):  # type: ignore[misc] # made at run time
    """What one answer makes possible: a record that was made or listed is read, changed, used and deleted by its id."""

    def setup(self) -> None:
        self.app = serve(pickle.loads(FROZEN))[0]

    def get_call_kwargs(self, _case: Any) -> dict[str, Any]:
        return {"app": self.app}

    def before_call(self, case: Any) -> None:
        if case.meta.generation.mode.is_positive and case.body:
            case.body = of_records(case.body)

    def teardown(self) -> None:
        """Whatever was written, the ledger can be read and the page be shown."""

        async def look() -> None:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                for path in ("ledger", "story", "?q=a"):
                    assert (await http.get(f"/_sandbox/{path}")).status_code == 200

        asyncio.run(look())


Chains.TestCase.settings = settings(
    max_examples=3 * ROUNDS,
    stateful_step_count=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestChains = Chains.TestCase
