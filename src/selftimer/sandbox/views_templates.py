"""The JSON of templates (studio-api.md, Templates): each kind has its own part."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.model import TemplateStatus
from selftimer.sandbox.view_types import Count, MinorFromZero, Stamp, closed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.sandbox import model

VariableType = Literal["text", "email", "date", "time", "number", "currency", "boolean", "url"]
Value = str | int | float | bool
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Variable(TypedDict):
    """What a template's `{{name}}` stands for."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    type: VariableType
    required: bool
    default_value: Value | None
    format: str | None
    description: str | None
    validation: dict[str, Any] | None


class Signer(TypedDict):
    """Who signs a contract, and when in turn."""

    type: Literal["client", "photographer"]
    required: bool
    order: Annotated[int, Field(ge=1, le=20)]
    title: Annotated[str, Field(max_length=200)]


class Reminders(TypedDict):
    """The product's own mail before a contract is due."""

    enabled: bool
    days_before_due: Annotated[int, Field(ge=0, le=365)]
    reminder_subject: Annotated[str, Field(max_length=500)]
    reminder_message: Annotated[str, Field(max_length=5000)]


class Question(TypedDict):
    """A question of a questionnaire."""

    id: str
    order: int
    question_text: str
    field_type: str
    required: bool
    options: list[str]
    validation: dict[str, Any] | None


class PackageItem(TypedDict):
    """A package of a quote; the price in the smallest unit."""

    id: str
    name: str
    base_price: MinorFromZero
    is_required: bool
    default_quantity: Count
    max_quantity: Count


class PricingSettings(TypedDict):
    """How a quote is priced; here the currency's code is in upper case."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Template(TypedDict):
    id: str
    name: str
    status: TemplateStatus
    created_at: Stamp
    updated_at: Stamp
    variables: list[Variable]


@closed
class EmailTemplate(_Template):
    """An e-mail."""

    subject: str
    html_body: str


@closed
class ContractTemplate(_Template):
    """A contract; due so many days after it was made."""

    html_body: str
    due_days: Count
    signers: list[Signer]
    reminders: Reminders


@closed
class InvoiceTemplate(_Template):
    """Terms of an invoice; here the currency's code is in upper case."""

    payment_terms_days: Count
    late_fee: dict[str, Any] | None
    accepted_methods: list[str]
    is_default: bool
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


@closed
class QuestionnaireTemplate(_Template):
    """Questions."""

    questions: list[Question]


@closed
class QuoteTemplate(_Template):
    """An offer."""

    validity_days: Count
    package_items: list[PackageItem]
    pricing_settings: PricingSettings


@closed
class Rendered(TypedDict):
    """A template with values in it: as HTML, as text, or both; `missing_variables` are required and have no value."""

    subject: str
    html_content: NotRequired[str]
    text_content: NotRequired[str]
    rendered_variables: dict[str, str]
    missing_variables: list[str]


def template(row: model.Template) -> dict[str, Any]:
    """A template; what is in it depends on its kind."""
    seen: dict[str, Any] = {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "variables": row.variables,
        **row.extra,
    }
    if row.kind == "email":
        seen["subject"] = row.subject
    if row.kind in {"email", "contract"}:
        seen["html_body"] = as_html(row.body)
    return seen


def rendered(row: model.Template, values: Mapping[str, str], form: str, missing: list[str]) -> Rendered:
    """The template's text with these values; in HTML they are escaped, placeholders without a value stay."""

    def put(text: str, *, html: bool) -> str:
        def one(match: re.Match[str]) -> str:
            value = values.get(match[1])
            if value is None:
                return match[0]
            return escape(value) if html else value

        return PLACEHOLDER.sub(one, text)

    seen: Rendered = {
        "subject": put(row.subject, html=False),
        "rendered_variables": dict(values),
        "missing_variables": missing,
    }
    if form != "text":
        seen["html_content"] = put(as_html(row.body), html=True)
    if form != "html":
        seen["text_content"] = put(as_text(row.body), html=False)
    return seen


def as_html(text: str) -> str:
    """Markup as it is, plain lines as paragraphs."""
    return (
        text if text.startswith("<") else "".join(f"<p>{escape(line, quote=False)}</p>" for line in text.splitlines())
    )


def as_text(text: str) -> str:
    """Plain lines as they are, markup without its tags: blocks and breaks become lines."""
    if not text.startswith("<"):
        return text
    lines = re.sub(r"</(?:p|h\d|div|li)>|<br\s*/?>", "\n", text)
    return unescape(re.sub(r"<[^>]+>", "", lines)).strip()
