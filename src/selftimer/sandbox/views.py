"""The JSON of each record, as the API shows it (studio-api.md). One place to change when the real thing differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.money_words import formatted

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.sandbox.model import (
        Client,
        Collection,
        Contract,
        Conversation,
        Invoice,
        InvoiceStatus,
        LineItem,
        Message,
        Payment,
        Questionnaire,
        Quote,
        Session,
        SessionType,
    )
    from selftimer.sandbox.profile import InvoiceVocabulary
    from selftimer.sandbox.studio import Studio

Json = dict[str, Any]

INVOICE_WORDS: dict[InvoiceVocabulary, dict[InvoiceStatus, str]] = {
    "product": {
        "draft": "Draft",
        "unpaid": "Unpaid",
        "partially_paid": "Partially Paid",
        "past_due": "Past Due",
        "paid": "Paid",
        "canceled": "Canceled",
    },
    "reference": {
        "draft": "draft",
        "unpaid": "sent",
        "partially_paid": "sent",
        "past_due": "overdue",
        "paid": "paid",
        "canceled": "cancelled",
    },
}
"""Both vocabularies in use; the reference's has no word for canceled, so contracts' spelling is taken."""


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


def client_brief(world: Studio, client_id: str) -> Json | None:
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


def line_item(row: LineItem, currency: str) -> Json:
    """A line of an invoice or quote."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description or None,
        "quantity": row.quantity,
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, currency),
        "taxable": row.taxable,
        "tax_rate": 0,
        "tax_amount": 0,
    }


def invoice(world: Studio, row: Invoice, *, payments: bool) -> Json:
    """An invoice; its payments only where `expand=all` asked for them."""
    seen: Json = {
        "id": row.id,
        "invoice_number": row.number,
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, row.currency),
        "currency": row.currency,
        "status": INVOICE_WORDS[world.profile.invoice_vocabulary][row.status],
        "due_date": str(row.due_date),
        "created_at": stamp(row.created_at),
        "client": client_brief(world, row.client_id),
        "line_items": [line_item(item, row.currency) for item in row.items],
    }
    if payments:
        seen["payments"] = [payment(world, p) for p in row.payments]
        documents = [{"type": "session", "id": row.session_id}] if row.session_id else []
        seen["associated_documents"] = documents
    return seen


def payment(world: Studio, row: Payment) -> Json:
    """A payment; card processors keep 2.9 percent."""
    fee = row.amount * 29 // 1000 if row.method == "card" and row.status != "failed" else 0
    return {
        "id": row.id,
        "invoice_id": row.invoice_id,
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, row.currency),
        "currency": row.currency,
        "payment_date": stamp(row.created_at),
        "payment_method": row.method,
        "payment_method_details": {"last4": "4242", "brand": "visa"} if row.method == "card" else None,
        "status": row.status,
        "amount_refunded": row.refunded,
        "transaction_fee": 0,
        "processor_fee": fee,
        "net_amount": row.amount - fee - row.refunded,
        "client": client_brief(world, row.client_id),
    }


def contract(world: Studio, row: Contract) -> Json:
    """A contract with its text and signatures."""
    template = world.tables.templates.rows[row.template_id]
    body = template.body
    for name, value in row.variables.items():
        body = body.replace("{{" + name + "}}", str(value))
    return {
        "id": row.id,
        "contract_number": row.number,
        "status": row.status,
        "created_at": stamp(row.created_at),
        "sent_at": optional(row.sent_at),
        "due_date": stamp(row.due_date),
        "signed_date": optional(row.signed_date),
        "client": client_brief(world, row.client_id),
        "template": {"id": template.id, "name": template.name, "due_days": template.extra["due_days"]},
        "content": {"rendered_html": body, "variables": row.variables},
        "signatures": [
            {
                "signer_type": s.signer_type,
                "signer_name": s.name,
                "signer_email": s.email,
                "signed_at": optional(s.signed_at),
                "signature_image_url": None,
            }
            for s in row.signatures
        ],
    }


def questionnaire(world: Studio, row: Questionnaire) -> Json:
    """A questionnaire with the answers, once there are any."""
    template = world.tables.templates.rows[row.template_id]
    return {
        "id": row.id,
        "status": row.status,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "completed_at": optional(row.completed_at),
        "due_date": stamp(row.due_date),
        "template": {"id": template.id, "name": template.name},
        "client": client_brief(world, row.client_id),
        "responses": row.responses,
    }


def quote(world: Studio, row: Quote) -> Json:
    """A quote (inferred)."""
    template = world.tables.templates.rows[row.template_id]
    return {
        "id": row.id,
        "status": row.status,
        "created_at": stamp(row.created_at),
        "valid_until": stamp(row.valid_until),
        "amount": row.amount,
        "amount_formatted": formatted(row.amount, row.currency),
        "currency": row.currency,
        "client": client_brief(world, row.client_id),
        "template": {"id": template.id, "name": template.name},
        "items": [line_item(item, row.currency) for item in row.items],
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
