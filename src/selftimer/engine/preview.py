"""What `backfill` would begin, before it does: `selftimer check` says it (rule-language.md, On a rule)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.engine.backfill import asked_span, past_events
from selftimer.engine.becoming import first_look_of
from selftimer.engine.beginning import refusal
from selftimer.engine.moved import FOR_EVER, clock_says
from selftimer.engine.runs import RunDesk
from selftimer.engine.scopes import event_of, scope_for
from selftimer.engine.world import parsed
from selftimer.facts.derive import full_name
from selftimer.facts.event import EVENTS
from selftimer.facts.records import client_id_of
from selftimer.plan.moments import entry_moments, moment_of
from selftimer.plan.repeats import turn_of
from selftimer.primitives.time import move

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.facts.event import Event
    from selftimer.facts.records import Kind, Record
    from selftimer.plan.moments import Moment
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Entry, MomentTrigger, Rule
    from selftimer.rulebook.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """One run that would begin: with what, when that was, and of which client."""

    what: str
    at: Instant
    subject_id: str
    client_id: str | None
    client: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBack:
    """What a rule would begin as it stands in the files, by what is known now. `held`: more than go out unasked."""

    rule_id: str
    span: str
    beginnings: tuple[Beginning, ...]
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """With what a run of an entry would begin, about whom, and from when it would count."""

    entry: Entry
    what: str
    subject: tuple[Kind, str]
    client_id: str | None
    occurrence: str
    at: Instant
    event: Event | None = None
    closes_at: Instant | None = None
    """When the window of its moment closes."""


def look_back(tx: Tx, context: Context, now: Instant) -> list[LookBack]:
    """For each rule that would look back when the service runs with these files; nothing is written."""
    found = []
    for rule in context.rules.book.rules.values():
        if rule.backfill is None or rule.mode == "off" or not _owes(tx, rule):
            continue
        desk = RunDesk(tx, context, now)
        begun = tuple(_told(desk, start) for start in beginnings(tx, context, rule, now))
        by_events, limits = sum(one.what in EVENTS for one in begun), context.policy.flood
        held = by_events > limits.by_events or len(begun) - by_events > limits.by_moments
        found.append(LookBack(rule_id=rule.id, span=str(rule.backfill), beginnings=begun, held=held))
    return found


def _owes(tx: Tx, rule: Rule) -> bool:
    """Whether it has still to look: it is new, begins otherwise than before, or was given another span."""
    row = tx.rules.rows().get(rule.id)
    anew = row is None or row.removed_at is not None or row.activation != rule.activation
    return anew or asked_span(tx, rule) != str(rule.backfill) or tx.control.get(first_look_of(rule.id)) is not None


def beginnings(tx: Tx, context: Context, rule: Rule, now: Instant) -> Iterator[Start]:
    """The runs that a rule with `backfill` would begin now, by what is stored; none where it has looked already."""
    if rule.backfill is None or rule.mode == "off" or not _owes(tx, rule):
        return
    desk, since = RunDesk(tx, context, now), move(now, rule.backfill, -1, context.policy.zone)
    taken: set[str] = set()
    for entry, stored in past_events(tx, context, rule, since, now):
        if stored.own and not rule.also_own_changes:
            continue
        start = Start(
            entry=entry,
            what=stored.name,
            subject=(stored.subject_kind, stored.subject_id),
            client_id=stored.client_id,
            occurrence=stored.occurrence,
            event=event_of(context, stored),
            at=stored.at,
        )
        if would(desk, rule, start, taken):
            yield start
    for entry, trigger, record, moment in _past_moments(desk, rule, since, now):
        start = Start(
            entry=entry,
            what=_said(trigger),
            subject=(trigger.kind, record.id),
            client_id=client_id_of(record),
            occurrence=moment.occurrence,
            at=moment.due_at,
            closes_at=moment.closes_at,
        )
        if would(desk, rule, start, taken):
            yield start


def _past_moments(
    desk: RunDesk, rule: Rule, since: Instant, until: Instant
) -> Iterator[tuple[Entry, MomentTrigger, Record, Moment]]:
    """The moments of then that have no timer yet, and of which the date that they lie before is still to come."""
    context = desk.context
    for entry in rule.entries:
        for timer_id, trigger in entry_moments(entry):
            for row in desk.tx.records.all(trigger.kind):
                record = parsed(context.api, row)
                if record is None or desk.tx.timers.get(rule.id, timer_id, row.id) is not None:
                    continue
                moment = moment_of(
                    trigger,
                    record,
                    late=FOR_EVER,
                    policy=context.policy,
                    zone_of=desk.zones.of_session,
                    is_working=context.is_working_day,
                )
                open_ = moment is not None and since <= moment.due_at < until <= moment.closes_at
                if moment is not None and open_ and clock_says(trigger, record, desk.world):
                    yield entry, trigger, record, moment


def would(desk: RunDesk, rule: Rule, start: Start, taken: set[str]) -> bool:
    """Whether a run would begin, by what is stored; whose turn it took is then `taken`."""
    scope, subject_id = scope_of(desk, start), start.subject[1]
    done = desk.tx.runs.exists(rule.id, start.entry.id, subject_id, start.occurrence)
    if done or scope.client is None:
        return False
    if refusal(desk.tx, desk.context, rule, start.entry, scope, start.subject, start.at) is not None:
        return False
    turn = turn_of(rule, scope, subject_id, desk.context.policy.zone, start.at)
    if turn is not None and turn.key in taken:
        return False
    taken |= {turn.key} if turn is not None else set()
    return True


def scope_of(desk: RunDesk, start: Start) -> Scope:
    """The names that it is judged by."""
    return scope_for(
        desk.context,
        desk.world,
        subject_kind=start.subject[0],
        subject_id=start.subject[1],
        client_id=start.client_id,
        event=start.event,
        start=None,
    )


def _said(trigger: MomentTrigger) -> str:
    side = {-1: "before", 0: "on", 1: "after"}[trigger.sign]
    span = f"{trigger.span} " if trigger.span is not None else ""
    return f"{span}{side} {trigger.kind}.{trigger.field}"


def _told(desk: RunDesk, start: Start) -> Beginning:
    client = desk.world.client(start.client_id)
    name = full_name(client, desk.world, None) if client is not None else None
    return Beginning(what=start.what, at=start.at, subject_id=start.subject[1], client_id=start.client_id, client=name)
