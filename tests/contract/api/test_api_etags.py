from __future__ import annotations

import pytest
from tests.contract.api.kit import Meeting, empty, meet
from tests.unit.studio.scripted import CLIENT, Reply, bench, client

from selftimer.errors import Drifted
from selftimer.facts.records import Kind
from selftimer.sandbox import bulk
from selftimer.sandbox.profile import ServerOptions
from selftimer.studio import validators
from selftimer.studio.answers import Answer
from selftimer.studio.validators import Validators

TAGGED = ServerOptions(etags=True)


def statuses(m: Meeting) -> list[int]:
    return [seen.status for seen in m.made]


@pytest.mark.calls("client.list", "client.update")
async def test_what_has_not_changed_is_not_sent_again() -> None:
    m = meet(empty(), options=TAGGED)
    people = bulk.add_clients(m.world, 3)
    first = await m.studio.clients.list()
    assert await m.studio.clients.list() == first
    assert statuses(m) == [200, 304]
    await m.studio.clients.update(people[0].id, {"notes": "new"})
    again = await m.studio.clients.list()
    assert [found.notes for found in again if found.id == people[0].id] == ["new"]
    assert m.made[-1].status == 200


async def test_each_query_has_an_answer_of_its_own() -> None:
    m = meet(options=TAGGED)
    leads, clients = await m.studio.clients.list("lead"), await m.studio.clients.list("client")
    assert await m.studio.clients.list("lead") == leads
    assert await m.studio.clients.list("client") == clients
    assert statuses(m) == [200, 200, 304, 304]


async def test_a_poll_of_a_quiet_studio_is_answered_with_304() -> None:
    m = meet(options=TAGGED)
    before = [await m.studio.page(kind, 1) for kind in (Kind.CLIENT, Kind.SESSION, Kind.INVOICE)]
    assert [await m.studio.page(kind, 1) for kind in (Kind.CLIENT, Kind.SESSION, Kind.INVOICE)] == before
    assert statuses(m) == [200] * 3 + [304] * 3


async def test_a_server_without_validators_is_asked_as_before() -> None:
    m = meet()
    for _ in range(2):
        await m.studio.clients.list()
        assert not {"if-none-match", "if-modified-since"} & m.made[-1].headers.keys()
    assert statuses(m) == [200, 200]


async def test_changing_the_answer_that_was_given_changes_nothing_kept() -> None:
    m = meet(options=TAGGED)
    first = (await m.studio.clients.list())[0]
    first.raw["first_name"] = "overwritten"
    assert (await m.studio.clients.list())[0].first_name == first.first_name
    assert m.made[-1].status == 304


async def test_last_modified_is_a_validator_too_and_no_store_is_kept_to() -> None:
    b = bench()
    path = f"GET /clients/{CLIENT}"
    when = "Mon, 02 Mar 2026 09:00:00 GMT"
    b.script.answers[path] += [Reply(200, {"data": client()}, headers={"last-modified": when}), Reply(304, content=b"")]
    b.script.answers[path] += [Reply(200, {"data": client()}, headers={"etag": "x", "cache-control": "No-Store"})]
    b.script.answers[path] += [Reply(200, {"data": client()})]
    seen = [await b.studio.clients.get(CLIENT) for _ in range(4)]
    asked = [headers for method, url, headers, _ in b.script.requests if url.endswith(CLIENT)]
    assert [headers.get("if-modified-since") for headers in asked] == [None, when, when, None]
    assert [headers.get("if-none-match") for headers in asked] == [None] * 4
    assert seen == [seen[0]] * 4


async def test_a_304_that_nobody_asked_for_is_an_error() -> None:
    b = bench()
    b.script.always[f"GET /clients/{CLIENT}"] = lambda _request: Reply(304, content=b"")
    with pytest.raises(Drifted, match="304 Not Modified"):
        await b.studio.clients.get(CLIENT)


# What is kept --------------------------------------------------------------------------------------------------------


def answer(tag: str, size: int = 10) -> Answer:
    return Answer(status=200, headers={"etag": tag}, body=bytes(size), request="GET /x")


def keep(kept: Validators, path: str, size: int = 10, owner: object = "acc_1") -> None:
    kept.of(owner, "studio", path, None).settled(answer(path, size))


def knows(kept: Validators, path: str, owner: object = "acc_1") -> bool:
    return kept.of(owner, "studio", path, None).headers == {"if-none-match": path}


def test_the_oldest_answers_go_when_there_are_many_or_they_are_large() -> None:
    kept = Validators()
    for number in range(validators.MAX_ANSWERS + 1):
        keep(kept, f"/{number}")
    assert not knows(kept, "/0")
    assert knows(kept, "/1")
    keep(kept, "/large", validators.MAX_KEPT)
    assert knows(kept, "/large")
    assert not knows(kept, f"/{validators.MAX_ANSWERS}")
    keep(kept, "/too large", validators.MAX_KEPT + 1)
    assert not knows(kept, "/too large")
    keep(kept, "/small")
    assert knows(kept, "/small")


def test_another_account_finds_nothing_of_the_one_before() -> None:
    kept = Validators()
    asked_before = kept.of("acc_1", "studio", "/late", None)
    keep(kept, "/x")
    assert not knows(kept, "/x", owner="acc_2")
    assert not knows(kept, "/x")
    keep(kept, "/y", owner="acc_2")
    asked_before.settled(answer("/late"))
    assert not knows(kept, "/late", owner="acc_2")
    assert knows(kept, "/y", owner="acc_2")


async def test_where_the_account_is_not_told_a_new_session_starts_afresh() -> None:
    b = bench()
    b.script.account_id = None
    path = f"GET /clients/{CLIENT}"
    b.script.always[path] = lambda _request: Reply(200, {"data": client()}, headers={"etag": "a"})
    await b.studio.clients.get(CLIENT)
    b.script.expire()
    await b.studio.clients.get(CLIENT)
    asked = [headers.get("if-none-match") for _, url, headers, _ in b.script.requests if url.endswith(CLIENT)]
    assert asked == [None, "a", None]
