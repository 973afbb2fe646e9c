from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.contract.sandbox_kit import API, read, signed_in

from selftimer.sandbox import bulk
from selftimer.sandbox.app import create_app
from selftimer.sandbox.book import people
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MIB = 1024 * 1024


@pytest.fixture
def quiet() -> World:
    """A studio with three conversations: one unread, one read, one put away."""
    world = World.empty()
    for client in bulk.add_clients(world, 3, conversations=False):
        people.client_says(world, client.id, "Hello 👋")
        world.advance_to(world.now.add(minutes=1))
    away, seen, _ = world.tables.conversations
    people.studio_says(world, seen, "Good day", by="studio")
    people.client_says(world, seen.client_id, "And a second one")
    for thread in (away, seen):
        thread.unread = 0
    away.status = "archived"
    world.tables.conversations.touch(away.id)
    return world


@pytest.fixture
async def http(quiet: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(quiet) as client:
        yield client


async def slot(http: httpx.AsyncClient, name: str = "guide.pdf", kind: str = "application/pdf", size: int = 4) -> Any:
    ask = {"filename": name, "content_type": kind, "file_size": size}
    return (await read(http, "/conversation_message_attachments/upload_url", **ask))["data"]


async def upload(
    http: httpx.AsyncClient, given: Any, content: bytes = b"%PDF", kind: str = "application/pdf", **fields: str
) -> int:
    form = {**given["upload_fields"], **fields}
    answer = await http.post(given["upload_url"], data=form, files={"file": ("any", content, kind)})
    return answer.status_code


async def write(http: httpx.AsyncClient, quiet: World, *files: str, content: str = "Here") -> httpx.Response:
    thread = next(iter(quiet.tables.conversations))
    body = {"conversation_id": thread.id, "content": content, "attachment_ids": list(files)}
    return await http.post(f"{API}/conversation_messages", json=body)


async def test_conversations_are_listed_by_where_they_are(http: httpx.AsyncClient, quiet: World) -> None:
    away, seen, new = quiet.tables.conversations

    async def listed(**asked: Any) -> list[str]:
        return [row["id"] for row in (await read(http, "/conversations/", **asked))["data"]]

    assert await listed() == await listed(message_status="all") == [new.id, seen.id, away.id]
    assert await listed(message_status="inbox") == [new.id, seen.id]
    assert await listed(message_status="archived") == [away.id]
    assert await listed(message_status="unread") == [new.id]
    assert await listed(message_status="unread", client_id=seen.client_id) == []
    assert await listed(client_id=away.client_id) == [away.id]
    assert await listed(client_id=f"cl_{'x' * 30}") == []
    assert await listed(page=2, page_size=2) == [away.id]
    assert await listed(page=3, page_size=2) == []
    for wrong in ({"message_status": "spam"}, {"message": "perhaps"}, {"page": "0"}, {"page_size": "-1"}):
        assert (await http.get(f"{API}/conversations/", params=wrong)).status_code == 422
    assert (await read(http, "/conversations/unread/count"))["data"] == {
        "unread_count": 1,
        "conversations_with_unread": 1,
    }


async def test_with_message_the_list_carries_every_conversations_messages(http: httpx.AsyncClient) -> None:
    rows = (await read(http, "/conversations/", message="true"))["data"]
    assert [len(row["messages"]) for row in rows] == [1, 3, 1]
    for row in rows:
        assert (await read(http, f"/conversations/{row['id']}/"))["data"] == row
        short = (await read(http, f"/conversations/{row['id']}/", messages="false"))["data"]
        assert {**short, "messages": row["messages"]} == row
    assert all("messages" not in row for row in (await read(http, "/conversations/", message="0"))["data"])
    seen = rows[1]
    assert [message["sender_type"] for message in seen["messages"]] == ["client", "photographer", "client"]
    assert seen["messages"][1]["read_at"] is not None, "who answers has read what came before"
    assert [one["type"] for one in seen["participants"]] == ["client", "photographer"]


async def test_a_conversation_that_there_is_not_is_refused_in_the_shape_of_conversations(
    http: httpx.AsyncClient, quiet: World
) -> None:
    assert (await http.get(f"{API}/conversations/nothing/")).json()["code"] == "INVALID_CONVERSATION_ID"
    missing = await http.get(f"{API}/conversations/conv_none/")
    assert (missing.status_code, missing.json()["code"]) == (404, "CONVERSATION_NOT_FOUND")
    for body in ({}, {"client_id": "cl_x", "subject": ""}, {"client_id": 1, "subject": "x" * 501}):
        answer = await http.post(f"{API}/conversations/", json=body)
        assert (answer.status_code, set(answer.json()["details"])) == (422, {"client_id", "subject"})
    assert quiet.ledger.writes == []


async def test_a_file_is_announced_uploaded_sent_and_fetched_again(http: httpx.AsyncClient, quiet: World) -> None:
    given = await slot(http, name="Prices — 明子.pdf")
    assert await upload(http, given) == 204
    sent = await write(http, quiet, given["attachment_id"], given["attachment_id"])
    [file] = sent.json()["data"]["attachments"]
    assert (file["filename"], file["file_size"], file["content_type"]) == ("Prices — 明子.pdf", 4, "application/pdf")
    fetched = await http.get(file["url"])
    assert (fetched.status_code, fetched.content) == (200, b"%PDF")
    assert fetched.headers["content-disposition"].startswith("attachment; filename*=UTF-8''Prices%20")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(quiet)), base_url="http://s") as stranger:
        assert (await stranger.get(file["url"])).status_code == 401
    assert (await http.get("/files/att_none")).status_code == 404
    assert quiet.ledger.writes[-1].content["attachment_ids"] == [given["attachment_id"]]


async def test_a_file_that_has_not_come_cannot_be_sent(http: httpx.AsyncClient, quiet: World) -> None:
    given = await slot(http)
    refused = await write(http, quiet, given["attachment_id"])
    assert (refused.status_code, refused.json()["code"]) == (422, "ATTACHMENT_NOT_UPLOADED")
    assert refused.json()["details"] == {"attachment_ids": ["guide.pdf has not been uploaded yet."]}
    unknown = await write(http, quiet, "att_none")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "VALIDATION_ERROR")
    many = await write(http, quiet, *["att_none"] * 21)
    assert "at most 20" in many.json()["details"]["attachment_ids"][0]
    assert quiet.ledger.writes == []
    assert await upload(http, given) == 204
    assert (await write(http, quiet, given["attachment_id"])).status_code == 201


async def test_another_file_than_was_announced_is_not_taken(http: httpx.AsyncClient, quiet: World) -> None:
    given = await slot(http)
    assert await upload(http, given, b"%PD") == 400
    assert await upload(http, given, b"%PDF-") == 400
    assert await upload(http, given, kind="text/html") == 400
    assert await upload(http, given, key="att_other") == 403
    assert await upload(http, given, policy="mine") == 403
    assert await upload(http, {**given, "upload_url": "/_uploads/att_none"}) == 403
    bare = await http.post(given["upload_url"], data=given["upload_fields"])
    assert bare.status_code == 400
    broken = await http.post(
        given["upload_url"], content=b"--x", headers={"content-type": "multipart/form-data; boundary"}
    )
    assert broken.status_code == 400
    assert (await write(http, quiet, given["attachment_id"])).status_code == 422


async def test_ten_mebibytes_are_the_most(http: httpx.AsyncClient) -> None:
    ask: dict[str, Any] = {"filename": "a.jpg", "content_type": "image/jpeg", "file_size": 10 * MIB + 1}
    answer = await http.get(f"{API}/conversation_message_attachments/upload_url", params=ask)
    assert (answer.status_code, answer.json()) == (
        413,
        {"error": "File too large", "code": "FILE_TOO_LARGE", "max_size": 10 * MIB},
    )
    given = await slot(http, "a.jpg", "image/jpeg", 10 * MIB)
    assert await upload(http, given, b"x" * (10 * MIB), "image/jpeg") == 204


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content_type": "text/html"}, "content_type"),
        ({"content_type": "application/x-msdownload"}, "content_type"),
        ({"content_type": None}, "content_type"),
        ({"filename": " "}, "filename"),
        ({"filename": "x" * 256}, "filename"),
        ({"file_size": 0}, "file_size"),
        ({"file_size": "big"}, "file_size"),
    ],
)
async def test_a_file_that_cannot_be_sent_is_refused_before_it_is_uploaded(
    http: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    ask = {"filename": "a.jpg", "content_type": "image/jpeg", "file_size": 9, **change}
    asked = {name: value for name, value in ask.items() if value is not None}
    answer = await http.get(f"{API}/conversation_message_attachments/upload_url", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
    assert set(answer.json()["details"]) == {field}
