"""The world: a studio's records, its clock, and everything that is going to happen, on one heap.

A stepped world moves only when it is told to; between two moves it stands still, whatever the bot does. The same seed
and the same writes of the bot at the same instants give the same story, byte for byte.
"""

from __future__ import annotations

import heapq
import pickle
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.sandbox import life, prehistory
from selftimer.sandbox.clock import Mode, PollGrid, SandboxClock, Step, from_micros, micros
from selftimer.sandbox.ledger import Ledger
from selftimer.sandbox.profile import StudioProfile
from selftimer.sandbox.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.primitives.ids import StudioId
    from selftimer.sandbox.life.person import Person


_LINE = 160
DEFAULT_START = Instant.from_utc(2026, 3, 2, 7)
"""A Monday, 08:00 in Berlin."""


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """Something that is going to happen; sorted by instant, then person, so that ties don't depend on requests."""

    at: int
    person: str
    seq: int
    kind: str = field(compare=False)
    args: tuple[Any, ...] = field(compare=False)


class World:
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
        self.seed = seed
        self.start = start or (Instant.now() if mode == "real" else DEFAULT_START)
        self.end = end
        self.living = living
        self.leads_per_day = leads_per_day
        self.by_hand = by_hand
        self.profile = profile or StudioProfile()
        self.clock = SandboxClock(self.start, mode)
        self.tables = Tables()
        self.ledger = Ledger()
        self.people: dict[str, Person] = {}
        self.version = 0
        self.changed_at: Instant | None = None
        self._heap: list[Happening] = []
        self._seq = 0
        self._ids: dict[str, int] = {}
        prehistory.settle(self, population)

    @classmethod
    def empty(cls, **settings: Any) -> World:
        """A studio with templates and session types and nothing else, where nothing happens by itself."""
        return cls(**{"population": 0, "living": False, **settings})

    @property
    def now(self) -> Instant:
        """The instant that the studio's life has reached."""
        return self.clock.now()

    def random(self, *key: object) -> Random:
        """A random stream of this seed for the key; asked twice, it begins again."""
        return Random("/".join(map(str, (self.seed, *key))))

    def new_id(self, id_type: type[StudioId], *owner: str) -> str:
        """A new id; it depends on whose record it is and how many they have, never on the order of requests."""
        key = "/".join((id_type.prefix, *owner))
        count = self._ids.get(key, 0) + 1
        self._ids[key] = count
        return str(id_type.generate(self.random("id", key, count)))

    def next_number(self, kind: str) -> int:
        """The next running number of a kind, from 1."""
        key = f"number/{kind}"
        self._ids[key] = self._ids.get(key, 0) + 1
        return self._ids[key]

    # What changes -----------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Something that the API shows is different now."""
        self.version += 1
        if self.changed_at is None:
            self.changed_at = self.now

    def tell(self, kind: str, client_id: str, text: str) -> None:
        """Add a line to the story; the first `{name}` stands for the client's name."""
        client = self.tables.clients.get(client_id)
        who = client.name if client else self.profile.owner
        text = " ".join(text.replace("{name}", who, 1).split())
        text = text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
        self.ledger.tell(self.now, self.profile.zone, kind=kind, client_id=client_id, text=text)

    def person_of(self, client_id: str) -> Person | None:
        """Who lives behind a client, if anybody does."""
        client = self.tables.clients.get(client_id)
        return self.people.get(client.person) if client else None

    # What is going to happen ------------------------------------------------------------------------------------

    def at(self, instant: Instant, person: str, kind: str, *args: Any) -> None:
        """Let something happen at `instant`, or now if that has gone by."""
        self._seq += 1
        heapq.heappush(self._heap, Happening(micros(max(instant, self.now)), person, self._seq, kind, args))

    @property
    def next_at(self) -> Instant | None:
        """When the next thing happens, if anything will."""
        return from_micros(self._heap[0].at) if self._heap else None

    def advance_to(self, instant: Instant) -> None:
        """Let life go on until `instant` (the horizon at most); going back does nothing."""
        self._live_until(instant if self.end is None else min(instant, self.end))

    def sync(self) -> None:
        """In real mode, catch up with the machine's clock."""
        if self.clock.mode == "real":
            self.advance_to(Instant.now())

    def step(self, *, due: Instant | None, poll_every: int, until: Instant | None = None) -> Step:
        """Wait as the lock-step loop does: until `due`, or the first whole poll after the world changed.

        Whole polls are multiples of `poll_every` seconds since the world's start; the one meant is later than the
        change. At the horizon changes not yet seen are worth a poll off the grid, as there is no later one. Where
        nothing bounds the wait and nothing is going to happen either, the clock stays where it is.
        """
        grid = PollGrid(self.start, poll_every)
        bound = min((b for b in (due, until, self.end) if b is not None), default=None)
        while True:
            poll_at = self._poll_at(grid)
            stop = min((s for s in (poll_at, bound) if s is not None), default=None)
            if self._heap and (stop is None or self._heap[0].at <= micros(stop)):
                self._happen()
                continue
            if stop is not None:
                self.clock.move_to(stop)
            break
        ended = self.end is not None and self.now >= self.end
        seen = self.changed_at is not None and self.changed_at < self.now
        poll = seen and (ended or grid.at_or_after(self.now) == self.now)
        if poll:
            self.changed_at = None
        return Step(now=self.now, poll=poll, ended=ended)

    def _poll_at(self, grid: PollGrid) -> Instant | None:
        if self.changed_at is None:
            return None
        return max(grid.after(self.changed_at), grid.at_or_after(self.now))

    def _live_until(self, instant: Instant) -> None:
        end = micros(instant)
        while self._heap and self._heap[0].at <= end:
            self._happen()
        self.clock.move_to(instant)

    def _happen(self) -> None:
        event = heapq.heappop(self._heap)
        self.clock.move_to(from_micros(event.at))
        life.happen(self, event.person, event.kind, event.args)

    # Keeping ----------------------------------------------------------------------------------------------------

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
