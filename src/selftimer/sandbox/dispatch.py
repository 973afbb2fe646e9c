"""From a request's method and path to the resource that answers it. Slashes count: a wrong one is a 404."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from selftimer.sandbox.http import Call, Refused, dump, shape1
from selftimer.sandbox.resources import (
    availability,
    clients,
    conversations,
    coupons,
    documents,
    galleries,
    invoices,
    notifications,
    schedules,
    session_types,
    sessions,
    templates,
)
from selftimer.sandbox.script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.sandbox.routing import Route
    from selftimer.sandbox.studio import Studio

PREFIX = "/api/v1"
PART = Script()
"""What the API itself carries out later."""
_EXACT = 2.0**53
"""Up to here a float says which whole number it is."""
_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")
"""A part of a path, or with `:path` all the rest of it, slashes too."""
CALLS: tuple[Route, ...] = (
    *availability.ROUTES,
    *clients.ROUTES,
    *conversations.ROUTES,
    *coupons.ROUTES,
    *documents.ROUTES,
    *galleries.ROUTES,
    *invoices.ROUTES,
    *notifications.ROUTES,
    *schedules.ROUTES,
    *session_types.ROUTES,
    *sessions.ROUTES,
    *templates.ROUTES,
)
"""Every call of the API."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: a status, a body, and what kind of text it is."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Routes:
    """Paths without parameters are looked up, the others tried in order."""

    def __init__(self) -> None:
        self._plain: dict[str, dict[str, Route]] = {}
        self._patterns: dict[re.Pattern[str], dict[str, Route]] = {}
        for route in CALLS:
            self._add(route)

    def _add(self, route: Route) -> None:
        if "{" not in route.path:
            self._plain.setdefault(route.path, {})[route.method] = route
            return
        # re.compile keeps one pattern per text, so that all methods of a path meet in one entry
        pattern = re.compile(_PARAMETER.sub(_part, route.path) + r"\Z")
        self._patterns.setdefault(pattern, {})[route.method] = route

    def find(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        """The calls at a path by method, and the path's parameters; nothing where there is no such path."""
        plain = self._plain.get(path)
        if plain is not None:
            return plain, {}
        for pattern, routes in self._patterns.items():
            match = pattern.match(path)
            if match:
                return routes, match.groupdict()
        return {}, {}


def _part(parameter: re.Match[str]) -> str:
    return f"(?P<{parameter[1]}>{'.+' if parameter[2] else '[^/]+'})"


ROUTES = Routes()


def takes(method: str, path: str) -> bool:
    """Whether there is such a call; also True where there is nothing at the path."""
    routes, _ = ROUTES.find(path)
    return not routes or method in routes


def perform(world: Studio, *, method: str, path: str, query: str, body: bytes, origin: str = "") -> Reply:
    """Answer a request that was let in; `path` is without the prefix, `query` as it was sent."""
    routes, params = ROUTES.find(path)
    try:
        route = routes.get(method)
        if route is None and routes:
            return _not_allowed(method, routes)
        if route is None:
            raise shape1(404, "resource_not_found", f"There is nothing at {path}.")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        route.check_query(asked)
        call = Call(
            world=world,
            method=method,
            path=f"{PREFIX}{path}",
            query=asked,
            params=params,
            body=_parsed(body),
            origin=origin,
        )
        answer = route.answer(call)
    except Refused as refused:
        return Reply(refused.status, dump(refused.body))
    if isinstance(answer.body, str):
        return Reply(answer.status, answer.body.encode(), "text/csv; charset=utf-8")
    return Reply(answer.status, b"" if answer.body is None else dump(answer.body))


def _not_allowed(method: str, routes: Iterable[str]) -> Reply:
    refused = shape1(405, "method_not_allowed", f"{method} is not supported here.")
    return Reply(refused.status, dump(refused.body), headers=((b"allow", ", ".join(sorted(routes)).encode()),))


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return _whole(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise shape1(400, "validation_error", "The request's body is not JSON.") from None


def _whole(value: Any) -> Any:
    """The value with 5.0 as 5: JSON has one kind of number."""
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value


@PART.on("late_request")
def late_request(world: Studio, _key: str, method: str, path: str, query: str, body: bytes) -> None:
    """A request whose answer never came is carried out after all (`late_apply` of faults)."""
    perform(world, method=method, path=path, query=query, body=body)
