"""`backfill: 7 days`: what would have begun a rule in the time before it became active.

Events that Selftimer saw then are known. Of records that were there before it looked only their own times tell: they
count as if they had been seen when they came to be, each with the event of the state it is in (8), and documents by the
day on which they were sent, signed or filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whenever import Instant

from selftimer.engine.runs import RunDesk
from selftimer.engine.world import parsed
from selftimer.facts.diff import Seen, events_of
from selftimer.facts.records import LISTED, created_at_of
from selftimer.facts.stored import StoredEvent
from selftimer.plan.moments import CLOCK_EVENTS
from selftimer.primitives.time import move
from selftimer.rulebook.model import EventTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selftimer.engine.context import Context
    from selftimer.facts.event import Event
    from selftimer.facts.records import Record
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Entry, Rule

_OWN_TIMES = {
    "contract.sent": "sent_at",
    "contract.signed": "signed_at",
    "questionnaire.completed": "completed_at",
}
"""Events of which the record itself says when they happened."""


def ask_back(tx: Tx, rule: Rule, now: Instant, *, anew: bool) -> bool:
    """Keep from when on the rule looks back: its activation, or when its `backfill` was given another span."""
    name = f"backfill:{rule.id}"
    span = None if rule.backfill is None else str(rule.backfill)
    old = tx.control.get(name) or {}
    if not anew and old.get("span") == span:
        return False
    tx.control.put(name, None if span is None else {"span": span, "at": now.format_iso()})
    return span is not None


def asked_span(tx: Tx, rule: Rule) -> str | None:
    """The span that the rule was last asked to look back, as it was written."""
    asked = tx.control.get(f"backfill:{rule.id}")
    return None if asked is None else str(asked["span"])


def span_of(tx: Tx, rule: Rule, zone: str) -> tuple[Instant, Instant] | None:
    """From when to when the rule looks back; None for one that doesn't."""
    asked = tx.control.get(f"backfill:{rule.id}")
    if rule.backfill is None or asked is None:
        return None
    until = Instant.parse_iso(asked["at"])
    return move(until, rule.backfill, -1, zone), until


def past_events(
    tx: Tx, context: Context, rule: Rule, since: Instant, until: Instant
) -> list[tuple[Entry, StoredEvent]]:
    """The events of then that the rule's entries listen for, the oldest first; each is one that was seen once."""
    wanted = [
        (entry, trigger.name)
        for entry in rule.entries
        for trigger in entry.triggers
        if isinstance(trigger, EventTrigger) and trigger.name not in CLOCK_EVENTS
    ]
    names = {name for _, name in wanted}
    if not names:
        return []
    found = {(e.name, e.record_id, e.occurrence): e for e in _of_old_records(tx, context, names, since, until)}
    for name in sorted(names):
        seen = tx.events.between(name, since, until)
        found |= {(e.name, e.record_id, e.occurrence): e for e in seen if e.settle_rule in {None, rule.id}}
    ordered = sorted(found.values(), key=lambda event: (event.at, event.name, event.record_id))
    return [(entry, event) for event in ordered for entry, name in wanted if name == event.name]


def _of_old_records(tx: Tx, context: Context, names: set[str], since: Instant, until: Instant) -> Iterator[StoredEvent]:
    zones = RunDesk(tx, context, until).zones
    kinds = [kind for kind in LISTED if _may_tell(kind.value, names)]
    for kind in kinds:
        for stored in tx.records.all(kind):
            record = parsed(context.api, stored) if stored.baseline else None
            if record is None:
                continue
            seen = Seen(at=created_at_of(record) or until, zone_of=zones.of_session, zone=context.policy.zone)
            for event in events_of(None, record, seen):
                at = _time_of(event, record)
                if event.name in names and at is not None and since <= at < until:
                    yield _stored(event, at)


def _may_tell(kind: str, names: set[str]) -> bool:
    return any(name.partition(".")[0] in ({"client", "lead"} if kind == "client" else {kind}) for name in names)


def _time_of(event: Event, record: Record) -> Instant | None:
    own: Instant | None = getattr(record, _OWN_TIMES[event.name], None) if event.name in _OWN_TIMES else None
    return own or created_at_of(record)


def _stored(event: Event, at: Instant) -> StoredEvent:
    return StoredEvent(
        id=0,
        name=event.name,
        kind=event.kind,
        record_id=event.record_id,
        subject_kind=event.subject_kind,
        subject_id=event.subject_id,
        client_id=event.client_id,
        occurrence=event.occurrence,
        at=at,
        seen_at=at,
        poll_id=0,
        changed=event.changed,
        reason="before the rule: backfill",
    )
