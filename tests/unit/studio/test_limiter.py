from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.unit.studio.scripted import START

from selftimer.primitives.clock import VirtualClock
from selftimer.studio.limiter import RateLimiter

if TYPE_CHECKING:
    from pathlib import Path


def limiter(per_minute: float = 60, burst: int = 5) -> tuple[RateLimiter, VirtualClock]:
    clock = VirtualClock(START)
    return RateLimiter(clock, per_minute, burst), clock


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    limit, clock = limiter()
    for _ in range(5):
        await limit.take()
    assert clock.monotonic() == 0
    for _ in range(10):
        await limit.take()
    assert clock.monotonic() == pytest.approx(10)


async def test_who_waits_in_parallel_waits_once_not_each() -> None:
    limit, clock = limiter()
    await asyncio.gather(*(limit.take() for _ in range(25)))
    assert clock.monotonic() == pytest.approx(20)


async def test_deliveries_go_before_polling() -> None:
    limit, _ = limiter(burst=1)
    order: list[str] = []

    async def one(name: str, *, urgent: bool) -> None:
        await limit.take(urgent=urgent)
        order.append(name)

    await limit.take()
    await asyncio.gather(
        one("poll 1", urgent=False), one("poll 2", urgent=False), one("send", urgent=True), one("send 2", urgent=True)
    )
    assert order == ["send", "send 2", "poll 1", "poll 2"]


async def test_permits_are_taken_together_and_requests_inside_use_them() -> None:
    limit, clock = limiter()
    async with limit.permits(4) as permit:
        assert permit.requests == 4
        await asyncio.gather(*(limit.take() for _ in range(4)))
        assert clock.monotonic() == 0
    await limit.take()
    assert clock.monotonic() == 0
    await limit.take()
    assert clock.monotonic() == pytest.approx(1)


async def test_permits_beyond_the_bucket_leave_a_debt() -> None:
    limit, clock = limiter()
    async with limit.permits(8):
        assert clock.monotonic() == 0
        for _ in range(8):
            await limit.take()
    await limit.take()
    assert clock.monotonic() == pytest.approx(4)


async def test_what_a_permit_did_not_use_is_given_back_and_a_purse_is_not_shared_by_limiters() -> None:
    limit, clock = limiter()
    other, other_clock = limiter(burst=1)
    async with limit.permits(5):
        await limit.take()
        await other.take()
        await other.take()
        assert other_clock.monotonic() == pytest.approx(1)
    for _ in range(4):
        await limit.take()
    assert clock.monotonic() == 0


async def test_more_requests_than_the_permit_has_wait_in_the_urgent_queue() -> None:
    limit, clock = limiter(burst=1)
    async with limit.permits(1):
        await limit.take()
        await limit.take()
    assert clock.monotonic() == pytest.approx(1)


async def test_retry_after_shuts_the_door_for_everybody_for_a_minute_at_most() -> None:
    limit, clock = limiter()
    limit.learn(None, None, 20)
    await limit.take()
    assert clock.monotonic() == pytest.approx(20)
    limit.learn(None, None, 900)
    async with limit.permits(1):
        await limit.take()
    assert clock.monotonic() == pytest.approx(80)


async def test_the_studios_own_limit_slows_it_down_and_never_up() -> None:
    limit, clock = limiter(per_minute=60)
    limit.learn(6000, None, None)
    assert limit.per_minute == 60
    limit.learn(30, 0, None)
    assert limit.per_minute == 30
    await limit.take()
    assert clock.monotonic() == pytest.approx(2)


async def test_a_cancelled_waiter_hands_the_time_keeping_on() -> None:
    real = asyncio.Event()

    class Slow(VirtualClock):
        async def sleep(self, seconds: float) -> None:
            await real.wait()
            await super().sleep(seconds)

    slow = Slow(START)
    limit = RateLimiter(slow, 60, 1)
    await limit.take()
    first = asyncio.create_task(limit.take())
    second = asyncio.create_task(limit.take())
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    real.set()
    await asyncio.wait_for(second, 1)
    assert slow.monotonic() == pytest.approx(1)


# Shared by processes ------------------------------------------------------------------------------------------------


async def test_all_who_share_a_budget_keep_to_it_together(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    one, other = (RateLimiter(clock, 60, 4, shared=tmp_path / "budget") for _ in range(2))
    for limit in (one, other, one, other):
        await limit.take()
    assert clock.monotonic() == 0
    await other.take()
    assert clock.monotonic() == pytest.approx(1)
    one.learn(None, None, 20)
    await other.take()
    assert clock.monotonic() == pytest.approx(21)
    one.close()
    other.close()


async def test_a_guest_leaves_half_of_a_burst_to_the_service(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    service = RateLimiter(clock, 60, 10, shared=tmp_path / "budget")
    guest = RateLimiter(clock, 60, 10, shared=tmp_path / "budget", guest=True)
    for _ in range(5):
        await guest.take()
    assert clock.monotonic() == 0
    async with service.permits(5):
        assert clock.monotonic() == 0
    async with service.permits(5):
        for _ in range(5):
            await service.take()
    await guest.take()
    assert clock.monotonic() == pytest.approx(6), "until there is more than half again"
    service.close()
    guest.close()


@pytest.mark.parametrize("content", [b"", b"torn", b"tokens-1" + b"\xff" * 24])
async def test_a_budget_that_cannot_be_understood_is_a_full_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "budget"
    path.write_bytes(content)
    clock = VirtualClock(START)
    limit = RateLimiter(clock, 60, 3, shared=path)
    for _ in range(3):
        await limit.take()
    assert clock.monotonic() == 0
    limit.close()


async def test_a_budget_from_before_the_machine_was_started_again_is_a_full_one(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    await clock.sleep(1_000)
    before = RateLimiter(clock, 60, 2, shared=tmp_path / "budget")
    await before.take()
    await before.take()
    before.close()
    after = VirtualClock(START)
    limit = RateLimiter(after, 60, 2, shared=tmp_path / "budget")
    await limit.take()
    await limit.take()
    assert after.monotonic() == 0
    limit.close()


async def test_where_the_file_cannot_be_had_the_limit_is_the_process_own(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    limit = RateLimiter(clock, 60, 1, shared=tmp_path / "no folder" / "budget")
    await limit.take()
    await limit.take()
    assert clock.monotonic() == pytest.approx(1)
    limit.close()


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        RateLimiter(VirtualClock(START), 0)
