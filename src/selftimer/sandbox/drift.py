"""Drift to order: the studio's payloads, lists and headers change as the real ones may without notice.

Orders stand until they are cancelled. They change what is answered, never what the studio's books say; a record whose
id is shown in another form can be asked for by that form.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

import orjson

from selftimer.sandbox.gate import Captured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

Kind = Literal[
    "extra_field",
    "missing_field",
    "null_list",
    "new_word",
    "id_29",
    "id_number",
    "order",
    "page_size",
    "no_rate_headers",
    "clock_skew",
    "read_lag",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_OF_A_FIELD = frozenset({"extra_field", "missing_field", "null_list", "new_word"})
_SIZES = frozenset({"per_page", "page_size", "pageSize", "limit"})
_API = "/api/v1/"


class DriftError(ValueError):
    """An order that can't be understood; the message says which part."""


@dataclass(slots=True, kw_only=True)
class Drift:
    """One order. `path` (a regular expression over the path below /api/v1) chooses the answers that drift.

    - `extra_field`: records have a `field` with `value`.
    - `missing_field`: they lack `field`.
    - `null_list`: `field` is null.
    - `new_word`: `field` is the word `value`.
    - `id_29`: their ids lack the last character. `id_number`: their ids are numbers.
    - `order`: a list's records come the other way round.
    - `page_size`: the page size that is asked for is ignored.
    - `no_rate_headers`: no header tells the rate limit.
    - `clock_skew`: the `Date` header is `seconds` ahead.
    - `read_lag`: what was made less than `seconds` ago isn't in lists and conversations yet.

    Of a list, only every `every`-th record changes, beginning with the first.
    """

    drift: Kind
    path: str = ".*"
    field: str = ""
    value: Any = None
    seconds: int = 0
    every: int = 1


def parse_drift(order: Mapping[str, Any]) -> Drift:
    """An order as the control endpoint takes it: `{"drift": …, "path": …, "field": …}`."""
    known = set(Drift.__dataclass_fields__)
    unknown = sorted(order.keys() - known)
    if unknown:
        raise DriftError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    if order.get("drift") not in KINDS:
        raise DriftError(f"drift must be one of {', '.join(KINDS)}")
    if order["drift"] in _OF_A_FIELD and not isinstance(order.get("field"), str):
        raise DriftError(f"{order['drift']} needs a field")
    for name in ("seconds", "every"):
        if not isinstance(order.get(name, 1), int) or (name == "every" and order.get(name, 1) < 1):
            raise DriftError(f"{name} must be a whole number")
    try:
        re.compile(str(order.get("path", "")))
    except re.error as error:
        raise DriftError(f"path is not a regular expression: {error}") from error
    return Drift(**order)


@dataclass(slots=True)
class Drifts:
    """The orders that stand, and the ids that were shown in another form."""

    orders: list[Drift] = field(default_factory=list)
    _ids: dict[str, str] = field(default_factory=dict)

    def order(self, drift: Drift) -> None:
        """Take an order."""
        self.orders.append(drift)

    def clear(self) -> None:
        """All is as before."""
        self.orders.clear()

    def to_json(self) -> list[dict[str, Any]]:
        """The orders that stand."""
        return [asdict(drift) for drift in self.orders]

    def for_path(self, path: str) -> list[Drift]:
        """Those that an answer of this path suffers."""
        return [drift for drift in self.orders if re.search(drift.path, path)]

    def own_path(self, path: str) -> str:
        """The path with the ids that the books know."""
        return "/".join(self._ids.get(part, part) for part in path.split("/"))

    def changed(self, drift: Drift, body: Any) -> None:
        """Change what is in an answer's JSON."""
        data = body.get("data") if isinstance(body, dict) else None
        if drift.drift == "order":
            if isinstance(data, list):
                data.reverse()
            return
        records = data[:: drift.every] if isinstance(data, list) else [data]
        for record in records:
            if isinstance(record, dict):
                self._record(drift, record)

    def _record(self, drift: Drift, record: dict[str, Any]) -> None:
        match drift.drift:
            case "extra_field":
                record[drift.field] = drift.value
            case "missing_field":
                record.pop(drift.field, None)
            case "null_list" | "new_word" if drift.field in record:
                record[drift.field] = drift.value if drift.drift == "new_word" else None
            case "id_29" | "id_number" if isinstance(record.get("id"), str):
                self._rename(drift, record)
            case _:
                pass

    def _rename(self, drift: Drift, record: dict[str, Any]) -> None:
        own = record["id"]
        shown: str | int = own[:-1]
        if drift.drift == "id_number":
            shown = int.from_bytes(own.encode()[-6:], "big")
        self._ids[str(shown)] = own
        record["id"] = shown


class DriftGate:
    """The layer around the app; passes everything untouched while nothing is ordered."""

    def __init__(self, app: ASGIApp, drifts: Drifts) -> None:
        self._app = app
        self._drifts = drifts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, and change what is answered."""
        orders = self._drifts.for_path(scope.get("path", "")) if self._drifts.orders else []
        if scope["type"] != "http" or not orders or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        asked = dict(scope, path=self._drifts.own_path(scope["path"]))
        if any(drift.drift == "page_size" for drift in orders):
            query = [pair for pair in parse_qsl(scope["query_string"].decode("latin-1")) if pair[0] not in _SIZES]
            asked["query_string"] = urlencode(query).encode("latin-1")
        caught = Captured()
        await self._app(asked, receive, caught.send)
        answer = self._drifted(orders, caught)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": bytes(answer.body)})

    def _drifted(self, orders: list[Drift], caught: Captured) -> Captured:
        for drift in orders:
            if drift.drift == "no_rate_headers":
                caught.headers = [pair for pair in caught.headers if not pair[0].startswith(b"x-ratelimit")]
            elif drift.drift == "clock_skew":
                caught.headers = [_later(pair, drift.seconds) for pair in caught.headers]
        try:
            body = orjson.loads(bytes(caught.body))
        except orjson.JSONDecodeError:
            return caught
        for drift in orders:
            if drift.drift == "read_lag":
                _lag(body, _told_at(caught).timestamp() - drift.seconds)
            else:
                self._drifts.changed(drift, body)
        return caught.with_body(orjson.dumps(body))


def _told_at(caught: Captured) -> datetime:
    """When it was answered, as its `Date` says."""
    return parsedate_to_datetime(next(value for name, value in caught.headers if name == b"date").decode())


def _lag(body: Any, newest: float) -> None:
    """Leave out of a list, and of the messages of a conversation, what was made later than that."""
    data = body.get("data") if isinstance(body, dict) else None
    if isinstance(data, list):
        seen = [record for record in data if _made_at(record) <= newest]
        meta = body.get("meta")
        if isinstance(meta, dict) and isinstance(meta.get("total"), int):
            meta["total"] -= len(data) - len(seen)
        body["data"] = data = seen
    for record in data if isinstance(data, list) else [data]:
        if isinstance(record, dict) and isinstance(record.get("messages"), list):
            record["messages"] = [one for one in record["messages"] if _made_at(one) <= newest]


def _made_at(record: Any) -> float:
    said = (record.get("created_at") or record.get("sent_at")) if isinstance(record, dict) else None
    return datetime.fromisoformat(said).timestamp() if isinstance(said, str) else 0.0


def _later(header: tuple[bytes, bytes], seconds: int) -> tuple[bytes, bytes]:
    name, value = header
    if name != b"date":
        return header
    second = parsedate_to_datetime(value.decode()).timestamp() + seconds
    return name, formatdate(second, usegmt=True).encode()
