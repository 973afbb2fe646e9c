"""`python -m chaos.shrink NAME SEED [--keep TITLE]`: the failing cases of a seed, as small as they still fail.

With `--keep` each becomes a file in tests/chaos/cases, which the suite plays from then on.
"""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING, Any

import orjson
from bench.machine import ROOT

from chaos.cases import shrunk, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chaos.cases import Case

NAMES = ("kill", "faults")
"""Campaigns whose cases can be made smaller."""
KEPT = ROOT / "tests" / "chaos" / "cases"


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where something fails."""
    parser = argparse.ArgumentParser(prog="python -m chaos.shrink", description="What fails, as small as it gets.")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("seed", type=int)
    parser.add_argument("--keep", metavar="TITLE", help="keep it as a test of that name, such as answered-twice")
    chosen = parser.parse_args(arguments)
    campaign: Any = importlib.import_module(f"chaos.{chosen.name}")
    failing = [case for case in campaign.cases(chosen.seed) if told(campaign.play, case).violations]
    for number, case in enumerate(failing):
        small = shrunk(case, campaign.simpler, lambda one: bool(told(campaign.play, one).violations))
        print(orjson.dumps(small).decode())
        for said in told(campaign.play, small).violations:
            print(f"  {said}")
        if chosen.keep:
            print(f"  kept in {keep(chosen.name, small, chosen.keep, number).relative_to(ROOT)}")
    return 1 if failing else 0


def keep(name: str, case: Case, title: str, number: int) -> Path:
    """Write it where the suite finds it."""
    KEPT.mkdir(exist_ok=True, parents=True)
    path = KEPT / f"{name}-{title}{f'-{number + 1}' if number else ''}.json"
    path.write_bytes(orjson.dumps({"campaign": name, "case": case}, option=orjson.OPT_INDENT_2) + b"\n")
    return path


if __name__ == "__main__":
    raise SystemExit(main())
