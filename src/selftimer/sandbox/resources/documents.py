"""Contracts, questionnaires and quotes (studio-api.md; their POSTs and all of quotes are inferred)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict
from whenever import Instant

from selftimer.primitives.ids import ContractId, QuestionnaireId, QuoteId
from selftimer.sandbox import views_papers as views
from selftimer.sandbox.book import money, papers, variables
from selftimer.sandbox.http import Answer, Call, Fields, body_of, client_named, day_of, found, page_of, shape1
from selftimer.sandbox.resources.invoices import PAGE, ItemBody, read_items
from selftimer.sandbox.routing import Param, Route
from selftimer.sandbox.view_types import (
    ClientRef,
    ContractTemplateRef,
    MomentOrDay,
    QuestionnaireTemplateRef,
    QuoteTemplateRef,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selftimer.sandbox.model import Client, Record, Template
    from selftimer.sandbox.studio import Studio
    from selftimer.sandbox.tables import Table


class _PaperBody(TypedDict):
    client_id: ClientRef
    send_email: NotRequired[bool]


class QuestionnaireBody(_PaperBody):
    """A new questionnaire; a `due_date` without a time means the end of that day."""

    template_id: QuestionnaireTemplateRef
    due_date: NotRequired[MomentOrDay | None]


class ContractBody(_PaperBody):
    """A new contract; `variables` are those of its template."""

    template_id: ContractTemplateRef
    due_date: NotRequired[MomentOrDay | None]
    variables: NotRequired[dict[str, views.VariableValue] | None]


class QuoteBody(_PaperBody):
    """A new quote; without `items` it holds the packages of its template."""

    template_id: QuoteTemplateRef
    items: NotRequired[Annotated[list[ItemBody], Field(max_length=100)] | None]


def _list(call: Call, table: Table[Any], view: Callable[[Studio, Any], Mapping[str, object]]) -> Answer:
    client_id = call.query.get("client_id", "")
    rows = table.of_client(client_id)[::-1] if client_id else table.newest()
    page = page_of(call, rows)
    data = [table.json(row, "", partial(view, call.world)) for row in page.rows]
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
    if fields.body.get("due_date") is None:
        return None
    try:
        day = day_of(text)
        return money.end_of(call.world, day) if day is not None else Instant.parse_iso(text)
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
    """A contract made of a template; variables that it doesn't have, needs, or that are of another kind are refused."""
    fields, client, template, send = _common(call, "contract")
    due = _due(call, fields)
    given = fields.body.get("variables")
    if given is None:
        given = {}
    if not isinstance(given, dict):
        fields.fault("variables", "The variables field must be an object.")
    fields.check()
    _check_variables(call, client, template, given)
    call.world.tell("bot_contract", client.id, f"The bot makes a contract for {{name}}: {template.name}")
    row = papers.add_contract(call.world, client.id, template, by="bot", sent=send, due=due, variables=given)
    _note(call, "contract", row, template, sent=send)
    return Answer({"data": views.contract(call.world, row)}, 201)


def _check_variables(call: Call, client: Client, template: Template, given: Mapping[str, Any]) -> None:
    if variables.unknown(template.variables, given):
        details = {"available_variables": [v["name"] for v in template.variables]}
        raise shape1(422, "invalid_template_variable", "The template has no such variable.", details)
    wrong = variables.wrong_types(template.variables, given)
    if wrong:
        raise shape1(422, "invalid_variable_type", "Some variables are of another type.", wrong)
    values = papers.values_for(call.world, client, template, given)
    missing = variables.missing(template.variables, values)
    if missing:
        details = {"missing_variables": missing}
        raise shape1(422, "missing_required_variables", "The template needs more variables.", details)


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
    given = fields.body.get("items")
    drafts = [] if given is None or given == [] else read_items(fields, "items", given)
    fields.check()
    items = [draft.line(call, client.id) for draft in drafts]
    items = items or papers.package_items(call.world, client.id, template, by="bot")
    call.world.tell("bot_quote", client.id, f"The bot makes a quote for {{name}}: {template.name}")
    row = papers.add_quote(call.world, client.id, template, items, by="bot", sent=send)
    _note(call, "quote", row, template, sent=send, amount=row.amount, currency=row.currency)
    return Answer({"data": views.quote(call.world, row)}, 201)


_EXPAND = Param("expand", str, "The related objects are always there.")
_CLIENT = Param("client_id", str, "Only of this client (inferred).")
_LIST = (_EXPAND, *PAGE, _CLIENT)


def _routes(
    name: str,
    view: Any,
    body: Any,
    answers: tuple[Callable[[Call], Answer], Callable[[Call], Answer], Callable[[Call], Answer]],
    *,
    documented: bool,
) -> tuple[Route, ...]:
    """The three calls of a kind of paper; making one is inferred of all kinds."""
    lists, shows, makes = answers
    return (
        Route("GET", f"/{name}/", lists, documented=documented, query=_LIST, data=list[view], errors=(422,)),
        Route("POST", f"/{name}/", makes, documented=False, body=body, data=view, status=201, errors=(400, 404, 422)),
        Route("GET", f"/{name}/{{id}}", shows, documented=documented, query=(_EXPAND,), data=view, errors=(400, 404)),
    )


ROUTES = (
    *_routes(
        "contracts",
        views.ContractView,
        ContractBody,
        (contracts, contract, create_contract),
        documented=True,
    ),
    *_routes(
        "questionnaires",
        views.QuestionnaireView,
        QuestionnaireBody,
        (questionnaires, questionnaire, create_questionnaire),
        documented=True,
    ),
    *_routes("quotes", views.QuoteView, QuoteBody, (quotes, quote, create_quote), documented=False),
)
