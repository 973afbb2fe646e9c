"""Power cuts at any write or sync of database and journal, and disks that refuse: once, or from then on."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from functools import cache

import orjson

from chaos.campaign import Campaign, Result
from chaos.power.disk import library


@cache
def child() -> subprocess.Popen[str]:
    """A process with the shim preloaded, which ends with this one."""
    environment = {**os.environ, "LD_PRELOAD": str(library()), "PYTHONHASHSEED": "0"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    started = subprocess.Popen(
        [sys.executable, "-m", "chaos.power"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    atexit.register(started.kill)
    return started


def run(seed: int) -> Result:
    """One seed, in that process."""
    process = child()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{seed}\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        child.cache_clear()
        raise RuntimeError(f"the process with the shim died with {process.wait()}")
    said = orjson.loads(line)
    return Result(**{**said, "violations": tuple(said["violations"])})


CAMPAIGN = Campaign(
    name="power",
    title="power cuts at any write or sync, torn and out of order; the n-th write fails, once or for ever",
    unit="troubles",
    run=run,
    each=10,
    counts={"quick": 60, "night": 5_000, "release": 50_000},
    minutes={"quick": 0.4, "night": 7.5, "release": 75},
)
