"""How far the caps let a crowd out before it is late: the windows of `limits`, lived through ahead of time."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from selftimer.plan.limits import windows
from selftimer.plan.timing import next_free

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from whenever import Instant

    from selftimer.plan.limits import Window
    from selftimer.plan.policy import Policy
    from selftimer.plan.state import Delivery

_Key = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one run would send, one after the other, and whether the night doesn't count for it."""

    deliveries: tuple[Delivery, ...]
    awake: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A delivery that is late before its turn comes, with the window that was full then."""

    delivery: Delivery
    window: Window


def stopped(wishes: Sequence[Wish], policy: Policy, limits: Mapping[str, int]) -> list[Stopped]:
    """What the caps would skip of these runs of one rule, if nothing else were sent; `limits` are the rule's own.

    As it is carried out: what a full window puts off is tried again when the window has room, nights don't count as
    late, and a run's next effect begins to be late when the one before it is out of the way.
    """
    return _Outlet(wishes, policy, limits).run()


class _Outlet:
    def __init__(self, wishes: Sequence[Wish], policy: Policy, limits: Mapping[str, int]) -> None:
        self._wishes, self._policy, self._limits = wishes, policy, limits
        self._sent: dict[_Key, list[Instant]] = {}
        self._full: tuple[Instant, Window] | None = None
        """Until when nothing of the rule can go, whoever it is for: what is tried before only waits."""
        self._found: list[Stopped] = []
        # (when, order, the run, its delivery, late after)
        self._queue: list[tuple[Instant, int, int, int, Instant]] = [
            (wish.deliveries[0].allowed_at, number, number, 0, wish.deliveries[0].late_until)
            for number, wish in enumerate(wishes)
            if wish.deliveries
        ]
        self._count = len(wishes)
        heapify(self._queue)

    def run(self) -> list[Stopped]:
        while self._queue:
            now, order, run, step, late = heappop(self._queue)
            wish = self._wishes[run]
            quiet = None if wish.awake else self._policy.quiet_hours
            if (free := next_free(now, quiet, self._policy.zone)) > now:
                heappush(self._queue, (free, order, run, step, late + (free - now)))
                continue
            delivery = wish.deliveries[step]
            full = self._full_until(delivery, now)
            if full is None:
                self._take(delivery, now)
                self._next(run, step, now)
            elif full[0] > late:
                self._found.append(Stopped(delivery=delivery, window=full[1]))
                self._next(run, step, now)
            else:
                heappush(self._queue, (full[0], order, run, step, late))
        return self._found

    def _next(self, run: int, step: int, now: Instant) -> None:
        deliveries = self._wishes[run].deliveries
        if step + 1 == len(deliveries):
            return
        one = deliveries[step + 1]
        self._count += 1
        heappush(self._queue, (now, self._count, run, step + 1, now + (one.late_until - one.allowed_at)))

    def _full_until(self, delivery: Delivery, now: Instant) -> tuple[Instant, Window] | None:
        if self._full is not None and now < self._full[0]:
            return self._full
        for window in windows(delivery, self._policy.caps, now, self._limits):
            times = self._sent.get(_key(window), [])
            first = bisect_left(times, window.since)
            if len(times) - first >= window.most:
                oldest = times[first] if first < len(times) else now
                full = oldest.add(seconds=window.seconds + 1), window
                if window.client_id is None:
                    self._full = full
                return full
        return None

    def _take(self, delivery: Delivery, now: Instant) -> None:
        for key in _keys(windows(delivery, self._policy.caps, now, self._limits)):
            insort(self._sent.setdefault(key, []), now)


def _key(window: Window) -> _Key:
    return window.rule_id, window.client_id, window.purpose


def _keys(found: Iterable[Window]) -> set[_Key]:
    return {_key(window) for window in found}
