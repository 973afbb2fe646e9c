"""What a suite comes to: figures with their spread, ratios against peers of the same run, and the aims they had."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing measured several times. `most` or `least` is the aim for its median, where it has one."""

    name: str
    unit: str
    values: tuple[float, ...]
    most: float | None = None
    least: float | None = None

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if self.most is None and self.least is None:
            return None
        over = self.most is not None and self.median > self.most
        under = self.least is not None and self.median < self.least
        return not over and not under

    @property
    def aim(self) -> str:
        """The aim as people read it."""
        if self.most is not None:
            return f"≤ {self.most:g}"
        return f"≥ {self.least:g}" if self.least is not None else ""

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        spread = {"min": min(self.values), "median": self.median, "max": max(self.values)}
        return {"name": self.name, "unit": self.unit, **spread, "n": len(self.values), "aim": self.aim, "met": self.met}


@dataclass(slots=True, kw_only=True)
class Suite:
    """What one suite measured."""

    name: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, unit: str, values: Sequence[float], **aim: float) -> None:
        """One figure with its aim (`most=` or `least=`)."""
        self.figures.append(Figure(name=name, unit=unit, values=tuple(values), **aim))

    def ratio(self, name: str, ours: Sequence[float], peers: Sequence[float], **aim: float) -> None:
        """Ours to the peer's, pair by pair: the two of a pair were measured one right after the other."""
        self.add(name, "times", [mine / theirs for mine, theirs in zip(ours, peers, strict=True)], **aim)

    def table(self) -> Table:
        """For the screen."""
        table = Table(title=self.title, title_justify="left", caption="\n".join(self.notes), caption_justify="left")
        table.add_column("", overflow="fold")
        for head in ("min", "median", "max", "unit", "aim", ""):
            table.add_column(head, justify="left" if head in {"unit", "aim", ""} else "right")
        for one in self.figures:
            spread = [shown(value) for value in (min(one.values), one.median, max(one.values))]
            table.add_row(one.name, *spread, one.unit, one.aim, {None: "", True: "met", False: "missed"}[one.met])
        return table

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        return {"title": self.title, "figures": [one.to_json() for one in self.figures], "notes": self.notes}


def shown(value: float) -> str:
    """Three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"
