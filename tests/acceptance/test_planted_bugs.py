"""The suite can fail: of the mistakes in `chaos/bugs` it catches those that the commit chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.planted import bugs, chosen_by_commit, copied, in_a_process, planted

if TYPE_CHECKING:
    import pytest

SIX = 6


def test_six_planted_bugs_are_caught_each_by_a_test_that_it_names() -> None:
    chosen = {bug.number: bug for bug in bugs() if bug.number in chosen_by_commit(SIX)}
    outcomes = in_a_process(list(chosen), green=False)
    assert [one.number for one in outcomes] == sorted(chosen)
    assert {one.name: one.wrong for one in outcomes if one.wrong} == {}
    assert all(any(one.by.startswith(test) for test in chosen[one.number].tests) for one in outcomes)


def test_every_planted_bug_says_what_is_wrong_and_fits_the_tree_as_it_is() -> None:
    every = bugs()
    assert len({bug.number for bug in every}) == len(every) >= 30
    with copied() as copy:
        before = {path: path.read_bytes() for path in (copy / "src").rglob("*.py")}
        for bug in every:
            assert "What a client suffers: " in bug.about, bug.name
            with planted(copy, bug) as refused:
                assert refused == "", bug.name
                assert {path: path.read_bytes() for path in before} != before, bug.name
        assert {path: path.read_bytes() for path in before} == before


def test_the_commit_chooses_and_a_person_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLANTED", raising=False)
    assert chosen_by_commit(SIX) == chosen_by_commit(SIX)
    assert len(set(chosen_by_commit(SIX))) == SIX
    monkeypatch.setenv("PLANTED", "3,17")
    assert chosen_by_commit(SIX) == [3, 17]
