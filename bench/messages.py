"""End to end: new leads appear, each gets one rendered message, with every guarantee; beside a bare httpx script.

The bare script makes the same requests with as many in flight and keeps nothing: no state, no rules, no log.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from bench.children import Child
from bench.figures import Suite
from bench.workspaces import PROFILE, workspace

LEADS = 1_000
IN_FLIGHT = 10
TEXT = "Hi there,\n\nthank you for writing to Studio Nord. Your message has arrived.\n\nKim, Studio Nord"


@dataclass(slots=True)
class _Round:
    """Seconds of ours and of the script's, for delivering alone and with the polling before it."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    ours_whole: list[float] = field(default_factory=list)
    bare_whole: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    bare_cpu: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)


def run(*, quick: bool) -> Suite:
    """Messages a second and their ratios to the script's, at 0 ms and after 50 ms."""
    leads, rounds = (200, 1) if quick else (LEADS, 3)
    suite = Suite(name="messages", title=f"{leads:,} new leads, a message each; {IN_FLIGHT} in flight")
    for delay in (0, 50):
        found = _Round()
        for _ in range(rounds):
            _measure(found, leads, delay / 1000)
        _tell(suite, found, leads, delay)
    suite.notes.append("delivered: from the first claim to the last message; whole: the poll that finds the leads too.")
    return suite


def _measure(found: _Round, count: int, delay: float) -> None:
    with Child("studio") as studio, workspace(studio.hello, starter=False) as folder:
        with Child("service", str(folder)) as service:
            service.ask("observe")
            leads = studio.ask("leads", count=count)
            studio.ask("delay", seconds=delay)
            studio.ask("drain")
            seen = service.ask("observe")
            polled = studio.ask("drain")
            sent = service.ask("deliver")
            made = studio.ask("drain")
            states = {state: count for state, count in service.ask("states").items() if count}
        if states != {"sent": count}:
            raise RuntimeError(f"of {count} messages: {states}")
        with Child("bare", studio.hello, PROFILE.email, PROFILE.password) as bare:
            fetched = bare.ask("fetch", targets=[target for _, target in polled])
            posted = bare.ask("send", plan=_plan(leads, made), in_flight=IN_FLIGHT, text=TEXT)
    found.ours.append(sent["seconds"])
    found.bare.append(posted["seconds"])
    found.ours_whole.append(seen["seconds"] + sent["seconds"])
    found.bare_whole.append(fetched["seconds"] + posted["seconds"])
    found.cpu.append(sent["cpu"])
    found.bare_cpu.append(posted["cpu"])
    found.requests.append(len(made) / count)


def _plan(leads: list[tuple[str, str]], made: list[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """For each lead what ours read before its message, in that order, and the conversation that it went into."""
    reads: dict[str, list[str]] = {conversation: [] for _, conversation in leads}
    whose = {ident: conversation for client, conversation in leads for ident in (client, conversation)}
    for method, target in made:
        named = [ident for ident in re.findall(r"(?:cl|conv)_\w+", target) if ident in whose]
        if method == "GET" and named:
            reads[whose[named[0]]].append(target)
    return [(targets, conversation) for conversation, targets in reads.items()]


def _tell(suite: Suite, found: _Round, leads: int, delay: int) -> None:
    aims: dict[int, dict[str, float]] = defaultdict(dict, {0: {"most": 2.0}, 50: {"most": 1.3}})
    at = f"{delay} ms:"
    suite.add(f"{at} delivered", "messages/s", [leads / seconds for seconds in found.ours])
    suite.add(f"{at} bare script", "messages/s", [leads / seconds for seconds in found.bare])
    suite.ratio(f"{at} delivered, time against the script's", found.ours, found.bare, **aims[delay])
    suite.add(f"{at} whole", "messages/s", [leads / seconds for seconds in found.ours_whole])
    suite.ratio(f"{at} whole, time against the script's", found.ours_whole, found.bare_whole)
    suite.add(f"{at} processor", "ms/message", [1000 * cpu / leads for cpu in found.cpu])
    suite.add(f"{at} processor of the script", "ms/message", [1000 * cpu / leads for cpu in found.bare_cpu])
    suite.add(f"{at} requests", "per message", found.requests, most=3)
