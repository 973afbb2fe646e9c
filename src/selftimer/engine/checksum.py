"""The studio's own sums as a checksum over the invoices that are known here (delivery.md §2).

After a certified sweep what is billed must come to what the studio says, paid and open together. Nobody has written
down what its sums count, so they are only believed where they once agreed: from then on a difference means that
something is missing here, or old. Then all is read again at the next poll; where that doesn't help, the owner is told.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from selftimer.engine.world import parsed
from selftimer.errors import StudioError
from selftimer.facts.records import Invoice, Kind
from selftimer.primitives.money import Money

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.reading import Reading
    from selftimer.facts.stored import StoredRecord
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
_KEPT = "checksum"
_BATCH = 500
"""Invoices looked at in one transaction: none is to keep a reader for long."""
_COUNTED = frozenset({"unpaid", "partially_paid", "paid"})
"""Statuses of invoices that are in the sums: drafts and canceled ones aren't."""


class Checksum:
    """After the sweeps of one cycle."""

    def __init__(self, context: Context, now: Instant) -> None:
        self._context = context
        self._now = now

    async def run(self, readings: Sequence[Reading]) -> None:
        """Compare, where the invoices were just seen whole and it is time."""
        whole = any(
            reading.kind is Kind.INVOICE and reading.certificate is not None and reading.certificate.certified
            for reading in readings
        )
        if not whole or not await self._context.store.read(self._is_time):
            return
        try:
            sums = await self._context.api.invoice_sums()
        except StudioError as error:
            log.warning("checksum.unread", error=type(error).__name__)
            return
        if sums is None:
            return
        here, there = await self._billed(), sums[0] + sums[1]
        await self._context.store.write(lambda tx: self._compare(tx, here, there))

    def _is_time(self, tx: Tx) -> bool:
        """A list of one page is seen whole at each poll; it is compared as often as a longer one would be."""
        kept = tx.control.get(_KEPT)
        resource = tx.records.resource(Kind.INVOICE)
        if resource is None or resource.complete_as_of != self._now:
            return False
        return kept is None or kept["differs"] == 1 or kept["at"] <= self._next_before()

    def _next_before(self) -> str:
        return self._now.subtract(seconds=self._context.policy.cadence.full).format_iso()

    async def _billed(self) -> int:
        """What the invoices that are known here come to, in the studio's currency's minor units."""
        ids = await self._context.store.read(lambda tx: list(tx.records.digests(Kind.INVOICE)))
        total = 0
        for start in range(0, len(ids), _BATCH):
            some = ids[start : start + _BATCH]
            for one in await self._context.store.read(partial(_stored, some)):
                record = parsed(self._context.api, one)
                counted = isinstance(record, Invoice) and record.status in _COUNTED
                if isinstance(record, Invoice) and counted and record.amount.currency == self._context.facts.currency:
                    total += record.amount.minor
        return total

    def _compare(self, tx: Tx, here: int, there: int) -> None:
        kept: dict[str, Any] = tx.control.get(_KEPT) or {"agreed": False, "differs": 0}
        said = {**kept, "at": self._now.format_iso()}
        if here == there:
            if kept["differs"]:
                log.info("checksum.agrees", sum=here)
            tx.control.put(_KEPT, {**said, "agreed": True, "differs": 0})
            return
        if not kept["agreed"]:
            log.info("checksum.unfit", here=here, studio=there)  # its sums mean something else than is thought
            tx.control.put(_KEPT, said)
            return
        times = kept["differs"] + 1
        resource = tx.records.resource(Kind.INVOICE)
        if times == 1 and resource is not None:
            tx.records.put_resources([replace(resource, full_at=None)])  # all of it again at the next poll
        tx.control.put(_KEPT, {**said, "differs": times})
        log.warning("checksum.differs", here=here, studio=there, times=times)
        if times == 2:
            self._tell(tx, here, there)

    def _tell(self, tx: Tx, here: int, there: int) -> None:
        currency = self._context.facts.currency
        tx.control.notice(
            self._now,
            "The studio's invoices come to another sum than is known here",
            f"The studio says that {Money(there, currency)} is billed, here it is {Money(here, currency)}; they agreed "
            "before, and reading all invoices again didn't help. Some may be hidden from the list, or be old here: "
            "reminders may be missing. `selftimer doctor` looks at what the studio answers.",
            key=f"checksum:{here}:{there}",
        )


def _stored(ids: Sequence[str], tx: Tx) -> Collection[StoredRecord]:
    return tx.records.some(Kind.INVOICE, ids).values()
