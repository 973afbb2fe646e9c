"""Runs, timers and deliveries: the rows that carry what was decided, each with an absolute due time."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.facts.records import Kind


class TimerState(StrEnum):
    """A moment's life: waiting for its time, open until its window closes, or over."""

    PENDING = "pending"
    OPEN = "open"
    DONE = "done"
    LAPSED = "lapsed"
    SKIPPED = "skipped"
    MOVED = "moved"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One moment of one rule entry for one record. One row each: a moved date replaces it.

    The calendar's own tick is about no record (`kind` None, `subject_id` ''); with `for_each` it makes one more for
    each record that it nominates.
    """

    rule_id: str
    entry_id: str
    kind: Kind | None
    subject_id: str
    client_id: str | None
    occurrence: str
    """The anchor's local date, the tick's local time, the unanswered message: what makes it the same (11, 13)."""
    due_at: Instant
    closes_at: Instant
    state: TimerState = TimerState.PENDING
    reason: str | None = None


class RunState(StrEnum):
    """`active`: its delivery is under way; `waiting`: until `wake_at`; `held`: in doubt, and late after `wake_at`."""

    ACTIVE = "active"
    WAITING = "waiting"
    HELD = "held"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One rule entry at work for one occurrence; pinned to the rule's version."""

    id: str
    rule_id: str
    rule_version: str
    entry_id: str
    subject_kind: Kind | None
    """None, with an empty `subject_id`, where it is about no record: the calendar without `for_each`."""
    subject_id: str
    client_id: str | None
    occurrence: str
    state: RunState
    pc: int
    """The instruction of the entry's program that is next or under way."""
    start_at: Instant
    begun_at: Instant
    wake_at: Instant | None = None
    reached_at: Instant | None = None
    """When the instruction at `pc` was reached, for `wait:` and `late:`."""
    event_id: int | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Step id to (kind, id) of what it made."""
    repeat_key: str | None = None
    """The value of `repeat: … per`, normalised, so that the next occurrence finds this one."""
    depth: int = 0
    """How many of our own creations led here; the third ends the chain (20)."""
    dry: bool = False
    effects: int = 0
    """How many effects reached a client: a moved moment ends only a run without any."""
    reason: str | None = None
    ended_at: Instant | None = None


class DeliveryState(StrEnum):
    """delivery.md §1. `held` says in `hold` what for; the last four are final."""

    HELD = "held"
    READY = "ready"
    IN_FLIGHT = "in_flight"
    UNKNOWN = "unknown"
    SENT = "sent"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    FAILED = "failed"


FINAL = frozenset({DeliveryState.SENT, DeliveryState.SKIPPED, DeliveryState.CANCELLED, DeliveryState.FAILED})


class Hold(StrEnum):
    """What a held delivery waits for."""

    APPROVAL = "approval"
    """The owner's yes."""
    EVIDENCE = "evidence"
    """It can't be settled whether it was sent; the owner chooses: it was sent, send it, drop it."""
    CONDITION = "condition"
    """A condition is unknown on fresh data; judged again at each poll, and `late` runs."""
    WORDS = "words"
    """A word is missing and has no fallback; rendered again at each poll, and `late` runs."""
    CONVERSATION = "conversation"
    """The client has no conversation and none could be made."""
    FLOOD = "flood"
    """More effects at once than the limit, or a first look after something odd: the owner confirms the lot."""
    FAULT = "fault"
    """Selftimer trips over it again and again: the owner looks at the log, then says try again, or drop it."""


class Verb(StrEnum):
    """What a delivery does outside."""

    MESSAGE = "message"
    INVOICE = "invoice"
    QUOTE = "quote"
    CONTRACT = "contract"
    QUESTIONNAIRE = "questionnaire"
    COUPON = "coupon"
    LEAD = "lead"
    WEBHOOK = "webhook"
    UPDATE = "update"
    NOTIFY = "notify"
    CONVERSATION = "conversation"
    """A thread for a client who has none yet: an effect of its own (delivery.md §1.7)."""


DOCUMENTS = frozenset({Verb.INVOICE, Verb.QUOTE, Verb.CONTRACT, Verb.QUESTIONNAIRE})
REACHES_CLIENT = DOCUMENTS | {Verb.MESSAGE}
"""What a client gets to see: quiet hours and caps are for these."""
SPREADS = REACHES_CLIENT | {Verb.LEAD}
"""What is held where it is too much at once: what a client gets to see, and people who are entered in the studio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One effect, at most once per `key` (delivery.md §1)."""

    id: str
    key: str
    run_id: str
    rule_id: str
    rule_version: str
    entry_id: str
    step_id: str
    verb: Verb
    purpose: str
    client_id: str | None
    subject_kind: Kind | None
    subject_id: str
    occurrence: str
    state: DeliveryState
    planned_at: Instant
    due_at: Instant
    """When it may next be tried; for `unknown` the next look, for `held` when the hold ends by itself."""
    allowed_at: Instant
    """Since when it was allowed to happen: nights and approval move it, caps and downtime don't."""
    late_until: Instant
    hold: Hold | None = None
    words: str | None = None
    """The name of its words or template, for people."""
    attempt: int = 0
    epoch: int = 0
    lease_until: Instant | None = None
    text: str | None = None
    """As rendered from the fresh read and stored with the intent; for a document what people are shown."""
    body: Mapping[str, Any] | None = None
    """The exact payload of a document, an update or a message."""
    digest: str | None = None
    conversation_id: str | None = None
    known_ids: tuple[str, ...] = ()
    """Ids that were there before the POST: what is new afterwards may be ours."""
    intent_at: Instant | None = None
    faults: int = 0
    """How often it has tripped over a fault of ours."""
    looks: tuple[str, ...] = ()
    """Instants of the reads that looked for an unknown one (ISO)."""
    applied: bool = False
    """The studio said yes but not under which id: it is looked for, and never sent again."""
    result_id: str | None = None
    result_kind: str | None = None
    reason: str | None = None
    approved_at: Instant | None = None
    approved_text: str | None = None
    edited_text: str | None = None
    """The owner's own wording (`approve --edit`), sent instead of the rendered text."""
    sent_at: Instant | None = None
    dry: bool = False
