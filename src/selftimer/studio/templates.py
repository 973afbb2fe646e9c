"""Templates (studio-api.md, Templates: documented)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from selftimer.errors import Refused
from selftimer.studio.clients import objects
from selftimer.studio.documents import DOCUMENTS
from selftimer.studio.pages import data_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.facts.records import Kind
    from selftimer.studio.http import Http


class Templates:
    """Requests on `/templates/…`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def of(self, kind: Kind) -> tuple[tuple[str, str], ...]:
        """(id, name) of the templates for a kind of document, over as many pages as there are."""
        if kind not in DOCUMENTS:
            raise Refused(f"there are no templates for a {kind}", code="unsupported")
        return await self._all(f"template.{kind}.list")

    async def emails(self) -> tuple[tuple[str, str], ...]:
        """(id, name) of the e-mail templates."""
        return await self._all("template.email.list")

    async def content(self, template_id: str, variables: Mapping[str, str]) -> tuple[str, str, tuple[str, ...]]:
        """`GET /templates/emails/{et}/fetch_content`: subject, text, and the names of variables that are missing."""
        path = self._http.endpoints["template.email.content"].at(id=template_id)
        query = {"variables": orjson.dumps(dict(variables)).decode(), "format": "text"}
        data = data_of(await self._http.read(path, query), f"GET {path}")
        missing = data.get("missing_variables")
        return (
            str(data.get("subject") or ""),
            str(data.get("text_content") or ""),
            tuple(str(name) for name in missing) if isinstance(missing, list) else (),
        )

    async def _all(self, name: str) -> tuple[tuple[str, str], ...]:
        endpoint = self._http.endpoints[name]
        found: dict[str, str] = {}
        number, more = 1, True
        while more:
            body = await self._http.read(endpoint.path, endpoint.page(number))
            page = objects(body, f"GET {endpoint.path}")
            fresh = {str(entry["id"]): str(entry.get("name") or "") for entry in page if entry.get("id")}
            more = bool(fresh.keys() - found.keys()) and len(page) >= endpoint.size
            found |= fresh
            number += 1
        return tuple(found.items())
