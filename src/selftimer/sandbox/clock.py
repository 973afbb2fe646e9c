"""The sandbox's clock: it stands still until somebody moves it, or it is the machine's own (DESIGN.md, Time)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from whenever import Instant


def micros(instant: Instant) -> int:
    """Microseconds since 1970: what the heap and the grid count in."""
    return instant.timestamp(unit="nanosecond") // 1000


def from_micros(value: int) -> Instant:
    """The inverse of `micros`."""
    return Instant.from_timestamp(value * 1000, unit="nanosecond")


Mode = Literal["stepped", "real"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The answer to a wait: where the clock stands, whether a poll is due there, and whether the demo is over."""

    now: Instant
    poll: bool
    ended: bool


class SandboxClock:
    """Tells the time of the studio; in mode `stepped` it is moved by `move_to`, in mode `real` it runs by itself."""

    def __init__(self, start: Instant, mode: Mode = "stepped") -> None:
        self.mode: Mode = mode
        self._now = start

    def now(self) -> Instant:
        """The instant of the studio's life that has been reached."""
        return self._now

    def move_to(self, instant: Instant) -> None:
        """Stand at `instant`; an earlier one is ignored: the clock never goes back."""
        self._now = max(self._now, instant)


class PollGrid:
    """The whole polls: multiples of `every` seconds since the world's start."""

    def __init__(self, start: Instant, every: int) -> None:
        self._start = micros(start)
        self._every = every * 1_000_000

    def after(self, instant: Instant) -> Instant:
        """The first whole poll later than `instant`."""
        return self._nth((micros(instant) - self._start) // self._every + 1)

    def at_or_after(self, instant: Instant) -> Instant:
        """The first whole poll at `instant` or later."""
        return self._nth(-((self._start - micros(instant)) // self._every))

    def _nth(self, count: int) -> Instant:
        return from_micros(self._start + count * self._every)
