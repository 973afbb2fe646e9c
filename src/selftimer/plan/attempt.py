"""One effect, from attempt to attempt: pure states, as delivery.md §1 has them.

Nothing here sends or reads. The driver in the engine carries out, and asks here what follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from whenever import Instant

from selftimer.plan.state import DOCUMENTS, Delivery, DeliveryState, Hold, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.facts.records import RawRecord
    from selftimer.plan.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The studio applied it, under this id."""

    result_id: str | None
    result_kind: str | None = None
    record: RawRecord | None = None
    """What was made, as the studio answered: known at once, before a poll sees it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentUnnamed:
    """The studio applied it, but its answer didn't say under which id."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """It provably didn't reach the studio, or was refused. `permanent`: the same again would be refused again."""

    reason: str
    permanent: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """What it would make may be there: made lately, and not known to be somebody else's. `ready` if it isn't."""

    ready: Delivery
    ids: tuple[str, ...]
    """Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """It may have happened."""

    reason: str


Outcome = Sent | SentUnnamed | NotSent | Unsure


def settle_window(delivery: Delivery, policy: Policy) -> int:
    """Seconds after the intent before an unclear one is looked for."""
    return policy.settle_document if delivery.verb in DOCUMENTS | {Verb.LEAD} else policy.settle_message


def after_attempt(delivery: Delivery, outcome: Outcome, now: Instant, policy: Policy) -> Delivery:
    """The delivery after its POST was classified."""
    match outcome:
        case Sent(result_id=result_id, result_kind=kind):
            return _sent(delivery, result_id, kind, now, "")
        case NotSent(reason=reason, permanent=True):
            return replace(delivery, state=DeliveryState.FAILED, lease_until=None, reason=reason)
        case NotSent(reason=reason, retry_after=after):
            return _again(delivery, reason, after, now, policy)
        case SentUnnamed(reason=reason):
            return _unknown(delivery, reason, policy, applied=True)
        case Unsure(reason=reason):
            return _unknown(delivery, reason, policy, applied=False)
        case _:
            assert_never(outcome)


def _sent(delivery: Delivery, result_id: str | None, kind: str | None, now: Instant, reason: str) -> Delivery:
    return replace(
        delivery,
        state=DeliveryState.SENT,
        hold=None,
        lease_until=None,
        result_id=result_id,
        result_kind=kind,
        sent_at=now,
        reason=reason or None,
    )


def _again(delivery: Delivery, reason: str, after: float | None, now: Instant, policy: Policy) -> Delivery:
    if delivery.attempt >= policy.attempts and delivery.verb is not Verb.WEBHOOK:
        gave_up = f"{reason}; gave up after {delivery.attempt} attempts"
        return replace(delivery, state=DeliveryState.FAILED, lease_until=None, reason=gave_up)
    wait = max(after or 0.0, min(30.0 * 2 ** (delivery.attempt - 1), 3_600.0))
    return replace(delivery, state=DeliveryState.READY, lease_until=None, due_at=now.add(seconds=wait), reason=reason)


def _unknown(delivery: Delivery, reason: str, policy: Policy, *, applied: bool) -> Delivery:
    since = delivery.intent_at or delivery.due_at
    return replace(
        delivery,
        state=DeliveryState.UNKNOWN,
        lease_until=None,
        due_at=since.add(seconds=settle_window(delivery, policy)),
        looks=(),
        applied=applied,
        reason=reason,
    )


def after_look(delivery: Delivery, found: Sequence[str] | None, now: Instant, policy: Policy) -> Delivery:
    """The delivery after the studio was read for what may be ours; `found` is None where it couldn't be read.

    Found → sent. Not found in two looks a minute apart → a message that wasn't applied is tried once more, and so is a
    lead (its address is looked for again first); a coupon and an update are tried as long as anything is; a document
    is held. More than one candidate → held with the evidence; the owner chooses. A webhook that may have arrived goes
    out again at once: its receiver knows it by its id (delivery.md §1.9).
    """
    if delivery.verb is Verb.WEBHOOK:
        return replace(delivery, state=DeliveryState.READY, lease_until=None, looks=(), due_at=now, reason="once more")
    if found is None:
        if (now - (delivery.intent_at or now)).total("hours") > 24:
            return _evidence(delivery, "the studio couldn't be read for a day to see whether it was sent", now)
        return replace(delivery, lease_until=None, due_at=now.add(seconds=policy.look_gap))
    if len(found) > 1:
        return _evidence(delivery, f"{len(found)} records could be this one: {', '.join(found)}", now)
    if len(found) == 1:
        return _sent(delivery, found[0], result_kind(delivery.verb), now, "found")
    looks = (*delivery.looks, now.format_iso())
    if len(looks) < 2 or (now - Instant.parse_iso(looks[0])).total("seconds") < policy.look_gap:
        return replace(delivery, lease_until=None, looks=looks, due_at=now.add(seconds=policy.look_gap))
    if delivery.verb in {Verb.MESSAGE, Verb.LEAD} and not delivery.applied and delivery.attempt < 2:
        return replace(
            delivery, state=DeliveryState.READY, lease_until=None, looks=(), due_at=now, reason="not found: once more"
        )
    if delivery.verb in {Verb.UPDATE, Verb.COUPON} and delivery.attempt < policy.attempts:
        why = "not as set" if delivery.verb is Verb.UPDATE else "not found: once more"
        return replace(delivery, state=DeliveryState.READY, lease_until=None, looks=(), due_at=now, reason=why)
    return _evidence(delivery, f"{delivery.reason or 'unclear'}; not found in the studio in two looks", now)


def result_kind(verb: Verb) -> str | None:
    """The kind of record that an effect makes or changes; a lead is a client."""
    return {Verb.NOTIFY: None, Verb.WEBHOOK: None, Verb.UPDATE: "client", Verb.LEAD: "client"}.get(verb, verb.value)


def _evidence(delivery: Delivery, why: str, now: Instant) -> Delivery:
    return replace(
        delivery,
        state=DeliveryState.HELD,
        hold=Hold.EVIDENCE,
        lease_until=None,
        due_at=now.add(hours=24 * 3650),
        reason=why,
    )


def given_up(delivery: Delivery, now: Instant) -> Delivery:
    """One over which Selftimer itself tripped too often: held, with the evidence where it may have been sent."""
    if delivery.state is DeliveryState.UNKNOWN:
        return _evidence(delivery, f"a fault in Selftimer, {delivery.faults} times, while it was looked for", now)
    why = f"a fault in Selftimer, {delivery.faults} times; nothing was sent. The log has all of it"
    return replace(_evidence(delivery, why, now), hold=Hold.FAULT)


def orphaned(delivery: Delivery, policy: Policy) -> Delivery:
    """An `in_flight` one whose process died: unknown at once, looked for after its settle window."""
    return _unknown(delivery, "the service stopped while it was being sent", policy, applied=False)
