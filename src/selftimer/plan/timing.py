"""Nights, lateness and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.primitives.time import local, move

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.plan.policy import Policy, QuietHours
    from selftimer.primitives.time import Span


def in_quiet_hours(at: Instant, quiet: QuietHours | None, zone: str) -> bool:
    """Whether that is the studio's night."""
    if quiet is None or quiet.start == quiet.end:
        return False
    time = at.to_tz(zone).time()
    if quiet.start < quiet.end:
        return quiet.start <= time < quiet.end
    return time >= quiet.start or time < quiet.end


def next_free(at: Instant, quiet: QuietHours | None, zone: str) -> Instant:
    """`at`, or the end of the night that it lies in."""
    if quiet is None or not in_quiet_hours(at, quiet, zone):
        return at
    here = at.to_tz(zone)
    today = local(here.date(), quiet.end, zone).to_instant()
    return today if today > at else local(here.date().add(days=1), quiet.end, zone).to_instant()


def late_until(allowed_at: Instant, late: Span | None, policy: Policy) -> Instant:
    """Until when an effect allowed since `allowed_at` may happen; calendar spans in the studio's zone."""
    return move(allowed_at, late or policy.late, 1, policy.zone)
