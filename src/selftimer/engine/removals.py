"""Removals: absent is not deleted (delivery.md §2).

Removed is what is absent from two certified sweeps *and* a 404 by id. Too many vanishing at once freezes the list.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.intake import Intake
from selftimer.engine.world import parsed
from selftimer.errors import NotFound, StudioError
from selftimer.facts.records import Kind
from selftimer.facts.sweep import ABSENCES, to_ask_for
from selftimer.primitives.ids import odd_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.reading import Reading
    from selftimer.facts.stored import Resource
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
_THAWED = "thawed"


def thaw(tx: Tx, kind: Kind, now: Instant | None) -> None:
    """The owner says that those who vanished from this list may be gone; None: that is done with."""
    said = {**(tx.control.get(_THAWED) or {}), kind.value: now and now.format_iso()}
    tx.control.put(_THAWED, {name: at for name, at in said.items() if at is not None} or None)


def _is_thawed(tx: Tx, kind: Kind) -> bool:
    return kind.value in (tx.control.get(_THAWED) or {})


def _nameless(reading: Reading, quarantined: Iterable[str]) -> bool:
    """Whether the sweep has entries of which can't be told which records they are: their ids are of no known form."""
    odd = any(not entry.id for entry in reading.unreadable)
    return odd or any(odd_form(reading.kind.value, ident) for ident in quarantined)


class Removals:
    """After the sweeps of one cycle."""

    def __init__(self, context: Context, now: Instant, poll_id: int) -> None:
        self._context = context
        self._now = now
        self._poll_id = poll_id

    async def run(self, readings: Sequence[Reading]) -> None:
        """Count absences of certified sweeps and settle those that are absent for the second time."""
        whole = [r for r in readings if r.certificate is not None and r.certificate.certified]
        if not whole:
            return
        for kind, record_id in await self._context.store.write(lambda tx: self._twice(tx, whole)):
            await self._settle(kind, record_id)

    def _twice(self, tx: Tx, whole: Sequence[Reading]) -> list[tuple[Kind, str]]:
        """What is to be asked for by its id, of all lists."""
        resources, quarantined = tx.records.resources(), tx.records.quarantined()
        missing = tx.records.absences([reading.kind for reading in whole])
        twice: list[tuple[Kind, str]] = []
        for reading in whole:
            kind = reading.kind
            resource = resources.get(kind)
            if resource is None or resource.complete_as_of != self._now:
                continue
            left = self._forget_odd(tx, reading, quarantined.get(kind, ()))
            if not _nameless(reading, left):  # else what is absent may be there under another id
                twice += [(kind, ident) for ident in self._absent(tx, reading, resource, missing[kind])]
        return twice

    def _absent(self, tx: Tx, reading: Reading, resource: Resource, missing: Mapping[str, int]) -> list[str]:
        kind, known = reading.kind, len(missing)
        absent = [ident for ident in missing if ident not in reading.seen]
        if absent or any(missing.values()):
            tx.records.mark_missing(kind, absent)
        gone = to_ask_for(absent, known, lambda ident: missing[ident] + 1)
        if gone is None and _is_thawed(tx, kind):
            gone = [one for one in absent if missing[one] + 1 >= ABSENCES]
            if len(gone) == len(absent):
                thaw(tx, kind, None)
        if gone is None:
            if resource.frozen is None:
                tx.records.put_resources([replace(resource, frozen=f"{len(absent)} of {known} vanished at once")])
                log.warning("list.frozen", list=kind.value, absent=len(absent), known=known)
                tx.control.notice(
                    self._now,
                    f"{len(absent)} of {known} {kind.value}s vanished from the studio at once",
                    "Nothing is taken as removed until they are back. If they are really gone, say "
                    f"`selftimer resume list {kind.value}`: then each is asked for by its id.",
                    key=f"frozen:{kind.value}:{self._now}",
                )
            return []
        if resource.frozen is not None:
            tx.records.put_resources([replace(resource, frozen=None)])
        return gone

    def _forget_odd(self, tx: Tx, reading: Reading, quarantined: Iterable[str]) -> set[str]:
        """Entries that couldn't be understood and are in the list no more: under that id there never was a record.

        Those that are left.
        """
        here = reading.seen | {""} if any(not entry.id for entry in reading.unreadable) else reading.seen
        odd = {ident for ident in quarantined if ident not in here}
        over = odd - tx.records.some(reading.kind, odd).keys()
        tx.records.release(reading.kind, list(over))
        return set(quarantined) - over

    async def _settle(self, kind: Kind, record_id: str) -> None:
        try:
            if await self._is_there(kind, record_id):
                return
            await self._context.store.write(lambda tx: self._gone(tx, kind, record_id))
        except NotFound:
            await self._context.store.write(lambda tx: self._gone(tx, kind, record_id))
        except StudioError as error:
            log.warning("record.missing", list=kind.value, record=record_id, error=type(error).__name__)

    async def _is_there(self, kind: Kind, record_id: str) -> bool:
        """Whether it can be read by its id; a payment is read with its invoice, since it has no address of its own."""
        if kind is not Kind.PAYMENT:
            return bool(await self._context.api.record(kind, record_id))
        stored = await self._context.store.read(lambda tx: tx.records.get(kind, record_id))
        if stored is None or stored.parent_id is None:
            return True
        return any(raw.id == record_id for raw in await self._context.api.record(Kind.INVOICE, stored.parent_id))

    def _gone(self, tx: Tx, kind: Kind, record_id: str) -> None:
        stored = tx.records.get(kind, record_id)
        if stored is None or stored.gone_at is not None:
            return
        record = parsed(self._context.api, stored)
        if record is None:
            tx.records.mark_gone(kind, record_id, self._now)
        else:
            Intake(tx, self._context, self._now, self._poll_id).gone(record)
