"""What is made for a client: contracts, questionnaires, quotes and invoices (studio-api.md).

Reading contracts and questionnaires and `POST /invoices/` are documented; making the others, and quotes, is inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.errors import Drifted, Refused
from selftimer.facts.records import Kind
from selftimer.ports import Accepted
from selftimer.studio.calls import Group, asked, call, given
from selftimer.studio.models.papers import Contract, Questionnaire, Quote
from selftimer.studio.pages import client_of, created

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Instant

    from selftimer.studio.stream import Stream

DOCUMENTS = frozenset({Kind.INVOICE, Kind.CONTRACT, Kind.QUESTIONNAIRE, Kind.QUOTE})


class Documents(Group):
    """Making documents of any kind, as the port has it."""

    async def create(self, kind: Kind, fields: Mapping[str, Any]) -> Accepted:
        """POST one, once. `Drifted` also where the answer is another client's document."""
        if kind not in DOCUMENTS:
            raise Refused(f"a {kind} is not a document that can be made", code="unsupported")
        body = await self._write(f"{kind}.create", fields)
        record = created(kind, body.content, body.request)
        if client_of(record.raw) not in {None, fields.get("client_id")}:
            raise Drifted("the studio took it, but its answer is another client's document", request=body.request)
        return Accepted(record=record)


class Contracts(Group):
    """Requests on `/contracts/`."""

    @call("contract.list")
    def list(self, *, client_id: str | None = None) -> Stream[Contract]:
        """`GET /contracts/` (documented; the filter is inferred), newest first."""
        return self._list("contract.list", Contract, asked(client_id=client_id))

    @call("contract.get")
    async def get(self, contract_id: str) -> Contract:
        """`GET /contracts/{id}` (documented)."""
        return await self._get("contract.get", Contract, id=contract_id)

    @call("contract.create")
    async def create(
        self,
        client_id: str,
        template_id: str,
        *,
        variables: Mapping[str, Any] | None = None,
        due_date: Instant | None = None,
        send_email: bool = False,
        **more: Any,
    ) -> Contract:
        """`POST /contracts/` (inferred), once. Unless `send_email`, it is a draft and the client hears nothing.

        Without a `due_date` it is due as many days after its creation as the template says.
        """
        fields = given(
            client_id=client_id,
            template_id=template_id,
            variables=None if variables is None else dict(variables),
            due_date=None if due_date is None else str(due_date),
            send_email=send_email,
        )
        return await self._put("contract.create", Contract, fields | more)


class Questionnaires(Group):
    """Requests on `/questionnaires/`."""

    @call("questionnaire.list")
    def list(self, *, client_id: str | None = None) -> Stream[Questionnaire]:
        """`GET /questionnaires/` (documented; the filter is inferred), newest first."""
        return self._list("questionnaire.list", Questionnaire, asked(client_id=client_id))

    @call("questionnaire.get")
    async def get(self, questionnaire_id: str) -> Questionnaire:
        """`GET /questionnaires/{id}` (documented)."""
        return await self._get("questionnaire.get", Questionnaire, id=questionnaire_id)

    @call("questionnaire.create")
    async def create(
        self,
        client_id: str,
        template_id: str,
        *,
        due_date: Instant | None = None,
        send_email: bool = False,
        **more: Any,
    ) -> Questionnaire:
        """`POST /questionnaires/` (inferred), once. Unless `send_email`, it is a draft and the client hears nothing."""
        fields = given(
            client_id=client_id,
            template_id=template_id,
            due_date=None if due_date is None else str(due_date),
            send_email=send_email,
        )
        return await self._put("questionnaire.create", Questionnaire, fields | more)


class Quotes(Group):
    """Requests on `/quotes/`; all of it is inferred."""

    @call("quote.list")
    def list(self, *, client_id: str | None = None) -> Stream[Quote]:
        """`GET /quotes/` (inferred), newest first."""
        return self._list("quote.list", Quote, asked(client_id=client_id))

    @call("quote.get")
    async def get(self, quote_id: str) -> Quote:
        """`GET /quotes/{id}` (inferred)."""
        return await self._get("quote.get", Quote, id=quote_id)

    @call("quote.create")
    async def create(
        self,
        client_id: str,
        template_id: str,
        *,
        items: Sequence[Mapping[str, Any]] | None = None,
        send_email: bool = False,
        **more: Any,
    ) -> Quote:
        """`POST /quotes/` (inferred), once. Unless `send_email`, it is a draft and the client hears nothing.

        An item is like an invoice's line; without `items` the template's are taken.
        """
        fields = given(
            client_id=client_id,
            template_id=template_id,
            items=None if items is None else [dict(item) for item in items],
            send_email=send_email,
        )
        return await self._put("quote.create", Quote, fields | more)
