"""The demo as its user meets it: a command, two more processes, real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from selftimer.simulation.oracles import judge

COMMAND = """
import sys
from pathlib import Path
from selftimer.simulation.demo import DemoOptions, run_demo
options = eval(sys.argv[1])
sys.exit(run_demo(DemoOptions(**options)))
"""


def start(**options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, repr(options).replace("PosixPath", "Path")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def children_of(pid: int) -> list[int]:
    """The children of a process; a name in parentheses may hold anything, so the fields are counted from its end."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(folder.name))
    return found


def gone(pids: list[int], *, within: float = 15.0) -> bool:
    end = time.monotonic() + within
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def wait_for(condition: Any, *, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.mark.timeout(120)
def test_some_days_pass_with_nothing_sent_twice_wrong_or_lost(tmp_path: Path) -> None:
    options: dict[str, Any] = {"days": 5, "seed": 7, "json": True, "ledger": tmp_path / "ledger.json"}
    demo = start(workspace=tmp_path / "workspace", **options)
    out, err = demo.communicate(timeout=110)
    assert demo.returncode == 0, err.decode()
    figures = json.loads(out.splitlines()[-1])
    assert {name: figures[name] for name in ("doubled", "misdirected", "after_payment", "unowned", "unsent")} == {
        "doubled": 0,
        "misdirected": 0,
        "after_payment": 0,
        "unowned": 0,
        "unsent": 0,
    }
    assert (figures["days"], figures["seed"]) == (5, 7)
    assert figures["messages"] == sum(rule["messages"] for rule in figures["rules"].values()) > 0
    assert figures["requests"] > 100
    assert 0 < figures["wall_seconds"] < 110
    shown = err.decode()
    assert "2026-03-03 Tue" in shown
    assert "5 days of a studio, seed 7" in shown

    ledger = json.loads((tmp_path / "ledger.json").read_text("utf-8"))
    assert judge(ledger).clean
    assert sum(row["kind"] == "message" and row["by"] == "bot" for row in ledger["writes"]) == figures["messages"]
    logs = sorted(path.name for path in (tmp_path / "workspace" / "logs").iterdir())
    assert logs == ["sandbox.log", "service.log"]
    assert (tmp_path / "workspace" / "rules" / "leads.yaml").is_file()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_demo_and_its_children(tmp_path: Path, number: signal.Signals) -> None:
    demo = start(days=60, speed=2.0, workspace=tmp_path / "workspace")
    wait_for(lambda: len(children_of(demo.pid)) == 2)
    children = children_of(demo.pid)
    demo.send_signal(number)
    demo.communicate(timeout=30)
    assert demo.returncode == 128 + number
    assert gone(children)


@pytest.mark.timeout(120)
def test_children_do_not_outlive_a_demo_that_was_killed(tmp_path: Path) -> None:
    demo = start(days=60, speed=2.0, workspace=tmp_path / "workspace")
    wait_for(lambda: len(children_of(demo.pid)) == 2)
    children = children_of(demo.pid)
    demo.kill()
    demo.communicate(timeout=30)
    assert gone(children)


@pytest.mark.timeout(120)
def test_a_service_that_dies_is_told_with_its_last_lines(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    demo = start(days=60, speed=2.0, quiet=True, workspace=workspace)
    wait_for(lambda: len(children_of(demo.pid)) == 2 and (workspace / ".selftimer" / "selftimer.db").exists())
    os.kill(max(children_of(demo.pid)), signal.SIGKILL)
    out, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert "the service_process ended with code -9" in " ".join(out.decode().split())


@pytest.mark.timeout(120)
def test_with_keep_the_studio_goes_on_answering_until_it_is_told_to_stop(tmp_path: Path) -> None:
    demo = start(days=1, keep=True, quiet=True, workspace=tmp_path / "workspace")
    assert demo.stdout is not None
    shown: list[str] = []
    while not shown or "Ctrl-C" not in shown[-1]:
        line = demo.stdout.readline().decode()
        assert line, "the demo ended"
        shown.append(line)
    said = "".join(shown)
    assert "http://127.0.0.1:" in said
    assert "owner@studio-nord.example" in said
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=30)
    assert demo.returncode == 0


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "selftimer.toml").write_text("mine", "utf-8")
    demo = start(days=1, workspace=tmp_path)
    out, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "already" in out.decode()
    assert (tmp_path / "selftimer.toml").read_text("utf-8") == "mine"
