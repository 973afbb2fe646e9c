"""A read-only tour over a live account: a page of each list, the first record of each, the small counts.

Nothing but GETs; at most one request an endpoint, under the rate limit that everything keeps to. What writes, or makes
something ready to be written (an upload's address), isn't visited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.errors import NotSignedIn, StudioError
from selftimer.studio.clients import ALL_TYPES
from selftimer.studio.endpoints import ENDPOINTS, Endpoint
from selftimer.studio.pages import client_of
from selftimer.studio.tour_judge import Judge, Look, is_list
from selftimer.studio.tour_report import Report, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.primitives.clock import Clock
    from selftimer.studio.api import Studio

PAGE = 20
"""Records asked for of each list: another number than the studio's own, so that it shows whether it is heeded."""
_QUERIES: dict[str, dict[str, str]] = {
    "client.list": {"types": ALL_TYPES},
    "client.search": {"q": "a", "types": "all"},
    "coupon.list": {"filter": "all"},
    "template.email.content": {"variables": "{}", "format": "text"},
}
_BESIDES = frozenset(
    {
        "account",
        "client.search",
        "client.collections",
        "client.documents",
        "session.inquiries",
        "invoice.summary",
        "invoice.currencies",
        "invoice.totals",
        "payment.disputed",
        "conversation.unread",
        "template.email.content",
    }
)
"""Endpoints to visit besides those named `….list` and `….get`. All others write, or prepare to."""
_FIRST_OF = {"template.email.content": "template.email.list"}
Record = dict[str, Any]


def visited(names: Iterable[str] = ENDPOINTS) -> list[str]:
    """The endpoints that a tour visits: the account, then lists, then what is read by the ids in them."""
    found = [name for name in names if name.endswith((".list", ".get")) or name in _BESIDES]
    return sorted(found, key=lambda name: (name != "account", not is_list(name) or name == "client.collections"))


class Tour:
    """Made for one tour."""

    def __init__(self, studio: Studio, clock: Clock) -> None:
        self._studio = studio
        self._clock = clock
        self._judge = Judge("studio")
        self._first: dict[str, Record] = {}
        """List → its first record."""

    async def run(self) -> Report:
        """Sign in if there is no session, then go round. `StudioError` where there is no session to be had."""
        for name in visited():
            await self._visit(name, self._studio.endpoints[name])
        report = self._judge.report()
        report.session = self._session()
        return report

    async def _visit(self, name: str, endpoint: Endpoint) -> None:
        query = dict(_QUERIES.get(name, {}))
        asked = PAGE if is_list(name) and endpoint.size_param is not None else None
        query |= endpoint.page(1, asked) if is_list(name) else endpoint.expanded()
        try:
            ids = self._ids(name, endpoint)
        except LookupError as error:
            self._judge.take(Look(name=name, endpoint=endpoint, answer=None, note=str(error.args[0])))
            return
        if name == "invoice.totals" and (client := client_of(self._first["invoice.list"])):
            query["client_id"] = client
        try:
            answer = await self._studio.look(endpoint.at(**ids), query or None, api=endpoint.api)
        except StudioError as error:
            if name == "account" or isinstance(error, NotSignedIn):
                raise
            self._judge.unreachable(name, endpoint, error.message)
            return
        body = self._judge.take(Look(name=name, endpoint=endpoint, answer=answer, asked=asked, at=self._clock.now()))
        if is_list(name) and isinstance(first := _first(body), dict):
            self._first[name] = first

    def _ids(self, name: str, endpoint: Endpoint) -> dict[str, str]:
        """What goes into the path's places; `LookupError` saying why there is nothing to put there."""
        wanted = [part.split("}")[0] for part in endpoint.path.split("{")[1:]]
        if not wanted:
            return {}
        family = "invoice" if name == "invoice.totals" else name.rpartition(".")[0]
        source = _FIRST_OF.get(name, f"{family}.list")
        first = self._first.get(source)
        if first is None:
            row = self._judge.rows.get(source)
            why = "is empty" if row is not None and row.readable else "can't be read"
            raise LookupError(f"not visited: {source} {why}")
        found = {place: str(first.get(place) or "") for place in wanted}
        lacking = sorted(place for place, value in found.items() if not value.strip("."))
        if lacking:
            raise LookupError(f"not visited: the first of {source} has no {', '.join(lacking)}")
        return found

    def _session(self) -> Session:
        opened, until, now = self._studio.session_opened_at, self._studio.cookie_expires_at, self._clock.now()
        return Session(
            kind=self._studio.signs_in_by,
            seconds_so_far=round((now - opened).total("seconds")) if opened is not None else None,
            cookie_seconds=round(until - now.timestamp()) if until is not None else None,
        )


def _first(body: Any) -> object:
    """A list's first entry."""
    entries = body.get("data") if isinstance(body, dict) else body
    return next(iter(entries), None) if isinstance(entries, list) else None
