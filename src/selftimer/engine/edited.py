"""What becomes of runs under way when their rule is edited: they finish, move to the new version, or end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.flood import hold_flood
from selftimer.engine.runs import RunDesk
from selftimer.engine.scopes import scope_of_run
from selftimer.plan.migrate import keeps, place_in
from selftimer.plan.state import DeliveryState, Hold, RunState

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.plan.program import Program
    from selftimer.plan.state import Delivery, Run
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Rule

log = structlog.get_logger(__name__)
_UNDER_WAY = (RunState.ACTIVE, RunState.WAITING, RunState.HELD)
_PENDING = (DeliveryState.READY, DeliveryState.HELD)


def edited(tx: Tx, context: Context, rule: Rule, now: Instant) -> None:
    """Do with the runs of older versions what the rule says today; `finish_old` leaves them as they are."""
    if rule.on_edit == "finish_old":
        return
    desk = RunDesk(tx, context, now)
    runs = [run for state in _UNDER_WAY for run in tx.runs.in_state(state)]
    for run in runs:
        if run.rule_id != rule.id or run.rule_version == rule.version:
            continue
        if rule.on_edit == "cancel":
            desk.end(run, "the rule was edited")
        else:
            _migrate(tx, context, desk, rule, run)
    hold_flood(tx, context, now, desk)


def _migrate(tx: Tx, context: Context, desk: RunDesk, rule: Rule, run: Run) -> None:
    """Move a run to today's version, to the step that it has come to; one that can't be moved finishes in its own."""
    programs = _programs(tx, context, rule, run)
    target = None if programs is None else place_in(*programs, run.pc)
    if programs is None or target is None:
        log.info("run.stays", rule=rule.id, run=run.id, version=run.rule_version)
        return
    kept = keeps(*programs, run.pc)
    pending = [d for d in tx.deliveries.of_run(run.id) if d.state in _PENDING and d.hold is not Hold.EVIDENCE]
    unsettled = desk.on_its_way(run) or any(d.hold is Hold.EVIDENCE for d in tx.deliveries.of_run(run.id))
    if unsettled and not kept:
        log.info("run.stays", rule=rule.id, run=run.id, version=run.rule_version)
        return
    for delivery in pending:
        _carry_over(tx, rule, delivery, kept=kept)
    moved = replace(run, rule_version=rule.version, pc=target)
    tx.runs.update(moved)
    desk.trace(rule.id, run.entry_id, "migrated", run.occurrence, run=moved, detail={"from": run.rule_version})
    log.info("run.migrated", rule=rule.id, run=run.id, version=rule.version)
    if moved.state is RunState.ACTIVE and kept:
        return  # what it is about to do, it does in the new words
    scope = scope_of_run(context, tx, desk.world, moved)
    desk.go_on(moved, rule, scope, (moved.reached_at if kept else None) or desk.now)


def _programs(tx: Tx, context: Context, rule: Rule, run: Run) -> tuple[Program, Program] | None:
    """The new version's steps and the old one's; None where either hasn't the run's entry."""
    old = context.rules.pinned(tx, run.rule_id, run.rule_version)
    if old is None or run.entry_id not in {e.id for e in rule.entries} & {e.id for e in old.entries}:
        return None
    return context.rules.program(rule, run.entry_id), context.rules.program(old, run.entry_id)


def _carry_over(tx: Tx, rule: Rule, delivery: Delivery, *, kept: bool) -> None:
    if kept:
        carried = replace(delivery, rule_version=rule.version)
    else:
        carried = replace(delivery, state=DeliveryState.CANCELLED, reason="its step is gone from the rule", hold=None)
    tx.deliveries.update(carried, expect=[delivery.state])
