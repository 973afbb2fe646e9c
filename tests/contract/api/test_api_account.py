from __future__ import annotations

import pytest
from tests.contract.api.kit import empty, meet

from selftimer.errors import NotAllowed, RateLimited
from selftimer.sandbox import bulk
from selftimer.sandbox.profile import ServerOptions
from selftimer.studio import Endpoints


@pytest.mark.calls("account", "login")
async def test_the_account_and_what_waits_for_it_are_read() -> None:
    m = meet(empty())
    bulk.add_clients(m.world, 2)
    told = await m.studio.me.notifications()
    assert (told.account_id, told.account_name) == (m.world.profile.account_id, m.world.profile.name)
    assert len(told.raw["notifications"]) == 2


async def test_what_the_login_may_not_use_is_refused_and_the_rest_is_there() -> None:
    m = meet(options=ServerOptions(forbidden=("/invoices",)))
    with pytest.raises(NotAllowed) as told:
        await m.studio.invoices.list()
    assert (told.value.status, told.value.code) == (403, "insufficient_permissions")
    assert await m.studio.clients.list()


async def test_a_list_waits_where_the_studio_asks_for_fewer_requests() -> None:
    m = meet(options=ServerOptions(rate_limit=5), page_size=5)
    with pytest.raises(RateLimited) as told:  # the sandbox's minute stands still
        await m.studio.clients.list()
    assert told.value.retry_after == 60


async def test_a_path_that_is_another_one_is_asked_for_at_its_place() -> None:
    m = meet(empty(), endpoints=Endpoints({"quote.list": {"path": "/contracts/", "size": 7}}))
    assert await m.studio.quotes.list() == ()
    assert (m.made[-1].path, m.made[-1].query["per_page"]) == ("/api/v1/contracts/", "7")
