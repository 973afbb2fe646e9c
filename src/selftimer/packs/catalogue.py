"""The packs that travel with Selftimer, and those that somebody was given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from selftimer.errors import ConfigError
from selftimer.packs.contents import read_contents, read_folder
from selftimer.packs.reading import NAME, read_pack
from selftimer.rulebook.files import FOLDERS, TEST_FOLDERS, read_workspace
from selftimer.rulebook.sentences import similar
from selftimer.simulation.workspace import starter_folder

if TYPE_CHECKING:
    from selftimer.packs.model import Pack

FOLDER = Path(__file__).parent / "catalogue"
STARTER = ("leads", "bookings", "sessions", "money", "afterwards")
"""The packs that the starter is made of, in the order of a client's way through a studio."""


def names() -> list[str]:
    """All packs of the catalogue: the starter's first."""
    there = {path.name for path in FOLDER.iterdir() if path.is_dir() and NAME.match(path.name)}
    return [*STARTER, *sorted(there - set(STARTER))]


def catalogue() -> list[Pack]:
    """All of them, read."""
    return [of_catalogue(name) for name in names()]


def of_catalogue(name: str) -> Pack:
    """One of them; `ConfigError` for a name that isn't there."""
    if name not in names():
        hint = similar(name, names()) or "'selftimer new' lists them"
        raise ConfigError(f"there is no pack {name[:60]!r}; {hint}")
    starter = read_workspace(starter_folder(), (*FOLDERS, *TEST_FOLDERS)) if name in STARTER else None
    return read_pack(read_folder(FOLDER / name), starter=starter)


def from_elsewhere(source: Path) -> Pack:
    """The pack in a folder or a ZIP archive, all of it checked; `ConfigError` or `RuleFileError` if it isn't fit."""
    return read_pack(read_contents(source), origin=str(source))
