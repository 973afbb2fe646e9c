"""What coupons, leads and files need of the client, against the sandbox."""

from __future__ import annotations

from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from selftimer.errors import Conflict, Refused, Unclear
from selftimer.primitives.clock import VirtualClock
from selftimer.sandbox.app import create_app
from selftimer.sandbox.book import people
from selftimer.sandbox.faults import Fault, Faults
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World
from selftimer.studio import Credentials, Studio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def studio(world: World, faults: Faults | None = None) -> AsyncIterator[Studio]:
    profile = world.profile
    client = Studio(
        Credentials(email=profile.email, password=SecretStr(profile.password)),
        VirtualClock(world.now),
        Random(1),
        base_url="http://localhost/api/v1",
        transport=FaultTransport(create_app(world, None, faults)),
    )
    try:
        yield client
    finally:
        await client.aclose()


COUPON = {"code": "Back-1", "discount_type": "percentage", "discount_value": 10, "usage_limit": 1}


async def test_a_coupon_is_made_and_found_by_its_code_whatever_its_case() -> None:
    async with studio(World.empty()) as api:
        made = await api.create_coupon(COUPON)
        found = await api.find_coupon("BACK-1")
        assert found is not None
        assert (found["id"], found["discount_value"], found["usage_limit"]) == (made, 10, 1)
        assert await api.find_coupon("NO-SUCH") is None
        with pytest.raises(Conflict):
            await api.create_coupon({**COUPON, "code": "back-1"})


async def test_contacts_are_found_by_their_whole_address_through_every_page() -> None:
    world = World.empty()
    for number in range(120):
        people.add_client(world, first_name="A", last_name="B", email=f"fred{number}@example.com", client_type="client")
    people.add_client(world, first_name="F", last_name="G", email="FRED@example.com", client_type="lead")
    async with studio(world) as api:
        (found,) = await api.find_clients(" fred@Example.com ")
        assert found.raw["email"] == "FRED@example.com"
        assert await api.find_clients("nobody@example.com") == ()


async def test_a_new_contact_is_of_the_type_that_it_is_given() -> None:
    async with studio(World.empty()) as api:
        accepted = await api.create_client({"email": "fred@example.com", "first_name": "Fred", "type": "lead"})
        assert (accepted.record.raw["type"], accepted.record.raw["email"]) == ("lead", "fred@example.com")


async def test_a_file_is_uploaded_without_the_cookies_of_the_studio() -> None:
    world = World.empty()
    async with studio(world) as api:
        ident = await api.upload("prices.pdf", b"%PDF", "application/pdf")
        row = world.tables.attachments.rows[ident]
        assert (row.filename, row.content_type, row.file_size, row.content is not None) == (
            "prices.pdf",
            "application/pdf",
            4,
            True,
        )
        transport = api._transport
        assert transport._strangers is not None
        assert not list(transport._strangers.cookies.jar)


async def test_a_file_that_is_too_large_is_refused_before_anything_is_asked() -> None:
    world = World.empty()
    async with studio(world) as api:
        with pytest.raises(Refused, match="10 MiB"):
            await api.upload("film.mov", b"x" * (10 * 1024 * 1024 + 1), "video/quicktime")
        assert len(world.tables.attachments.rows) == 0


@pytest.mark.parametrize(("status", "kind"), [(403, Refused), (503, Unclear)])
async def test_a_file_that_is_not_taken_says_so(status: int, kind: type[Exception]) -> None:
    faults = Faults()
    faults.order(Fault(fault="status", method="POST", path="/_uploads/", status=status, shape="html"))
    async with studio(World.empty(), faults) as api:
        with pytest.raises(kind):
            await api.upload("a.txt", b"a", "text/plain")
