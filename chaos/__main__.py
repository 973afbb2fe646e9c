"""`python -m chaos [--only NAME …] [--column quick|night|release] [--seed N]`: run campaigns, print, keep, report.

Exit 1 where anything was violated.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from bench.machine import ROOT, machine, versions
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from chaos import report
from chaos.runner import NAMES, campaign, one, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.campaign import Column
    from chaos.runner import Tally

RESULTS = ROOT / "chaos" / "results"


def main() -> int:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description="The service against crashes and faults.")
    parser.add_argument("--only", choices=NAMES, action="append", help="this campaign; may be given again")
    parser.add_argument("--column", choices=("quick", "night", "release"), default="night", help="how many")
    parser.add_argument("--share", type=float, default=1.0, help="of the time that the column has, such as 0.5")
    parser.add_argument("--workers", type=int, default=2, help="processes at once")
    parser.add_argument("--seed", type=int, help="this seed alone, told in full; needs --only")
    parser.add_argument("--first", type=int, default=0, help="the first seed, to try others than the last time")
    parser.add_argument("--report", action="store_true", help="write the table of docs/reliability.md anew")
    chosen = parser.parse_args()
    screen = Console()
    if chosen.seed is not None:
        return _one(screen, (chosen.only or [""])[0], chosen.seed)
    began = datetime.now(UTC)
    about = {"date": began.isoformat(timespec="seconds"), "column": chosen.column, "share": chosen.share}
    about |= {"first": chosen.first, "machine": machine(), "versions": versions()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{began:%Y%m%d-%H%M%S}-{chosen.column}-{about['versions']['commit'].rstrip('+')}.json"
    kept: dict[str, Any] = {**about, "campaigns": []}
    tallies = []
    for tally in _all(screen, chosen):
        tallies.append(tally)
        kept["campaigns"].append(tally.to_json())
        path.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2))  # what is done stays, if the rest is cut off
        if not screen.is_terminal:
            screen.print(
                f"{tally.name}: {tally.count:,} {tally.unit}, {tally.violations} violations, {tally.seconds:.0f} s"
            )
    screen.print(report.table(kept))
    for tally in tallies:
        for said in tally.words:
            screen.print(f"{tally.name}: {said}", markup=False)
            screen.print(f"  again: python -m chaos --only {tally.name} --seed {said.split()[1].rstrip(':')}")
    screen.print(f"kept in {path.relative_to(ROOT)}")
    if chosen.report:
        report.write(kept)
    return 1 if any(tally.violations for tally in tallies) else 0


def _all(screen: Console, chosen: argparse.Namespace) -> Iterator[Tally]:
    """One campaign after the other, with a bar each where somebody watches."""
    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} {task.fields[unit]}, {task.fields[bad]} violations"),
        TimeElapsedColumn(),
    )
    column: Column = chosen.column
    left = 0.0
    with Progress(*columns, console=screen, refresh_per_second=2) as bars:
        for name in chosen.only or NAMES:
            what = campaign(name)
            bar = bars.add_task(name, total=what.counts[column], unit=what.unit, bad=0)

            def show(tally: Tally, bar: int = bar) -> None:
                bars.update(bar, completed=min(tally.count, tally.goal), bad=tally.violations)  # type: ignore[arg-type]

            left += what.minutes[column] * chosen.share
            tally = run(what, column, minutes=left, workers=chosen.workers, first=chosen.first, progress=show)
            left = max(left - tally.seconds / 60, 0.0)
            yield tally


def _one(screen: Console, name: str, seed: int) -> int:
    if name not in NAMES:
        screen.print(f"--seed needs --only with one of {', '.join(NAMES)}")
        return 2
    result = one(name, seed)
    screen.print(f"{name}, seed {seed}: {result.count} {campaign(name).unit}, trace {result.trace or '-'}")
    for what, count in sorted(result.notes.items()):
        screen.print(f"  {what}: {count:,}")
    for said in result.violations:
        screen.print(f"  violated: {said}", markup=False)
    return 1 if result.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
