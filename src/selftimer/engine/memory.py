"""What the send journal remembers and the database doesn't: merged before anything is sent (delivery.md §5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selftimer.engine.runs import RunDesk
from selftimer.facts.records import Kind
from selftimer.plan.attempt import result_kind
from selftimer.plan.state import DOCUMENTS, FINAL, Delivery, DeliveryState, Hold, Verb
from selftimer.primitives.ids import id_type_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.engine.context import Context
    from selftimer.ports import JournalEntry, Tx

_UNSENT = {DeliveryState.READY.value, DeliveryState.FAILED.value}
"""Outcomes that say that nothing reached the studio."""
_MAYBE = "the send journal knows of an attempt and not of its end: it may have been sent; look in the studio"


@dataclass(frozen=True, slots=True)
class Told:
    """The last attempt of one effect by the journal, and what became of it (`intent` where that isn't known)."""

    intent: JournalEntry
    outcome: JournalEntry


def told(entries: Iterable[JournalEntry]) -> list[Told]:
    """One for each effect that was to leave, in the order of their first attempts; a dry run never leaves."""
    found: dict[str, Told] = {}
    for entry in entries:
        if entry.key.startswith("dry|"):
            continue
        if entry.outcome == "intent":
            found[entry.key] = Told(entry, entry)
        elif entry.key in found:
            found[entry.key] = replace(found[entry.key], outcome=entry)
    return list(found.values())


def forgotten(tx: Tx, lines: Iterable[Told]) -> list[Told]:
    """Those that the database knows nothing of, or fewer attempts: an intent is committed before its line."""
    lost = []
    for line in lines:
        row = tx.deliveries.by_key(line.intent.key)
        if row is None or row.attempt < line.intent.attempt:
            lost.append(line)
    return lost


def merge(tx: Tx, context: Context, lost: Iterable[Told]) -> None:
    """Note them, so that none is sent a second time."""
    for line in lost:
        row = tx.deliveries.by_key(line.intent.key)
        if row is not None:
            _catch_up(tx, context, row, line)
        elif line.outcome.outcome not in _UNSENT:
            tx.deliveries.add(_remembered(line, context.new_id("dlv")))


def _catch_up(tx: Tx, context: Context, row: Delivery, line: Told) -> None:
    """A row of before the send: what was sent is sent; an unclear message is found by its text, others are held."""
    known = replace(row, attempt=line.intent.attempt, intent_at=line.intent.at, lease_until=None)
    expect = [row.state]
    if row.state in FINAL:
        tx.deliveries.update(known, expect=expect)
    elif line.outcome.outcome == DeliveryState.SENT.value:
        sent = replace(
            known,
            state=DeliveryState.SENT,
            hold=None,
            result_id=line.outcome.result_id,
            result_kind=_kind_of(line),
            sent_at=line.outcome.at,
            reason="in the send journal",
        )
        tx.deliveries.update(sent, expect=expect)
        RunDesk(tx, context, context.clock.now()).after_final(sent)
    elif row.verb in DOCUMENTS | {Verb.CONVERSATION} and line.outcome.outcome not in _UNSENT:
        far = context.clock.now().add(hours=24 * 3650)
        held = replace(known, state=DeliveryState.HELD, hold=Hold.EVIDENCE, due_at=far, reason=_MAYBE)
        tx.deliveries.update(held, expect=expect)
    else:
        tx.deliveries.update(known, expect=expect)


def _remembered(line: Told, delivery_id: str) -> Delivery:
    """A row for an effect whose run is forgotten: its key is taken for good."""
    at, sent = line.intent.at, line.outcome.outcome == DeliveryState.SENT.value
    parts = [part.replace("%7C", "|").replace("%40", "@").replace("%25", "%") for part in line.intent.key.split("|")]
    rule_id, subject_id, occurrence, step_id = (*parts[1:], "", "", "", "")[:4]
    entry_id, _, when = occurrence.rpartition("@")
    about = subject_id or line.intent.client_id or ""
    subject = id_type_of(about)
    return Delivery(
        id=delivery_id,
        key=line.intent.key,
        run_id="",
        rule_id=rule_id,
        rule_version="",
        entry_id=entry_id,
        step_id=step_id,
        verb=Verb(line.intent.verb),
        purpose="service",
        client_id=line.intent.client_id,
        subject_kind=Kind(subject.kind) if subject and subject.kind in set(Kind) else None,
        subject_id=about,
        occurrence=when,
        state=DeliveryState.SENT if sent else DeliveryState.CANCELLED,
        planned_at=at,
        due_at=at,
        allowed_at=at,
        late_until=at,
        attempt=line.intent.attempt,
        digest=line.intent.digest,
        intent_at=at,
        sent_at=line.outcome.at if sent else None,
        result_id=line.outcome.result_id if sent else None,
        result_kind=_kind_of(line) if sent else None,
        reason="in the send journal" if sent else _MAYBE,
    )


def _kind_of(line: Told) -> str | None:
    """The kind of what was made, where the journal knows its id."""
    if line.outcome.result_id is None:
        return None
    return result_kind(Verb(line.intent.verb))
