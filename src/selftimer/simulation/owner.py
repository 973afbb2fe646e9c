"""The owner of a simulated studio: reads what waits for a yes, and answers two hours later, mostly with yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whenever import Instant

from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from selftimer.plan.state import Delivery
    from selftimer.ports import Store, Tx

HOURS = 2
"""How long the owner takes to answer."""
NO_EVERY = 3
"""Each third one is declined."""


class ScriptedOwner:
    """A lane beside observe and deliver: `step(now)` answers what waits for approval, by the orders that commands use.

    Each third one (`no_every`; 0 is none) in the order of their planning is declined, the others are approved as they
    were seen: words that came out different in the meantime are asked about again, and answered again two hours later.
    What is held for another reason, an unclear send above all, is left alone: only somebody who looks into the studio
    can know.
    """

    def __init__(self, store: Store, *, no_every: int = NO_EVERY) -> None:
        self._store = store
        self._no_every = no_every
        self._numbers: dict[str, int] = {}
        self._seen: dict[str, Instant] = {}
        self.due_at: Instant = Instant.MIN
        self.approved = 0
        self.declined = 0

    async def step(self, now: Instant) -> Instant:
        """Answer those that have waited long enough; the instant when this lane is next wanted (also in `due_at`).

        That is `now` itself right after an answer, so that the delivering lane gets its turn at the same instant.
        """
        self.due_at = await self._step(now)
        return self.due_at

    async def _step(self, now: Instant) -> Instant:
        held = await self._store.read(_waiting)
        ids = {delivery.id for delivery in held}
        self._seen = {ident: since for ident, since in self._seen.items() if ident in ids}
        for delivery in held:
            self._numbers.setdefault(delivery.id, len(self._numbers) + 1)
            self._seen.setdefault(delivery.id, now)
        ripe = [delivery for delivery in held if self._answer_at(delivery) <= now]
        if ripe:
            await self._store.write(lambda tx: self._answer(tx, ripe, now))
            return now
        return min((self._answer_at(delivery) for delivery in held), default=Instant.MAX)

    def _answer_at(self, delivery: Delivery) -> Instant:
        return self._seen[delivery.id].add(hours=HOURS)

    def _answer(self, tx: Tx, ripe: list[Delivery], now: Instant) -> None:
        for delivery in ripe:
            del self._seen[delivery.id]
            if self._no_every and self._numbers[delivery.id] % self._no_every == 0:
                tx.control.add_order(now, "skip", {"id": delivery.id})
                self.declined += 1
            else:
                tx.control.add_order(now, "approve", {"id": delivery.id, "seen": delivery.text})
                self.approved += 1


def _waiting(tx: Tx) -> list[Delivery]:
    held = tx.deliveries.in_state(DeliveryState.HELD)
    return sorted((d for d in held if d.hold is Hold.APPROVAL), key=lambda d: (d.planned_at, d.key))
