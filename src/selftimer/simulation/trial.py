"""One way to try rules out: on a made-up studio, on a copy of the studio as it stands, or over its past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from whenever import Date, Instant, Time

from selftimer import wiring
from selftimer.errors import RuleFileError
from selftimer.rulebook.files import read_attachments, read_workspace
from selftimer.rulebook.loader import load_workspace
from selftimer.simulation.lacking import lacking
from selftimer.simulation.living import FIRST_DAY, live
from selftimer.simulation.planning import plan_ahead
from selftimer.simulation.replay import play_again
from selftimer.simulation.story import Story
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.rulebook.model import Rulebook
    from selftimer.settings import Settings
    from selftimer.simulation.story import Progress

Where = Literal["made_up", "copy", "past"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What to try rules on, and for how long."""

    where: Where = "made_up"
    days: int = 30
    seed: int = 7
    first_day: Date = FIRST_DAY
    """When the made-up studio opens."""
    since: Date | None = None
    """The first day of the past that is told of."""
    now: Instant = Instant.MIN
    """Where the copy's clock stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a trial came to."""

    story: Story
    notes: tuple[str, ...] = ()
    """What it can't know, and what is missing in it: sentences."""
    real: Story | None = None
    """What the service really did in that past."""


def rules_of(settings: Settings, folder: Path | None = None) -> Rulebook:
    """The rules of the workspace, or those of another folder with the workspace's settings; `RuleFileError`."""
    place = folder or settings.workspace
    loaded = load_workspace(read_workspace(place), settings.facts(), read_attachments(place))
    if loaded.rulebook is None:
        raise RuleFileError(list(loaded.errors))
    return loaded.rulebook


async def tell(settings: Settings, book: Rulebook, trial: Trial, progress: Progress = lambda _share: None) -> Told:
    """The story of a trial under those rules. Nothing is sent, and the store is only read."""
    match trial.where:
        case "made_up":
            story = await live(
                settings, book, days=trial.days, seed=trial.seed, first_day=trial.first_day, progress=progress
            )
            return Told(story=story, notes=tuple(lacking(settings, book)))
        case "copy":
            return await _of_copy(settings, book, trial)
        case "past":
            return await _of_past(settings, book, trial, progress)


async def _of_copy(settings: Settings, book: Rulebook, trial: Trial) -> Told:
    plan = await plan_ahead(settings, trial.now, trial.days, book=book)
    reader = SqlReader(settings.database_path, wiring.STUDIO)
    try:
        names = reader.client_names({one.delivery.client_id for one in plan.effects if one.delivery.client_id})
    finally:
        reader.close()
    notes = ["what people will do can't be known: nobody new writes, replies, books or pays in it"]
    notes += [f"paused: {scope}; what it keeps back is not shown as sent" for scope in plan.paused]
    story = Story(begins=plan.begins, ends=plan.ends, effects=plan.effects, names=names)
    return Told(story=story, notes=tuple(notes))


async def _of_past(settings: Settings, book: Rulebook, trial: Trial, progress: Progress) -> Told:
    since = Instant.MIN
    if trial.since is not None:
        midnight = trial.since.at(Time()).assume_tz(settings.studio.time_zone, disambiguation="compatible")
        since = midnight.to_instant()
    replay = await play_again(settings, book, since, progress=progress)
    notes = [
        "only what polls saw is known, and the service is taken to have run all the time",
        "what people would have answered to messages that they never got can't be known",
    ]
    if since < replay.known_since:
        here = replay.known_since.to_tz(settings.studio.time_zone)
        notes.insert(
            0, f"the history begins on {here.date()} at {here.hour:02}:{here.minute:02}; nothing before is known"
        )
    return Told(story=replay.told, notes=tuple(notes), real=replay.real)
