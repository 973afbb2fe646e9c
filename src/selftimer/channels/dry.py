"""A dry run's way out: nothing leaves, and everything is as if it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from selftimer.plan.attempt import NotSent, Outcome, Sent, Twins

if TYPE_CHECKING:
    from selftimer.plan.state import Delivery
    from selftimer.ports import Channel

log = structlog.get_logger(__name__)


class DryChannel:
    """Takes the place of a channel; its reads are made, its writes are not."""

    guarantee = "nothing leaves"

    def __init__(self, inner: Channel) -> None:
        self._inner = inner

    def needs_reading(self, delivery: Delivery) -> bool:
        """As the channel."""
        return self._inner.needs_reading(delivery)

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent | Twins:
        """As the channel would, so that a template that isn't there shows."""
        return await self._inner.prepare(delivery)

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Say what would have been sent."""
        log.info("delivery.dry", words=delivery.words, client=delivery.client_id)
        return Sent(result_id=None)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """It was, as far as a dry run goes."""
        return [delivery.id]
