"""Looking at a large studio: nothing changed, 1 % changed, and the quiet poll in between; beside a bare httpx script.

Each measured step runs in a process of its own over the same database, so that its memory is its own. The script
fetches the same pages, as many at once, and decodes them; it compares nothing and keeps nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.children import Child
from bench.figures import Suite
from bench.workspaces import PROFILE, workspace

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 10_000
QUIET = 0.1
"""Hours after a sweep at which page one of each list is due and nothing more."""
FULL = 7.0


def run(*, quick: bool) -> Suite:
    """Requests, processor seconds and memory."""
    size, rounds = (1_000, 1) if quick else (SIZE, 3)
    suite = Suite(name="sync", title=f"{size:,} clients and {size:,} invoices")
    with Child("studio") as studio:
        studio.ask("fill", clients=size, invoices=size)
        with workspace(studio.hello, starter=True) as folder:
            first = _step(studio, folder, 0.0)
            _tell(suite, "first look", [first])
            unchanged, scripts, changed, quiet = [], [], [], []
            for number in range(1, rounds + 1):
                unchanged.append(_step(studio, folder, FULL * (2 * number - 1)))
                scripts.append(_script(studio.hello, unchanged[-1]["targets"]))
                quiet.append(_step(studio, folder, FULL * (2 * number - 1) + QUIET))
                studio.ask("change", share=0.01)
                changed.append(_step(studio, folder, FULL * 2 * number))
    _tell(suite, "full sweep, nothing changed", unchanged)
    _tell(suite, "bare script, the same pages", scripts)
    suite.ratio("processor, sweep against script", *_pairs(unchanged, scripts, "cpu"))
    suite.ratio("seconds, sweep against script", *_pairs(unchanged, scripts, "seconds"))
    _tell(suite, "full sweep, 1 % changed", changed)
    suite.add("quiet poll: requests", "requests", [len(one["targets"]) for one in quiet], most=8)
    suite.add("quiet poll: processor", "s", [one["cpu"] for one in quiet])
    return suite


def _step(studio: Child, folder: Path, hours: float) -> dict[str, Any]:
    """One poll by a process of its own, as if so many hours had passed."""
    with Child("service", str(folder)) as service:
        studio.ask("drain")
        cost: dict[str, Any] = service.ask("observe", hours=hours)
        seen = studio.ask("drain")
    return {
        **cost,
        "targets": [target for _, target in seen if "/notifications/" not in target and "login" not in target],
    }


def _script(origin: str, targets: list[str]) -> dict[str, Any]:
    with Child("bare", origin, PROFILE.email, PROFILE.password) as bare:
        return {**bare.ask("fetch", targets=targets), "targets": targets}


def _tell(suite: Suite, what: str, steps: list[dict[str, Any]]) -> None:
    suite.add(f"{what}: requests", "requests", [len(one["targets"]) for one in steps])
    suite.add(f"{what}: processor", "s", [one["cpu"] for one in steps])
    suite.add(f"{what}: elapsed", "s", [one["seconds"] for one in steps])
    suite.add(f"{what}: peak memory", "MiB", [one["peak_mib"] for one in steps])


def _pairs(ours: list[dict[str, Any]], peers: list[dict[str, Any]], name: str) -> tuple[list[float], list[float]]:
    return [one[name] for one in ours], [one[name] for one in peers]
