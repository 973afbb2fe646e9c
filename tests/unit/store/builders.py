"""Rows for tests: whole and plain, with what a test is about given by name."""

from __future__ import annotations

from typing import Any

from whenever import Instant

from selftimer.facts.records import Kind
from selftimer.facts.stored import Resource, StoredEvent, StoredRecord, TraceRow
from selftimer.plan.state import Delivery, DeliveryState, Run, RunState, Timer, Verb
from selftimer.ports.store import JournalEntry

T0 = Instant.from_utc(2026, 3, 1, 9)


def at(minutes: float) -> Instant:
    """So many minutes after the tests' beginning."""
    return T0.add(seconds=minutes * 60)


def record(ident: str, **given: Any) -> StoredRecord:
    """A client's record."""
    values: dict[str, Any] = {
        "kind": Kind.CLIENT,
        "id": ident,
        "digest": b"first",
        "raw": {"id": ident},
        "client_id": ident,
        "parent_id": None,
        "created_at": T0,
        "first_seen_at": T0,
        "seen_at": T0,
        "poll_id": 1,
        "open": False,
        "baseline": False,
    }
    return StoredRecord(**{**values, **given})


def resource(kind: Kind = Kind.CLIENT, **given: Any) -> Resource:
    """A list that was seen."""
    return Resource(**{"kind": kind, "first_seen_at": T0, **given})


def event(**given: Any) -> StoredEvent:
    """An invoice was paid."""
    values: dict[str, Any] = {
        "id": 0,
        "name": "invoice.paid",
        "kind": Kind.INVOICE,
        "record_id": "in_1",
        "subject_kind": Kind.INVOICE,
        "subject_id": "in_1",
        "client_id": "cl_1",
        "occurrence": "paid",
        "at": T0,
        "seen_at": T0,
        "poll_id": 1,
    }
    return StoredEvent(**{**values, **given})


def trace(**given: Any) -> TraceRow:
    """A rule said no."""
    values: dict[str, Any] = {
        "at": T0,
        "rule_id": "thanks",
        "entry_id": "on",
        "subject_kind": Kind.INVOICE,
        "subject_id": "in_1",
        "client_id": "cl_1",
        "verdict": "no",
        "what": "invoice.paid",
    }
    return TraceRow(**{**values, **given})


def timer(subject: str = "ses_1", **given: Any) -> Timer:
    """A reminder before a session."""
    values: dict[str, Any] = {
        "rule_id": "reminder",
        "entry_id": "before",
        "kind": Kind.SESSION,
        "subject_id": subject,
        "client_id": "cl_1",
        "occurrence": "2026-03-01",
        "due_at": T0,
        "closes_at": at(60),
    }
    return Timer(**{**values, **given})


def run(ident: str, **given: Any) -> Run:
    """A run for a session, waiting."""
    values: dict[str, Any] = {
        "id": ident,
        "rule_id": "reminder",
        "rule_version": "v1",
        "entry_id": "before",
        "subject_kind": Kind.SESSION,
        "subject_id": ident,
        "client_id": "cl_1",
        "occurrence": "2026-03-01",
        "state": RunState.WAITING,
        "pc": 0,
        "start_at": T0,
        "begun_at": T0,
    }
    return Run(**{**values, **given})


def delivery(ident: str, **given: Any) -> Delivery:
    """A message to a client of its own, ready and due."""
    values: dict[str, Any] = {
        "id": ident,
        "key": f"key:{ident}",
        "run_id": "r1",
        "rule_id": "reminder",
        "rule_version": "v1",
        "entry_id": "before",
        "step_id": "1",
        "verb": Verb.MESSAGE,
        "purpose": "service",
        "client_id": f"cl_{ident}",
        "subject_kind": Kind.SESSION,
        "subject_id": "ses_1",
        "occurrence": "2026-03-01",
        "state": DeliveryState.READY,
        "planned_at": T0,
        "due_at": T0,
        "allowed_at": T0,
        "late_until": at(60 * 24),
    }
    return Delivery(**{**values, **given})


def entry(**given: Any) -> JournalEntry:
    """An intent."""
    values: dict[str, Any] = {
        "at": T0,
        "key": "key:d1",
        "delivery_id": "d1",
        "attempt": 1,
        "verb": "message",
        "client_id": "cl_1",
        "digest": "abc",
    }
    return JournalEntry(**{**values, **given})
