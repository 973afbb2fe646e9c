"""When there is so much trouble that nothing may be sent any more (delivery.md §3)."""

from __future__ import annotations

from tests.unit.store.builders import T0

from selftimer.plan.breaker import Trouble
from selftimer.plan.policy import Breaker
from selftimer.plan.state import DeliveryState as S

LIMITS = Breaker()


def after(*outcomes: tuple[float, S]) -> Trouble:
    """The count after outcomes at so many minutes."""
    trouble = Trouble()
    for minutes, state in outcomes:
        trouble = trouble.with_outcome(state, T0.add(seconds=60 * minutes))
    return trouble


def test_three_unclear_ones_in_an_hour_are_too_much_whatever_arrives_between_them() -> None:
    assert after((0, S.UNKNOWN), (1, S.UNKNOWN)).too_much(LIMITS) is None
    between = after((0, S.UNKNOWN), (5, S.SENT), (10, S.UNKNOWN), (15, S.SENT), (20, S.UNKNOWN), (25, S.SENT))
    assert between.too_much(LIMITS) == "3 outcomes within an hour are unclear"


def test_an_hour_later_an_unclear_one_counts_no_more() -> None:
    assert after((0, S.UNKNOWN), (30, S.UNKNOWN), (59.9, S.UNKNOWN)).too_much(LIMITS) is not None
    assert after((0, S.UNKNOWN), (30, S.UNKNOWN), (60, S.UNKNOWN)).too_much(LIMITS) is None
    late = after((0, S.UNKNOWN), (1, S.UNKNOWN), (70, S.SENT), (71, S.FAILED), (72, S.READY))
    assert late.unknown == ()


def test_five_failures_in_a_row_are_too_much_and_one_that_arrives_ends_the_row() -> None:
    five = [(float(n), S.FAILED) for n in range(5)]
    assert after(*five[:4]).too_much(LIMITS) is None
    assert after(*five).too_much(LIMITS) == "5 failures in a row"
    assert after(*five[:4], (4, S.SENT), *five).too_much(LIMITS) == "5 failures in a row"
    assert after(*five[:4], (4, S.SENT), *five[:4]).too_much(LIMITS) is None


def test_what_is_tried_again_or_unclear_ends_no_row() -> None:
    four = [(float(n), S.FAILED) for n in range(4)]
    for state in (S.READY, S.HELD, S.UNKNOWN, S.SKIPPED):
        assert after(*four, (5, state), (6, S.FAILED)).too_much(LIMITS) == "5 failures in a row"
