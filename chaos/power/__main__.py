"""The process that has the shim preloaded: a seed a line on standard input, its result as JSON on standard output."""

from __future__ import annotations

import sys
from dataclasses import asdict

import orjson

from chaos.campaign import Result
from chaos.power.lives import run

if __name__ == "__main__":
    for line in sys.stdin:
        try:
            result = run(int(line))
        except Exception as error:  # noqa: BLE001 - told as a violation by the parent
            result = Result(seed=int(line), count=0, violations=(f"{type(error).__name__}: {error}",))
        sys.stdout.write(orjson.dumps(asdict(result)).decode() + "\n")
        sys.stdout.flush()
