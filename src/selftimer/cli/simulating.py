"""Running a simulation: which one, with progress, and whom it is told of."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selftimer.cli.calendar import data_of, print_calendar, print_client
from selftimer.cli.differing import differing_data, print_differences
from selftimer.cli.output import clean, complain, print_json, say
from selftimer.cli.planning import present
from selftimer.cli.workspace import load_settings
from selftimer.errors import ConfigError, RuleFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from whenever import Date

    from selftimer.rulebook.model import Rulebook
    from selftimer.settings import Settings
    from selftimer.simulation.compare import Difference
    from selftimer.simulation.story import Effect, Progress, Story
    from selftimer.simulation.trial import Told, Trial

_NEAR = 600.0
"""Seconds between what was sent and what would have been that make no difference: polls come when they come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The command's options."""

    days: int
    seed: int
    start: str | None
    my_studio: bool
    since: str | None
    against: Path | None
    client: str | None
    rule: str | None
    words: bool


def run_simulation(workspace: Path, wish: Wish, *, as_json: bool) -> int:
    """Run it and print it; 1 where two sets of rules were compared and differ."""
    from selftimer.log import silence
    from selftimer.simulation.trial import rules_of

    settings = load_settings(workspace)
    trial = _trial(settings, wish)
    book = rules_of(settings)
    old = _old_rules(settings, wish.against) if wish.against is not None else None
    if wish.rule is not None and wish.rule not in {*book.rules, *(old.rules if old is not None else ())}:
        raise ConfigError(f"there is no rule {wish.rule!r}; there are {', '.join(sorted(book.rules)) or 'none'}")
    silence()
    if old is not None:
        return _compare(settings, trial, wish, (old, book), as_json=as_json)
    told = _told(settings, book, trial, "")
    if told.real is not None:
        return _backtest(settings, trial, wish, told, as_json=as_json)
    who = _client(told.story, wish)
    story = _only(told.story, who, wish.rule)
    if as_json:
        print_json({**_head(trial, told), **data_of(story, settings.studio.time_zone)})
    else:
        _say_head(settings, trial, told)
        if who is not None:
            print_client(story, who, settings.studio.time_zone, words=wish.words)
        else:
            print_calendar(story, settings.studio.time_zone, words=wish.words, rules=_rules(book, wish))
    return 0


def _old_rules(settings: Settings, folder: Path) -> Rulebook:
    from selftimer.simulation.trial import rules_of

    if not (folder / "rules").is_dir():
        raise ConfigError(f"--against {folder}: there is no folder 'rules' in it")
    try:
        return rules_of(settings, folder)
    except RuleFileError:
        complain(f"The rules of {folder} can't be used:")
        raise


def _backtest(settings: Settings, trial: Trial, wish: Wish, told: Told, *, as_json: bool) -> int:
    from selftimer.simulation.compare import differences

    assert told.real is not None
    zone, who = settings.studio.time_zone, _client(told.story, wish, told.real)
    story, real = _only(told.story, who, wish.rule), _only(told.real, who, wish.rule)
    found = differences(real, story, within=_NEAR)
    if as_json:
        parts = {"would_be": data_of(story, zone), "was": data_of(real, zone)}
        print_json({**_head(trial, told), **parts, **differing_data(found)})
        return 0
    _say_head(settings, trial, told)
    if who is not None:
        print_client(story, who, zone, words=wish.words)
    else:
        print_calendar(story, zone, words=wish.words, rules=())
    say("\nBeside what was really sent:", "bold")
    print_differences(found, _names(real, story), zone, words=wish.words, past=True)
    return 0


def _compare(settings: Settings, trial: Trial, wish: Wish, books: tuple[Rulebook, Rulebook], *, as_json: bool) -> int:
    from selftimer.simulation.compare import differences

    old, new = (_told(settings, book, trial, name) for book, name in zip(books, ("old ", "new "), strict=True))
    who = _client(new.story, wish, old.story)
    stories = [_only(told.story, who, wish.rule) for told in (old, new)]
    found = differences(*stories, books=books)
    if as_json:
        zone = settings.studio.time_zone
        parts = {"old": data_of(stories[0], zone), "new": data_of(stories[1], zone)}
        print_json({**_head(trial, new), "notes": _notes(old, new), **parts, **differing_data(found)})
    else:
        _say_head(settings, trial, replace(new, notes=tuple(_notes(old, new))))
        say(f"Old: the rules of {wish.against}. New: those of {settings.workspace}. The settings are the same.")
        _say_parting(trial, found)
        print_differences(found, _names(*stories), settings.studio.time_zone, words=wish.words)
    return 1 if found else 0


def _say_parting(trial: Trial, found: list[Difference]) -> None:
    if trial.where == "made_up" and found:
        say(
            "People answer what they get, so from its first difference on a client's story may be another one; what "
            "can only follow from that is said to."
        )


# --- what is run -----------------------------------------------------------------------------------------------------


def _trial(settings: Settings, wish: Wish) -> Trial:
    from selftimer.simulation.living import FIRST_DAY
    from selftimer.simulation.trial import Trial

    if wish.my_studio and wish.since is not None:
        raise ConfigError("--my-studio looks ahead and --since looks back: choose one of them")
    first = _date(wish.start, "--start") if wish.start is not None else FIRST_DAY
    trial = Trial(days=wish.days, seed=wish.seed, first_day=first)
    if wish.my_studio:
        return replace(trial, where="copy", now=present(settings))
    if wish.since is not None:
        present(settings)
        return replace(trial, where="past", since=_date(wish.since, "--since"))
    return trial


def _date(text: str, option: str) -> Date:
    from whenever import Date

    try:
        return Date.parse_iso(text)
    except ValueError:
        raise ConfigError(f"{option} {text!r} is no day; write it like 2026-03-02") from None


def _told(settings: Settings, book: Rulebook, trial: Trial, which: str) -> Told:
    from selftimer.simulation.trial import tell

    with _progress(f"{which}{'past' if trial.where == 'past' else 'days'}") as progress:
        return asyncio.run(tell(settings, book, trial, progress))


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    """A bar on a terminal's standard error, gone in the end; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _share: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from selftimer.cli.output import console

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)


# --- whom it is told of ----------------------------------------------------------------------------------------------


def _client(story: Story, wish: Wish, other: Story | None = None) -> str | None:
    if wish.client is None:
        return None
    names = {**(other.names if other is not None else {}), **story.names}
    text = wish.client.casefold()
    exact = [ident for ident, name in names.items() if text in {ident.casefold(), name.casefold()}]
    found = exact or [ident for ident, name in names.items() if text in name.casefold()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(f"there is no client {wish.client!r} in this story; give a part of the name, or an id")
    several = "; ".join(clean(f"{names[ident]} {ident}") for ident in found[:6])
    raise ConfigError(f"{wish.client!r} can mean several clients: {several}")


def _only(story: Story, client: str | None, rule: str | None) -> Story:
    def wanted(effect: Effect) -> bool:
        return client in {None, effect.delivery.client_id} and rule in {None, effect.delivery.rule_id}

    deeds = tuple(deed for deed in story.deeds if client in {None, deed.client_id})
    return replace(story, effects=tuple(filter(wanted, story.effects)), deeds=deeds)


def _rules(book: Rulebook, wish: Wish) -> tuple[str, ...]:
    return tuple(sorted(book.rules)) if wish.rule is None else (wish.rule,)


def _names(*stories: Story) -> dict[str, str]:
    return {ident: name for story in stories for ident, name in story.names.items()}


def _notes(*told: Told) -> list[str]:
    return list(dict.fromkeys(note for one in told for note in one.notes))


# --- the head --------------------------------------------------------------------------------------------------------


def _head(trial: Trial, told: Told) -> dict[str, object]:
    seed = {"seed": trial.seed} if trial.where == "made_up" else {}
    return {"where": trial.where, **seed, "notes": told.notes}


def _say_head(settings: Settings, trial: Trial, told: Told) -> None:
    from selftimer.cli.output import local

    where = {
        "made_up": f"A made-up studio (seed {trial.seed})",
        "copy": "A copy of your studio",
        "past": "Your studio's past, as polls saw it",
    }[trial.where]
    zone = settings.studio.time_zone
    span = f"{local(told.story.begins, zone)} to {local(told.story.ends, zone)}"
    say(f"{where}, {span}, by the rule files as they are. Nothing is sent.", "bold")
    if trial.where == "made_up":
        say("You say yes to what waits for you, two hours later.")
    for sentence in told.notes:
        say(f"Note: {clean(sentence)}", "yellow")
