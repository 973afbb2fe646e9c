"""Contracts, questionnaires and quotes (studio-api.md; their POSTs and all of quotes are inferred)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.primitives.ids import ContractId, QuestionnaireId, QuoteId
from selftimer.sandbox import views
from selftimer.sandbox.book import money, papers
from selftimer.sandbox.http import Answer, Call, Fields, body_of, client_named, found, page_of, shape1
from selftimer.sandbox.resources.invoices import read_items
from selftimer.sandbox.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.sandbox.model import Client, Record, Template
    from selftimer.sandbox.studio import Studio
    from selftimer.sandbox.tables import Table


def _list(call: Call, table: Table[Any], view: Callable[[Studio, Any], views.Json]) -> Answer:
    client_id = call.query.get("client_id", "")
    rows = table.of_client(client_id)[::-1] if client_id else table.newest()
    page = page_of(call, rows)
    data = [table.json(row, "", lambda r: view(call.world, r)) for row in page.rows]
    return Answer({"data": data, "meta": page.meta()})


def contracts(call: Call) -> Answer:
    """Contracts, newest first."""
    return _list(call, call.world.tables.contracts, views.contract)


def contract(call: Call) -> Answer:
    """One contract."""
    row = found(call.world.tables.contracts, ContractId, call.params["id"], "contract_not_found")
    return Answer({"data": views.contract(call.world, row)})


def questionnaires(call: Call) -> Answer:
    """Questionnaires, newest first."""
    return _list(call, call.world.tables.questionnaires, views.questionnaire)


def questionnaire(call: Call) -> Answer:
    """One questionnaire."""
    row = found(call.world.tables.questionnaires, QuestionnaireId, call.params["id"], "resource_not_found")
    return Answer({"data": views.questionnaire(call.world, row)})


def quotes(call: Call) -> Answer:
    """Quotes, newest first."""
    return _list(call, call.world.tables.quotes, views.quote)


def quote(call: Call) -> Answer:
    """One quote."""
    row = found(call.world.tables.quotes, QuoteId, call.params["id"], "resource_not_found")
    return Answer({"data": views.quote(call.world, row)})


def _common(call: Call, kind: str) -> tuple[Fields, Client, Template, bool]:
    """What every document's body has: a client, a template of its kind, whether the studio's mail goes out."""
    fields = Fields(body_of(call))
    client = client_named(call, fields)
    send = fields.flag("send_email", default=False)
    template_id = fields.text("template_id", required=True)
    fields.check()
    template = call.world.tables.templates.get(template_id)
    if template is None or template.kind != kind:
        raise shape1(404, "template_not_found", f"No {kind} template has this id.", {"id": template_id})
    assert client is not None
    return fields, client, template, send


def _due(call: Call, fields: Fields) -> Instant | None:
    """A document's due date is a timestamp; a bare date means the end of that day."""
    text = fields.text("due_date")
    if not text:
        return None
    try:
        return money.end_of(call.world, Date.parse_iso(text)) if len(text) == 10 else Instant.parse_iso(text)
    except ValueError:
        fields.fault("due_date", "The due_date field must be a date or a timestamp.")
        return None


def _note(call: Call, kind: str, row: Record, template: Template, *, sent: bool, **more: Any) -> None:
    content = {
        **call.body,
        "template_id": template.id,
        "template_name": template.name,
        "send_email": sent,
        **more,
    }
    call.wrote(kind, row.id, client_id=row.client_id, content=content)


def create_contract(call: Call) -> Answer:
    """A contract made of a template; unknown variables are refused with the ones there are."""
    fields, client, template, send = _common(call, "contract")
    due = _due(call, fields)
    fields.check()
    variables = fields.body.get("variables") or {}
    known = [v["name"] for v in template.variables]
    if not isinstance(variables, dict) or any(name not in known for name in variables):
        details = {"available_variables": known}
        raise shape1(422, "invalid_template_variable", "The template has no such variable.", details)
    call.world.tell("bot_contract", client.id, f"The bot makes a contract for {{name}}: {template.name}")
    row = papers.add_contract(call.world, client.id, template, by="bot", sent=send, due=due, variables=dict(variables))
    _note(call, "contract", row, template, sent=send)
    return Answer({"data": views.contract(call.world, row)}, 201)


def create_questionnaire(call: Call) -> Answer:
    """A questionnaire made of a template."""
    fields, client, template, send = _common(call, "questionnaire")
    due = _due(call, fields)
    fields.check()
    call.world.tell("bot_questionnaire", client.id, f"The bot makes a questionnaire for {{name}}: {template.name}")
    row = papers.add_questionnaire(call.world, client.id, template, by="bot", sent=send, due=due)
    _note(call, "questionnaire", row, template, sent=send)
    return Answer({"data": views.questionnaire(call.world, row)}, 201)


def create_quote(call: Call) -> Answer:
    """A quote; without items it holds the template's packages."""
    fields, client, template, send = _common(call, "quote")
    if fields.body.get("items"):
        items = read_items(call, fields, "items", fields.body["items"], client.id)
    else:
        items = [
            money.line(call.world, client.id, item["name"], item["base_price"], by="bot")
            for item in template.extra["package_items"]
        ]
    fields.check()
    call.world.tell("bot_quote", client.id, f"The bot makes a quote for {{name}}: {template.name}")
    row = papers.add_quote(call.world, client.id, template, items, by="bot", sent=send)
    _note(call, "quote", row, template, sent=send, amount=row.amount, currency=row.currency)
    return Answer({"data": views.quote(call.world, row)}, 201)


ROUTES = (
    Route("GET", "/contracts/", contracts),
    Route("POST", "/contracts/", create_contract),
    Route("GET", "/contracts/{id}", contract),
    Route("GET", "/questionnaires/", questionnaires),
    Route("POST", "/questionnaires/", create_questionnaire),
    Route("GET", "/questionnaires/{id}", questionnaire),
    Route("GET", "/quotes/", quotes),
    Route("POST", "/quotes/", create_quote),
    Route("GET", "/quotes/{id}", quote),
)
