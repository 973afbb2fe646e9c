"""Which rules an event or a moment begins, and why not: every decision leaves a trace, the negatives too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from selftimer.engine.beginning import Refusal, refusal
from selftimer.engine.leads import may_be_entered
from selftimer.engine.moved import clock_says
from selftimer.engine.own import is_own
from selftimer.engine.runs import DEEPEST, RunDesk
from selftimer.engine.scopes import event_of, scope_for
from selftimer.facts.diff import Seen, events_of
from selftimer.facts.records import Kind
from selftimer.facts.stored import StoredEvent, TraceRow
from selftimer.plan import verdict
from selftimer.plan.hooks import occurrence_of_call, subject_of_call
from selftimer.plan.moments import CLOCK_EVENTS, became_of, entry_clocks, of_tick
from selftimer.plan.repeats import turn_of
from selftimer.plan.state import TimerState, Verb

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.beginning import Subject
    from selftimer.engine.context import Context
    from selftimer.engine.world import Fresh
    from selftimer.facts.event import Event
    from selftimer.facts.stored import HookCall
    from selftimer.plan.state import Timer
    from selftimer.ports import RuleRow, Tx
    from selftimer.rulebook.model import Entry, Rule
    from selftimer.rulebook.scope import Scope

log = structlog.get_logger(__name__)
UNREAD_CLIENT = "its client can't be read"
"""Why a moment waits: what it is about belongs to somebody whose record is set aside."""
_MAKES = {
    "invoice.created": Verb.INVOICE,
    "invoice.sent": Verb.INVOICE,
    "contract.sent": Verb.CONTRACT,
    "questionnaire.sent": Verb.QUESTIONNAIRE,
    "quote.sent": Verb.QUOTE,
}
"""Events that a document of ours causes: they wait while one may be on its way (20)."""
_ENTERED = frozenset({"lead.created", "client.created"})
"""Events that a lead of ours causes."""


class Matcher:
    """Judges events and moments in one transaction at one instant."""

    def __init__(self, tx: Tx, context: Context, now: Instant, fresh: Fresh | None = None) -> None:
        self.tx = tx
        self.context = context
        self.now = now
        self.desk = RunDesk(tx, context, now, fresh)
        self.rows: dict[str, RuleRow] = tx.rules.rows()

    # --- events --------------------------------------------------------------------------------------------------

    def event(self, stored: StoredEvent) -> None:
        """Begin what the event begins. An event that rests on a hole is parked and tried again at each poll."""
        hole = self._hole(stored)
        if hole is not None:
            self.tx.events.update(replace(stored, state="parked", reason=hole))
            if stored.state != "parked":
                log.info("event.parked", event_name=stored.name, record=stored.record_id, reason=hole)
            return
        if stored.state == "parked":
            stored = replace(stored, state="done", reason=None, own=self._was_own(stored))
            self.tx.events.update(stored)
        event = event_of(self.context, stored)
        for rule, entry in self.context.rules.listening(stored.name):
            if rule.settle is not None and stored.settle_rule is None:
                self._settle(stored, rule)
            elif stored.settle_rule in {None, rule.id}:
                self._consider_event(rule, entry, event, stored)

    def became(self, stored: StoredEvent, rule: Rule) -> None:
        """Something became true, for one rule: what an event is to all of them."""
        hole = self._hole(stored)
        if rule.settle is not None and hole is None:
            self._settle(stored, rule)
            return
        stored = replace(stored, settle_rule=rule.id)
        stored = replace(stored, id=self.tx.events.add(stored))
        log.info("event.seen", event_name=stored.name, record=stored.record_id, client=stored.client_id, expired=False)
        self.event(stored)

    def drop(self, settling: StoredEvent) -> None:
        """What was waiting to settle went back."""
        self.tx.events.update(replace(settling, state="dropped", reason="changed again before it had settled"))

    def _hole(self, stored: StoredEvent) -> str | None:
        world = self.desk.world
        if stored.name.endswith(".removed"):
            return None  # what is gone can't be had, and its client may be gone with it
        if stored.client_id and world.get(Kind.CLIENT, stored.client_id) is None:
            return "its client can't be had"
        if world.get(stored.subject_kind, stored.subject_id) is None:
            return f"its {stored.subject_kind} can't be had"
        verb = Verb.UPDATE if stored.kind is Kind.CLIENT and stored.changed else _MAKES.get(stored.name)
        if verb and stored.client_id and self.tx.deliveries.unresolved(stored.client_id, verb.value):
            return f"a {verb.value} of ours for this client is on its way"
        new = world.client(stored.client_id) if stored.name in _ENTERED else None
        if new is not None and may_be_entered(self.tx, new.email):
            return "a lead of ours with this address is on its way"
        return None

    def _was_own(self, stored: StoredEvent) -> bool:
        """Whether a change that waited until an update of ours was settled was that update."""
        after = self.desk.world.get(stored.kind, stored.record_id)
        if stored.own or after is None or not stored.changed:
            return stored.own
        return is_own(self.tx, stored.record_id, stored.changed, after, since=stored.seen_at.subtract(hours=24))

    def _settle(self, stored: StoredEvent, rule: Rule) -> None:
        """Wait until the value has stood for so long; there and back is nothing (13)."""
        assert rule.settle is not None
        until = self.now.add(seconds=rule.settle.approximate_seconds())
        earlier = self.tx.events.settling(stored.name, stored.record_id, rule.id)
        before = stored.before
        if earlier is not None:
            self.drop(earlier)
            before = earlier.before
        waiting = replace(stored, state="settling", settle_rule=rule.id, settle_until=until, before=before)
        self.tx.events.add(waiting)

    def settled(self, stored: StoredEvent) -> None:
        """The time is over: judge it for its rule, unless it went there and back, or on to something else."""
        event = event_of(self.context, stored)
        self.tx.events.update(replace(stored, state="done"))
        stands = self._stands(stored, event)
        if stands is None:
            self._no(stored.settle_rule or "", "", "no", stored, {"why": "it didn't last"})
            return
        for rule, entry in self.context.rules.listening(stored.name):
            if rule.id == stored.settle_rule:
                self._consider_event(rule, entry, stands, stored)

    def _stands(self, stored: StoredEvent, event: Event) -> Event | None:
        """The event as it would be seen now, from the last settled value to the present one; None if it is none."""
        if stored.name.endswith(".removed") or stored.name == "invoice.partially_paid":
            return event
        now_is = self.desk.world.get(stored.kind, stored.record_id)
        if now_is is None:
            return None
        if stored.name.startswith("becomes "):
            return event if self._is_so(stored, event) else None
        seen = Seen(at=stored.seen_at, zone_of=self.desk.zones.of_session, zone=self.context.policy.zone)
        same = (e for e in events_of(event.before, now_is, seen) if e.name == stored.name)
        return next((replace(event, changed=e.changed) for e in same), None)

    def _is_so(self, stored: StoredEvent, event: Event) -> bool:
        """Whether what became true is so now."""
        scope = scope_for(
            self.context,
            self.desk.world,
            subject_kind=stored.subject_kind,
            subject_id=stored.subject_id,
            client_id=stored.client_id,
            event=event,
            start=None,
        )
        rules = (entry for rule, entry in self.context.rules.listening(stored.name) if rule.id == stored.settle_rule)
        found = (became_of(entry, stored.occurrence) for entry in rules)
        return any(became is not None and verdict.holds([became.condition], scope)[0] for became in found)

    def past_event(self, rule: Rule, entry: Entry, stored: StoredEvent) -> bool:
        """An event from before the rule was active, which it looks back for; whether a run began."""
        before = len(self.desk.begun)
        if self._hole(stored) is not None:
            self._no(rule.id, entry.id, "unknown", stored, {"why": self._hole(stored)})
            return False
        if stored.id == 0:
            stored = replace(stored, id=self.tx.events.add(stored))
        self._consider_event(rule, entry, event_of(self.context, stored), stored, past=True)
        return len(self.desk.begun) > before

    def _consider_event(
        self, rule: Rule, entry: Entry, event: Event, stored: StoredEvent, *, past: bool = False
    ) -> None:
        if event.own and not rule.also_own_changes:
            self._no(rule.id, entry.id, "own", stored, {})
            return
        subject = (stored.subject_kind, stored.subject_id)
        scope = scope_for(
            self.context,
            self.desk.world,
            subject_kind=subject[0],
            subject_id=subject[1],
            client_id=stored.client_id,
            event=event,
            start=None,
        )
        row = self.rows.get(rule.id)
        if not past and (row is None or min(stored.at, stored.seen_at) < row.active_since):
            self._no(rule.id, entry.id, "baseline", stored, {"why": "the rule wasn't active yet"})
            return
        depth = self._depth(event)
        if depth >= DEEPEST:
            self._no(rule.id, entry.id, "chain", stored, {"why": "the third run in a chain of our own creations"})
            self.tx.control.notice(
                self.now,
                f"Rule {rule.id} was stopped from setting itself off",
                f"{stored.name} of {stored.record_id} is the third in a chain that Selftimer itself began.",
                key=f"chain:{rule.id}:{stored.record_id}",
            )
            return
        own_start = stored.name.endswith(".created") or stored.kind is Kind.MESSAGE
        start = stored.at if own_start else stored.seen_at
        self._consider(
            rule, entry, scope, subject, stored.occurrence, start, stored.name, event_id=stored.id, depth=depth
        )

    def _depth(self, event: Event) -> int:
        made = self.tx.deliveries.made(event.kind.value, event.record_id)
        parent = self.tx.runs.get(made.run_id) if made else None
        return parent.depth + 1 if parent else 0

    # --- moments -------------------------------------------------------------------------------------------------

    def moment(self, rule: Rule, entry: Entry, timer: Timer) -> None:
        """A moment is due, or open and its record changed: begin its run, or leave it open until its window closes.

        A tick of the calendar is judged once: what doesn't hold then waits for the next.
        """
        if not self._clock_says(entry, timer):
            return
        event = self._clock_event(entry, timer)
        scope = scope_for(
            self.context,
            self.desk.world,
            subject_kind=timer.kind,
            subject_id=timer.subject_id,
            client_id=timer.client_id,
            event=event_of(self.context, event) if event else None,
            start=None,
        )
        if timer.client_id is not None and scope.client is None:
            self._without_client(rule, entry, timer)
            return
        begun = self._consider(
            rule,
            entry,
            scope,
            (timer.kind, timer.subject_id),
            timer.occurrence,
            timer.due_at,
            event.name if event else f"moment {timer.due_at}",
            event_id=self.tx.events.add(event) if event else None,
            window_end=timer.closes_at,
        )
        waits = TimerState.LAPSED if of_tick(timer.occurrence) else TimerState.OPEN
        state = TimerState.DONE if begun else waits
        if timer.state is not state:
            self.tx.timers.put([replace(timer, state=state, reason=None)])

    def _without_client(self, rule: Rule, entry: Entry, timer: Timer) -> None:
        """Whose it is can't be read: a run without a client reaches nobody, so it waits while its window is open."""
        if timer.reason != UNREAD_CLIENT:
            self.desk.trace(rule.id, entry.id, "unknown", UNREAD_CLIENT, timer=timer)
            log.warning("moment.waits", rule=rule.id, subject=timer.subject_id, client=timer.client_id)
            self.tx.timers.put([replace(timer, state=TimerState.OPEN, reason=UNREAD_CLIENT)])

    def _clock_event(self, entry: Entry, timer: Timer) -> StoredEvent | None:
        """The event that the clock makes of a moment, where the entry listens for one."""
        trigger = dict(entry_clocks(entry))[timer.entry_id]
        name = next((name for name, moment in CLOCK_EVENTS.items() if moment is trigger), None)
        if name is None or timer.kind is None:
            return None
        return StoredEvent(
            id=0,
            name=name,
            kind=timer.kind,
            record_id=timer.subject_id,
            subject_kind=timer.kind,
            subject_id=timer.subject_id,
            client_id=timer.client_id,
            occurrence=timer.occurrence,
            at=timer.due_at,
            seen_at=self.now,
            poll_id=0,
        )

    def _clock_says(self, entry: Entry, timer: Timer) -> bool:
        """Events that the clock makes need their state too: a confirmed session, an outstanding invoice (8)."""
        trigger = dict(entry_clocks(entry))[timer.entry_id]
        record = self.desk.world.get(timer.kind, timer.subject_id) if timer.kind is not None else None
        says = clock_says(trigger, record, self.desk.world)
        if not says and timer.state is not TimerState.OPEN:
            self.tx.timers.put([replace(timer, state=TimerState.OPEN)])
        return says

    def begin_by_hand(self, rule: Rule, entry: Entry, scope: Scope, subject: Subject, occurrence: str) -> bool:
        """Begin a run that a person asked for; `if`, `until`, audience and repeats hold all the same."""
        return self._consider(rule, entry, scope, subject, occurrence, self.now, "by hand")

    # --- calls from outside --------------------------------------------------------------------------------------

    def call(self, rule: Rule, entry: Entry, call: HookCall) -> bool:
        """Begin what a call begins. It is judged once, by the rules of that moment: no rule is too young for it."""
        scope = scope_for(
            self.context,
            self.desk.world,
            subject_kind=None,
            subject_id="",
            client_id=None,
            event=None,
            start=None,
        )
        scope.webhook = call.fields
        subject = (None, subject_of_call(call.name, call.id))
        return self._consider(rule, entry, scope, subject, occurrence_of_call(call.id), call.at, f"webhook {call.name}")

    # --- both ----------------------------------------------------------------------------------------------------

    def _consider(
        self,
        rule: Rule,
        entry: Entry,
        scope: Scope,
        subject: Subject,
        occurrence: str,
        start: Instant,
        what: str,
        *,
        event_id: int | None = None,
        depth: int = 0,
        window_end: Instant | None = None,
    ) -> bool:
        """Judge a beginning; True if its occurrence is dealt with (begun, or done before)."""
        if self.tx.runs.exists(rule.id, entry.id, subject[1], occurrence):
            return True
        why = self._refusal(rule, entry, scope, subject, start)
        if why is not None:
            self._leave(rule.id, entry.id, why.word, what, subject, scope, why.detail)
            return False
        turn = turn_of(rule, scope, subject[1], self.context.policy.zone, start)
        run = self.desk.begin(
            rule,
            entry,
            scope,
            subject=subject,
            occurrence=occurrence,
            start_at=start,
            event_id=event_id,
            repeat_key=turn.key if turn else None,
            depth=depth,
            window_end=window_end,
        )
        return run is not None

    def _refusal(self, rule: Rule, entry: Entry, scope: Scope, subject: Subject, start: Instant) -> Refusal | None:
        """Why the rule doesn't begin here, or None; then a run under way has made room, if the rule says `restart`."""
        found = refusal(self.tx, self.context, rule, entry, scope, subject, start)
        if found is not None:
            self.tell_errors(rule, found.detail)
            return found
        for run in self.tx.runs.of_subject(rule.id, subject[1]):
            if run.ended_at is None and run.entry_id == entry.id:
                self.desk.end(run, "a new trigger began it again")
        return None

    def tell_errors(self, rule: Rule, trace: dict[str, Any]) -> None:
        """An error in a condition is told to the owner once a rule (6)."""
        if "error" in trace:
            self.tx.control.notice(
                self.now,
                f"Rule {rule.id} can't be judged",
                f"{rule.where}: {trace['error']} (in: {trace.get('text', '')})",
                key=f"error:{rule.id}:{rule.version}",
            )
            log.warning("rule.failed", rule=rule.id, error=trace["error"])

    def _no(self, rule_id: str, entry_id: str, word: str, stored: StoredEvent, detail: dict[str, Any]) -> None:
        self.tx.traces.add(
            [
                TraceRow(
                    at=self.now,
                    rule_id=rule_id,
                    entry_id=entry_id,
                    subject_kind=stored.subject_kind,
                    subject_id=stored.subject_id,
                    client_id=stored.client_id,
                    verdict=word,
                    what=stored.name,
                    detail=detail,
                )
            ]
        )

    def _leave(
        self,
        rule_id: str,
        entry_id: str,
        word: str,
        what: str,
        subject: Subject,
        scope: Scope,
        detail: dict[str, Any],
    ) -> None:
        self.tx.traces.add(
            [
                TraceRow(
                    at=self.now,
                    rule_id=rule_id,
                    entry_id=entry_id,
                    subject_kind=subject[0],
                    subject_id=subject[1],
                    client_id=scope.client.id if scope.client else None,
                    verdict=word,
                    what=what,
                    detail=detail,
                )
            ]
        )
