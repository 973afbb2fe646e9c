"""Whether a rule begins for a record, and if not, why: one judgement, for what happens and for what is asked about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selftimer.engine.purge import seal_key
from selftimer.engine.scopes import scope_for
from selftimer.engine.world import TxWorld
from selftimer.facts.records import Kind
from selftimer.plan import verdict
from selftimer.plan.moments import entry_clocks, entry_of_timer
from selftimer.plan.repeats import turn_of
from selftimer.plan.state import TimerState
from selftimer.ports import SECRET
from selftimer.rulebook.model import ClockTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.plan.repeats import Turn
    from selftimer.plan.state import Timer
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Entry, Rule
    from selftimer.rulebook.scope import Scope


Subject = tuple["Kind | None", str]
"""What a run is about: a record by kind and id, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a rule doesn't begin: a word (`no`, `unknown`, `until`, `repeat`, `audience` …) and how it was judged."""

    word: str
    detail: dict[str, Any] = field(default_factory=dict)


def refusal(
    tx: Tx, context: Context, rule: Rule, entry: Entry, scope: Scope, subject: Subject, start: Instant
) -> Refusal | None:
    """Why no run with that start begins here, or None. One that is under way is a reason without `restart`."""
    if rule.mode == "off":
        return Refusal(word="off")
    left_out = verdict.in_audience(scope.client, rule.include)
    if left_out is not None:
        return Refusal(word="audience", detail={"why": left_out})
    truth, trace = verdict.holds(verdict.conditions_of(rule, entry), scope)
    if truth is not True:
        return Refusal(word="no" if truth is False else "unknown", detail=trace)
    if rule.until is not None:
        truth, trace = verdict.holds([rule.until], scope)
        if truth is not False:
            return Refusal(word="until" if truth else "unknown", detail=trace or rule.until.trace(scope))
    turn = turn_of(rule, scope, subject[1], context.policy.zone, start)
    if turn is not None and _taken(tx, rule.id, turn):
        return Refusal(word="repeat", detail={"since": turn.since.format_iso() if turn.since else "ever"})
    if not rule.restart:
        for run in tx.runs.of_subject(rule.id, subject[1]):
            if run.ended_at is None and run.entry_id == entry.id:
                return Refusal(word="under way", detail={"run": run.id})
    return None


def _taken(tx: Tx, rule_id: str, turn: Turn) -> bool:
    """Whether a run has had that turn, also one of a client who was purged since."""
    if tx.runs.repeated(rule_id, turn.key, turn.since):
        return True
    secret = tx.control.get(SECRET)
    return secret is not None and tx.runs.repeated(rule_id, seal_key(secret, turn.key), turn.since)


# --- what is asked about ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a rule stands towards a record of a client at present: None as `refusal` means that it would begin."""

    rule_id: str
    title: str
    entry_id: str
    subject_kind: Kind
    subject_id: str
    refusal: Refusal | None
    timed: bool = False
    """Whether it begins at moments, not with events."""
    moments: tuple[Timer, ...] = ()
    """Its moments of that record that are still to come, or open."""


def standings(tx: Tx, context: Context, now: Instant, client_id: str, rule_id: str | None = None) -> list[Standing]:
    """Every rule, or one, against each record of the client that it could be about, on what the store knows.

    What a rule asks of an event (`event.changed`) is unknown here: nothing has happened.
    """
    world = TxWorld(tx, context, now)
    found = []
    for rule in context.rules.book.rules.values():
        if rule_id is not None and rule.id != rule_id:
            continue
        for entry in rule.entries:
            for subject in _subjects(world, rule, client_id):
                scope = scope_for(
                    context,
                    world,
                    subject_kind=subject[0],
                    subject_id=subject[1],
                    client_id=client_id,
                    event=None,
                    start=None,
                )
                found.append(
                    Standing(
                        rule_id=rule.id,
                        title=rule.title,
                        entry_id=entry.id,
                        subject_kind=subject[0],
                        subject_id=subject[1],
                        refusal=refusal(tx, context, rule, entry, scope, subject, now),
                        timed=any(isinstance(trigger, ClockTrigger) for trigger in entry.triggers),
                        moments=tuple(
                            _moments([*tx.timers.of_subject(*subject), *_ticks(tx, rule, entry)], rule, entry)
                        ),
                    )
                )
    return found


def _subjects(world: TxWorld, rule: Rule, client_id: str) -> Sequence[tuple[Kind, str]]:
    if rule.subject is None:
        return ()
    if rule.subject is Kind.CLIENT:
        return [(Kind.CLIENT, client_id)] if world.get(Kind.CLIENT, client_id) is not None else []
    return [(rule.subject, record.id) for record in world.of_client(rule.subject, client_id)]


def _ticks(tx: Tx, rule: Rule, entry: Entry) -> list[Timer]:
    """The calendar's own timers of an entry: what they will nominate isn't known yet."""
    found = [tx.timers.get(rule.id, timer_id, "") for timer_id, _ in entry_clocks(entry)]
    return [timer for timer in found if timer is not None]


def _moments(timers: Sequence[Timer], rule: Rule, entry: Entry) -> Iterator[Timer]:
    for timer in timers:
        ours = timer.rule_id == rule.id and entry_of_timer(timer.entry_id) == entry.id
        if ours and timer.state in {TimerState.PENDING, TimerState.OPEN}:
            yield timer
