"""Read afresh exactly the records that a judgement's names lead to (rule-language.md 5)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from selftimer.engine.world import Fresh
from selftimer.errors import Drifted, NotFound
from selftimer.facts.records import (
    Client,
    Conversation,
    Invoice,
    Kind,
    Message,
    RawRecord,
    Record,
    Session,
    Unreadable,
    client_id_of,
    kind_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from selftimer.engine.context import Context
    from selftimer.ports import Page, Tx
    from selftimer.rulebook.condition import Read

MOST = 40
"""Requests for one judgement; more would be a rule that reads the whole studio."""
_BY_ID = {Kind.INVOICE: "invoice_id", Kind.CONTRACT: "contract_id", Kind.QUESTIONNAIRE: "questionnaire_id"}


Known = dict[tuple[Kind, str], list[str]]
"""Ids of the records of a kind that a client has, as far as the store knows."""


def known_of(tx: Tx, reads: Collection[Read], client_id: str | None, *, writes_to: bool) -> Known:
    """What the store knows of the lists that such a judgement leads to."""
    lists = {target for source, target in reads if source is Kind.CLIENT and target is not Kind.CLIENT}
    lists |= {Kind.CONVERSATION} if writes_to else set()
    if lists & {Kind.MESSAGE, Kind.CONVERSATION}:
        lists |= {Kind.MESSAGE, Kind.CONVERSATION}
    return {(kind, client_id): tx.records.ids_of_client(kind, client_id) for kind in sorted(lists) if client_id}


def requests_for(roots: Collection[tuple[Kind, str]], reads: Collection[Read], known: Known) -> int:
    """How many requests such a judgement takes, as far as the store can tell: those of `FreshReader`, counted.

    Taken together before the first of them, for reads that wait for each other's turn are old when the last is done.
    """
    count = len(set(roots)) + sum(target in _BY_ID for source, target in reads if source is not Kind.CLIENT)
    for (kind, _), ids in known.items():
        most = {
            Kind.INVOICE: 1,
            Kind.PAYMENT: 1,
            Kind.GALLERY: 1,
            Kind.CONVERSATION: 1 + (len(ids) or 1),
            Kind.MESSAGE: 0,
        }
        count += most.get(kind, 1 + len(ids))
    count += any(kind is Kind.INVOICE for kind, _ in known) and (Kind.INVOICE, Kind.PAYMENT) in reads
    return min(count, MOST)


def roots_of(
    subject: tuple[Kind | None, str], client_id: str | None, reads: Collection[Read]
) -> list[tuple[Kind, str]]:
    """Where a judgement begins to read: its subject, and its client where it asks anything of them."""
    kind, subject_id = subject
    roots = [(kind, subject_id)] if kind is not None else []
    if client_id is not None and any(source is Kind.CLIENT for source, _ in reads):
        roots.append((Kind.CLIENT, client_id))
    return roots


class FreshReader:
    """One judgement's reads. Records are read once each, lists of a client once each."""

    def __init__(self, context: Context, reads: Iterable[Read], known: Known | None = None) -> None:
        self._context = context
        self._reads = frozenset(reads)
        self._known = known or {}
        self.fresh = Fresh(read_at=context.clock.now())
        self._todo: list[Record] = []
        self._whole: set[str] = set()
        """Invoices that were read by id, and so with their payments."""

    async def read(self, roots: Iterable[tuple[Kind, str]]) -> Fresh:
        """The roots by id, then all that the reads lead to. A 404 is an answer; any other failure is raised."""
        for kind, record_id in roots:
            await self._by_id(kind, record_id)
        await self._follow_all()
        return self.fresh

    async def conversations(self, client_id: str) -> Fresh:
        """The client's conversations with their messages as well."""
        await self._of_client(client_id, Kind.CONVERSATION)
        await self._follow_all()
        return self.fresh

    async def _follow_all(self) -> None:
        while self._todo:
            record = self._todo.pop()
            for source, target in sorted(self._reads):
                if source is kind_of(record) and source is not target:
                    await self._follow(record, target)

    async def _by_id(self, kind: Kind, record_id: str) -> None:
        if (kind, record_id) in self.fresh.records or kind in {Kind.MESSAGE, Kind.PAYMENT, Kind.SESSION_TYPE}:
            return
        if kind is Kind.GALLERY:
            await self._gallery(record_id)
            return
        self._count()
        try:
            found = await self._context.api.record(kind, record_id)
        except NotFound:
            self.fresh.records[kind, record_id] = None
            return
        self._whole.add(record_id)
        for raw in found:
            self._lay(raw)

    async def _gallery(self, record_id: str) -> None:
        """Galleries are read with their client's others: by its own id nothing says whose one is."""
        stored = await self._context.store.read(lambda tx: tx.records.get(Kind.GALLERY, record_id))
        if stored is not None and stored.client_id is not None:
            await self._of_client(stored.client_id, Kind.GALLERY)
        self.fresh.records.setdefault((Kind.GALLERY, record_id), None)

    async def _galleries(self, client_id: str) -> None:
        self._count()
        with suppress(NotFound):  # who is gone has none
            for raw in await self._context.api.galleries(client_id):
                self._lay(raw)

    def _count(self) -> None:
        self.fresh.requests += 1
        if self.fresh.requests > MOST:
            raise Drifted(f"a judgement needs more than {MOST} reads")

    def _lay(self, raw: RawRecord) -> None:
        record = self._context.api.parse(raw)
        if isinstance(record, Unreadable):
            raise Drifted(f"{record.kind} {record.id} can't be read: {record.reason}")
        if (kind_of(record), record.id) not in self.fresh.records:
            self.fresh.add(record)
            self._todo.append(record)

    async def _follow(self, record: Record, target: Kind) -> None:
        if target is Kind.CLIENT:
            owner = client_id_of(record)
            if owner:
                await self._by_id(Kind.CLIENT, owner)
        elif isinstance(record, Client):
            await self._of_client(record.id, target)
        elif isinstance(record, Invoice) and target is Kind.PAYMENT:
            if record.id not in self._whole and record.client_id is not None:
                await self._of_client(record.client_id, Kind.PAYMENT)
        elif isinstance(record, Session) and target in _BY_ID:
            linked = getattr(record, _BY_ID[target])
            if linked:
                await self._by_id(target, linked)

    async def _of_client(self, client_id: str, target: Kind) -> None:
        if (target, client_id) in self.fresh.lists:
            return
        self.fresh.lists.add((target, client_id))
        match target:
            case Kind.INVOICE | Kind.PAYMENT:
                await self._list(target, client_id)
            case Kind.CONVERSATION:
                self.fresh.lists.add((Kind.MESSAGE, client_id))  # they come with their conversations
                await self._threads(client_id)
            case Kind.GALLERY:
                await self._galleries(client_id)
            case Kind.MESSAGE:
                await self._of_client(client_id, Kind.CONVERSATION)
            case Kind.SESSION | Kind.CONTRACT | Kind.QUESTIONNAIRE | Kind.QUOTE:
                await self._list(target, client_id)
                for record_id in await self._ids(target, client_id):
                    await self._by_id(target, record_id)
            case _:
                pass

    async def _threads(self, client_id: str) -> None:
        """The client's conversations, with all of their messages.

        Listed each time, since they may have begun another one after the last poll. Those that the list doesn't show
        are read by id, and so are those whose messages it may not show whole.
        """
        page = await self._page(Kind.CONVERSATION, client_id, message="true")
        listed = [raw for raw in page.records if self._owner(raw) == client_id]
        ids = {raw.id for raw in listed}
        for record_id in await self._ids(Kind.CONVERSATION, client_id):
            if record_id not in ids:
                await self._by_id(Kind.CONVERSATION, record_id)
        messages = self._messages(page)
        stored = await self._ids(Kind.MESSAGE, client_id)
        there = {m.id for some in messages.values() for m in some} | {m.id for m in self.fresh.of(Kind.MESSAGE)}
        none_missing = there.issuperset(stored)
        for raw in listed:
            if none_missing and self._whole_thread(raw, messages.get(raw.id, []), stored):
                self._lay(raw)
                for inner in page.within:
                    if inner.raw.get("conversation_id") == raw.id:
                        self._lay(inner)
            else:
                await self._by_id(Kind.CONVERSATION, raw.id)

    def _messages(self, page: Page) -> dict[str, list[Message]]:
        found: dict[str, list[Message]] = {}
        for inner in page.within:
            message = self._context.api.parse(inner)
            if isinstance(message, Message):
                found.setdefault(message.conversation_id, []).append(message)
        return found

    def _whole_thread(self, raw: RawRecord, messages: Sequence[Message], stored: Collection[str]) -> bool:
        """Whether the list can't have left messages out that the store doesn't know.

        Were it to show the newest few only, it would show what is stored (all there was at the last poll) only with all
        that came later; were it to show the oldest few, the newest would not be as new as the conversation says.
        """
        conversation = self._context.api.parse(raw)
        if not isinstance(conversation, Conversation) or conversation.last_message_at is None:
            return False
        newest = max((m.sent_at for m in messages if m.sent_at is not None), default=None)
        known = any(m.id in stored for m in messages)
        return known and newest is not None and newest >= conversation.last_message_at

    def _owner(self, raw: RawRecord) -> str | None:
        record = self._context.api.parse(raw)
        return None if isinstance(record, Unreadable) else client_id_of(record)

    async def _ids(self, kind: Kind, client_id: str) -> list[str]:
        known = self._known.get((kind, client_id))
        if known is None:
            known = await self._context.store.read(lambda tx: tx.records.ids_of_client(kind, client_id))
        return known

    async def _list(self, kind: Kind, client_id: str) -> None:
        """The client's records of a kind; lists that take no client filter are looked at on page one, newest first."""
        page = await self._page(kind, client_id)
        for raw in page.records:
            record = self._context.api.parse(raw)
            if isinstance(record, Unreadable) or client_id_of(record) != client_id:
                continue
            if (kind, record.id) not in self.fresh.records:
                self.fresh.add(record)
                self._todo.append(record)

    async def _page(self, kind: Kind, client_id: str, **filters: str) -> Page:
        self._count()
        filtered = kind in {Kind.INVOICE, Kind.PAYMENT, Kind.CONVERSATION}
        page = await self._context.api.page(kind, 1, **({"client_id": client_id} if filtered else {}), **filters)
        odd = list(page.unreadable) if filtered else []
        for raw in page.records:
            if isinstance(record := self._context.api.parse(raw), Unreadable):
                odd += [record] if filtered or _owner_of(raw) == client_id else []
        if odd:  # without it the judgement would rest on a hole
            raise Drifted(f"a {odd[0].kind} of the client can't be read: {odd[0].reason}")
        return page


def _owner_of(raw: RawRecord) -> object:
    """Whose a record that can't be understood says it is."""
    client = raw.raw.get("client")
    return raw.raw.get("client_id") or (client.get("id") if isinstance(client, dict) else None)


def conversation_of(fresh: Fresh, client_id: str) -> Conversation | None:
    """The client's conversation to write in: active, with the latest message."""
    mine = [c for c in fresh.of(Kind.CONVERSATION) if isinstance(c, Conversation) and c.client_id == client_id]
    active = [c for c in mine if c.status == "active"] or mine
    return max(active, key=lambda c: (c.last_message_at is not None, c.last_message_at or 0, c.id), default=None)
