"""Calls from outside that were kept: each is put to the rules that listen for it, once (rule-language.md, 13).

The receiver only keeps them. Whatever ends the process between the two, what was answered 202 is found here again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.apart import together
from selftimer.engine.flood import hold_flood
from selftimer.engine.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.facts.stored import HookCall
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
GROUP = 50
"""Calls put to the rules in one transaction."""


class HookCalls:
    """One look at what came in."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def step(self, now: Instant) -> None:
        """Put all that wait to the rules; one that a fault of ours keeps from it waits on and holds up no other."""
        stuck: set[tuple[str, str]] = set()

        def others(tx: Tx) -> list[HookCall]:
            return [call for call in tx.hooks.waiting(GROUP + len(stuck)) if (call.name, call.id) not in stuck]

        while calls := await self._context.store.read(others):
            judge = partial(self._judge, now=now)
            left = await together(self._context, calls, judge, named=lambda c: f"webhook {c.name}", now=now)
            stuck |= {(call.name, call.id) for call in left}
            self._context.crash_point("observe.hooks")

    def _judge(self, tx: Tx, calls: Sequence[HookCall], *, now: Instant) -> None:
        matcher = Matcher(tx, self._context, now)
        for call in calls:
            listening = self._context.rules.hooks(call.name)
            for rule, entry in listening:
                matcher.call(rule, entry, call)
            tx.hooks.finish(call.name, call.id, now)
            log.info("webhook.judged", webhook=call.name, rules=len(listening))
            self._say(tx, call, now, heard=bool(listening))
        hold_flood(tx, self._context, now, matcher.desk)

    def _say(self, tx: Tx, call: HookCall, now: Instant, *, heard: bool) -> None:
        """Tell the owner of calls that come to nothing; once, and once a day where it may be a form that changed."""
        if not heard:
            what = f"A call came, and no rule begins with 'webhook {call.name}'. Add one, or take the webhook out."
            tx.control.notice(now, f"No rule hears webhook {call.name}", what, key=f"unheard:{call.name}")
        elif not call.fields and call.dropped:
            day = now.to_tz(self._context.policy.zone).date()
            fields = f"'fields' of [webhooks.{call.name}] in selftimer.toml"
            what = f"It had {call.dropped} others: compare the form with {fields}."
            tx.control.notice(
                now, f"A call of webhook {call.name} had none of its fields", what, key=f"empty:{call.name}:{day}"
            )
