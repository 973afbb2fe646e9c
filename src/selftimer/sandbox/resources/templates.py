"""Templates of all kinds (studio-api.md, Templates)."""

from __future__ import annotations

import re
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import orjson

from selftimer.primitives.ids import (
    ContractTemplateId,
    EmailTemplateId,
    InvoiceTemplateId,
    QuestionnaireTemplateId,
    QuoteTemplateId,
)
from selftimer.sandbox.http import Answer, Call, body_of, found, page_of, shape1
from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.routing import Route

if TYPE_CHECKING:
    from selftimer.primitives.ids import StudioId
    from selftimer.sandbox.model import Template

KINDS: dict[str, type[StudioId]] = {
    "email": EmailTemplateId,
    "contract": ContractTemplateId,
    "invoice": InvoiceTemplateId,
    "questionnaire": QuestionnaireTemplateId,
    "quote": QuoteTemplateId,
}
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def view(row: Template) -> dict[str, Any]:
    """A template; what is in it depends on its kind."""
    seen: dict[str, Any] = {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.created_at),
        "variables": row.variables,
        **row.extra,
    }
    if row.kind == "email":
        seen["subject"] = row.subject
    if row.kind in {"email", "contract"}:
        seen["html_body"] = _paragraphs(row.body)
    return seen


def _paragraphs(text: str) -> str:
    return text if text.startswith("<") else "".join(f"<p>{line}</p>" for line in text.splitlines())


def listing(kind: str, call: Call) -> Answer:
    """Templates of a kind, newest first; in one status if asked."""
    table = call.world.tables.templates
    status = call.query.get("status", "")
    rows = table.select((kind, status), lambda row: row.kind == kind and status in {"", row.status})
    page = page_of(call, rows)
    return Answer({"data": [table.json(row, "", view) for row in page.rows], "meta": page.meta()})


def _one(kind: str, call: Call) -> Template:
    row = found(call.world.tables.templates, KINDS[kind], call.params["id"], "template_not_found")
    if row.kind != kind:
        raise shape1(404, "template_not_found", f"No {kind} template has this id.", {"id": row.id})
    return row


def detail(kind: str, call: Call) -> Answer:
    """One template."""
    return Answer({"data": view(_one(kind, call))})


def fetch_content(call: Call) -> Answer:
    """The e-mail template with its variables put in; which are missing is said, not refused."""
    row = _one("email", call)
    try:
        given = orjson.loads(call.query.get("variables") or "{}")
    except orjson.JSONDecodeError:
        raise shape1(400, "validation_error", "The variables parameter must be JSON.") from None
    return Answer({"data": _rendered(row, given, call.query.get("format", "both"))})


def preview(kind: str, call: Call) -> Answer:
    """The same for any kind, the variables in the body."""
    body = body_of(call)
    return Answer({"data": _rendered(_one(kind, call), body.get("variables") or {}, str(body.get("format", "both")))})


def _rendered(row: Template, given: Any, form: str) -> dict[str, Any]:
    known = {v["name"]: v for v in row.variables}
    if not isinstance(given, dict) or any(name not in known for name in given):
        details = {"available_variables": list(known)}
        raise shape1(400, "invalid_template_variable", "The template has no such variable.", details)
    if any(not isinstance(value, str | int | float | bool) for value in given.values()):
        raise shape1(422, "invalid_variable_type", "A variable must be a text, a number or true or false.")
    if form not in {"html", "text", "both"}:
        raise shape1(422, "validation_failed", "The format must be html, text or both.", {"format": ["Unknown."]})
    values = {name: given.get(name, v["default_value"]) for name, v in known.items()}
    values = {name: str(value) for name, value in values.items() if value is not None}

    def put(text: str, *, html: bool) -> str:
        def one(match: re.Match[str]) -> str:
            value = values.get(match[1])
            if value is None:
                return match[0]
            return escape(value) if html else value

        return _PLACEHOLDER.sub(one, text)

    answer: dict[str, Any] = {
        "subject": put(row.subject, html=False),
        "rendered_variables": values,
        "missing_variables": [n for n, v in known.items() if v["required"] and n not in values],
    }
    if form != "text":
        answer["html_content"] = put(_paragraphs(row.body), html=True)
    if form != "html":
        answer["text_content"] = put(re.sub(r"<[^>]+>", "", row.body), html=False)
    return answer


ROUTES = (
    Route("GET", "/templates/emails/{id}/fetch_content", fetch_content),
    *(Route("GET", f"/templates/{kind}s", partial(listing, kind)) for kind in KINDS),
    *(Route("GET", f"/templates/{kind}s/{{id}}", partial(detail, kind)) for kind in KINDS),
    *(Route("POST", f"/templates/{kind}s/{{id}}/preview", partial(preview, kind)) for kind in KINDS),
)
