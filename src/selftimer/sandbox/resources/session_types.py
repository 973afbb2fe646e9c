"""Session types (studio-api.md, Session types, availability, sessions): what can be booked, and on what terms.

The calls are documented, and most of the fields; what a body may hold follows from the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.primitives.ids import (
    ContractTemplateId,
    QuestionnaireTemplateId,
    SessionPaymentMethodId,
    SessionTypeId,
)
from selftimer.sandbox import views_sessions as views
from selftimer.sandbox.book import offers
from selftimer.sandbox.http import Answer, Call, Fields, body_of, found, invalid, shape1
from selftimer.sandbox.model import SessionTypeStatus, Tax, WayToPay
from selftimer.sandbox.resources.reading import choice, inner_faults, objects, whole
from selftimer.sandbox.routing import Route, TotalMeta
from selftimer.sandbox.view_types import ContractTemplateRef, CurrencyCode, QuestionnaireTemplateRef, ScheduleRef

if TYPE_CHECKING:
    from selftimer.primitives.ids import StudioId
    from selftimer.sandbox.model import SessionType

DAY = 1440
MOST = 1_000_000_000
LONGEST_NOTICE = 3650
_MOST_TAXES = 10
_Amount = Annotated[int, Field(ge=0, le=MOST)]
_Length = Annotated[int, Field(ge=1, le=DAY)]
_Buffer = Annotated[int, Field(ge=0, le=DAY)]
_Notice = Annotated[int, Field(ge=0, le=LONGEST_NOTICE)]
_Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
_WayType = Literal["card", "paypal", "manual"]


class WayToPayBody(TypedDict):
    """A way to pay; a manual one without a known id is a new one."""

    id: NotRequired[str | None]
    name: _Name
    enabled: NotRequired[bool]
    type: NotRequired[_WayType]
    instructions: NotRequired[str | None]


class TaxBody(TypedDict):
    """A tax, in percent with at most two decimals."""

    name: _Name
    rate: Annotated[float, Field(ge=0, le=100)]


class _Terms(TypedDict, total=False):
    status: SessionTypeStatus
    description: str | None
    location: str | None
    payment_amount_full: _Amount
    payment_amount_partial: _Amount
    currency: CurrencyCode
    collect_payment: bool
    minimum_notice_duration: _Notice
    maximum_notice_duration: _Notice
    buffer_before_duration: _Buffer
    buffer_after_duration: _Buffer
    payment_methods: Annotated[list[WayToPayBody], Field(max_length=20)]
    taxes: Annotated[list[TaxBody], Field(max_length=_MOST_TAXES)]
    session_type_schedule_id: ScheduleRef
    contract_template_id: ContractTemplateRef | None
    auto_send_contract: bool
    contract_required_for_booking: bool
    questionnaire_template_id: QuestionnaireTemplateRef | None


class NewSessionType(_Terms):
    """A session type to be; a draft unless its status says otherwise, in the studio's first schedule."""

    name: _Name
    duration: _Length


class SessionTypeChanges(_Terms, total=False):
    """What is to be different; fields that aren't named stay."""

    name: _Name
    duration: _Length


class StatusBody(TypedDict):
    """Published or not."""

    status: SessionTypeStatus


def listing(call: Call) -> Answer:
    """All session types, newest first; `meta` gives the total alone."""
    table = call.world.tables.session_types
    rows = table.select("there", lambda row: not row.deleted)
    data = [table.json(row, "", lambda r: views.session_type(call.world, r)) for row in rows]
    return Answer({"data": data, "meta": {"total": len(data)}})


def detail(call: Call) -> Answer:
    """One session type."""
    return _shown(call, type_of(call))


def create(call: Call) -> Answer:
    """A new session type."""
    body = body_of(call)
    row = offers.add_type(call.world, **_read(call, body, None))
    call.world.tell("bot_session_type", "", f"The bot adds the session type {row.name}")
    call.wrote("session_type", row.id, content=body)
    return Answer({"data": views.session_type(call.world, row)}, 201)


def update(call: Call) -> Answer:
    """Fields of a session type; what isn't named stays. Sessions that are booked keep their times."""
    row = type_of(call)
    body = body_of(call)
    return _changed(call, row, _read(call, body, row), body)


def update_status(call: Call) -> Answer:
    """Publish a session type, or take it off the page."""
    row = type_of(call)
    fields = Fields(body_of(call))
    status = choice(fields, "status", SessionTypeStatus, "")
    fields.check()
    return _changed(call, row, {"status": status}, {"status": status})


def delete(call: Call) -> Answer:
    """Take a session type away for good; sessions that were booked of it stay as they are."""
    row = type_of(call)
    offers.change_type(call.world, row, deleted=True)
    call.world.tell("bot_session_type", "", f"The bot deletes the session type {row.name}")
    call.wrote("session_type_delete", row.id)
    return Answer(None, 204)


def add_tax(call: Call) -> Answer:
    """A tax on the price, as lines of its own on what is billed for sessions; one of the same name is replaced."""
    row = type_of(call)
    body = body_of(call)
    fields = Fields(body)
    tax = _tax(fields)
    fields.check()
    rest = [other for other in row.taxes if other.name != tax.name]
    if len(rest) >= _MOST_TAXES:
        raise shape1(409, "conflict", f"A session type has at most {_MOST_TAXES} taxes; take one away first.")
    answer = _changed(call, row, {"taxes": [*rest, tax]}, body)
    return Answer(answer.body, 201)


def link_contract(call: Call) -> Answer:
    """Contracts of this type's sessions are made of that template from now on."""
    row = type_of(call)
    template_id = _template(call, "contract", ContractTemplateId, call.params["template"])
    return _changed(call, row, {"contract_template_id": template_id}, {"contract_template_id": template_id})


def link_questionnaire(call: Call) -> Answer:
    """Who books a session of this type gets that questionnaire from now on."""
    row = type_of(call)
    template_id = _template(call, "questionnaire", QuestionnaireTemplateId, call.params["template"])
    return _changed(call, row, {"questionnaire_template_id": template_id}, {"questionnaire_template_id": template_id})


def type_of(call: Call) -> SessionType:
    """The session type whose id stands in the path; 400 and 404 in shape 1."""
    row = found(call.world.tables.session_types, SessionTypeId, call.params["id"], "resource_not_found")
    if row.deleted:
        raise shape1(404, "resource_not_found", "The session type was deleted.", {"id": row.id})
    return row


def _shown(call: Call, row: SessionType) -> Answer:
    table = call.world.tables.session_types
    return Answer({"data": table.json(row, "", lambda r: views.session_type(call.world, r))})


def _changed(call: Call, row: SessionType, values: dict[str, Any], said: dict[str, Any]) -> Answer:
    offers.change_type(call.world, row, **values)
    call.world.tell("bot_session_type", "", f"The bot changes the session type {row.name}")
    call.wrote("session_type_update", row.id, content=said)
    return _shown(call, row)


def _template(call: Call, kind: str, id_type: type[StudioId], template_id: str) -> str:
    template = found(call.world.tables.templates, id_type, template_id, "template_not_found")
    if template.status in {"archived", "draft"}:
        raise invalid({f"{kind}_template_id": [f"The template is {template.status}; only an active one can be used."]})
    return template.id


# Bodies ---------------------------------------------------------------------------------------------------------

_FLAGS = {
    "collect_payment": ("collect_payment", True),
    "auto_send_contract": ("auto_send_contract", False),
    "contract_required_for_booking": ("contract_required", False),
}
_NUMBERS = {
    "duration": ("duration", 1, DAY, None),
    "payment_amount_full": ("price", 0, MOST, 0),
    "payment_amount_partial": ("deposit", 0, MOST, 0),
    "minimum_notice_duration": ("minimum_notice", 0, LONGEST_NOTICE, 0),
    "maximum_notice_duration": ("maximum_notice", 0, LONGEST_NOTICE, 365),
    "buffer_before_duration": ("buffer_before", 0, DAY, 0),
    "buffer_after_duration": ("buffer_after", 0, DAY, 0),
}


def _read(call: Call, body: dict[str, Any], row: SessionType | None) -> dict[str, Any]:
    """The fields of the record that a body gives, all of them for a new one; 422 for what is wrong with them."""
    fields = Fields(body)
    values: dict[str, Any] = {}
    if row is None or "name" in body:
        values["name"] = fields.text("name", required=True, limit=200)
    for name in ("description", "location"):
        if row is None or name in body:
            values[name] = fields.text(name)
    if row is None or "status" in body:
        values["status"] = choice(fields, "status", SessionTypeStatus, "draft")
    for name, (own, low, high, default) in _NUMBERS.items():
        if row is None or name in body:
            values[own] = whole(fields, name, low, high, default)
    for name, (own, usual) in _FLAGS.items():
        if row is None or name in body:
            values[own] = fields.flag(name, default=usual)
    if "taxes" in body:
        values["taxes"] = _taxes(fields)
    if row is None or "payment_methods" in body:
        values["payment_methods"] = _ways_to_pay(call, fields, row)
    _linked(call, fields, values, row)
    currency = call.world.profile.currency
    if fields.text("currency", default=currency).lower() != currency:
        raise shape1(422, "invalid_currency", f"This studio bills in {currency}.")
    _agree(fields, values, row)
    fields.check()
    return values


def _linked(call: Call, fields: Fields, values: dict[str, Any], row: SessionType | None) -> None:
    """The records that a session type names."""
    tables = call.world.tables
    if row is None or "session_type_schedule_id" in fields.body:
        first = next(iter(tables.schedules)).id
        chosen = fields.text("session_type_schedule_id", default=first)
        if chosen not in tables.schedules.rows:
            fields.fault("session_type_schedule_id", "No schedule has this id.")
        values["schedule_id"] = chosen
    for kind in ("contract", "questionnaire"):
        name = f"{kind}_template_id"
        if name in fields.body:
            template_id = fields.text(name) or None
            template = tables.templates.get(template_id or "")
            before = getattr(row, name) if row else None
            usable = template is not None and template.kind == kind and template.status not in {"archived", "draft"}
            if template_id not in {None, before} and not usable:
                fields.fault(name, f"No active {kind} template has this id.")
            values[name] = template_id


def _agree(fields: Fields, values: dict[str, Any], row: SessionType | None) -> None:
    """What must fit together, given and kept fields alike."""

    def now(name: str) -> Any:
        return values[name] if name in values else getattr(row, name, None)

    if now("deposit") > now("price"):
        fields.fault("payment_amount_partial", "The partial amount must not be greater than the full amount.")
    if now("minimum_notice") > now("maximum_notice"):
        fields.fault("minimum_notice_duration", "The minimum notice must not be longer than the maximum notice.")
    if now("contract_required") and not now("contract_template_id"):
        fields.fault("contract_required_for_booking", "A contract template is needed before a contract is required.")


def _taxes(fields: Fields) -> list[Tax]:
    found_taxes = []
    for place, entry in enumerate(objects(fields, "taxes", most=_MOST_TAXES)):
        inner = Fields(entry)
        found_taxes.append(_tax(inner))
        inner_faults(fields, "taxes", place, inner)
    if len({tax.name for tax in found_taxes}) != len(found_taxes):
        fields.fault("taxes", "Each tax needs a name of its own.")
    return found_taxes


def _tax(fields: Fields) -> Tax:
    rate = fields.body.get("rate")
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate <= 100:
        fields.fault("rate", "The rate field must be a number from 0 to 100.")
        rate = 0
    return Tax(name=fields.text("name", required=True, limit=200), rate=round(rate * 100))


def _ways_to_pay(call: Call, fields: Fields, row: SessionType | None) -> list[WayToPay]:
    if "payment_methods" not in fields.body:
        return [WayToPay(name="Card", type="card")]
    known = {way.id for way in row.payment_methods} if row else set()
    ways = []
    for place, entry in enumerate(objects(fields, "payment_methods", most=20)):
        inner = Fields(entry)
        kind = choice(inner, "type", _WayType, "manual")
        way_id = inner.text("id") or None
        if kind == "manual" and way_id not in known - {None}:
            way_id = call.world.new_id(SessionPaymentMethodId, "bot")
        ways.append(
            WayToPay(
                id=way_id if kind == "manual" else None,
                name=inner.text("name", required=True, limit=200),
                type=kind,
                enabled=inner.flag("enabled", default=True),
                instructions=inner.text("instructions"),
            )
        )
        inner_faults(fields, "payment_methods", place, inner)
    return ways


_ONE = "/session_types/{id}"
ROUTES = (
    Route("GET", "/session_types/", listing, data=list[views.SessionType], meta=TotalMeta),
    Route("POST", "/session_types", create, body=NewSessionType, data=views.SessionType, status=201, errors=(400, 422)),
    Route("GET", _ONE, detail, data=views.SessionType, errors=(400, 404)),
    Route("PUT", _ONE, update, body=SessionTypeChanges, data=views.SessionType, errors=(400, 404, 422)),
    Route("DELETE", _ONE, delete, status=204, errors=(400, 404)),
    Route("PUT", f"{_ONE}/update_status", update_status, body=StatusBody, data=views.SessionType, errors=(422,)),
    Route("POST", f"{_ONE}/taxes", add_tax, body=TaxBody, data=views.SessionType, status=201, errors=(409, 422)),
    Route("PUT", f"{_ONE}/templates/contract/{{template}}", link_contract, data=views.SessionType, errors=(422,)),
    Route(
        "PUT", f"{_ONE}/templates/questionnaire/{{template}}", link_questionnaire, data=views.SessionType, errors=(422,)
    ),
)
