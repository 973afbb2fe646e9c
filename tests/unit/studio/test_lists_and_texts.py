from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.studio.scripted import CLIENT, CONVERSATION, MESSAGE, Reply, bench, client

from selftimer.errors import Drifted
from selftimer.studio import models
from selftimer.studio.stream import understood

if TYPE_CHECKING:
    from starlette.requests import Request

CSV = "GET /clients/download_csv"


def csv(text: str | bytes, kind: str = "text/csv") -> Reply:
    return Reply(content=text if isinstance(text, bytes) else text.encode(), headers={"content-type": kind})


async def test_an_export_with_a_mark_quotes_and_missing_cells_is_read() -> None:
    b = bench()
    b.script.answers[CSV].append(csv('\ufeffid,name,notes\r\n1,"Å, ""B""\r\nC",x\r\n2\r\n'))
    rows = [row async for row in b.studio.clients.export()]
    assert rows == [{"id": "1", "name": 'Å, "B"\r\nC', "notes": "x"}, {"id": "2", "name": "", "notes": ""}]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (csv("id,name\n1,a,b\n"), "line 2 of the export has more cells than columns"),
        (csv("id\nÅ\n".encode("latin-1")), "not UTF-8"),
        (csv('{"data": []}', "application/json"), "not a text"),
        (csv("<html></html>", "text/html"), "web page"),
        (csv(b"x" * (10 * 1024 * 1024 + 1)), "larger than 10 MB"),
    ],
)
async def test_an_export_that_can_not_be_read_is_drift(reply: Reply, said: str) -> None:
    b = bench()
    b.script.always[CSV] = lambda _request: reply
    with pytest.raises(Drifted, match=said):
        [row async for row in b.studio.clients.export()]


async def test_an_empty_export_has_no_rows() -> None:
    b = bench()
    b.script.answers[CSV] += [csv(""), csv("id,name\n")]
    assert [row async for row in b.studio.clients.export()] == []
    assert [row async for row in b.studio.clients.export()] == []


@pytest.mark.parametrize("meta", [{}, {"total": 13}])
async def test_a_server_that_gives_less_than_the_limit_does_not_make_a_hole(meta: dict[str, int]) -> None:
    b = bench()
    photos = [{"id": number} for number in range(13)]
    asked: list[tuple[str, str]] = []

    def answer(request: Request) -> Reply:
        offset, limit = request.query_params["offset"], request.query_params["limit"]
        asked.append((offset, limit))
        return Reply(json={"data": photos[int(offset) :][: min(int(limit), 5)], "meta": meta})

    b.script.always["GET /photos/starred"] = answer
    assert [photo.id for photo in await b.studio.photos.starred()] == [str(number) for number in range(13)]
    assert [offset for offset, _ in asked][:3] == ["0", "5", "10"]


async def test_addresses_that_are_bare_texts_are_visitors() -> None:
    b = bench()
    b.script.always["GET /collections/1/visitor_emails"] = lambda _request: Reply(json={"data": ["a@b.example"]})
    assert [visitor.email for visitor in await b.studio.collections.visitor_emails("1")] == ["a@b.example"]


@pytest.mark.parametrize(
    ("data", "slots"),
    [
        ([{"start": "2026-05-01T10:00:00Z"}], 1),
        ({"times": [{"starts_at": "2026-05-01T10:00:00Z"}]}, 1),
        ({"slots": None}, 0),
        ({}, 0),
    ],
)
async def test_free_times_are_read_however_they_are_wrapped(data: object, slots: int) -> None:
    day = understood(models.DayAvailability, data, "GET /x")
    assert len(day.slots) == slots
    assert all(slot.start_at is not None for slot in day.slots)


async def test_another_record_than_the_one_asked_for_is_drift() -> None:
    b = bench()
    b.script.always[f"GET /clients/{CLIENT}"] = lambda _request: Reply(json={"data": client(id="cl_" + "D" * 30)})
    with pytest.raises(Drifted, match="not what was asked for"):
        await b.studio.clients.get(CLIENT)


async def test_a_record_that_can_not_be_understood_says_which_field() -> None:
    b = bench()
    b.script.always[f"GET /clients/{CLIENT}"] = lambda _request: Reply(json={"data": client(type="vendor")})
    b.script.always["POST /clients/"] = lambda _request: Reply(201, {"data": client(type="vendor")})
    with pytest.raises(Drifted, match=r"client\.type: the word 'vendor' is not known"):
        await b.studio.clients.get(CLIENT)
    with pytest.raises(Drifted, match="the studio took it, but"):
        await b.studio.clients.create({"first_name": "x"})
    odd = {"id": MESSAGE, "sender_type": "robot"}
    b.script.always["POST /conversation_messages"] = lambda _request: Reply(201, {"data": odd})
    with pytest.raises(Drifted, match="the studio took it, but"):
        await b.studio.conversations.send(CONVERSATION, "hej")


async def test_a_list_of_which_only_one_page_can_be_had_is_torn() -> None:
    b = bench()
    body = {"data": [{"id": number} for number in range(3)], "meta": {"total": 9}}
    b.script.always["GET /photos/starred"] = lambda _request: Reply(json=body)
    photos = b.studio.photos.starred()
    assert len(await photos) == 3
    assert photos.torn


async def test_a_write_that_is_answered_with_nothing_was_applied_and_says_so() -> None:
    b = bench()
    b.script.always["PUT /coupons/x/disable"] = lambda _request: Reply(204, content=b"")
    with pytest.raises(Drifted, match="took it, but its answer is empty"):
        await b.studio.coupons.disable("x")
    b.script.always["PUT /coupons/x/disable"] = lambda _request: Reply(200, {"data": []})
    with pytest.raises(Drifted, match="took it, but its answer can't be understood"):
        await b.studio.coupons.disable("x")
