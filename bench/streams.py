"""A list of 10,000 read as a stream by the client, beside a bare httpx script that fetches and decodes the same pages.

Both have four pages under way at once. The script keeps nothing and knows no types; the client hands out checked, typed
records in the order of the list, or raw records with their digests, as a sweep of the service compares them.
"""

from __future__ import annotations

from typing import Any

from bench.children import Child
from bench.figures import Suite
from bench.workspaces import PROFILE

SIZE = 10_000


def run(*, quick: bool) -> Suite:
    """Seconds and processor seconds, and their ratios to the script's."""
    size, rounds = (2_000, 1) if quick else (SIZE, 5)
    suite = Suite(name="streams", title=f"a list of {size:,} clients, 100 a page, 4 pages at once")
    found: dict[str, list[dict[str, Any]]] = {"stream": [], "sweep": [], "script": []}
    with Child("studio") as studio:
        studio.ask("fill", clients=size, invoices=0)
        given = (studio.hello, PROFILE.email, PROFILE.password)
        with Child("library", *given) as library, Child("bare", *given) as bare:
            for _ in range(rounds):
                studio.ask("drain")
                found["stream"].append(_all_of(library.ask("read"), size))
                targets = [target for _, target in studio.ask("drain")]
                found["sweep"].append(_all_of(library.ask("pages"), size))
                found["script"].append(bare.ask("fetch", targets=targets))
    for what, some in found.items():
        suite.add(f"{what}: elapsed", "s", [one["seconds"] for one in some])
        suite.add(f"{what}: processor", "s", [one["cpu"] for one in some])
    for what, aim in (("sweep", {"most": 1.3}), ("stream", {})):
        ours, script = ([one["seconds"] for one in found[name]] for name in (what, "script"))
        suite.ratio(f"{what}, time against the script's", ours, script, **aim)
    suite.notes.append("sweep: raw records with digests, as the service compares them; stream: typed and checked.")
    return suite


def _all_of(answer: dict[str, Any], size: int) -> dict[str, Any]:
    if answer["count"] != size:
        raise RuntimeError(f"{answer['count']} records of {size} were read")
    return answer
