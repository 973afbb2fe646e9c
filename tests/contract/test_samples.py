"""Payloads written by hand from studio-api.md, not taken from the sandbox: what the client makes of each.

`<kind>-full.json` has every field that is known, `<kind>-minimal.json` the least that is a record, and
`<kind>-drifted.json` changes of the full one, each with what is to come of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from whenever import Date, Instant

from selftimer.facts.records import Invoice, Kind, RawRecord, Record, Unreadable
from selftimer.primitives.money import Money
from selftimer.studio.drift import kinds, shape, unknown_fields
from selftimer.studio.known import PAYLOADS
from selftimer.studio.pages import parse, raw_record
from selftimer.studio.tour_tally import Tally

HERE = Path(__file__).parent / "samples"
SAMPLED = sorted({path.name.rpartition("-")[0] for path in HERE.glob("*-full.json")})
MODELLED = [kind for kind in SAMPLED if kind in set(Kind)]
CL, IN, CO, QU, SET = (
    prefix + sign * 30 for prefix, sign in zip(("cl_", "in_", "co_", "qu_", "set_"), "abfge", strict=True)
)
FULL: dict[str, dict[str, Any]] = {
    "client": {
        "type": "lead",
        "status": "active",
        "email": "anna@example.com",
        "city": "Lund",
        "country": "Sweden",
        "created_at": Instant.from_utc(2025, 8, 6, 14, 50, 42),
        "sample": False,
    },
    "session_type": {"name": "Portrait session", "status": "published", "duration": 60, "timezone": "America/New_York"},
    "session": {
        "client_id": CL,
        "status": "confirmed",
        "start_at": Instant.from_utc(2026, 4, 1, 14),
        "type_id": SET,
        "type_name": "Portrait session",
        "invoice_id": IN,
        "contract_id": CO,
        "questionnaire_id": QU,
    },
    "invoice": {
        "client_id": CL,
        "status": "unpaid",
        "amount": Money(5000, "usd"),
        "due_date": Date(2025, 9, 7),
        "invoice_number": "0042",
    },
    "payment": {"client_id": CL, "invoice_id": IN, "status": "partially_refunded", "amount": Money(5000, "usd")},
    "contract": {
        "client_id": CL,
        "status": "canceled",
        "signed_at": Instant.from_utc(2026, 3, 3, 12),
        "template_name": "Portrait agreement",
    },
    "questionnaire": {"client_id": CL, "status": "completed", "completed_at": Instant.from_utc(2026, 3, 5, 10)},
    "quote": {"client_id": CL, "status": "sent", "amount": Money(280_000, "eur"), "template_name": "Wedding"},
    "conversation": {"client_id": CL, "status": "archived", "unread_count": 2, "subject": "Your inquiry"},
    "message": {"conversation_id": "conv_8f3k2", "sender_type": "client", "content": "Are you free in June?"},
}
MINIMAL: dict[str, dict[str, Any]] = {
    "client": {"type": "client", "status": "active", "email": None, "sample": False},
    "session_type": {"name": "", "status": "published", "duration": None},
    "session": {"status": "inquiry", "client_id": None, "start_at": None},
    "invoice": {"status": "draft", "amount": Money(0, "jpy"), "line_items": (), "due_date": None},
    "payment": {"status": "pending", "amount": Money(1, "usd"), "invoice_id": None},
    "contract": {"status": "draft", "due_date": None, "template_id": None},
    "questionnaire": {"status": "pending", "completed_at": None},
    "quote": {"status": "draft", "amount": None},
    "conversation": {"status": "active", "unread_count": 0, "participants": ()},
    "message": {"sender_type": "system", "content": "", "sent_at": None},
}


def sample(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text("utf-8"))


def read(kind: str, raw: dict[str, Any]) -> Record | Unreadable:
    found = raw_record(Kind(kind), raw)
    return parse(found) if isinstance(found, RawRecord) else found


def differences(kind: str, raw: dict[str, Any]) -> list[str]:
    tally = Tally(kind, "sample")
    tally.add(raw)
    return sorted(f"{one.subject}: {one.what}" for one in tally.findings())


def drifted() -> list[Any]:
    return [
        pytest.param(kind, case, id=f"{kind}: {case['case']}") for kind in SAMPLED for case in sample(f"{kind}-drifted")
    ]


def test_every_kind_that_is_kept_has_its_samples() -> None:
    assert {PAYLOADS.get(kind, kind.value) for kind in Kind} <= set(SAMPLED) <= set(kinds())


@pytest.mark.parametrize("kind", MODELLED)
@pytest.mark.parametrize(("size", "expected"), [("full", FULL), ("minimal", MINIMAL)])
def test_a_payload_is_the_record_that_it_says(kind: str, size: str, expected: dict[str, dict[str, Any]]) -> None:
    record = read(kind, sample(f"{kind}-{size}"))
    assert not isinstance(record, Unreadable), record
    assert {name: getattr(record, name) for name in expected[kind]} == expected[kind]


def test_both_vocabularies_of_invoices_are_the_same_invoice() -> None:
    product, reference = read("invoice", sample("invoice-full")), read("invoice", sample("invoice-reference"))
    assert isinstance(product, Invoice)
    assert product == reference


@pytest.mark.parametrize("kind", SAMPLED)
def test_a_full_payload_has_every_field_that_is_known_and_no_other(kind: str) -> None:
    raw = sample(f"{kind}-full")
    known = shape(kind)
    assert known is not None
    assert differences(kind, raw) == []
    assert {name for name, one in known.fields.items() if one.expected} - {"messages"} <= raw.keys()


@pytest.mark.parametrize("kind", SAMPLED)
def test_a_minimal_payload_only_lacks_something(kind: str) -> None:
    assert {text.partition(": ")[2] for text in differences(kind, sample(f"{kind}-minimal"))} <= {"missing field"}


@pytest.mark.parametrize(("kind", "case"), drifted())
def test_each_drift_has_its_outcome(kind: str, case: dict[str, Any]) -> None:
    raw = sample(f"{kind}-full") | case.get("set", {})
    for name in case.get("remove", ()):
        del raw[name]
    if kind in MODELLED:
        assert ("set aside" if isinstance(read(kind, raw), Unreadable) else "read") == case["outcome"]
        assert bool(unknown_fields(Kind(kind), raw)) == case["case"].startswith("an extra")
    assert differences(kind, raw) == case["differs"]
