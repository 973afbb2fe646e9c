"""Every event that a diary can say begins the rules that wait for it, and each has a deed or comes from the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selftimer.facts.event import EVENTS
from selftimer.plan.moments import CLOCK_EVENTS
from selftimer.ruletests.deeds import DEEDS
from selftimer.ruletests.shape import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.ruletests.runner import Outcome

    Run = Callable[..., Outcome]

GIVEN = """\
- client: {id: anna, first_name: Anna, type: client}
- client: {id: leo, type: lead}
- session: {id: asked, client: anna, status: inquiry, start_at: 2026-06-10 14:00}
- session: {id: booked, client: anna, start_at: 2026-07-10 14:00}
- invoice: {id: draft, client: anna, status: draft, amount: 100, due_date: 2026-06-01}
- invoice: {id: open, client: anna, amount: 100, due_date: 2026-06-01}
- invoice: {id: half, client: anna, amount: 100, due_date: 2026-06-01}
- payment: {id: waits, invoice: half, amount: 40, status: pending}
- payment: {id: came, invoice: half, amount: 50}
- contract: {id: agreement, client: anna}
- contract: {id: unsent, client: anna, status: draft}
- questionnaire: {id: form, client: anna}
- questionnaire: {id: blank, client: anna, status: draft}
- quote: {id: offer, client: anna}
- quote: {id: idea, client: anna, status: draft}
"""
SAID = {
    "lead.created": "{id: new}",
    "client.created": "{id: new}",
    "lead.converted": "{id: leo}",
    "client.changed": "{id: anna, notes: VIP}",
    "client.archived": "{id: anna}",
    "session.requested": "{id: s9, client: anna, start_at: 2026-06-20 14:00}",
    "session.rescheduled": "{id: booked, start_at: 2026-07-11 14:00}",
    "session.pending": "{id: asked}",
    "session.confirmed": "{id: asked}",
    "session.declined": "{id: asked}",
    "session.canceled": "{id: booked}",
    "invoice.created": "{id: i9, client: anna}",
    "invoice.sent": "{id: draft}",
    "invoice.partially_paid": "{id: open, amount: 10}",
    "invoice.paid": "{id: half}",
    "invoice.canceled": "{id: open}",
    "payment.received": "{id: waits}",
    "payment.failed": "{id: waits}",
    "payment.disputed": "{id: came}",
    "payment.refunded": "{id: came}",
    "contract.sent": "{id: unsent}",
    "contract.viewed": "{id: agreement}",
    "contract.signed": "{client: anna}",
    "contract.expired": "{id: agreement}",
    "questionnaire.sent": "{id: blank}",
    "questionnaire.completed": "{client: anna}",
    "questionnaire.expired": "{id: form}",
    "quote.sent": "{id: idea}",
    "quote.accepted": "{id: offer}",
    "quote.declined": "{id: offer}",
    "quote.expired": "{id: offer}",
    "message.received": "{client: anna, content: Hello}",
    "client.removed": "{id: leo}",
    "session.removed": "{id: booked}",
    "invoice.removed": "{id: open}",
    "contract.removed": "{id: agreement}",
    "questionnaire.removed": "{id: form}",
    "quote.removed": "{id: offer}",
}
"""For each event a record that it can happen to."""


@pytest.mark.parametrize("event", sorted(DEEDS.keys() & EVENTS))
def test_what_a_diary_says_happens(outcome: Run, event: str) -> None:
    rules = f"- id: told\n  title: Tell me\n  when: {event}\n  include: [archived]\n  then:\n    - notify: it\n"
    given = "".join(f"    {line}\n" for line in GIVEN.splitlines())
    happens = f"    - {{at: 2026-03-02 12:00, {event}: {SAID[event]}}}\n"
    test = f"- name: it\n  given:\n{given}  diary:\n{happens}    - {{at: 2026-03-04 12:00}}\n"

    result = outcome(test, rules=rules, words={"it": "It happened.\n"})

    assert result.troubles == ()
    told = [action for action in result.done if action.came == "done"]
    assert [action.name for action in told] == ["it"]


def test_an_event_without_a_deed_comes_from_the_clock() -> None:
    assert EVENTS.keys() - DEEDS.keys() == CLOCK_EVENTS.keys()


def test_every_deed_is_told_with_a_record_that_tests_know() -> None:
    assert {kind_of(event) for event in DEEDS} <= {
        "client", "session", "invoice", "payment", "contract", "questionnaire", "quote", "message",
    }  # fmt: skip
