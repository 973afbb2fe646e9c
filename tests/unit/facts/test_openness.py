"""What is read every half hour: records of which more is expected (DESIGN.md, Polling)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.facts.small_world import NOW, client, invoice, message, payment, session

from selftimer.facts.openness import is_open
from selftimer.facts.records import Contract, Conversation, Questionnaire, Quote

if TYPE_CHECKING:
    from selftimer.facts.records import Record


def talk(**fields: object) -> Conversation:
    return Conversation(id="t1", client_id="c1", **fields)  # type: ignore[arg-type]  # what a test says


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (client(type="lead"), True),
        (client(type="lead", status="archived"), False),
        (client(type="client"), False),
        (session(start_at=NOW.add(hours=1)), True),
        (session(start_at=None), True),
        (session(start_at=NOW.subtract(hours=47)), True),
        (session(start_at=NOW.subtract(hours=49)), False),
        (session(start_at=NOW.add(hours=1), status="canceled"), False),
        (invoice(status="draft"), True),
        (invoice(status="unpaid"), True),
        (invoice(status="paid"), False),
        (payment(status="pending"), True),
        (payment(), False),
        (Contract(id="co1", client_id="c1", status="viewed"), True),
        (Contract(id="co1", client_id="c1", status="signed"), False),
        (Questionnaire(id="q1", client_id="c1", status="pending"), True),
        (Questionnaire(id="q1", client_id="c1", status="expired"), False),
        (Quote(id="qo1", client_id="c1", status="sent"), True),
        (Quote(id="qo1", client_id="c1", status="accepted"), False),
        (talk(last_message_at=NOW.subtract(hours=24 * 13)), True),
        (talk(last_message_at=NOW.subtract(hours=24 * 15)), False),
        (talk(last_message_at=NOW.subtract(hours=24 * 15), unread_count=1), True),
        (talk(unread_count=1, status="archived"), False),
        (message("m1", "2026-06-01T10:00Z"), False),
    ],
)
def test_a_record_is_open_while_more_is_expected_of_it(record: Record, expected: bool) -> None:
    assert is_open(record, NOW) is expected
