"""Clients and leads (studio-api.md, Clients and leads: documented)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.errors import Drifted, Unclear
from selftimer.facts.records import Kind, RawRecord
from selftimer.ports import Accepted, Page
from selftimer.studio.http import not_sent
from selftimer.studio.pages import created, one, page_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.studio.http import Http

ALL_TYPES = "client,lead,other"
"""Clients are listed with all three types, so that one that changes type isn't taken for removed (delivery.md §2)."""
_READ_ONLY = frozenset({"id", "created_at", "updated_at", "sample", "type_formatted", "avatar_color"})


class Clients:
    """Requests on `/clients/`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def total(self) -> int | None:
        """How many there are, by a page of one record: a cheap change signal."""
        endpoint = self._http.endpoints["client.list"]
        body = await self._http.read(endpoint.path, endpoint.page(1, 1) | {"types": ALL_TYPES})
        return page_of(Kind.CLIENT, 1, 1, body, f"GET {endpoint.path}").total

    async def search(self, text: str, *, types: str = "all", number: int = 1) -> Page:
        """`GET /clients/search`: by name or address; `types` is `all`, `client` or `lead`."""
        endpoint = self._http.endpoints["client.search"]
        body = await self._http.read(endpoint.path, endpoint.page(number) | {"q": text, "types": types})
        return page_of(Kind.CLIENT, number, endpoint.size, body, f"GET {endpoint.path}")

    async def create(self, fields: Mapping[str, Any]) -> Accepted:
        """`POST /clients/`, once: a new contact of the type given."""
        path = self._http.endpoints["client.create"].path
        body = await self._http.write("POST", path, fields)
        return Accepted(record=created(Kind.CLIENT, body, f"POST {path}"))

    async def update(self, client_id: str, changes: Mapping[str, Any]) -> Accepted:
        """Read the client, change those fields, `PUT` it whole and compare; idempotent (delivery.md §1.8).

        `Unclear` when the studio answers but a field isn't as set: it may be done again.
        """
        get, put = self._http.endpoints["client.get"], self._http.endpoints["client.update"]
        request = f"PUT {put.at(id=client_id)}"
        with not_sent(request):
            before = await self._get(get.at(id=client_id), client_id)
        whole = {key: value for key, value in before.raw.items() if key not in _READ_ONLY}
        wanted = _merged(whole, changes)
        body = await self._http.write("PUT", put.at(id=client_id), whole | wanted)
        try:
            after = one(Kind.CLIENT, client_id, body, request)
        except Drifted:
            after = await self._get(get.at(id=client_id), client_id)
        missed = sorted(field for field, value in wanted.items() if not _same(after.raw.get(field), value))
        if missed:
            raise Unclear(
                f"the studio answered, but {', '.join(missed)} of the client is not as set",
                code="not_as_set",
                details={"fields": missed},
                request=request,
            )
        return Accepted(record=after)

    async def collections(self, client_id: str, *, number: int = 1) -> tuple[dict[str, Any], ...]:
        """`GET /clients/{id}/cgCollections/`: a page of the client's galleries, as they come."""
        endpoint = self._http.endpoints["client.collections"]
        path = endpoint.at(id=client_id)
        return objects(await self._http.read(path, endpoint.page(number)), f"GET {path}")

    async def documents(self, client_id: str, *, number: int = 1) -> tuple[dict[str, Any], ...]:
        """`GET /clients/{id}/documents`: a page of the client's contracts, invoices, quotes and questionnaires."""
        endpoint = self._http.endpoints["client.documents"]
        path = endpoint.at(id=client_id)
        return objects(await self._http.read(path, endpoint.page(number)), f"GET {path}")

    async def _get(self, path: str, client_id: str) -> RawRecord:
        return one(Kind.CLIENT, client_id, await self._http.read(path), f"GET {path}")


def objects(body: Any, request: str) -> tuple[dict[str, Any], ...]:
    """The objects of a list without a record kind of its own; a missing list is an empty one."""
    entries = body.get("data") if isinstance(body, dict) else body
    if isinstance(entries, dict):
        raise Drifted("the studio's answer holds no list", request=request)
    return tuple(entry for entry in entries or () if isinstance(entry, dict))


def _merged(whole: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes, where a changed object (`address_info`) keeps the fields that aren't changed."""
    return {
        field: {**old, **value} if isinstance(value, dict) and isinstance(old := whole.get(field), dict) else value
        for field, value in changes.items()
    }


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_same(found.get(key), value) for key, value in wanted.items())
    return (found or None) == (wanted or None)
