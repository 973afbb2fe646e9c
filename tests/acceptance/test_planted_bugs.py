"""The suite can fail: of the mistakes in `chaos/bugs` it catches those that the commit chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from chaos.planted import bugs, chosen_by_commit, copied, in_a_process, planted, read_bug, why_not_caught

if TYPE_CHECKING:
    from pathlib import Path

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
                lines = bug.path.read_text().splitlines()
                touched = [copy / line.removeprefix("+++ b/") for line in lines if line.startswith("+++ b/")]
                assert touched
                assert all(path.read_bytes() != before[path] for path in touched), bug.name
        assert {path: path.read_bytes() for path in before} == before


def test_the_commit_chooses_and_a_person_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLANTED", raising=False)
    assert chosen_by_commit(SIX) == chosen_by_commit(SIX)
    assert len(set(chosen_by_commit(SIX))) == SIX
    monkeypatch.setenv("PLANTED", "3,17")
    assert chosen_by_commit(SIX) == [3, 17]


FAILED = {"test": "tests/x.py::test_y", "said": "AssertionError: 1 == 2", "broken": ""}
BROKEN = FAILED | {"said": "NameError: name 'nwo' is not defined", "broken": "yes"}


@pytest.mark.parametrize(
    ("ran", "why"),
    [
        ({"code": 1, "failed": FAILED}, ""),
        ({"code": 0, "failed": None}, "missed: all of its tests are green"),
        (
            {"code": 1, "failed": BROKEN},
            "its tests didn't fail but broke (code 1): NameError: name 'nwo' is not defined",
        ),
        ({"code": 4, "failed": None}, "its tests didn't fail but broke (code 4): they hung or died"),
        ({"code": -1, "failed": None}, "its tests didn't fail but broke (code -1): they hung or died"),
        ({"code": 1, "failed": FAILED, "stray": True}, "not the copy was tested but an installed Selftimer"),
    ],
)
def test_only_a_test_that_fails_of_itself_has_caught_a_bug(ran: dict[str, Any], why: str) -> None:
    assert why_not_caught("", {"stray": False, **ran}) == why


def test_a_patch_that_does_not_fit_any_more_is_said(tmp_path: Path) -> None:
    old = bugs()[0]
    path = tmp_path / old.path.name
    path.write_text(old.path.read_text().replace("state=DeliveryState.IN_FLIGHT", "state=DeliveryState.IN_THE_AIR"))
    with copied() as copy:
        before = {file: file.read_bytes() for file in (copy / "src").rglob("*.py")}
        with planted(copy, read_bug(path)) as refused:
            assert "doesn't fit the tree any more: " in why_not_caught(refused, {"failed": None})
        assert {file: file.read_bytes() for file in before} == before


def test_a_patch_that_names_no_tests_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "99-nameless.patch"
    path.write_text("Something is wrong.\n\n--- a/x\n+++ b/x\n")
    with pytest.raises(ValueError, match="names no tests"):
        read_bug(path)
