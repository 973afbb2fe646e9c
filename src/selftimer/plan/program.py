"""A rule entry's steps as a flat program, and how a run moves through it.

Steps are data; a run is a counter into the program of its pinned version. `advance` is pure: it walks from the counter
over branches, bindings and elapsed waits to the next effect, wait or end, judging with the scope it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, assert_never

from whenever import Date, Instant, Time

from selftimer.facts.records import Session
from selftimer.plan import verdict
from selftimer.plan.inputs import OUTER, pack, unpack
from selftimer.primitives.time import Span, local, move, move_date
from selftimer.rulebook.condition import ConditionError, Read
from selftimer.rulebook.model import (
    BranchStep,
    CouponStep,
    CreateStep,
    EffectStep,
    LeadStep,
    NotifyStep,
    RunStep,
    SendStep,
    Step,
    StopStep,
    UpdateStep,
    WaitStep,
    WebhookStep,
)
from selftimer.rulebook.template import MissingWord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from selftimer.rulebook.condition import Condition
    from selftimer.rulebook.scope import Scope
    from selftimer.rulebook.template import TextTemplate


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to do outside."""

    step: EffectStep


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause."""

    step: WaitStep


@dataclass(frozen=True, slots=True)
class JumpUnless:
    """Go to `target` unless the condition holds; unknown holds the run."""

    test: Condition
    target: int
    step_id: str


@dataclass(frozen=True, slots=True)
class Jump:
    """Go to `target`."""

    target: int


@dataclass(frozen=True, slots=True)
class Enter:
    """An automation begins: its inputs are evaluated, and stand before those of the one around it."""

    inputs: Mapping[str, TextTemplate]
    step_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    """An automation is over: the inputs of the one around it are back."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The run ends."""

    why: str


Instruction = Effect | Wait | JumpUnless | Jump | Enter | Leave | Stop
Program = tuple[Instruction, ...]


def flatten(steps: Sequence[Step]) -> Program:
    """The program of a sequence of steps."""
    out: list[Instruction] = []
    _emit(steps, out)
    return tuple(out)


def _emit(steps: Sequence[Step], out: list[Instruction]) -> None:
    for step in steps:
        match step:
            case SendStep() | CreateStep() | CouponStep() | LeadStep() | UpdateStep() | NotifyStep() | WebhookStep():
                out.append(Effect(step))  # its own `if` is judged on fresh data, before the effect
            case BranchStep():
                _emit_branch(step, out)
            case WaitStep() | StopStep() | RunStep():
                at = len(out)
                if step.if_ is not None:
                    out.append(Jump(0))
                _emit_plain(step, out)
                if step.if_ is not None:
                    out[at] = JumpUnless(step.if_, len(out), step.id)
            case _:
                assert_never(step)


def _emit_plain(step: WaitStep | StopStep | RunStep, out: list[Instruction]) -> None:
    match step:
        case WaitStep():
            out.append(Wait(step))
        case StopStep():
            out.append(Stop(step.why))
        case RunStep():
            if step.inputs:
                out.append(Enter(step.inputs, step.id))
            _emit(step.steps, out)
            if step.inputs:
                out.append(Leave())


def _emit_branch(step: BranchStep, out: list[Instruction]) -> None:
    at = len(out)
    out.append(Jump(0))
    _emit(step.then, out)
    end = len(out)
    if step.otherwise:
        out.append(Jump(0))
        otherwise = len(out)
        _emit(step.otherwise, out)
        out[end] = Jump(len(out))
    else:
        otherwise = end
    out[at] = JumpUnless(step.test, otherwise, step.id)


def effects_ahead(program: Program, pc: int) -> Iterator[EffectStep]:
    """Every effect that a run may yet come to from `pc`, whichever way branches go."""
    todo, seen = [pc], set()
    while todo:
        at = todo.pop()
        if at in seen or at >= len(program):
            continue
        seen.add(at)
        match program[at]:
            case Effect(step):
                yield step
                todo.append(at + 1)
            case JumpUnless(target=target):
                todo += [at + 1, target]
            case Jump(target):
                todo.append(target)
            case Stop():
                pass
            case _:
                todo.append(at + 1)


# --- moving through it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AtEffect:
    """The run has come to an effect; it was allowed since `allowed_at`."""

    pc: int
    step: EffectStep
    allowed_at: Instant
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWait:
    """The run waits at `pc` until `wake_at`; None where the date it waits for isn't there (yet)."""

    pc: int
    step_id: str
    wake_at: Instant | None
    reached_at: Instant
    why: str | None = None
    """What the owner has to know of it: it has no end yet, or what would end it early is in error."""
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDoubt:
    """A condition or an input is unknown or in error: the run is held there and judged again."""

    pc: int
    step_id: str
    why: str
    reached_at: Instant
    error: bool = False
    """Whether it is in error: that doesn't pass by itself when more is known."""
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtEnd:
    """The program is over."""

    reason: str
    pc: int
    inputs: Mapping[str, Any] = field(default_factory=dict)


Place = AtEffect | AtWait | AtDoubt | AtEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a run stands: its counter, when it reached it, and its inputs as they are kept (`plan.inputs`)."""

    pc: int
    reached_at: Instant
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """The zones and working days that waits are counted with."""

    studio: str
    of_session: Callable[[Session], str]
    is_working: Callable[[Date], bool]


def advance(program: Program, position: Position, scope: Scope, zones: Zones) -> Place:
    """From `position` to the next effect, wait, doubt or end. `scope.now` is now; nothing else is."""
    pc, reached, inputs = position.pc, position.reached_at, position.inputs
    while pc < len(program):
        scope.inputs = unpack(inputs)
        instruction = program[pc]
        match instruction:
            case Effect(step):
                return AtEffect(pc=pc, step=step, allowed_at=reached, inputs=inputs)
            case Stop(why):
                return AtEnd(reason=why, pc=pc, inputs=inputs)
            case Jump(target):
                pc = target
            case Enter(templates, step_id):
                try:
                    given = pack({name: text.value(scope) for name, text in templates.items()})
                except (ConditionError, MissingWord) as error:
                    told, failed = str(error), isinstance(error, ConditionError)
                    return AtDoubt(pc=pc, step_id=step_id, why=told, reached_at=reached, error=failed, inputs=inputs)
                inputs = {**given, OUTER: inputs}
                pc += 1
            case Leave():
                inputs = inputs.get(OUTER, {})
                pc += 1
            case JumpUnless(test, target, step_id):
                holds, trace = verdict.holds([test], scope)
                if holds is None:
                    told, failed = _told(test, trace), "error" in trace
                    return AtDoubt(pc=pc, step_id=step_id, why=told, reached_at=reached, error=failed, inputs=inputs)
                pc = pc + 1 if holds else target
            case Wait(step):
                wake, over, unsure = _waited(step, reached, scope, zones)
                if over is None:
                    return AtWait(pc=pc, step_id=step.id, wake_at=wake, reached_at=reached, why=unsure, inputs=inputs)
                reached, pc = max(reached, over), pc + 1
            case _:
                assert_never(instruction)
    return AtEnd(reason="done", pc=pc, inputs=inputs)


def _waited(
    step: WaitStep, reached: Instant, scope: Scope, zones: Zones
) -> tuple[Instant | None, Instant | None, str | None]:
    """When the wait ends, when it was over (None while it isn't), and what the owner has to know of it.

    An `or_until` that is unknown is no more than not yet: the wait has an end of its own. One in error never comes.
    """
    wake = wake_time(step, reached, scope, zones)
    if wake is not None and wake <= scope.now:
        return wake, wake, None
    why = None
    if step.or_until is not None:
        truth, trace = verdict.holds([step.or_until], scope)
        if truth is True:
            return wake, scope.now, None
        why = _told(step.or_until, trace) if truth is None and "error" in trace else None
    if wake is None and step.anchor is not None:
        why = f"{'.'.join(step.anchor)} is missing, so that nobody knows how long to wait"
    return wake, None, why


def _told(test: Condition, trace: dict[str, Any]) -> str:
    """A condition that can't be decided: which path is missing or in error, and where it stands."""
    return f"{verdict.doubt_of(trace)}, so that `{test.source}` is {'in error' if 'error' in trace else 'unknown'}"


def step_at(program: Program, pc: int) -> str:
    """The id of the step that a run stands at; '' where it stands between two."""
    match program[pc] if pc < len(program) else None:
        case Effect(step) | Wait(step):
            return step.id
        case JumpUnless(step_id=step_id) | Enter(step_id=step_id):
            return step_id
        case _:
            return ""


def wake_time(step: WaitStep, reached_at: Instant, scope: Scope, zones: Zones) -> Instant | None:
    """When a wait reached at `reached_at` is over; None where the date that it counts from isn't there."""
    if step.anchor is None:
        if step.span is not None:
            return move(reached_at, step.span, 1, zones.studio, at=step.at, is_working=zones.is_working)
        here = reached_at.to_tz(zones.studio)
        today = local(here.date(), step.at or Time(), zones.studio).to_instant()
        if today >= reached_at:
            return today
        return local(here.date().add(days=1), step.at or Time(), zones.studio).to_instant()
    zone, anchor = zones.studio, _anchor(step.anchor, scope)
    root = getattr(scope, step.anchor[0], None)
    if isinstance(root, Session):
        zone = zones.of_session(root)
    if isinstance(anchor, Date):
        day = anchor if step.span is None else move_date(anchor, step.span, step.sign, zones.is_working)
        return local(day, step.at or Time(), zone).to_instant()
    if isinstance(anchor, Instant):
        span = step.span if step.span is not None else Span(0, "days")
        return move(anchor, span, step.sign or 1, zone, at=step.at, is_working=zones.is_working)
    return None


def _anchor(path: tuple[str, ...], scope: Scope) -> object:
    value: object = scope
    for name in path:
        value = getattr(value, name, None)
    return value


def reads_ahead(program: Program, pc: int) -> frozenset[Read]:
    """What has to be read afresh to walk on from `pc` to the next effect or wait, whichever way branches go."""
    found: set[Read] = set()
    todo, seen = [pc], set()
    while todo:
        at = todo.pop()
        if at in seen or at >= len(program):
            continue
        seen.add(at)
        match program[at]:
            case JumpUnless(test, target, _):
                found |= test.reads
                todo += [at + 1, target]
            case Jump(target):
                todo.append(target)
            case Enter(templates):
                found |= {read for text in templates.values() for read in text.reads}
                todo.append(at + 1)
            case Leave():
                todo.append(at + 1)
            case Wait(step) if at == pc:
                found |= step.or_until.reads if step.or_until else frozenset()
                todo.append(at + 1)
            case _:
                pass
    return frozenset(found)
