"""The JSON of each record, as the API shows it (studio-api.md). One place to change when the real thing differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.money_words import formatted
from selftimer.sandbox.view_types import closed

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.sandbox.model import (
        Client,
        Collection,
        Conversation,
        Message,
        Session,
        SessionType,
    )
    from selftimer.sandbox.studio import Studio

Json = dict[str, Any]


def optional(instant: Instant | None) -> str | None:
    """The instant as the API writes it, or null."""
    return stamp(instant) if instant is not None else None


def client(row: Client) -> Json:
    """A client; there is no `updated_at`."""
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
            "address_line_1": None,
            "address_line_2": None,
            "city": None,
            "postal_code": None,
            "state": None,
            "country": None,
            "country_id": None,
            **row.address,
        },
        "notes": row.notes or None,
        "avatar_color": row.avatar_color,
        "created_at": stamp(row.created_at),
        "sample": row.sample,
        "type": row.type,
        "type_formatted": row.type.title(),
    }


@closed
class ClientBrief(TypedDict):
    """A client inside another record."""

    id: str
    first_name: str
    last_name: str
    email: str


def client_brief(world: Studio, client_id: str) -> ClientBrief | None:
    """A client inside another record."""
    row = world.tables.clients.get(client_id)
    if row is None:
        return None
    return {"id": row.id, "first_name": row.first_name, "last_name": row.last_name, "email": row.email}


def session_type(world: Studio, row: SessionType) -> Json:
    """A session type with its schedule."""
    currency = world.profile.currency
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "duration": row.duration,
        "location": row.location or None,
        "description": row.description,
        "payment_amount_full": row.price,
        "payment_amount_full_formatted": formatted(row.price, currency),
        "payment_amount_partial": row.deposit,
        "payment_amount_partial_formatted": formatted(row.deposit, currency),
        "currency": currency,
        "collect_payment": True,
        "minimum_notice_duration": row.lead_days[0],
        "maximum_notice_duration": row.lead_days[1],
        "payment_methods": [{"name": "Card", "enabled": True, "type": "card", "instructions": None}],
        "session_type_schedule": {
            "id": f"sch_{row.id.removeprefix('set_')}",
            "name": "Opening hours",
            "schedule_type": "weekly",
            "display_timezone": world.profile.zone,
            "session_type_schedule_intervals": [],
        },
        "contract_template_id": row.contract_template_id,
        "auto_send_contract": False,
        "contract_required_for_booking": False,
        "created_at": stamp(row.created_at),
    }


def session(world: Studio, row: Session) -> Json:
    """A session (inferred: the list's record is not documented)."""
    kind = world.tables.session_types.rows[row.type_id]
    return {
        "id": row.id,
        "status": row.status,
        "start_at": stamp(row.start_at),
        "end_at": stamp(row.end_at),
        "timezone": world.profile.zone,
        "location": row.location or None,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "client": client_brief(world, row.client_id),
        "session_type": {"id": kind.id, "name": kind.name, "duration": kind.duration},
        "invoice_id": row.invoice_id,
        "contract_id": row.contract_id,
        "questionnaire_id": row.questionnaire_id,
    }


def conversation(world: Studio, row: Conversation, *, messages: bool) -> Json:
    """A conversation; its messages, oldest first, unless they were left out."""
    owner = world.profile
    person = world.tables.clients.get(row.client_id)
    people: list[Json] = [
        {
            "id": owner.account_id,
            "name": owner.owner,
            "email": owner.email,
            "type": "photographer",
            "avatar_color": "#444444",
        }
    ]
    if person is not None:
        people.insert(
            0,
            {
                "id": person.id,
                "name": person.name,
                "email": person.email,
                "type": "client",
                "avatar_color": person.avatar_color,
            },
        )
    seen: Json = {
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


def message(world: Studio, row: Message) -> Json:
    """A message with its attachments."""
    files = [world.tables.attachments.get(file_id) for file_id in row.attachment_ids]
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
            if file is not None
        ],
    }


def collection(row: Collection) -> Json:
    """A gallery collection (Gallery API); ids are eight digits, kept as text."""
    return {
        "id": row.id,
        "name": row.name,
        "description": None,
        "gallery_count": 1,
        "client_count": 1,
        "photo_count": row.photo_count,
        "video_count": 0,
        "password_protected": False,
        "downloadable": True,
        "expiry_date": str(row.expiry_date) if row.expiry_date else None,
        "created_at": stamp(row.created_at),
    }
