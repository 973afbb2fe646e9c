"""`Studio`: the account over HTTP, as the port `StudioApi` describes it."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from pydantic import SecretStr

from selftimer.errors import NotSignedIn, Refused, StudioError
from selftimer.facts.records import Kind, RawRecord, Record, Unreadable
from selftimer.ports import Accepted, Page, Permit, Signals
from selftimer.primitives.clock import SystemClock
from selftimer.studio.account import Me
from selftimer.studio.auth import Auth
from selftimer.studio.calls import Group
from selftimer.studio.clients import ALL_TYPES, Clients
from selftimer.studio.conversations import Conversations
from selftimer.studio.coupons import Coupons, GiftCards
from selftimer.studio.documents import Contracts, Documents, Questionnaires, Quotes
from selftimer.studio.drift import unknown_fields
from selftimer.studio.endpoints import Endpoints
from selftimer.studio.galleries import Collections, Photos
from selftimer.studio.http import Http
from selftimer.studio.invoices import Invoices, Payments
from selftimer.studio.limiter import RateLimiter
from selftimer.studio.memory import Credentials
from selftimer.studio.pages import data_of, messages_of, one, page_of, parse, payments_of
from selftimer.studio.sessions import Schedules, Sessions, SessionTypes
from selftimer.studio.stream import PAGES_AT_ONCE
from selftimer.studio.templates import (
    ContractTemplates,
    EmailTemplates,
    InvoiceTemplates,
    QuestionnaireTemplates,
    QuoteTemplates,
    TemplateNames,
)
from selftimer.studio.transport import READ_TIMEOUT, WRITE_DEADLINE, Transport

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from types import TracebackType

    import httpx
    from whenever import Instant

    from selftimer.primitives.clock import Clock
    from selftimer.studio.answers import Answer
    from selftimer.studio.endpoints import Api
    from selftimer.studio.memory import Memory

T = TypeVar("T")
G = TypeVar("G", bound=Group)
BASE_URL = "https://studio.pixieset.com/api/v1"
GALLERY_URL = "https://galleries.pixieset.com/api/v1"
REQUESTS_PER_MINUTE = 120.0
_WITHIN = {Kind.PAYMENT: "invoice", Kind.MESSAGE: "conversation", Kind.GALLERY: "client"}
"""What is read with what it belongs to, never by its own id."""


_ADDRESS = frozenset({"city", "country"})


class Studio:
    """One studio's account, with a group of calls for each kind of thing; implements `selftimer.ports.StudioApi`.

    ::

        async with Studio(email="me@example.com", password="…") as studio:
            async for client in studio.clients.list(types="lead"):
                print(client.name)

    Signed in with e-mail and password, or the `cookie` header of a browser that is signed in, by the first request.
    `gallery_url` is the Gallery API's address: the real one beside the real studio, else the same as `base_url`.
    `account_id` is the pinned account: signing in to another one is refused. `page_size` is how many records a list
    asks for at once, `pages_at_once` how many pages are under way. Processes that give the same file as `budget` share
    the requests per minute; a `guest` among them leaves half of each burst to the others. `transport` replaces the
    network, `clock` and `random` the machine's. Every failure is a `StudioError`; wrong settings are a `ConfigError` at
    once.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
        *,
        email: str | None = None,
        password: str | None = None,
        cookie: str | None = None,
        base_url: str = BASE_URL,
        gallery_url: str | None = None,
        account_id: str | None = None,
        requests_per_minute: float = REQUESTS_PER_MINUTE,
        burst: int | None = None,
        budget: Path | None = None,
        guest: bool = False,
        page_size: int = 100,
        pages_at_once: int = PAGES_AT_ONCE,
        endpoints: Endpoints | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        write_deadline: float = WRITE_DEADLINE,
        read_timeout: httpx.Timeout = READ_TIMEOUT,
        memory: Memory | None = None,
    ) -> None:
        self.endpoints = table = endpoints or Endpoints()
        clock = clock or SystemClock()
        self._transport = Transport(
            base_url,
            clock,
            gallery_url=gallery_url or (GALLERY_URL if base_url.rstrip("/") == BASE_URL else base_url),
            transport=transport,
            write_deadline=write_deadline,
            read_timeout=read_timeout,
        )
        self._limiter = RateLimiter(clock, requests_per_minute, burst, shared=budget, guest=guest)
        self._auth = Auth(
            self._transport,
            self._limiter,
            clock,
            credentials or _credentials(email, password, cookie),
            account_path=table["account"].path,
            account_id=account_id,
            memory=memory,
        )
        self._http = Http(self._transport, self._auth, self._limiter, table, clock, random or Random())
        self._sizes: dict[Kind, int] = {}
        self._form_groups(page_size, pages_at_once)

    def _form_groups(self, page_size: int, pages_at_once: int) -> None:
        def form(group: type[G]) -> G:
            return group(self._http, page_size=page_size, pages_at_once=pages_at_once)

        self.clients = form(Clients)
        self.session_types = form(SessionTypes)
        self.schedules = form(Schedules)
        self.sessions = form(Sessions)
        self.invoices = form(Invoices)
        self.payments = form(Payments)
        self.contracts = form(Contracts)
        self.questionnaires = form(Questionnaires)
        self.quotes = form(Quotes)
        self.conversations = form(Conversations)
        self.email_templates = form(EmailTemplates)
        self.contract_templates = form(ContractTemplates)
        self.invoice_templates = form(InvoiceTemplates)
        self.questionnaire_templates = form(QuestionnaireTemplates)
        self.quote_templates = form(QuoteTemplates)
        self.coupons = form(Coupons)
        self.gift_cards = form(GiftCards)
        self.collections = form(Collections)
        self.photos = form(Photos)
        self.me = form(Me)
        self._documents = form(Documents)
        self._template_names = form(TemplateNames)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def skew(self) -> float | None:
        """Seconds that the studio's clock is ahead of ours, by its last `Date` header; None if unknown."""
        return self._http.skew

    @property
    def requests(self) -> int:
        """How many requests were begun, those of sign-ins and second tries among them."""
        return self._transport.requests

    @property
    def account_id(self) -> str | None:
        """The pinned account, or the one that was seen; None where the studio doesn't tell it."""
        return self._auth.account_id

    @property
    def signs_in_by(self) -> Literal["password", "cookie"]:
        """Whether Selftimer signs in itself, or is given a session's cookie."""
        return "cookie" if self._auth.by_cookie else "password"

    @property
    def session_opened_at(self) -> Instant | None:
        """When the present session was opened."""
        return self._auth.opened_at

    @property
    def cookie_expires_at(self) -> int | None:
        """When the session's last cookie ends by its own word, in seconds since 1970."""
        return self._auth.expires_at

    async def look(self, path: str, query: Mapping[str, str] | None = None, *, api: Api = "studio") -> Answer:
        """One GET as it is answered, whatever the answer: for a tour. `StudioError` where no answer came."""
        return await self._http.look(path, query, api=api)

    def unknown_fields(self, raw: RawRecord) -> tuple[str, ...]:
        """The record's own fields that nobody knows; pure."""
        return unknown_fields(raw.kind, raw.raw)

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

    async def invoice_sums(self) -> tuple[int, int, int] | None:
        """One request: paid, unpaid (minor units of the studio's currency), the number overdue."""
        return await self.invoices.sums()

    async def page(self, kind: Kind, number: int, **filters: str) -> Page:
        """Page `number` (from 1) of a list, 100 records each; clients of all three types unless filtered."""
        if kind in {Kind.MESSAGE, Kind.GALLERY}:
            raise Refused(f"there is no list of all {kind.value}s", code="unsupported")
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

        `NotFound` for a JSON 404. A payment is read by `payments.get`, which needs its invoice's id.
        """
        if outer := _WITHIN.get(kind):
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
        return await self.conversations.post(conversation_id, content, attachments)

    async def create_conversation(self, client_id: str, subject: str) -> Accepted:
        """`POST /conversations/` (inferred), once."""
        return await self.conversations.open(client_id, subject)

    async def create_document(self, kind: Kind, body: Mapping[str, Any]) -> Accepted:
        """POST an invoice, quote, contract or questionnaire, once; `body` is as the API has it."""
        return await self._documents.create(kind, body)

    async def update_client(self, client_id: str, changes: Mapping[str, Any]) -> Accepted:
        """Read the client, change those fields, PUT it whole and compare; idempotent."""
        return await self.clients.change(client_id, _nested(changes))

    async def find_clients(self, email: str) -> tuple[RawRecord, ...]:
        """Contacts whose address is this one, whatever its case, through every page of the search.

        `Drifted` where one of those found can't be understood: it may be the one that is looked for.
        """
        return await self.clients.by_address(email)

    async def create_client(self, fields: Mapping[str, Any]) -> Accepted:
        """`POST /clients/`, once."""
        return await self.clients.enter(_nested(fields))

    async def galleries(self, client_id: str) -> tuple[RawRecord, ...]:
        """The client's galleries, all of them."""
        return await self.clients.galleries(client_id)

    async def create_coupon(self, fields: Mapping[str, Any]) -> str:
        """`POST /coupons`, once; `Drifted` where the answer doesn't say its id: it was made."""
        return (await self.coupons.create(fields)).id

    async def find_coupon(self, code: str) -> Mapping[str, Any] | None:
        """The coupon with this code; None where there is none."""
        found = await self.coupons.find(code)
        return None if found is None else found.raw

    async def upload(self, filename: str, content: bytes, content_type: str) -> str:
        """Upload a file for a message; its attachment id."""
        return await self.conversations.attach(filename, content, content_type)

    async def templates(self, kind: Kind) -> tuple[tuple[str, str], ...]:
        """(id, name) of the studio's templates for a document kind."""
        return await self._template_names.of(kind)

    async def template_content(
        self, template_id: str, variables: Mapping[str, str]
    ) -> tuple[str, str, tuple[str, ...]]:
        """Subject, text and missing variables of an e-mail template (`fetch_content`)."""
        told = await self.email_templates.content(template_id, variables, "text")
        return told.subject or "", told.text_content or "", told.missing_variables

    def permits(self, requests: int) -> AbstractAsyncContextManager[Permit]:
        """Take room for that many requests before the first of them; requests made inside use it."""
        return self._limiter.permits(requests)

    async def aclose(self) -> None:
        """Stop a sign-in that is under way and close the connections."""
        await self._auth.aclose()
        await self._transport.aclose()
        self._limiter.close()


def _credentials(email: str | None, password: str | None, cookie: str | None) -> Credentials:
    return Credentials(
        email=email,
        password=SecretStr(password) if password else None,
        cookie=SecretStr(cookie) if cookie else None,
        hint="check the email and password, or the cookie, that Studio was given",
    )


async def _attempt(request: Coroutine[Any, Any, T]) -> T | StudioError:
    try:
        return await request
    except StudioError as error:
        return error


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A client's fields as the API has them: city and country stand in `address_info` (studio-api.md, Clients)."""
    flat = {name: value for name, value in fields.items() if name not in _ADDRESS}
    address = {name: value for name, value in fields.items() if name in _ADDRESS}
    return {**flat, "address_info": address} if address else flat
