from __future__ import annotations

from random import Random

from selftimer.sandbox import names, texts

SURNAMES = [names.surname(7, number) for number in range(5_000)]


def test_five_thousand_surnames_are_unique_in_any_case() -> None:
    assert len({name.lower() for name in SURNAMES}) == 5_000


def test_no_surname_is_a_part_of_another_or_runs_over_two_of_them() -> None:
    assert {len(name) for name in SURNAMES} == {12}, "all of one length: none can be inside another"
    assert all(name.isascii() and name.isalpha() and name[0].isupper() and name[1:].islower() for name in SURNAMES)


def test_no_surname_stands_in_any_text_of_the_sandbox() -> None:
    pools = [value for name, value in vars(texts).items() if name.isupper()]
    words = f"{pools} {names.FIRST_NAMES} {names.UNICODE_NAMES} {names.HOSTILE_NAMES}".lower()
    assert not [name for name in SURNAMES if name.lower() in words]


def test_every_first_name_pool_is_met_and_some_names_are_hostile() -> None:
    drawn = {names.first_name(Random(number)) for number in range(4_000)}
    assert drawn > set(names.UNICODE_NAMES)
    assert any(len(name) > 40 for name in drawn)
    assert any(name.startswith("https://") for name in drawn)
    assert any("\n" in name for name in drawn)


def test_other_seeds_have_other_names() -> None:
    assert [names.surname(8, number) for number in range(50)] != SURNAMES[:50]
