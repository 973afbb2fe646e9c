"""The fields that records have in tests, written short: what each may hold, and which a new record can't do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Sort = Literal["text", "word", "moment", "date", "money", "yes_no", "number", "name", "record"]


@dataclass(frozen=True, slots=True)
class Field:
    """`word`: one of `words`; `name`: of this record within the test; `record`: the name of one of kind `kind`."""

    sort: Sort
    words: tuple[str, ...] = ()
    kind: str = ""


_NAME, _TEXT, _MOMENT, _MONEY = Field("name"), Field("text"), Field("moment"), Field("money")
_CLIENT = Field("record", kind="client")


def _status(*words: str) -> Field:
    return Field("word", words)


FIELDS: Mapping[str, Mapping[str, Field]] = {
    "client": {
        "id": _NAME,
        "type": Field("word", ("client", "lead", "other")),
        "status": _status("active", "archived"),
        "email": _TEXT,
        "first_name": _TEXT,
        "last_name": _TEXT,
        "phone": _TEXT,
        "company": _TEXT,
        "job_title": _TEXT,
        "notes": _TEXT,
        "city": _TEXT,
        "country": _TEXT,
        "sample": Field("yes_no"),
        "created_at": _MOMENT,
        "content": _TEXT,
    },
    "session": {
        "id": _NAME,
        "client": _CLIENT,
        "status": _status("inquiry", "pending", "confirmed", "declined", "canceled"),
        "type": _TEXT,
        "start_at": _MOMENT,
        "end_at": _MOMENT,
        "location": _TEXT,
        "created_at": _MOMENT,
        "invoice": Field("record", kind="invoice"),
        "contract": Field("record", kind="contract"),
        "questionnaire": Field("record", kind="questionnaire"),
    },
    "invoice": {
        "id": _NAME,
        "client": _CLIENT,
        "status": _status("draft", "unpaid", "paid", "canceled"),
        "invoice_number": _TEXT,
        "amount": _MONEY,
        "due_date": Field("date"),
        "created_at": _MOMENT,
    },
    "payment": {
        "id": _NAME,
        "invoice": Field("record", kind="invoice"),
        "status": _status("completed", "pending", "failed", "disputed", "refunded", "partially_refunded"),
        "amount": _MONEY,
        "payment_method": _TEXT,
        "created_at": _MOMENT,
    },
    "contract": {
        "id": _NAME,
        "client": _CLIENT,
        "status": _status("draft", "sent", "viewed", "partially_signed", "signed", "expired", "canceled"),
        "template": _TEXT,
        "contract_number": _TEXT,
        "due_date": _MOMENT,
        "created_at": _MOMENT,
        "sent_at": _MOMENT,
    },
    "questionnaire": {
        "id": _NAME,
        "client": _CLIENT,
        "status": _status("draft", "pending", "completed", "expired"),
        "template": _TEXT,
        "due_date": _MOMENT,
        "created_at": _MOMENT,
    },
    "quote": {
        "id": _NAME,
        "client": _CLIENT,
        "status": _status("draft", "sent", "accepted", "declined", "expired"),
        "template": _TEXT,
        "amount": _MONEY,
        "valid_until": _MOMENT,
        "created_at": _MOMENT,
    },
    "message": {
        "id": _NAME,
        "client": _CLIENT,
        "content": _TEXT,
        "by": Field("word", ("client", "studio")),
        "at": _MOMENT,
    },
}
"""Kind of record to its fields; amounts in main units, times those of the studio."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "session": ("client", "start_at"),
    "invoice": ("client",),
    "payment": ("invoice",),
    "contract": ("client",),
    "questionnaire": ("client",),
    "quote": ("client",),
    "message": ("client",),
}
"""What a new record can't do without; all else has a default (docs/guide/testing-rules.md)."""

ONLY_BEFORE: Mapping[str, frozenset[str]] = {
    "session": frozenset({"status"}),
    "payment": frozenset({"status"}),
    "contract": frozenset({"status", "sent_at"}),
    "questionnaire": frozenset({"status"}),
    "quote": frozenset({"status"}),
    "message": frozenset({"by", "at"}),
}
"""Fields of `given` that a line of the diary has no need of: its event says it, or its time."""
ONLY_NEW: Mapping[str, frozenset[str]] = {
    "session": frozenset({"client", "type", "created_at"}),
    "invoice": frozenset({"client", "created_at"}),
    "payment": frozenset({"invoice", "payment_method", "created_at"}),
    "contract": frozenset({"template", "contract_number", "due_date", "created_at"}),
    "questionnaire": frozenset({"template", "due_date", "created_at"}),
    "quote": frozenset({"template", "amount", "valid_until", "created_at"}),
}
"""Fields that nothing changes once the record is there."""

BORN = ("created_at", "sent_at", "at")
"""The fields that say when a record came to be, the first that is there."""

SUCCESSORS = {
    "template_name": "template",
    "session_type": "type",
    "kind": "type",
    "name": "first_name",
    "text": "content",
    "due": "due_date",
    "start": "start_at",
    "end": "end_at",
    "number": "invoice_number",
    "payment_date": "created_at",
    "sender": "by",
}
"""Fields as rules or people call them, with ours."""


def kind_of(event: str) -> str:
    """The kind of record that an event is told with: a lead is a client."""
    kind = event.partition(".")[0]
    return "client" if kind == "lead" else kind


def a(kind: str) -> str:
    """The kind with its article: `an invoice`."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
