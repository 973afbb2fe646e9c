"""The world: a studio with templates on its shelves, a past, and people who live in it. Here it is put together."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from selftimer.sandbox import prehistory
from selftimer.sandbox.life import routine
from selftimer.sandbox.life.cast import PARTS
from selftimer.sandbox.life.living import LivingStudio, Pace
from selftimer.sandbox.script import Script

if TYPE_CHECKING:
    from pathlib import Path

    from whenever import Instant

    from selftimer.sandbox.clock import Mode
    from selftimer.sandbox.profile import StudioProfile


class World(LivingStudio):
    """A studio that lives.

    `population` clients have a past when the world starts; `living=False` gives a studio where nothing happens by
    itself. `end` is the horizon that the clock never passes. `leads_per_day` and `by_hand` (how likely the owner
    answers a lead in person) set the pace.
    """

    def __init__(
        self,
        *,
        seed: int = 7,
        start: Instant | None = None,
        end: Instant | None = None,
        population: int = 60,
        living: bool = True,
        leads_per_day: float = 1.5,
        by_hand: float = 0.35,
        profile: StudioProfile | None = None,
        mode: Mode = "stepped",
    ) -> None:
        pace = Pace(leads_per_day=leads_per_day, by_hand=by_hand)
        super().__init__(
            Script(*PARTS), pace, living=living, seed=seed, start=start, end=end, profile=profile, mode=mode
        )
        prehistory.settle(self, population)
        if living:
            routine.begin(self)

    @classmethod
    def empty(cls, **settings: Any) -> World:
        """A studio with templates and session types and nothing else, where nothing happens by itself."""
        return cls(**{"population": 0, "living": False, **settings})

    def save(self, path: Path) -> None:
        """Write the whole world into a file (a pickle: load only files that you wrote yourself)."""
        partial = path.with_suffix(path.suffix + ".part")
        partial.write_bytes(pickle.dumps(self, protocol=pickle.HIGHEST_PROTOCOL))
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> World:
        """The world that `save` wrote; a pickle can run code, so only a file of your own."""
        world = pickle.loads(path.read_bytes())  # noqa: S301 - a local file of the user's own sandbox, said so above
        if not isinstance(world, World):
            raise TypeError(f"{path} doesn't hold a sandbox world")
        return world
