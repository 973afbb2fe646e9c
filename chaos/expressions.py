"""Conditions against a second reading of their specification, and attempts to reach beyond the records."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections import Counter

from chaos.campaign import Campaign, Result
from chaos.reference import law
from chaos.reference.escapes import Escapes
from chaos.reference.expressions import Writer
from chaos.reference.situations import situation

EACH = 500
"""Conditions that a seed judges; besides, there are those that the loader refuses."""
ACCEPTED = 0.8
"""The share of what is written that has to be accepted, so that the campaign is about what rules can say."""
ABOUT = ("client", "session", "invoice", "payment", "contract", "gallery")
A_STUDIO = 4
"""Conditions that are judged in one studio before it is another."""
ESCAPES = 20
"""One attempt to escape for so many conditions."""


def run(seed: int) -> Result:
    """`EACH` random conditions in random studios."""
    return judge(seed, EACH)


def judge(seed: int, count: int) -> Result:
    """So many random conditions."""
    rng = random.Random(seed)
    about = rng.choice(ABOUT)
    writer, escapes = Writer(rng, about), Escapes(rng, about)
    trace, notes = hashlib.sha256(), Counter[str]()
    violations: list[str] = []
    for number in itertools.count():
        if notes.total() - notes["refused"] - notes["escapes"] == count or notes["refused"] > 10 * count:
            break
        if number % A_STUDIO == 0:
            at = situation(rng, about)
        source = writer.condition()
        judged = law.judged(source, about, at)
        notes[judged.outcome] += 1
        trace.update(f"{source}\n{judged.outcome}\n".encode())
        found = [judged.violation]
        if rng.randrange(ESCAPES) == 0:
            attempt = escapes.attempt()
            notes["escapes"] += 1
            trace.update(attempt.encode())
            found += [law.escaped(attempt, about), law.misread(attempt, about, at)]
        violations += [violation for violation in found if violation is not None]
    share = count / (count + notes["refused"])
    if share < ACCEPTED:
        violations.append(f"only {share:.0%} of the conditions that seed {seed} wrote were accepted")
    return Result(seed=seed, count=count, violations=tuple(violations), trace=trace.hexdigest(), notes=dict(notes))


CAMPAIGN = Campaign(
    name="expressions",
    title="Random conditions over random records: compiled, traced and read a second time from the specification",
    unit="expressions",
    run=run,
    each=500,
    counts={"quick": 2_000, "night": 100_000, "release": 1_000_000},
    minutes={"quick": 0.3, "night": 2.5, "release": 22},
)
