"""Notes to the owner, as a rule has them: written down where all notes are, from where they are told (`engine.tell`).

The words are in the store; the log says that there is a note and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from selftimer.plan.attempt import NotSent, Outcome, Sent

if TYPE_CHECKING:
    from selftimer.plan.state import Delivery

log = structlog.get_logger(__name__)


class NoteChannel:
    """Says in the log that there is a note; its words are never logged."""

    guarantee = "at least once"

    def needs_reading(self, delivery: Delivery) -> bool:  # noqa: ARG002 - as in Channel
        """Never."""
        return False

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent:
        """Nothing to add."""
        return delivery

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Log it."""
        log.warning("owner.notified", words=delivery.words, client=delivery.client_id)
        return Sent(result_id=None)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """A note that may not have been logged is logged again: reading it twice does no harm."""
        return [delivery.id]
