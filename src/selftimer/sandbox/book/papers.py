"""Contracts, questionnaires and quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.primitives.ids import ContractId, QuestionnaireId, QuoteId
from selftimer.sandbox.book.people import convert
from selftimer.sandbox.model import (
    Author,
    Contract,
    ContractStatus,
    Questionnaire,
    QuestionnaireStatus,
    Quote,
    QuoteStatus,
    Signature,
    Template,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

    from selftimer.sandbox.model import LineItem
    from selftimer.sandbox.studio import Studio

QUESTIONNAIRE_DAYS = 21
"""How long a questionnaire waits where nobody said otherwise."""


def days_after(instant: Instant, days: int) -> Instant:
    """That many times 24 hours later, as the product counts due days of documents."""
    return instant.add(hours=24 * days)


def add_contract(
    world: Studio,
    client_id: str,
    template: Template,
    *,
    by: Author,
    sent: bool = True,
    due: Instant | None = None,
    variables: dict[str, Any] | None = None,
) -> Contract:
    """A contract made of a template; due its `due_days` after creation unless told otherwise, then it expires."""
    client = world.tables.clients.rows[client_id]
    contract = Contract(
        id=world.new_id(ContractId, client_id, by),
        created_at=world.now,
        client_id=client_id,
        number=f"C-{world.next_number('contract'):04}",
        template_id=template.id,
        status="sent" if sent else "draft",
        due_date=due or days_after(world.now, template.extra["due_days"]),
        author=by,
        sent_at=world.now if sent else None,
        variables={"client_name": client.name, "studio_name": world.profile.name, **(variables or {})},
        signatures=[
            Signature(
                signer_type=signer["type"],
                name=world.profile.owner if signer["type"] == "photographer" else client.name,
                email=world.profile.email if signer["type"] == "photographer" else client.email,
            )
            for signer in template.extra["signers"]
        ],
    )
    world.tables.contracts.add(contract)
    world.changed()
    if sent:
        world.tell("contract", client_id, f"{{name}}: contract {contract.number} sent")
        world.at(contract.due_date, contract.id, "contract_due", contract.id)
        world.noticed("contract", contract)
    return contract


def set_contract(world: Studio, contract: Contract, status: ContractStatus) -> None:
    """A contract's next status; signing makes the signatures' times."""
    contract.status = status
    if status in {"signed", "partially_signed"}:
        for signature in contract.signatures:
            if signature.signed_at is None:
                signature.signed_at = world.now
                if status == "partially_signed":
                    break
    if status == "signed":
        contract.signed_date = world.now
    world.tables.contracts.touch(contract.id)
    world.changed()
    world.tell(f"contract_{status}", contract.client_id, f"{{name}}: contract {contract.number} {_said(status)}")
    world.noticed("contract_changed", contract)


def add_questionnaire(
    world: Studio, client_id: str, template: Template, *, by: Author, sent: bool = True, due: Instant | None = None
) -> Questionnaire:
    """A questionnaire; sent ones are pending, and expire when they are due."""
    form = Questionnaire(
        id=world.new_id(QuestionnaireId, client_id, by),
        created_at=world.now,
        updated_at=world.now,
        client_id=client_id,
        template_id=template.id,
        status="pending" if sent else "draft",
        due_date=due or days_after(world.now, QUESTIONNAIRE_DAYS),
        author=by,
    )
    world.tables.questionnaires.add(form)
    world.changed()
    if sent:
        world.tell("questionnaire", client_id, f"{{name}}: {template.name} sent")
        world.at(form.due_date, form.id, "questionnaire_due", form.id)
        world.noticed("questionnaire", form)
    return form


def set_questionnaire(
    world: Studio, form: Questionnaire, status: QuestionnaireStatus, responses: Sequence[str] = ()
) -> None:
    """A questionnaire's next status; a completed one holds the answers."""
    form.status = status
    form.updated_at = world.now
    if status == "completed":
        form.completed_at = world.now
        template = world.tables.templates.rows[form.template_id]
        form.responses = [
            {"field_name": question["id"], "field_label": question["question_text"], "response": answer}
            for question, answer in zip(template.extra["questions"], responses, strict=False)
        ]
    world.tables.questionnaires.touch(form.id)
    world.changed()
    world.tell(f"questionnaire_{status}", form.client_id, f"{{name}}: questionnaire {_said(status)}")
    world.noticed("questionnaire_changed", form)


def add_quote(
    world: Studio, client_id: str, template: Template, items: Sequence[LineItem], *, by: Author, sent: bool = True
) -> Quote:
    """An offer; valid for its template's `validity_days`."""
    quote = Quote(
        id=world.new_id(QuoteId, client_id, by),
        created_at=world.now,
        client_id=client_id,
        template_id=template.id,
        status="sent" if sent else "draft",
        valid_until=days_after(world.now, template.extra["validity_days"]),
        currency=world.profile.currency,
        items=list(items),
        author=by,
    )
    world.tables.quotes.add(quote)
    world.changed()
    if sent:
        world.tell("quote", client_id, "{name}: quote sent")
        world.at(quote.valid_until, quote.id, "quote_due", quote.id)
        world.noticed("quote", quote)
    return quote


def set_quote(world: Studio, quote: Quote, status: QuoteStatus) -> None:
    """A quote's next status; an accepted one is a booking."""
    quote.status = status
    world.tables.quotes.touch(quote.id)
    world.changed()
    world.tell(f"quote_{status}", quote.client_id, f"{{name}}: quote {status}")
    if status == "accepted":
        convert(world, quote.client_id)
    world.noticed("quote_changed", quote)


def _said(status: str) -> str:
    return status.replace("_", " ")
