"""One cycle: read every list that is due, then decide once, clients first (DESIGN.md, One road)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bound_contextvars

from selftimer.engine.apart import together
from selftimer.engine.checksum import Checksum
from selftimer.engine.flood import hold_flood
from selftimer.engine.gather import SHUT, Gather
from selftimer.engine.intake import Intake
from selftimer.engine.reading import ListReader, Reading
from selftimer.engine.removals import Removals
from selftimer.engine.renamed import tell_adopted
from selftimer.engine.world import parsed
from selftimer.errors import ClockApart, NotSignedIn, StudioError
from selftimer.facts.openness import is_open
from selftimer.facts.records import LISTED, Kind
from selftimer.facts.stored import Resource
from selftimer.facts.sweep import stands
from selftimer.plan.state import RunState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Instant

    from selftimer.engine.change import Change
    from selftimer.engine.context import Context
    from selftimer.facts.stored import StoredEvent
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
BATCH = 1_000
"""Changed records decided in one transaction."""


class Cycle:
    """Made for one poll at one instant."""

    def __init__(self, context: Context, now: Instant) -> None:
        self._context = context
        self._now = now
        self._reader = ListReader(context.api, context.store)
        self._poll_id = 0
        self.partly: set[str] = set()
        """How deep the lists were read that weren't read whole."""
        self.in_doubt = False
        """Whether runs are held that the next poll judges again."""

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
            self._context.crash_point("observe.begun")
            readings, errors = await self._read_all(depths)
            self.partly = {r.depth for r in readings if r.depth != "full"}
            gathered = await Gather(self._context, self._now).run(readings)
            changes = gathered.changes
            errors |= gathered.shut
            readings = [reading for reading in readings if reading.kind not in gathered.shut]
            self._context.crash_point("observe.gathered")
            if any(change.adopted for change in changes):
                await self._context.store.write(lambda tx: tell_adopted(tx, changes, self._now))
            for start in range(0, len(changes), BATCH):
                await self._take(changes[start : start + BATCH])
                self._context.crash_point("observe.batch")
            await self._finish(readings, errors)
            await Removals(self._context, self._now, self._poll_id).run(readings)
            self._context.crash_point("observe.removals")
            await Checksum(self._context, self._now).run(readings)
            await self._again()
            self._context.crash_point("observe.again")
            await self._tidy(deepest)
            count = sum(r.pages for r in readings)
            failed = "; ".join(f"{kind}: {error.message}" for kind, error in errors.items()) or None

            def end(tx: Tx) -> tuple[bool, bool]:
                tx.records.end_poll(self._poll_id, self._now, requests=count, changed=len(changes), error=failed)
                return _unfinished(tx), _in_doubt(tx)

            waits, self.in_doubt = await self._context.store.write(end)
            log.info("poll.done", depth=deepest, pages=count, changed=len(changes), failed=len(errors))
        return bool(errors), bool(errors or gathered.left) or waits

    # --- reading -------------------------------------------------------------------------------------------------

    async def _read_all(self, depths: Mapping[Kind, str]) -> tuple[list[Reading], dict[Kind, StudioError]]:
        resources = await self._context.store.read(lambda tx: tx.records.resources())
        gate = asyncio.Semaphore(4)
        errors: dict[Kind, StudioError] = {}

        async def one(kind: Kind, depth: str) -> Reading | None:
            async with gate:
                try:
                    reading = await self._reader.read(kind, depth, resources.get(kind))
                except (StudioError, ExceptionGroup) as error:
                    errors[kind] = _first(error)
                    log.warning("list.failed", list=kind.value, error=type(errors[kind]).__name__)
                    return None
                if depth == "full":
                    log.info("list.read", list=kind.value, records=len(reading.seen), changed=len(reading.changed))
                return reading

        readings = await asyncio.gather(*(one(kind, depth) for kind, depth in depths.items()))
        apart = self._context.clock_apart()
        if apart is not None:  # what is new and what was there before can't be told: nothing is taken in
            log.error("clock.apart", skew=self._context.api.skew)
            return [], dict.fromkeys(depths, apart)
        return [r for r in readings if r is not None], errors

    # --- deciding ------------------------------------------------------------------------------------------------

    async def _take(self, changes: Sequence[Change]) -> None:
        def take(tx: Tx, some: Sequence[Change]) -> None:
            taken = Intake(tx, self._context, self._now, self._poll_id).apply(some)
            if taken.adopted:
                log.info("records.adopted", count=taken.adopted)

        await together(self._context, changes, take, named=_named, now=self._now)

    async def _finish(self, readings: Sequence[Reading], errors: Mapping[Kind, StudioError]) -> None:
        def put(tx: Tx) -> None:
            resources = tx.records.resources()
            put = []
            for reading in readings:
                before = resources.get(reading.kind)
                if before is not None and before.failing_since is not None:
                    self._mended(tx, reading.kind, before.failing_since)
                resource = _read_now(before, reading.kind, reading.depth, self._now, reading.total)
                put.append(self._certified(reading, resource))
            put += [self._failing(tx, kind, error, resources.get(kind)) for kind, error in errors.items()]
            tx.records.put_resources(put)

        await self._context.store.write(put)
        self._context.crash_point("observe.finish")

    def _failing(self, tx: Tx, kind: Kind, error: StudioError, before: Resource | None) -> Resource:
        """Since when a list can't be read; said at once where a person is needed, else after an hour."""
        old = before or Resource(kind=kind, first_seen_at=self._now)
        since = old.failing_since or self._now
        if isinstance(error, NotSignedIn | ClockApart):
            tx.control.notice(
                self._now,
                "Selftimer can't work with the studio",
                f"{error.message}. Until then nothing is seen and nothing is sent.",
                key=f"{type(error).__name__}:{_mark(since)}",
            )
        elif error.code == SHUT:
            tx.control.notice(
                self._now,
                f"The studio's {kind.value}s can't be understood any more",
                f"{error.message}. Rules see them as they were before. 'selftimer doctor' says what has changed.",
                key=f"shut:{kind.value}:{_mark(since)}",
            )
        elif (self._now - since).total("seconds") > self._context.policy.parked_report:
            tx.control.notice(
                self._now,
                f"The studio's list of {kind.value}s can't be read",
                f"Since {since}: {error.message} What changes there is seen when it can be read again.",
                key=f"failing:{kind.value}:{_mark(since)}",
            )
        return replace(old, failing_since=since, error=error.message)

    def _mended(self, tx: Tx, kind: Kind, since: Instant) -> None:
        """Answer what the owner was told when it began."""
        for key in (f"{NotSignedIn.__name__}:{_mark(since)}", f"{ClockApart.__name__}:{_mark(since)}"):
            if tx.control.told(key):
                text = f"What changed since {since} is being looked at; what is too late by now is reported."
                tx.control.notice(self._now, "Selftimer works with the studio again", text, key=f"mended:{key}")
        for key in (f"shut:{kind.value}:{_mark(since)}", f"failing:{kind.value}:{_mark(since)}"):
            if tx.control.told(key):
                subject = f"The studio's list of {kind.value}s can be read again"
                tx.control.notice(self._now, subject, f"It couldn't since {since}.", key=f"mended:{key}")

    def _certified(self, reading: Reading, resource: Resource) -> Resource:
        certificate = reading.certificate
        if certificate is None:
            return resource
        if not certificate.certified:
            log.info("sweep.torn", list=reading.kind.value, why=certificate.why)
            return replace(resource, full_at=None if resource.baseline_at is None else resource.full_at)
        whole = stands(certificate, resource.sweep_digest)
        resource = replace(resource, ordered=certificate.ordered, sweep_digest=certificate.digest)
        if not whole:
            return replace(resource, full_at=None if resource.baseline_at is None else resource.full_at)
        if resource.baseline_at is None:
            log.info("baseline.done", list=reading.kind.value, records=len(reading.seen))
        return replace(resource, baseline_at=resource.baseline_at or self._now, complete_as_of=self._now)

    async def _tidy(self, deepest: str) -> None:
        """Traces are kept for a bounded time, and time passes over records; four times a day is often enough."""
        if deepest != "full":
            return
        before = self._now.subtract(hours=24 * self._context.policy.keep_traces_days)

        def tidy(tx: Tx) -> None:
            tx.traces.prune(before)
            tx.hooks.prune(before)
            for kind in (Kind.SESSION, Kind.CONVERSATION):
                self._close(tx, kind)

        await self._context.store.write(tidy)

    async def _again(self) -> None:
        """What waits for a poll: parked events, and runs whose conditions were unknown."""

        def retry(tx: Tx) -> None:
            parked, held = tx.events.in_state("parked"), tx.runs.in_state(RunState.HELD)
            if not (parked or held):
                return
            matcher = Intake(tx, self._context, self._now, self._poll_id).matcher
            for stored in parked:
                if not self._too_long(tx, stored):
                    matcher.event(stored)
            for run in tx.runs.in_state(RunState.HELD) if parked else held:  # an event may have ended or held one
                matcher.desk.wake(run)
            hold_flood(tx, self._context, self._now, matcher.desk)

        await self._context.store.write(retry)

    def _too_long(self, tx: Tx, stored: StoredEvent) -> bool:
        """Say so after an hour, once; after a day it is as late as any other event."""
        policy, waited = self._context.policy, (self._now - stored.seen_at).total("seconds")
        what = f"{stored.record_id}: {stored.reason or 'unknown'}, since {stored.seen_at}."
        if waited > policy.event_expiry_hours * 3_600:
            tx.events.update(replace(stored, state="expired", reason=f"{stored.reason}, for too long"))
            subject = f"{stored.name} waited too long for a record that can't be had"
            tx.control.notice(self._now, subject, f"{what} No rule was begun.", key=f"expired:{stored.id}")
            return True
        if waited > policy.parked_report:
            subject = f"{stored.name} waits for a record that can't be had"
            tx.control.notice(self._now, subject, what, key=f"parked:{stored.id}")
        return False

    def _close(self, tx: Tx, kind: Kind) -> None:
        """Records that are no longer open, since time has passed over them, needn't be read every half hour."""
        still = [ident for ident, is_open_ in tx.records.order(kind) if is_open_]
        stored = (tx.records.get(kind, ident) for ident in still)
        read = [(row.id, parsed(self._context.api, row)) for row in stored if row is not None]
        tx.records.close(kind, [ident for ident, row in read if row is not None and not is_open(row, self._now)])


def _mark(instant: Instant) -> str:
    """An instant for a notice's key: the database keeps less of it than the clock tells."""
    return instant.format_iso(unit="second")


def _named(change: Change) -> str:
    return f"{change.raw.kind} {change.raw.id}"


def _first(error: Exception) -> StudioError:
    """The studio's error that a group of parallel reads failed with; anything else is a fault of ours and is raised."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, StudioError):
        raise error
    return error


def _unfinished(tx: Tx) -> bool:
    """Whether a baseline isn't done yet, or an event waits for what it rests on."""
    resources = tx.records.resources()
    unread = any(kind not in resources or resources[kind].baseline_at is None for kind in LISTED)
    return unread or bool(tx.events.in_state("parked"))


def _in_doubt(tx: Tx) -> bool:
    """Whether runs are held that each poll judges again, until they are late."""
    return any(run.wake_at is not None for run in tx.runs.in_state(RunState.HELD))


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
