"""Make a loaded rulebook the one in force: what is new, edited or gone, and the moments that follow (9, 19)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.edited import edited
from selftimer.engine.first_look import owe_first_look
from selftimer.engine.intake import Intake
from selftimer.engine.silences import watch
from selftimer.engine.ticks import first_tick
from selftimer.engine.world import parsed
from selftimer.facts.records import Kind
from selftimer.plan.moments import entry_clocks, entry_moments
from selftimer.ports import RuleRow
from selftimer.rulebook.model import CalendarTrigger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Rule

log = structlog.get_logger(__name__)


def activate(tx: Tx, context: Context, now: Instant) -> None:
    """Write down the rules in force; re-baseline those whose trigger or condition is another; make their moments."""
    rows = tx.rules.rows()
    for words in context.rules.book.words.values():
        tx.rules.put_words(words.name, words.where.file, words.text, now)
    zone_moved = tx.control.get("zone") not in {None, context.policy.zone}
    tx.control.put("zone", context.policy.zone)
    anew: list[Rule] = []
    for rule in context.rules.book.rules.values():
        row = rows.get(rule.id)
        tx.rules.put_version(rule.id, rule.version, rule.source, now)
        if row is None or row.removed_at is not None or row.activation != rule.activation:
            log.info("rule.activated", rule=rule.id, version=rule.version, new=row is None)
            tx.rules.put(_row(rule, now))
            tx.timers.drop_rule(rule.id)
            owe_first_look(tx, rule, now, anew=True)
            anew.append(rule)
        elif row.version != rule.version or row.mode != rule.mode or zone_moved:
            log.info("rule.changed", rule=rule.id, version=rule.version)
            tx.rules.put(_row(rule, row.active_since))
            owe_first_look(tx, rule, now, anew=False)
            anew.append(rule)
        if row is not None and row.version != rule.version:
            edited(tx, context, rule, now)
    for row in rows.values():
        if row.rule_id not in context.rules.book.rules and row.removed_at is None:
            _removed(tx, row, now)
    _moments(tx, context, anew, now)


def _row(rule: Rule, active_since: Instant) -> RuleRow:
    return RuleRow(
        rule_id=rule.id,
        version=rule.version,
        activation=rule.activation,
        active_since=active_since,
        title=rule.title,
        mode=rule.mode,
    )


def _removed(tx: Tx, row: RuleRow, now: Instant) -> None:
    tx.rules.put(replace(row, removed_at=now))
    tx.timers.drop_rule(row.rule_id)
    log.warning("rule.removed", rule=row.rule_id)
    tx.control.notice(
        now,
        f"Rule {row.rule_id} is gone from the workspace",
        "Its runs under way are paused. Put it back to go on, or leave it.",
        key=f"removed:{row.rule_id}:{now}",
    )


def _moments(tx: Tx, context: Context, rules: Iterable[Rule], now: Instant) -> None:
    """Timers for all records, old ones too; only for moments after the rule became active."""
    rules = list(rules)
    _calendar(tx, context, rules, now)
    intake = Intake(tx, context, now, 0)
    _silences(tx, intake, rules)
    wanted = [(rule, entry, *pair) for rule in rules for entry in rule.entries for pair in entry_moments(entry)]
    for kind in {trigger.kind for *_, trigger in wanted}:
        for stored in tx.records.all(kind):
            record = parsed(context.api, stored)
            if record is None:
                continue
            for rule, entry, timer_entry, trigger in wanted:
                if trigger.kind is kind:
                    intake.moment(record, rule.id, entry, timer_entry, trigger, known_before=True)


def _calendar(tx: Tx, context: Context, rules: Iterable[Rule], now: Instant) -> None:
    for rule in rules:
        for entry in rule.entries:
            for timer_id, clock in entry_clocks(entry):
                if isinstance(clock, CalendarTrigger):
                    first_tick(tx, context, rule, entry, timer_id, clock, now)


def _silences(tx: Tx, intake: Intake, rules: Iterable[Rule]) -> None:
    """Timers for whom nobody answered, also where the message is older than the rule."""
    ids = {rule.id for rule in rules}
    wanted = [clocked for clocked in intake.context.rules.silences if clocked[0].id in ids]
    if wanted:
        watch(intake.matcher, {row.client_id for row in tx.records.all(Kind.CONVERSATION) if row.client_id}, wanted)
