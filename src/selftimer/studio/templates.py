"""Templates (studio-api.md, Templates: documented)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import orjson

from selftimer.errors import Refused
from selftimer.studio.calls import Group, asked, call
from selftimer.studio.documents import DOCUMENTS
from selftimer.studio.models.templates import (
    ContractTemplate,
    EmailTemplate,
    InvoiceTemplate,
    QuestionnaireTemplate,
    QuoteTemplate,
    Rendered,
    Template,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.facts.records import Kind
    from selftimer.studio.stream import Stream

T = TypeVar("T", bound=Template)
Format = Literal["html", "text", "both"]


class Templates(Group, Generic[T]):
    """Requests on the templates of one kind: `/templates/{kind}s`."""

    kind: str
    model: type[T]

    @call("template.{kind}.list")
    def list(self, status: str | None = None) -> Stream[T]:
        """`GET /templates/{kind}s` (documented); `status` is active, archived, draft or locked."""
        return self._list(f"template.{self.kind}.list", self.model, asked(status=status))

    @call("template.{kind}.get")
    async def get(self, template_id: str) -> T:
        """`GET /templates/{kind}s/{id}` (documented)."""
        return await self._get(f"template.{self.kind}.get", self.model, id=template_id)

    @call("template.{kind}.preview")
    async def preview(self, template_id: str, variables: Mapping[str, Any], form: Format = "both") -> Rendered:
        """`POST /templates/{kind}s/{id}/preview` (documented): with its variables put in. Changes nothing."""
        fields = {"variables": dict(variables), "format": form}
        return await self._put(f"template.{self.kind}.preview", Rendered, fields, id=template_id)


class EmailTemplates(Templates[EmailTemplate]):
    """Templates of e-mails."""

    kind = "email"
    model = EmailTemplate

    @call("template.email.content")
    async def content(self, template_id: str, variables: Mapping[str, Any], form: Format = "both") -> Rendered:
        """`GET /templates/emails/{et}/fetch_content` (documented): like `preview`, by a request that can be repeated.

        Variables that are missing are named, not refused; `Refused` for one that the template doesn't have.
        """
        query = {"variables": orjson.dumps(dict(variables)).decode(), "format": form}
        return await self._told("template.email.content", Rendered, query, id=template_id)


class ContractTemplates(Templates[ContractTemplate]):
    """Templates of contracts."""

    kind = "contract"
    model = ContractTemplate

    @call("template.contract.update")
    async def update(self, template_id: str, fields: Mapping[str, Any]) -> ContractTemplate:
        """`PUT /templates/contracts/{ct}` (documented), once, with those fields."""
        return await self._put("template.contract.update", ContractTemplate, fields, id=template_id)


class InvoiceTemplates(Templates[InvoiceTemplate]):
    """Templates of invoices."""

    kind = "invoice"
    model = InvoiceTemplate


class QuestionnaireTemplates(Templates[QuestionnaireTemplate]):
    """Templates of questionnaires."""

    kind = "questionnaire"
    model = QuestionnaireTemplate


class QuoteTemplates(Templates[QuoteTemplate]):
    """Templates of quotes."""

    kind = "quote"
    model = QuoteTemplate


class TemplateNames(Group):
    """Names of the templates for documents, as the port has them."""

    async def of(self, kind: Kind) -> tuple[tuple[str, str], ...]:
        """(id, name) of the templates for a kind of document, over as many pages as there are."""
        if kind not in DOCUMENTS:
            raise Refused(f"there are no templates for a {kind}", code="unsupported")
        found = await self._list(f"template.{kind}.list", Template)
        return tuple((template.id, template.name or "") for template in found)
