"""Contracts, questionnaires and quotes: how they come to be, and what clients do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.primitives.ids import ContractId, QuestionnaireId, QuoteId
from selftimer.sandbox.book import answers, money
from selftimer.sandbox.book import variables as slots
from selftimer.sandbox.book.deeds import DeedError, the
from selftimer.sandbox.book.people import convert
from selftimer.sandbox.model import (
    UNSIGNED,
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
    from collections.abc import Mapping, Sequence

    from whenever import Instant

    from selftimer.sandbox.model import Client, Invoice, LineItem
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
        body=template.body,
        sent_at=world.now if sent else None,
        variables=values_for(world, client, template, variables or {}),
        signatures=[
            Signature(
                signer_type=signer["type"],
                name=world.profile.owner if signer["type"] == "photographer" else client.name,
                email=world.profile.email if signer["type"] == "photographer" else client.email,
                required=signer["required"],
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


def values_for(world: Studio, client: Client, template: Template, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a contract's variables: those given, else what the product knows, else the template's defaults."""
    own = {"client_name": client.name, "studio_name": world.profile.name}
    known = {v["name"] for v in template.variables}
    own = {name: value for name, value in own.items() if name in known and value}
    return {**slots.defaults(template.variables), **own, **given}


def view(world: Studio, contract: Contract | str) -> Contract:
    """A client opens a contract; the first time that is news. `DeedError` for one that they can't see yet."""
    contract = the(world.tables.contracts, contract, "contract")
    if contract.status == "draft":
        raise DeedError("contract_draft", "The studio hasn't sent this contract yet.")
    if contract.status == "sent":
        set_contract(world, contract, "viewed")
    return contract


def sign(world: Studio, contract: Contract | str, signer: str = "client") -> Contract:
    """One signer signs: by type (`client`, `photographer`), e-mail or name, the first of these who hasn't yet.

    When all clients have signed, the studio's signature is set by the product (inferred): the contract is signed then,
    and `partially_signed` before. `DeedError` for one that nobody can sign any more, or a signer it doesn't know.
    """
    contract = the(world.tables.contracts, contract, "contract")
    _check_signable(world, contract)
    theirs = [s for s in contract.signatures if signer in {s.signer_type, s.email, s.name}]
    if not theirs:
        raise DeedError("signer_unknown", f"{signer} is no signer of this contract.")
    signature = next((s for s in theirs if s.signed_at is None), None)
    if signature is None:
        raise DeedError("signed_already", f"{signer} has signed this contract already.")
    signature.signed_at = world.now
    waiting = any(s.required and s.signed_at is None and s.signer_type != "photographer" for s in contract.signatures)
    set_contract(world, contract, "partially_signed" if waiting else "signed")
    return contract


def _check_signable(world: Studio, contract: Contract) -> None:
    match contract.status:
        case "draft":
            raise DeedError("contract_draft", "The studio hasn't sent this contract yet.")
        case "signed":
            raise DeedError("contract_signed", "This contract has been signed by all.")
        case "cancelled":
            raise DeedError("contract_cancelled", "The studio has cancelled this contract.")
        case _:
            pass
    if contract.status == "expired" or contract.due_date <= world.now:
        due = contract.due_date.to_tz(world.profile.zone).date()
        raise DeedError("contract_expired", f"This contract could be signed until {due}.")


def expire_contract(world: Studio, contract: Contract) -> None:
    """Its due date has come: one that still waits for a signature can't be signed any more."""
    if contract.status in UNSIGNED and world.now >= contract.due_date:
        set_contract(world, contract, "expired")


def set_contract(world: Studio, contract: Contract, status: ContractStatus) -> None:
    """A contract's next status, by hand; signatures that it says and that aren't there yet are set."""
    contract.status = status
    missing = [s for s in contract.signatures if s.required and s.signed_at is None]
    begun = any(s.signed_at for s in contract.signatures)
    if status == "signed":
        contract.signed_date = world.now
    for signature in {"signed": missing, "partially_signed": [] if begun else missing[:1]}.get(status, []):
        signature.signed_at = world.now
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
        questions=template.extra["questions"],
    )
    world.tables.questionnaires.add(form)
    world.changed()
    if sent:
        world.tell("questionnaire", client_id, f"{{name}}: {template.name} sent")
        world.at(form.due_date, form.id, "questionnaire_due", form.id)
        world.noticed("questionnaire", form)
    return form


def answer(world: Studio, form: Questionnaire | str, given: Mapping[str, answers.Answer]) -> Questionnaire:
    """A client sends their answers, by question id; `DeedError` says by question what is missing or not possible."""
    form = the(world.tables.questionnaires, form, "questionnaire")
    match form.status:
        case "draft":
            raise DeedError("questionnaire_draft", "The studio hasn't sent this questionnaire yet.")
        case "completed":
            raise DeedError("questionnaire_completed", "This questionnaire has been answered.")
        case _:
            pass
    if form.status == "expired" or form.due_date <= world.now:
        due = form.due_date.to_tz(world.profile.zone).date()
        raise DeedError("questionnaire_expired", f"This questionnaire could be answered until {due}.")
    form.responses = answers.checked(form.questions, given)
    set_questionnaire(world, form, "completed")
    return form


def expire_questionnaire(world: Studio, form: Questionnaire) -> None:
    """Its due date has come: one without answers can't be answered any more."""
    if form.status == "pending" and world.now >= form.due_date:
        set_questionnaire(world, form, "expired")


def set_questionnaire(
    world: Studio, form: Questionnaire, status: QuestionnaireStatus, responses: Sequence[str] = ()
) -> None:
    """A questionnaire's next status; `responses` are answers as the owner would note them, in order and unchecked."""
    form.status = status
    form.updated_at = world.now
    if status == "completed":
        form.completed_at = world.now
    if responses:
        form.responses = [
            {"field_name": question["id"], "field_label": question["question_text"], "response": said}
            for question, said in zip(form.questions, responses, strict=False)
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


def package_items(world: Studio, client_id: str, template: Template, *, by: Author) -> list[LineItem]:
    """The packages of a quote's template as lines, each as often as the template has it by default."""
    return [
        money.line(world, client_id, item["name"], item["base_price"], item["default_quantity"], by=by)
        for item in template.extra["package_items"]
        if item["default_quantity"]
    ]


def accept_quote(world: Studio, quote: Quote | str) -> Invoice:
    """A client takes an offer: that is a booking, and the studio bills it with the lines of the offer (inferred).

    The invoice is due by the studio's default terms. `DeedError` for an offer that can't be taken any more.
    """
    quote = the(world.tables.quotes, quote, "quote")
    _check_open(world, quote)
    terms = next(t for t in world.tables.templates if t.kind == "invoice" and t.extra["is_default"])
    today = world.now.to_tz(world.profile.zone).date()
    items = [
        money.line(
            world,
            quote.client_id,
            item.name,
            item.amount,
            item.quantity,
            description=item.description,
            taxable=item.taxable,
        )
        for item in quote.items
    ]
    invoice = money.add_invoice(
        world,
        quote.client_id,
        items,
        today.add(days=terms.extra["payment_terms_days"]),
        by="studio",
        quote_id=quote.id,
        currency=quote.currency,
    )
    quote.invoice_id = invoice.id
    set_quote(world, quote, "accepted")
    return invoice


def decline_quote(world: Studio, quote: Quote | str) -> Quote:
    """A client says no to an offer; `DeedError` for one that has been answered or has run out."""
    quote = the(world.tables.quotes, quote, "quote")
    _check_open(world, quote)
    set_quote(world, quote, "declined")
    return quote


def _check_open(world: Studio, quote: Quote) -> None:
    if quote.status == "draft":
        raise DeedError("quote_draft", "The studio hasn't sent this quote yet.")
    if quote.status in {"accepted", "declined"}:
        raise DeedError("quote_answered", f"This quote has been {quote.status}.")
    if quote.status == "expired" or quote.valid_until <= world.now:
        until = quote.valid_until.to_tz(world.profile.zone).date()
        raise DeedError("quote_expired", f"This quote was valid until {until}.")


def expire_quote(world: Studio, quote: Quote) -> None:
    """Its last day is over: nobody can take it any more."""
    if quote.status == "sent" and world.now >= quote.valid_until:
        set_quote(world, quote, "expired")


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
