"""Stories over a disk that loses power or fails; in a process with the shim preloaded (`python -m chaos.power`)."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from chaos.accounts import account_of, violations
from chaos.cases import Played, run_cases
from chaos.faults import calm_down, owner_answers
from chaos.kill import calm, tell_calls
from chaos.power.disk import Recorder, after_cut
from chaos.stage import Kill, Stage, alone
from chaos.stories import STORIES, book_of, settings, story_named, world
from selftimer.ruletests.stage import MEMORY
from selftimer.store.engine import open_database
from selftimer.store.reader import SqlReader
from selftimer.wiring import STUDIO

if TYPE_CHECKING:
    from chaos.campaign import Result
    from chaos.cases import Case
    from chaos.stories import Story
    from selftimer.store.engine import Database

CASES = 5
"""Of a seed."""
FEW_PAGES = 40
"""Pages of the write-ahead log after which it is carried over, in half of the cases: else no story would see that."""
FIRST_SENDS, STORY = 80, 500
"""Writes and syncs until the first effects are out, and until a story is over, more or less."""
ERRORS = (errno.EIO, errno.ENOSPC)


class Site:
    """A database in a folder of its own, as it is in production: synced, in a journal of its own choosing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "selftimer.db"
        self.database: Database = open_database(self.path, threads=False)
        self._reader: SqlReader | None = None

    @property
    def reader(self) -> SqlReader:
        """As commands see it."""
        if self._reader is None:
            self._reader = SqlReader(self.path, STUDIO)
        return self._reader

    async def clear(self) -> None:
        """It is new."""

    def close(self) -> None:
        """Close it and throw the folder away."""
        if self._reader is not None:
            self._reader.close()
        self.database.close()
        shutil.rmtree(self.folder)


@cache
def recorder() -> Recorder:
    """The one of this process."""
    return Recorder()


@cache
def empty() -> dict[str, bytes]:
    """The files of a database in which nothing is yet."""
    folder = new_folder()
    open_database(folder / "selftimer.db", threads=False).close()
    return contents(folder)


def new_folder() -> Path:
    """Somewhere in memory, where there is such a place: what is durable is decided here and not by it."""
    return Path(tempfile.mkdtemp(prefix="selftimer-power-", dir=MEMORY if MEMORY.is_dir() else None))


def contents(folder: Path) -> dict[str, bytes]:
    """Its files."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def site(files: dict[str, bytes]) -> Site:
    """A database of these files, watched."""
    folder = new_folder()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    recorder().watch(folder)
    return Site(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What happens to the disk, after so many writes and syncs since the last trouble."""

    after: int
    error: int = 0
    """An errno with which that one fails; 0 where the power goes instead."""
    always: bool = False
    """Whether everything fails from there on, until somebody starts the service again on another disk."""


@dataclass(slots=True, kw_only=True)
class PowerStage(Stage):
    """A stage whose deaths are power cuts: they come after a number of writes and syncs, wherever that is."""

    random: Random
    before: dict[str, bytes] = field(default_factory=dict)
    done: int = 0
    """Writes and syncs since the first trouble was ordered."""

    def begin(self, trouble: Trouble | None) -> None:
        """What was done until now is durable; the trouble is counted from here."""
        assert isinstance(self.ground, Site)
        self.done += recorder().count if self.before else 0
        self.before = contents(self.ground.folder)
        recorder().reset()
        self.boundaries.passed.clear()
        self.boundaries.doomed = None
        if trouble is None:
            return
        if trouble.error:
            recorder().fail(trouble.after, trouble.error, always=trouble.always)
            return
        self.kills = [Kill(at=trouble.after)]
        self.boundaries.doomed = lambda: recorder().count >= trouble.after

    async def after_death(self, kill: Kill) -> None:
        """The disk as the cut left it, and a service that starts on it."""
        assert isinstance(self.ground, Site)
        self.done += recorder().count
        left = after_cut(self.before, recorder().notes(kill.at), self.random)
        self.ground.close()
        self.ground = site(left)
        self.boundaries.doomed = None


async def live(story: Story, troubles: list[Trouble], random: Random) -> PowerStage:
    """One story with these troubles one after the other, half an hour apart; then all must settle."""
    stage = PowerStage(
        ground=site(empty()),
        world=world(1),
        book=book_of(story.rules),
        settings=settings(),
        seed=1,
        random=random,
    )
    async with stage:
        await stage.until(stage.world.now.add(minutes=10))
        stage.begin(troubles[0])
        story.happens(stage)
        await tell_calls(stage, story)
        ends = stage.world.now.add(seconds=story.hours * 3_600)
        for trouble in troubles[1:]:
            await stage.until(stage.world.now.add(minutes=30))
            stage.begin(trouble)
        await stage.until(max(ends, stage.world.now))
        recorder().fail(-1, 0, always=False)
        stage.done += recorder().count
        await calm_down(stage)
        await tell_calls(stage, story)
        for _ in range(3):
            await owner_answers(stage)
            await stage.until(stage.world.now.add(hours=1))
    return stage


def some_troubles(random: Random) -> list[Trouble]:
    """Mostly a cut, often with another one soon after it."""
    first = a_trouble(random, random.choice((FIRST_SENDS, STORY)))
    return [first, *(a_trouble(random, FIRST_SENDS) for _ in range(random.choice((0, 1, 1, 2))))]


def a_trouble(random: Random, within: int) -> Trouble:
    """A cut, or a disk that refuses once or for good."""
    after = random.randrange(within)
    if random.random() < 0.75:
        return Trouble(after=after)
    return Trouble(after=after, error=random.choice(ERRORS), always=random.random() < 0.5)


def cases(seed: int) -> list[Case]:
    """A few, each over one of the stories; `random` is that of what a cut leaves."""
    random = Random(f"power {seed}")
    stories = [STORIES[(seed * CASES + number) % len(STORIES)] for number in range(CASES)]
    return [
        {"story": story.name, "troubles": [asdict(one) for one in some_troubles(random)], "random": f"{seed}/{number}"}
        for number, story in enumerate(stories)
    ]


def play(case: Case) -> Played:
    """The story with those troubles, and what it came to."""
    story, troubles = story_named(case["story"]), [Trouble(**one) for one in case["troubles"]]
    measure, _ = calm(story)
    stage = alone(live(story, troubles, Random(case["random"])))
    assert isinstance(stage, PowerStage)
    assert isinstance(stage.ground, Site)
    wild = account_of(stage)
    met = Counter({"writes and syncs": stage.done, "power cuts that struck": len(stage.deaths)})
    met["the disk refused"] = len(stage.stumbles)
    met["asked the owner"] = sum(key.startswith("outcome:") for key in wild.told)
    stage.ground.close()
    found = violations(measure, wild, stage.world.now)
    return Played(count=len(troubles), violations=found, trace=stage.trace, notes=met)


def run(seed: int) -> Result:
    """One seed."""
    return run_cases(seed, cases(seed), play)
