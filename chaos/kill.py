"""Killed at every boundary of every action: twice, or time after time, with and without faults of the studio.

Odd seeds go through all boundaries of a story one by one, each with a second death at any boundary of the life that
follows. Even seeds let one story be interrupted again and again, and some of its writes meet a fault of the studio too.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from chaos.accounts import account_of, violations
from chaos.campaign import Campaign, Result
from chaos.cases import Played, run_cases, without_one
from chaos.stage import Kill, Stage, alone
from chaos.stories import STORIES, book_of, call_of, settings, story_named, world
from selftimer.ruletests.stage import Ground

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chaos.accounts import Account
    from chaos.cases import Case
    from chaos.stories import Story

CHAIN = 8
"""Deaths of one story that is interrupted again and again."""
PAIRS = 4
"""Boundaries that an odd seed goes through, each with two deaths."""
SPREAD = 60
"""How many boundaries a life of a chain lasts at most: a send takes about twenty."""
WRITES = r"/(conversation_messages|conversations|invoices|contracts|questionnaires|quotes|coupons|clients)(/|$)"
LOST: tuple[Mapping[str, Any], ...] = (
    {"kind": "drop_after"},
    {"kind": "late_apply", "seconds": 3.0},
    {"kind": "late_apply", "seconds": 50.0},
    {"kind": "late_apply", "seconds": 110.0},
    {"kind": "status", "status": 503, "commit": True},
    {"kind": "html200", "commit": True},
    {"kind": "bad_json"},
    {"kind": "half_page"},
    {"kind": "drop_before"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 429, "headers": {"retry-after": "5"}},
)
"""What a write of the service can meet; whether it was carried out can't be known of most."""


def a_fault(random: Random) -> Mapping[str, Any]:
    """One of them, for one of the first writes or a few in a row."""
    return {**random.choice(LOST), "skip": random.choice((0, 0, 1, 2)), "times": random.choice((1, 1, 2))}


async def live(
    story: Story, ground: Ground, kills: Sequence[Kill] = (), fault: Mapping[str, Any] | None = None
) -> tuple[Stage, int]:
    """Live the story through with those deaths; the stage as it is then, and how many boundaries were passed."""
    stage = Stage(
        ground=ground, world=world(1), book=book_of(story.rules), settings=settings(), seed=1, kills=list(kills)
    )
    async with stage:
        await stage.until(stage.world.now.add(minutes=10))
        if fault is not None:
            stage.fault(method="POST", path=WRITES, **fault)
        story.happens(stage)
        await tell_calls(stage, story)
        stage.arm()
        ends = stage.world.now.add(hours=story.hours)
        await stage.until(ends)
        passed = len(stage.boundaries.passed)
        stage.kills.clear()
        stage.arm()
        await stage.until(ends.add(hours=2))
    return stage, passed


async def tell_calls(stage: Stage, story: Story) -> None:
    """What a form brings is kept before it is answered; who got no answer sends it again when this is called again."""
    for name, email in story.calls:
        await stage.receive(call_of(stage, name, email))


@cache
def ground() -> Ground:
    """One database for all stories of this process."""
    return Ground()


@cache
def calm(story: Story) -> tuple[Account, int]:
    """What the story comes to where nothing goes wrong, and how many boundaries it passes."""
    stage, passed = alone(live(story, ground()))
    return account_of(stage), passed


def cases(seed: int) -> list[Case]:
    """A few lives of one story: odd seeds pairs of deaths, even ones a chain."""
    random = Random(f"kill {seed}")
    story = STORIES[seed // 2 % len(STORIES)]
    if not seed % 2:
        kills = [[random.randrange(SPREAD), _down(random)] for _ in range(CHAIN)]
        return [{"story": story.name, "kills": kills, "fault": a_fault(random) if random.random() < 0.75 else None}]
    return list(_pairs(story, seed // 2 // len(STORIES), random))


def _pairs(story: Story, block: int, random: Random) -> Iterator[Case]:
    """The next boundaries of the story; after the last one any of them, with a fault."""
    _, boundaries = calm(story)
    for number in range(block * PAIRS, (block + 1) * PAIRS):
        kills = [[number % boundaries, _down(random)], [random.randrange(SPREAD * 2), _down(random)]]
        yield {"story": story.name, "kills": kills, "fault": a_fault(random) if number >= boundaries else None}


def play(case: Case) -> Played:
    """One life after the other: `kills` are pairs of a boundary's number and the seconds until the next start."""
    story = story_named(case["story"])
    measure, _ = calm(story)
    kills = [Kill(at=at, down=down) for at, down in case["kills"]]
    stage, _ = alone(live(story, ground(), kills, case["fault"]))
    wild = account_of(stage)
    met = Counter(death.partition(".")[0] for death in stage.deaths)
    met["asked the owner"] = sum(key.startswith("outcome:") for key in wild.told)
    found = violations(measure, wild, stage.world.now)
    return Played(count=len(stage.deaths), violations=found, trace=stage.trace, notes=met)


def simpler(case: Case) -> Iterator[Case]:
    """Without the fault, with fewer deaths, up again at once."""
    if case["fault"] is not None:
        yield {**case, "fault": None}
    for kills in without_one(case["kills"]):
        yield {**case, "kills": kills}
    if any(down for _, down in case["kills"]):
        yield {**case, "kills": [[at, 0.0] for at, _ in case["kills"]]}


def run(seed: int) -> Result:
    """One seed."""
    return run_cases(seed, cases(seed), play)


def _down(random: Random) -> float:
    """Mostly up again at once, as a supervisor does it; now and then for an hour."""
    return random.choice((0.0, 0.0, round(random.uniform(0, 120), 1), round(random.uniform(0, 3_600), 1)))


CAMPAIGN = Campaign(
    name="kill",
    title="killed at every boundary of database, HTTP and journal by every action, in pairs, in recovery too",
    unit="kills",
    run=run,
    each=8,
    counts={"quick": 2_000, "night": 20_000, "release": 100_000},
    minutes={"quick": 0.8, "night": 7, "release": 60},
)
