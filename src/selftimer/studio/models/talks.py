"""Conversations, their messages and files (studio-api.md, Conversations: documented)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from selftimer.studio import wire as w
from selftimer.studio.models.base import Entry
from selftimer.studio.wire_models import ConversationWire, MessageWire, ParticipantWire


class Participant(ParticipantWire, Entry):
    """Who takes part: the client, or the photographer."""

    name: w.Text = None
    avatar_color: w.Text = None


class Attachment(Entry):
    """A file of a message; `file_size` is bytes."""

    id: w.AttachmentId
    filename: w.Text = None
    file_size: int | None = None
    content_type: w.Text = None
    url: w.Text = None


class Message(MessageWire, Entry):
    """A message; `sender_type` is `client`, `photographer` or `system`."""

    read_at: w.Stamp = None
    attachments: Annotated[tuple[Attachment, ...], w.ListOf] = ()


class Conversation(ConversationWire, Entry):
    """A thread with a client. Its messages are there where they were asked for."""

    updated_at: w.Stamp = None
    participants: Annotated[tuple[Participant, ...], w.ListOf] = ()
    messages: Annotated[tuple[Message, ...], w.ListOf] = ()

    @model_validator(mode="before")
    @classmethod
    def _whose_messages(cls, value: Any) -> Any:
        """A message inside its conversation needn't say which one that is."""
        if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
            return value
        own = {"conversation_id": value.get("id")}
        told = [own | entry if isinstance(entry, dict) else entry for entry in value["messages"]]
        return value | {"messages": told}


class Unread(Entry):
    """How many messages of clients nobody has read, and in how many conversations."""

    unread_count: w.Count = 0
    conversations_with_unread: w.Count = 0


class UploadAddress(Entry):
    """Where a file goes, with the form's other fields, and the id that it has afterwards."""

    upload_url: str
    attachment_id: w.AttachmentId
    upload_fields: dict[str, Any] = Field(default_factory=dict)
    method: str = "POST"
