"""Whether a course of events came to what the calm one came to: each effect once, or the owner knows why not.

The calm course is the measure: what the studio's ledger holds after it had to happen. Afterwards each of its rows must
be there once; one that isn't must have a delivery that waits for the owner, or an end that he was told of.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selftimer.plan.state import DeliveryState, Hold
from selftimer.simulation import oracles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from whenever import Instant

    from chaos.stage import Stage
    from selftimer.plan.state import Delivery

ALL = 100_000
IDEMPOTENT = frozenset({"client_update"})
"""Kinds of rows that may be there again: the same values once more are the same."""
_RUNNING = frozenset({"invoice_number", "changed", "brand_new"})
"""What depends on whose turn came first, or on the studio's drift."""
_NOBODY = "-"
"""Stands for the client of a row that is about none that is known."""
OPEN = frozenset({DeliveryState.READY, DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a course of events left: in the studio by its ledger, and with the owner."""

    rows: Counter[str]
    """What the bot wrote, each row as a text."""
    notes: Counter[str]
    """What rules told the owner."""
    ledger: Mapping[str, Any]
    deliveries: Sequence[Delivery]
    told: frozenset[str] = field(default_factory=frozenset)
    """Keys of all notices to the owner."""


def account_of(stage: Stage) -> Account:
    """Read it from the studio and from the database that the last life left."""
    ledger = stage.world.ledger.to_json()
    with stage.ground.database.engine.connect() as connection:
        notices = connection.exec_driver_sql("SELECT key, subject, text FROM notices").all()
    deliveries = stage.ground.reader.deliveries(limit=ALL)
    return Account(
        rows=Counter(_said(row) for row in oracles.bot_rows(ledger)),
        notes=Counter(f"{subject}: {text}" for key, subject, text in notices if key.startswith("note:")),
        ledger=ledger,
        deliveries=deliveries,
        told=frozenset(key for key, _, _ in notices),
    )


def violations(calm: Account, wild: Account, now: Instant) -> list[str]:
    """What must never happen and did, a sentence each."""
    found = [*_extra(calm, wild), *_missing(calm, wild), *_unsettled(wild, now)]
    verdict, match = oracles.judge(wild.ledger), oracles.match(wild.ledger, wild.deliveries)
    findings = (*verdict.misdirected, *verdict.after_payment, *match.unowned, *match.unsent)
    return [*found, *(f"{finding.what}: {finding.why}" for finding in findings)]


def _extra(calm: Account, wild: Account) -> Iterable[str]:
    for said, count in wild.rows.items():
        kind = said.partition(" ")[0]
        if said not in calm.rows:
            yield f"never wanted: {said}"
        elif count > calm.rows[said] and kind not in IDEMPOTENT:
            yield f"{count} times instead of {calm.rows[said]}: {said}"
    for note, count in wild.notes.items():
        if count > calm.notes[note]:
            yield f"told {count} times instead of {calm.notes[note]}: {note}"


def _missing(calm: Account, wild: Account) -> Iterable[str]:
    """Each must have a delivery that says why; a run that waits for one has the rest of its steps still before it."""
    for said in calm.rows - wild.rows:
        _, client, _ = said.split(" ", 2)
        if not any(_excused(one, client, wild.told) for one in wild.deliveries):
            yield f"lost: {said}"
    for note in calm.notes - wild.notes:
        if not any(_excused(one, one.client_id or "", wild.told) for one in wild.deliveries):
            yield f"lost: the owner was never told: {note}"


def _excused(one: Delivery, client: str, told: frozenset[str]) -> bool:
    """Whether it waits for the owner, who was told, or came to an end of which he was told."""
    if client not in {one.client_id or "", _NOBODY}:
        return False
    if (one.state is DeliveryState.HELD and one.hold is Hold.EVIDENCE) or one.state is DeliveryState.FAILED:
        return f"outcome:{one.id}:{one.attempt}" in told
    return False


def _unsettled(wild: Account, now: Instant) -> Iterable[str]:
    for one in wild.deliveries:
        if one.state in OPEN and one.due_at < now.subtract(minutes=30):
            yield f"unsettled: {one.verb.value} is {one.state.value} since {one.due_at}: {one.reason}"


def _said(row: Mapping[str, Any]) -> str:
    said = {name: value for name, value in row["content"].items() if name not in _RUNNING}
    if row["kind"] in IDEMPOTENT:
        said = {"notes": said.get("notes")}  # a client is put whole, with all that the studio had shown just before
    content = json.dumps(said, sort_keys=True, default=str)
    client = _NOBODY if row["kind"] in {"client", "coupon"} else row["client_id"]
    return f"{row['kind']} {client or _NOBODY} {content}"
