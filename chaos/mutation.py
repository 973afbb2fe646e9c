"""The mutation score of delivery and diff: how many of their mutants (`chaos.mutants`) the tests notice.

    python -m chaos.mutation                                all modules
    python -m chaos.mutation --module engine/flood.py --sample 40 --seed 3

The tests of a module are collected once, in one process (`chaos.mutant_tests`), and each mutant is a fork of it. A
measurement that is kept (`--keep`) names the tests that noticed something; a night's sample is run against those, as a
look at all of them takes longer than its share.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from chaos.campaign import Campaign, Result
from chaos.mutant_tests import Driver, Score, end_with_parent
from chaos.mutants import mutants_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "selftimer"
_PLAN, _FACTS = ("tests/unit/plan",), ("tests/unit/facts",)


def _simulations(names: str) -> tuple[str, ...]:
    return tuple(f"tests/simulation/test_{name}.py" for name in names.split())


MODULES: dict[str, tuple[str, ...]] = {
    "plan/attempt.py": _PLAN,
    "plan/keys.py": _PLAN,
    "plan/limits.py": _PLAN,
    "plan/moments.py": _PLAN,
    "plan/verdict.py": _PLAN,
    "facts/diff.py": _FACTS,
    "facts/sweep.py": _FACTS,
    "engine/attempts.py": _simulations("unclear restarts guards brakes files fresh second_copy new_leads notes made"),
    "engine/asking.py": _simulations(
        "fresh threads approvals nights unclear made brakes moments_in_time no_reply files new_leads guards"
    ),
    "engine/breaker.py": _simulations("guards"),
    "engine/doubt.py": _simulations("guards floods"),
    "engine/flood.py": _simulations("floods brakes backfill guards"),
    "engine/removals.py": _simulations("torn_lists sick_studio drift other_ids lists"),
}
"""Delivery and diff, each with the tests that are to keep it."""
KEPT = Path(__file__).with_name("mutation.json")
SLICE = 10
"""Mutants of one seed of the campaign."""
KNOWN = 30
"""Tests that they are run against, of those that are kept for their module."""
SHARE = 40
"""Seconds after which a seed begins no further mutant."""
MOST = 120
"""Tests that a mutant of the engine is run against, of those that come to its statement."""
BEGAN = time.monotonic()


def score_of(
    name: str,
    *,
    sample: int | None = None,
    seed: int = 0,
    numbers: Sequence[int] = (),
    most: int | None = None,
    tests: Sequence[str] = (),
    seconds: float | None = None,
) -> Score:
    """The score of a module, or of some of its mutants: by their numbers, or so many as the seed chooses.

    In a process that has imported nothing of ours yet. `tests` are files, or tests by their ids, instead of the
    module's files; after so many `seconds` no further mutant is begun.
    """
    import pytest

    every = range(len(mutants_of((SOURCES / name).read_text())))
    chosen = list(numbers) or (None if sample is None or sample >= len(every) else Random(seed).sample(every, sample))
    most = most or (MOST if name.startswith("engine/") else 10_000)
    only = frozenset(test for test in tests if "::" in test)
    driver = Driver(name, SOURCES, chosen=chosen, most=most, only=only, seconds=seconds)
    files = sorted({test.partition("::")[0] for test in tests or MODULES[name]})
    os.chdir(ROOT)
    without = [word for plugin in ("cacheprovider", "xdist", "cov") for word in ("-p", f"no:{plugin}")]
    # Its timer is the one that ends a fork which hangs.
    code = pytest.main(["-q", *without, "-o", "timeout=0", *files], plugins=[driver])
    if not driver.score.tested:
        raise RuntimeError(f"no mutant of {name} could be tested: pytest ended with {code}")
    return driver.score


def kept() -> dict[str, list[str]]:
    """By module, the tests that noticed something in the measurements that were kept, the most important first.

    Modules whose tests are quick need none.
    """
    found: dict[str, list[str]] = json.loads(KEPT.read_text("utf-8")) if KEPT.is_file() else {}
    return found


def _keep(score: Score, *, whole: bool) -> None:
    """Remember who noticed something; a part of the module's mutants adds to what is known of the others."""
    before = kept()
    killers = score.killers()
    killers += [name for name in before.get(score.module, ()) if not whole and name not in killers]
    after = before | {score.module: killers}
    KEPT.write_text(json.dumps(after, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


# --- as a campaign, and by hand --------------------------------------------------------------------------------------


def run(seed: int) -> Result:
    """A slice of one module's mutants; one that survives is counted, and is no violation.

    The modules take turns. What is started here ends with this process.
    """
    name = list(MODULES)[seed % len(MODULES)]
    command = [sys.executable, "-m", "chaos.mutation", "--json", "--module", name]
    command += ["--sample", str(SLICE), "--seed", str(seed), "--known", "--seconds", str(SHARE)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=3 * SHARE)
    if said.returncode:
        raise RuntimeError(f"mutants of {name}: {said.stderr[-2_000:]}")
    row = json.loads(said.stdout.splitlines()[-1])
    notes = {f"{name} killed": row["killed"] + row["timeouts"], f"{name} survived": row["survived"]}
    return Result(seed=seed, count=row["mutants"], notes=notes)


CAMPAIGN = Campaign(
    name="mutation",
    title="Mutants of delivery and diff that the tests notice",
    unit="mutants",
    run=run,
    counts={"quick": 0, "night": SLICE * len(MODULES), "release": 4 * SLICE * len(MODULES)},
    minutes={"quick": 0, "night": 4, "release": 60},
)


def _row(score: Score) -> dict[str, Any]:
    return {
        "module": score.module,
        "mutants": len(score.tested),
        "killed": score.count("killed"),
        "survived": score.count("survived"),
        "timeouts": score.count("timeout"),
        "score": round(score.score, 1),
        "seconds": round(time.monotonic() - BEGAN),
        "survivors": [asdict(one.mutant) for one in score.tested if one.fate == "survived"],
    }


def _asked() -> argparse.Namespace:
    asking = argparse.ArgumentParser(prog="python -m chaos.mutation", description=__doc__)
    asking.add_argument("--module", action="append", choices=list(MODULES), help="this one; may be given again")
    asking.add_argument("--sample", type=int, help="so many mutants of each module")
    asking.add_argument("--seed", type=int, default=0, help="which ones, where it is a sample")
    asking.add_argument("--number", type=int, action="append", default=[], help="this mutant; may be given again")
    asking.add_argument("--most", type=int, help=f"tests a mutant, the quickest first (the engine's: {MOST})")
    asking.add_argument("--test", action="append", default=[], help="against this file of tests; may be given again")
    asking.add_argument("--known", action="store_true", help="against the tests that are kept, not all of the module's")
    asking.add_argument("--keep", action="store_true", help="keep which tests noticed something")
    asking.add_argument("--seconds", type=float, help="begin no further mutant after that")
    asking.add_argument("--json", action="store_true", help="a line of JSON for each module; ends with its parent")
    return asking.parse_args()


def main() -> int:
    """Print a row for each module and the mutants that nobody noticed."""
    asked = _asked()
    if asked.json:
        end_with_parent()
    names = asked.module or list(MODULES)
    if len(names) > 1:  # one process each: what a module's tests have imported is none of the next one's business
        return max(subprocess.run([*_again(), "--module", name], cwd=ROOT, check=False).returncode for name in names)
    out = os.dup(1)
    os.dup2(2, 1)  # what pytest says goes to stderr
    score = score_of(
        names[0],
        sample=asked.sample,
        seed=asked.seed,
        numbers=asked.number,
        most=asked.most,
        tests=kept().get(names[0], [])[:KNOWN] if asked.known else asked.test,
        seconds=asked.seconds,
    )
    if asked.keep:
        _keep(score, whole=asked.sample is None and not asked.number)
    row = _row(score)
    sys.stdout.flush()
    os.dup2(out, 1)
    if asked.json:
        print(json.dumps(row))
    else:
        counts = f"{row['killed']:4} killed {row['survived']:4} survived {row['timeouts']:3} timeouts"
        print(f"{row['module']:<22} {row['mutants']:4} mutants {counts} {row['score']:6.1f} % {row['seconds']:5} s")
    return 0


def _again() -> list[str]:
    """The command as it was given, without its modules."""
    words, again = iter(sys.argv[1:]), [sys.executable, "-m", "chaos.mutation"]
    for word in words:
        if word == "--module":
            next(words)
        else:
            again.append(word)
    return again


if __name__ == "__main__":
    sys.exit(main())
