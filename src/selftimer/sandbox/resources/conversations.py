"""Conversations and messages (studio-api.md, Conversations); errors in shape 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.primitives.ids import AttachmentId, ConversationId
from selftimer.sandbox import views_people as views
from selftimer.sandbox.book import people
from selftimer.sandbox.http import Answer, Call, Fields, Refused, body_of, client_named, page_of, shape3
from selftimer.sandbox.model import Attachment, Conversation
from selftimer.sandbox.resources.reading import PAGE, PAGE_SIZE
from selftimer.sandbox.routing import Param, Route, ShortPageMeta
from selftimer.sandbox.view_types import AttachmentRef, ClientRef, ConversationRef, Count, closed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.sandbox.model import ConversationStatus

MAX_FILE = 10 * 1024 * 1024
CONTENT_TYPES = (
    "application/msword",
    "application/pdf",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/zip",
    "audio/mpeg",
    "image/gif",
    "image/heic",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/calendar",
    "text/csv",
    "text/plain",
    "video/mp4",
    "video/quicktime",
)
"""Kinds of files that can be sent (inferred): nothing that a browser would run."""
MOST_FILES = 20
MessageStatus = Literal["inbox", "archived", "unread", "all"]
_STATUSES: dict[str, ConversationStatus] = {"inbox": "active", "archived": "archived"}
_Content = Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"\S")]


class NewConversation(TypedDict):
    """A conversation to be."""

    client_id: ClientRef
    subject: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class NewMessage(TypedDict):
    """What the studio writes, and the files that were uploaded for it."""

    conversation_id: ConversationRef
    content: _Content
    attachment_ids: NotRequired[Annotated[list[AttachmentRef], Field(max_length=MOST_FILES)] | None]


@closed
class Unread(TypedDict):
    """How much nobody has read."""

    unread_count: Count
    conversations_with_unread: Count


@closed
class UploadFields(TypedDict):
    """Fields of the form that uploads a file; the file itself is the field `file`."""

    key: str
    policy: str


@closed
class UploadSlot(TypedDict):
    """Where a file goes before it is sent."""

    upload_url: str
    attachment_id: str
    upload_fields: UploadFields
    method: Literal["POST"]


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
    """Conversations, newest first; of one client, in one status, with their messages where `message` asks for them.

    `message_status` is `inbox` (active ones), `archived`, `unread` or `all`; what there is besides `inbox` is inferred.
    """
    table = call.world.tables.conversations
    client_id, asked = call.query.get("client_id", ""), call.query.get("message_status", "all")

    def wanted(row: Conversation) -> bool:
        return row.unread > 0 if asked == "unread" else asked == "all" or row.status == _STATUSES[asked]

    if client_id:
        rows = [row for row in reversed(table.of_client(client_id)) if wanted(row)]
    else:
        rows = table.select(asked, wanted)
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

    def count() -> Unread:
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
    fields = Fields(body_of(call))
    conversation_id = fields.text("conversation_id", required=True)
    content = fields.text("content", required=True, limit=20_000)
    files = _attachments(call, fields)
    fields.check(_refuse)
    thread = _find(call, conversation_id)
    missing = [file.filename for file in files if file.content is None]
    if missing:
        details = {"attachment_ids": [f"{name} has not been uploaded yet." for name in missing]}
        raise shape3(422, "Attachment not uploaded", "ATTACHMENT_NOT_UPLOADED", details=details)
    ids = [file.id for file in files]
    call.world.tell("bot_message", thread.client_id, f"The bot writes to {{name}}: {content}")
    message = people.studio_says(call.world, thread, content, by="bot", attachment_ids=ids)
    call.wrote(
        "message",
        message.id,
        client_id=thread.client_id,
        conversation_id=thread.id,
        content={"content": content, "attachment_ids": ids},
    )
    return Answer({"data": views.message(call.world, message)}, 201)


def _attachments(call: Call, fields: Fields) -> list[Attachment]:
    """The files that a message names, each once."""
    given = fields.body.get("attachment_ids") or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given) or len(given) > MOST_FILES:
        fields.fault("attachment_ids", f"The attachment_ids field must be a list of at most {MOST_FILES} ids.")
        return []
    known = call.world.tables.attachments.rows
    if any(one not in known for one in given):
        fields.fault("attachment_ids", "An attachment is not known.")
        return []
    return [known[one] for one in dict.fromkeys(given)]


def upload_url(call: Call) -> Answer:
    """Where to put a file before it is sent; above 10 MiB it is 413.

    The file goes there as a multipart form with the fields that this answers, and then can be named in a message.
    """
    fields = Fields(dict(call.query))
    name = fields.text("filename", required=True, limit=255)
    kind = fields.text("content_type", required=True, limit=255)
    size = fields.text("file_size", required=True, limit=12)
    if size and not (size.isascii() and size.isdigit() and int(size) >= 1):
        fields.fault("file_size", "The file_size field must be a positive integer.")
    if kind and kind not in CONTENT_TYPES:
        fields.fault("content_type", f"Files of this type can't be sent; these can: {', '.join(CONTENT_TYPES)}.")
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
    slot: UploadSlot = {
        "upload_url": f"{call.origin}/_uploads/{row.id}",
        "attachment_id": row.id,
        "upload_fields": {"key": row.id, "policy": "sandbox"},
        "method": "POST",
    }
    return Answer({"data": slot})


ROUTES = (
    Route(
        "GET",
        "/conversations/",
        listing,
        query=(
            PAGE,
            PAGE_SIZE,
            Param("client_id"),
            Param("message", bool, "Whether messages come with each conversation."),
            Param("message_status", MessageStatus),
        ),
        data=list[views.Conversation],
        meta=ShortPageMeta,
    ),
    Route(
        "POST",
        "/conversations/",
        create,
        documented=False,
        body=NewConversation,
        data=views.Conversation,
        status=201,
        errors=(400, 422),
    ),
    Route("GET", "/conversations/unread/count", unread, data=Unread),
    Route(
        "GET",
        "/conversations/{id}/",
        detail,
        query=(Param("messages", bool, "True where it is left out."),),
        data=views.Conversation,
        errors=(400, 404),
    ),
    Route(
        "POST",
        "/conversation_messages",
        post_message,
        body=NewMessage,
        data=views.Message,
        status=201,
        errors=(400, 404, 422),
    ),
    Route(
        "GET",
        "/conversation_message_attachments/upload_url",
        upload_url,
        query=(
            Param("filename", Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")], required=True),
            Param("content_type", Literal[CONTENT_TYPES], required=True),
            Param("file_size", Annotated[int, Field(ge=1, le=999_999_999_999)], "In bytes.", required=True),
        ),
        data=UploadSlot,
        errors=(413,),
        refuse=_refuse,
    ),
)
