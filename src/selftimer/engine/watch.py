"""What is looked at around each look: the clock, the account, the free space, and that we are alive at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from whenever import Instant

from selftimer.engine import doubt

if TYPE_CHECKING:
    from selftimer.engine.context import Context
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
_BEAT = 300
"""Seconds between two notes that a service is at work."""
_ACCOUNT, _LOW = "account", "space.low"


class Watch:
    """Made once for the observing lane."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._anchor: tuple[Instant, float] | None = None
        self._beat_at = Instant.MIN
        self._low: str | None = ""
        self._account_known = False

    async def look(self, due: Instant) -> None:
        """Before the lane does anything; it should have been its turn at `due`."""
        now = self._context.clock.now()
        jump = self._jumped(now)
        slept = self._slept(due, now)
        low = self._context.low_space()
        beat = not 0 <= (now - self._beat_at).total("seconds") < _BEAT
        changed = (low is None) != (self._low is None) or self._low == ""
        if not (jump or slept or changed or beat):
            return

        def note(tx: Tx) -> None:
            if jump:
                doubt.begin(tx, f"this machine's clock jumped by {round(jump):,} seconds", now)
            if slept:
                doubt.begin(tx, doubt.nobody_for(slept), now)
            if changed:
                _space(tx, low, now)
            doubt.alive(tx, now)

        await self._context.store.write(note)
        self._beat_at, self._low = now, low

    def _jumped(self, now: Instant) -> float:
        """Seconds that the wall clock went ahead of the monotonic one since the last look, where that is a jump."""
        monotonic = self._context.clock.monotonic()
        before, self._anchor = self._anchor, (now, monotonic)
        if before is None:
            return 0.0
        apart = (now - before[0]).total("seconds") - (monotonic - before[1])
        if abs(apart) <= self._context.policy.jump:
            return 0.0
        log.error("clock.jumped", seconds=round(apart))
        return apart

    def _slept(self, due: Instant, now: Instant) -> float:
        """Hours for which nothing ran though it should have: the machine slept. 0 where that isn't too long."""
        hours = (now - due).total("hours") if Instant.MIN < due < now else 0.0
        return hours if hours > self._context.policy.away_hours else 0.0

    async def account(self) -> None:
        """Before the first poll: whether it is still the account that the database is about. `StudioError` for none."""
        if self._account_known:
            return
        account, now = await self._context.api.account(), self._context.clock.now()

        def compare(tx: Tx) -> None:
            known = tx.control.get(_ACCOUNT)
            if account and account != known:
                if known is not None:
                    log.error("account.changed", account=account, before=known)
                    doubt.begin(tx, f"the account is {account} now, it was {known}", now)
                tx.control.put(_ACCOUNT, account)

        await self._context.store.write(compare)
        self._account_known = True


def _space(tx: Tx, low: str | None, now: Instant) -> None:
    """Tell the owner once that the space is short, and once that it isn't any more."""
    since = tx.control.get(_LOW)
    if low is not None and since is None:
        log.error("space.low", reason=low)
        tx.control.put(_LOW, now.format_iso())
        text = f"{low}. The studio is read on; sending goes on by itself when there is space again."
        tx.control.notice(now, "Nothing is sent: the disk is nearly full", text, key=f"space:{now}")
    if low is None and since is not None:
        log.info("space.enough")
        tx.control.put(_LOW, None)
        text = f"It was short since {since}."
        tx.control.notice(now, "There is space again, and sending goes on", text, key=f"space-again:{now}")
