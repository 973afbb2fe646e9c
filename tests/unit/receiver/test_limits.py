"""Nobody may call more often than allowed, and nobody has to wait for longer than it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftimer.receiver.limits import MOST_SOURCES, Rate, source_of


def test_after_as_many_as_allowed_the_next_waits_as_long_as_it_is_told() -> None:
    rate = Rate(30)
    assert [rate.wait("a", 0.0) for _ in range(30)] == [0.0] * 30
    wait = rate.wait("a", 0.0)
    assert wait == pytest.approx(2.0)
    assert rate.wait("b", 0.0) == 0.0
    assert rate.wait("a", 1.9) > 0
    assert rate.wait("a", 2.1) == 0.0


@given(st.lists(st.floats(0, 5), max_size=300), st.integers(1, 60))
def test_in_no_minute_are_there_more_than_twice_as_many_as_allowed(steps: list[float], allowed: int) -> None:
    rate, now, taken = Rate(allowed), 0.0, []
    for step in steps:
        now += step
        if rate.wait("a", now) == 0.0:
            taken.append(now)
    assert all(sum(at <= one < at + 60 for one in taken) <= 2 * allowed for at in taken)


def test_however_many_call_only_so_many_are_remembered() -> None:
    rate = Rate(1)
    for number in range(MOST_SOURCES + 50):
        rate.wait(str(number), 0.0)
    assert len(rate._buckets) == MOST_SOURCES
    assert rate.wait(str(MOST_SOURCES), 0.0) > 0


def test_a_network_of_ipv6_is_one_source() -> None:
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff:1") != source_of("2001:db8:0:1::1")
    assert source_of("::ffff:192.0.2.1") == source_of("192.0.2.1")
    assert source_of("fe80::1%eth0") == source_of("fe80::2")
    assert len(source_of("x" * 500)) == 64
