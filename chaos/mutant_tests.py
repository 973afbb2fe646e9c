"""Runs mutants in the process that has collected their tests: one look at the tests, then a fork for each mutant.

The look says which statements each test comes to, and how long it takes. In a fork the module's functions get the
mutant's code, and the tests that come to its statement are run until one fails: first those that noticed other mutants
of the same function, then the quickest. No file is changed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from math import ceil
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Literal

from chaos.mutants import Mutant, mutants_of, mutated, probed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    import pytest

LONGEST = 15.0
"""Seconds that a test may take beyond five times what it took before."""
FIRST = 10
"""Tests that go before the quickest, for what they have noticed so far."""
_PROBE = "_selftimer_came_to"
_ENDS_WITH_ITS_PARENT = 1
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

    def killers(self) -> list[str]:
        """The tests that noticed one before the others did, most of them first."""
        return [name for name, _ in Counter(one.by for one in self.tested if "::" in one.by).most_common()]


class Look:
    """Which tests come to which statement of the module, and how long each takes; those that fail are left out."""

    def __init__(
        self, source: Path, module: Any, functions: Sequence[FunctionType], items: Sequence[pytest.Item]
    ) -> None:
        self.seconds: dict[str, float] = {}
        self.lines: dict[int, list[str]] = defaultdict(list)
        said = _forked(lambda: _looked(source, module, functions, items), 1_800.0)
        if said is None:
            raise RuntimeError(f"the tests of {source} couldn't be looked at")
        self.seconds = said["seconds"]
        for name, lines in said["lines"].items():
            for line in lines:
                self.lines[line].append(name)
        if not self.lines:
            raise RuntimeError(f"no test comes to {source}")

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Those that come to it: each test's quickest case first, then their second ones, and so on."""
        names = self.lines.get(mutant.start, ()) if mutant.inside else self.seconds
        found: list[tuple[int, float, str]] = []
        met: Counter[str] = Counter()
        for name in sorted(names, key=lambda name: (self.seconds[name], name)):
            test = name.partition("[")[0]
            found.append((met[test], self.seconds[name], name))
            met[test] += 1
        return [name for *_, name in sorted(found)]


def _looked(
    source: Path, module: Any, functions: Sequence[FunctionType], items: Sequence[pytest.Item]
) -> dict[str, Any]:
    met: set[int] = set()
    vars(module)[_PROBE] = met.add
    _give(functions, compile(probed(source.read_text(), _PROBE), str(source), "exec"))
    seconds, lines = {}, {}
    for item, following in _pairs(items):
        met.clear()
        began = time.perf_counter()
        if _passes(item, following):
            seconds[item.nodeid] = round(time.perf_counter() - began, 4)
            lines[item.nodeid] = sorted(met)
        else:
            print(f"  left out, as it fails without a mutant: {item.nodeid}", file=sys.stderr)
    return {"seconds": seconds, "lines": lines}


def _pairs(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    yield from zip(items, [*items[1:], None], strict=True)


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    from _pytest.runner import runtestprotocol

    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def end_with_parent() -> None:
    """Be killed when the process that started this one ends, however it ends."""
    ctypes.CDLL(None).prctl(_ENDS_WITH_ITS_PARENT, signal.SIGKILL)


def _forked(work: Any, longest: float) -> dict[str, Any] | None:
    """What `work` gives back, from a process of its own; None where it hung or died."""
    reading, writing = os.pipe()
    temporary = tempfile.mkdtemp(prefix="selftimer-mutant-")
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            os.setsid()
            end_with_parent()
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


def _give(functions: Sequence[FunctionType], code: CodeType) -> None:
    """Give the living functions the code that they have in there."""
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


class Driver:
    """A plugin that takes over where the tests would be run."""

    def __init__(
        self,
        name: str,
        sources: Path,
        *,
        chosen: Sequence[int] | None,
        most: int,
        only: Collection[str] = (),
        seconds: float | None = None,
    ) -> None:
        self.score = Score(module=name)
        self._source = sources / name
        self._text = self._source.read_text()  # what is there now: somebody may go on with their work meanwhile
        self._chosen, self._most, self._only = chosen, most, only
        self._until = time.monotonic() + seconds if seconds is not None else None
        self._functions: list[FunctionType] = []
        self._noticed: dict[str, Counter[str]] = defaultdict(Counter)
        """How many mutants each test has noticed, by function; of the whole module at the empty one."""

    def pytest_sessionstart(self) -> None:
        """Hypothesis tries the same examples with every mutant, and keeps none of one for the next."""
        from hypothesis import HealthCheck, settings

        every = list(HealthCheck)
        settings.register_profile("mutants", database=None, derandomize=True, suppress_health_check=every)
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Look at the tests, then run the mutants, until the time is over."""
        module = import_module(f"selftimer.{self.score.module.removesuffix('.py').replace('/', '.')}")
        items = {item.nodeid: item for item in session.items if not self._only or item.nodeid in self._only}
        self._functions = _functions_of(self._source)
        gc.freeze()  # what is there is looked at by no collection of a fork, which would copy all of it
        look = Look(self._source, module, self._functions, list(items.values()))
        every = mutants_of(self._text)
        for mutant in every if self._chosen is None else [every[number] for number in self._chosen]:
            if self._until is not None and self.score.tested and time.monotonic() > self._until:
                break  # one at least: a busy machine is no reason to say nothing
            names = self._ordered(mutant, look)[: self._most]
            self.score.tested.append(self._test(module, mutant, [items[name] for name in names], look))
            self._take(self.score.tested[-1], len(names))
        return True

    def _ordered(self, mutant: Mutant, look: Look) -> list[str]:
        """The tests that come to it, those that are likely to notice it soonest first."""
        near, all_of_it = self._noticed[mutant.inside], self._noticed[""]
        names = look.tests_of(mutant)
        worth = {name: 4 * near[name] + all_of_it[name] for name in names}
        likely = sorted(filter(worth.get, names), key=lambda name: worth[name] / look.seconds[name], reverse=True)
        return [*likely[:FIRST], *(name for name in names if name not in likely[:FIRST])]

    def _test(self, module: Any, mutant: Mutant, items: Sequence[pytest.Item], look: Look) -> Tested:
        def work() -> dict[str, str]:
            try:
                self._exchange(module, mutant)
            except Exception as error:  # noqa: BLE001 - a module that can't be loaded is noticed by everybody
                return {"by": f"{type(error).__name__} when it is imported"}
            for item, following in _pairs(items):
                signal.alarm(ceil(LONGEST + 5 * look.seconds[item.nodeid]))  # ends the process
                if not _passes(item, following):
                    return {"by": item.nodeid}
            return {"by": ""}

        longest = LONGEST + sum(LONGEST + 5 * look.seconds[item.nodeid] for item in items)
        said = _forked(work, longest) if items else {"by": ""}
        if said is None:
            return Tested(mutant=mutant, fate="timeout")
        return Tested(mutant=mutant, fate="killed" if said["by"] else "survived", by=said["by"])

    def _exchange(self, module: Any, mutant: Mutant) -> None:
        """Give the module's living functions the code of the mutant, or its names the values."""
        code = compile(mutated(self._text, mutant.number), str(self._source), "exec")
        if mutant.inside:
            _give(self._functions, code)
        else:
            _rebind(code, module)

    def _take(self, tested: Tested, tests: int) -> None:
        mutant = tested.mutant
        if tested.by:
            for where in {mutant.inside, ""}:
                self._noticed[where][tested.by] += 1
        if tested.fate != "killed":
            where = f"{self.score.module}:{mutant.line}"
            what = f"{tested.fate} {tests:3} tests: {mutant.number:4} {where:<24} {mutant.inside}: {mutant.what}"
            print(f"  {what}", file=sys.stderr, flush=True)
