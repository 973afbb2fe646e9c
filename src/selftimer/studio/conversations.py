"""Conversations and messages (studio-api.md, Conversations)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.errors import Drifted, Refused
from selftimer.facts.records import Kind
from selftimer.ports import Accepted
from selftimer.studio.invoices import count_in
from selftimer.studio.pages import created, data_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.studio.http import Http


MAX_ATTACHMENT = 10 * 1024 * 1024
"""Bytes of a message's file (studio-api.md, Conversations)."""


class Conversations:
    """Requests on conversations, their messages and attachments, beyond the list and the record."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def unread(self) -> int | None:
        """`GET /conversations/unread/count` (documented): a cheap change signal."""
        path = self._http.endpoints["conversation.unread"].path
        return count_in(await self._http.read(path), "unread_count")

    async def send(self, conversation_id: str, content: str, attachments: Sequence[str] = ()) -> Accepted:
        """`POST /conversation_messages` (documented), once."""
        path = self._http.endpoints["message.create"].path
        body = await self._http.write(
            "POST",
            path,
            {"conversation_id": conversation_id, "content": content, "attachment_ids": list(attachments)},
        )
        return Accepted(record=created(Kind.MESSAGE, body, f"POST {path}", conversation_id=conversation_id))

    async def create(self, client_id: str, subject: str) -> Accepted:
        """`POST /conversations/` (inferred), once, for a client who has none."""
        path = self._http.endpoints["conversation.create"].path
        body = await self._http.write("POST", path, {"client_id": client_id, "subject": subject})
        return Accepted(record=created(Kind.CONVERSATION, body, f"POST {path}", client_id=client_id))

    async def upload_url(self, filename: str, content_type: str, file_size: int) -> dict[str, Any]:
        """`GET /conversation_message_attachments/upload_url` (documented): where a file of at most 10 MiB goes."""
        path = self._http.endpoints["attachment.upload_url"].path
        query = {"filename": filename, "content_type": content_type, "file_size": str(file_size)}
        return data_of(await self._http.read(path, query), f"GET {path}")

    async def attach(self, filename: str, content: bytes, content_type: str) -> str:
        """Upload a file and return the id that `send` takes (documented).

        `Refused` for more than 10 MiB, before anything is asked. Nothing reaches anybody until the id is sent.
        """
        if len(content) > MAX_ATTACHMENT:
            raise Refused(
                f"{filename} has {len(content):,} bytes; a message's file has at most {MAX_ATTACHMENT:,} (10 MiB)",
                code="file_too_large",
                details={"max_size": MAX_ATTACHMENT},
            )
        where = await self.upload_url(filename, content_type, len(content))
        method, url, ident = (str(where.get(name) or "") for name in ("method", "upload_url", "attachment_id"))
        given = where.get("upload_fields")
        if method.upper() not in {"POST", "PUT"} or not url or not ident:
            raise Drifted("the studio's answer doesn't say where the file goes", request="GET upload_url")
        fields = {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}
        await self._http.upload(method.upper(), url, fields, (filename, content, content_type), f"{method} the file")
        return ident
