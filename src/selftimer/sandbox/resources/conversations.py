"""Conversations and messages (studio-api.md, Conversations); errors in shape 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.primitives.ids import AttachmentId, ConversationId
from selftimer.sandbox import views
from selftimer.sandbox.book import people
from selftimer.sandbox.http import Answer, Call, Fields, Refused, body_of, client_named, page_of, shape3
from selftimer.sandbox.model import Attachment, Conversation
from selftimer.sandbox.routing import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_FILE = 10 * 1024 * 1024


def _find(call: Call, record_id: str) -> Conversation:
    if not ConversationId.valid(record_id):
        raise shape3(400, "Invalid conversation ID", "INVALID_CONVERSATION_ID", received=record_id[:80])
    row = call.world.tables.conversations.get(record_id)
    if row is None:
        raise shape3(404, "Conversation not found", "CONVERSATION_NOT_FOUND")
    return row


def _refuse(wrong: Mapping[str, list[str]]) -> Refused:
    return shape3(422, "Validation failed", "VALIDATION_ERROR", details=dict(wrong))


def listing(call: Call) -> Answer:
    """Conversations, newest first; of one client, in one status (`inbox` is active), with messages if asked."""
    table = call.world.tables.conversations
    client_id = call.query.get("client_id", "")
    status = {"inbox": "active", "archived": "archived"}.get(call.query.get("message_status", ""), "")
    if client_id:
        rows = [row for row in reversed(table.of_client(client_id)) if status in {"", row.status}]
    else:
        rows = table.select(status, lambda row: status in {"", row.status})
    page = page_of(call, rows, "page_size")
    whole = call.flag("message", default=False)
    data = [
        table.json(row, f"{whole}", lambda r: views.conversation(call.world, r, messages=whole)) for row in page.rows
    ]
    return Answer({"data": data, "meta": page.meta("from", "to")})


def detail(call: Call) -> Answer:
    """One conversation, with its messages unless `messages=false`."""
    row = _find(call, call.params["id"])
    whole = call.flag("messages", default=True)
    table = call.world.tables.conversations
    return Answer({"data": table.json(row, f"{whole}", lambda r: views.conversation(call.world, r, messages=whole))})


def unread(call: Call) -> Answer:
    """How many messages of clients nobody has read."""
    table = call.world.tables.conversations

    def count() -> dict[str, Any]:
        waiting = [row.unread for row in table if row.unread]
        return {"unread_count": sum(waiting), "conversations_with_unread": len(waiting)}

    return Answer({"data": table.kept("unread", count)})


def create(call: Call) -> Answer:
    """A conversation for a client who has none yet (inferred)."""
    fields = Fields(body_of(call))
    client = client_named(call, fields)
    subject = fields.text("subject", required=True, limit=500)
    fields.check(_refuse)
    assert client is not None
    row = people.open_conversation(call.world, client.id, subject, by="bot")
    call.wrote("conversation", row.id, client_id=client.id, conversation_id=row.id, content={"subject": subject})
    return Answer({"data": views.conversation(call.world, row, messages=True)}, 201)


def post_message(call: Call) -> Answer:
    """The studio writes into a conversation. There is no idempotency key: posted twice is sent twice."""
    body = body_of(call)
    fields = Fields(body)
    conversation_id = fields.text("conversation_id", required=True)
    content = fields.text("content", required=True, limit=20_000)
    files = body.get("attachment_ids") or []
    if not isinstance(files, list) or any(not isinstance(f, str) for f in files):
        fields.fault("attachment_ids", "The attachment_ids field must be a list of ids.")
    elif any(f not in call.world.tables.attachments.rows for f in files):
        fields.fault("attachment_ids", "An attachment is not known.")
    fields.check(_refuse)
    thread = _find(call, conversation_id)
    call.world.tell("bot_message", thread.client_id, f"The bot writes to {{name}}: {content}")
    message = people.studio_says(call.world, thread, content, by="bot", attachment_ids=files)
    call.wrote(
        "message",
        message.id,
        client_id=thread.client_id,
        conversation_id=thread.id,
        content={"content": content, "attachment_ids": files},
    )
    return Answer({"data": views.message(call.world, message)}, 201)


def upload_url(call: Call) -> Answer:
    """Where to put a file before it is sent; above 10 MiB it is 413."""
    fields = Fields(dict(call.query))
    name = fields.text("filename", required=True, limit=255)
    kind = fields.text("content_type", required=True, limit=255)
    size = fields.text("file_size", required=True, limit=12)
    if size and not size.isdigit():
        fields.fault("file_size", "The file_size field must be an integer.")
    fields.check(_refuse)
    if int(size) > MAX_FILE:
        raise shape3(413, "File too large", "FILE_TOO_LARGE", max_size=MAX_FILE)
    world = call.world
    row = Attachment(
        id=world.new_id(AttachmentId, "bot"),
        created_at=world.now,
        filename=name,
        content_type=kind,
        file_size=int(size),
    )
    world.tables.attachments.add(row)
    answer = {
        "upload_url": f"{call.origin}/_uploads/{row.id}",
        "attachment_id": row.id,
        "upload_fields": {"key": row.id, "policy": "sandbox"},
        "method": "POST",
    }
    return Answer({"data": answer})


ROUTES = (
    Route("GET", "/conversations/", listing),
    Route("POST", "/conversations/", create),
    Route("GET", "/conversations/unread/count", unread),
    Route("GET", "/conversations/{id}/", detail),
    Route("POST", "/conversation_messages", post_message),
    Route("GET", "/conversation_message_attachments/upload_url", upload_url),
)
