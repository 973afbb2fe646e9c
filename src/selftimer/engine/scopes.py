"""From rows to the names that a rule says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.engine.made import coupons_made, records_made
from selftimer.facts.event import Event
from selftimer.facts.records import Client, Kind, RawRecord, Unreadable, client_id_of, kind_of
from selftimer.plan.inputs import unpack
from selftimer.plan.state import Verb
from selftimer.plan.timing import in_quiet_hours
from selftimer.rulebook.scope import Scope

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.world import TxWorld
    from selftimer.facts.coupon import Coupon
    from selftimer.facts.records import Record
    from selftimer.facts.stored import StoredEvent
    from selftimer.plan.state import Run
    from selftimer.ports import Tx

_ROOTS = {
    Kind.CLIENT,
    Kind.SESSION,
    Kind.INVOICE,
    Kind.PAYMENT,
    Kind.CONTRACT,
    Kind.QUESTIONNAIRE,
    Kind.QUOTE,
    Kind.CONVERSATION,
    Kind.MESSAGE,
}


def event_of(context: Context, stored: StoredEvent) -> Event:
    """The event with the record as it was before, as `event.*` keeps it for the whole run (4)."""
    before: Record | None = None
    if stored.before is not None:
        raw = RawRecord(stored.kind, stored.record_id, dict(stored.before), b"")
        read = context.api.parse(raw)
        before = None if isinstance(read, Unreadable) else read
    return Event(
        name=stored.name,
        kind=stored.kind,
        record_id=stored.record_id,
        subject_kind=stored.subject_kind,
        subject_id=stored.subject_id,
        client_id=stored.client_id,
        occurrence=stored.occurrence,
        at=stored.at,
        seen_at=stored.seen_at,
        changed=stored.changed,
        own=stored.own,
        before=before,
    )


def scope_for(
    context: Context,
    world: TxWorld,
    *,
    subject_kind: Kind | None,
    subject_id: str,
    client_id: str | None,
    event: Event | None,
    start: Instant | None,
) -> Scope:
    """The names of a run that is about that subject, or about none; absent records are None."""
    now = world.now
    scope = Scope(
        world=world,
        now=now,
        today=now.to_tz(context.policy.zone).date(),
        studio=context.facts,
        start=start,
        event=event,
    )
    if event is not None:
        scope.in_quiet_hours = in_quiet_hours(event.at, context.policy.quiet_hours, context.policy.zone)
        _put(scope, world.get(event.kind, event.record_id))
    subject = world.get(subject_kind, subject_id) if subject_kind is not None else None
    _put(scope, subject)
    owner = client_id_of(subject) if subject is not None else client_id
    scope.client = world.client(owner)
    return scope


def scope_of_run(context: Context, tx: Tx, world: TxWorld, run: Run) -> Scope:
    """The names of a run under way: with its event, its inputs and what its steps made."""
    stored = tx.events.get(run.event_id) if run.event_id is not None else None
    scope = scope_for(
        context,
        world,
        subject_kind=run.subject_kind,
        subject_id=run.subject_id,
        client_id=run.client_id,
        event=event_of(context, stored) if stored else None,
        start=run.start_at,
    )
    scope.inputs = unpack(run.inputs)
    coupons = coupons_made(tx, context, run)
    steps: dict[str, Record | Coupon] = dict(coupons)
    for step_id, (name, record_id) in run.made.items():
        if step_id in coupons:
            scope.coupon = coupons[step_id]
        elif name == Verb.LEAD.value:  # whom a step found or made is not whom the run is about
            lead = world.get(Kind.CLIENT, record_id)
            if isinstance(lead, Client):
                scope.lead = steps[step_id] = lead
        elif name != Verb.COUPON.value and (record := world.get(Kind(name), record_id)) is not None:
            steps[step_id] = record
            _put(scope, record)
    scope.steps = steps
    return scope


def unseen(tx: Tx, world: TxWorld, run: Run) -> bool:
    """Whether something that a step of the run made isn't known yet: nothing that may be about it can be judged."""
    return any(
        world.get(kind, record_id) is None and tx.records.get(kind, record_id) is None
        for kind, record_id in records_made(run)
    )


def _put(scope: Scope, record: Record | None) -> None:
    if record is not None and kind_of(record) in _ROOTS:
        setattr(scope, kind_of(record).value, record)
