"""The studio itself: its records, its clock, and everything that is going to happen, on one heap.

It moves only when it is told to; between two moves it stands still, whatever the bot does. The same seed and the same
writes of the bot at the same instants give the same story, byte for byte.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.sandbox.clock import Mode, PollGrid, SandboxClock, Step, from_micros, micros
from selftimer.sandbox.ledger import Ledger
from selftimer.sandbox.profile import StudioProfile
from selftimer.sandbox.tables import Tables

if TYPE_CHECKING:
    from selftimer.primitives.ids import StudioId
    from selftimer.sandbox.script import Script

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


class Studio:
    """A studio as its own books know it; the books and the API work on this.

    It knows nobody who lives in it: what falls due and what was done goes to the `script`. `end` is the horizon that
    the clock never passes.
    """

    def __init__(
        self,
        script: Script,
        *,
        seed: int,
        start: Instant | None = None,
        end: Instant | None = None,
        profile: StudioProfile | None = None,
        mode: Mode = "stepped",
    ) -> None:
        self.script = script
        self.seed = seed
        self.start = start or (Instant.now() if mode == "real" else DEFAULT_START)
        self.end = end
        self.profile = profile or StudioProfile()
        self.clock = SandboxClock(self.start, mode)
        self.tables = Tables()
        self.ledger = Ledger()
        self.version = 0
        self.changed_at: Instant | None = None
        self._heap: list[Happening] = []
        self._seq = 0
        self._ids: dict[str, int] = {}

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

    def noticed(self, kind: str, record: Any) -> None:
        """Something was done in the books: whoever the script has listening reacts at once."""
        self.script.noticed(self, kind, record)

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
        self.script.happen(self, event.person, event.kind, event.args)
