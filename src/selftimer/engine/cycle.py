"""One cycle: read every list that is due, then decide once, clients first (DESIGN.md, One road)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bound_contextvars

from selftimer.engine.intake import Change, Intake
from selftimer.engine.reading import ListReader, Reading
from selftimer.engine.removals import Removals
from selftimer.engine.world import parsed
from selftimer.errors import NotFound, StudioError
from selftimer.facts.records import LISTED, Conversation, Kind, RawRecord, Unreadable, client_id_of
from selftimer.facts.stored import Resource
from selftimer.plan.state import RunState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
BATCH = 1_000
"""Changed records decided in one transaction."""
_ORDER = {kind: place for place, kind in enumerate((Kind.SESSION_TYPE, *LISTED, Kind.MESSAGE))}


class Cycle:
    """Made for one poll at one instant."""

    def __init__(self, context: Context, now: Instant) -> None:
        self._context = context
        self._now = now
        self._reader = ListReader(context.api, context.store)
        self._poll_id = 0

    async def signals_moved(self) -> bool:
        """Whether a cheap signal differs from the last time (remembered then)."""
        signals = await self._context.api.signals()
        state = [signals.unread, signals.inquiries, list(signals.invoice_sums or ()), signals.clients]

        def compare(tx: Tx) -> bool:
            moved: bool = tx.control.get("signals") != state
            if moved:
                tx.control.put("signals", state)
            return moved

        return await self._context.store.write(compare)

    async def run(self, depths: Mapping[Kind, str]) -> tuple[bool, bool]:
        """Read to those depths and take it all in.

        (whether a list couldn't be read, whether something waits for another poll: that, or a baseline not yet done).
        """
        deepest = max(depths.values(), key=("page_one", "open", "full").index)
        self._poll_id = await self._context.store.write(lambda tx: tx.records.begin_poll(self._now, deepest))
        with bound_contextvars(cycle=self._poll_id):
            readings, errors = await self._read_all(depths)
            changes = await self._changes(readings)
            for start in range(0, len(changes), BATCH):
                await self._take(changes[start : start + BATCH])
                self._context.crash_point("observe.batch")
            await self._finish(readings, errors)
            await Removals(self._context, self._now, self._poll_id).run(readings)
            await self._again()
            count = sum(r.pages for r in readings)
            failed = "; ".join(f"{kind}: {error.message}" for kind, error in errors.items()) or None
            await self._context.store.write(
                lambda tx: tx.records.end_poll(
                    self._poll_id, self._now, requests=count, changed=len(changes), error=failed
                )
            )
            log.info("poll.done", depth=deepest, pages=count, changed=len(changes), failed=len(errors))
            waits = await self._context.store.read(_unfinished)
        return bool(errors), bool(errors) or waits

    # --- reading -------------------------------------------------------------------------------------------------

    async def _read_all(self, depths: Mapping[Kind, str]) -> tuple[list[Reading], dict[Kind, StudioError]]:
        resources = await self._context.store.read(lambda tx: {k: tx.records.resource(k) for k in depths})
        gate = asyncio.Semaphore(4)
        errors: dict[Kind, StudioError] = {}

        async def one(kind: Kind, depth: str) -> Reading | None:
            async with gate:
                try:
                    reading = await self._reader.read(kind, depth, resources[kind])
                except (StudioError, ExceptionGroup) as error:
                    errors[kind] = _first(error)
                    log.warning("list.failed", list=kind.value, error=type(errors[kind]).__name__)
                    return None
                if depth == "full":
                    log.info("list.read", list=kind.value, records=len(reading.seen), changed=len(reading.changed))
                return reading

        readings = await asyncio.gather(*(one(kind, depth) for kind, depth in depths.items()))
        return [r for r in readings if r is not None], errors

    async def _changes(self, readings: Sequence[Reading]) -> list[Change]:
        """Parse what changed, fetch the messages and the related records that it needs; clients first."""
        raws = [raw for reading in readings for raw in reading.changed]
        found = [u for reading in readings for u in reading.unreadable]
        changes = await self._parse(raws, found)
        changes += await self._parse(await self._messages(changes), [])
        changes += await self._parse(await self._related(changes), [])
        return sorted(changes, key=lambda c: _ORDER[c.raw.kind])

    async def _parse(self, raws: Sequence[RawRecord], unreadable: Sequence[Unreadable]) -> list[Change]:
        good, bad = [], [(u, b"") for u in unreadable]
        for raw in raws:
            record = self._context.api.parse(raw)
            if isinstance(record, Unreadable):
                bad.append((record, raw.digest))
            else:
                good.append((raw, record))
        if bad:
            await self._context.store.write(lambda tx: self._set_aside(tx, bad))

        def befores(tx: Tx) -> list[Change]:
            changes = []
            for raw, record in good:
                stored = tx.records.get(raw.kind, raw.id)
                alive = stored if stored is not None and stored.gone_at is None else None
                before = parsed(self._context.api, alive) if alive else None
                changes.append(Change(raw=raw, record=record, before=before, stored=stored))
            return changes

        return await self._context.store.read(befores) if good else []

    def _set_aside(self, tx: Tx, bad: Sequence[tuple[Unreadable, bytes]]) -> None:
        for record, digest in bad:
            if tx.records.quarantine(record.kind, record.id, digest, record.reason, self._now):
                log.warning("record.unreadable", list=record.kind.value, record=record.id, shape=record.shape)
                tx.control.notice(
                    self._now,
                    f"A {record.kind.value} of the studio can't be understood",
                    f"{record.id}: {record.reason}. Its last good state is kept; rules don't see the new one.",
                    key=f"shape:{record.kind.value}:{record.shape}",
                )

    async def _messages(self, changes: Sequence[Change]) -> list[RawRecord]:
        """The messages of conversations that changed; at the baseline none, since all of them are old."""
        resource = await self._context.store.read(lambda tx: tx.records.resource(Kind.CONVERSATION))
        if resource is None or resource.baseline_at is None:
            return []
        return await self._details([c.record.id for c in changes if isinstance(c.record, Conversation)])

    async def _details(self, conversation_ids: Sequence[str]) -> list[RawRecord]:
        gate = asyncio.Semaphore(4)

        async def one(conversation_id: str) -> tuple[RawRecord, ...]:
            async with gate:
                try:
                    return await self._context.api.record(Kind.CONVERSATION, conversation_id)
                except NotFound:
                    return ()

        found = await asyncio.gather(*(one(i) for i in conversation_ids))
        messages = {raw.id: raw for raws in found for raw in raws if raw.kind is Kind.MESSAGE}
        known = await self._context.store.read(lambda tx: tx.records.digests(Kind.MESSAGE, list(messages)))
        return [raw for raw in messages.values() if known.get(raw.id) != raw.digest]

    async def _related(self, changes: Sequence[Change]) -> list[RawRecord]:
        """Clients, invoices and session types that changed records name and nobody has: fetched by id."""
        wanted: set[tuple[Kind, str]] = set()
        for change in changes:
            owner = client_id_of(change.record)
            wanted |= {(Kind.CLIENT, owner)} if owner else set()
            for kind, name in ((Kind.INVOICE, "invoice_id"), (Kind.SESSION_TYPE, "type_id")):
                linked = getattr(change.record, name, None)
                wanted |= {(kind, linked)} if linked else set()
        here = {(c.raw.kind, c.raw.id) for c in changes}

        def missing(tx: Tx) -> list[tuple[Kind, str]]:
            return [key for key in sorted(wanted - here) if tx.records.get(*key) is None]

        out: list[RawRecord] = []
        for kind, record_id in await self._context.store.read(missing):
            try:
                out += [r for r in await self._context.api.record(kind, record_id) if r.kind is kind]
            except StudioError as error:
                log.warning("record.missing", list=kind.value, record=record_id, error=type(error).__name__)
        return out

    # --- deciding ------------------------------------------------------------------------------------------------

    async def _take(self, changes: Sequence[Change]) -> None:
        taken = await self._context.store.write(
            lambda tx: Intake(tx, self._context, self._now, self._poll_id).apply(changes)
        )
        if taken.adopted:
            log.info("records.adopted", count=taken.adopted)

    async def _finish(self, readings: Sequence[Reading], errors: Mapping[Kind, StudioError]) -> None:
        def put(tx: Tx) -> None:
            for reading in readings:
                resource = _read_now(
                    tx.records.resource(reading.kind), reading.kind, reading.depth, self._now, reading.total
                )
                tx.records.put_resource(self._certified(reading, resource))
            for kind, error in errors.items():
                old = tx.records.resource(kind) or Resource(kind=kind, first_seen_at=self._now)
                since = old.failing_since or self._now
                tx.records.put_resource(replace(old, failing_since=since, error=error.message))

        await self._context.store.write(put)
        self._context.crash_point("observe.finish")

    def _certified(self, reading: Reading, resource: Resource) -> Resource:
        certificate = reading.certificate
        if certificate is None:
            return resource
        if not certificate.certified:
            log.info("sweep.torn", list=reading.kind.value, why=certificate.why)
            return replace(resource, full_at=None if resource.baseline_at is None else resource.full_at)
        twice = certificate.ordered or resource.sweep_digest == certificate.digest
        resource = replace(resource, ordered=certificate.ordered, sweep_digest=certificate.digest)
        if not twice:
            return replace(resource, full_at=None if resource.baseline_at is None else resource.full_at)
        if resource.baseline_at is None:
            log.info("baseline.done", list=reading.kind.value, records=len(reading.seen))
        return replace(resource, baseline_at=resource.baseline_at or self._now, complete_as_of=self._now)

    async def _again(self) -> None:
        """What waits for a poll: parked events, and runs whose conditions were unknown."""

        def retry(tx: Tx) -> None:
            desk = Intake(tx, self._context, self._now, self._poll_id).matcher
            for stored in tx.events.in_state("parked"):
                desk.event(stored)
                waited = (self._now - stored.seen_at).total("seconds")
                if waited > self._context.policy.parked_report:
                    tx.control.notice(
                        self._now,
                        f"{stored.name} waits for a record that can't be had",
                        f"{stored.record_id}: {stored.reason or 'unknown'}, since {stored.seen_at}.",
                        key=f"parked:{stored.id}",
                    )
            for run in tx.runs.in_state(RunState.HELD):
                desk.desk.wake(run)

        await self._context.store.write(retry)


def _first(error: Exception) -> StudioError:
    """The studio's error that a group of parallel reads failed with; anything else is a fault of ours and is raised."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, StudioError):
        raise error
    return error


def _unfinished(tx: Tx) -> bool:
    """Whether a baseline isn't done yet, or an event waits for what it rests on."""
    resources = (tx.records.resource(kind) for kind in LISTED)
    return bool(tx.events.in_state("parked")) or any(r is None or r.baseline_at is None for r in resources)


def _read_now(resource: Resource | None, kind: Kind, depth: str, now: Instant, total: int | None) -> Resource:
    """The resource after it was read to that depth."""
    at = resource or Resource(kind=kind, first_seen_at=now)
    return replace(
        at,
        page_one_at=now,
        open_at=now if depth != "page_one" else at.open_at,
        full_at=now if depth == "full" else at.full_at,
        total=total,
        failing_since=None,
        error=None,
    )
