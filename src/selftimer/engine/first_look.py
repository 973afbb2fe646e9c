"""A rule's first look at what was there before it: what `becomes` is false of, and what `backfill` begins.

It waits until every list of the studio was read whole: what is judged before that is judged on holes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.backfill import ask_back, past_events, span_of
from selftimer.engine.becoming import Becoming, first_look_of
from selftimer.engine.flood import hold_flood
from selftimer.engine.matching import Matcher
from selftimer.facts.records import LISTED
from selftimer.plan.moments import entry_becomes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.facts.records import Kind
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Rule

log = structlog.get_logger(__name__)
LOOKED_AT = 200
"""Records judged in one transaction."""


def owe_first_look(tx: Tx, rule: Rule, now: Instant, *, anew: bool) -> None:
    """The rule became active (`anew`), or is to look back another span: it will look at what is there."""
    if anew:
        tx.rules.forget_truths(rule.id)
    asks = ask_back(tx, rule, now, anew=anew)
    if asks or (anew and any(entry_becomes(entry) for entry in rule.entries)):
        tx.control.put(first_look_of(rule.id), {"at": now.format_iso()})


class FirstLook:
    """One step at one instant."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def step(self, now: Instant) -> None:
        """Let the rules look that have yet to, as soon as all is known that they look at."""
        owing = [rule for rule in self._context.rules.book.rules.values() if _looks(rule)]
        if not owing or not await self._context.store.read(_all_known):
            return
        owed = await self._context.store.read(lambda tx: [r for r in owing if tx.control.get(first_look_of(r.id))])
        for rule in owed:
            await self._look(rule, now)

    async def _look(self, rule: Rule, now: Instant) -> None:
        kinds = {trigger.kind for entry in rule.entries for _, trigger in entry_becomes(entry)}
        for kind in sorted(kinds):
            ids = await self._context.store.read(partial(_ids, kind=kind))
            for start in range(0, len(ids), LOOKED_AT):
                some = ids[start : start + LOOKED_AT]
                await self._context.store.write(partial(self._judge, rule=rule, kind=kind, ids=some, now=now))
                self._context.crash_point("observe.first_look")
        await self._context.store.write(partial(self._done, rule=rule, now=now))
        self._context.crash_point("observe.backfilled")

    def _judge(self, tx: Tx, *, rule: Rule, kind: Kind, ids: Sequence[str], now: Instant) -> None:
        matcher = Matcher(tx, self._context, now)
        becoming = Becoming(matcher, 0)
        mine = [clocked for clocked in self._context.rules.becoming[kind] if clocked[0].id == rule.id]
        known = tx.records.some(kind, ids)
        for stored in (known[ident] for ident in ids if ident in known):
            if stored.gone_at is None:
                for clocked in mine:
                    becoming.judge(clocked, stored)
        hold_flood(tx, self._context, now, matcher.desk)

    def _done(self, tx: Tx, *, rule: Rule, now: Instant) -> None:
        """Begin what lies in the span of `backfill`, all in one transaction: a flood is then held whole."""
        tx.control.put(first_look_of(rule.id), None)
        span = span_of(tx, rule, self._context.policy.zone)
        if span is None:
            return
        matcher, begun = Matcher(tx, self._context, now), 0
        for entry, stored in past_events(tx, self._context, rule, *span):
            begun += matcher.past_event(rule, entry, stored)
        held = hold_flood(tx, self._context, now, matcher.desk)
        log.info("rule.backfilled", rule=rule.id, begun=begun, held=held)
        if begun:
            also = f", and {held} messages of them wait for your yes" if held else ""
            tx.control.notice(
                now,
                f"Rule {rule.id} looked back {rule.backfill}",
                f"It began {begun} runs for what happened since {span[0]}{also}.",
                key=f"backfill:{rule.id}:{span[1]}",
            )


def _looks(rule: Rule) -> bool:
    return rule.backfill is not None or any(entry_becomes(entry) for entry in rule.entries)


def _ids(tx: Tx, *, kind: Kind) -> list[str]:
    return [ident for ident, _ in tx.records.order(kind)]


def _all_known(tx: Tx) -> bool:
    resources = tx.records.resources()
    return all(kind in resources and resources[kind].baseline_at is not None for kind in LISTED)
