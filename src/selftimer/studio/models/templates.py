"""Templates of every kind (studio-api.md, Templates: documented)."""

from __future__ import annotations

from typing import Annotated, Literal

from selftimer.studio import wire as w
from selftimer.studio.models.base import Entry


class Variable(Entry):
    """A placeholder `{{name}}`; `type` is text, email, date, time, number, currency, boolean or url."""

    name: str
    type: w.Text = None
    required: w.Flag = False
    default_value: object = None
    format: w.Text = None
    description: w.Text = None
    validation: object = None


class Template(Entry):
    """What templates of all kinds have."""

    id: w.Name
    name: w.Text = None
    status: Annotated[Literal["active", "archived", "draft", "locked"] | None, w.Word] = None
    created_at: w.Stamp = None
    updated_at: w.Stamp = None
    variables: Annotated[tuple[Variable, ...], w.ListOf] = ()


class EmailTemplate(Template):
    """An e-mail's."""

    subject: w.Text = None
    html_body: w.Text = None


class Signer(Entry):
    """Who signs a contract, and in which order."""

    type: w.Text = None
    required: w.Flag = False
    order: int | None = None
    title: w.Text = None


class Reminders(Entry):
    """The product's own reminders of a contract."""

    enabled: w.Flag = False
    days_before_due: object = None
    reminder_subject: w.Text = None
    reminder_message: w.Text = None


class ContractTemplate(Template):
    """A contract's; it is due `due_days` after it was made."""

    due_days: int | None = None
    html_body: w.Text = None
    signers: Annotated[tuple[Signer, ...], w.ListOf] = ()
    reminders: Reminders | None = None


class InvoiceTemplate(Template):
    """An invoice's; late fees and accepted methods stand in `raw`."""

    payment_terms_days: int | None = None
    is_default: w.Flag = False


class Question(Entry):
    """A question of a questionnaire."""

    id: w.Name | None = None
    order: int | None = None
    question_text: w.Text = None
    field_type: w.Text = None
    required: w.Flag = False
    options: object = None
    validation: object = None


class QuestionnaireTemplate(Template):
    """A questionnaire's."""

    questions: Annotated[tuple[Question, ...], w.ListOf] = ()


class PackageItem(Entry):
    """What can be in a quote; `base_price` in the smallest unit."""

    id: w.Name | None = None
    name: w.Text = None
    base_price: w.Minor | None = None
    is_required: w.Flag = False
    default_quantity: int | None = None
    max_quantity: int | None = None


class QuoteTemplate(Template):
    """A quote's; it is valid for `validity_days`."""

    validity_days: int | None = None
    package_items: Annotated[tuple[PackageItem, ...], w.ListOf] = ()
    pricing_settings: object = None


class Rendered(Entry):
    """A template with its variables put in; the texts that the format doesn't have are None."""

    subject: w.Text = None
    html_content: w.Text = None
    text_content: w.Text = None
    rendered_variables: object = None
    missing_variables: Annotated[tuple[str, ...], w.ListOf] = ()
