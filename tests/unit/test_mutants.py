"""Mutants are single changes of what the code does, and the tests of the product are what they are measured by."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from chaos.mutants import mutants_of, mutated
from chaos.mutation import MODULES, SOURCES

SMALL = '''
"""A module."""
LIMITS = {"a": 1, "b": 2}


def much(rows, now):
    """Whether there is too much."""
    log.info("counted", rows=len(rows), most=3)
    left = [row for row in rows if row.at < now and row.kind in {"x", "y"}]
    if not left:
        return False
    put(replace(left[0], state="done"))
    return len(left) >= LIMITS["a"] + 1
'''


def test_each_mutant_is_one_change_that_can_be_compiled() -> None:
    source = (SOURCES / "plan" / "limits.py").read_text()
    plain = ast.unparse(ast.parse(source)).splitlines()
    seen = set()
    for mutant in mutants_of(source):
        tree = mutated(source, mutant.number)
        compile(tree, "limits.py", "exec")
        changed = ast.unparse(tree).splitlines()
        seen.add("\n".join(changed))
        assert len(changed) == len(plain), mutant
        assert sum(a != b for a, b in zip(changed, plain, strict=True)) == 1, mutant
    assert len(seen) == len(mutants_of(source)) > 20


def test_comparisons_bounds_truths_numbers_statements_and_rows_are_changed_and_what_is_told_is_not() -> None:
    found = [mutant.what for mutant in mutants_of(SMALL)]
    assert found == [
        "without 'a' in a dict",
        "without 'b' in a dict",
        "2 instead of 1",
        "0 instead of 1",
        "3 instead of 2",
        "1 instead of 2",
        "every one, not if row.at < now and row.kind in {'x', 'y'}",
        "Or in row.at < now and row.kind in {'x', 'y'}",
        "LtE in row.at < now",
        "GtE in row.at < now",
        "NotIn in row.kind in {'x', 'y'}",
        "without 'x' in a set",
        "without 'y' in a set",
        "True instead of not left",
        "False instead of not left",
        "without not: not left",
        "None instead of return False",
        "True instead of False",
        "left out: put(replace(left[0], state='done'))",
        "without state= in replace(…)",
        "1 instead of 0",
        "-1 instead of 0",
        "None instead of return len(left) >= LIMITS['a'] + 1",
        "Gt in len(left) >= LIMITS['a'] + 1",
        "Lt in len(left) >= LIMITS['a'] + 1",
        "Sub in LIMITS['a'] + 1",
        "2 instead of 1",
        "0 instead of 1",
    ]
    with pytest.raises(IndexError):
        mutated(SMALL, len(found))


def test_every_module_that_is_measured_is_there_with_its_tests() -> None:
    for name, tests in MODULES.items():
        assert (SOURCES / name).is_file(), name
        assert all((Path(__file__).parents[2] / test).exists() for test in tests), name
