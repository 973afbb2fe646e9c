"""The JSON of contracts, questionnaires and quotes, as the API shows it (studio-api.md).

Client, template and the rest are always there, whatever `expand` asks for (inferred). The types are what the calls'
description is made of: a member that isn't here doesn't come.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import TypedDict

from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.model import ContractStatus, QuestionnaireStatus, QuoteStatus
from selftimer.sandbox.money_words import formatted
from selftimer.sandbox.view_types import Count, Currency, MinorFromZero, Stamp, closed
from selftimer.sandbox.views import ClientBrief, client_brief, optional
from selftimer.sandbox.views_money import LineItemView, line_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.sandbox.model import Contract, Questionnaire, Quote
    from selftimer.sandbox.studio import Studio

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
VariableValue = str | int | float | bool
"""What a template's variable can be."""


@closed
class TemplateBrief(TypedDict):
    """The template that a paper was made of."""

    id: str
    name: str


@closed
class ContractTemplateBrief(TemplateBrief):
    """The template of a contract."""

    due_days: Count


@closed
class ContractContent(TypedDict):
    """What a contract says: the template's text with the variables put in, escaped."""

    rendered_html: str
    variables: dict[str, VariableValue]


@closed
class SignatureView(TypedDict):
    """A signer of a contract, and when they signed."""

    signer_type: Literal["client", "photographer"]
    signer_name: str
    signer_email: str
    signed_at: Stamp | None
    signature_image_url: None


@closed
class ContractView(TypedDict):
    """A contract."""

    id: str
    contract_number: str
    status: ContractStatus
    created_at: Stamp
    sent_at: Stamp | None
    due_date: Stamp
    signed_date: Stamp | None
    client: ClientBrief | None
    template: ContractTemplateBrief
    content: ContractContent
    signatures: list[SignatureView]


@closed
class ResponseView(TypedDict):
    """An answer; several choices stand in one text, with commas between them."""

    field_name: str
    field_label: str
    response: str


@closed
class QuestionnaireView(TypedDict):
    """A questionnaire."""

    id: str
    status: QuestionnaireStatus
    created_at: Stamp
    updated_at: Stamp
    completed_at: Stamp | None
    due_date: Stamp
    template: TemplateBrief
    client: ClientBrief | None
    responses: list[ResponseView]


@closed
class QuoteView(TypedDict):
    """A quote (inferred, all of it); `invoice_id` is the invoice that was made when it was accepted."""

    id: str
    status: QuoteStatus
    created_at: Stamp
    valid_until: Stamp
    amount: MinorFromZero
    amount_formatted: str
    currency: Currency
    client: ClientBrief | None
    template: TemplateBrief
    items: list[LineItemView]
    invoice_id: str | None


def rendered(body: str, values: Mapping[str, Any]) -> str:
    """A template's HTML with the values put in, escaped; a variable without a value leaves nothing behind."""

    def one(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        return escape({True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value))

    return _PLACEHOLDER.sub(one, body)


def contract(world: Studio, row: Contract) -> ContractView:
    """A contract with its text and signatures."""
    template = world.tables.templates.rows[row.template_id]
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
        "content": {"rendered_html": rendered(row.body, row.variables), "variables": row.variables},
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


def questionnaire(world: Studio, row: Questionnaire) -> QuestionnaireView:
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
        "responses": [
            {"field_name": r["field_name"], "field_label": r["field_label"], "response": r["response"]}
            for r in row.responses
        ],
    }


def quote(world: Studio, row: Quote) -> QuoteView:
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
        "invoice_id": row.invoice_id,
    }
