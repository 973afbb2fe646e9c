"""What campaigns came to, as a table for the screen and for docs/reliability.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bench.machine import ROOT
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = ROOT / "docs" / "reliability.md"


def table(kept: Mapping[str, Any]) -> Table:
    """For the screen."""
    shown = Table(title=f"{kept['column']}, {kept['versions']['commit']}", title_justify="left")
    for head in ("campaign", "done", "aim", "violations", "seeds", "same again", "time"):
        shown.add_column(head, justify="left" if head == "campaign" else "right")
    for one in kept["campaigns"]:
        shown.add_row(*_cells(kept, one))
    return shown


def write(kept: Mapping[str, Any]) -> None:
    """Put the column's rows into docs/reliability.md, between its marks; campaigns that weren't run keep theirs."""
    text = PAGE.read_text("utf-8")
    begin, end = f"<!-- {kept['column']} -->", f"<!-- end of {kept['column']} -->"
    found = re.search(f"{re.escape(begin)}\n(.*?){re.escape(end)}", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{PAGE} has no place for {kept['column']}: {begin} … {end}")
    rows = {line.split("|")[1].strip(): line for line in found[1].splitlines() if line.startswith("| `")}
    for one in kept["campaigns"]:
        name, *cells = _cells(kept, one)
        rows[f"`{name}`"] = f"| `{name}` | " + " | ".join([one["title"], *cells, _met(one)]) + " |"
    head = "| | what | done | aim | violations | seeds | same again | time | met on the way |\n"
    head += "|---|---|---|---|---|---|---|---|---|\n"
    body = f"{begin}\n{head}" + "\n".join(rows.values()) + f"\n{end}"
    PAGE.write_text(text[: found.start()] + body + text[found.end() :], "utf-8")


def _cells(kept: Mapping[str, Any], one: Mapping[str, Any]) -> list[str]:
    first = kept["first"]
    again = {None: "-", True: "yes", False: "NO"}[one["repeated"]]
    return [
        one["name"],
        f"{one['count']:,} {one['unit']}",
        f"{one['goal']:,}",
        f"{one['violations']:,}",
        f"{first} to {first + one['seeds'] - 1}",
        again,
        f"{one['seconds'] / 60:.1f} min" if one["seconds"] >= 60 else f"{one['seconds']:.0f} s",
    ]


def _met(one: Mapping[str, Any]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in sorted(one["notes"].items()))
