"""Templates of all kinds (studio-api.md, Templates).

`fetch_content` says which required variables have no value; a preview refuses them. Values are held to the types of
their variables. A locked template can't be changed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from selftimer.primitives.ids import (
    ContractTemplateId,
    EmailTemplateId,
    InvoiceTemplateId,
    QuestionnaireTemplateId,
    QuoteTemplateId,
)
from selftimer.sandbox import views_templates as views
from selftimer.sandbox.book import variables as slots
from selftimer.sandbox.http import Answer, Call, Fields, Refused, body_of, found, page_of, shape1
from selftimer.sandbox.model import TemplateKind, TemplateStatus
from selftimer.sandbox.resources.reading import PAGE, PER_PAGE, choice, whole
from selftimer.sandbox.routing import Param, Route

if TYPE_CHECKING:
    from selftimer.primitives.ids import StudioId
    from selftimer.sandbox.model import Template

KINDS: dict[TemplateKind, tuple[type[StudioId], Any]] = {
    "email": (EmailTemplateId, views.EmailTemplate),
    "contract": (ContractTemplateId, views.ContractTemplate),
    "invoice": (InvoiceTemplateId, views.InvoiceTemplate),
    "questionnaire": (QuestionnaireTemplateId, views.QuestionnaireTemplate),
    "quote": (QuoteTemplateId, views.QuoteTemplate),
}
Form = Literal["html", "text", "both"]
Settable = Literal["active", "archived", "draft"]
_LONGEST_BODY = 200_000
_Variables = Annotated[list[views.Variable], Field(max_length=100)]
_Signers = Annotated[list[views.Signer], Field(min_length=1, max_length=20)]


class PreviewBody(TypedDict, total=False):
    """Values for the template's variables, and what to make of them: both where it is left out."""

    variables: dict[str, views.Value] | None
    format: Form


class ContractTemplateBody(TypedDict, total=False):
    """What is to be different."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    status: Settable
    due_days: Annotated[int, Field(ge=0, le=3650)]
    html_body: Annotated[str, Field(min_length=1, max_length=_LONGEST_BODY, pattern=r"\S")]
    variables: _Variables
    signers: _Signers
    reminders: views.Reminders


_VARIABLES = TypeAdapter(_Variables)
_SIGNERS = TypeAdapter(_Signers)
_REMINDERS = TypeAdapter(views.Reminders)


def listing(kind: TemplateKind, call: Call) -> Answer:
    """Templates of a kind, newest first; in every status, or in the one that is asked for."""
    table = call.world.tables.templates
    status = call.query.get("status", "")
    rows = table.select((kind, status), lambda row: row.kind == kind and status in {"", row.status})
    page = page_of(call, rows)
    return Answer({"data": [table.json(row, "", views.template) for row in page.rows], "meta": page.meta()})


def detail(kind: TemplateKind, call: Call) -> Answer:
    """One template."""
    return Answer({"data": views.template(_one(kind, call))})


def fetch_content(call: Call) -> Answer:
    """The e-mail template with its variables put in; which are missing is said, not refused."""
    row = _one("email", call)
    try:
        given = orjson.loads(call.query.get("variables") or "{}")
    except orjson.JSONDecodeError:
        raise shape1(400, "validation_error", "The variables parameter must be JSON.") from None
    values, missing = _values(row, given)
    return Answer({"data": views.rendered(row, values, call.query.get("format", "both"), missing)})


def preview(kind: TemplateKind, call: Call) -> Answer:
    """Any template with its variables put in; a required one without a value is refused."""
    row = _one(kind, call)
    fields = Fields(body_of(call))
    form = choice(fields, "format", Form, "both")
    fields.check()
    given = fields.body.get("variables")
    values, missing = _values(row, {} if given is None else given)
    if missing:
        details = {"missing_variables": missing}
        raise shape1(422, "missing_required_variables", f"These variables need a value: {', '.join(missing)}.", details)
    return Answer({"data": views.rendered(row, values, form, missing)})


def update_contract(call: Call) -> Answer:
    """Change a contract's template; contracts that were made of it stay as they are. A locked one is refused: 403."""
    row = _one("contract", call)
    if row.status == "locked":
        raise shape1(403, "insufficient_permissions", "This template is locked; make a copy of it to change it.")
    body = body_of(call)
    values, extra = _changes(body, row)
    for name, value in values.items():
        setattr(row, name, value)
    row.extra.update(extra)
    row.updated_at = call.world.now
    call.world.tables.templates.touch(row.id)
    call.world.changed()
    call.world.tell("bot_template", "", f"The bot changes the contract template {row.name}")
    call.wrote("template_update", row.id, content=body)
    return Answer({"data": views.template(row)})


def _one(kind: TemplateKind, call: Call) -> Template:
    row = found(call.world.tables.templates, KINDS[kind][0], call.params["id"], "template_not_found")
    if row.kind != kind:
        raise shape1(404, "template_not_found", f"No {kind} template has this id.", {"id": row.id})
    return row


# Variables ------------------------------------------------------------------------------------------------------


def _values(row: Template, given: Any) -> tuple[dict[str, str], list[str]]:
    """The variables' values as they will be read, given or by default, and the required ones that have none."""
    known = [variable["name"] for variable in row.variables]
    if not isinstance(given, dict):
        raise shape1(400, "validation_error", "The variables must be an object of names and values.")
    strangers = slots.unknown(row.variables, given)
    if strangers:
        details = {"available_variables": known}
        message = f"The template has no variable {', '.join(strangers)[:200]}."
        raise shape1(400, "invalid_template_variable", message, details)
    wrong = slots.wrong_types(row.variables, given)
    if wrong:
        raise shape1(422, "invalid_variable_type", "A variable's value is not of its type.", wrong)
    values = {**slots.defaults(row.variables), **given}
    missing = slots.missing(row.variables, values)
    return {name: _spelled(values[name]) for name in known if name in values}, missing


def _spelled(value: Any) -> str:
    """As the reader sees it: yes and no for true and false."""
    return ("Yes" if value else "No") if isinstance(value, bool) else str(value)


# Changes of a contract's template -------------------------------------------------------------------------------


def _changes(body: dict[str, Any], row: Template) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record's own fields that a body gives, and those of a contract's part; 422 for what is wrong."""
    fields = Fields(body)
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    if "name" in body:
        values["name"] = fields.text("name", required=True, limit=200)
    if "status" in body:
        values["status"] = choice(fields, "status", Settable, "active")
    if "html_body" in body:
        values["body"] = fields.text("html_body", required=True, limit=_LONGEST_BODY)
    if "variables" in body:
        values["variables"] = _fitting(fields, "variables", _VARIABLES, [])
    if "due_days" in body:
        extra["due_days"] = whole(fields, "due_days", 0, 3650)
    if "signers" in body:
        extra["signers"] = sorted(_fitting(fields, "signers", _SIGNERS, []), key=lambda signer: int(signer["order"]))
    if "reminders" in body:
        extra["reminders"] = _fitting(fields, "reminders", _REMINDERS, row.extra["reminders"])
    fields.check()
    _check_placeholders(values.get("body", row.body), values.get("variables", row.variables))
    return values, extra


def _fitting(fields: Fields, name: str, adapter: TypeAdapter[Any], default: Any) -> Any:
    """A member of the body as its type says; what isn't is noted by its place."""
    try:
        return adapter.validate_python(fields.body[name], strict=True)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            place = ".".join(map(str, (name, *fault["loc"])))
            fields.fault(place, f"{fault['msg']}.")
        return default


def _check_placeholders(body: str, variables: list[dict[str, Any]]) -> None:
    known = [variable["name"] for variable in variables]
    if len(set(known)) != len(known):
        raise _refused_variables("Each variable needs a name of its own.", known)
    strange = sorted({name for name in views.PLACEHOLDER.findall(body) if name not in known})
    if strange:
        raise _refused_variables(f"The text names variables that there aren't: {', '.join(strange)}.", known)
    wrong = slots.wrong_types(variables, slots.defaults(variables))
    if wrong:
        raise shape1(422, "invalid_variable_type", "A default value is not of its variable's type.", wrong)


def _refused_variables(message: str, known: list[str]) -> Refused:
    return shape1(422, "invalid_template_variable", message, {"available_variables": known})


_CONTENT = (
    Param("variables", str, "A JSON object of names and values."),
    Param("format", Form, "Both where it is left out."),
)
ROUTES = (
    Route(
        "GET",
        "/templates/emails/{id}/fetch_content",
        fetch_content,
        query=_CONTENT,
        data=views.Rendered,
        errors=(400, 404, 422),
    ),
    *(
        Route(
            "GET",
            f"/templates/{kind}s",
            partial(listing, kind),
            query=(PAGE, PER_PAGE, Param("status", TemplateStatus)),
            data=list[shown],  # type: ignore[valid-type]  # a type as a value
        )
        for kind, (_, shown) in KINDS.items()
    ),
    *(
        Route("GET", f"/templates/{kind}s/{{id}}", partial(detail, kind), data=shown, errors=(400, 404))
        for kind, (_, shown) in KINDS.items()
    ),
    Route(
        "PUT",
        "/templates/contracts/{id}",
        update_contract,
        body=ContractTemplateBody,
        data=views.ContractTemplate,
        errors=(400, 403, 404, 422),
    ),
    *(
        Route(
            "POST",
            f"/templates/{kind}s/{{id}}/preview",
            partial(preview, kind),
            body=PreviewBody,
            data=views.Rendered,
            errors=(400, 404, 422),
        )
        for kind in KINDS
    ),
)
