"""Fortnights of a studio with three hundred clients, in three zones, over changes of the clock, leap days and restarts.

The starter's rules look after a studio that lives by itself; what had to happen is worked out by `chaos.due`.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from unittest import mock
from zoneinfo import ZoneInfo

from whenever import Date, Instant, Time

from chaos import due
from chaos.accounts import OPEN, account_of
from chaos.campaign import Campaign, Result
from chaos.kill import ground
from chaos.stage import Kill, Stage, alone
from selftimer import wiring
from selftimer.sandbox.profile import StudioProfile
from selftimer.sandbox.world import World
from selftimer.settings import FILE, Settings
from selftimer.simulation import oracles
from selftimer.simulation.owner import ScriptedOwner
from selftimer.simulation.workspace import copy_starter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selftimer.rulebook.model import Rulebook

DAYS = 14
CLIENTS = 300
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney")
STARTS = (
    Date(2026, 3, 2),  # America's clocks go forward on the 8th
    Date(2026, 3, 22),  # Europe's on the 29th
    Date(2026, 3, 29),  # Australia's go back on 5 April
    Date(2026, 9, 27),  # and forward on 4 October
    Date(2026, 10, 18),  # Europe's go back on the 25th
    Date(2026, 10, 26),  # America's on 1 November
    Date(2028, 2, 21),  # a leap day
    Date(2026, 12, 24),  # holidays, and another year
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """A time in which a service lived."""

    born: Instant
    died: Instant


@cache
def workspace(zone: str) -> tuple[Settings, Rulebook]:
    """The starter's, for a studio in that zone."""
    with tempfile.TemporaryDirectory(prefix="selftimer-chaos-") as folder:
        place = Path(folder) / "workspace"
        copy_starter(place)
        toml = (place / FILE).read_text("utf-8")
        (place / FILE).write_text(toml.replace('"Europe/Berlin"', f'"{zone}"'), "utf-8")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SELFTIMER_")}
        with mock.patch.dict(os.environ, clean, clear=True):
            settings = Settings.load(place)
        book = wiring.load_rules(settings).rulebook
    assert book is not None
    return settings, book


@contextmanager
def told_in(zone: str) -> Iterator[None]:
    """Days and hours of `chaos.due` are of that zone."""
    token = due.ZONE.set(ZoneInfo(zone))
    try:
        yield
    finally:
        due.ZONE.reset(token)


async def live(seed: int, random: Random, zone: str, start: Date) -> tuple[Stage, list[Lived]]:
    """A fortnight, with a few deaths at any boundary."""
    settings, book = workspace(zone)
    begins = start.at(Time(8)).assume_tz(zone, disambiguation="compatible").to_instant()
    world = World(seed=seed, start=begins, population=CLIENTS, profile=StudioProfile(zone=zone))
    stage = Stage(
        ground=ground(),
        world=world,
        book=book,
        settings=settings,
        seed=seed,
        others=lambda store: [ScriptedOwner(store)],
    )
    lives: list[Lived] = []
    async with stage:
        await stage.until(begins.add(hours=1))
        born = begins
        for day in range(1, DAYS + 1):
            if random.random() < 0.4:
                stage.kills = [Kill(at=random.randrange(1_500), down=random.choice((0.0, 120.0, 7_200.0)))]
                stage.arm()
            deaths = len(stage.deaths)
            ends = begins.add(hours=24 * day)
            await stage.until(ends)
            stage.kills.clear()
            stage.arm()
            if len(stage.deaths) > deaths:  # when is not known to the minute: that day counts as not lived
                lives.append(Lived(born=born, died=begins.add(hours=24 * (day - 1))))
                born = ends
        lives.append(Lived(born=born, died=world.now))
        await stage.until(world.now.add(hours=2))
    return stage, lives


def run(seed: int) -> Result:
    """One fortnight."""
    random = Random(f"life {seed}")
    zone, start = ZONES[seed % len(ZONES)], STARTS[seed % len(STARTS)]
    if seed >= len(ZONES) * len(STARTS):
        start = Date(2026, 1, 1).add(days=random.randrange(1_000))
    with told_in(zone):
        stage, lives = alone(live(seed, random, zone, start))
        wild = account_of(stage)
        verdict, match = oracles.judge(wild.ledger), oracles.match(wild.ledger, wild.deliveries)
        findings = (*verdict.findings, *match.unowned, *match.unsent)
        found = [f"{zone} from {start}: {one.what}: {one.why}" for one in findings]
        book = due.Book.read(stage.ground.path, stage.world.now)
        found += [f"{zone} from {start}: {said}" for said in due.due_accounted(stage.world, book, lives, wild.ledger)]
        wanted = sum(one.sure for one in due.everything_due(stage.world, book))
    now = stage.world.now
    found += [
        f"{zone} from {start}: unsettled: {one.verb.value} is {one.state.value} since {one.due_at}: {one.reason}"
        for one in wild.deliveries
        if one.state in OPEN and one.due_at < now.subtract(hours=2)
    ]
    met = Counter({"effects": sum(wild.rows.values()), "surely due": wanted, "deaths": len(stage.deaths)})
    return Result(seed=seed, count=DAYS, violations=tuple(found), trace=stage.trace, notes=dict(met))


CAMPAIGN = Campaign(
    name="life",
    title="a studio of 300 clients in three zones: changes of the clock, a leap day, expiries, restarts",
    unit="days",
    run=run,
    each=DAYS,
    counts={"quick": 14, "night": 730, "release": 3_650},
    minutes={"quick": 0.5, "night": 8, "release": 55},
)
