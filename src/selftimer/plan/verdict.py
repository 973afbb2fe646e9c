"""Whether an effect is still wanted, on fresh data (delivery.md §1, Before; rule-language.md 4 to 7).

Pure: the same judgement serves live runs, tests, plans and dry runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selftimer.plan.state import Hold
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.model import NotifyStep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selftimer.facts.records import Client
    from selftimer.plan.state import Delivery, Run
    from selftimer.rulebook.condition import Condition
    from selftimer.rulebook.model import BecomesTrigger, EffectStep, Entry, Rule
    from selftimer.rulebook.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOver:
    """The run ends here; the delivery is cancelled."""

    reason: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOver:
    """The step is skipped; the run goes on."""

    reason: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Unknown or in error: held, judged again, and `late` runs."""

    hold: Hold
    why: str
    detail: dict[str, Any]


Verdict = Wanted | RunOver | StepOver | Doubt


def in_audience(client: Client | None, include: frozenset[str]) -> str | None:
    """Why the client is left out (sample, archived, other), or None (7)."""
    if client is None:
        return None
    reasons = [
        ("sample", client.sample, "a sample record"),
        ("archived", client.status == "archived", "archived"),
        ("other", client.type == "other", "neither lead nor client"),
    ]
    return next((why for name, is_so, why in reasons if is_so and name not in include), None)


def conditions_of(rule: Rule, entry: Entry) -> list[Condition]:
    """The standing conditions of a run: the rule's `if` and its entry's."""
    return [c for c in (rule.if_, entry.if_) if c is not None]


def holds(conditions: list[Condition], scope: Scope) -> tuple[bool | None, dict[str, Any]]:
    """All of them, Kleene; with the trace of the first that doesn't. An error is told apart in the trace (`error`)."""
    unknown: dict[str, Any] | None = None
    for condition in conditions:
        try:
            truth = condition.judge(scope)
        except ConditionError as error:
            unknown = unknown or {"text": condition.source, "error": str(error)}
            continue
        if truth is False:
            return False, condition.trace(scope)
        if truth is None:
            unknown = unknown or condition.trace(scope)
    return (None, unknown) if unknown is not None else (True, {})


def standing(rule: Rule, entry: Entry, scope: Scope) -> Verdict:
    """`if`, `until` and audience: what has to hold for the whole run."""
    left_out = in_audience(scope.client, rule.include)
    if left_out is not None:
        return RunOver(reason=f"left out: {left_out}", detail={})
    truth, trace = holds(conditions_of(rule, entry), scope)
    if truth is False:
        return RunOver(reason="if no longer holds", detail=trace)
    if truth is None:
        return Doubt(hold=Hold.CONDITION, why=doubt_of(trace), detail=trace)
    if rule.until is not None:
        truth, trace = holds([rule.until], scope)
        if truth is True:
            return RunOver(reason="until came true", detail=rule.until.trace(scope))
        if truth is None:
            return Doubt(hold=Hold.CONDITION, why=doubt_of(trace), detail=trace)
    return Wanted()


def still_became(became: BecomesTrigger | None, run: Run, scope: Scope) -> Verdict:
    """Whether what became true still is, at the first effect of the run that it began (14)."""
    if became is None or run.effects > 0:
        return Wanted()
    truth, trace = holds([became.condition], scope)
    if truth is False:
        return RunOver(reason="it is no longer so", detail=trace)
    if truth is None:
        return Doubt(hold=Hold.CONDITION, why=doubt_of(trace), detail=trace)
    return Wanted()


def still_wanted(rule: Rule, entry: Entry, step: EffectStep, delivery: Delivery, scope: Scope) -> Verdict:
    """Everything that is asked again before the effect, on fresh data."""
    if scope.now > delivery.late_until:
        return StepOver(reason="late", detail={"late_until": delivery.late_until.format_iso()})
    verdict = standing(rule, entry, scope)
    if not isinstance(verdict, Wanted) or step.if_ is None:
        return verdict
    truth, trace = holds([step.if_], scope)
    if truth is False:
        return StepOver(reason="if", detail=trace)
    if truth is None:
        return Doubt(hold=Hold.CONDITION, why=doubt_of(trace), detail=trace)
    return verdict


def needs_yes(rule: Rule, step: EffectStep, scope: Scope) -> bool:
    """Whether the owner is asked first; unknown or in error counts as yes.

    A note to the owner is asked about only where its own step says so: what a rule, or all of them, ask a yes for is
    what reaches others, and a note that waited for its reader would be lost.
    """
    if isinstance(step, NotifyStep):
        return _asks(scope, wish=step.approve)
    return rule.mode == "approve" or any(_asks(scope, wish=wish) for wish in (rule.approve, step.approve))


def ignores_night(rule: Rule, scope: Scope) -> bool:
    """Whether quiet hours don't count for this run; unknown or in error counts as no."""
    wish = rule.ignore_quiet_hours
    if isinstance(wish, bool):
        return wish
    try:
        return wish.judge(scope) is True
    except ConditionError:
        return False


def _asks(scope: Scope, *, wish: Condition | bool) -> bool:
    if isinstance(wish, bool):
        return wish
    try:
        return wish.judge(scope) is not False
    except ConditionError:
        return True


def doubt_of(trace: dict[str, Any]) -> str:
    """The sentence of a trace that couldn't be decided: the first leaf that says why."""
    return next(_whys(trace), f"unknown: {trace.get('text', '')}")


def _whys(trace: dict[str, Any]) -> Iterator[str]:
    if "error" in trace:
        yield str(trace["error"])
    for part in trace.get("parts", ()):
        yield from _whys(part)
    if trace.get("is") is None and "why" in trace:
        yield str(trace["why"])
