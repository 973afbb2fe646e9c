"""A sandbox on loopback in a thread, services that are killed, and the schedule of the kills."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx

from selftimer.sandbox.faults import Fault, Faults
from selftimer.sandbox.server import serve
from selftimer.simulation.workspace import copy_starter, point_to, write_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

    from whenever import Instant

    from selftimer.sandbox.world import World

SEND = (
    "deliver.claimed",
    "deliver.asked",
    "deliver.before_intent",
    "deliver.after_intent",
    "journal.before",
    "journal.written",
    "deliver.after_journal",
    "deliver.after_post",
    "deliver.after_outcome",
    "deliver.after_line",
)
"""Around one effect, in order."""
LOOK = ("deliver.looked", "deliver.settled")
START = ("start.before", "start.taken_over", "observe.activated", "deliver.orders")
OBSERVE = (
    "observe.begun",
    "observe.gathered",
    "observe.batch",
    "observe.finish",
    "observe.removals",
    "observe.again",
    "observe.moments_read",
    "observe.moments",
    "observe.closed",
    "observe.settled",
    "deliver.woken",
)
STORE = ("store.before_commit", "store.after_commit")
POSTS = r"/(conversation_messages|conversations/|invoices/|contracts/|questionnaires/|quotes/)$"
PATIENCE = 60.0
"""Real seconds without an end after which a test gives up."""


class Sandbox:
    """A world served on loopback by a thread of this process. A context manager."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults()
        self.origin = ""
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._http = httpx.Client(trust_env=False, timeout=30)

    def _run(self) -> None:
        def ready(origin: str) -> None:
            self.origin = origin
            self._ready.set()

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(serve(self.world, faults=self.faults, ready=ready, stop=self._stop))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20), "the sandbox doesn't start"
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def advance(self, instant: Instant) -> None:
        """Let life go on while nobody looks."""
        self._http.post(f"{self.origin}/_sandbox/advance", json={"to": instant.format_iso()}).raise_for_status()

    def ledger(self) -> dict[str, Any]:
        """What the API accepted, as its endpoint tells it."""
        found: dict[str, Any] = self._http.get(f"{self.origin}/_sandbox/ledger").raise_for_status().json()
        return found


class Nursery:
    """Forks services (`support_fork`), one at a time. A context manager that leaves none behind."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._buffer = b""

    def __enter__(self) -> Self:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SELFTIMER_", "COV"))}
        with self.log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.acceptance.support_fork"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._answer(PATIENCE)
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def start(self, workspace: Path, url: str, *, crash_at: str = "", seed: int = 1) -> None:
        """Start a service; it dies at the crash point, if one is given."""
        assert self._process is not None
        assert self._process.stdin is not None
        order = {"workspace": str(workspace), "url": url, "crash_at": crash_at, "seed": seed, "log": str(self.log)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        self._pid = (self._answer(PATIENCE) or {})["pid"]

    def ended(self, within: float) -> int | None:
        """The exit code (negative: the signal) if it ends so soon."""
        said = self._answer(within)
        if said is None:
            return None
        self._pid = None
        return int(said["ended"])

    def kill(self) -> None:
        """SIGKILL, if it still lives; returns when it is gone."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)
            assert self.ended(PATIENCE) is not None

    def _answer(self, within: float) -> dict[str, Any] | None:
        assert self._process is not None
        assert self._process.stdout is not None
        file = self._process.stdout.fileno()
        deadline = time.monotonic() + within
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([file], [], [], left)[0]:
                return None
            got = os.read(file, 65536)
            assert got, f"the nursery died; see {self.log}"
            self._buffer += got
        line, _, self._buffer = self._buffer.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One life and how it ends: at a point, in the middle of a POST, or so many hours after its start."""

    point: str = ""
    fault: str = ""
    """`delay`: killed while it waits for the answer; `late_apply`: killed, and the studio applies it a minute later."""
    hours: float = 8.0
    """Studio hours that it lives at most."""
    jitter: float = 0.0
    """Real seconds more, so that it dies anywhere."""
    down: float = 0.0
    """Studio hours until the next start."""


@dataclass(slots=True, kw_only=True)
class Life:
    """What became of one start."""

    kill: Kill
    born: Instant
    died: Instant
    how: str


@dataclass(slots=True)
class Campaign:
    """Lives one after the other over one workspace and one world."""

    sandbox: Sandbox
    nursery: Nursery
    workspace: Path
    lives: list[Life] = field(default_factory=list)

    def furnish(self, rules: Mapping[str, str] | None = None) -> None:
        """The starter's workspace, or those files over its settings and words."""
        copy_starter(self.workspace)
        if rules is not None:
            for old in (self.workspace / "rules").glob("*.yaml"):
                old.unlink()
            write_files(self.workspace, rules)
        profile = self.sandbox.world.profile
        point_to(self.workspace, self.sandbox.origin, email=profile.email, password=profile.password)

    @property
    def database(self) -> Path:
        """Where the service keeps its state."""
        return self.workspace / ".selftimer" / "selftimer.db"

    def live(self, kill: Kill) -> None:
        """Start, let it be killed, let the studio live on without it."""
        world = self.sandbox.world
        born = world.now
        fault = Fault(fault="delay", seconds=0.3) if kill.fault == "delay" else None
        fault = Fault(fault="late_apply", seconds=60.0) if kill.fault == "late_apply" else fault
        if fault is not None:
            fault.method, fault.path = "POST", POSTS
            self.sandbox.faults.order(fault)
        self.nursery.start(self.workspace, self.sandbox.origin, crash_at=kill.point, seed=len(self.lives))
        how = self._end(kill, fault, born.add(seconds=int(kill.hours * 3600)))
        self.sandbox.faults.clear()
        self.lives.append(Life(kill=kill, born=born, died=world.now, how=how))
        if kill.down:
            self.sandbox.advance(world.now.add(seconds=int(kill.down * 3600)))

    def _end(self, kill: Kill, fault: Fault | None, until: Instant) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            code = self.nursery.ended(0.002)
            if code is not None:
                assert code == -signal.SIGKILL, f"it ended by itself with {code}; see {self.nursery.log}"
                return kill.point
            hit = fault is not None and fault.hits > 0
            if hit or self.sandbox.world.now >= until:
                time.sleep(kill.jitter)
                self.nursery.kill()
                return kill.fault if hit else "any"
        raise AssertionError(f"nothing moves at {self.sandbox.world.now}; see {self.nursery.log}")

    def finish(self) -> None:
        """One life more, to the end of the story."""
        born = self.sandbox.world.now
        self.nursery.start(self.workspace, self.sandbox.origin, seed=len(self.lives))
        code = self.nursery.ended(PATIENCE * 2)
        assert code == 0, f"the last life ended with {code}; see {self.nursery.log}"
        self.lives.append(Life(kill=Kill(), born=born, died=self.sandbox.world.now, how="end"))

    def told(self) -> str:
        """The schedule as it went, one line a life."""
        return "\n".join(
            f"{n:3} {life.born} .. {life.died} {life.how:24} {life.kill}" for n, life in enumerate(self.lives)
        )


def schedule(random: Random, count: int, *, sends: float) -> list[Kill]:
    """So many kills; `sends` is how many of ten strike around a send."""
    kills: list[Kill] = []
    while len(kills) < count:
        kills.append(_kill(random, sends))
        if random.random() < 0.3:  # in pairs: the recovery dies too
            point = f"{random.choice((*START, *OBSERVE[:6], *LOOK))}:1"
            kills.append(Kill(point=point, hours=random.uniform(0.2, 2), down=_down(random)))
    return kills[:count]


def _kill(random: Random, sends: float) -> Kill:
    down, hours = _down(random), random.uniform(1, 14)
    match random.choices(("send", "fault", "look", "observe", "store", "any"), (sends, 1, 1, 1.5, 1.5, 1))[0]:
        case "send":
            return Kill(point=f"{random.choice(SEND)}:{random.randint(1, 3)}", hours=hours, down=down)
        case "fault":
            return Kill(fault=random.choice(("delay", "late_apply")), hours=hours, jitter=random.uniform(0, 0.05))
        case "look":
            return Kill(point=f"{random.choice(LOOK)}:{random.randint(1, 2)}", hours=hours, down=down)
        case "observe":
            return Kill(point=f"{random.choice((*OBSERVE, *START))}:{random.randint(1, 4)}", hours=hours, down=down)
        case "store":
            return Kill(point=f"{random.choice(STORE)}:{random.randint(1, 90)}", hours=hours, down=down)
        case _:
            return Kill(hours=random.uniform(0, 4), jitter=random.uniform(0, 0.1), down=down)


def _down(random: Random) -> float:
    """Mostly at once or soon, now and then up to twenty hours."""
    roll = random.random()
    if roll < 0.3:
        return 0.0
    return random.uniform(0, 5) if roll < 0.75 else random.uniform(5, 20)
