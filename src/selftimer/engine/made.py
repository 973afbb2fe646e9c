"""What our own deliveries made, known from the studio's answer on: later steps speak of it before a poll sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.facts.openness import is_open
from selftimer.facts.records import Kind, Unreadable, client_id_of, created_at_of
from selftimer.facts.stored import StoredRecord
from selftimer.plan.payloads import coupon_of
from selftimer.plan.state import DOCUMENTS, Verb

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.facts.coupon import Coupon
    from selftimer.facts.records import RawRecord
    from selftimer.plan.state import Delivery, Run
    from selftimer.ports import Tx

UNSEEN = b""
"""The digest of a record that no poll has seen: it equals none, so the next poll finds it, and finds it new."""


def remember(tx: Tx, context: Context, raw: RawRecord, now: Instant) -> None:
    """Keep the record for the world; its events are left to the poll that sees it, as for any other (20)."""
    record = context.api.parse(raw)
    if isinstance(record, Unreadable) or tx.records.get(raw.kind, raw.id) is not None:
        return
    stored = StoredRecord(
        kind=raw.kind,
        id=raw.id,
        digest=UNSEEN,
        raw=raw.raw,
        client_id=client_id_of(record),
        parent_id=None,
        created_at=created_at_of(record),
        first_seen_at=now,
        seen_at=now,
        poll_id=0,
        open=is_open(record, now),
        baseline=False,
    )
    tx.records.put([stored])


def made_by(delivery: Delivery) -> tuple[str, str] | None:
    """(name, id) of what a sent delivery made, as its run keeps it: a document's kind, `lead` or `coupon` (21)."""
    if delivery.verb is Verb.COUPON and delivery.body:
        return Verb.COUPON.value, delivery.result_id or str(delivery.body["code"])
    if delivery.result_id is None or delivery.verb not in DOCUMENTS | {Verb.LEAD}:
        return None
    return delivery.verb.value, delivery.result_id


def records_made(run: Run) -> list[tuple[Kind, str]]:
    """Kind and id of the records that the steps of a run made or found; a coupon is none."""
    kinds = {Verb.LEAD.value: Kind.CLIENT.value}
    return [
        (Kind(kinds.get(name, name)), record_id) for name, record_id in run.made.values() if name != Verb.COUPON.value
    ]


def coupons_made(tx: Tx, context: Context, run: Run) -> dict[str, Coupon]:
    """The coupons of a run by step id, as they were asked for."""
    wanted = {step_id for step_id, (name, _) in run.made.items() if name == Verb.COUPON.value}
    if not wanted:
        return {}
    rows = [row for row in tx.deliveries.of_run(run.id) if row.step_id in wanted and row.verb is Verb.COUPON]
    return {row.step_id: coupon_of(row.body, context.facts) for row in rows if row.body}
