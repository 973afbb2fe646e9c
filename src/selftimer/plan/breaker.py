"""The breaker's count: how much trouble there was with effects on clients lately (delivery.md §3). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selftimer.plan.limits import HOUR
from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.plan.policy import Breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What was unclear within the last hour, and how many effects failed for good one after the other."""

    unknown: tuple[Instant, ...] = ()
    failures: int = 0

    def with_outcome(self, state: DeliveryState, now: Instant) -> Trouble:
        """The count after an attempt that left its delivery in that state; one that is tried again says nothing."""
        unknown = tuple(at for at in self.unknown if at > now.subtract(seconds=HOUR))
        match state:
            case DeliveryState.UNKNOWN:
                return replace(self, unknown=(*unknown, now))
            case DeliveryState.FAILED:
                return Trouble(unknown=unknown, failures=self.failures + 1)
            case DeliveryState.SENT:
                return Trouble(unknown=unknown, failures=0)
            case _:
                return replace(self, unknown=unknown)

    def too_much(self, limits: Breaker) -> str | None:
        """Why nothing may be sent any more, if so."""
        if len(self.unknown) >= limits.unknown_per_hour:
            return f"{len(self.unknown)} outcomes within an hour are unclear"
        if self.failures >= limits.failures_in_row:
            return f"{self.failures} failures in a row"
        return None
