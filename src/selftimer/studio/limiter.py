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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
    """At most `per_minute` requests a minute, in bursts of `burst`.

    Who waits first keeps the time for all, so no task of its own runs and a clock that moves when slept on moves once;
    it isn't slept on while somebody works with permits, for what they have just read would be old at once.
    """

    def __init__(self, clock: Clock, per_minute: float, burst: int | None = None) -> None:
        if per_minute <= 0:
            raise ValueError(f"requests per minute must be more than 0; got {per_minute}")
        self._clock = clock
        self._wanted = per_minute / 60
        self._rate = self._wanted
        self._capacity = float(burst if burst is not None else max(10, per_minute // 6))
        self._tokens = self._capacity
        self._at = clock.monotonic()
        self._shut_until = self._at
        self._urgent: deque[_Ticket] = deque()
        self._patient: deque[_Ticket] = deque()
        self._leader: _Ticket | None = None
        self._purses: set[_Purse] = set()
        self._all_rest = asyncio.Event()

    @property
    def per_minute(self) -> float:
        """The rate in force: the configured one, or the studio's where that is lower."""
        return self._rate * 60

    async def take(self, *, urgent: bool = False) -> None:
        """Room for one request, out of the surrounding permit if there is one with room left."""
        purse = _purse.get()
        mine = purse is not None and purse.owner is self
        if purse is not None and mine and purse.left > 0 and self._clock.monotonic() >= self._shut_until:
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
            self._tokens = min(self._capacity, self._tokens + purse.left)
            purse.left = 0

    def learn(self, limit: float | None, remaining: float | None, retry_after: float | None) -> None:
        """What an answer's headers said; None where it said nothing."""
        if limit is not None and limit >= 1:
            rate = min(self._wanted, limit / 60)
            if rate != self._rate:
                self._refill()
                self._rate = rate
                self._capacity = min(self._capacity, limit)
                _log.info("limit.learned", per_minute=round(rate * 60, 1))
        if remaining is not None:
            self._refill()
            self._tokens = min(self._tokens, max(0.0, remaining))
        if retry_after is not None:
            until = self._clock.monotonic() + min(max(0.0, retry_after), _LONGEST_PAUSE)
            self._shut_until = max(self._shut_until, until)

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
        self._at = now

    def _wait(self, tokens: int) -> float:
        """Seconds until so many tokens may go; 0 when they may at once. More than the bucket holds leaves a debt."""
        self._refill()
        missing = min(float(tokens), self._capacity) - self._tokens
        return max(self._shut_until - self._at, missing / self._rate if missing > 1e-9 else 0.0)

    async def _take(self, tokens: int, *, urgent: bool, more: bool = False) -> None:
        if not self._urgent and (urgent or not self._patient) and self._wait(tokens) <= 0:
            self._tokens -= tokens
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
                wait = self._wait(queue[0].tokens)
                if wait > 0 and rest and not queue[0].more and self._at_work():
                    rest = await self._rest(min(wait, _REST))
                    continue
                if wait > 0:
                    await self._clock.sleep(wait)
                    continue
                head = queue.popleft()
                self._tokens -= head.tokens
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
