"""What the caps skip of a crowd, said beforehand: held to the windows themselves, one delivery after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.store.builders import T0, delivery

from selftimer.plan.outlet import Wish, stopped
from selftimer.plan.policy import Caps, Policy

if TYPE_CHECKING:
    from selftimer.plan.state import Delivery


def policy(**caps: int) -> Policy:
    return Policy(zone="UTC", caps=Caps(**caps))


def wish(number: int, *, minute: int = 0, late_hours: int = 24, client: str | None = None) -> Wish:
    due = T0.add(minutes=minute)
    return Wish(deliveries=(_delivery(number, due=due, late=due.add(hours=late_hours), client=client),))


def _delivery(number: int, *, due: object, late: object, client: str | None) -> Delivery:
    return delivery(f"d{number}", client_id=client or f"c{number}", allowed_at=due, late_until=late)


def naive(minutes: list[int], late: int, hour: int, day: int) -> int:
    """Each takes the first second in which fewer than `hour` went in the hour before, and `day` in the day."""
    sent: list[int] = []
    late_ones = 0
    for minute in sorted(minutes):
        due = minute * 60
        steps = sorted({due, *(at + span + 1 for at in sent for span in (3_600, 86_400) if at + span + 1 > due)})
        free = next(
            at
            for at in steps
            if sum(at - 3_600 <= one <= at for one in sent) < hour
            and sum(at - 86_400 <= one <= at for one in sent) < day
        )
        if free > due + late * 3_600:
            late_ones += 1
        else:
            sent.append(free)
    return late_ones


@given(
    st.lists(st.integers(0, 180), min_size=1, max_size=30),
    st.integers(1, 72),
    st.integers(1, 6),
    st.integers(1, 12),
)
def test_as_many_are_late_as_the_windows_keep_back(minutes: list[int], late: int, hour: int, day: int) -> None:
    wishes = [wish(n, minute=minute, late_hours=late) for n, minute in enumerate(minutes)]
    found = stopped(wishes, policy(rule_per_hour=hour, rule_per_day=day), {})
    assert len(found) == naive(minutes, late, hour, day)


def test_what_one_client_may_get_keeps_nobody_else_back() -> None:
    wishes = [wish(n, client="anna") for n in range(6)] + [wish(n + 6) for n in range(20)]
    found = stopped(wishes, policy(client_per_day=4), {})
    assert [one.delivery.client_id for one in found] == ["anna", "anna"]
    assert {one.window.client_id for one in found} == {"anna"}


def test_the_window_that_is_named_is_the_rules_own_where_that_is_the_smaller() -> None:
    found = stopped([wish(n) for n in range(9)], policy(rule_per_day=8), {"per_day": 5})
    assert [one.window.most for one in found] == [5] * 4


def test_nobody_is_stopped_where_nobody_sends() -> None:
    assert stopped([Wish(deliveries=())], policy(), {}) == []
