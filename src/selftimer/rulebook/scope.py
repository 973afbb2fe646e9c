"""The names that a condition or a text can say, bound to records at one instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Date, Instant

    from selftimer.facts.coupon import Coupon
    from selftimer.facts.event import Event
    from selftimer.facts.records import (
        Client,
        Contract,
        Conversation,
        Invoice,
        Message,
        Payment,
        Questionnaire,
        Quote,
        Record,
        Session,
    )
    from selftimer.facts.world import StudioFacts, World


@dataclass(slots=True, kw_only=True)
class Scope:
    """What `client`, `invoice`, `event`, `now` … mean for one run. Absent records are None.

    `start` is the moment the run began (15): a new record's created_at, a moment's due time, else the poll that saw
    the change; at the trigger, where no run exists yet, it is None and `client.contacted` means "ever" (22).
    """

    world: World
    now: Instant
    today: Date
    studio: StudioFacts
    start: Instant | None = None
    client: Client | None = None
    session: Session | None = None
    invoice: Invoice | None = None
    payment: Payment | None = None
    contract: Contract | None = None
    questionnaire: Questionnaire | None = None
    quote: Quote | None = None
    conversation: Conversation | None = None
    message: Message | None = None
    coupon: Coupon | None = None
    """What `create: coupon` made in this run."""
    lead: Client | None = None
    """Whom `create: lead` found or made in this run; the run's own client is `client`."""
    event: Event | None = None
    in_quiet_hours: bool = False
    """Whether the event happened in the studio's quiet hours (`event.in_quiet_hours`)."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The inputs of the automation that runs, by name (`inputs.template`)."""
    steps: Mapping[str, Record | Coupon] = field(default_factory=dict)
    """What steps of this run made, by step id (`steps.<id>`)."""
    lists: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    """The rule's `lists`, each looked up when it is first asked for."""
    unique: str = ""
    """In a coupon's code: a word that is this effect's alone, and the same whenever it is tried."""
