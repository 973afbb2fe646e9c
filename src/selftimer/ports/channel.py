"""How an effect leaves. Each channel declares its guarantee; a dry run is another channel, never another branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.plan.attempt import NotSent, Outcome, Sent, Twins
    from selftimer.plan.state import Delivery


class Channel(Protocol):
    """One way out."""

    @property
    def guarantee(self) -> str:
        """`at most once`, `idempotent` or `at least once`: what the owner may rely on."""
        ...

    def needs_reading(self, delivery: Delivery) -> bool:
        """Whether `prepare` has anything to do; where it hasn't, verdict and intent are one transaction."""
        ...

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent | Twins:
        """Complete the payload and the ids that are there before; nothing that anybody sees comes of it.

        `NotSent` where it can't be made, `Sent` where it needn't be: what it would make is there;
        `Twins` where that may be so.

        Raises the studio's errors where a read fails.
        """
        ...

    async def deliver(self, delivery: Delivery) -> Outcome:
        """One attempt, never more; every failure is an Outcome, nothing is raised."""
        ...

    async def look(self, delivery: Delivery) -> Sequence[str] | None:
        """Ids in the studio that could be this delivery, new since its intent; None if it can't be read."""
        ...
