"""Starting and standing idle: the time to the first request, what importing costs, memory, and the installed size."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from bench.children import Child
from bench.figures import Suite
from bench.machine import ROOT, memory_kib
from bench.workspaces import workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-c", "from selftimer.cli.main import main; raise SystemExit(main())")
"""What the `selftimer` command does."""
PATIENCE = 30.0
SHOWN = 8
"""Packages of which the import is listed."""
IMPORTED = "import selftimer.cli.main, selftimer.cli.working, selftimer.wiring, selftimer.runtime.local, selftimer.log"


def run(*, quick: bool) -> Suite:
    """Each start is a new process over a workspace that has seen the studio before."""
    starts, idle = (2, 5.0) if quick else (7, 40.0)
    suite = Suite(name="startup", title="Start, idle memory, installed size")
    with Child("studio") as studio:
        studio.ask("fill", clients=300, invoices=300)
        with workspace(studio.hello, starter=True) as folder:
            with _running(folder):
                _first_request(studio, 0.0)
                time.sleep(5)  # the first look at the studio is taken in
            first = []
            for _ in range(starts):
                studio.ask("drain")
                began = time.monotonic()
                with _running(folder):
                    first.append(_first_request(studio, began))
            suite.add("selftimer run to its first request", "s", first, most=0.9)
            suite.add("memory, idle", "MiB", _idle(folder, idle), most=85)
    _imports(suite)
    size, missing = installed_size()
    suite.add("installed, what running needs, without bytecode", "MiB", [size / 2**20], most=180)
    suite.notes.append(f"Idle: resident after {idle:g} s of polls, one a second, over a studio of 300 clients.")
    if missing:
        suite.notes.append(f"Not installed here, so not counted: {', '.join(missing)}.")
    return suite


@contextmanager
def _running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`selftimer run` with a look at the signals each second."""
    environment = {**_installed(), "SELFTIMER_POLLING__SIGNALS": "1", "SELFTIMER_POLLING__PAGE_ONE": "30"}
    with subprocess.Popen(
        [*COMMAND, "run", "--workspace", folder], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _installed() -> dict[str, str]:
    """The environment of an installed command: its modules were compiled when they came."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _first_request(studio: Child, began: float) -> float:
    """Seconds from `began` to when the studio saw the first request."""
    deadline = time.monotonic() + PATIENCE
    while (first := studio.ask("first")) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"selftimer run asked nothing within {PATIENCE:g} s")
        time.sleep(0.02)
    return float(first) - began


def _idle(folder: Path, seconds: float) -> list[float]:
    with _running(folder) as process:
        time.sleep(seconds)
        return [memory_kib("VmRSS", process.pid) / 1024]


def _imports(suite: Suite) -> None:
    """What `run` imports before it does anything, by package; times of their own, without what they import."""
    environment = _installed()
    whole = []
    for _ in range(6):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", IMPORTED], check=True, env=environment)
        whole.append(time.perf_counter() - began)
    del whole[0]  # it may have had to compile
    suite.add("Python with all that run imports", "s", whole)
    command = [sys.executable, "-X", "importtime", "-c", IMPORTED]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stderr
    own: Counter[str] = Counter()
    for line in said.splitlines():
        if found := re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line):
            top = found[2].partition(".")[0]
            own["the standard library" if top.lstrip("_") in _STDLIB or top in _STDLIB else top] += int(found[1])
    for name, microseconds in own.most_common(SHOWN):
        suite.add(f"  import of {name}", "s", [microseconds / 1e6])


_STDLIB = sys.stdlib_module_names | {name.lstrip("_") for name in sys.stdlib_module_names}


def installed_size() -> tuple[int, list[str]]:
    """Bytes of the files of every package in the runtime lock, and the packages that aren't installed here."""
    size, missing = 0, []
    for name in _locked():
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            missing.append(name)
            continue
        size += sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())
    return size + sum(path.stat().st_size for path in (ROOT / "src").rglob("*.py")), missing


def _locked() -> list[str]:
    """The packages of the runtime lock that this system and Python need."""
    from packaging.markers import Marker

    names = []
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)==[^ ;]+\s*(?:;\s*([^\\]+))?", line):
            names += [found[1]] if found[2] is None or Marker(found[2].strip()).evaluate() else []
    return names
