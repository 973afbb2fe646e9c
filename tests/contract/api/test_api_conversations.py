from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.contract.api.kit import empty, meet

from selftimer.errors import Drifted, NotFound, Refused, Unclear
from selftimer.sandbox import bulk
from selftimer.studio.conversations import MAX_ATTACHMENT

if TYPE_CHECKING:
    from selftimer.sandbox.world import World

TEXT = "Hej Åsa 👩‍👩‍👧, 你好 “quotes” & <b>\n\n\tありがとう \u200d!"
PDF = ("Vertrag für Åsa.pdf", b"%PDF-1.7\r\n--boundary\r\n\x00\xff" * 50, "application/pdf")


def talks(count: int = 3) -> World:
    world = empty()
    bulk.add_clients(world, count)
    return world


@pytest.mark.calls("conversation.list")
async def test_conversations_are_listed_over_all_pages() -> None:
    m = meet(talks(23), page_size=5)
    found = await m.studio.conversations.list()
    assert [talk.id for talk in found] == [row.id for row in m.world.tables.conversations.newest()]
    assert m.last("conversation.list").query["page_size"] == "5"
    assert {talk.messages for talk in found} == {()}
    assert await meet(empty()).studio.conversations.list() == ()


@pytest.mark.calls("conversation.list")
async def test_each_filter_of_the_conversations_reaches_the_studio() -> None:
    m = meet(talks(4))
    one = m.world.tables.conversations.newest()[1]
    assert [talk.id for talk in await m.studio.conversations.list(client_id=one.client_id)] == [one.id]
    one.status = "archived"
    m.world.tables.conversations.touch(one.id)
    inbox = await m.studio.conversations.list(message_status="inbox")
    assert one.id not in {talk.id for talk in inbox}
    assert len(inbox) == 3
    whole = await m.studio.conversations.list(messages=True)
    assert m.last("conversation.list").query["message"] == "true"
    assert [len(talk.messages) for talk in whole] == [1, 1, 1, 1]
    assert {message.conversation_id for talk in whole for message in talk.messages} == {talk.id for talk in whole}


@pytest.mark.calls("conversation.get")
async def test_a_conversation_is_read_with_its_messages_or_without() -> None:
    m = meet(talks())
    row = m.world.tables.conversations.newest()[0]
    talk = await m.studio.conversations.get(row.id)
    assert (talk.of_client, talk.subject) == (row.client_id, row.subject)
    assert [message.content for message in talk.messages] == [message.content for message in row.messages]
    assert {p.type for p in talk.participants} == {"client", "photographer"}
    assert (await m.studio.conversations.get(row.id, messages=False)).messages == ()
    with pytest.raises(NotFound) as gone:
        await m.studio.conversations.get("conv_nobody")
    assert gone.value.code == "conversation_not_found"
    with pytest.raises(Refused) as wrong:
        await m.studio.conversations.get("nonsense")
    assert wrong.value.status == 400


@pytest.mark.calls("conversation.unread")
async def test_unread_messages_are_counted() -> None:
    m = meet(talks(4))
    counts = await m.studio.conversations.unread_counts()
    assert (counts.unread_count, counts.conversations_with_unread) == (4, 4)
    assert await m.studio.conversations.unread() == 4
    assert await meet(empty()).studio.conversations.unread() == 0


@pytest.mark.calls("conversation.create", "message.create")
async def test_a_conversation_is_begun_and_a_message_of_any_script_arrives() -> None:
    m = meet(empty())
    client = await m.studio.clients.create({"first_name": "Åsa", "email": "a@b.example"})
    talk = await m.studio.conversations.create(client.id, "Välkommen ✨")
    assert (talk.of_client, talk.subject) == (client.id, "Välkommen ✨")
    sent = await m.studio.conversations.send(talk.id, TEXT)
    assert (sent.content, sent.conversation_id, sent.sender_type) == (TEXT, talk.id, "photographer")
    assert [write.content["content"] for write in m.wrote("message")] == [TEXT]
    assert sent in (await m.studio.conversations.get(talk.id)).messages


@pytest.mark.calls("conversation.create", "message.create")
async def test_each_refusal_of_a_message_is_read() -> None:
    m = meet(talks())
    talk = m.world.tables.conversations.newest()[0]
    for conversation_id, content, files in ((talk.id, "", []), ("", "x", []), (talk.id, "x", ["att_nothing"])):
        with pytest.raises(Refused) as told:
            await m.studio.conversations.send(conversation_id, content, files)
        assert (told.value.status, told.value.code) == (422, "validation_error")
    with pytest.raises(NotFound):
        await m.studio.conversations.send("conv_nobody", "x")
    with pytest.raises(Refused) as empty_subject:
        await m.studio.conversations.create("cl_" + "x" * 30, "")
    assert empty_subject.value.details.keys() == {"client_id", "subject"}
    assert m.wrote("message") == m.wrote("conversation") == []


@pytest.mark.calls("message.create")
async def test_a_message_is_posted_once_whatever_becomes_of_it() -> None:
    m = meet(talks())
    talk = m.world.tables.conversations.newest()[0]
    m.fault("status", method="POST", path="conversation_messages", status=500, commit=True, times=9)
    with pytest.raises(Unclear):
        await m.studio.conversations.send(talk.id, "hej")
    assert len(m.wrote("message")) == 1


# Files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.calls("attachment.upload_url", "attachment.upload", "message.create")
async def test_a_file_is_uploaded_and_sent() -> None:
    m = meet(talks())
    talk = m.world.tables.conversations.newest()[0]
    name, content, kind = PDF
    file_id = await m.studio.conversations.attach(name, content)
    asked = m.last("attachment.upload_url").query
    assert asked == {"filename": name, "content_type": kind, "file_size": str(len(content))}
    sent = await m.studio.conversations.send(talk.id, "anbei", [file_id])
    (file,) = sent.attachments
    assert (file.id, file.filename, file.file_size, file.content_type) == (file_id, name, len(content), kind)


@pytest.mark.calls("attachment.upload")
async def test_an_upload_carries_the_form_and_neither_cookies_nor_tokens() -> None:
    m = meet(talks())
    await m.studio.conversations.attach(*PDF)
    seen = m.last("attachment.upload")
    assert not {"cookie", "x-csrf-token", "x-requested-with"} & seen.headers.keys()
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert seen.body.index(b'name="policy"') < seen.body.index(b'name="file"')
    assert PDF[1] in seen.body


async def test_a_file_above_ten_mebibytes_is_refused_before_anything_is_asked() -> None:
    m = meet(talks())
    with pytest.raises(Refused) as told:
        await m.studio.conversations.attach("big.jpg", bytes(MAX_ATTACHMENT + 1))
    assert told.value.details == {"max_size": 10 * 1024 * 1024}
    assert m.made == []
    assert await m.studio.conversations.attach("fits.jpg", bytes(MAX_ATTACHMENT))


@pytest.mark.calls("attachment.upload_url")
async def test_the_studios_own_limit_is_read_too() -> None:
    m = meet(talks())
    with pytest.raises(Refused) as told:
        await m.studio.conversations.upload_url("big.jpg", "image/jpeg", MAX_ATTACHMENT + 1)
    assert (told.value.status, told.value.code) == (413, "file_too_large")
    assert told.value.details["max_size"] == MAX_ATTACHMENT
    with pytest.raises(Refused) as wrong:
        await m.studio.conversations.upload_url("", "image/jpeg", 1)
    assert wrong.value.status == 422


@pytest.mark.calls("attachment.upload_url", "attachment.upload")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"fault": "status", "status": 403, "shape": "html"}, Refused),
        ({"fault": "status", "status": 503}, Unclear),
        ({"fault": "drop_after"}, Unclear),
    ],
)
async def test_an_upload_is_made_once_and_what_became_of_it_is_told(fault: Any, error: type[Exception]) -> None:
    m = meet(talks())
    m.fault(**fault, path="/_uploads/", times=9)
    with pytest.raises(error):
        await m.studio.conversations.attach(*PDF)
    assert [seen.call for seen in m.made].count("attachment.upload") == 1
    assert m.wrote("message") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"upload_url": "http://files.example/x"}, {"upload_url": "nonsense"}, {"upload_url": ""},
        {"upload_url": "https://files.example/x", "method": "PATCH"}, {"upload_url": None},
        {"attachment_id": "file 1"}, {"upload_fields": 3},
    ],
)  # fmt: skip
async def test_an_address_that_a_file_must_not_go_to_is_drift(answer: dict[str, Any]) -> None:
    asked: list[str] = []

    class Elsewhere(httpx.AsyncBaseTransport):
        def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
            self._inner = inner

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request.url.host)
            if "upload_url" not in request.url.path:
                return await self._inner.handle_async_request(request)
            usual = {"upload_url": "https://files.example/x", "attachment_id": "att_1", "upload_fields": {}}
            return httpx.Response(200, json={"data": usual | answer})

    m = meet(talks(), wrap=Elsewhere)
    with pytest.raises(Drifted):
        await m.studio.conversations.attach(*PDF)
    assert set(asked) == {"sandbox"}
