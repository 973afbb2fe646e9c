"""What is kept of records and events, and how far each list has been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.facts.records import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """The present version of a record as it is kept. `raw` is the API's own JSON, unknown fields and all."""

    kind: Kind
    id: str
    digest: bytes
    raw: Mapping[str, object]
    client_id: str | None
    parent_id: str | None
    """A payment's invoice, a message's conversation."""
    created_at: Instant | None
    first_seen_at: Instant
    seen_at: Instant
    """When this version was first seen."""
    poll_id: int
    open: bool
    """Whether more is expected of it (leads, coming sessions, unpaid …): read every half hour."""
    baseline: bool
    """Whether it was there before Selftimer looked: its creation is no event."""
    gone_at: Instant | None = None
    missing: int = 0
    """In how many certified sweeps running it was absent."""
    quarantine: str | None = None
    """Why its newest version can't be read; `raw` is then the last good one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """How far one of the studio's lists is known (delivery.md §2)."""

    kind: Kind
    first_seen_at: Instant
    baseline_at: Instant | None = None
    """When its baseline was certified; until then all that is seen is baseline, across restarts."""
    page_one_at: Instant | None = None
    open_at: Instant | None = None
    full_at: Instant | None = None
    complete_as_of: Instant | None = None
    """The last certified sweep."""
    total: int | None = None
    ordered: bool | None = None
    """Whether the last full sweep found created_at non-increasing."""
    sweep_digest: bytes | None = None
    """Of the last certified sweep, where the list is not ordered: two identical ones are needed."""
    frozen: str | None = None
    """Why removals are suspended; the owner was told."""
    failing_since: Instant | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewField:
    """A field that the studio's records have and nobody knows: kept, and counted."""

    kind: Kind
    name: str
    first_seen_at: Instant
    records: int
    """In how many records it has been seen."""


EventState = Literal["settling", "parked", "done", "expired", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it is kept, with the record as it was before (raw)."""

    id: int
    name: str
    kind: Kind
    record_id: str
    subject_kind: Kind
    subject_id: str
    client_id: str | None
    occurrence: str
    at: Instant
    seen_at: Instant
    poll_id: int
    changed: tuple[str, ...] = ()
    own: bool = False
    before: Mapping[str, object] | None = None
    state: EventState = "done"
    settle_rule: str | None = None
    """The rule that it settles for; others took it at once."""
    settle_until: Instant | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When a client's galleries are looked for next; `looked_at` is None until they were once."""

    client_id: str
    due_at: Instant
    looked_at: Instant | None = None
    absent: tuple[str, ...] = ()
    """Galleries that the last look missed: missed again, they are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """A call of the service that was taken, kept before it was answered. The same name and id are the same call."""

    name: str
    """The webhook's, as `[webhooks.NAME]` has it."""
    id: str
    """The digest of its `webhook-id`; of a call without one, that of what it brought and the day."""
    at: Instant
    fields: Mapping[str, str]
    """What it brought, by the names that rules say; what is missing or empty isn't there."""
    dropped: int = 0
    """How many fields it had that nobody declared."""
    done_at: Instant | None = None
    """When the rules were asked; until then it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """Why something was done or not: every decision leaves one, the negatives too."""

    at: Instant
    rule_id: str
    entry_id: str
    subject_kind: Kind | None
    subject_id: str | None
    client_id: str | None
    verdict: str
    """`begun`, `no`, `unknown`, `error`, `repeat`, `baseline`, `audience`, `until`, `late`, `off`, `duplicate` …"""
    what: str
    """The event's name or the moment's sentence, or the step's id."""
    run_id: str | None = None
    delivery_id: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)
