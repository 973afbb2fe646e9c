"""A small rate limiter over the Clock (DESIGN.md, Time: ready-made ones count real seconds).

A token bucket that also listens to the studio: `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `Retry-After`
(studio-api.md, Conventions: limits exist but aren't published). Deliveries go before polling.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from selftimer.ports import Permit
from selftimer.studio.bucket import Bucket, SharedBucket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from selftimer.primitives.clock import Clock

_LONGEST_PAUSE = 60.0
"""Seconds: a longer Retry-After is not waited out in one go."""

_REST = 0.5
"""Real seconds at most that the clock isn't slept on for the sake of those who work with permits."""

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Purse:
    """Tokens taken ahead by `permits`; shared by the tasks started inside. `waiting`: how many of those queue."""

    owner: RateLimiter
    left: int
    waiting: int = 0


_purse: ContextVar[_Purse | None] = ContextVar("selftimer_purse", default=None)


@dataclass(slots=True, eq=False)
class _Ticket:
    """One caller in the queue. `turn` is set when it was served, or when it is its turn to keep the time.

    `more`: of somebody who works with permits and needs more than those. It goes first: others who work may be waiting
    for what it does, a sign-in above all.
    """

    tokens: int
    more: bool = False
    served: bool = False
    turn: asyncio.Event = field(default_factory=asyncio.Event)


class RateLimiter:
    """At most `per_minute` requests a minute, in bursts of `burst`; together with all who share the file `shared`.

    A `guest` beside a service leaves half of the burst to it, so that a delivery never waits for a look around.

    Who waits first keeps the time for all, so no task of its own runs and a clock that moves when slept on moves once;
    it isn't slept on while somebody works with permits, for what they have just read would be old at once.
    """

    def __init__(
        self,
        clock: Clock,
        per_minute: float,
        burst: int | None = None,
        *,
        shared: Path | None = None,
        guest: bool = False,
    ) -> None:
        if per_minute <= 0:
            raise ValueError(f"requests per minute must be more than 0; got {per_minute}")
        self._clock = clock
        self._wanted = per_minute / 60
        capacity = float(burst if burst is not None else max(10, per_minute // 6))
        now = clock.monotonic()
        self._bucket = (
            Bucket(self._wanted, capacity, now, guest=guest)
            if shared is None
            else SharedBucket(shared, self._wanted, capacity, now, guest=guest)
        )
        self._urgent: deque[_Ticket] = deque()
        self._patient: deque[_Ticket] = deque()
        self._leader: _Ticket | None = None
        self._purses: set[_Purse] = set()
        self._all_rest = asyncio.Event()

    @property
    def per_minute(self) -> float:
        """The rate in force: the configured one, or the studio's where that is lower."""
        return self._bucket.rate * 60

    async def take(self, *, urgent: bool = False) -> None:
        """Room for one request, out of the surrounding permit if there is one with room left."""
        purse = _purse.get()
        mine = purse is not None and purse.owner is self
        if purse is not None and mine and purse.left > 0 and not self._bucket.shut(self._clock.monotonic()):
            purse.left -= 1
            return
        if purse is None or not mine:
            await self._take(1, urgent=urgent)
            return
        purse.waiting += 1
        self._tell()
        try:
            await self._take(1, urgent=True, more=True)
        finally:
            purse.waiting -= 1

    @asynccontextmanager
    async def permits(self, requests: int) -> AsyncIterator[Permit]:
        """Room for `requests` requests, taken together and before polling; what isn't used is given back."""
        await self._take(requests, urgent=True)
        purse = _Purse(self, requests)
        token = _purse.set(purse)
        self._purses.add(purse)
        try:
            yield Permit(requests=requests)
        finally:
            _purse.reset(token)
            self._purses.remove(purse)
            self._tell()
            self._bucket.give_back(purse.left, self._clock.monotonic())
            purse.left = 0

    def learn(self, limit: float | None, remaining: float | None, retry_after: float | None) -> None:
        """What an answer's headers said; None where it said nothing."""
        now, bucket = self._clock.monotonic(), self._bucket
        if limit is not None and limit >= 1:
            rate = min(self._wanted, limit / 60)
            if rate != bucket.rate:
                bucket.slow_down(rate, min(bucket.capacity, limit), now)
                _log.info("limit.learned", per_minute=round(rate * 60, 1))
        if remaining is not None:
            bucket.at_most(remaining, now)
        if retry_after is not None:
            bucket.shut_until(now + min(max(0.0, retry_after), _LONGEST_PAUSE), now)

    def close(self) -> None:
        """Let go of what other processes share."""
        self._bucket.close()

    async def _take(self, tokens: int, *, urgent: bool, more: bool = False) -> None:
        nobody_before = not self._urgent and (urgent or not self._patient)
        if nobody_before and self._bucket.take(tokens, self._clock.monotonic()) <= 0:
            return
        queue = self._urgent if urgent else self._patient
        ticket = _Ticket(tokens, more)
        if more:
            queue.appendleft(ticket)
        else:
            queue.append(ticket)
        try:
            while not ticket.served:
                await self._advance(ticket)
        finally:
            if not ticket.served:
                queue.remove(ticket)
            self._hand_over()

    async def _advance(self, ticket: _Ticket) -> None:
        """Keep the time if nobody does, else wait to be served or to take over."""
        if self._leader is not None:
            ticket.turn.clear()
            await ticket.turn.wait()
            return
        self._leader = ticket
        rest = True
        try:
            while not ticket.served:
                queue = self._urgent or self._patient
                wait = self._bucket.take(queue[0].tokens, self._clock.monotonic())
                if wait > 0 and rest and not queue[0].more and self._at_work():
                    rest = await self._rest(min(wait, _REST))
                    continue
                if wait > 0:
                    await self._clock.sleep(wait)
                    continue
                head = queue.popleft()
                head.served = True
                head.turn.set()
        finally:
            self._leader = None

    async def _rest(self, seconds: float) -> bool:
        """Wait until all who hold permits rest, but not longer than that: one of them may be waiting for this one."""
        self._all_rest.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_rest.wait(), seconds)
            return True
        return False

    def _at_work(self) -> bool:
        return any(not purse.waiting for purse in self._purses)

    def _tell(self) -> None:
        if not self._at_work():
            self._all_rest.set()

    def _hand_over(self) -> None:
        if self._leader is None and (queue := self._urgent or self._patient):
            queue[0].turn.set()
