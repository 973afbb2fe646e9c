"""The API's description, OpenAPI 3.1, generated from the calls that dispatch finds (`/openapi.json`).

It describes the sandbox to the letter, and a test holds the two to each other. What studio-api.md only infers is marked
`x-inferred`.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from selftimer.primitives import ids
from selftimer.sandbox import auth
from selftimer.sandbox.dispatch import CALLS, PREFIX
from selftimer.sandbox.refusals import ERRORS, RATE_HEADERS, failures, limits
from selftimer.sandbox.routing import PageLinks, PageMeta
from selftimer.sandbox.view_types import id_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selftimer.sandbox.profile import ServerOptions, StudioProfile
    from selftimer.sandbox.routing import Param, Route

Json = dict[str, Any]
_PLACE = re.compile(r"\{(\w+)(?::path)?\}")

TAGS = {
    "Clients": ("clients",),
    "Sessions": ("session_types", "session_type_schedules", "sessions"),
    "Invoices": ("invoices", "invoices_summary"),
    "Contracts": ("contracts",),
    "Questionnaires": ("questionnaires",),
    "Quotes": ("quotes",),
    "Conversations": ("conversations", "conversation_messages", "conversation_message_attachments"),
    "Templates": ("templates",),
    "Coupons and gift cards": ("coupons", "gift_cards"),
    "Galleries": ("collections", "photos", "data"),
    "Account": ("notifications",),
}
"""The resources, by the first part of their paths."""

_IDS: dict[str, type[ids.StudioId]] = {
    "/clients/{id}": ids.ClientId,
    "/contracts/{id}": ids.ContractId,
    "/conversations/{id}": ids.ConversationId,
    "/coupons/{id}": ids.CouponId,
    "/gift_cards/{id}": ids.GiftCardId,
    "/invoices/{id}": ids.InvoiceId,
    "/invoices/{id}/payments/{payment}": ids.PaymentId,
    "/questionnaires/{id}": ids.QuestionnaireId,
    "/quotes/{id}": ids.QuoteId,
    "/session_type_schedules/{id}": ids.ScheduleId,
    "/session_type_schedules/{id}/session_type_schedule_intervals/{interval}": ids.ScheduleIntervalId,
    "/session_types/{id}": ids.SessionTypeId,
    "/session_types/{id}/templates/contract/{template}": ids.ContractTemplateId,
    "/session_types/{id}/templates/questionnaire/{template}": ids.QuestionnaireTemplateId,
    "/sessions/{id}": ids.SessionId,
    "/templates/emails/{id}": ids.EmailTemplateId,
    "/templates/contracts/{id}": ids.ContractTemplateId,
    "/templates/invoices/{id}": ids.InvoiceTemplateId,
    "/templates/questionnaires/{id}": ids.QuestionnaireTemplateId,
    "/templates/quotes/{id}": ids.QuoteTemplateId,
}
_ZONE = "[A-Za-z_+-]+(/[A-Za-z0-9_+-]+)*"
_OTHERS: dict[str, Json] = {
    "/session_types/{id}/check-day-avail/{day}": {
        "type": "string",
        "pattern": f"^2[01][0-9]{{2}}-(1[0-2]|[1-9])-(1[0-9]|2[0-8]|[1-9])-{_ZONE}$",
        "examples": ["2025-8-7-Europe/London"],
    },
    "/session_types/{id}/check-month-avail/{month}": {
        "type": "string",
        "pattern": f"^2[01][0-9]{{2}}-(1[0-2]|[1-9])-{_ZONE}$",
        "examples": ["2025-8-Europe/London"],
    },
    "/collections/{id}": {"type": "string", "pattern": "^[0-9]{8}$", "format": "collection-id"},
    "/invoices_summary/totals/{currency}": {"type": "string", "pattern": "^[A-Za-z]{3}$", "format": "currency-code"},
}
"""What a parameter of a path is, by the path up to it: `id` means another kind in every place."""


def document(profile: StudioProfile, options: ServerOptions, origin: str) -> Json:
    """The whole description, of a sandbox that answers at `origin`."""
    models = _Models(CALLS)
    paths: Json = {}
    for route in CALLS:
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route, models, options)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Studio API of {profile.name} (sandbox)", "version": "1", "description": _about(profile)},
        "servers": [{"url": f"{origin}{PREFIX}"}],
        "tags": [{"name": name} for name in TAGS],
        "paths": paths,
        "components": {
            "schemas": {**models.components, **ERRORS},
            "headers": RATE_HEADERS,
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": auth.SESSION_COOKIE,
                    "description": f"Set by `POST {origin}/login`, a form with `email` and `password`.",
                },
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRF-Token",
                    "description": f"On every write: what the login's cookie `{auth.CSRF_COOKIES[0]}` holds.",
                },
            },
        },
    }


def _about(profile: StudioProfile) -> str:
    return (
        "A local studio that speaks the unofficial Studio API as far as it is known. Slashes at the end of a path "
        f"count. Sign in as `{profile.email}` with the password `{profile.password}`. Times are UTC, money is in the "
        "currency's smallest unit. What is marked `x-inferred` is documented nowhere and follows the API's conventions."
    )


# Operations -----------------------------------------------------------------------------------------------------


def _operation(route: Route, models: _Models, options: ServerOptions) -> Json:
    summary, _, rest = inspect.cleandoc(_function(route).__doc__ or "").partition("\n\n")
    said: Json = {
        "operationId": operation_id(route),
        "summary": " ".join(summary.split()),
        "tags": [tag_of(route.path)],
        "security": [{"session": [], "csrf": []} if route.method in auth.WRITES else {"session": []}],
        "responses": failures(route, tag_of(route.path), options),
    }
    if rest:
        said["description"] = rest
    if not route.documented:
        said["x-inferred"] = True
    parameters = [*_places(path_of(route)), *(_query(param) for param in route.query)]
    if parameters:
        said["parameters"] = parameters
    if route.body is not None:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": models.of(route.body)}}}
    success, code = _success(route, models), str(route.status)
    if code in said["responses"]:  # a login page with status 200
        success["content"] = {**success.get("content", {}), **said["responses"][code]["content"]}
    said["responses"][code] = success
    return said


def operation_id(route: Route) -> str:
    """A name of the call that stays: resource, function, and the kind where one function serves several."""
    function = _function(route)
    kinds = route.answer.args if isinstance(route.answer, partial) else ()
    return ".".join((function.__module__.rpartition(".")[2], function.__name__, *map(str, kinds)))


def _function(route: Route) -> Any:
    return route.answer.func if isinstance(route.answer, partial) else route.answer


def path_of(route: Route) -> str:
    """The path as a description writes it."""
    return _PLACE.sub(r"{\1}", route.path)


def tag_of(path: str) -> str:
    """The resource that a path belongs to."""
    first = path.split("/")[1]
    return next(tag for tag, parts in TAGS.items() if first in parts)


def _places(path: str) -> Iterable[Json]:
    for match in _PLACE.finditer(path):
        where = path[: match.end()]
        schema = id_schema(_IDS[where]) if where in _IDS else _OTHERS[where]
        yield {"name": match[1], "in": "path", "required": True, "schema": schema}


def _query(param: Param) -> Json:
    schema = TypeAdapter(param.type).json_schema()
    said: Json = {"name": param.name, "in": "query", "schema": schema}
    if param.required:
        said["required"] = True
    if param.about:
        said["description"] = param.about
    return said


def _success(route: Route, models: _Models) -> Json:
    said: Json = {"description": "Done." if route.method in auth.WRITES else "Found.", "headers": limits()}
    if route.media != "application/json":
        said["content"] = {route.media: {"schema": {"type": "string"}}}
    elif route.data is not None:
        said["content"] = {route.media: {"schema": _envelope(route, models)}}
    if links := _links(route):
        said["links"] = links
    return said


def _envelope(route: Route, models: _Models) -> Json:
    members: Json = {"data": models.of(route.data)}
    if (meta := meta_of(route)) is not None:
        members["meta"] = models.of(meta)
    if route.links:
        members["links"] = models.of(PageLinks)
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def meta_of(route: Route) -> Any:
    """The type of the answer's `meta`: as the call says, a whole one where it has pages, none elsewhere."""
    paged = any(param.name == "page" for param in route.query)
    return route.meta or (PageMeta if paged else None)


# Links ----------------------------------------------------------------------------------------------------------


def _links(route: Route) -> Json:
    """From a record that was made, or the first of a list, to all that can be done with it by its id."""
    if _PLACE.search(route.path) or not _has_id(route):
        return {}
    expression = "$response.body#/data/0/id" if _is_list(route.data) else "$response.body#/data/id"
    item = f"{route.path.rstrip('/')}/{{id}}/"
    links = {}
    for other in CALLS:
        places = _PLACE.findall(other.path)
        if places == ["id"] and f"{other.path}/".startswith(item):
            links[operation_id(other)] = {"operationId": operation_id(other), "parameters": {"path.id": expression}}
        elif route.path == "/clients/" and any(param.name == "client_id" for param in other.query):
            parameters = {"query.client_id": expression}
            links[operation_id(other)] = {"operationId": operation_id(other), "parameters": parameters}
    return links


def _is_list(data: Any) -> bool:
    return getattr(data, "__origin__", None) is list


def _has_id(route: Route) -> bool:
    data = route.data.__args__[0] if _is_list(route.data) else route.data
    return "id" in getattr(data, "__annotations__", {})


# Models ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Use:
    """A type, and whether it is read from a body or written into an answer."""

    type: Any
    written: bool


class _Models:
    """The types of all bodies and answers as JSON schemas, shared ones as components.

    What the sandbox answers is closed: a member that isn't described is a mistake. What it reads is open.
    """

    def __init__(self, calls: Iterable[Route]) -> None:
        read = [route.body for route in calls if route.body is not None]
        written = [route.data for route in calls if route.data is not None]
        written += [PageLinks, *(meta_of(route) for route in calls if meta_of(route) is not None)]
        self._types: list[Any] = []
        inputs: list[tuple[int, Any, TypeAdapter[Any]]] = []
        for types, mode in ((read, "validation"), (written, "serialization")):
            for one in types:
                if one not in self._types:
                    self._types.append(one)
                    inputs.append((len(self._types) - 1, mode, TypeAdapter(one)))
        schemas, rest = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
        self.components: Json = rest.get("$defs", {})
        self._schemas = {place: schema for (place, _), schema in schemas.items()}
        open_names = self._reached(self.of(one) for one in read)
        for name, component in self.components.items():
            if name not in open_names and "properties" in component:
                component.setdefault("additionalProperties", False)

    def of(self, one: Any) -> Json:
        """The schema of a type, usually a reference."""
        return self._schemas[self._types.index(one)]

    def _reached(self, schemas: Iterable[Mapping[str, Any]]) -> set[str]:
        found: set[str] = set()
        waiting: list[Any] = list(schemas)
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                name = str(node.get("$ref", "")).rpartition("/")[2]
                if name and name not in found:
                    found.add(name)
                    waiting.append(self.components[name])
                waiting.extend(node.values())
            elif isinstance(node, list):
                waiting.extend(node)
        return found
