"""A read-only tour over a live account: a page of each list, the first record of each, all else that only reads.

Nothing but GETs, each endpoint once (a client's own lists for a few clients), under the rate limit that everything
keeps to. What writes, or makes something ready to be written (an upload's address), isn't visited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.errors import NotSignedIn, StudioError
from selftimer.primitives.time import TimeError, check_zone
from selftimer.studio.answers import expired
from selftimer.studio.pages import client_of
from selftimer.studio.sessions import day_in, month_in
from selftimer.studio.tour_judge import Judge, Look
from selftimer.studio.tour_plan import CLIENTS_TRIED, OF_A_CLIENT, QUERIES, is_list, source_of, visited
from selftimer.studio.tour_report import Report, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selftimer.primitives.clock import Clock
    from selftimer.studio.api import Studio
    from selftimer.studio.endpoints import Endpoint

PAGE = 20
"""Records asked for of each list: another number than the studio's own, so that it shows whether it is heeded."""
_ZONE = "Europe/London"
"""Where a session type doesn't say in which time zone it is offered."""
Record = dict[str, Any]


class Tour:
    """Made for one tour."""

    def __init__(self, studio: Studio, clock: Clock) -> None:
        self._studio = studio
        self._clock = clock
        self._judge = Judge("studio")
        self._seen: dict[str, list[Record]] = {}
        """List → the records of it that were seen."""
        self._no_galleries = ""
        """Why the Gallery API isn't asked again."""

    async def run(self) -> Report:
        """Sign in if there is no session, then go round. `StudioError` where there is no session to be had."""
        before = self._studio.requests
        for name in visited():
            await self._visit(name, self._studio.endpoints[name])
        report = self._judge.report()
        report.requests = self._studio.requests - before
        report.session = self._session()
        return report

    async def _visit(self, name: str, endpoint: Endpoint) -> None:
        """Ask once; a list of a client's for a few clients, until one has some."""
        try:
            if endpoint.api == "gallery" and self._no_galleries:
                raise LookupError(f"not visited: {self._no_galleries}")
            places = self._places(name, endpoint)
        except LookupError as error:
            self._judge.take(Look(name=name, endpoint=endpoint, answer=None, note=str(error.args[0])))
            return
        for place in places:
            if await self._look(name, endpoint, place):
                return

    async def _look(self, name: str, endpoint: Endpoint, place: dict[str, str]) -> bool:
        """Whether there is nothing more to be found out there."""
        query = dict(QUERIES.get(name, {}))
        asked = PAGE if is_list(name) and endpoint.size_param is not None else None
        query |= endpoint.page(1, asked) if is_list(name) else endpoint.expanded()
        if name == "invoice.totals" and (client := client_of(self._seen["invoice.list"][0])):
            query["client_id"] = client
        try:
            answer = await self._studio.look(endpoint.at(**place), query or None, api=endpoint.api)
        except StudioError as error:
            if name == "account" or isinstance(error, NotSignedIn):
                raise
            self._judge.unreachable(name, endpoint, error.message)
            if endpoint.api == "gallery":
                self._no_galleries = "the Gallery API gives no answer"
            return True
        body = self._judge.take(Look(name=name, endpoint=endpoint, answer=answer, asked=asked, at=self._clock.now()))
        if endpoint.api == "gallery" and expired(answer):
            self._no_galleries = "the Gallery API doesn't take the studio's session"
        if body is None or not is_list(name):
            return True
        entries = body.get("data") if isinstance(body, dict) else body
        found = [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
        if found:
            self._seen[name] = found
        return bool(found)

    def _places(self, name: str, endpoint: Endpoint) -> list[dict[str, str]]:
        """What goes into the path's places, in the order to try it; `LookupError` where there is nothing to put in."""
        wanted = [part.split("}")[0] for part in endpoint.path.split("{")[1:]]
        if not wanted:
            return [{}]
        source = source_of(name)
        records = self._records(name, source)
        lacking: list[str] = []
        found = []
        for record in records[: CLIENTS_TRIED if name in OF_A_CLIENT else 1]:
            parts = {one: self._when(name, record) if one == "when" else str(record.get(one) or "") for one in wanted}
            lacking = sorted(one for one, value in parts.items() if not value.strip("."))
            if not lacking:
                found.append(parts)
        if not found:
            raise LookupError(f"not visited: the first of {source} has no {', '.join(lacking)}")
        return found

    def _records(self, name: str, source: str) -> list[Record]:
        """Those of the source to read by, the likeliest to show something first."""
        found = self._seen.get(source)
        if not found:
            row = self._judge.rows.get(source)
            why = "is empty" if row is not None and row.readable else "can't be read"
            raise LookupError(f"not visited: {source} {why}")
        if name in OF_A_CLIENT:
            return [{"id": one} for one in dict.fromkeys([*self._photographed(), *(one.get("id") for one in found)])]
        if name == "coupon.activity":
            return sorted(found, key=lambda one: not one.get("usage_count"))
        return found

    def _photographed(self) -> Iterator[str]:
        """Clients who should have papers and a gallery by now: a session is over, or they paid; longest ago first."""
        now = self._clock.now().format_iso()
        over = [one for one in self._seen.get("session.list", ()) if str(one.get("end_at") or "~") < now]
        paid = reversed(self._seen.get("payment.list", []))
        for record in [*sorted(over, key=lambda one: str(one.get("end_at"))), *paid]:
            if (client := client_of(record)) is not None:
                yield client

    def _when(self, name: str, record: Record) -> str:
        """Today, or this month, where the session type is offered."""
        schedule = record.get("session_type_schedule")
        told = schedule.get("display_timezone") if isinstance(schedule, dict) else None
        try:
            zone = check_zone(str(told or _ZONE))
        except TimeError:
            zone = _ZONE
        today = self._clock.now().to_tz(zone).date()
        return day_in(today, zone) if name == "session_type.day" else month_in(today.year_month(), zone)

    def _session(self) -> Session:
        opened, until, now = self._studio.session_opened_at, self._studio.cookie_expires_at, self._clock.now()
        return Session(
            kind=self._studio.signs_in_by,
            seconds_so_far=round((now - opened).total("seconds")) if opened is not None else None,
            cookie_seconds=round(until - now.timestamp()) if until is not None else None,
        )
