"""Where a run stands in another version: the law for any two versions, and the places by name (18)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.plan.studio import rule_of

from selftimer.plan.migrate import keeps, place_in
from selftimer.plan.program import Effect, Program, Wait, flatten


def program(*names: str) -> Program:
    """Notes of these ids, and waits of those that begin with w."""
    steps = "".join(
        f"  - id: {name}\n    " + ("wait: 1 day\n" if name.startswith("w") else "notify: note\n") for name in names
    )
    return flatten(rule_of(f"when: lead.created\nthen:\n{steps}").entries[0].steps)


def at(program: Program, pc: int | None) -> str:
    if pc is None or pc >= len(program):
        return "end"
    instruction = program[pc]
    assert isinstance(instruction, Effect | Wait)
    return instruction.step.id


IDS = st.lists(st.sampled_from([f"{kind}{number}" for kind in "wn" for number in range(6)]), min_size=1, unique=True)


@given(IDS, IDS, st.data())
def test_a_run_comes_to_its_own_step_or_to_what_follows_the_nearest_one_before_it(
    old: list[str], new: list[str], data: st.DataObject
) -> None:
    pc = data.draw(st.integers(0, len(old) - 1))
    before, after = program(*old), program(*new)
    here = at(after, place_in(after, before, pc))
    if old[pc] in new:
        assert here == old[pc]
        assert keeps(after, before, pc)
        return
    assert not keeps(after, before, pc)
    nearest = next((name for name in reversed(old[:pc]) if name in new), None)
    wanted = 0 if nearest is None else new.index(nearest) + 1
    assert here == (new[wanted] if wanted < len(new) else "end")


def test_a_place_within_other_inputs_is_no_place_for_a_run() -> None:
    automations = "- id: a\n  inputs: {x: {type: text}}\n  then: [{id: w, wait: 1 day}]\n"
    inside = rule_of('when: lead.created\nthen: [{id: r, run: a, with: {x: "y"}}]', automations)
    plain = automations.replace("  inputs: {x: {type: text}}\n", "")
    bare = rule_of("when: lead.created\nthen: [{id: r, run: a}]", plain)
    old, new = (flatten(rule.entries[0].steps) for rule in (inside, bare))
    assert at(old, 1) == "r/w"
    assert place_in(new, old, 1) is None
    assert place_in(old, old, 1) == 1
