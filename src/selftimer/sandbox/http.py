"""What the resources share: calls, answers, the four error shapes, ids and pages (studio-api.md, Conventions, Errors).

A resource is a function from a `Call` to an `Answer`; it refuses by raising `Refused`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from whenever import Date, Instant

from selftimer.sandbox.model import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selftimer.primitives.ids import StudioId
    from selftimer.sandbox.model import Client
    from selftimer.sandbox.studio import Studio
    from selftimer.sandbox.tables import Table

MAX_PAGE = 100
DEFAULT_PAGE = 25
MAX_NUMBER = 10**10
"""No number in a body is larger; amounts up to a hundred million dollars are."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
R = TypeVar("R", bound=Record)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request to a resource: its query, the parameters of its path, its JSON body, the origin it came to."""

    world: Studio
    method: str
    path: str
    query: Mapping[str, str]
    params: Mapping[str, str]
    body: Any = None
    origin: str = ""

    def flag(self, name: str, *, default: bool) -> bool:
        """A yes/no query parameter."""
        value = self.query.get(name)
        return default if value is None else value.lower() in {"1", "true", "yes"}

    def wrote(
        self,
        kind: str,
        record_id: str,
        *,
        client_id: str = "",
        conversation_id: str | None = None,
        content: Mapping[str, Any] | None = None,
    ) -> None:
        """Note in the ledger that this call was accepted as a write: what it made or changed, and what it said."""
        self.world.ledger.wrote(
            self.world.now,
            method=self.method,
            path=self.path,
            kind=kind,
            record_id=record_id,
            client_id=client_id,
            conversation_id=conversation_id,
            content=content,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what is in its body (None: no body)."""

    body: Any
    status: int = 200


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure of the sandbox
    """The API says no, in one of its four shapes."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def shape1(status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> Refused:
    """`{"error": {"code", "message", "details"}}`."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = dict(details)
    return Refused(status, {"error": error})


def shape2(status: int, error: str, message: str) -> Refused:
    """`{"error": text, "message": text}`."""
    return Refused(status, {"error": error, "message": message})


def shape3(status: int, error: str, code: str, **more: Any) -> Refused:
    """`{"error": text, "code": CODE}`."""
    return Refused(status, {"error": error, "code": code, **more})


def shape4(message: str, details: Mapping[str, list[str]]) -> Refused:
    """`{"error": "Validation failed", "message", "details"}`, status 422."""
    return Refused(422, {"error": "Validation failed", "message": message, "details": dict(details)})


def invalid(details: Mapping[str, list[str]]) -> Refused:
    """422 in shape 1: field to messages."""
    return shape1(422, "validation_failed", "The given data was invalid.", details)


# Ids ------------------------------------------------------------------------------------------------------------


def checked_id(id_type: type[StudioId], text: str) -> str:
    """The id if it is well formed, else 400 in shape 1."""
    if not id_type.valid(text):
        details = {"expected_prefix": id_type.prefix, "received": text[:80]}
        message = f"The {id_type.kind} id must start with '{id_type.prefix}'."
        raise shape1(400, "invalid_id_format", message, details)
    return text


def found(table: Table[R], id_type: type[StudioId], record_id: str, code: str) -> R:
    """The record of a well-formed id; 400 and 404 in shape 1."""
    row = table.get(checked_id(id_type, record_id))
    if row is None:
        raise shape1(404, code, f"No {id_type.kind} has this id.", {"id": record_id})
    return row


def day_of(text: str) -> Date | None:
    """The date that a text like 2026-03-31 says; None where it is none, or the last one that there is."""
    try:
        day = Date.parse_iso(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    return day if day != Date.MAX else None


def body_of(call: Call) -> dict[str, Any]:
    """The call's JSON object; 400 where there is none."""
    if not isinstance(call.body, dict):
        raise shape1(400, "validation_error", "The request's body must be a JSON object.")
    return call.body


@dataclass(slots=True)
class Fields:
    """Reads a body field by field and gathers what is wrong with it."""

    body: Mapping[str, Any]
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str, *, required: bool = False, default: str = "", limit: int = 10_000) -> str:
        """A string; null counts as absent."""
        value = self.body.get(name)
        if value is None:
            if required:
                self.fault(name, f"The {name} field is required.")
            return default
        if not isinstance(value, str):
            self.fault(name, f"The {name} field must be a string.")
            return default
        if required and not value.strip():
            self.fault(name, f"The {name} field is required.")
        if len(value) > limit:
            self.fault(name, f"The {name} field must not be longer than {limit} characters.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean."""
        value = self.body.get(name, default)
        if not isinstance(value, bool):
            self.fault(name, f"The {name} field must be true or false.")
            return default
        return value

    def number(self, name: str, *, least: int = 0, most: int = MAX_NUMBER, default: int | None = None) -> int:
        """A whole number."""
        value = self.body.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.fault(name, f"The {name} field must be an integer of at least {least}.")
            return least
        if value > most:
            self.fault(name, f"The {name} field must not be greater than {most}.")
            return least
        return value

    def day(self, name: str, *, required: bool = False) -> Date | None:
        """A date like 2026-03-31; null counts as absent."""
        text = self.text(name, required=required)
        day = day_of(text)
        if text and day is None:
            self.fault(name, f"The {name} field must be a date like 2026-03-31.")
        return day

    def instant(self, name: str) -> Instant | None:
        """A timestamp with its zone; null counts as absent."""
        text = self.text(name)
        if self.body.get(name) is None:
            return None
        try:
            return Instant.parse_iso(text)
        except ValueError:
            self.fault(name, f"The {name} field must be a timestamp like 2026-03-31T12:00:00Z.")
            return None

    def fault(self, name: str, message: str) -> None:
        """Note what is wrong with a field."""
        self.wrong.setdefault(name, []).append(message)

    def check(self, refuse: Callable[[Mapping[str, list[str]]], Refused] = invalid) -> None:
        """Refuse the call if anything was wrong."""
        if self.wrong:
            raise refuse(self.wrong)


def client_named(call: Call, fields: Fields) -> Client | None:
    """The client whose id the body names; notes what is wrong with it."""
    client_id = fields.text("client_id", required=True)
    client = call.world.tables.clients.get(client_id)
    if client is None and client_id:
        fields.fault("client_id", "The selected client_id is invalid.")
    return client


# Pages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: its number, size, records and how many there are in all."""

    rows: Sequence[Any]
    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        """The last page's number; an empty list has one page."""
        return max(1, -(-self.total // self.size))

    def meta(self, *left_out: str) -> dict[str, Any]:
        """The `meta` object, without the members that this list doesn't give."""
        start = (self.number - 1) * self.size
        meta = {
            "current_page": self.number,
            "per_page": self.size,
            "total": self.total,
            "last_page": self.last,
            "from": start + 1 if self.rows else None,
            "to": start + len(self.rows) if self.rows else None,
        }
        return {name: value for name, value in meta.items() if name not in left_out}

    def links(self, path: str) -> dict[str, str | None]:
        """The `links` object, where a list gives it."""

        def link(number: int) -> str:
            return f"/api/v1{path}?page={number}"

        return {
            "first": link(1),
            "last": link(self.last),
            "prev": link(self.number - 1) if self.number > 1 else None,
            "next": link(self.number + 1) if self.number < self.last else None,
        }


def page_of(call: Call, rows: Sequence[Any], size_name: str = "per_page") -> Page:
    """The page that the call asks for; a page beyond the last is empty, a size above 100 is cut to 100."""
    number = _whole(call, "page", 1)
    size = min(_whole(call, size_name, DEFAULT_PAGE), MAX_PAGE)
    start = (number - 1) * size
    return Page(rows[start : start + size], number, size, len(rows))


def _whole(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not int(text[:9]) >= 1:
        raise invalid({name: [f"The {name} parameter must be a positive integer."]})
    return int(text[:9])


def dump(body: Any) -> bytes:
    """JSON bytes."""
    return orjson.dumps(body)
