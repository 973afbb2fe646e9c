"""Ways to send one effect: the product's, and those that it doesn't use, for comparison.

All keep their state in a `Delivery`, so that one driver leads them through the same cases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chaos.outside import POLICY
from selftimer.plan.attempt import NotSent, Outcome, Sent, SentUnnamed, after_attempt, after_look, orphaned
from selftimer.plan.state import DOCUMENTS, Delivery, DeliveryState, Hold, Verb

if TYPE_CHECKING:
    from whenever import Instant

S = DeliveryState
_BY_WHAT_IS_NEW = DOCUMENTS | {Verb.MESSAGE, Verb.CONVERSATION}
"""What is looked for among the ids that weren't there before."""


class Strategy:
    """The product's own: write ahead, send once, settle, at most one more try. Each method's result is what is kept."""

    def before(self, row: Delivery, now: Instant, seen: tuple[str, ...]) -> Delivery:
        """A ready one, after the reads before it: its intent, or final where they say so (delivery.md §1.1)."""
        if now > row.late_until:
            return replace(row, state=S.SKIPPED, reason="late")
        if seen and row.verb is Verb.MESSAGE:  # the twin (engine/asking.py)
            return replace(row, state=S.SENT, result_id=seen[0], reason="found")
        if seen and row.verb is Verb.LEAD:  # LeadChannel.prepare
            return after_attempt(row, Sent(result_id=seen[0]), now, POLICY)
        known = seen if row.verb in _BY_WHAT_IS_NEW else ()
        return replace(row, state=S.IN_FLIGHT, attempt=row.attempt + 1, intent_at=now, known_ids=known, reason=None)

    def goes_on(self, row: Delivery) -> bool:  # noqa: ARG002 - as others need it
        """Whether one that isn't in flight is sent nevertheless."""
        return False

    def answered(self, row: Delivery, heard: Outcome, now: Instant) -> Delivery:
        """After its POST was classified."""
        return after_attempt(row, heard, now, POLICY)

    def looked(self, row: Delivery, seen: tuple[str, ...], now: Instant) -> Delivery:
        """An unknown one, after a look."""
        if row.verb is Verb.WEBHOOK:
            found: list[str] = []
        elif row.verb in _BY_WHAT_IS_NEW:
            found = [ident for ident in seen if ident not in row.known_ids]
        else:
            found = list(seen)
        return after_look(row, found, now, POLICY)

    def restarted(self, row: Delivery) -> Delivery:
        """What a new process makes of it (engine/start.py)."""
        return orphaned(row, POLICY) if row.state is S.IN_FLIGHT else row


def _again(row: Delivery, now: Instant) -> Delivery:
    """Another try at once, three in all, then it fails and that is told."""
    if row.attempt >= 3:
        return replace(row, state=S.FAILED)
    return replace(row, state=S.READY, due_at=now)


class SendThenRecord(Strategy):
    """A loop around a POST: what got no good answer is sent again, and only a good answer is written down."""

    def before(self, row: Delivery, now: Instant, seen: tuple[str, ...]) -> Delivery:  # noqa: ARG002 - as in Strategy
        """Nothing is written down."""
        return row

    def goes_on(self, row: Delivery) -> bool:  # noqa: ARG002 - as in Strategy
        """Always."""
        return True

    def answered(self, row: Delivery, heard: Outcome, now: Instant) -> Delivery:
        """Sent, refused, or again."""
        if isinstance(heard, Sent):
            return replace(row, state=S.SENT, attempt=row.attempt + 1)
        if isinstance(heard, NotSent) and heard.permanent:
            return replace(row, state=S.FAILED)
        return _again(replace(row, attempt=row.attempt + 1), now)


class RecordThenSend(Strategy):
    """Written down as sent, then sent: at most once, and whatever goes wrong nobody hears of."""

    def before(self, row: Delivery, now: Instant, seen: tuple[str, ...]) -> Delivery:  # noqa: ARG002 - as in Strategy
        """It is sent, as far as the database knows."""
        return replace(row, state=S.SENT, attempt=1)

    def goes_on(self, row: Delivery) -> bool:  # noqa: ARG002 - as in Strategy
        """Always."""
        return True

    def answered(self, row: Delivery, heard: Outcome, now: Instant) -> Delivery:  # noqa: ARG002 - as in Strategy
        """Nothing is made of it."""
        return row


class AtOnce(Strategy):
    """Written ahead, but what is unclear is looked for at once and sent again where it isn't found."""

    def answered(self, row: Delivery, heard: Outcome, now: Instant) -> Delivery:
        """As ours, without the settle window."""
        after = after_attempt(row, heard, now, POLICY)
        return replace(after, due_at=now) if after.state is S.UNKNOWN else after

    def looked(self, row: Delivery, seen: tuple[str, ...], now: Instant) -> Delivery:
        """Found, or again at once."""
        found = [ident for ident in seen if ident not in row.known_ids]
        return replace(row, state=S.SENT) if found else _again(row, now)

    def restarted(self, row: Delivery) -> Delivery:
        """Looked for at once."""
        return replace(row, state=S.UNKNOWN) if row.state is S.IN_FLIGHT else row


class HoldAtOnce(Strategy):
    """Written ahead; whatever is unclear waits for a person."""

    def answered(self, row: Delivery, heard: Outcome, now: Instant) -> Delivery:
        """As ours where it is clear."""
        after = after_attempt(row, heard, now, POLICY)
        return _held(after) if after.state is S.UNKNOWN or isinstance(heard, SentUnnamed) else after

    def restarted(self, row: Delivery) -> Delivery:
        """Unclear."""
        return _held(row) if row.state is S.IN_FLIGHT else row


def _held(row: Delivery) -> Delivery:
    return replace(row, state=S.HELD, hold=Hold.EVIDENCE)


NAIVE: dict[str, Strategy] = {
    "send, then record": SendThenRecord(),
    "record, then send": RecordThenSend(),
    "write-ahead + retry at once": AtOnce(),
    "write-ahead + hold": HoldAtOnce(),
}
STRATEGIES: dict[str, Strategy] = {**NAIVE, "write-ahead + settle + one retry (ours)": Strategy()}
"""By the names of the table."""
