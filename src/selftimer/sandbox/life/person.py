"""A person behind a client: what they are like, what has happened to them, and their own dice.

A throw of the dice depends on the seed, the person, what it is for and how many such throws came before, and on
nothing else: so neither other people nor the order of requests can change it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from whenever import Instant, Time

from selftimer.primitives.time import local

if TYPE_CHECKING:
    from random import Random

    from selftimer.sandbox.studio import Studio

Payer = Literal["prompt", "on_due", "late", "parts", "never"]
Habit = Literal["prompt", "slow", "never"]
Stage = Literal["lead", "asked", "booked", "done", "lost"]

_PAYERS: tuple[tuple[Payer, float], ...] = (
    ("prompt", 0.4),
    ("on_due", 0.22),
    ("late", 0.2),
    ("parts", 0.1),
    ("never", 0.08),
)
_HABITS: tuple[tuple[Habit, float], ...] = (("prompt", 0.5), ("slow", 0.38), ("never", 0.12))
_NIGHT = (22, 7)
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Person:
    """What one of the sandbox's people is like, and how they stand with the studio."""

    key: str
    client_id: str
    wants: str
    keen: float
    talkative: float
    payer: Payer
    signer: Habit
    filler: Habit
    night_owl: bool
    stage: Stage = "lead"
    annoyed: bool = False
    stopped: bool = False
    heard: list[Instant] = field(default_factory=list)
    throws: dict[str, int] = field(default_factory=dict)

    def dice(self, world: Studio, purpose: str) -> Random:
        """The next throw for that purpose."""
        count = self.throws.get(purpose, 0) + 1
        self.throws[purpose] = count
        return world.random("person", self.key, purpose, count)

    @property
    def silent(self) -> bool:
        """Whether they no longer answer or react to messages."""
        return self.annoyed or self.stopped


def draw_person(world: Studio, key: str, client_id: str, wants: str, *, least_keen: float = 0.0) -> Person:
    """Somebody new, by the dice of their key."""
    random = world.random("temper", key)
    return Person(
        key=key,
        client_id=client_id,
        wants=wants,
        keen=max(least_keen, random.betavariate(1.6, 2.0)),
        talkative=random.betavariate(2.0, 2.2),
        payer=_pick(random, _PAYERS),
        signer=_pick(random, _HABITS),
        filler=_pick(random, _HABITS),
        night_owl=random.random() < 0.15,
    )


def _pick(random: Random, choices: tuple[tuple[T, float], ...]) -> T:
    return random.choices([c for c, _ in choices], [w for _, w in choices])[0]


def some_time(world: Studio, person: Person, random: Random, low: float, high: float) -> Instant:
    """Between `low` and `high` hours from now, when the person is awake; night owls always are."""
    at = after_hours(world, random, low, high)
    if person.night_owl:
        return at
    here = at.to_tz(world.profile.zone)
    if _NIGHT[1] <= here.hour < _NIGHT[0]:
        return at
    day = here.date() if here.hour < _NIGHT[1] else here.date().add(days=1)
    return local(day, Time(7, random.randrange(10, 60), random.randrange(60)), world.profile.zone).to_instant()


def office_time(world: Studio, random: Random, low: float, high: float) -> Instant:
    """Between `low` and `high` hours from now, when the studio is open: 9 to 18, not on Sundays."""
    here = after_hours(world, random, low, high).to_tz(world.profile.zone)
    day = here.date()
    if 9 <= here.hour < 18 and day.day_of_week().value != 7:
        return here.to_instant()
    if here.hour >= 18 or day.day_of_week().value == 7:
        day = day.add(days=1)
    if day.day_of_week().value == 7:
        day = day.add(days=1)
    time = Time(9 + random.randrange(3), random.randrange(60), random.randrange(60))
    return local(day, time, world.profile.zone).to_instant()


def after_hours(world: Studio, random: Random, low: float, high: float) -> Instant:
    """Between `low` and `high` hours from now, to the millisecond."""
    return world.now.add(milliseconds=int(random.uniform(low, high) * 3_600_000))
