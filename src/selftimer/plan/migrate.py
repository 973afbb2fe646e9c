"""Where a run stands in another version of its rule: found by the ids of steps (rule-language.md, Exact meaning 18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.plan.program import Effect, Enter, JumpUnless, Leave, Wait

if TYPE_CHECKING:
    from selftimer.plan.program import Instruction, Program


def _mark(instruction: Instruction) -> tuple[str, str] | None:
    """What an instruction is known by in every version; None for one that belongs to others."""
    match instruction:
        case Effect(step) | Wait(step):
            return "step", step.id
        case JumpUnless(step_id=step_id):
            return "if", step_id
        case Enter(step_id=step_id):
            return "enter", step_id
        case _:
            return None


def _around(program: Program, pc: int) -> tuple[str, ...]:
    """The automations with inputs that are open at a place, the outermost first."""
    open_ones: list[str] = []
    for instruction in program[:pc]:
        match instruction:
            case Enter(step_id=step_id):
                open_ones.append(step_id)
            case Leave():
                open_ones.pop()
    return tuple(open_ones)


def keeps(new: Program, old: Program, pc: int) -> bool:
    """Whether the step that a run has come to is in the new version too."""
    here = _mark(old[pc]) if pc < len(old) else None
    return here is not None and any(_mark(instruction) == here for instruction in new)


def place_in(new: Program, old: Program, pc: int) -> int | None:
    """The counter in the new version of a run that stands at `pc` in the old one.

    The same step if it is still there; else what now follows the nearest one before it that is; else the beginning,
    for what was done is never done again. None where the inputs that the run carries aren't those of the new place.
    """
    places = {mark: at for at, instruction in enumerate(new) if (mark := _mark(instruction)) is not None}
    here = _mark(old[pc]) if pc < len(old) else None
    target = places.get(here) if here is not None else None
    if target is None:
        before = (
            places.get(mark) for at in range(min(pc, len(old)) - 1, -1, -1) if (mark := _mark(old[at])) is not None
        )
        nearest = next((at for at in before if at is not None), None)
        target = 0 if nearest is None else nearest + 1
    return target if _around(old, pc) == _around(new, target) else None
