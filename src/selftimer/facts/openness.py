"""Which records are still open: more is expected of them, so they are read every half hour (DESIGN.md, Polling)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.facts.records import (
    Client,
    Contract,
    Conversation,
    Invoice,
    Payment,
    Questionnaire,
    Quote,
    Record,
    Session,
)

if TYPE_CHECKING:
    from whenever import Instant


def is_open(record: Record, now: Instant) -> bool:
    """Leads, coming sessions, unpaid, unsigned and unanswered things."""
    match record:
        case Client():
            return record.type == "lead" and record.status == "active"
        case Session():
            coming = record.start_at is None or record.start_at > now.subtract(hours=48)
            return coming and record.status in {"inquiry", "pending", "confirmed"}
        case Invoice():
            return record.status in {"draft", "unpaid", "partially_paid"}
        case Payment():
            return record.status == "pending"
        case Contract():
            return record.status in {"draft", "sent", "viewed", "partially_signed"}
        case Questionnaire():
            return record.status in {"draft", "pending"}
        case Quote():
            return record.status in {"draft", "sent"}
        case Conversation():
            recent = record.last_message_at is not None and record.last_message_at > now.subtract(hours=24 * 14)
            return record.status == "active" and (recent or record.unread_count > 0)
        case _:
            return False
