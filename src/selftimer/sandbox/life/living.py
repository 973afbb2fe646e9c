"""The studio as its people see it: who they are, and how busy it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.sandbox.studio import Studio

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.sandbox.clock import Mode
    from selftimer.sandbox.life.person import Person
    from selftimer.sandbox.profile import StudioProfile
    from selftimer.sandbox.script import Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How busy the studio is; `by_hand` is how likely the owner answers a lead in person."""

    leads_per_day: float
    by_hand: float


class LivingStudio(Studio):
    """A studio with people around it, by the keys of their dice; `living` where things happen by themselves."""

    def __init__(
        self,
        script: Script,
        pace: Pace,
        *,
        living: bool = True,
        seed: int,
        start: Instant | None = None,
        end: Instant | None = None,
        profile: StudioProfile | None = None,
        mode: Mode = "stepped",
    ) -> None:
        super().__init__(script, seed=seed, start=start, end=end, profile=profile, mode=mode)
        self.pace = pace
        self.living = living
        self.people: dict[str, Person] = {}

    def person_of(self, client_id: str) -> Person | None:
        """Who lives behind a client, if anybody does."""
        client = self.tables.clients.get(client_id)
        return self.people.get(client.person) if client else None
