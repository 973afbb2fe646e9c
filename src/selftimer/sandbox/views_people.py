"""The JSON of clients, conversations and messages (studio-api.md, Clients and leads; Conversations)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired

from typing_extensions import TypedDict

from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.model import ClientType, ConversationStatus, SenderType
from selftimer.sandbox.view_types import Count, Stamp, closed
from selftimer.sandbox.views import optional

if TYPE_CHECKING:
    from selftimer.sandbox import model
    from selftimer.sandbox.studio import Studio


@closed
class Address(TypedDict):
    """Where a client lives; what nobody filled in is null."""

    address_line_1: str | None
    address_line_2: str | None
    city: str | None
    postal_code: str | None
    state: str | None
    country: str | None
    country_id: str | None


@closed
class Client(TypedDict):
    """A client, lead or other contact; there is no `updated_at`."""

    id: str
    email: str
    status_name: Literal["Active", "Archived"]
    first_name: str
    last_name: str
    phone: str | None
    company: str | None
    job_title: str | None
    address_info: Address
    notes: str | None
    avatar_color: str
    created_at: Stamp
    sample: bool
    type: ClientType
    type_formatted: Literal["Client", "Lead", "Other"]


_TYPES: dict[ClientType, Literal["Client", "Lead", "Other"]] = {"client": "Client", "lead": "Lead", "other": "Other"}


def client(row: model.Client) -> Client:
    """A client."""
    place = row.address
    return {
        "id": row.id,
        "email": row.email,
        "status_name": "Archived" if row.archived else "Active",
        "first_name": row.first_name,
        "last_name": row.last_name,
        "phone": row.phone or None,
        "company": row.company or None,
        "job_title": row.job_title or None,
        "address_info": {
            "address_line_1": place.get("address_line_1"),
            "address_line_2": place.get("address_line_2"),
            "city": place.get("city"),
            "postal_code": place.get("postal_code"),
            "state": place.get("state"),
            "country": place.get("country"),
            "country_id": place.get("country_id"),
        },
        "notes": row.notes or None,
        "avatar_color": row.avatar_color,
        "created_at": stamp(row.created_at),
        "sample": row.sample,
        "type": row.type,
        "type_formatted": _TYPES[row.type],
    }


@closed
class Participant(TypedDict):
    """One side of a conversation."""

    id: str
    name: str
    email: str
    type: Literal["client", "photographer"]
    avatar_color: str


@closed
class Attachment(TypedDict):
    """A file of a message; `url` is a path on the studio's own origin."""

    id: str
    filename: str
    file_size: Count
    content_type: str
    url: str


@closed
class Message(TypedDict):
    """A message; `read_at` is null until the other side has read it."""

    id: str
    conversation_id: str
    content: str
    sent_at: Stamp
    read_at: Stamp | None
    sender_type: SenderType
    sender_id: str
    attachments: list[Attachment]


@closed
class Conversation(TypedDict):
    """A conversation; its messages, oldest first, where they were asked for."""

    id: str
    client_id: str
    subject: str
    created_at: Stamp
    updated_at: Stamp
    last_message_at: Stamp | None
    status: ConversationStatus
    unread_count: Count
    participants: list[Participant]
    messages: NotRequired[list[Message]]


def conversation(world: Studio, row: model.Conversation, *, messages: bool) -> Conversation:
    """A conversation, the client first among those who take part."""
    owner = world.profile
    person = world.tables.clients.get(row.client_id)
    people: list[Participant] = []
    if person is not None:
        people.append(
            {
                "id": person.id,
                "name": person.name,
                "email": person.email,
                "type": "client",
                "avatar_color": person.avatar_color,
            }
        )
    people.append(
        {
            "id": owner.account_id,
            "name": owner.owner,
            "email": owner.email,
            "type": "photographer",
            "avatar_color": "#444444",
        }
    )
    seen: Conversation = {
        "id": row.id,
        "client_id": row.client_id,
        "subject": row.subject,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "last_message_at": optional(row.last_message_at),
        "status": row.status,
        "unread_count": row.unread,
        "participants": people,
    }
    if messages:
        seen["messages"] = [message(world, m) for m in row.messages]
    return seen


def message(world: Studio, row: model.Message) -> Message:
    """A message with its attachments."""
    files = [world.tables.attachments.rows[file_id] for file_id in row.attachment_ids]
    return {
        "id": row.id,
        "conversation_id": row.conversation_id,
        "content": row.content,
        "sent_at": stamp(row.sent_at),
        "read_at": optional(row.read_at),
        "sender_type": row.sender_type,
        "sender_id": row.sender_id,
        "attachments": [
            {
                "id": file.id,
                "filename": file.filename,
                "file_size": file.file_size,
                "content_type": file.content_type,
                "url": f"/files/{file.id}",
            }
            for file in files
        ],
    }
