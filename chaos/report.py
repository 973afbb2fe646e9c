"""What campaigns came to, as a table for the screen and for docs/reliability.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bench.machine import ROOT
from rich.table import Table

from chaos.runner import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = ROOT / "docs" / "reliability.md"
HEAD = "| | done | aim | violations | seeds | same again | time |\n|---|---|---|---|---|---|---|"


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
    rows, lines = _named(found[1], "| `"), _named(found[1], "- `")
    for one in kept["campaigns"]:
        name, *cells = _cells(kept, one)
        rows[name] = f"| `{name}` | " + " | ".join(cells) + " |"
        lines[name] = f"- `{name}`: {_met(kept, one)}"
    order = [name for name in NAMES if name in rows]
    body = "\n".join([HEAD, *(rows[name] for name in order), "", *(lines[name] for name in order)])
    PAGE.write_text(f"{text[: found.start()]}{begin}\n{body}\n{end}{text[found.end() :]}", "utf-8")


def _named(text: str, mark: str) -> dict[str, str]:
    """The lines that begin so, by the campaign that they name."""
    return {line.split("`")[1]: line for line in text.splitlines() if line.startswith(mark)}


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


def _met(kept: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """What a campaign does, the command for the same seeds, and what it met."""
    said = one["title"][0].lower() + one["title"][1:]
    command = f"python -m chaos --column {kept['column']} --only {one['name']} --first {kept['first']}"
    met = ", ".join(f"{what} {count:,}" for what, count in sorted(one["notes"].items()))
    return f"{said}. `{command}`. Met on the way: {met or 'nothing that is counted'}."
