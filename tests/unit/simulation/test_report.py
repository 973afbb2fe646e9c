from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from tests.unit.store.builders import T0, delivery

from selftimer.plan.state import DeliveryState, Hold, Verb
from selftimer.simulation.report import clean, draw_up, show

LEDGER = {
    "seq": 9,
    "payments": [],
    "canaries": {"cl_1": "Quorbelovazq", "cl_2": "Zarlvanuxixt"},
    "writes": [],
}


def row(seq: int, kind: str = "message", **content: Any) -> dict[str, Any]:
    text = content or {"content": f"number {seq}"}
    return {
        "seq": seq,
        "at": "2026-03-01T09:00:00Z",
        "by": "bot",
        "kind": kind,
        "id": f"{kind}_{seq}",
        "client_id": "cl_1",
        "content": text,
    }


def sent(ident: str, result: str, rule: str, verb: Verb = Verb.MESSAGE) -> Any:
    state = {"state": DeliveryState.SENT, "sent_at": T0, "client_id": "cl_1"}
    return delivery(ident, rule_id=rule, verb=verb, result_id=result, **state)


def draw(writes: list[dict[str, Any]], deliveries: list[Any]) -> Any:
    told = {"requests": 1234, "approved": 2, "declined": 1}
    return draw_up({**LEDGER, "writes": writes}, deliveries, days=60, seed=7, wall_seconds=12.345, told=told)


def said(report: Any) -> str:
    file = io.StringIO()
    show(report, Console(file=file, width=200, color_system=None))
    return file.getvalue()


def test_messages_and_documents_are_counted_by_rule_from_the_ledger() -> None:
    report = draw(
        [row(1), row(2), row(3, "contract", template_name="Wedding"), row(4, "client_update", a="b")],
        [
            sent("a", "message_1", "leads"),
            sent("b", "message_2", "money"),
            sent("c", "contract_3", "money", Verb.CONTRACT),
            sent("d", "cl_1", "tags", Verb.UPDATE),
            delivery("h", state=DeliveryState.HELD, hold=Hold.APPROVAL),
        ],
    )
    assert report.clean
    assert report.to_json() == {
        "days": 60,
        "seed": 7,
        "wall_seconds": 12.35,
        "messages": 2,
        "documents": 1,
        "doubled": 0,
        "misdirected": 0,
        "after_payment": 0,
        "unowned": 0,
        "unsent": 0,
        "held": 1,
        "unsettled": 0,
        "approved": 2,
        "declined": 1,
        "requests": 1234,
        "rules": {"leads": {"messages": 1, "documents": 0}, "money": {"messages": 1, "documents": 1}},
        "findings": [],
    }
    shown = said(report)
    assert "0 sent twice" in shown
    assert "2 yes, 1 no; 1 held" in shown
    assert "1,234 requests" in shown


def test_each_finding_is_told_and_a_row_of_nobody_has_a_line_of_its_own() -> None:
    report = draw(
        [row(1, content="Dear Zarlvanuxixt"), row(2)], [sent("a", "message_2", "leads"), sent("b", "gone", "leads")]
    )
    assert not report.clean
    figures = report.to_json()
    assert (figures["misdirected"], figures["unowned"], figures["unsent"]) == (1, 1, 1)
    assert figures["rules"]["(no delivery)"] == {"messages": 1, "documents": 0}
    shown = said(report)
    assert "1 to the wrong client" in shown
    assert "misdirected: 2026-03-01T09:00:00Z client cl_1" in shown
    assert "unsent:" in shown


def test_many_findings_are_told_shortly() -> None:
    report = draw([row(n) for n in range(1, 31)], [])
    assert "and 10 more" in said(report)


def test_an_unclear_write_is_named_without_being_a_fault() -> None:
    unclear = delivery("a", state=DeliveryState.UNKNOWN, client_id="cl_1", intent_at=T0)
    report = draw([row(1)], [unclear])
    assert report.clean
    assert "1 writes are still looked for" in said(report)


def test_a_cleaned_text_is_one_line_without_controls() -> None:
    assert clean("a\x1b[31mb\n\u202ec  d") == "a [31mb c d"
