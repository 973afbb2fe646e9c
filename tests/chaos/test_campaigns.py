"""Of each campaign as many seeds as fit; `make chaos` runs more of them, for an hour.

What a campaign finds is made small and kept in cases/ (`python -m chaos.shrink`), and stays mended.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from chaos import kill, runner
from chaos.cases import shrunk, told
from chaos.power.disk import compiler

from selftimer.plan import attempt
from selftimer.sandbox.faults import KINDS

if TYPE_CHECKING:
    from chaos.cases import Case

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.json"))
HERE_TOO = ("kill", "power", "faults", "fuzz", "life", "copies")
"""The others have tests of their own beside what they try; the score of mutants is measured, not tested."""


def seeds(name: str) -> list[int]:
    """As many as the first column wants."""
    campaign = runner.campaign(name)
    return list(range(-(-campaign.counts["quick"] // campaign.each)))


QUICK = [(name, seed) for name in HERE_TOO for seed in seeds(name)]


@pytest.mark.parametrize(("name", "seed"), QUICK, ids=[f"{name}-{seed}" for name, seed in QUICK])
def test_a_seed_violates_nothing(name: str, seed: int) -> None:
    if name == "power" and compiler() is None and "CI" not in os.environ:
        pytest.skip("a power cut needs a C compiler to note what is written: install gcc")
    result = runner.one(name, seed)
    assert result.violations == ()
    assert result.count > 0


@pytest.mark.parametrize("name", ["kill", "faults", "copies"])
def test_the_same_seed_is_the_same_course_of_events(name: str) -> None:
    first, again = runner.one(name, 0), runner.one(name, 0)
    assert first == again
    assert first.trace
    assert first.trace != runner.one(name, 2).trace


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_a_campaign_found_stays_mended(path: Path) -> None:
    kept = orjson.loads(path.read_bytes())
    campaign: Any = importlib.import_module(runner.MODULES[kept["campaign"]])
    assert told(campaign.play, kept["case"]).violations == []


def test_a_failing_case_shrinks_to_what_it_takes_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: without a window to settle, a message that is applied late is sent again. One fault is enough."""
    monkeypatch.setattr(attempt, "settle_window", lambda _delivery, _policy: 0)
    fault = {"kind": "late_apply", "seconds": 110.0, "times": 1, "skip": 0}
    case: Case = {"story": "message", "kills": [[400, 0.0], [3, 60.0], [500, 0.0]], "fault": fault}
    small = shrunk(case, kill.simpler, lambda one: bool(told(kill.play, one).violations))
    assert small == {"story": "message", "kills": [], "fault": fault}


def test_every_fault_that_the_sandbox_knows_is_in_the_schedules() -> None:
    from chaos import faults

    ordered = {str(deed[2].get("kind")) for seed in range(200) for case in faults.cases(seed) for deed in case["deeds"]}
    assert set(KINDS) - ordered <= {"delay"}, "a delay is real time, and no fault where the clock stands"
