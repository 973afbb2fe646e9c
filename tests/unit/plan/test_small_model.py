"""Every case of one effect (delivery.md §1): ours neither doubles nor loses, and the model can tell who does.

Here with one crash at most and one kind of document, to be quick; the campaign `model` goes through two and all kinds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from chaos.outside import deeds, effect
from chaos.small_model import CAMPAIGN, OURS, cases, forbidden, printed, run, slices, table
from chaos.strategies import STRATEGIES, Strategy

from selftimer.plan.state import Delivery, DeliveryState, Verb

if TYPE_CHECKING:
    from collections import Counter

    from selftimer.plan.attempt import Outcome

VERBS = (Verb.MESSAGE, Verb.INVOICE, Verb.LEAD, Verb.COUPON, Verb.UPDATE, Verb.WEBHOOK)


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Counter[str]]:
    return table(crashes=1, verbs=VERBS)


def test_ours_neither_doubles_nor_loses_while_the_studio_applies_within_the_settle_window(
    found: dict[tuple[str, str], Counter[str]],
) -> None:
    print("\n" + printed(found))  # noqa: T201 - the table, with -s
    for verb in VERBS:
        counts = found[OURS, verb.value]
        assert counts["within cases"] > 100
        assert (counts["within doubled"], counts["within lost"], counts["beyond lost"]) == (0, 0, 0)
        assert forbidden(OURS, verb, counts) == []


def test_a_document_is_never_doubled_however_late_the_studio_applies_it(
    found: dict[tuple[str, str], Counter[str]],
) -> None:
    counts = found[OURS, Verb.INVOICE.value]
    assert counts["beyond cases"] > 50
    assert counts["beyond doubled"] == 0


def test_a_message_that_is_applied_after_its_settle_window_may_be_doubled_and_that_is_counted(
    found: dict[tuple[str, str], Counter[str]],
) -> None:
    assert found[OURS, Verb.MESSAGE.value]["beyond doubled"] > 0


def test_other_ways_to_send_double_or_lose_in_the_same_cases(found: dict[tuple[str, str], Counter[str]]) -> None:
    assert found["send, then record", "message"]["within doubled"] > 0
    assert found["record, then send", "message"]["within lost"] > 0
    assert found["write-ahead + retry at once", "message"]["within doubled"] > 0
    held = found["write-ahead + hold", "message"]
    assert forbidden("write-ahead + hold", Verb.MESSAGE, held) == []
    assert held["within held"] > found[OURS, "message"]["within held"] / found[OURS, "message"]["within cases"]


class Twice(Strategy):
    """Ours, but a document that wasn't found is made once more, as a message is."""

    def looked(self, row: Delivery, seen: tuple[str, ...], now: object) -> Delivery:
        message = super().looked(replace(row, verb=Verb.MESSAGE), seen, now)  # type: ignore[arg-type]  # passed through
        return replace(message, verb=row.verb)


class Amnesia(Strategy):
    """Ours, but a process that comes back takes what was in flight for not sent."""

    def restarted(self, row: Delivery) -> Delivery:
        return replace(row, state=DeliveryState.READY) if row.state is DeliveryState.IN_FLIGHT else row


class Optimist(Strategy):
    """Ours, but no answer is taken for a yes."""

    def answered(self, row: Delivery, heard: Outcome, now: object) -> Delivery:
        after = super().answered(row, heard, now)  # type: ignore[arg-type]  # passed through
        return replace(after, state=DeliveryState.SENT) if after.state is DeliveryState.UNKNOWN else after


@pytest.mark.parametrize(
    ("mistake", "verb", "what"),
    [(Twice(), Verb.INVOICE, "doubled"), (Amnesia(), Verb.INVOICE, "doubled"), (Optimist(), Verb.MESSAGE, "lost")],
)
def test_a_mistake_in_the_states_is_found(mistake: Strategy, verb: Verb, what: str) -> None:
    ends = [end for first in deeds(verb) for lag in (0.0, 0.75) for end in cases(mistake, verb, lag, first, 1)]
    assert any(getattr(end, what) for end in ends)


def test_every_part_of_the_enumeration_is_a_seed() -> None:
    parts = slices()
    assert len(parts) == len(set(parts)) > 400
    one = run(3)
    assert (one.violations, one.seed) == ((), 3)
    assert one.count == sum(1 for _ in cases(STRATEGIES[parts[3][0]], parts[3][1], parts[3][2], parts[3][3], 2))
    assert CAMPAIGN.run is run
    assert effect(Verb.MESSAGE).state is DeliveryState.READY
