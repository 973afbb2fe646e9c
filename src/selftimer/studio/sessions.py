"""Session types and sessions (studio-api.md, Session types, availability, sessions)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.facts.records import Kind, RawRecord
from selftimer.studio.invoices import count_in
from selftimer.studio.pages import one, page_of

if TYPE_CHECKING:
    from selftimer.studio.http import Http


class Sessions:
    """Requests on session types, beyond the session list and record."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def types(self) -> tuple[RawRecord, ...]:
        """`GET /session_types/` (documented): every type, over as many pages as there are."""
        endpoint = self._http.endpoints["session_type.list"]
        found: dict[str, RawRecord] = {}
        number, last = 1, False
        while not last:
            body = await self._http.read(endpoint.path, endpoint.page(number))
            page = page_of(Kind.SESSION_TYPE, number, endpoint.size, body, f"GET {endpoint.path}")
            fresh = {record.id: record for record in page.records if record.id not in found}
            found |= fresh
            number, last = number + 1, page.last or not fresh
        return tuple(found.values())

    async def type(self, type_id: str) -> RawRecord:
        """`GET /session_types/{id}` (documented)."""
        path = self._http.endpoints["session_type.get"].at(id=type_id)
        return one(Kind.SESSION_TYPE, type_id, await self._http.read(path), f"GET {path}")

    async def inquiries(self) -> int | None:
        """`GET /sessions/inquiry/count` (documented): a cheap change signal."""
        path = self._http.endpoints["session.inquiries"].path
        return count_in(await self._http.read(path), "count", "inquiry_count")
