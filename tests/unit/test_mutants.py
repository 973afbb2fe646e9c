"""Mutants are single changes of what the code does, and the tests of the product are what they are measured by."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from chaos.mutants import mutants_of, mutated, probed
from chaos.mutation import KNOWN, MODULES, SOURCES, kept

ROOT = Path(__file__).parents[2]
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


TWISTED = """
def outer(numbers):
    total = [
        number
        for number in numbers
    ]
    def inner():
        return len(total)
    try:
        for number in total:
            if number > 2:
                inner()
            elif number > 1:
                raise ValueError
    except ValueError:
        return 0
    finally:
        total.append(1)
    return inner()
"""


def test_a_look_tells_each_statement_that_is_come_to_by_its_first_line() -> None:
    for numbers, came_to in [([3], {3, 7, 8, 9, 10, 11, 12, 18, 19}), ([2], {3, 7, 9, 10, 11, 13, 14, 16, 18})]:
        met: set[int] = set()
        names: dict[str, Any] = {"probe": met.add}
        exec(compile(probed(TWISTED, "probe"), "twisted.py", "exec"), names)
        names["outer"](numbers)
        assert met == came_to


def test_the_tests_that_a_night_runs_are_there() -> None:
    known = kept()
    assert known
    assert set(known) <= set(MODULES)
    for name, tests in known.items():
        assert tests, name
        for test in tests[:KNOWN]:
            file, _, function = test.partition("::")
            wanted = rf"def {re.escape(function.partition('[')[0])}\("
            assert re.search(wanted, (ROOT / file).read_text()), test


def test_every_module_that_is_measured_is_there_with_its_tests() -> None:
    for name, tests in MODULES.items():
        assert (SOURCES / name).is_file(), name
        assert all((ROOT / test).exists() for test in tests), name
