"""Nights, lateness and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.primitives.time import local, move

if TYPE_CHECKING:
    from whenever import Date, Instant, Time, ZonedDateTime

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
    today = at.to_tz(zone).date()
    ends = [local(today, quiet.end, zone), _second(today, quiet.end, zone), local(today.add(days=1), quiet.end, zone)]
    later = (end.to_instant() for end in ends if end.to_instant() > at)
    return next(end for end in later if not in_quiet_hours(end, quiet, zone))


def _second(date: Date, time: Time, zone: str) -> ZonedDateTime:
    """The later of two equal wall-clock times, where the clocks go back in the night."""
    return date.at(time).assume_tz(zone, disambiguation="later")


def late_until(allowed_at: Instant, late: Span | None, policy: Policy) -> Instant:
    """Until when an effect allowed since `allowed_at` may happen; calendar spans in the studio's zone."""
    return move(allowed_at, late or policy.late, 1, policy.zone)
