"""What the lanes share: the ports, the policy, today's rules."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.errors import ClockApart
from selftimer.plan.policy import too_little

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from whenever import Date

    from selftimer.engine.ruleset import RuleSet
    from selftimer.facts.world import StudioFacts
    from selftimer.plan.policy import Policy
    from selftimer.plan.state import Verb
    from selftimer.ports import Channel, Store, StudioApi, Teller
    from selftimer.primitives.clock import Clock


@dataclass(slots=True, kw_only=True)
class Context:
    """Made once by the composition root. Rules that were loaded again wait in `next_rules` until a look begins."""

    studio_id: str
    api: StudioApi
    store: Store
    clock: Clock
    policy: Policy
    facts: StudioFacts
    rules: RuleSet
    channels: Mapping[Verb, Channel]
    dry_channels: Mapping[Verb, Channel]
    is_working_day: Callable[[Date], bool]
    tellers: Sequence[Teller] = ()
    """The ways to the owner that are set."""
    stop_file: Callable[[], str | None]
    """Why nothing may be sent, if the kill switch's file is there."""
    free_space: Callable[[], int | None] = lambda: None
    """Free bytes where the database is; None where nobody knows."""
    next_rules: RuleSet | None = None
    """What becomes `rules` before the next look: in the middle of one, new rules would meet it without a baseline."""
    epoch: int = 0
    token: Callable[[], str] = lambda: secrets.token_hex(10)
    """Something random, for ids; a simulation's repeats itself."""
    crash_point: Callable[[str], None] = lambda _name: None
    """Named places where a test may kill the process; does nothing otherwise."""

    def new_id(self, prefix: str) -> str:
        """A random id, never a counter: a restored backup would use a counter's numbers again."""
        return f"{prefix}_{self.token()}"

    def low_space(self) -> str | None:
        """Why nothing may be sent, if the disk is nearly full."""
        free = self.free_space()
        return None if free is None else too_little(free, self.policy.free_megabytes)

    def clock_apart(self) -> ClockApart | None:
        """The error that the studio's clock and ours are too far apart, if they are (delivery.md §4)."""
        skew = self.api.skew
        return ClockApart(skew) if skew is not None and abs(skew) > self.policy.skew else None
