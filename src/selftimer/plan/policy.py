"""What the owner has set: quiet hours, caps, cadence, settle windows. Made from settings, passed as a value.

Figures marked G in delivery.md are guesses to tune; their defaults stand here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selftimer.primitives.time import Span

if TYPE_CHECKING:
    from whenever import Time


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end` local time, over midnight if `end` is earlier; equal means none."""

    start: Time
    end: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """At most so many effects on clients (delivery.md §3)."""

    rule_per_hour: int = 30
    rule_per_day: int = 60
    studio_per_hour: int = 60
    studio_per_day: int = 200
    client_per_day: int = 4
    marketing_per_day: int = 1
    marketing_per_week: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """How many effects on clients may be planned at one instant before they are held for the owner (delivery.md §3)."""

    by_events: int = 10
    """Of one rule, by events."""
    by_moments: int = 50
    """Of one rule, by due dates: a day of mini-sessions is legitimate."""
    in_all: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """After how much trouble nothing is sent any more until a person says so (delivery.md §3)."""

    unknown_per_hour: int = 3
    """Outcomes that are unclear."""
    failures_in_row: int = 5
    """Effects on clients that failed for good, without one that arrived between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often is read what (DESIGN.md, Polling), in seconds."""

    signals: int = 60
    page_one: int = 300
    open_pages: int = 1_800
    full: int = 21_600


def too_little(free: int, megabytes: int) -> str | None:
    """Why nothing may be sent with so many free bytes, if so: what is sent has to be written down (delivery.md §5)."""
    if free >= megabytes * 1_000_000:
        return None
    return f"only {free // 1_000_000} MB are free where the database is, and {megabytes} are needed to send"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The owner's settings as the pure floors need them."""

    zone: str
    quiet_hours: QuietHours | None = None
    caps: Caps = field(default_factory=Caps)
    cadence: Cadence = field(default_factory=Cadence)
    flood: Flood = field(default_factory=Flood)
    breaker: Breaker = field(default_factory=Breaker)
    late: Span = field(default_factory=lambda: Span(24, "hours"))
    """How late an effect may still happen where neither step nor rule says."""
    approval_days: int = 7
    """An approval not given in so many days is a no."""
    settle_message: int = 120
    """Seconds after which an unclear message is looked for."""
    settle_document: int = 600
    look_gap: int = 60
    """Seconds between the two looks."""
    skew: int = 120
    """Seconds that the studio's clock may differ from ours before everything is held."""
    fresh_for: int = 5
    """Seconds that a read may be old at the POST."""
    away_hours: int = 24
    """After a longer time without a service what the first look yields is held for the owner."""
    jump: int = 60
    """Seconds that the wall clock may run apart from the monotonic one between two looks; more is a jump."""
    free_megabytes: int = 200
    """With less free space where the database is nothing is sent."""
    fault_tries: int = 5
    """How often a delivery may trip over a fault of ours before it is held."""
    lease: int = 300
    event_expiry_hours: int = 24
    keep_traces_days: int = 180
    parked_report: int = 3_600
    concurrency: int = 10
    """Deliveries in flight at once, each to another client."""
    attempts: int = 6
    """Tries of an effect that provably didn't reach the studio, before it fails."""
