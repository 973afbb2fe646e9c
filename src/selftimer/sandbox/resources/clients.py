"""Clients and leads, their documents and galleries (studio-api.md, Clients and leads)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from selftimer.primitives.ids import ClientId
from selftimer.sandbox import views, views_money, views_papers
from selftimer.sandbox.book import people
from selftimer.sandbox.http import Answer, Call, Fields, body_of, page_of, shape1, shape2, shape4
from selftimer.sandbox.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selftimer.sandbox.model import Client
    from selftimer.sandbox.studio import Studio

TYPES = ("client", "lead", "other")
ADDRESS = ("address_line_1", "address_line_2", "city", "postal_code", "state", "country", "country_id")
_CSV = ("id", "first_name", "last_name", "email", "phone", "type", "created_at")
_TEXTS = ("first_name", "last_name", "email", "phone", "company", "job_title", "notes")


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
    wanted = tuple(sorted(set(call.query.get("types", "client,lead").split(",")) & set(TYPES)))
    table = call.world.tables.clients
    page = page_of(call, table.select(wanted, lambda row: row.type in wanted))
    meta = {
        **page.meta(),
        "client_statuses": {"1": "Active", "2": "Archived"},
        "csv_url": "/api/v1/clients/download_csv",
    }
    return Answer({"data": [table.json(row, "", views.client) for row in page.rows], "meta": meta})


def search(call: Call) -> Answer:
    """Clients whose name or address holds `q`."""
    word = call.query.get("q", "").lower()
    kind = call.query.get("types", "all")
    table = call.world.tables.clients
    rows = [
        row
        for row in table.newest()
        if (kind in ("all", row.type)) and word in f"{row.name} {row.email} {row.company}".lower()
    ]
    page = page_of(call, rows, "pageSize")
    return Answer({"data": [table.json(row, "", views.client) for row in page.rows], "meta": page.meta("from", "to")})


def detail(call: Call) -> Answer:
    """One client."""
    return Answer({"data": views.client(client_of(call))})


def _read(body: dict[str, Any], row: Client | None) -> dict[str, Any]:
    fields = Fields(body)
    values: dict[str, Any] = {name: fields.text(name, limit=2000) for name in _TEXTS if row is None or name in body}
    if row is None and not values["email"] and not values["first_name"]:
        fields.fault("email", "The email or the first_name field is required.")
    email = values.get("email")
    if email and ("@" not in email or " " in email):
        fields.fault("email", "The email field must be a valid email address.")
    if "type" in body or row is None:
        kind = fields.text("type", default=row.type if row else "client")
        if kind not in TYPES:
            fields.fault("type", "The selected type is invalid.")
        values["type"] = kind
    address = body.get("address_info")
    if isinstance(address, dict):
        merged = {**(row.address if row else {}), **{k: v for k, v in address.items() if k in ADDRESS}}
        values["address"] = {k: v for k, v in merged.items() if v is not None}
    status = body.get("status_name")
    if status is not None:
        if status not in {"Active", "Archived"}:
            fields.fault("status_name", "The selected status_name is invalid.")
        values["archived"] = status == "Archived"
    fields.check(lambda wrong: shape4("The client could not be saved.", wrong))
    return values


def create(call: Call) -> Answer:
    """A new contact; a client unless `type` says otherwise."""
    body = body_of(call)
    values = _read(body, None)
    kind = values.pop("type")
    row = people.add_client(call.world, client_type=kind, by="bot", **values)
    call.wrote("client", row.id, client_id=row.id, content=body)
    call.world.tell("bot_client", row.id, "The bot adds {name}")
    return Answer({"data": views.client(row)}, 201)


def update(call: Call) -> Answer:
    """Fields of the client, type included; what isn't named stays, null empties a field."""
    row = client_of(call)
    body = body_of(call)
    values = _read(body, row)
    changed = {name: [getattr(row, name), value] for name, value in values.items() if getattr(row, name) != value}
    people.update_client(call.world, row, **values)
    call.wrote("client_update", row.id, client_id=row.id, content={**body, "changed": changed})
    call.world.tell("bot_update", row.id, f"The bot changes {', '.join(sorted(changed)) or 'nothing'} of {{name}}")
    return Answer({"data": views.client(row)})


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
    return Answer({"data": [views.collection(c) for c in page.rows], "meta": page.meta("from", "to")})


def download_csv(call: Call) -> Answer:
    """The export, as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_CSV)
    for row in call.world.tables.clients.newest():
        seen = views.client(row)
        writer.writerow(seen[name] for name in _CSV)
    return Answer(out.getvalue())


ROUTES = (
    Route("GET", "/clients/", listing),
    Route("POST", "/clients/", create),
    Route("GET", "/clients/search", search),
    Route("GET", "/clients/download_csv", download_csv),
    Route("GET", "/clients/{id}", detail),
    Route("PUT", "/clients/{id}", update),
    Route("GET", "/clients/{id}/documents", documents),
    Route("GET", "/clients/{id}/cgCollections/", collections),
)
