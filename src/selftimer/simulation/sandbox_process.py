"""The demo's sandbox, a process of its own: `python -m selftimer.simulation.sandbox_process --seed 7 --days 60`.

Says where it is by one line of JSON on standard output, and ends with its standard input, so that it can't outlive
whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from selftimer.sandbox.server import serve
from selftimer.sandbox.world import World
from selftimer.simulation.parent import until_told


async def _serve(world: World) -> None:
    def ready(origin: str) -> None:
        sys.stdout.write(json.dumps({"origin": origin}) + "\n")
        sys.stdout.flush()

    stop = await until_told()
    await serve(world, ready=ready, stop=stop)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=60)
    given = parser.parse_args()
    world = World(seed=given.seed)
    world.end = world.start.add(hours=24 * given.days)
    asyncio.run(_serve(world))


if __name__ == "__main__":
    main()
