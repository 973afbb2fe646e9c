"""Runs inside a transaction: begin one, move it on, end it. What it decides is committed with what it rests on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from selftimer.engine import held
from selftimer.engine.flood import hold_doubtful
from selftimer.engine.lists import Lists
from selftimer.engine.made import made_by
from selftimer.engine.ruleset import entry_by_id
from selftimer.engine.scopes import scope_of_run, unseen
from selftimer.engine.world import TxWorld
from selftimer.facts.derive import session_zone
from selftimer.facts.stored import TraceRow
from selftimer.plan import verdict
from selftimer.plan.effects import plan_delivery
from selftimer.plan.program import AtDoubt, AtEffect, AtEnd, AtWait, Place, Position, Zones, advance, step_at
from selftimer.plan.state import FINAL, Delivery, DeliveryState, Hold, Run, RunState, Timer

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.world import Fresh
    from selftimer.facts.records import Kind
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Entry, Rule
    from selftimer.rulebook.scope import Scope

log = structlog.get_logger(__name__)
LOGGED = {state: f"delivery.{state.value}" for state in DeliveryState}
"""The log event of a delivery that came to a state: `delivery.sent`, `delivery.held` …"""
DEEPEST = 3
"""A chain of runs begun by our own creations ends at the third (20)."""


class RunDesk:
    """Works on the runs of one transaction at one instant."""

    def __init__(self, tx: Tx, context: Context, now: Instant, fresh: Fresh | None = None) -> None:
        self.tx = tx
        self.context = context
        self.now = now
        self.planned: list[tuple[Delivery, bool]] = []
        """What was planned here, and whether an event began its run (else a moment did)."""
        self.begun: list[Run] = []
        """The runs that began here, as they stood after their first steps."""
        self.world = TxWorld(tx, context, now, fresh)
        self.zones = Zones(
            studio=context.policy.zone,
            of_session=lambda session: session_zone(session, self.world),
            is_working=context.is_working_day,
        )

    # --- begin ---------------------------------------------------------------------------------------------------

    def begin(
        self,
        rule: Rule,
        entry: Entry,
        scope: Scope,
        *,
        subject: tuple[Kind | None, str],
        occurrence: str,
        start_at: Instant,
        event_id: int | None,
        repeat_key: str | None,
        depth: int = 0,
        window_end: Instant | None = None,
    ) -> Run | None:
        """A new run, moved to its first effect or wait; None if this occurrence has one already."""
        run = Run(
            id=self.context.new_id("run"),
            rule_id=rule.id,
            rule_version=rule.version,
            entry_id=entry.id,
            subject_kind=subject[0],
            subject_id=subject[1],
            client_id=scope.client.id if scope.client else None,
            occurrence=occurrence,
            state=RunState.ACTIVE,
            pc=0,
            start_at=start_at,
            begun_at=self.now,
            reached_at=self.now,
            event_id=event_id,
            repeat_key=repeat_key,
            depth=depth,
            dry=rule.mode == "dry_run",
        )
        if not self.tx.runs.add(run):
            return None
        self.trace(rule.id, entry.id, "begun", occurrence, run=run)
        log.info("run.begun", rule=rule.id, run=run.id, subject=run.subject_id, client=run.client_id)
        scope.start = start_at
        run = self.go_on(run, rule, scope, self.now, window_end=window_end)
        self.begun.append(run)
        return run

    # --- move on -------------------------------------------------------------------------------------------------

    def go_on(self, run: Run, rule: Rule, scope: Scope, reached: Instant, *, window_end: Instant | None = None) -> Run:
        """Walk from the run's counter to its next effect, wait, doubt or end, and store that."""
        scope.lists = Lists(rule, self.context, self.world)
        program = self.context.rules.program(rule, run.entry_id)
        if unseen(self.tx, self.world, run):
            waits = "what one of its steps made can't be read yet"
            step = step_at(program, run.pc)
            doubt = AtDoubt(pc=run.pc, step_id=step, why=waits, reached_at=reached, inputs=run.inputs)
            run = self._stand(run, rule, scope, doubt)
            self.tx.runs.update(run)
            return run
        while True:
            position = Position(pc=run.pc, reached_at=reached, inputs=run.inputs)
            place = advance(program, position, scope, self.zones)
            run = self._stand(run, rule, scope, place)
            if not isinstance(place, AtEffect):
                break
            delivery = self._plan(run, rule, place, scope, window_end)
            if self.tx.deliveries.add(delivery):
                self.planned.append((delivery, run.event_id is not None))
                log.info("delivery.planned", rule=rule.id, run=run.id, delivery=delivery.id, state=delivery.state.value)
                break
            # That effect was had before: an edit can't fire it again. What follows counts from when it was had.
            had = self.tx.deliveries.by_key(delivery.key)
            reached = max(place.allowed_at, had.sent_at if had and had.sent_at else place.allowed_at)
            run = replace(run, pc=run.pc + 1)
        self.tx.runs.update(run)
        return run

    def _stand(self, run: Run, rule: Rule, scope: Scope, place: Place) -> Run:
        held_for = run.reason if run.state is RunState.HELD else None
        run = replace(run, pc=place.pc, inputs=place.inputs, wake_at=None, reason=None)
        match place:
            case AtEffect():
                return replace(run, state=RunState.ACTIVE, reached_at=place.allowed_at)
            case AtWait():
                return self._waits(run, place)
            case AtDoubt():
                return self._held(run, rule, scope, place, held_for)
            case AtEnd():
                return self._ended(run, place.reason)

    def _waits(self, run: Run, place: AtWait) -> Run:
        if place.why is not None:
            ends = "It goes on when that is known." if place.wake_at is None else "It goes on when its time has come."
            held.tell(self, run, place.step_id, f"waits at {place.step_id}", ends, place.why)
        return replace(
            run, state=RunState.WAITING, wake_at=place.wake_at, reached_at=place.reached_at, reason=place.why
        )

    def _held(self, run: Run, rule: Rule, scope: Scope, place: AtDoubt, held_for: str | None) -> Run:
        """Held where it stands, until it is late for good (6)."""
        limit = held.too_late(self, run, rule, scope, place.reached_at)
        run = replace(run, state=RunState.HELD, reason=place.why, reached_at=place.reached_at, wake_at=limit)
        if place.why != held_for:  # it is judged again at each poll: said once
            self.trace(run.rule_id, run.entry_id, "unknown", place.step_id, run=run, detail={"why": place.why})
            log.warning("run.held", rule=run.rule_id, run=run.id, step=place.step_id)
        if self.now > limit:
            return self._late(run, place.step_id)
        held.tell_if_time(self, run, place, again=held_for is not None)
        return run

    def _late(self, run: Run, step_id: str) -> Run:
        log.warning("run.late", rule=run.rule_id, run=run.id, step=step_id)
        held.tell_late(self, run, step_id)
        return self._ended(run, f"late: {run.reason}")

    def _plan(self, run: Run, rule: Rule, place: AtEffect, scope: Scope, window_end: Instant | None) -> Delivery:
        today = self.context.rules.today(rule.id) or rule
        return plan_delivery(
            self.context.new_id("dlv"),
            self.context.studio_id,
            run,
            today,
            entry_by_id(rule, run.entry_id),
            place,
            scope,
            policy=self.context.policy,
            words=self.context.rules.words,
            now=self.now,
            window_end=window_end,
        )

    def after_final(self, delivery: Delivery) -> None:
        """The run of a delivery that is now final takes its next step, or ends with it (17)."""
        run = self.tx.runs.get(delivery.run_id)
        if run is None or run.state is RunState.ENDED or delivery.state not in FINAL:
            return
        if delivery.state is DeliveryState.SENT:
            run = replace(run, effects=run.effects + 1)
            if (made := made_by(delivery)) is not None:
                run = replace(run, made={**run.made, delivery.step_id: made})
        if delivery.state in {DeliveryState.FAILED, DeliveryState.CANCELLED}:
            self.end(run, f"{delivery.state.value}: {delivery.reason}")
            return
        rule = self.context.rules.pinned(self.tx, run.rule_id, run.rule_version)
        if rule is None:
            self._unreadable(replace(run, pc=run.pc + 1, reached_at=self.now))
            return
        run = replace(run, pc=run.pc + 1)
        if run.pc >= len(self.context.rules.program(rule, run.entry_id)):
            self.tx.runs.update(self._ended(replace(run, reason=None), "done"))  # nothing is left that needs names
            return
        self.go_on(run, rule, scope_of_run(self.context, self.tx, self.world, run), self.now)
        hold_doubtful(self.tx, self.context, self.planned, self.now)

    def _unreadable(self, run: Run) -> None:
        """A run whose version of its rule is of an older Selftimer, or lost: it is held, and the owner is told."""
        why = "its rule's version can't be read any more"
        self.tx.runs.update(replace(run, state=RunState.HELD, wake_at=None, reason=why))
        self.tx.control.notice(
            self.now,
            f"A run of rule {run.rule_id} is held",
            f"For client {run.client_id}: {why}. Begin it by hand where it is still wanted.",
            key=f"unreadable:{run.rule_id}:{run.rule_version}",
        )

    def wake(self, run: Run) -> None:
        """A wait may be over, or a doubt settled: judge again and walk on."""
        if run.state not in {RunState.WAITING, RunState.HELD}:
            return
        rule = self.context.rules.pinned(self.tx, run.rule_id, run.rule_version)
        if rule is None:
            self._unreadable(run)
            return
        scope = scope_of_run(self.context, self.tx, self.world, run)
        if self._over(run, rule, scope):
            return
        self._again(run, rule, scope)

    def _again(self, run: Run, rule: Rule, scope: Scope) -> None:
        """Walk on from where it waits or is held; what lies before a date keeps to it."""
        if run.state is RunState.HELD and run.wake_at is not None and run.wake_at < self.now:
            step = step_at(self.context.rules.program(rule, run.entry_id), run.pc)
            self.tx.runs.update(self._late(run, step))  # though it may be known by now
            return
        reached = run.reached_at or self.now
        closes = held.window_of(self, run, rule, reached) if run.state is RunState.HELD else None
        self.go_on(run, rule, scope, reached, window_end=closes)

    def client_changed(self, client_id: str) -> None:
        """Something of the client changed: `until` may have come true, a wait may be over or have moved (5)."""
        for run in self.tx.runs.of_client(client_id):
            rule = self.context.rules.pinned(self.tx, run.rule_id, run.rule_version)
            if rule is None:
                continue
            scope = scope_of_run(self.context, self.tx, self.world, run)
            if not self._over(run, rule, scope) and run.state in {RunState.WAITING, RunState.HELD}:
                self._again(run, rule, scope)

    def _over(self, run: Run, rule: Rule, scope: Scope) -> bool:
        """End the run if its `until` is true; an effect that may be on its way is left to itself."""
        if rule.until is None or unseen(self.tx, self.world, run):
            return False
        if verdict.holds([rule.until], scope)[0] is not True:
            return False
        if self.on_its_way(run):
            return False
        self.trace(run.rule_id, run.entry_id, "until", run.occurrence, run=run, detail=rule.until.trace(scope))
        self.end(run, "until came true")
        return True

    # --- end -----------------------------------------------------------------------------------------------------

    def _ended(self, run: Run, reason: str) -> Run:
        log.info("run.ended", rule=run.rule_id, run=run.id, reason=reason)
        return replace(run, state=RunState.ENDED, reason=reason, ended_at=self.now, wake_at=None)

    def on_its_way(self, run: Run) -> bool:
        """Whether an effect of the run may have left and isn't settled yet."""
        unsettled = {DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN}
        return any(d.state in unsettled for d in self.tx.deliveries.of_run(run.id))

    def end(self, run: Run, reason: str) -> None:
        """End a run; what it still meant to do is cancelled. Whether an unclear one was sent is still to be settled."""
        for delivery in self.tx.deliveries.of_run(run.id):
            if delivery.hold is Hold.EVIDENCE:
                continue
            if delivery.state in {DeliveryState.HELD, DeliveryState.READY}:
                gone = replace(delivery, state=DeliveryState.CANCELLED, reason=reason, lease_until=None)
                self.tx.deliveries.update(gone, expect=[DeliveryState.HELD, DeliveryState.READY])
                log.info("delivery.cancelled", rule=run.rule_id, run=run.id, delivery=delivery.id, reason=reason)
        self.tx.runs.update(self._ended(run, reason))

    def trace(
        self,
        rule_id: str,
        entry_id: str,
        word: str,
        what: str,
        *,
        run: Run | None = None,
        timer: Timer | None = None,
        detail: dict[str, object] | None = None,
    ) -> None:
        """Leave the path of a decision about a run, or about a moment."""
        about = run or timer
        self.tx.traces.add(
            [
                TraceRow(
                    at=self.now,
                    rule_id=rule_id,
                    entry_id=entry_id,
                    subject_kind=run.subject_kind if run else timer.kind if timer else None,
                    subject_id=about.subject_id if about else None,
                    client_id=about.client_id if about else None,
                    verdict=word,
                    what=what,
                    run_id=run.id if run else None,
                    detail=detail or {},
                )
            ]
        )


def finish(tx: Tx, context: Context, desk: RunDesk, delivery: Delivery) -> bool:
    """Make a ready delivery final without sending it, tell the owner where it matters, move its run on."""
    delivery = replace(delivery, lease_until=None, hold=None)
    if tx.deliveries.update(delivery, expect=[DeliveryState.READY], epoch=context.epoch):
        log.info(LOGGED[delivery.state], reason=delivery.reason, words=delivery.words)
        if delivery.state is DeliveryState.FAILED or delivery.reason in {"late", "capped"}:
            tx.control.notice(
                desk.now,
                f"{delivery.rule_id}: {delivery.words or delivery.verb.value} was not sent",
                f"For client {delivery.client_id}: {delivery.reason}.",
                key=f"final:{delivery.id}",
            )
        desk.after_final(delivery)
    return False
