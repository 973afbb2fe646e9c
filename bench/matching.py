"""The suite over `bench.rules`: what matching costs, beside closures written by hand and Jinja2's sandbox."""

from __future__ import annotations

from bench.figures import Suite
from bench.rules import measure


def run(*, quick: bool) -> Suite:
    """Microseconds per (record, rule)."""
    records, rounds = (1_000, 1) if quick else (10_000, 3)
    suite = Suite(name="rules", title=f"Matching: {records:,} records by 50 rules of 3 conditions")
    found = [measure(records=records) for _ in range(rounds)]
    ours = [one["ours_us"] for one in found]
    closures = [one["closures_us"] for one in found]
    jinja = [one["jinja_sandbox_us"] for one in found]
    suite.add("ours, three-valued", "µs/pair", ours, most=0.15)
    suite.add("closures by hand, two-valued", "µs/pair", closures)
    suite.add("Jinja2 sandboxed compile_expression", "µs/pair", jinja)
    suite.ratio("closures against ours", closures, ours)
    suite.ratio("Jinja2 against ours", jinja, ours, least=40)
    suite.add("compiling a rule", "ms", [one["compile_ms_per_rule"] for one in found])
    suite.notes.append(f"{found[0]['matched_share']:.1%} of the pairs match.")
    if not all(one["same_matches"] for one in found):
        suite.notes.append("Ours and the closures did not agree on the matches!")
    return suite
