"""The account as the engine uses it: pages, records by id, writes that are made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from selftimer.facts.records import Kind, RawRecord, Record, Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list. `total` is None where the list doesn't say; `last` is whether nothing follows."""

    kind: Kind
    number: int
    per_page: int
    records: tuple[RawRecord, ...]
    total: int | None
    last: bool
    unreadable: tuple[Unreadable, ...] = ()
    """Entries that aren't even records: no object, or no usable id."""
    within: tuple[RawRecord, ...] = ()
    """Messages that came inside conversations. Nobody promises that they are all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The cheap change signals (studio-api.md): None where one couldn't be had."""

    unread: int | None
    inquiries: int | None
    invoice_sums: tuple[int, int, int] | None
    """paid, unpaid (minor units) and the number of overdue invoices."""
    clients: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the studio said to a write that it applied: the new record, raw (for a message: the message)."""

    record: RawRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Room under the rate limit for a number of requests, taken together."""

    requests: int


class StudioApi(Protocol):
    """A studio's account. Reads retry inside; writes never do. Every failure is a `selftimer.errors.StudioError`.

    Writes raise `NotApplied` (no effect), `Unclear` (unknown) or `Drifted` (applied, id unknown); reads raise
    `NotApplied`, `Unclear` or `Drifted` when their retries are spent.
    """

    @property
    def skew(self) -> float | None:
        """Seconds that the studio's clock is ahead of ours, by its last `Date` header; None if unknown."""
        ...

    async def account(self) -> str:
        """The account's id, from the cheap request that tells whether a session is alive; signs in if needed."""
        ...

    async def signals(self) -> Signals:
        """The four cheap signals."""
        ...

    async def invoice_sums(self) -> tuple[int, int, int] | None:
        """Paid, unpaid (minor units of the studio's currency) and the number overdue; None where one isn't told."""
        ...

    async def page(self, kind: Kind, number: int, **filters: str) -> Page:
        """Page `number` (from 1) of a list, 100 records, newest first as the API has them.

        Filters: `client_id` (invoices, payments, conversations), `types` (clients).
        """
        ...

    async def record(self, kind: Kind, record_id: str) -> tuple[RawRecord, ...]:
        """The record by id, first, then those that its answer holds: an invoice's payments, a conversation's messages.

        `NotFound` where the studio answers 404 in JSON.
        """
        ...

    def parse(self, raw: RawRecord) -> Record | Unreadable:
        """The record that the raw one is; pure. `Unreadable` for an unknown enum word, a bad id, a wrong type."""
        ...

    def unknown_fields(self, raw: RawRecord) -> tuple[str, ...]:
        """The record's own fields that nobody knows, by names that are fit to be shown; pure and cheap."""
        ...

    async def send_message(self, conversation_id: str, content: str, *, attachments: Sequence[str] = ()) -> Accepted:
        """`POST /conversation_messages`, once, on a fresh connection."""
        ...

    async def create_conversation(self, client_id: str, subject: str) -> Accepted:
        """`POST /conversations/` (inferred), once."""
        ...

    async def create_document(self, kind: Kind, body: Mapping[str, Any]) -> Accepted:
        """POST an invoice, quote, contract or questionnaire, once; `body` is as the API has it."""
        ...

    async def update_client(self, client_id: str, changes: Mapping[str, Any]) -> Accepted:
        """Read the client, change those fields, PUT it whole (idempotent)."""
        ...

    async def find_clients(self, email: str) -> tuple[RawRecord, ...]:
        """Contacts whose address is this one, whatever its case: `GET /clients/search`, every page of it."""
        ...

    async def galleries(self, client_id: str) -> tuple[RawRecord, ...]:
        """The client's galleries, all of them, each with `_client_id`; `NotFound` where the client is gone."""
        ...

    async def create_client(self, fields: Mapping[str, Any]) -> Accepted:
        """`POST /clients/`, once; `fields` are as the API has them, `type` included."""
        ...

    async def create_coupon(self, fields: Mapping[str, Any]) -> str:
        """`POST /coupons`, once; the id of it. A taken code is `Conflict`, or `Refused` with `code` in its details."""
        ...

    async def find_coupon(self, code: str) -> Mapping[str, Any] | None:
        """The coupon with this code, whatever its case, as the API has it; None where there is none."""
        ...

    async def upload(self, filename: str, content: bytes, content_type: str) -> str:
        """Put a file of at most 10 MiB where messages can carry it; its attachment id. It reaches nobody by itself."""
        ...

    async def templates(self, kind: Kind) -> tuple[tuple[str, str], ...]:
        """(id, name) of the studio's templates for a document kind."""
        ...

    async def template_content(
        self, template_id: str, variables: Mapping[str, str]
    ) -> tuple[str, str, tuple[str, ...]]:
        """Subject, text and missing variables of an e-mail template (`fetch_content`)."""
        ...

    def permits(self, requests: int) -> AbstractAsyncContextManager[Permit]:
        """Take room for that many requests before the first of them; requests made inside use it."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
