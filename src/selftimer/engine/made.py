"""What our own deliveries made, known from the studio's answer on: later steps speak of it before a poll sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.facts.openness import is_open
from selftimer.facts.records import Unreadable, client_id_of, created_at_of
from selftimer.facts.stored import StoredRecord

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.facts.records import RawRecord
    from selftimer.ports import Tx

UNSEEN = b""
"""The digest of a record that no poll has seen: it equals none, so the next poll finds it, and finds it new."""


def remember(tx: Tx, context: Context, raw: RawRecord, now: Instant) -> None:
    """Keep the record for the world; its events are left to the poll that sees it, as for any other (20)."""
    record = context.api.parse(raw)
    if isinstance(record, Unreadable) or tx.records.get(raw.kind, raw.id) is not None:
        return
    stored = StoredRecord(
        kind=raw.kind,
        id=raw.id,
        digest=UNSEEN,
        raw=raw.raw,
        client_id=client_id_of(record),
        parent_id=None,
        created_at=created_at_of(record),
        first_seen_at=now,
        seen_at=now,
        poll_id=0,
        open=is_open(record, now),
        baseline=False,
    )
    tx.records.put([stored])
