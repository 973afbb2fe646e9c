"""What an answer means: the four error shapes, and the three kinds that delivery branches on (delivery.md §1.4).

Pure functions over an `Answer` or a `Lost`; what is done about it (sign in, try again) is `http.py`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import orjson
from whenever import Instant

from selftimer.errors import (
    Conflict,
    Drifted,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
    Refused,
    StudioError,
    Unclear,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 10 * 1024 * 1024
"""delivery.md §6: API answers are at most 10 MB."""
MAX_DEPTH = 50
_LOGIN_SEGMENTS = frozenset({"login", "signin", "sign-in"})
_PASSWORD_FIELD = re.compile(rb"""<input\b[^>]*\btype\s*=\s*["']?password""", re.IGNORECASE)
_KINDS: dict[int, type[StudioError]] = {403: NotAllowed, 404: NotFound, 409: Conflict}
_TOO_BIG = "the studio's answer is larger than 10 MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. `request` is method and path, never a query; `headers` are looked up in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request: str

    @property
    def html(self) -> bool:
        """Whether it is a web page instead of data."""
        return "text/html" in self.headers.get("content-type", "") or self.body[:64].lstrip()[:1] == b"<"


class Lost(Exception):  # noqa: N818 - it is a fact about the network, mapped into the error tree before it leaves
    """No whole answer came.

    `before_body` only where it is proven that no byte of the request's body left; `status` where the answer had begun.
    """

    def __init__(
        self,
        reason: str,
        *,
        request: str,
        kind: Literal["broken", "timeout", "too_large"] = "broken",
        before_body: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.request = request
        self.kind = kind
        self.before_body = before_body
        self.status = status


@dataclass(frozen=True, slots=True)
class _Fault:
    """An error body in one of the known shapes."""

    message: str
    code: str | None
    details: dict[str, Any]


def read_fault(body: object) -> _Fault | None:
    """The error that a JSON body tells, in any of the four shapes (studio-api.md, Errors); None for anything else."""
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, dict) and ("code" in error or "message" in error):
        return _fault(error, error.get("message") or error.get("code"), error.get("code"))
    if isinstance(error, str) and body.keys() & {"message", "code", "details"}:
        message = body.get("message")
        return _fault(body, f"{error}: {message}" if message else error, body.get("code"))
    return None


def _fault(source: dict[str, Any], message: object, code: object) -> _Fault:
    details = source.get("details")
    found = dict(details) if isinstance(details, dict) else {}
    found |= {key: value for key, value in source.items() if key not in {"error", "message", "code", "details"}}
    return _Fault(str(message)[:500], code.lower() if isinstance(code, str) else None, found)


def retry_after(answer: Answer, now: Instant) -> float | None:
    """Seconds that `Retry-After` asks for, as a number or a date; None where it is absent or malformed."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        return max(0.0, (Instant.parse_rfc2822(text) - now).total("seconds"))
    except ValueError:
        return None


def to_login(answer: Answer) -> bool:
    """Whether it is a redirect to the login page."""
    if not 300 <= answer.status < 400:
        return False
    path = urlsplit(answer.headers.get("location", "")).path.lower()
    return not _LOGIN_SEGMENTS.isdisjoint(path.split("/"))


def login_page(answer: Answer) -> bool:
    """Whether it is the HTML of the login page: a page that asks for a password."""
    return answer.html and _PASSWORD_FIELD.search(answer.body) is not None


def expired(answer: Answer) -> bool:
    """Whether the answer says, in whichever way, that there is no valid session (delivery.md §4)."""
    return answer.status in {401, 419} or to_login(answer) or (answer.status == 200 and login_page(answer))


def parse(answer: Answer) -> Any:
    """The body as JSON; `Drifted` for HTML, broken JSON and too deep nesting."""
    if answer.html:
        raise Drifted(
            "the studio answered with a web page instead of data", status=answer.status, request=answer.request
        )
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise Drifted(
            "the studio's answer is broken JSON", status=answer.status, code="broken_json", request=answer.request
        ) from error
    if _deeper_than(body, MAX_DEPTH):
        raise Drifted(
            f"the studio's answer is nested deeper than {MAX_DEPTH} levels",
            status=answer.status,
            request=answer.request,
        )
    return body


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value] if type(value) in (dict, list) else []
    while level and limit > 0:
        limit -= 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    return bool(level)


def judge_read(answer: Answer, now: Instant) -> Any:
    """The JSON of a read's answer, or the error it is."""
    if 200 <= answer.status < 300:
        if login_page(answer):
            raise _not_signed_in(answer)
        return None if answer.status == 204 else parse(answer)
    if expired(answer):
        raise _not_signed_in(answer)
    if answer.status == 429:
        raise _rate_limited(answer, now)
    if answer.status == 408 or answer.status >= 500:
        raise Unclear(f"the studio answered {_words(answer.status)}", status=answer.status, request=answer.request)
    body = _json_or_none(answer)
    if answer.status < 400 or not isinstance(body, dict):
        raise _drifted(answer)
    raise _refusal(answer, read_fault(body) or _Fault(f"the studio answered {_words(answer.status)}", None, {}))


def judge_upload(answer: Answer) -> None:
    """Whether a file was taken. `Refused` says that it was not; it may be sent again: it reaches nobody by itself."""
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 500 and answer.status != 408:
        raise Refused(
            f"the file was not taken: {_words(answer.status)}",
            status=answer.status,
            code="upload_refused",
            request=answer.request,
        )
    raise _unclear(answer, _words(answer.status))


def judge_write(answer: Answer, now: Instant) -> Any:
    """The JSON of an applied write; else the error that says whether it was applied (delivery.md §1.4)."""
    status = answer.status
    if 200 <= status < 300:
        if status == 200 and answer.html:
            raise _unclear(answer, "a web page with status 200")
        return None if status == 204 else parse(answer)
    if status in {401, 419} or to_login(answer):
        raise _not_signed_in(answer)
    fault = read_fault(_json_or_none(answer)) if 400 <= status < 500 and status != 408 else None
    if status == 429 and (fault is not None or "retry-after" in answer.headers):
        raise _rate_limited(answer, now)
    if fault is None:
        raise _unclear(answer, _words(status))
    raise _refusal(answer, fault)


def lost_read(lost: Lost) -> StudioError:
    """The error for a read without a whole answer."""
    if lost.kind == "too_large":
        return Drifted(_TOO_BIG, status=lost.status, code="too_large", request=lost.request)
    if lost.before_body:
        return Unreachable(f"no connection to the studio: {lost.reason}", request=lost.request)
    return Unclear(f"the studio gave no whole answer: {lost.reason}", status=lost.status, request=lost.request)


def lost_write(lost: Lost) -> StudioError:
    """The error for a write without a whole answer: not sent, applied without an id, or unknown."""
    if lost.before_body:
        return Unreachable(f"nothing was sent: {lost.reason}", request=lost.request)
    if lost.status is not None and 200 <= lost.status < 300:
        what = _TOO_BIG if lost.kind == "too_large" else f"its answer broke off: {lost.reason}"
        return Drifted(f"the studio took it, but {what}", status=lost.status, request=lost.request)
    return Unclear(f"it may or may not have arrived: {lost.reason}", status=lost.status, request=lost.request)


def _json_or_none(answer: Answer) -> Any:
    if answer.html:
        return None
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None


def _words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _not_signed_in(answer: Answer) -> NotSignedIn:
    return NotSignedIn("the studio session is not valid", status=answer.status, request=answer.request)


def _rate_limited(answer: Answer, now: Instant) -> RateLimited:
    return RateLimited(
        "the studio asks for fewer requests",
        retry_after=retry_after(answer, now),
        status=answer.status,
        request=answer.request,
    )


def _drifted(answer: Answer) -> Drifted:
    what = f"redirected to {urlsplit(answer.headers.get('location', '')).path or '/'}" if answer.status < 400 else ""
    return Drifted(
        f"the studio answered {what or _words(answer.status)} without an error that can be read; "
        "check the base URL and [studio.endpoints]",
        status=answer.status,
        request=answer.request,
    )


def _unclear(answer: Answer, what: str) -> Unclear:
    return Unclear(
        f"the studio answered {what}: it may or may not have been done", status=answer.status, request=answer.request
    )


def _refusal(answer: Answer, fault: _Fault) -> StudioError:
    return _KINDS.get(answer.status, Refused)(
        fault.message, status=answer.status, code=fault.code, details=fault.details, request=answer.request
    )
