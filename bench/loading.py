"""Loading rules: a workspace of 500 rules that are all different, each with words of its own, read and checked whole.

The starter's rules are the pattern; every copy has names, messages, times and conditions of its own, so that nothing
that remembers one text can serve another.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from bench.figures import Suite
from bench.machine import ROOT
from selftimer.rulebook.files import read_workspace
from selftimer.rulebook.loader import load_workspace
from selftimer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

AIM = 1.0
"""Seconds of CPU for 500 rules: what a photographer waits for when a file is saved."""
_ID = re.compile(r"(?m)^(  - id: )(\S+)")
_SAID = re.compile(r"((?:send|notify|run): )([a-z-]+)")


def run(*, quick: bool) -> Suite:
    """Each round reads all files anew; their content is in memory, as a disk's speed isn't ours."""
    rules, rounds = (60, 2) if quick else (500, 7)
    suite = Suite(name="loading", title="Loading and checking a workspace")
    facts = Settings.load(ROOT).facts()
    files = workspace(rules)
    took, found = [], 0
    for _ in range(rounds):
        began = time.process_time()
        loaded = load_workspace(files, facts)
        took.append(time.process_time() - began)
        assert loaded.rulebook is not None, [str(problem) for problem in loaded.errors[:3]]
        found = len(loaded.rulebook.rules)
    suite.add(f"{found} rules, {len(files)} files", "s of CPU", took, most=AIM * found / 500)
    suite.add("one rule with its words", "ms of CPU", [1000 * seconds / found for seconds in took])
    suite.notes.append("All rules differ, and so do their messages; warnings are counted like the rest of the check.")
    return suite


def workspace(rules: int) -> dict[str, str]:
    """At least so many rules, made of the starter's."""
    starter = {name: content.decode("utf-8") for name, content in read_workspace(ROOT).items()}
    each = sum(len(_ID.findall(text)) for name, text in starter.items() if name.startswith("rules/"))
    files: dict[str, str] = {}
    for copy in range(-(-rules // each)):
        files |= _copied(starter, copy)
    return files


def _copied(starter: Mapping[str, str], copy: int) -> dict[str, str]:
    found = {}
    for name, text in starter.items():
        stem, _, ending = name.rpartition(".")
        if "/messages/" in name:
            own = text.replace("Hi ", f"Hi number {copy}, ") + f"\n{copy}\n"
        else:
            own = _SAID.sub(rf"\g<1>\g<2>-{copy}", _ID.sub(rf"\g<1>\g<2>-{copy}", text))
            own = own.replace(" at 10:00", f" at {8 + copy % 6:02}:{copy % 60:02}")
            own = own.replace("if: session.confirmed", f"if: session.confirmed and client.city != 'town {copy}'")
        found[f"{stem}-{copy}.{ending}"] = own
    return found
