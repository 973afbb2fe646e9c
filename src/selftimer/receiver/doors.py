"""Who may call and what a call brings, without a server: signatures, tokens, bodies (delivery.md §6).

All of it was typed by strangers. Nothing of it is ever said again to whoever called.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whenever import Instant

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TOLERANCE = 300
"""Seconds that the time of a signed call may be off: an older one may be one that was listened to and played again."""
MOST_CHARACTERS = 8_000
"""Of one field; the rest is cut off."""
_MOST_SIGNATURES = 16
_MOST_PARTS = 500
"""Fields of a form that are looked at, declared or not."""
_ID = re.compile(r"[!-~]{1,200}\Z")
_SECONDS = re.compile(r"[0-9]{1,12}\Z")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Signs that nobody types and that can make a text look like another: controls, directions, nothing."""


class Refused(Exception):  # noqa: N818 - an answer to the caller, not a fault
    """The call isn't taken; `status` is all that the caller is told, `why` is for the log."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A webhook that comes in: by what its callers are known, and its fields, each with the name that rules say."""

    name: str
    fields: Mapping[str, str]
    key: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What a call brought: its declared fields, and how many others it had."""

    fields: Mapping[str, str]
    dropped: int


def admit(door: Door, headers: Mapping[str, str], body: bytes, now: Instant, token: str | None) -> str | None:
    """The call's `webhook-id`, None where a call by token has none; `Refused` for whoever isn't known.

    `token` is that of the path. A call with a signature has to be signed well, whatever token it has besides.
    """
    ident = headers.get("webhook-id")
    if ident is not None and not _ID.match(ident):
        raise Refused(401, "its id can't be one")
    if door.key is not None and "webhook-signature" in headers:
        if ident is None:
            raise Refused(401, "signed without an id")
        _check_signature(door.key, ident, headers, body, now)
        return ident
    given = token if token is not None else _bearer(headers)
    if door.token is None or given is None:
        raise Refused(401, "no signature" if door.key is not None else "no token")
    if not hmac.compare_digest(given.encode(), door.token.encode()):
        raise Refused(401, "a wrong token")
    return ident


def _check_signature(key: bytes, ident: str, headers: Mapping[str, str], body: bytes, now: Instant) -> None:
    """By Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`; any of several signatures, for keys that change."""
    seconds = headers.get("webhook-timestamp", "")
    if not _SECONDS.match(seconds):
        raise Refused(401, "no time that could be one")
    whole = f"{ident}.{seconds}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, whole, hashlib.sha256).digest())
    good = False
    for one in headers["webhook-signature"].split()[:_MOST_SIGNATURES]:
        version, _, signature = one.partition(",")
        good |= hmac.compare_digest(signature.encode(), wanted) and version == "v1"
    if not good:
        raise Refused(401, "a wrong signature")
    if abs(now.timestamp(unit="second") - int(seconds)) > TOLERANCE:
        raise Refused(401, "signed too long ago, or by a clock that is off")


def _bearer(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def content_type(headers: Mapping[str, str]) -> str:
    """`JSON` or `FORM`; `Refused` for anything else, and for what is packed."""
    said = headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in {JSON, FORM}:
        raise Refused(415, "neither JSON nor a form")
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Refused(415, "it is packed")
    return said


def read_body(door: Door, kind: str, body: bytes) -> Brought:
    """The declared fields as clean texts; `Refused` where it can't be read."""
    pairs = list(_form(body) if kind == FORM else _json(body))
    found: dict[str, list[str]] = {}
    unknown: set[str] = set()
    for name, value in pairs:
        text = _text(value)
        if name not in door.fields or text is None:
            unknown.add(name)
        elif clean := tidy(text):
            found.setdefault(door.fields[name], []).append(clean)
    return Brought(fields={name: tidy(", ".join(parts)) for name, parts in found.items()}, dropped=len(unknown))


def _form(body: bytes) -> Iterable[tuple[str, Any]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_PARTS, errors="replace")
    except ValueError:
        raise Refused(400, "the form can't be read") from None


def _json(body: bytes) -> Iterable[tuple[str, Any]]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "the JSON can't be read") from None
    if isinstance(data, dict) and isinstance(data.get("data"), dict) and isinstance(data.get("type"), str):
        data = data["data"]  # the envelope of Standard Webhooks
    if not isinstance(data, dict):
        raise Refused(400, "the JSON is no object")
    for name, value in list(data.items())[:_MOST_PARTS]:
        yield from ((name, one) for one in (value if isinstance(value, list) else [value]))


def _text(value: Any) -> str | None:
    """A value as a text; None for what is none: things within things."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
        case _:
            return None


def tidy(text: str) -> str:
    """Without signs that nobody types and blanks around it, and no longer than a field may be."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()[:MOST_CHARACTERS].rstrip()


def id_of(given: str | None, brought: Brought, now: Instant) -> str:
    """The id that a call is kept by: the digest of its own, which may be anybody's address and stands in logs.

    Of a call that has none, that of what it brought and the day (UTC): a second click is the same form.
    """
    if given is not None:
        return hashlib.sha256(given.encode()).hexdigest()[:32]
    said = orjson.dumps(dict(brought.fields), option=orjson.OPT_SORT_KEYS)
    return f"{now.to_tz('UTC').date().format_iso()}.{hashlib.sha256(said).hexdigest()[:32]}"
