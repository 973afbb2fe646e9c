from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.store.builders import delivery
from whenever import Instant

from selftimer.plan.state import DeliveryState, Hold, Verb
from selftimer.sandbox.world import World
from selftimer.simulation.oracles import judge, match

if TYPE_CHECKING:
    from collections.abc import Iterable

T0 = Instant.from_utc(2026, 3, 1, 9)
ANNA, BEN = "cl_anna", "cl_ben"
CANARIES = {ANNA: "Quorbelovazq", BEN: "Zarlvanuxixt"}


def iso(hours: float) -> str:
    return T0.add(seconds=hours * 3600).format_iso()


def write(seq: int, hours: float, *, kind: str = "message", client: str = ANNA, **content: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": iso(hours),
        "by": "bot",
        "method": "POST",
        "path": "/api/v1/whatever",
        "kind": kind,
        "id": f"{kind}_{seq}",
        "client_id": client,
        "conversation_id": None,
        "content": content or {"content": f"Hi, this is number {seq}"},
    }


def payment(seq: int, hours: float, number: str, *, complete: bool, status: str = "completed") -> dict[str, Any]:
    return {
        "seq": seq,
        "at": iso(hours),
        "invoice_id": f"in_{number}",
        "invoice_number": number,
        "client_id": ANNA,
        "amount": 100,
        "currency": "eur",
        "status": status,
        "complete": complete,
    }


def ledger(*writes: dict[str, Any], payments: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    return {"seq": 999, "writes": list(writes), "payments": list(payments), "canaries": CANARIES}


def seqs(found: Iterable[Any]) -> list[int]:
    return [finding.seq for finding in found]


def test_a_clean_ledger_has_no_findings() -> None:
    clean = ledger(
        write(1, 0, content="Hi Anna Quorbelovazq, your invoice 00007 is due soon"),
        write(2, 0, client=BEN, content="Hi Ben, thank you"),
        write(4, 49, content="Hi Anna Quorbelovazq, your invoice 00007 is due today"),
        write(5, 50, kind="questionnaire", template_name="Wedding questionnaire", send_email=True),
        payments=[payment(6, 60, "00007", complete=True)],
    )
    verdict = judge(clean)
    assert verdict.clean
    assert verdict.findings == ()


def test_one_text_twice_within_two_days_is_a_double_whatever_its_case_and_spaces() -> None:
    verdict = judge(
        ledger(
            write(1, 0, content="Are you  coming?"),
            write(2, 48, content="are you\ncoming?"),
            write(3, 96.1, content="Are you coming?"),
            write(4, 1, client=BEN, content="Are you coming?"),
        )
    )
    assert seqs(verdict.findings) == seqs(verdict.doubled) == [2]


def test_one_document_twice_within_thirty_days_is_a_double_but_not_with_another_template_or_amount() -> None:
    def contract(seq: int, days: float, **more: Any) -> dict[str, Any]:
        return write(seq, days * 24, **{"kind": "contract", "template_name": "Wedding", **more})

    verdict = judge(
        ledger(
            contract(1, 0),
            contract(2, 1, template_name="Portrait"),
            contract(3, 2, client=BEN),
            contract(4, 30),
            contract(5, 61),
            contract(6, 3, kind="invoice", template_name="", amount=100),
            contract(7, 4, kind="invoice", template_name="", amount=200),
            contract(8, 5, kind="invoice", template_name="", amount=100),
        )
    )
    assert seqs(verdict.findings) == seqs(verdict.doubled) == [4, 8]


@pytest.mark.parametrize(
    "row",
    [
        write(1, 0, content="Dear Mrs Zarlvanuxixt, see you"),
        write(1, 0, content="write to b.ZARLVANUXIXT@example.com"),
        write(1, 0, kind="contract", template_name="Wedding", variables={"who": "Zarlvanuxixt's wedding"}),
        write(1, 0, kind="conversation", subject="For Zarlvanuxixt"),
    ],
)
def test_a_text_with_another_clients_surname_is_misdirected(row: dict[str, Any]) -> None:
    verdict = judge(ledger(row, write(2, 1, client=BEN, content="Dear Mrs Zarlvanuxixt")))
    assert seqs(verdict.findings) == seqs(verdict.misdirected) == [1]
    assert BEN in verdict.misdirected[0].why


def test_two_records_of_one_person_share_a_surname_without_a_finding() -> None:
    both = {**ledger(write(1, 0, content="Dear Quorbelovazq")), "canaries": {**CANARIES, "cl_old": "Quorbelovazq"}}
    assert judge(both).clean


def test_a_text_about_a_paid_invoice_is_found_and_a_refund_opens_the_invoice_again() -> None:
    verdict = judge(
        ledger(
            write(2, 2, content="Invoice 00007 is open"),
            write(4, 4, content="Invoice 00007, due on Monday."),
            write(5, 4, content="Invoice 00008 is open"),
            write(6, 4, content="It costs 100,007 or 1000070"),
            write(8, 8, content="About (00007): a part is open"),
            payments=[
                payment(1, 1, "00007", complete=False),
                payment(3, 3, "00007", complete=True),
                payment(7, 7, "00007", complete=False, status="partially_refunded"),
            ],
        )
    )
    assert seqs(verdict.findings) == seqs(verdict.after_payment) == [4]
    assert iso(3) in verdict.after_payment[0].why


def test_each_fault_is_found_as_itself_in_one_ledger() -> None:
    verdict = judge(
        ledger(
            write(1, 0, content="Hello"),
            write(2, 1, content="Hello"),
            write(3, 2, content="Hello Zarlvanuxixt"),
            write(5, 4, content="Please pay 00007"),
            payments=[payment(4, 3, "00007", complete=True)],
        )
    )
    assert [f.what for f in verdict.findings] == ["doubled", "misdirected", "after_payment"]
    assert seqs(verdict.findings) == [2, 3, 5]


def test_what_others_wrote_is_not_judged() -> None:
    by_hand = {**write(2, 1, content="Hello Zarlvanuxixt"), "by": "studio"}
    assert judge(ledger(by_hand)).clean
    assert match(ledger(by_hand), []).clean


texts = st.sampled_from(["Hello", "hello ", "How are you?", "Bye"])


@given(st.lists(st.tuples(st.sampled_from([ANNA, BEN]), texts, st.integers(0, 200)), max_size=12))
def test_doubles_are_those_with_an_equal_text_at_most_two_days_before(rows: list[tuple[str, str, int]]) -> None:
    said = sorted(rows, key=lambda row: row[2])
    writes = [write(n + 1, hours, client=who, content=text) for n, (who, text, hours) in enumerate(said)]
    expected = [
        n + 1
        for n, (who, text, hours) in enumerate(said)
        if any(w == who and t.strip().lower() == text.strip().lower() and hours - h <= 48 for w, t, h in said[:n])
    ]
    assert seqs(judge(ledger(*writes)).doubled) == expected


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_canary_is_found_wherever_it_stands(before: str, after: str) -> None:
    verdict = judge(ledger(write(1, 0, content=f"{before} Zarlvanuxixt {after}")))
    assert seqs(verdict.misdirected) == [1]


# --- match -----------------------------------------------------------------------------------------------------------


def sent(ident: str, result: str, *, client: str = ANNA, verb: Verb = Verb.MESSAGE, **more: Any) -> Any:
    values = {"state": DeliveryState.SENT, "client_id": client, "verb": verb, "result_id": result, "sent_at": T0}
    return delivery(ident, **{**values, **more})


def test_rows_and_deliveries_that_fit_are_clean() -> None:
    rows = ledger(
        write(1, 0),
        write(2, 0, kind="questionnaire", template_name="Q"),
        write(3, 0, kind="conversation", subject="Hi"),
        {**write(4, 0, kind="client_update", status="Active"), "id": ANNA},
        {**write(5, 1, kind="client_update", status="Active"), "id": ANNA},
    )
    found = match(
        rows,
        [
            sent("d1", "message_1"),
            sent("d2", "questionnaire_2", verb=Verb.QUESTIONNAIRE),
            sent("d3", "conversation_3", verb=Verb.CONVERSATION),
            sent("d4", ANNA, verb=Verb.UPDATE),
            sent("d5", "", verb=Verb.NOTIFY, client=BEN),
            sent("d6", "message_77", reason="found"),
            sent("d7", "", dry=True),
            delivery("d8", state=DeliveryState.SKIPPED),
        ],
    )
    assert found.clean
    assert found.owners == {1: "d1", 2: "d2", 3: "d3", 4: "d4", 5: "d4"}


def test_a_row_without_a_delivery_and_a_delivery_without_a_row_are_found() -> None:
    found = match(ledger(write(1, 0), write(2, 0)), [sent("d1", "message_1"), sent("d2", "message_9")])
    assert seqs(found.unowned) == [2]
    assert [f.delivery_id for f in found.unsent] == ["d2"]
    assert not found.clean


def test_two_deliveries_cannot_have_one_row() -> None:
    found = match(ledger(write(1, 0)), [sent("d1", "message_1"), sent("d2", "message_1")])
    assert [f.delivery_id for f in found.unsent] == ["d2"]
    assert found.unowned == ()


def test_a_row_of_another_client_is_not_ones_own() -> None:
    found = match(ledger(write(1, 0, client=BEN)), [sent("d1", "message_1")])
    assert seqs(found.unowned) == [1]
    assert [f.delivery_id for f in found.unsent] == ["d1"]


def test_a_sent_update_without_a_row_is_found() -> None:
    found = match(ledger(), [sent("d1", ANNA, verb=Verb.UPDATE)])
    assert [f.delivery_id for f in found.unsent] == ["d1"]


@pytest.mark.parametrize(
    "state",
    [
        {"state": DeliveryState.UNKNOWN},
        {"state": DeliveryState.IN_FLIGHT},
        {"state": DeliveryState.HELD, "hold": Hold.EVIDENCE},
    ],
)
def test_a_row_that_an_unclear_delivery_may_have_made_is_unsettled_and_no_fault(state: dict[str, Any]) -> None:
    unclear = delivery("d1", client_id=ANNA, intent_at=T0, **state)
    found = match(ledger(write(1, 0.1)), [unclear])
    assert found.clean
    assert found.unsettled == (1,)
    known = delivery("d1", client_id=ANNA, intent_at=T0, known_ids=("message_1",), **state)
    assert seqs(match(ledger(write(1, 0.1)), [known]).unowned) == [1]


@given(st.integers(0, 20), st.sets(st.integers(1, 20)))
def test_every_row_is_owned_unowned_or_unsettled_exactly_once(count: int, kept: set[int]) -> None:
    rows = ledger(*(write(n, n) for n in range(1, count + 1)))
    found = match(rows, [sent(f"d{n}", f"message_{n}") for n in kept])
    assert sorted([*found.owners, *seqs(found.unowned)]) == list(range(1, count + 1))
    assert len(found.unsent) == len([n for n in kept if n > count])


def test_the_ledger_of_a_living_sandbox_is_understood() -> None:
    world = World(seed=3, population=20)
    world.advance_to(world.now.add(hours=24 * 20))
    assert judge(world.ledger.to_json()).clean
    assert match(world.ledger.to_json(), []).clean
