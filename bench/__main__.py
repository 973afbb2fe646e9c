"""`python -m bench [--only NAME …] [--quick]`: measure, print, keep in bench/results/."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

import orjson
from rich.console import Console

from bench import loading, matching, messages, startup, streams, sync
from bench.machine import ROOT, machine, versions

SUITES = {
    "rules": matching.run,
    "loading": loading.run,
    "sync": sync.run,
    "messages": messages.run,
    "streams": streams.run,
    "startup": startup.run,
}
RESULTS = ROOT / "bench" / "results"


def main() -> int:
    """Run the suites; 0 also where an aim is missed, since a busy machine misses them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What Selftimer costs, beside its peers.")
    parser.add_argument("--only", choices=sorted(SUITES), action="append", help="this suite; may be given again")
    parser.add_argument("--quick", action="store_true", help="small and once: to see that it works, not for figures")
    chosen = parser.parse_args()
    screen = Console()
    began = datetime.now(UTC)
    about = {"date": began.isoformat(timespec="seconds"), "quick": chosen.quick}
    about |= {"machine": machine(), "versions": versions()}
    screen.print(f"{about['machine']['cpu']}, {about['machine']['cores']} cores; {about['versions']['python']}")
    screen.print("Absolute figures move with the machine and with what else it does; ratios are of one run.\n")
    suites = {}
    for name in chosen.only or SUITES:
        at = time.perf_counter()
        suite = SUITES[name](quick=chosen.quick)
        suites[name] = suite.to_json()
        screen.print(suite.table())
        screen.print(f"took {time.perf_counter() - at:.0f} s\n", style="dim")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{began:%Y%m%d-%H%M%S}-{about['versions']['commit'].rstrip('+')}.json"
    path.write_bytes(orjson.dumps({**about, "suites": suites}, option=orjson.OPT_INDENT_2))
    screen.print(f"kept in {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
