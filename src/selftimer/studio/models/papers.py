"""Contracts, questionnaires and quotes (studio-api.md, Contracts, questionnaires, quotes)."""

from __future__ import annotations

from typing import Annotated

from selftimer.studio import wire as w
from selftimer.studio.models.base import Entry
from selftimer.studio.models.billing import Invoice, InvoiceLine, Person
from selftimer.studio.wire_models import ContractWire, QuestionnaireWire, QuoteWire


class Signature(Entry):
    """Who signed a contract, and when."""

    signer_type: w.Text = None
    signer_name: w.Text = None
    signer_email: w.Text = None
    signed_at: w.Stamp = None
    signature_image_url: w.Text = None


class Content(Entry):
    """What stands in a contract: its HTML, and the variables that went into it."""

    rendered_html: w.Text = None
    variables: object = None


class Contract(ContractWire, Entry):
    """A contract (documented)."""

    client: Person | None = None
    content: Content | None = None
    signatures: Annotated[tuple[Signature, ...], w.ListOf] = ()


class Response(Entry):
    """An answer in a questionnaire."""

    field_name: w.Text = None
    field_label: w.Text = None
    response: object = None


class Questionnaire(QuestionnaireWire, Entry):
    """A questionnaire (documented)."""

    client: Person | None = None
    updated_at: w.Stamp = None
    responses: Annotated[tuple[Response, ...], w.ListOf] = ()


class Quote(QuoteWire, Entry):
    """A quote (inferred)."""

    client: Person | None = None
    items: Annotated[tuple[InvoiceLine, ...], w.ListOf] = ()
    invoice_id: w.InvoiceId | None = None


Document = Contract | Invoice | Questionnaire | Quote
"""What `GET /clients/{id}/documents` lists."""
