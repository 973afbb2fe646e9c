"""The Clock: the one source of now, so that time is an input everywhere above it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from whenever import Instant


class Clock(Protocol):
    """What tells the time and waits. Rate limits, back-off and leases follow it, so simulated time is whole."""

    def now(self) -> Instant:
        """The present instant."""
        ...

    def monotonic(self) -> float:
        """Seconds on a scale that never goes back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds of this clock have passed."""
        ...


_SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux has a monotonic clock that runs on while a laptop sleeps."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> Instant:
        """Wall-clock now."""
        return Instant.now()

    def monotonic(self) -> float:
        """Seconds since the machine was started, asleep or awake where the system can tell."""
        return time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)

    async def sleep(self, seconds: float) -> None:
        """`asyncio.sleep`."""
        await asyncio.sleep(seconds)


class VirtualClock:
    """A clock that stands still until it is moved; a sleep moves it, since nobody else would."""

    def __init__(self, start: Instant) -> None:
        self._now = start
        self._origin = start

    def now(self) -> Instant:
        """Where the clock stands."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self._now - self._origin).total("seconds")

    def move_to(self, instant: Instant) -> None:
        """Stand at `instant`; going back is refused, as time would."""
        if instant < self._now:
            raise ValueError(f"a clock doesn't go back: {self._now} to {instant}")
        self._now = instant

    async def sleep(self, seconds: float) -> None:
        """Move on by that much and let others run once."""
        self._now = self._now.add(seconds=seconds)
        await asyncio.sleep(0)
