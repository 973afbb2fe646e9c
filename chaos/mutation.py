"""The mutation score of delivery and diff: how many of their mutants (`chaos.mutants`) the tests notice.

    python -m chaos.mutation                                all modules
    python -m chaos.mutation --module engine/flood.py --sample 40 --seed 3

The tests of a module are collected once, in one process; a look at them says which lines each of them executes and how
long it takes. Each mutant is then a fork of that process: the module's functions get the mutant's code, and the tests
that come through its line are run, the quickest first, until one fails. No file is changed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Literal

from chaos.campaign import Campaign, Result
from chaos.mutants import Mutant, mutants_of, mutated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

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
    "engine/attempts.py": _simulations("unclear restarts guards brakes files fresh"),
    "engine/asking.py": _simulations("fresh threads approvals nights unclear made brakes moments_in_time"),
    "engine/breaker.py": _simulations("guards"),
    "engine/doubt.py": _simulations("guards"),
    "engine/flood.py": _simulations("brakes calendar backfill becomes guards"),
    "engine/removals.py": _simulations("drift galleries sick_studio torn_lists"),
}
"""Delivery and diff, each with the tests that are to keep it."""
SLICE = 40
"""Mutants of one seed of the campaign."""
MOST = 120
"""Tests that a mutant of the engine is run against, of those that come through its line."""
LONGEST = 15.0
"""Seconds that a test may take beyond five times what it took before."""
Fate = Literal["killed", "survived", "timeout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What became of one mutant; `by` is the test that noticed."""

    mutant: Mutant
    fate: Fate
    by: str = ""


@dataclass(slots=True, kw_only=True)
class Score:
    """What came of one module's."""

    module: str
    tested: list[Tested] = field(default_factory=list)

    def count(self, fate: Fate) -> int:
        """How many of them."""
        return sum(one.fate == fate for one in self.tested)

    @property
    def score(self) -> float:
        """Those that were noticed, in per cent; a mutant without end is noticed by whoever waits for it."""
        return 100 * (1 - self.count("survived") / len(self.tested)) if self.tested else 100.0


# --- within the process that has the tests --------------------------------------------------------------------------


class _Look:
    """Which tests come through which line of the module, and how long each takes; those that fail are left out."""

    def __init__(self, source: Path, items: Sequence[pytest.Item]) -> None:
        self.seconds: dict[str, float] = {}
        self.lines: dict[int, list[str]] = {}
        said = _forked(lambda: _looked(source, items), 1_800.0)
        if said is None:
            raise RuntimeError(f"the tests of {source} couldn't be looked at")
        self.seconds = said["seconds"]
        for line, names in said["lines"].items():
            self.lines[int(line)] = [name for name in names if name in self.seconds]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Those that come through it: each test's quickest case first, then their second ones, and so on."""
        names = {name for line in range(mutant.line, mutant.end + 1) for name in self.lines.get(line, ())}
        names |= set(self.seconds) if not mutant.inside else set()
        found: list[tuple[int, float, str]] = []
        met: Counter[str] = Counter()
        for name in sorted(names, key=lambda name: (self.seconds[name], name)):
            test = name.partition("[")[0]
            found.append((met[test], self.seconds[name], name))
            met[test] += 1
        return [name for *_, name in sorted(found)]


def _looked(source: Path, items: Sequence[pytest.Item]) -> dict[str, Any]:
    from coverage import Coverage

    cover = Coverage(data_file=None, include=[str(source)], config_file=False)
    seconds = {}
    cover.start()
    for item, following in _pairs(items):
        cover.switch_context(item.nodeid)
        began = time.perf_counter()
        if _passes(item, following):
            seconds[item.nodeid] = round(time.perf_counter() - began, 4)
        else:
            print(f"  left out, as it fails without a mutant: {item.nodeid}", file=sys.stderr)
    cover.stop()
    contexts = cover.get_data().contexts_by_lineno(str(source))
    return {"seconds": seconds, "lines": {line: [n for n in names if n] for line, names in contexts.items()}}


def _pairs(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    yield from zip(items, [*items[1:], None], strict=True)


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    from _pytest.runner import runtestprotocol

    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _forked(work: Any, longest: float) -> dict[str, Any] | None:
    """What `work` gives back, from a process of its own; None where it hung or died."""
    reading, writing = os.pipe()
    temporary = tempfile.mkdtemp(prefix="selftimer-mutant-")
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            os.setsid()
            resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
            os.environ["PYTEST_DEBUG_TEMPROOT"] = temporary
            said = json.dumps(work()).encode()
            while said:
                said = said[os.write(writing, said) :]
        finally:
            os._exit(0)
    os.close(writing)
    parts: list[bytes] = []
    until = time.monotonic() + longest
    try:
        while select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
            part = os.read(reading, 1 << 16)
            parts.append(part)
            if not part:
                return json.loads(b"".join(parts)) if len(parts) > 1 else None
        return None
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        shutil.rmtree(temporary, ignore_errors=True)


def _functions_of(source: Path) -> list[FunctionType]:
    """All that were made of a file, decorated ones and methods too."""
    found = (one for one in gc.get_objects() if type(one) is FunctionType)
    return [one for one in found if one.__code__.co_filename == str(source)]


def _exchange(source: Path, module: Any, functions: Sequence[FunctionType], mutant: Mutant) -> None:
    """Give the module's living functions the code of the mutant, or its names the values."""
    code = compile(mutated(source.read_text(), mutant.number), str(source), "exec")
    if not mutant.inside:
        _rebind(code, module)
        return
    new = {(one.co_qualname, one.co_firstlineno): one for one in _codes(code)}
    for function in functions:
        mine = new.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
        if mine is not None:
            function.__code__ = mine


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _rebind(code: CodeType, module: Any) -> None:
    """Put the mutant's tables and numbers wherever the module's are known by that name."""
    fresh = dict(vars(module))
    exec(code, fresh)  # our own source, changed in one place
    for name, old in list(vars(module).items()):
        if isinstance(old, int | float | str | dict | set | frozenset | list | tuple) and fresh[name] != old:
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(name) is old:
                    setattr(other, name, fresh[name])


class _Driver:
    """A plugin that takes over where the tests would be run."""

    def __init__(self, name: str, chosen: Sequence[int] | None, most: int) -> None:
        self.score = Score(module=name)
        self._source = SOURCES / name
        self._chosen = chosen
        self._most = most
        self._functions: list[FunctionType] = []

    def pytest_sessionstart(self) -> None:
        """Hypothesis tries the same examples with every mutant, and keeps none of one for the next."""
        from hypothesis import HealthCheck, settings

        every = list(HealthCheck)
        settings.register_profile("mutants", database=None, derandomize=True, suppress_health_check=every)
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Look at the tests, then run the mutants."""
        module = import_module(f"selftimer.{self.score.module.removesuffix('.py').replace('/', '.')}")
        items = {item.nodeid: item for item in session.items}
        look = _Look(self._source, session.items)
        self._functions = _functions_of(self._source)
        gc.freeze()  # what is there is looked at by no collection of a fork, which would copy all of it
        for mutant in mutants_of(self._source.read_text()):
            if self._chosen is None or mutant.number in self._chosen:
                names = look.tests_of(mutant)[: self._most]
                self.score.tested.append(self._test(module, mutant, [items[name] for name in names], look))
                self._tell(self.score.tested[-1])
        return True

    def _test(self, module: Any, mutant: Mutant, items: Sequence[pytest.Item], look: _Look) -> Tested:
        def work() -> dict[str, str]:
            try:
                _exchange(self._source, module, self._functions, mutant)
            except Exception as error:  # noqa: BLE001 - a module that can't be loaded is noticed by everybody
                return {"by": f"{type(error).__name__} when it is imported"}
            for item, following in _pairs(items):
                if not _passes(item, following):
                    return {"by": item.nodeid}
            return {"by": ""}

        longest = LONGEST + 5 * sum(look.seconds[item.nodeid] for item in items)
        said = _forked(work, longest) if items else {"by": ""}
        if said is None:
            return Tested(mutant=mutant, fate="timeout")
        return Tested(mutant=mutant, fate="killed" if said["by"] else "survived", by=said["by"])

    def _tell(self, tested: Tested) -> None:
        if tested.fate != "killed":
            where = f"{self.score.module}:{tested.mutant.line}"
            mutant = tested.mutant
            print(f"  {tested.fate} {mutant.number:4}  {where:<26} {mutant.inside}: {mutant.what}", file=sys.stderr)


def score_of(
    name: str, *, sample: int | None = None, seed: int = 0, numbers: Sequence[int] = (), most: int | None = None
) -> Score:
    """The score of a module, or of some of its mutants: by their numbers, or so many as the seed chooses.

    In a process that has imported nothing of ours yet.
    """
    import pytest

    every = range(len(mutants_of((SOURCES / name).read_text())))
    chosen = list(numbers) or (None if sample is None or sample >= len(every) else Random(seed).sample(every, sample))
    driver = _Driver(name, chosen, most or (MOST if name.startswith("engine/") else 10_000))
    tests = [str(ROOT / test) for test in MODULES[name]]
    os.chdir(ROOT)
    code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", *tests], plugins=[driver])
    if not driver.score.tested:
        raise RuntimeError(f"no mutant of {name} could be tested: pytest ended with {code}")
    return driver.score


# --- as a campaign, and by hand --------------------------------------------------------------------------------------


def run(seed: int) -> Result:
    """A slice of one module's mutants; one that survives is counted, and is no violation."""
    name = list(MODULES)[seed % len(MODULES)]
    command = [sys.executable, "-m", "chaos.mutation", "--json", "--module", name]
    command += ["--sample", str(SLICE), "--seed", str(seed)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if said.returncode:
        raise RuntimeError(f"mutants of {name}: {said.stderr[-2_000:]}")
    row = json.loads(said.stdout.splitlines()[-1])
    notes = {"mutants": row["mutants"], "killed": row["killed"] + row["timeouts"], "survived": row["survived"]}
    return Result(seed=seed, count=row["mutants"], notes=notes)


CAMPAIGN = Campaign(
    name="mutation",
    title="Mutants of delivery and diff that the tests notice",
    unit="mutants",
    run=run,
    counts={"quick": 0, "night": SLICE * len(MODULES), "release": 4 * SLICE * len(MODULES)},
    minutes={"quick": 0, "night": 2.5, "release": 60},
)


def _row(score: Score) -> dict[str, Any]:
    return {
        "module": score.module,
        "mutants": len(score.tested),
        "killed": score.count("killed"),
        "survived": score.count("survived"),
        "timeouts": score.count("timeout"),
        "score": round(score.score, 1),
        "survivors": [asdict(one.mutant) for one in score.tested if one.fate == "survived"],
    }


def main() -> int:
    """Print a row for each module and the mutants that nobody noticed."""
    asking = argparse.ArgumentParser(prog="python -m chaos.mutation", description=__doc__)
    asking.add_argument("--module", action="append", choices=list(MODULES), help="this one; may be given again")
    asking.add_argument("--sample", type=int, help="so many mutants of each module")
    asking.add_argument("--seed", type=int, default=0, help="which ones, where it is a sample")
    asking.add_argument("--number", type=int, action="append", default=[], help="this mutant; may be given again")
    asking.add_argument("--most", type=int, help=f"tests a mutant, the quickest first (the engine's: {MOST})")
    asking.add_argument("--json", action="store_true", help="a line of JSON for each module")
    asked = asking.parse_args()
    names = asked.module or list(MODULES)
    if len(names) > 1:  # one process each: what a module's tests have imported is none of the next one's business
        return max(subprocess.run([*_again(), "--module", name], cwd=ROOT, check=False).returncode for name in names)
    out = os.dup(1)
    os.dup2(2, 1)  # what pytest says goes to stderr
    score = score_of(names[0], sample=asked.sample, seed=asked.seed, numbers=asked.number, most=asked.most)
    row = _row(score)
    sys.stdout.flush()
    os.dup2(out, 1)
    if asked.json:
        print(json.dumps(row))
    else:
        counts = f"{row['killed']:4} killed {row['survived']:4} survived {row['timeouts']:3} timeouts"
        print(f"{row['module']:<22} {row['mutants']:4} mutants {counts} {row['score']:6.1f} %")
    return 0


def _again() -> list[str]:
    """The command as it was given, without its modules."""
    words, kept = iter(sys.argv[1:]), [sys.executable, "-m", "chaos.mutation"]
    for word in words:
        if word == "--module":
            next(words)
        else:
            kept.append(word)
    return kept


if __name__ == "__main__":
    sys.exit(main())
