"""The last turn at an instant, which the lock-step loop leaves to whoever goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.errors import SelftimerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.engine.observe import Observe
    from selftimer.runtime.lockstep import Lane, SandboxClock

ROUNDS = 50
"""Rounds at one instant after which something is stuck: nothing that is due should need so many."""


async def settle(clock: SandboxClock, observe: Observe, lanes: Sequence[Lane]) -> None:
    """Do what is due at this very instant; `SelftimerError` where that has no end."""
    for _ in range(ROUNDS):
        now = clock.now()
        await observe.step(now)
        for lane in lanes:
            await lane.step(now)
        if min(observe.due_at, *(lane.due_at for lane in lanes)) > clock.now():
            return
    raise SelftimerError(f"what is due at {clock.now()} has no end: {ROUNDS} rounds and the clock stood still")
