"""What of the rules a test has reached: entries begun, steps taken, conditions that said no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.plan.state import DeliveryState
from selftimer.rulebook.model import BranchStep, RunStep, StopStep, WaitStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selftimer.ports.reader import StoreReader
    from selftimer.rulebook.model import Rule, Rulebook, Step
    from selftimer.ruletests.stage import Sight

_ALL = 1_000_000
_PLANNED = frozenset({DeliveryState.SENT, DeliveryState.HELD, DeliveryState.READY, DeliveryState.FAILED})


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A place in a rule that a test can reach."""

    rule: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The rules that ran, and the points of them that were reached."""

    rules: frozenset[str] = frozenset()
    points: frozenset[Point] = frozenset()


def points_of(rule: Rule) -> tuple[Point, ...]:
    """All that a test of the rule can reach, in the order of the file."""
    found = []
    for entry in rule.entries:
        name = f"entry {entry.id}: " if rule.series else ""
        found.append(Point(rule.id, f"{name}it begins"))
        found += [Point(rule.id, f"{name}{place}") for place in _places(entry.steps)]
    if rule.if_ is not None:
        found.append(Point(rule.id, "`if` says no"))
    if rule.until is not None:
        found.append(Point(rule.id, "`until` ends it"))
    return tuple(found)


def _places(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        match step:
            case BranchStep(then=then, otherwise=otherwise):
                yield from _places((*then, *otherwise))
            case RunStep(steps=inner):
                yield from _places(inner)
            case StopStep(why=why):
                yield f"stop: {why}"
            case WaitStep():
                pass  # whoever comes to the next step has passed it
            case _:
                yield f"step {step.id}"
                if step.if_ is not None:
                    yield f"step {step.id}: its `if` says no"


def reached(reader: StoreReader, sights: Iterable[Sight], book: Rulebook) -> Reached:
    """What the rows of a test's service say of it."""
    found: set[Point] = set()
    for run in reader.runs(limit=_ALL):
        name = f"entry {run.entry_id}: " if book.rules[run.rule_id].series else ""
        found.add(Point(run.rule_id, f"{name}it begins"))
        found.add(Point(run.rule_id, f"{name}stop: {run.reason}"))
    for sight in sights:
        delivery = sight.delivery
        name = f"entry {delivery.entry_id}: " if book.rules[delivery.rule_id].series else ""
        if delivery.state in _PLANNED:
            found.add(Point(delivery.rule_id, f"{name}step {delivery.step_id}"))
        elif delivery.state is DeliveryState.SKIPPED and delivery.reason == "if":
            found.add(Point(delivery.rule_id, f"{name}step {delivery.step_id}: its `if` says no"))
    for trace in reader.traces(limit=_ALL):
        if trace.verdict == "no" or (trace.verdict == "ended" and trace.what == "if no longer holds"):
            found.add(Point(trace.rule_id, "`if` says no"))
        elif trace.verdict == "until" or (trace.verdict == "ended" and trace.what == "until came true"):
            found.add(Point(trace.rule_id, "`until` ends it"))
    return Reached(rules=frozenset(book.rules), points=frozenset(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of one rule: how many tests run it, and what none of them reaches."""

    rule: str
    tests: int
    points: int
    missed: tuple[str, ...]


def coverage(book: Rulebook, all_reached: Iterable[Reached]) -> list[Coverage]:
    """Rule by rule, in the order of the workspace."""
    runs = list(all_reached)
    hit = {point for one in runs for point in one.points}
    found = []
    for rule in book.rules.values():
        points = points_of(rule)
        missed = tuple(point.place for point in points if point not in hit)
        tests = sum(1 for one in runs if rule.id in one.rules)
        found.append(Coverage(rule=rule.id, tests=tests, points=len(points), missed=missed))
    return found
