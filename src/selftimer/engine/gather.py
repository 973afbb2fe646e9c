"""What a cycle has to have in hand before it decides: parsed changes, their messages, the records that they name.

All of it is read before the transaction: no HTTP inside one (DESIGN.md, One road).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.change import Change
from selftimer.engine.made import UNSEEN
from selftimer.engine.renamed import adopted
from selftimer.engine.world import parsed
from selftimer.errors import Drifted, NotFound, StudioError
from selftimer.facts.records import LISTED, Conversation, Kind, RawRecord, Unreadable, client_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.reading import Reading
    from selftimer.facts.records import Record
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
_ORDER = {kind: place for place, kind in enumerate((Kind.SESSION_TYPE, *LISTED))}
_ORDER[Kind.MESSAGE] = _ORDER[Kind.CONVERSATION]
_ORDER[Kind.CONVERSATION] += 1
"""Clients first, that nothing is judged on a hole; messages before their conversation, whose new digest says that they
are stored: a process that dies between two batches reads them again.
"""
BAD_SHARE = 0.05
FEWEST_BAD = 3
SHUT = "shut"
"""The error's code of a list that is left out."""
PARALLEL = 4
"""Conversations read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The changes to decide on, clients first, how many were left for the next poll, and the lists left out."""

    changes: list[Change]
    left: int
    shut: dict[Kind, Drifted]
    """Lists of which too much can't be understood: nothing of them is taken in (delivery.md §4)."""


@dataclass(slots=True)
class Understood:
    """What became of raw records: those that can be understood, and those that can't."""

    good: list[tuple[RawRecord, Record]]
    bad: list[tuple[Unreadable, bytes]]


def too_much(reading: Reading, understood: Understood) -> Drifted | None:
    """Why nothing of the list is taken in: more than 5 % of a page, and three records at least, can't be understood.

    Fewer than three are odd records, of a short list too; three and 5 % are another API.
    """
    reasons = {record.id: record.reason for record, _ in understood.bad if record.id}
    for sheet in reading.sheets:
        bad = [ident for ident in sheet.ids if ident in reasons]
        count, whole = len(bad) + sheet.unusable, len(sheet.ids) + sheet.unusable
        if count >= FEWEST_BAD and count > whole * BAD_SHARE:
            reason = reasons[bad[0]] if bad else understood.bad[0][0].reason
            log.warning("list.shut", list=reading.kind.value, bad=count, records=whole, page=sheet.number)
            return Drifted(
                f"{count} of the {whole} records on page {sheet.number} can't be understood ({reason}); "
                "nothing of the list is taken in until they can",
                code=SHUT,
            )
    return None


class Gather:
    """Made for one poll at one instant."""

    def __init__(self, context: Context, now: Instant) -> None:
        self._context = context
        self._now = now

    async def run(self, readings: Sequence[Reading]) -> Gathered:
        """Parse what changed, fetch the messages and the related records that it needs."""
        read = {reading.kind: self._understand(reading.changed, reading.unreadable) for reading in readings}
        shut = {r.kind: why for r in readings if (why := too_much(r, read[r.kind])) is not None}
        changes: list[Change] = []
        for kind, understood in read.items():
            if kind not in shut:
                changes += await self._changes(understood)
        messages, unread = await self._messages(changes)
        # A conversation whose messages couldn't be read is left as it was: the next poll finds it changed again.
        changes = [c for c in changes if c.raw.id not in unread]
        changes += await self._parse(messages)
        changes += await self._parse(await self._related(changes))
        if changes:
            changes = await self._context.store.read(lambda tx: adopted(tx, changes, readings))
        ordered = sorted(changes, key=lambda c: _ORDER[c.raw.kind])
        return Gathered(changes=ordered, left=len(unread), shut=shut)

    async def parse(self, raws: Sequence[RawRecord]) -> list[Change]:
        """Records that were read apart from the lists, as changes; what can't be understood is set aside."""
        return await self._parse(raws)

    async def _parse(self, raws: Sequence[RawRecord]) -> list[Change]:
        return await self._changes(self._understand(raws, ()))

    def _understand(self, raws: Sequence[RawRecord], unreadable: Sequence[Unreadable]) -> Understood:
        understood = Understood([], [(u, b"") for u in unreadable])
        for raw in raws:
            record = self._context.api.parse(raw)
            if isinstance(record, Unreadable):
                understood.bad.append((record, raw.digest))
            else:
                understood.good.append((raw, record))
        return understood

    async def _changes(self, understood: Understood) -> list[Change]:
        """Set aside what can't be understood; the rest with what is stored of it."""
        good, bad = understood.good, understood.bad
        if bad:
            await self._context.store.write(lambda tx: self._set_aside(tx, bad))

        def befores(tx: Tx) -> list[Change]:
            changes = []
            kinds = dict.fromkeys(raw.kind for raw, _ in good)
            known = {kind: tx.records.some(kind, [raw.id for raw, _ in good if raw.kind is kind]) for kind in kinds}
            for raw, record in good:
                stored = known[raw.kind].get(raw.id)
                seen = stored is not None and stored.gone_at is None and stored.digest != UNSEEN
                before = parsed(self._context.api, stored) if stored is not None and seen else None
                changes.append(Change(raw=raw, record=record, before=before, stored=stored))
            return changes

        return await self._context.store.read(befores) if good else []

    def _set_aside(self, tx: Tx, bad: Sequence[tuple[Unreadable, bytes]]) -> None:
        for record, digest in bad:
            if tx.records.quarantine(record.kind, record.id, digest, record.reason, self._now):
                log.warning("record.unreadable", list=record.kind.value, record=record.id, shape=record.shape)
                tx.control.notice(
                    self._now,
                    f"One of the studio's {record.kind.value}s can't be understood",
                    f"{record.id}: {record.reason}. Its last good state is kept; rules don't see the new one.",
                    key=f"shape:{record.kind.value}:{record.shape}",
                )

    async def _messages(self, changes: Sequence[Change]) -> tuple[list[RawRecord], set[str]]:
        """New messages of the conversations that changed, and which conversations couldn't be read.

        At the baseline none are read, since all of them are old; whose are needed later is read then, once.
        """

        def wanted(tx: Tx) -> list[str]:
            resource = tx.records.resource(Kind.CONVERSATION)
            if resource is None or resource.baseline_at is None:
                return []
            ids = {c.record.id: None for c in changes if isinstance(c.record, Conversation)}
            if self._context.rules.ask_for_messages:
                for owner in {client_id_of(c.record) for c in changes} - {None}:
                    for stored in tx.records.of_client(Kind.CONVERSATION, owner or ""):
                        if not tx.records.of_parent(Kind.MESSAGE, stored.id):
                            ids[stored.id] = None
            return list(ids)

        conversations = await self._context.store.read(wanted) if changes else []
        return await self._details(conversations) if conversations else ([], set())

    async def _details(self, conversation_ids: Sequence[str]) -> tuple[list[RawRecord], set[str]]:
        gate = asyncio.Semaphore(PARALLEL)
        unread: set[str] = set()

        async def one(conversation_id: str) -> tuple[RawRecord, ...]:
            async with gate:
                try:
                    return await self._context.api.record(Kind.CONVERSATION, conversation_id)
                except NotFound:
                    return ()
                except StudioError as error:
                    log.warning("conversation.unread", record=conversation_id, error=type(error).__name__)
                    unread.add(conversation_id)
                    return ()

        found = await asyncio.gather(*(one(i) for i in conversation_ids))
        messages = {raw.id: raw for raws in found for raw in raws if raw.kind is Kind.MESSAGE}
        known = await self._context.store.read(lambda tx: tx.records.digests(Kind.MESSAGE, list(messages)))
        return [raw for raw in messages.values() if known.get(raw.id) != raw.digest], unread

    async def _related(self, changes: Sequence[Change]) -> list[RawRecord]:
        """Clients, invoices and session types that changed records name, or events wait for: fetched by id."""
        wanted: set[tuple[Kind, str]] = set()
        for change in changes:
            owner = client_id_of(change.record)
            wanted |= {(Kind.CLIENT, owner)} if owner else set()
            for kind, name in ((Kind.INVOICE, "invoice_id"), (Kind.SESSION_TYPE, "type_id")):
                linked = getattr(change.record, name, None)
                wanted |= {(kind, linked)} if linked else set()
        here = {(c.raw.kind, c.raw.id) for c in changes}

        def missing(tx: Tx) -> list[tuple[Kind, str]]:
            waited = tx.events.in_state("parked")
            names = {(Kind.CLIENT, e.client_id) for e in waited if e.client_id}
            names |= {(e.subject_kind, e.subject_id) for e in waited if e.subject_id}
            return [key for key in sorted((wanted | names) - here) if tx.records.get(*key) is None]

        out: list[RawRecord] = []
        for kind, record_id in await self._context.store.read(missing):
            try:
                out += [r for r in await self._context.api.record(kind, record_id) if r.kind is kind]
            except StudioError as error:
                log.warning("record.missing", list=kind.value, record=record_id, error=type(error).__name__)
        return out
