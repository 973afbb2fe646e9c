"""How the API refuses, for its description: four shapes of errors, and who answers with which (studio-api.md)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from selftimer.sandbox import auth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.sandbox.profile import ServerOptions
    from selftimer.sandbox.routing import Route

Json = dict[str, Any]
_TEXT = {"type": "string"}
_FAULTS = {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}}


def _shape(about: str, needed: dict[str, Json], **optional: Json) -> Json:
    return {
        "type": "object",
        "description": about,
        "properties": {**needed, **optional},
        "required": list(needed),
        "additionalProperties": False,
    }


ERRORS: dict[str, Json] = {
    "Error1": _shape(
        "A code, a sentence and details: what was expected and received, or field to messages.",
        {"error": _shape("", {"code": _TEXT, "message": _TEXT}, details={"type": "object"})},
    ),
    "Error2": _shape("Two texts.", {"error": _TEXT, "message": _TEXT}),
    "Error3": _shape(
        "A text and a code in capitals, of conversations.",
        {"error": _TEXT, "code": {"type": "string", "pattern": "^[A-Z_]+$"}},
        received=_TEXT,
        max_size={"type": "integer"},
        details=_FAULTS,
    ),
    "Error4": _shape("Two texts, and field to messages.", {"error": _TEXT, "message": _TEXT, "details": _FAULTS}),
}
RATE_HEADERS: dict[str, Json] = {
    "X-RateLimit-Limit": {"description": "Requests a minute, where there is a limit.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "How many of them are left.", "schema": {"type": "integer"}},
    "Retry-After": {
        "description": "Seconds until the minute is over.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 60},
    },
}

_OF_IDS = {"Clients": "Error2", "Conversations": "Error3"}
"""The shape of a 400 for a malformed id."""
_IDS_IN_BODIES = ("/conversation_messages",)
"""Who refuses a malformed id in the body in the same way."""
_OF_BODIES = {"Clients": "Error4", "Conversations": "Error3", "Coupons and gift cards": "Error4"}
"""The shape of a 422 for a body."""
_OF_THE_REST = {
    ("Conversations", 404): "Error3",
    ("Conversations", 413): "Error3",
    ("Coupons and gift cards", 409): "Error4",
}


def limits() -> Json:
    """The headers that tell how much of the rate limit is used up."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in RATE_HEADERS if name != "Retry-After"}


def failures(route: Route, tag: str, options: ServerOptions) -> Json:
    """The answers of a call that refuse it: its own, those of its ids, query and body, and those of every call."""
    by_id, body = "{" in route.path, route.method in auth.WRITES
    statuses = {*route.errors, *((400, 404) if by_id else ()), *((400,) if route.body else ())}
    if route.query or route.body:
        statuses.add(422)
    if options.forbids(route.path):
        statuses.add(403)
    said = {str(status): _refusal(status, _shapes(route, tag, status)) for status in sorted(statuses)}
    said |= _signed_out(options)
    if body:
        said["419"] = _refusal(419, ["Error2"], "The CSRF token is missing or no longer valid.")
    late = _refusal(429, ["Error1"], "Too many requests this minute.")
    late["headers"]["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    return {**said, "429": late}


def _shapes(route: Route, tag: str, status: int) -> Iterable[str]:
    shapes = set()
    if status == 400:
        if "{" in route.path:
            shapes.add(_OF_IDS.get(tag, "Error1"))
        if route.body:
            shapes.add("Error1")
        if route.path in _IDS_IN_BODIES:
            shapes.add(_OF_IDS[tag])
    elif status == 422:
        if route.query:
            shapes.add(_shape_of(route.refuse({}).body))
        if route.body:
            shapes.add(_OF_BODIES.get(tag, "Error1"))
    return sorted(shapes) or [_OF_THE_REST.get((tag, status), "Error1")]


def _shape_of(body: Json) -> str:
    if isinstance(body["error"], dict):
        return "Error1"
    return "Error3" if "code" in body else "Error4" if "details" in body else "Error2"


def _signed_out(options: ServerOptions) -> Json:
    about = "Nobody is signed in, or the session has expired."
    page = {"text/html": {"schema": _TEXT}}
    match options.expiry_style:
        case "401":
            return {"401": _refusal(401, ["Error1"], about)}
        case "419":
            return {"419": _refusal(419, ["Error2"], about)}
        case "redirect":
            where = {"Location": {"required": True, "schema": _TEXT}}
            return {"302": {"description": about, "headers": {**limits(), **where}, "content": page}}
        case "html":
            return {"200": {"description": about, "headers": limits(), "content": page}}


def _refusal(status: int, shapes: Iterable[str], about: str = "") -> Json:
    refs = [{"$ref": f"#/components/schemas/{shape}"} for shape in shapes]
    schema = refs[0] if len(refs) == 1 else {"anyOf": refs}
    return {
        "description": about or f"{HTTPStatus(status).phrase}.",
        "headers": limits(),
        "content": {"application/json": {"schema": schema}},
    }
