"""A record of the studio that is new, or not as it was: what the observing lane takes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selftimer.facts.records import RawRecord, Record
    from selftimer.facts.stored import StoredRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A record that is new or differs from what is stored; `before` is the stored version, parsed."""

    raw: RawRecord
    record: Record
    before: Record | None
    stored: StoredRecord | None
    adopted: bool = False
    """Known under another id, or too old to be new: its coming is no event (`engine.renamed`)."""
    was: str | None = None
    """The id that it had."""
