"""Clients, their conversations and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.primitives.ids import ClientId, ConversationId, MessageId
from selftimer.sandbox.model import Author, Client, ClientType, Conversation, Message

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.sandbox.studio import Studio

_COLORS = ("#8a9a5b", "#b0664a", "#4a6fa5", "#7d5ba6", "#c2a83e")


def add_client(
    world: Studio,
    *,
    first_name: str,
    last_name: str,
    email: str,
    client_type: ClientType = "lead",
    person: str = "",
    by: Author = "studio",
    **fields: Any,
) -> Client:
    """A new contact; a surname given to a person of the sandbox is noted as their canary."""
    client = Client(
        id=world.new_id(ClientId, person or email, by),
        created_at=world.now,
        first_name=first_name,
        last_name=last_name,
        email=email,
        type=client_type,
        person=person,
        avatar_color=_COLORS[len(last_name + email) % len(_COLORS)],
        **fields,
    )
    client.client_id = ""
    world.tables.clients.add(client)
    if last_name and by != "bot":
        world.ledger.canaries[client.id] = last_name
    world.changed()
    return client


def contact(world: Studio, *, email: str, first_name: str, last_name: str = "", phone: str = "") -> Client:
    """Whoever fills in one of the studio's forms: the contact with this address, or a new one, who is a lead."""
    for client in world.tables.clients:
        if client.email.lower() == email.lower():
            return client
    return add_client(world, first_name=first_name, last_name=last_name, email=email, phone=phone, by="client")


def update_client(world: Studio, client: Client, **fields: Any) -> None:
    """Change fields of a client; records that show the client change with it."""
    if all(getattr(client, name) == value for name, value in fields.items()):
        return
    for name, value in fields.items():
        setattr(client, name, value)
    world.tables.clients.touch(client.id)
    for table in world.tables.all():
        table.touch_client(client.id)
    world.changed()


def convert(world: Studio, client_id: str) -> None:
    """A lead or other that books or pays becomes a client (studio-api.md, Business rules)."""
    client = world.tables.clients.get(client_id)
    if client and client.type != "client":
        update_client(world, client, type="client")
        world.tell("converted", client_id, "{name} is a client now")


def conversation_of(world: Studio, client_id: str) -> Conversation | None:
    """The client's conversation that was made last."""
    found = world.tables.conversations.of_client(client_id)
    return found[-1] if found else None


def open_conversation(world: Studio, client_id: str, subject: str, *, by: Author) -> Conversation:
    """A new conversation, still without messages."""
    conversation = Conversation(
        id=world.new_id(ConversationId, client_id, by),
        created_at=world.now,
        updated_at=world.now,
        client_id=client_id,
        subject=subject,
    )
    world.tables.conversations.add(conversation)
    world.changed()
    return conversation


def client_says(world: Studio, client_id: str, text: str, *, subject: str = "Inquiry") -> Message:
    """A client writes; whatever the studio wrote before has been read by then."""
    thread = conversation_of(world, client_id) or open_conversation(world, client_id, subject, by="client")
    for message in thread.messages:
        if message.read_at is None and message.sender_type == "photographer":
            message.read_at = world.now
    message = _append(world, thread, text, by="client")
    thread.unread += 1
    world.noticed("inbound", message)
    return message


def client_tells(world: Studio, client_id: str, text: str, what: str, *, kind: str = "message") -> Message:
    """A client writes, and the story says so: `what` they do, and the beginning of their words."""
    world.tell(kind, client_id, f"{{name}} {what}: {text}")
    return client_says(world, client_id, text)


def studio_says(
    world: Studio, thread: Conversation, text: str, *, by: Author, attachment_ids: list[str] | None = None
) -> Message:
    """The studio writes: the bot through the API, or the owner by hand."""
    message = _append(world, thread, text, by=by)
    message.attachment_ids = list(attachment_ids or [])
    world.noticed("outbound", message)
    return message


def read_inbox(world: Studio) -> None:
    """The owner opens the inbox: nothing is unread any more."""
    for thread in world.tables.conversations:
        if thread.unread:
            thread.unread = 0
            for message in thread.messages:
                if message.sender_type == "client" and message.read_at is None:
                    message.read_at = world.now
            world.tables.conversations.touch(thread.id)
            world.changed()


def last_from(thread: Conversation, sender: str) -> Instant | None:
    """When that side wrote last, if ever."""
    return next((m.sent_at for m in reversed(thread.messages) if m.sender_type == sender), None)


def _append(world: Studio, thread: Conversation, text: str, *, by: Author) -> Message:
    from_client = by == "client"
    message = Message(
        id=world.new_id(MessageId, thread.id, by),
        conversation_id=thread.id,
        content=text,
        sent_at=world.now,
        sender_type="client" if from_client else "photographer",
        sender_id=thread.client_id if from_client else world.profile.account_id,
        author=by,
    )
    thread.messages.append(message)
    thread.updated_at = thread.last_message_at = world.now
    world.tables.conversations.touch(thread.id)
    world.changed()
    return message
