"""`Studio`: the account over HTTP, as the port `StudioApi` describes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from selftimer.errors import Drifted, NotSignedIn, Refused, StudioError
from selftimer.facts.records import Kind, RawRecord, Record, Unreadable
from selftimer.ports import Accepted, Page, Permit, Signals
from selftimer.studio.auth import Auth, Credentials
from selftimer.studio.clients import ALL_TYPES, Clients
from selftimer.studio.conversations import Conversations
from selftimer.studio.documents import Coupons, Documents
from selftimer.studio.endpoints import Endpoints
from selftimer.studio.http import Http
from selftimer.studio.invoices import Invoices, payments_of
from selftimer.studio.limiter import RateLimiter
from selftimer.studio.pages import data_of, messages_of, one, page_of, parse
from selftimer.studio.sessions import Sessions
from selftimer.studio.templates import Templates
from selftimer.studio.transport import READ_TIMEOUT, WRITE_DEADLINE, Transport

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from random import Random

    import httpx

    from selftimer.primitives.clock import Clock

T = TypeVar("T")
BASE_URL = "https://studio.pixieset.com/api/v1"
REQUESTS_PER_MINUTE = 120.0


class Studio:
    """One studio's account. Implements `selftimer.ports.StudioApi`; what is beyond the port hangs on the resources.

    `transport` replaces the network (ASGI, faults). `account_id` is the pinned account: signing in to another one is
    refused. Processes that give the same file as `budget` share the requests per minute; a `guest` among them leaves
    half of each burst to the others. Every failure is a `StudioError`; wrong settings are a `ConfigError` at once.
    """

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock,
        random: Random,
        *,
        base_url: str = BASE_URL,
        account_id: str | None = None,
        requests_per_minute: float = REQUESTS_PER_MINUTE,
        burst: int | None = None,
        budget: Path | None = None,
        guest: bool = False,
        endpoints: Endpoints | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        write_deadline: float = WRITE_DEADLINE,
        read_timeout: httpx.Timeout = READ_TIMEOUT,
    ) -> None:
        table = endpoints or Endpoints()
        self._transport = Transport(
            base_url, clock, transport=transport, write_deadline=write_deadline, read_timeout=read_timeout
        )
        self._limiter = RateLimiter(clock, requests_per_minute, burst, shared=budget, guest=guest)
        self._auth = Auth(
            self._transport,
            self._limiter,
            clock,
            credentials,
            account_path=table["account"].path,
            account_id=account_id,
        )
        self._http = Http(self._transport, self._auth, self._limiter, table, clock, random)
        self._sizes: dict[Kind, int] = {}
        self.clients = Clients(self._http)
        self.invoices = Invoices(self._http)
        self.sessions = Sessions(self._http)
        self.conversations = Conversations(self._http)
        self.documents = Documents(self._http)
        self.coupons = Coupons(self._http)
        self.email_templates = Templates(self._http)

    @property
    def skew(self) -> float | None:
        """Seconds that the studio's clock is ahead of ours, by its last `Date` header; None if unknown."""
        return self._http.skew

    async def account(self) -> str:
        """The account's id, "" where the studio doesn't tell it; signs in if needed."""
        return await self._http.account() or ""

    async def signals(self) -> Signals:
        """The four cheap signals, asked for together; None where one couldn't be had.

        Raises what the first one raised if none could be had, and `NotSignedIn` in any case.
        """
        unread, inquiries, sums, clients = await asyncio.gather(
            _attempt(self.conversations.unread()),
            _attempt(self.sessions.inquiries()),
            _attempt(self.invoices.sums()),
            _attempt(self.clients.total()),
        )
        answers = (unread, inquiries, sums, clients)
        errors = [answer for answer in answers if isinstance(answer, StudioError)]
        signed_out = next((error for error in errors if isinstance(error, NotSignedIn)), None)
        if signed_out is not None or len(errors) == len(answers):
            raise signed_out or errors[0]
        return Signals(
            unread=None if isinstance(unread, StudioError) else unread,
            inquiries=None if isinstance(inquiries, StudioError) else inquiries,
            invoice_sums=None if isinstance(sums, StudioError) else sums,
            clients=None if isinstance(clients, StudioError) else clients,
        )

    async def page(self, kind: Kind, number: int, **filters: str) -> Page:
        """Page `number` (from 1) of a list, 100 records each; clients of all three types unless filtered."""
        if kind is Kind.MESSAGE:
            raise Refused("messages are read with their conversation", code="unsupported")
        endpoint = self._http.endpoints.listing(kind)
        query = endpoint.page(number) | ({"types": ALL_TYPES} if kind is Kind.CLIENT else {}) | filters
        body = await self._http.read(endpoint.path, query)
        seen = self._sizes.get(kind)
        page = page_of(kind, number, endpoint.size, body, f"GET {endpoint.path}", seen if number > 1 else None)
        if number == 1:
            # A first page shorter than asked for that isn't the last tells the size that the studio really uses.
            self._sizes[kind] = page.per_page if page.last else len(page.records) + len(page.unreadable)
        return page

    async def record(self, kind: Kind, record_id: str) -> tuple[RawRecord, ...]:
        """The record by id, first, then an invoice's payments or a conversation's messages.

        `NotFound` for a JSON 404. A payment is read by `invoices.payment`, which needs its invoice's id.
        """
        if kind in {Kind.PAYMENT, Kind.MESSAGE}:
            outer = "invoice" if kind is Kind.PAYMENT else "conversation"
            raise Refused(f"a {kind} can't be read by its own id: read its {outer}", code="unsupported")
        endpoint = self._http.endpoints[f"{kind}.get"]
        path = endpoint.at(id=record_id)
        body = await self._http.read(path, endpoint.expanded())
        record = one(kind, record_id, body, f"GET {path}")
        if kind is Kind.INVOICE:
            return (record, *payments_of(record))
        if kind is Kind.CONVERSATION:
            return (record, *messages_of(record, data_of(body, f"GET {path}").get("messages")))
        return (record,)

    def parse(self, raw: RawRecord) -> Record | Unreadable:
        """The record that the raw one is; pure."""
        return parse(raw)

    async def send_message(self, conversation_id: str, content: str, *, attachments: Sequence[str] = ()) -> Accepted:
        """`POST /conversation_messages`, once, on a fresh connection."""
        return await self.conversations.send(conversation_id, content, attachments)

    async def create_conversation(self, client_id: str, subject: str) -> Accepted:
        """`POST /conversations/` (inferred), once."""
        return await self.conversations.create(client_id, subject)

    async def create_document(self, kind: Kind, body: Mapping[str, Any]) -> Accepted:
        """POST an invoice, quote, contract or questionnaire, once; `body` is as the API has it."""
        return await self.documents.create(kind, body)

    async def update_client(self, client_id: str, changes: Mapping[str, Any]) -> Accepted:
        """Read the client, change those fields, PUT it whole and compare; idempotent."""
        return await self.clients.update(client_id, changes)

    async def find_clients(self, email: str) -> tuple[RawRecord, ...]:
        """Contacts whose address is this one, whatever its case, through every page of the search."""
        wanted, number = email.strip().casefold(), 1
        found: dict[str, RawRecord] = {}
        while True:
            page = await self.clients.search(email.strip(), number=number)
            for raw in page.records:
                if str(raw.raw.get("email") or "").strip().casefold() == wanted:
                    found[raw.id] = raw
            if page.last or not page.records:
                return tuple(found.values())
            number += 1

    async def create_client(self, fields: Mapping[str, Any]) -> Accepted:
        """`POST /clients/`, once."""
        return await self.clients.create(fields)

    async def create_coupon(self, fields: Mapping[str, Any]) -> str:
        """`POST /coupons`, once; `Drifted` where the answer doesn't say its id: it was made."""
        made = await self.coupons.create(fields)
        if not isinstance(made.get("id"), str):
            raise Drifted("the studio took the coupon, but doesn't say its id", request="POST /coupons")
        return str(made["id"])

    async def find_coupon(self, code: str) -> Mapping[str, Any] | None:
        """The coupon with this code; None where there is none."""
        return await self.coupons.find(code)

    async def upload(self, filename: str, content: bytes, content_type: str) -> str:
        """Upload a file for a message; its attachment id."""
        return await self.conversations.attach(filename, content, content_type)

    async def templates(self, kind: Kind) -> tuple[tuple[str, str], ...]:
        """(id, name) of the studio's templates for a document kind."""
        return await self.email_templates.of(kind)

    async def template_content(
        self, template_id: str, variables: Mapping[str, str]
    ) -> tuple[str, str, tuple[str, ...]]:
        """Subject, text and missing variables of an e-mail template (`fetch_content`)."""
        return await self.email_templates.content(template_id, variables)

    def permits(self, requests: int) -> AbstractAsyncContextManager[Permit]:
        """Take room for that many requests before the first of them; requests made inside use it."""
        return self._limiter.permits(requests)

    async def aclose(self) -> None:
        """Stop a sign-in that is under way and close the connections."""
        await self._auth.aclose()
        await self._transport.aclose()
        self._limiter.close()


async def _attempt(request: Coroutine[Any, Any, T]) -> T | StudioError:
    try:
        return await request
    except StudioError as error:
        return error
