"""Clients and leads (studio-api.md, Clients and leads: documented)."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from selftimer.errors import Drifted, Unclear
from selftimer.facts.records import Kind, RawRecord
from selftimer.ports import Accepted
from selftimer.studio.answers import judge_text
from selftimer.studio.calls import Group, call
from selftimer.studio.http import not_sent
from selftimer.studio.models.billing import Invoice
from selftimer.studio.models.galleries import Collection
from selftimer.studio.models.papers import Contract, Questionnaire, Quote
from selftimer.studio.models.people import Client
from selftimer.studio.pages import created, one, page_of, raw_record
from selftimer.studio.stream import understood

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from selftimer.studio.models.papers import Document
    from selftimer.studio.stream import Stream

ALL_TYPES = "client,lead,other"
"""Clients are listed with all three types, so that one that changes type isn't taken for removed (delivery.md §2)."""
_READ_ONLY = frozenset({"id", "created_at", "updated_at", "sample", "type_formatted", "avatar_color"})
_DOCUMENTS: dict[str, type[Document]] = {"co_": Contract, "in_": Invoice, "qu_": Questionnaire, "qo_": Quote}


class Clients(Group):
    """Requests on `/clients/`."""

    @call("client.list")
    def list(self, types: str = ALL_TYPES) -> Stream[Client]:
        """`GET /clients/` (documented), newest first. `types`: `client`, `lead`, `other`, several with commas."""
        return self._list("client.list", Client, {"types": types})

    @call("client.list")
    async def total(self) -> int | None:
        """How many there are, by a page of one record: a cheap change signal (studio-api.md)."""
        endpoint = self._http.endpoints["client.list"]
        body = await self._http.read(endpoint.path, endpoint.page(1, 1) | {"types": ALL_TYPES})
        return page_of(Kind.CLIENT, 1, 1, body, f"GET {endpoint.path}").total

    @call("client.search")
    def search(self, text: str, types: Literal["all", "client", "lead"] = "all") -> Stream[Client]:
        """`GET /clients/search` (documented): by name or address."""
        return self._list("client.search", Client, {"q": text, "types": types})

    @call("client.get")
    async def get(self, client_id: str) -> Client:
        """`GET /clients/{id}` (documented)."""
        return await self._get("client.get", Client, id=client_id)

    @call("client.create")
    async def create(self, fields: Mapping[str, Any]) -> Client:
        """`POST /clients/` (documented), once: first_name, last_name, email, phone and the client's other fields."""
        return await self._put("client.create", Client, fields)

    async def enter(self, fields: Mapping[str, Any]) -> Accepted:
        """`create`, with the raw record as the port has it."""
        body = await self._write("client.create", fields)
        return Accepted(record=created(Kind.CLIENT, body.content, body.request))

    async def by_address(self, email: str) -> tuple[RawRecord, ...]:
        """`search`, those alone whose address is this one, whatever its case; raw, as the port has them.

        `Drifted` where one that the search shows can't be understood: it may be the one that is looked for.
        """
        wanted = email.strip().casefold()
        found: dict[str, RawRecord] = {}
        async with self.search(email.strip()) as clients:
            async for client in clients:
                read = raw_record(Kind.CLIENT, dict(client.raw))
                if isinstance(read, RawRecord) and str(client.raw.get("email") or "").strip().casefold() == wanted:
                    found[read.id] = read
            if clients.unreadable:
                request = self._http.endpoints["client.search"].request
                raise Drifted("a contact that the search shows can't be understood", request=request)
        return tuple(found.values())

    @call("client.get", "client.update")
    async def update(self, client_id: str, changes: Mapping[str, Any]) -> Client:
        """`PUT /clients/{id}` (documented): read, changed, put whole and compared; idempotent (delivery.md §1.8).

        This is how a lead becomes a client. `Unclear` when the studio answers but a field isn't as set: it may be done
        again.
        """
        after = (await self.change(client_id, changes)).record
        return understood(Client, after.raw, f"PUT /clients/{client_id}", written=True)

    async def change(self, client_id: str, changes: Mapping[str, Any]) -> Accepted:
        """`update`, with the raw record as the port has it."""
        get, put = self._http.endpoints["client.get"], self._http.endpoints["client.update"]
        request = f"PUT {put.at(id=client_id)}"
        with not_sent(request):
            before = await self._raw(get.at(id=client_id), client_id)
        whole = {key: value for key, value in before.raw.items() if key not in _READ_ONLY}
        wanted = _merged(whole, changes)
        body = await self._http.write("PUT", put.at(id=client_id), whole | wanted)
        try:
            after = one(Kind.CLIENT, client_id, body, request)
        except Drifted:
            after = await self._raw(get.at(id=client_id), client_id)
        missed = sorted(field for field, value in wanted.items() if not _same(after.raw.get(field), value))
        if missed:
            raise Unclear(
                f"the studio answered, but {', '.join(missed)} of the client is not as set",
                code="not_as_set",
                details={"fields": missed},
                request=request,
            )
        return Accepted(record=after)

    @call("client.collections")
    def collections(self, client_id: str) -> Stream[Collection]:
        """`GET /clients/{id}/cgCollections/` (documented): the client's galleries."""
        return self._list("client.collections", Collection, id=client_id)

    @call("client.documents")
    def documents(self, client_id: str) -> Stream[Document]:
        """`GET /clients/{id}/documents` (documented): contracts, invoices, quotes and questionnaires, each as itself.

        Which one an entry is, its id's prefix says.
        """
        return self._list("client.documents", _document, id=client_id)

    @call("client.csv")
    async def export(self) -> AsyncGenerator[dict[str, str], None]:
        """`GET /clients/download_csv` (documented): a row of the export at a time, column to text.

        Which columns there are is the studio's choice. The export is at most 10 MB; `Drifted` for a larger one, and for
        a row that has more cells than there are columns.
        """
        endpoint = self._http.endpoints["client.csv"]
        text = await self._http.read(endpoint.path, judge=judge_text)
        rows = csv.DictReader(StringIO(text, newline=""), restval="")
        for row in rows:
            if None in row:
                raise Drifted(
                    f"line {rows.line_num} of the export has more cells than columns", request=endpoint.request
                )
            yield row

    async def _raw(self, path: str, client_id: str) -> RawRecord:
        return one(Kind.CLIENT, client_id, await self._http.read(path), f"GET {path}")


def _document(entry: object) -> type[Document]:
    """The model of a document, by its id; that of contracts refuses what has another prefix."""
    found = str(entry.get("id")) if isinstance(entry, dict) else ""
    return _DOCUMENTS.get(found[:3], Contract)


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
