"""The clocks."""

from __future__ import annotations

import pytest
from whenever import Instant

from selftimer.primitives.clock import SystemClock, VirtualClock

START = Instant.from_utc(2026, 3, 2, 7)


async def test_a_virtual_clock_stands_still_until_it_is_moved_and_a_sleep_moves_it() -> None:
    clock = VirtualClock(START)

    await clock.sleep(90)

    assert clock.now() == START.add(seconds=90)
    assert clock.monotonic() == 90


def test_a_virtual_clock_does_not_go_back() -> None:
    clock = VirtualClock(START)
    clock.move_to(START.add(hours=1))

    with pytest.raises(ValueError, match="doesn't go back"):
        clock.move_to(START)


async def test_the_systems_clock_runs_by_itself() -> None:
    clock = SystemClock()
    before, count = clock.now(), clock.monotonic()

    await clock.sleep(0.001)

    assert clock.now() > before
    assert clock.monotonic() > count
