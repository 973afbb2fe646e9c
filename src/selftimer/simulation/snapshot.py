"""A studio as the store knows it: what is there answers, nothing changes, nothing leaves the machine.

The engine works on it as on the real one, so that a plan is made by the evaluator that will carry it out.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from selftimer.errors import NotFound, Refused
from selftimer.facts.records import Kind, RawRecord
from selftimer.plan.attempt import Outcome, Sent
from selftimer.plan.state import Verb
from selftimer.ports import Page, Permit, Signals
from selftimer.studio.pages import digest, parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from selftimer.facts.records import Record, Unreadable
    from selftimer.facts.stored import StoredRecord
    from selftimer.plan.attempt import NotSent
    from selftimer.plan.state import Delivery
    from selftimer.ports import Accepted, Store, Tx

_WITH = {Kind.INVOICE: Kind.PAYMENT, Kind.CONVERSATION: Kind.MESSAGE}
"""What a record's answer holds besides itself."""


class SnapshotStudio:
    """`selftimer.ports.StudioApi` over a copy of the store. Writes are refused: see `PlanChannel`."""

    skew: float | None = None

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opened: dict[str, RawRecord] = {}
        """Conversations that a plan opened, by client."""

    async def account(self) -> str:
        """Nobody's."""
        return ""

    async def signals(self) -> Signals:
        """None of them ever moves."""
        return Signals(unread=None, inquiries=None, invoice_sums=None, clients=None)

    async def invoice_sums(self) -> tuple[int, int, int] | None:
        """Nobody told them."""
        return None

    async def page(self, kind: Kind, number: int, **filters: str) -> Page:
        """A client's records, all on one page; lists that take no client are empty, since the store has the ids."""
        client_id = filters.get("client_id")
        records: tuple[RawRecord, ...] = ()
        within: tuple[RawRecord, ...] = ()
        if client_id is not None and number == 1:
            records = await self._of_client(kind, client_id)
            if kind is Kind.CONVERSATION:
                records += tuple(raw for owner, raw in self._opened.items() if owner == client_id)
                within = await self._of_client(Kind.MESSAGE, client_id)
        return page_of_all(kind, number, records, within=within)

    async def record(self, kind: Kind, record_id: str) -> tuple[RawRecord, ...]:
        """As it was last seen, with its payments or messages; `NotFound` for what is gone or was never seen."""
        found = await self._one(kind, record_id, _WITH.get(kind))
        found = found or tuple(raw for raw in self._opened.values() if raw.id == record_id)
        if not found:
            raise NotFound(f"there is no {kind} {record_id} in what is known", code="resource_not_found")
        return found

    async def _of_client(self, kind: Kind, client_id: str) -> tuple[RawRecord, ...]:
        return await self._store.read(lambda tx: tuple(map(_raw, tx.records.of_client(kind, client_id))))

    async def _one(self, kind: Kind, record_id: str, inner: Kind | None) -> tuple[RawRecord, ...]:
        def read(tx: Tx) -> tuple[RawRecord, ...]:
            stored = tx.records.get(kind, record_id)
            if stored is None or stored.gone_at is not None:
                return ()
            return (_raw(stored), *(map(_raw, tx.records.of_parent(inner, record_id)) if inner else ()))

        return await self._store.read(read)

    def parse(self, raw: RawRecord) -> Record | Unreadable:
        """As the client does."""
        return parse(raw)

    def unknown_fields(self, raw: RawRecord) -> tuple[str, ...]:
        """None: what is known already was counted when it came."""
        return ()

    def open_for(self, client_id: str) -> RawRecord:
        """A conversation that a plan would have opened."""
        body: dict[str, Any] = {"id": f"conv_plan{len(self._opened)}", "client_id": client_id, "status": "active"}
        raw = RawRecord(Kind.CONVERSATION, body["id"], body, digest(body))
        self._opened[client_id] = raw
        return raw

    async def send_message(self, conversation_id: str, content: str, *, attachments: Sequence[str] = ()) -> Accepted:
        """Refused."""
        raise _refused()

    async def create_conversation(self, client_id: str, subject: str) -> Accepted:
        """Refused."""
        raise _refused()

    async def create_document(self, kind: Kind, body: Mapping[str, Any]) -> Accepted:
        """Refused."""
        raise _refused()

    async def update_client(self, client_id: str, changes: Mapping[str, Any]) -> Accepted:
        """Refused."""
        raise _refused()

    async def find_clients(self, email: str) -> tuple[RawRecord, ...]:
        """Nobody: what isn't known yet can't be looked for."""
        return ()

    async def galleries(self, client_id: str) -> tuple[RawRecord, ...]:
        """As they were last seen."""
        return await self._of_client(Kind.GALLERY, client_id)

    async def create_client(self, fields: Mapping[str, Any]) -> Accepted:
        """Refused."""
        raise _refused()

    async def create_coupon(self, fields: Mapping[str, Any]) -> str:
        """Refused."""
        raise _refused()

    async def find_coupon(self, code: str) -> Mapping[str, Any] | None:
        """None is known: the store keeps records, not coupons."""
        return None

    async def upload(self, filename: str, content: bytes, content_type: str) -> str:
        """Refused."""
        raise _refused()

    async def templates(self, kind: Kind) -> tuple[tuple[str, str], ...]:
        """None is known: the store keeps records, not templates."""
        return ()

    async def template_content(
        self, template_id: str, variables: Mapping[str, str]
    ) -> tuple[str, str, tuple[str, ...]]:
        """Refused."""
        raise _refused()

    @asynccontextmanager
    async def permits(self, requests: int) -> AsyncIterator[Permit]:
        """As many as are wanted."""
        yield Permit(requests=requests)

    async def aclose(self) -> None:
        """There is nothing to close."""


class PlanChannel:
    """Every effect's way out in a plan: it counts as done, and nothing leaves."""

    guarantee = "nothing leaves"

    def __init__(self, api: SnapshotStudio) -> None:
        self._api = api

    def needs_reading(self, delivery: Delivery) -> bool:
        """Never: templates and words that the studio keeps can't be read here."""
        return False

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent:
        """As it is."""
        return delivery

    async def deliver(self, delivery: Delivery) -> Outcome:
        """It counts as done; a conversation that would be opened is there from then on."""
        if delivery.verb is Verb.CONVERSATION and delivery.client_id is not None:
            raw = self._api.open_for(delivery.client_id)
            return Sent(result_id=raw.id, result_kind="conversation")
        return Sent(result_id=None)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """What was unclear when the plan was made counts as done."""
        return [delivery.id]


def page_of_all(
    kind: Kind, number: int, records: tuple[RawRecord, ...], *, within: tuple[RawRecord, ...] = (), total: int = -1
) -> Page:
    """The only page of a list; `total` is said where it isn't what the page holds."""
    total = len(records) if total < 0 else total
    return Page(
        kind=kind,
        number=number,
        per_page=100,
        records=records,
        total=total if number == 1 else None,
        last=True,
        within=within,
    )


def _raw(stored: StoredRecord) -> RawRecord:
    return RawRecord(stored.kind, stored.id, dict(stored.raw), stored.digest)


def _refused() -> Refused:
    return Refused("a plan writes nothing to the studio", code="plan")
