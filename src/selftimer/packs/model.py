"""What a pack is: files with questions, which become plain files of a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Date

InputType = Literal["text", "number", "time", "date", "url"]
Value: TypeAlias = "str | int | Date"
"""An answer: a text, time or address as it is written, a number, or a date."""
CATALOGUE = "catalogue"
"""The origin of packs that travel with Selftimer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One question of a pack, and what is taken for an answer where nobody gives one.

    `default` of a date may be `next 04-01`: the next day of that date. `least` and `most` bound a number.
    """

    name: str
    ask: str
    type: InputType
    default: str | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack as it was read: nothing is filled in yet, all of it is checked by place, kind and size.

    `files` are those that a workspace gets, by their path in it; `about` are its reasons in Markdown. `origin` is
    `CATALOGUE`, or the folder or archive that it came from. `needs` names packs whose rules its own build on.
    """

    name: str
    title: str
    summary: str
    version: int
    files: Mapping[str, bytes]
    inputs: tuple[Input, ...] = ()
    needs: tuple[str, ...] = ()
    about: str = ""
    origin: str = CATALOGUE
