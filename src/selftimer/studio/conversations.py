"""Conversations, messages and their files (studio-api.md, Conversations)."""

from __future__ import annotations

from mimetypes import guess_type
from typing import TYPE_CHECKING

from selftimer.errors import Drifted, Refused
from selftimer.facts.records import Kind
from selftimer.ports import Accepted
from selftimer.studio.calls import Group, asked, call
from selftimer.studio.models.talks import Conversation, Message, Unread, UploadAddress
from selftimer.studio.pages import count_in, created
from selftimer.studio.stream import understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.studio.stream import Stream

MAX_ATTACHMENT = 10 * 1024 * 1024
"""Bytes that a message's file may have (studio-api.md, Conversations)."""


class Conversations(Group):
    """Requests on `/conversations/`, `/conversation_messages` and the messages' files."""

    @call("conversation.list")
    def list(
        self, *, client_id: str | None = None, message_status: str | None = None, messages: bool | None = None
    ) -> Stream[Conversation]:
        """`GET /conversations/` (documented), newest first; `message_status` is for example `inbox`.

        With `messages` each has its messages with it.
        """
        filters = asked(client_id=client_id, message_status=message_status, message=messages)
        return self._list("conversation.list", Conversation, filters)

    @call("conversation.get")
    async def get(self, conversation_id: str, *, messages: bool = True) -> Conversation:
        """`GET /conversations/{id}/` (documented), with its messages unless they aren't wanted."""
        query = {} if messages else {"messages": "false"}
        return await self._get("conversation.get", Conversation, query, id=conversation_id)

    @call("conversation.unread")
    async def unread(self) -> int | None:
        """`GET /conversations/unread/count` (documented): a cheap change signal."""
        return count_in((await self._read("conversation.unread")).content, "unread_count")

    @call("conversation.unread")
    async def unread_counts(self) -> Unread:
        """The same, with the number of conversations that hold them."""
        return await self._told("conversation.unread", Unread)

    @call("message.create")
    async def send(self, conversation_id: str, content: str, attachments: Sequence[str] = ()) -> Message:
        """`POST /conversation_messages` (documented), once: the client reads it. `attachments` are ids of `attach`.

        There is no idempotency key: after `Unclear` read the conversation before it is sent again.
        """
        raw = (await self.post(conversation_id, content, attachments)).record.raw
        request = self._http.endpoints["message.create"].request
        return understood(Message, {"conversation_id": conversation_id} | raw, request, written=True)

    async def post(self, conversation_id: str, content: str, attachments: Sequence[str] = ()) -> Accepted:
        """`send`, with the raw record as the port has it."""
        fields = {"conversation_id": conversation_id, "content": content, "attachment_ids": [*attachments]}
        body = await self._write("message.create", fields)
        return Accepted(record=created(Kind.MESSAGE, body.content, body.request, conversation_id=conversation_id))

    @call("conversation.create")
    async def create(self, client_id: str, subject: str) -> Conversation:
        """`POST /conversations/` (inferred), once, for a client who has none."""
        raw = (await self.open(client_id, subject)).record.raw
        return understood(Conversation, raw, self._http.endpoints["conversation.create"].request, written=True)

    async def open(self, client_id: str, subject: str) -> Accepted:
        """`create`, with the raw record as the port has it."""
        body = await self._write("conversation.create", {"client_id": client_id, "subject": subject})
        return Accepted(record=created(Kind.CONVERSATION, body.content, body.request, client_id=client_id))

    @call("attachment.upload_url")
    async def upload_url(self, filename: str, content_type: str, file_size: int) -> UploadAddress:
        """`GET /conversation_message_attachments/upload_url` (documented): where a file of at most 10 MiB goes."""
        query = {"filename": filename, "content_type": content_type, "file_size": str(file_size)}
        return await self._told("attachment.upload_url", UploadAddress, query)

    @call("attachment.upload_url")
    async def attach(self, filename: str, content: bytes, content_type: str | None = None) -> str:
        """Upload a file and return the id that `send` takes; the type is guessed from the name if it isn't given.

        `Refused` for more than 10 MiB, before anything is asked. Nothing reaches anybody until the id is sent.
        """
        if len(content) > MAX_ATTACHMENT:
            raise Refused(
                f"{filename} has {len(content):,} bytes; a message's file has at most {MAX_ATTACHMENT:,} (10 MiB)",
                code="file_too_large",
                details={"max_size": MAX_ATTACHMENT},
            )
        kind = content_type or guess_type(filename)[0] or "application/octet-stream"
        where = await self.upload_url(filename, kind, len(content))
        method = where.method.upper()
        if method not in {"POST", "PUT"}:
            raise Drifted(f"the studio wants the file by {method!r}, which is not understood")
        fields = {name: str(value) for name, value in where.upload_fields.items()}
        await self._http.upload(method, where.upload_url, fields, (filename, content, kind), f"{method} the file")
        return where.attachment_id
