"""Every case of one effect: what the studio does, how late, how stale its reads, and where the service dies.

The states are the product's own (`plan/attempt.py`); the driver goes through `engine/attempts.py`'s boundaries in its
order. Beside it four other ways to send, so that the model shows that it can fail. `python -m chaos.small_model` prints
the table of delivery.md §1.

A case is a path: each of the first two POSTs meets one of eight outcomes (the late one with five delays), every read
is as stale as every other, and the service dies at up to two of the boundaries it comes to while those two POSTs are
settled. Later POSTs meet what the second one met.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal

from chaos.campaign import Campaign, Result
from chaos.outside import KNOWN_BY_NAME, LAGS, Deed, Outside, deeds, effect, window_of
from chaos.strategies import NAIVE, STRATEGIES, Strategy
from selftimer.plan.state import DOCUMENTS, FINAL, Delivery, DeliveryState, Verb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whenever import Instant

    from selftimer.plan.attempt import Outcome

S = DeliveryState
Phase = Literal["due", "written", "journalled", "answered"]
RESTART = 5
"""Seconds until a service that died is back."""
OURS = "write-ahead + settle + one retry (ours)"
VERBS = (
    Verb.MESSAGE,
    Verb.INVOICE,
    Verb.QUOTE,
    Verb.CONTRACT,
    Verb.QUESTIONNAIRE,
    Verb.CONVERSATION,
    Verb.LEAD,
    Verb.COUPON,
    Verb.UPDATE,
    Verb.WEBHOOK,
)


@dataclass(frozen=True, slots=True)
class Node:
    """Where a case stands: what is kept (`row`), what only the process knows (`phase`, `heard`), and the outside."""

    row: Delivery
    now: Instant
    outside: Outside
    crashes: int
    phase: Phase = "due"
    heard: Outcome | None = None
    posts: int = 0
    last: Deed | None = None
    beyond: bool = False
    """Whether something came to be seen later than the settle window: outside the promise."""


@dataclass(frozen=True, slots=True)
class End:
    """What a case came to."""

    row: Delivery
    made: int
    """How many there are in the end, those that apply after the end too."""
    beyond: bool

    @property
    def doubled(self) -> bool:
        """Whether it is there more than once."""
        return self.made > 1

    @property
    def told(self) -> bool:
        """Whether the owner hears that it was not sent, or may not have been: held with evidence, failed, late."""
        return self.row.state in {S.HELD, S.FAILED, S.SKIPPED}

    @property
    def lost(self) -> bool:
        """Whether it is nowhere and nobody is told."""
        return not self.made and not self.told

    @property
    def untrue(self) -> bool:
        """Whether it is said not to have been sent, and was."""
        return bool(self.made) and self.row.state in {S.FAILED, S.SKIPPED}


def cases(strategy: Strategy, verb: Verb, lag: float, first: Deed, crashes: int) -> Iterator[End]:
    """Every case of one effect whose first POST meets that."""
    stale = round(lag * window_of(verb))
    todo = [Node(effect(verb), effect(verb).due_at, Outside(verb, stale), crashes)]
    while todo:
        node = todo.pop()
        if node.phase == "due" and (node.row.state in FINAL or node.row.state is S.HELD):
            yield End(node.row, len(node.outside.made), node.beyond)
            continue
        if node.crashes and node.posts <= 2:
            todo.append(_dead(strategy, node))
        todo.extend(_on(strategy, node, first))


def _dead(strategy: Strategy, node: Node) -> Node:
    """The process dies here and comes back: only what was written down is left."""
    row = strategy.restarted(node.row)
    at = max(node.now, node.row.due_at) if node.phase == "due" else node.now  # in the middle of its reads
    now = at.add(seconds=RESTART)
    return replace(node, row=row, now=now, crashes=node.crashes - 1, phase="due", heard=None)


def _on(strategy: Strategy, node: Node, first: Deed) -> list[Node]:
    """What follows where it doesn't die; more than one where the outside may do more than one thing."""
    row = node.row
    match node.phase:
        case "due":
            now = max(node.now, row.due_at)
            seen = node.outside.read(now)
            if row.state is S.UNKNOWN:
                return _looked(strategy, replace(node, now=now), seen)
            ahead = strategy.before(row, now, seen)
            going = ahead.state is S.IN_FLIGHT or strategy.goes_on(ahead)
            return [replace(node, row=ahead, now=now, phase="written" if going else "due")]
        case "written":  # the line in the send journal: nothing that this model asks for again
            return [replace(node, phase="journalled")]
        case "journalled":
            return [_posted(node, deed) for deed in _next_deeds(node, first)]
        case "answered":
            assert node.heard is not None
            after = strategy.answered(row, node.heard, node.now)
            return [replace(node, row=after, phase="due", heard=None)]


def _next_deeds(node: Node, first: Deed) -> Sequence[Deed]:
    if node.posts == 0:
        return (first,)
    if node.posts == 1:
        return deeds(node.row.verb)
    assert node.last is not None
    return (node.last,)


def _posted(node: Node, deed: Deed) -> Node:
    outside, heard = node.outside.post(deed, node.now)
    late = deed.applies is not None and deed.applies + outside.lag > window_of(node.row.verb)
    return replace(
        node,
        outside=outside,
        now=node.now.add(seconds=deed.takes),
        phase="answered",
        heard=heard,
        posts=node.posts + 1,
        last=deed,
        beyond=node.beyond or late,
    )


def _looked(strategy: Strategy, node: Node, seen: tuple[str, ...]) -> list[Node]:
    """The look and, a boundary later, what it came to: a process that dies in between has looked for nothing."""
    return [replace(node, row=strategy.looked(node.row, seen, node.now))]


# --- counting --------------------------------------------------------------------------------------------------------


def tally(strategy: Strategy, verb: Verb, lag: float, first: Deed, crashes: int) -> Counter[str]:
    """How many cases, and of what kind, within the settle window and beyond it."""
    found: Counter[str] = Counter()
    for end in cases(strategy, verb, lag, first, crashes):
        where = "beyond" if end.beyond else "within"
        found[f"{where} cases"] += 1
        for name in ("doubled", "lost", "untrue"):
            found[f"{where} {name}"] += getattr(end, name)
        found[f"{where} held"] += end.row.state is S.HELD
    return found


def slices() -> list[tuple[str, Verb, float, Deed]]:
    """The enumeration in parts: ours for every verb, the others for messages."""
    ours = [(OURS, verb, lag, first) for verb in VERBS for lag in LAGS for first in deeds(verb)]
    others = [(name, Verb.MESSAGE, lag, first) for name, lag, first in product(NAIVE, LAGS, deeds(Verb.MESSAGE))]
    return ours + others


def forbidden(name: str, verb: Verb, found: Counter[str]) -> list[str]:
    """What must not be: ours never doubles or loses within the window; a document never at all, nor does holding."""
    if name not in {OURS, "write-ahead + hold"}:
        return []
    always = name != OURS or verb in DOCUMENTS | KNOWN_BY_NAME | {Verb.CONVERSATION}
    wrong = ["within doubled", "within lost", "beyond lost", *(["beyond doubled"] if always else [])]
    if verb is not Verb.WEBHOOK:  # a receiver that took it and says no from then on is told of as not reached
        wrong.append("within untrue")
    return [what for what in wrong if found[what]]


def run(seed: int) -> Result:
    """One part of the enumeration with up to two crashes; seeds past its end go through it with up to three."""
    parts = slices()
    name, verb, lag, first = parts[seed % len(parts)]
    found = tally(STRATEGIES[name], verb, lag, first, crashes=2 + (seed >= len(parts)))
    what = f"{name}, {verb.value}, first POST {first.name}, reads {lag:g} windows old"
    violations = tuple(f"{what}: {found[wrong]} {wrong}" for wrong in forbidden(name, verb, found))
    kind = "ours" if name == OURS else name
    notes = {f"{kind}: {key}": count for key, count in found.items() if count and not key.endswith("cases")}
    return Result(seed=seed, count=found["within cases"] + found["beyond cases"], violations=violations, notes=notes)


# --- the table -------------------------------------------------------------------------------------------------------


def table(crashes: int = 2, verbs: Sequence[Verb] = VERBS) -> dict[tuple[str, str], Counter[str]]:
    """The whole enumeration, by way of sending and verb."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for name, verb, lag, first in slices():
        if verb in verbs:
            found.setdefault((name, verb.value), Counter()).update(tally(STRATEGIES[name], verb, lag, first, crashes))
    return found


def printed(found: dict[tuple[str, str], Counter[str]]) -> str:
    """The table as text: what is doubled, lost, held and untrue, in per cent of the cases."""
    columns = ("doubled", "lost", "untrue", "held")
    head = f"{'':40}{'':15}" + "".join(
        f"{f'{where} the settle window: cases':>36}" + "".join(f"{name:>9}" for name in columns)
        for where in ("within", "beyond")
    )
    lines = [head]
    for (name, verb), counts in found.items():
        line = f"{name:40}{verb:15}"
        for where in ("within", "beyond"):
            total = counts[f"{where} cases"]
            shares = (counts[f"{where} {column}"] / total * 100 if total else 0.0 for column in columns)
            line += f"{total:>36,}" + "".join(f"{_share(share):>9}" for share in shares)
        lines.append(line)
    whole = sum(counts["within cases"] + counts["beyond cases"] for counts in found.values())
    untrue = "untrue: the owner is told that it was not sent, though it was"
    return "\n".join([*lines, f"{whole:,} cases; {untrue}"])


def _share(share: float) -> str:
    if share == 0:
        return "0"
    return f"{share:.1f} %" if share >= 0.1 else "<0.1 %"


CAMPAIGN = Campaign(
    name="model",
    title="every case of one effect: outcomes, delays, stale reads, crashes",
    unit="cases",
    run=run,
    each=284,
    counts={"quick": 143_236, "night": 890_183, "release": 890_183},
    minutes={"quick": 0.5, "night": 1.5, "release": 5},
)

if __name__ == "__main__":
    print(printed(table(crashes=int(sys.argv[1]) if len(sys.argv) > 1 else 2)))
