"""Silence: a person of the studio wrote last, and nobody answered (rule-language.md, when; Exact meaning 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from selftimer.facts.records import Conversation, Kind, Message
from selftimer.plan.moments import Moment
from selftimer.primitives.time import move

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whenever import Date, Instant

    from selftimer.facts.world import World
    from selftimer.plan.policy import Policy
    from selftimer.primitives.time import Span
    from selftimer.rulebook.model import NoReplyTrigger

_UNREAD = "unread:"
_UNANSWERED = "unanswered:"


@dataclass(frozen=True, slots=True)
class Silence:
    """Since when, and after which message; `message_id` is None where a thread moved then and isn't read yet."""

    since: Instant
    message_id: str | None

    @property
    def occurrence(self) -> str:
        """The last message by a person of the studio; a stand-in for it while that isn't known."""
        return f"{_UNREAD}{self.since}" if self.message_id is None else f"{_UNANSWERED}{self.message_id}"


def of_silence(occurrence: str) -> bool:
    """Whether a run's occurrence is that of a silence."""
    return occurrence.startswith(_UNANSWERED)


def silence_of(client_id: str, world: World) -> Silence | None:
    """The silence of a client, in all of their conversations together; None where they have the last word.

    What Selftimer wrote neither begins nor renews it; the product's own messages don't count.
    """
    messages = cast("Sequence[Message]", world.of_client(Kind.MESSAGE, client_id))
    threads = cast("Sequence[Conversation]", world.of_client(Kind.CONVERSATION, client_id))
    read = {message.conversation_id for message in messages}
    moved = [t.last_message_at for t in threads if t.id not in read and t.last_message_at is not None]
    dated = sorted((m.sent_at, m.id, m.sender_type) for m in messages if m.sent_at and m.sender_type != "system")
    last: tuple[Instant, str, str] | None = None
    for said in reversed(dated):
        if said[2] == "client" or not world.is_ours(said[1]):
            last = said
            break
    if moved and (last is None or max(moved) > last[0]):
        return Silence(max(moved), None)
    return Silence(last[0], last[1]) if last is not None and last[2] == "photographer" else None


def silence_moment(
    trigger: NoReplyTrigger,
    silence: Silence,
    *,
    late: Span | None,
    policy: Policy,
    is_working: Callable[[Date], bool],
) -> Moment:
    """When it has lasted long enough, and until when that may be acted on; the studio's calendar counts."""
    due = move(silence.since, trigger.span, 1, policy.zone, is_working=is_working)
    closes = move(due, late or policy.late, 1, policy.zone)
    return Moment(due_at=due, closes_at=closes, occurrence=silence.occurrence)
