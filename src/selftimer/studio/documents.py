"""What is made for a client: invoices, contracts, questionnaires, quotes; and coupons (studio-api.md).

`POST /invoices/` and the coupons are documented; making contracts, questionnaires and quotes is inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.errors import Drifted, Refused
from selftimer.facts.records import Kind
from selftimer.ports import Accepted
from selftimer.studio.clients import objects
from selftimer.studio.pages import client_of, created, data_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.studio.http import Http

DOCUMENTS = frozenset({Kind.INVOICE, Kind.CONTRACT, Kind.QUESTIONNAIRE, Kind.QUOTE})


class Documents:
    """Making documents."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def create(self, kind: Kind, fields: Mapping[str, Any]) -> Accepted:
        """POST one, once. `Drifted` also where the answer is another client's document."""
        if kind not in DOCUMENTS:
            raise Refused(f"a {kind} is not a document that can be made", code="unsupported")
        path = self._http.endpoints[f"{kind}.create"].path
        body = await self._http.write("POST", path, fields)
        record = created(kind, body, f"POST {path}")
        if client_of(record.raw) not in {None, fields.get("client_id")}:
            raise Drifted("the studio took it, but its answer is another client's document", request=f"POST {path}")
        return Accepted(record=record)


class Coupons:
    """Coupons (documented). There is no record kind of theirs: they come and go as they are."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def create(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """`POST /coupons`, once; a taken code is `Conflict` (409) or `Refused` (422)."""
        path = self._http.endpoints["coupon.create"].path
        return data_of(await self._http.write("POST", path, fields), f"POST {path}")

    async def find(self, code: str) -> dict[str, Any] | None:
        """The coupon with this code, looked for through every page; None where there is none."""
        endpoint = self._http.endpoints["coupon.list"]
        seen: set[object] = set()
        number = 1
        while True:
            body = await self._http.read(endpoint.path, endpoint.page(number) | {"filter": "all"})
            found = objects(body, f"GET {endpoint.path}")
            fresh = [coupon for coupon in found if coupon.get("id") not in seen]
            for coupon in fresh:
                if str(coupon.get("code")).casefold() == code.casefold():
                    return coupon
            if not fresh:
                return None
            seen.update(coupon.get("id") for coupon in fresh)
            number += 1
