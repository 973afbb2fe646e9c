"""Clients and leads, their documents and galleries (studio-api.md, Clients and leads)."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.primitives.ids import ClientId
from selftimer.sandbox import views_galleries, views_money, views_papers, views_people
from selftimer.sandbox.book import people
from selftimer.sandbox.http import Answer, Call, Fields, body_of, page_of, shape1, shape2, shape4
from selftimer.sandbox.model import ClientType
from selftimer.sandbox.resources.reading import EXPAND, PAGE, PAGE_SIZE, PER_PAGE, choice
from selftimer.sandbox.routing import PageMeta, Param, Route, ShortPageMeta
from selftimer.sandbox.view_types import FromOne, Stamp
from selftimer.sandbox.views import ClientBrief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selftimer.sandbox.model import Client
    from selftimer.sandbox.studio import Studio

ADDRESS = ("address_line_1", "address_line_2", "city", "postal_code", "state", "country", "country_id")
_CSV = (
    "id",
    "type",
    "status_name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "company",
    "job_title",
    "notes",
    "created_at",
)
_TEXTS = ("first_name", "last_name", "phone", "company", "job_title", "notes")
_LONGEST = 2000
_ADDRESS = r"[^@ \t-\r]+@[^@ \t-\r]+"  # not \s: what that is, differs from one kind of pattern to the next
_Text = Annotated[str, Field(max_length=_LONGEST)]
_Email = Annotated[str, Field(max_length=_LONGEST, pattern=f"^{_ADDRESS}$")]
_Types = Annotated[str, Field(pattern=r"^(client|lead|other)(,(client|lead|other))*$", examples=["client,lead"])]
StatusName = Literal["Active", "Archived"]


class AddressBody(TypedDict, total=False):
    """An address; members that aren't named stay."""

    address_line_1: _Text | None
    address_line_2: _Text | None
    city: _Text | None
    postal_code: _Text | None
    state: _Text | None
    country: _Text | None
    country_id: _Text | None


class _Person(TypedDict, total=False):
    last_name: _Text | None
    phone: _Text | None
    company: _Text | None
    job_title: _Text | None
    notes: _Text | None
    address_info: AddressBody | None
    type: ClientType
    status_name: StatusName


class NewClient(_Person):
    """A contact to be; a client unless `type` says otherwise."""

    first_name: NotRequired[_Text | None]
    email: _Email


class ClientChanges(_Person, total=False):
    """What is to be different; fields that aren't named stay, null empties one."""

    first_name: _Text | None
    email: _Email | None


class ClientsMeta(PageMeta):
    """A page of clients, the words for their statuses, and where the export is."""

    client_statuses: dict[str, str]
    csv_url: str


class ClientDocument(TypedDict):
    """A document of a client: besides these members it has those of its own kind."""

    __pydantic_config__ = {"extra": "allow"}  # type: ignore[misc]  # noqa: RUF012 - how pydantic is told
    document_type: Literal["contract", "invoice", "quote", "questionnaire"]
    id: str
    status: str
    created_at: Stamp
    client: ClientBrief | None


def client_of(call: Call) -> Client:
    """The client whose id stands in the path; 400 in shape 2, 404 in shape 1."""
    client_id = call.params["id"]
    if not ClientId.valid(client_id):
        raise shape2(400, "Invalid client ID format", "Client ID must start with 'cl_' prefix")
    row = call.world.tables.clients.get(client_id)
    if row is None:
        raise shape1(404, "resource_not_found", "The client was not found.", {"id": client_id})
    return row


def listing(call: Call) -> Answer:
    """Clients of the wanted types, newest first; both statuses."""
    wanted = tuple(sorted(set(call.query.get("types", "client,lead").split(","))))
    table = call.world.tables.clients
    page = page_of(call, table.select(wanted, lambda row: row.type in wanted))
    meta = {
        **page.meta(),
        "client_statuses": {"1": "Active", "2": "Archived"},
        "csv_url": "/api/v1/clients/download_csv",
    }
    return Answer({"data": [table.json(row, "", views_people.client) for row in page.rows], "meta": meta})


def search(call: Call) -> Answer:
    """Clients whose name, address, company or telephone number holds `q`, whatever the case; newest first.

    A number is found however its digits are spaced.
    """
    word = call.query.get("q", "").strip().lower()
    digits = _digits(word)
    kind = call.query.get("types", "all")
    table = call.world.tables.clients

    def fits(row: Client) -> bool:
        text = f"{row.name}\n{row.email}\n{row.company}\n{row.phone}".lower()
        return word in text or (len(digits) >= 3 and digits in _digits(row.phone))

    rows = [row for row in table.newest() if kind in {"all", row.type} and fits(row)]
    page = page_of(call, rows, "pageSize")
    data = [table.json(row, "", views_people.client) for row in page.rows]
    return Answer({"data": data, "meta": page.meta("from", "to")})


def _digits(text: str) -> str:
    """The digits of a telephone number; nothing where it is something else."""
    return "" if re.search(r"[^\d\s()+/.-]", text) else re.sub(r"\D", "", text)


def detail(call: Call) -> Answer:
    """One client."""
    return Answer({"data": views_people.client(client_of(call))})


def _read(body: dict[str, Any], row: Client | None) -> dict[str, Any]:
    fields = Fields(body)
    values: dict[str, Any] = {n: fields.text(n, limit=_LONGEST) for n in _TEXTS if row is None or n in body}
    if row is None or body.get("email") is not None:
        email = fields.text("email", required=True, limit=_LONGEST)
        if email.strip() and not re.fullmatch(_ADDRESS, email):
            fields.fault("email", "The email field must be a valid email address.")
        values["email"] = email
    elif "email" in body:
        values["email"] = ""
    if "type" in body or row is None:
        values["type"] = choice(fields, "type", ClientType, row.type if row else "client")
    if body.get("address_info") is not None:
        values["address"] = _address(fields, row)
    if "status_name" in body:
        values["archived"] = choice(fields, "status_name", StatusName, "Active") == "Archived"
    fields.check(lambda wrong: shape4("The client could not be saved.", wrong))
    return values


def _address(fields: Fields, row: Client | None) -> dict[str, str]:
    """The address as it is with what the body changes in it."""
    given = fields.body["address_info"]
    if not isinstance(given, dict):
        fields.fault("address_info", "The address_info field must be an object.")
        return {}
    inner = Fields(given)
    merged = dict(row.address) if row else {}
    for name in ADDRESS:
        if name in given:
            merged[name] = inner.text(name, limit=_LONGEST)
    for name, messages in inner.wrong.items():
        fields.fault(f"address_info.{name}", messages[0])
    return {name: value for name, value in merged.items() if value}


def create(call: Call) -> Answer:
    """A new contact; a client unless `type` says otherwise."""
    body = body_of(call)
    values = _read(body, None)
    kind = values.pop("type")
    row = people.add_client(call.world, client_type=kind, by="bot", **values)
    call.wrote("client", row.id, client_id=row.id, content=body)
    call.world.tell("bot_client", row.id, "The bot adds {name}")
    return Answer({"data": views_people.client(row)}, 201)


def update(call: Call) -> Answer:
    """Fields of the client, type included: so a lead becomes a client by hand."""
    row = client_of(call)
    body = body_of(call)
    values = _read(body, row)
    changed = {name: [getattr(row, name), value] for name, value in values.items() if getattr(row, name) != value}
    people.update_client(call.world, row, **values)
    call.wrote("client_update", row.id, client_id=row.id, content={**body, "changed": changed})
    call.world.tell("bot_update", row.id, f"The bot changes {', '.join(sorted(changed)) or 'nothing'} of {{name}}")
    return Answer({"data": views_people.client(row)})


def documents(call: Call) -> Answer:
    """Contracts, invoices, quotes and questionnaires of the client, newest first."""
    row = client_of(call)
    world, tables = call.world, call.world.tables
    every: list[Any] = [
        *(("contract", d) for d in tables.contracts.of_client(row.id)),
        *(("invoice", d) for d in tables.invoices.of_client(row.id)),
        *(("quote", d) for d in tables.quotes.of_client(row.id)),
        *(("questionnaire", d) for d in tables.questionnaires.of_client(row.id)),
    ]
    every.sort(key=lambda pair: pair[1].created_at, reverse=True)
    page = page_of(call, every)
    shown: dict[str, Callable[[Studio, Any], Mapping[str, object]]] = {
        "contract": views_papers.contract,
        "quote": views_papers.quote,
        "questionnaire": views_papers.questionnaire,
        "invoice": lambda w, d: views_money.invoice(w, d, whole=False),
    }
    data = [{"document_type": kind, **shown[kind](world, document)} for kind, document in page.rows]
    return Answer({"data": data, "meta": page.meta()})


def collections(call: Call) -> Answer:
    """The client's galleries, newest first."""
    row = client_of(call)
    page = page_of(call, call.world.tables.collections.of_client(row.id)[::-1], "page_size")
    data = [views_galleries.collection(collection) for collection in page.rows]
    return Answer({"data": data, "meta": page.meta("from", "to")})


def download_csv(call: Call) -> Answer:
    """The export, all types, newest first: RFC 4180 in UTF-8. Texts are data, also those that begin with `=`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_CSV)
    for row in call.world.tables.clients.newest():
        seen = cast("dict[str, str | None]", views_people.client(row))
        writer.writerow(seen[name] or "" for name in _CSV)
    return Answer(out.getvalue())


_ONE = "/clients/{id}"
ROUTES = (
    Route(
        "GET",
        "/clients/",
        listing,
        query=(PAGE, PER_PAGE, Param("types", _Types, "By commas; `client,lead` where it is left out.")),
        data=list[views_people.Client],
        meta=ClientsMeta,
    ),
    Route("POST", "/clients/", create, body=NewClient, data=views_people.Client, status=201, errors=(400, 422)),
    Route(
        "GET",
        "/clients/search",
        search,
        query=(
            Param("q", str, "A part of a name, an address, a company or a telephone number."),
            Param("types", Literal["all", "client", "lead"]),
            PAGE,
            Param("pageSize", FromOne, "At most 100."),
        ),
        data=list[views_people.Client],
        meta=ShortPageMeta,
    ),
    Route("GET", "/clients/download_csv", download_csv, media="text/csv"),
    Route("GET", _ONE, detail, data=views_people.Client, errors=(400, 404)),
    Route("PUT", _ONE, update, body=ClientChanges, data=views_people.Client, errors=(400, 404, 422)),
    Route("GET", f"{_ONE}/documents", documents, query=(PAGE, EXPAND), data=list[ClientDocument], errors=(400, 404)),
    Route(
        "GET",
        f"{_ONE}/cgCollections/",
        collections,
        query=(PAGE, PAGE_SIZE),
        data=list[views_galleries.Collection],
        meta=ShortPageMeta,
        errors=(400, 404),
    ),
)
