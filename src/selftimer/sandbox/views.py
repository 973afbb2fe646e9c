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
        Contract,
        Invoice,
        InvoiceStatus,
        LineItem,
        Payment,
        Questionnaire,
        Quote,
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
