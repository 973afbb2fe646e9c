"""Runs campaigns: seeds over the machine's cores until there are enough or the time is over, and what came of them."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import signal
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chaos.campaign import Campaign, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from chaos.campaign import Column

MODULES = {
    "model": "chaos.small_model",
    "machines": "chaos.machines",
    "sweeps": "chaos.sweeps",
    "expressions": "chaos.expressions",
    "bugs": "chaos.planted",
    "mutation": "chaos.mutation",
    "kill": "chaos.kill",
    "power": "chaos.power",
    "fuzz": "chaos.fuzz",
    "life": "chaos.life",
    "copies": "chaos.copies",
    "faults": "chaos.faults",
}
"""Where each `CAMPAIGN` is, in the order in which they are run and told of: time that one leaves is the next ones'."""
NAMES = tuple(MODULES)
PATIENCE = 600
"""Real seconds after which a seed is thought to hang."""
SHOWN = 20
"""Violations of one campaign that are kept word by word."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a campaign came to so far."""

    name: str
    title: str
    unit: str
    goal: int
    seeds: int = 0
    count: int = 0
    seconds: float = 0.0
    violations: int = 0
    words: list[str] = field(default_factory=list)
    """The first violations, each with its seed."""
    failing: list[int] = field(default_factory=list)
    """Seeds with a violation."""
    notes: Counter[str] = field(default_factory=Counter)
    repeated: bool | None = None
    """Whether the first seed had the same trace in another process; None for campaigns without one."""

    def take(self, result: Result) -> None:
        """Add a seed."""
        self.seeds += 1
        self.count += result.count
        self.notes.update(result.notes)
        self.violations += len(result.violations)
        if result.violations:
            self.failing.append(result.seed)
        self.words += [f"seed {result.seed}: {said}" for said in result.violations][: SHOWN - len(self.words)]

    def fail(self, seed: int, said: str) -> None:
        """Add a seed that couldn't be run."""
        self.take(Result(seed=seed, count=0, violations=(said,)))

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        return {name: getattr(self, name) for name in self.__slots__} | {"notes": dict(self.notes)}


def campaign(name: str) -> Campaign:
    """The campaign of that module."""
    found: Campaign = importlib.import_module(MODULES[name]).CAMPAIGN
    return found


def one(name: str, seed: int) -> Result:
    """One seed in this process; what it raises is a violation, and so is not coming to an end."""
    signal.signal(signal.SIGALRM, _no_end)
    signal.alarm(PATIENCE)
    try:
        return campaign(name).run(seed)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a campaign that falls over has found something, if only about itself
        return Result(seed=seed, count=0, violations=(f"{type(error).__name__}: {error}",))
    finally:
        signal.alarm(0)


def _ready(name: str) -> None:
    """In a new process: what is imported stays, so no collection need look at it; stories leave little to collect."""
    campaign(name)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _no_end(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"no end after {PATIENCE} s")


def run(
    what: Campaign,
    column: Column,
    *,
    minutes: float,
    workers: int = 2,
    first: int = 0,
    progress: Callable[[Tally], None] = lambda _tally: None,
) -> Tally:
    """Seeds from `first` on until there are as many as the column wants, or those minutes of real time are over.

    The first seed is run twice, in two processes, and must leave the same trace.
    """
    tally = Tally(name=what.name, title=what.title, unit=what.unit, goal=what.counts[column])
    began = time.monotonic()
    ends = began + minutes * 60
    os.environ["PYTHONHASHSEED"] = "0"  # of the children: the order of a set of texts is part of the course of events
    queue = _Queue(what.name, tally, first, workers)
    try:
        while queue.busy or (tally.count < tally.goal and time.monotonic() < ends):
            queue.fill(more=tally.count + queue.expected < tally.goal and time.monotonic() < ends)
            queue.collect()
            tally.seconds = time.monotonic() - began
            progress(tally)
            if not queue.busy and tally.seeds and not tally.count:
                break  # nothing but failures
    finally:
        queue.close()
    return tally


class _Queue:
    """Seeds under way in processes of their own; a process that dies is a violation of the seeds it had."""

    def __init__(self, name: str, tally: Tally, first: int, workers: int) -> None:
        self._name, self._tally, self._workers = name, tally, workers
        self._seeds = self._all(first)
        self._traces: dict[int, list[str]] = {first: []}
        self._busy: dict[Future[Result], int] = {}
        self._pool = self._open()

    def _open(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(
            self._workers, mp_context=context, initializer=_ready, initargs=(self._name,), max_tasks_per_child=200
        )

    @staticmethod
    def _all(first: int) -> Iterator[int]:
        yield first
        seed = first
        while True:
            yield seed
            seed += 1

    @property
    def busy(self) -> bool:
        return bool(self._busy)

    @property
    def expected(self) -> int:
        """How much those under way will add, by those that were."""
        return len(self._busy) * self._tally.count // max(self._tally.seeds, 1)

    def fill(self, *, more: bool) -> None:
        while more and len(self._busy) < self._workers * 2:
            seed = next(self._seeds)
            self._busy[self._pool.submit(one, self._name, seed)] = seed

    def collect(self) -> None:
        done, _ = wait(self._busy, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in done:
            seed = self._busy.pop(future, None)
            if seed is None:
                continue
            try:
                self._take(seed, future.result())
            except BrokenProcessPool:
                for lost in {seed, *self._busy.values()}:
                    self._tally.fail(lost, "the process that ran it died")
                self._busy.clear()
                self._pool = self._open()
                return

    def _take(self, seed: int, result: Result) -> None:
        traces = self._traces.get(seed)
        if traces is None:
            self._tally.take(result)
            return
        traces.append(result.trace)
        if len(traces) == 1:
            self._tally.take(result)
        elif traces[0]:
            self._tally.repeated = traces[0] == traces[1]
            if not self._tally.repeated:
                self._tally.fail(seed, f"run twice it was not the same: {' and '.join(traces)}")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
