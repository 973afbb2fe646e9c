"""A list is read whole or not, and a certificate never says so of one that tore (delivery.md §2)."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftimer.facts.sweep import Certificate, PageFacts, certify, stands, to_ask_for

PER_PAGE = 4
SEEDS = int(os.environ.get("SELFTIMER_SWEEPS", "4000"))


def page(
    ids: str, total: int | None = None, *, digests: str = "", created: list[str | None] | None = None
) -> PageFacts:
    return PageFacts(
        ids=tuple(ids),
        digests=tuple((digests or ids)[n].encode() for n in range(len(ids))),
        total=total,
        created=tuple(created if created is not None else ["2026" for _ in ids]),
    )


def test_a_quiet_list_is_certified() -> None:
    assert certify([page("abcd", 6), page("ef", 6)], page("abcd", 6)).certified
    assert certify([page("", 0)], page("", 0)).certified


def test_a_total_that_moves_is_a_torn_list() -> None:
    torn = certify([page("abcd", 6), page("ef", 7)], page("abcd", 6))
    assert (torn.certified, torn.why[:9]) == (False, "the total")


def test_a_record_that_comes_twice_is_a_torn_list() -> None:
    assert certify([page("abcd", 7), page("def", 7)], page("abcd", 7)).why == "a record came twice"


def test_too_few_records_are_a_torn_list() -> None:
    assert certify([page("abcd", 7), page("ef", 7)], page("abcd", 7)).why == "6 records came, the total says 7"


def test_a_first_page_that_changed_meanwhile_is_a_torn_list() -> None:
    assert not certify([page("abcd", 6), page("ef", 6)], page("xabc", 6)).certified
    changed = certify([page("abcd", 6), page("ef", 6)], page("abcd", 6, digests="abcx"))
    assert changed.why == "page one changed while the rest was read"


def test_newest_first_is_seen_in_the_dates_and_never_assumed() -> None:
    down = certify([page("ab", 2, created=["2026-02", "2026-01"])], page("ab", 2))
    up = certify([page("ab", 2, created=["2026-01", "2026-02"])], page("ab", 2))
    undated = certify([page("ab", 2, created=["2026-02", None])], page("ab", 2))
    same = certify([page("ab", 2, created=["2026-02", "2026-02"])], page("ab", 2))
    assert (down.ordered, up.ordered, undated.ordered, same.ordered) == (True, False, False, True)


def test_a_list_that_tells_no_total_is_never_trusted_after_one_look() -> None:
    found = certify([page("abcd", None), page("ef", None)], page("abcd", None))
    assert found.certified
    assert not found.ordered  # so the caller asks for two identical ones


# --- a list that changes while it is read ---


class Studio:
    """A list, newest first unless it is shuffled, in which things happen between any two requests."""

    def __init__(self, random: Random, *, newest_first: bool, with_total: bool) -> None:
        self.random = random
        self.with_total = with_total
        self.newest_first = newest_first
        self.clock = 100
        self.rows: list[tuple[str, int, int]] = []  # id, created, version
        self.ever: set[str] = set()
        for _ in range(random.randrange(3, 19)):
            self.insert()

    def insert(self) -> None:
        self.clock += 1
        place = 0 if self.newest_first else self.random.randrange(len(self.rows) + 1)
        self.rows.insert(place, (f"r{self.clock}", self.clock, 0))

    def happen(self) -> None:
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 2))):
            what = self.random.choice(("insert", "delete", "change", "move"))
            if what == "insert" or not self.rows:
                self.insert()
                continue
            n = self.random.randrange(len(self.rows))
            ident, created, version = self.rows[n]
            if what == "delete":
                del self.rows[n]
            elif what == "change" or self.newest_first:
                self.rows[n] = (ident, created, version + 1)
            else:
                self.rows.insert(self.random.randrange(len(self.rows)), self.rows.pop(n))

    def read(self, number: int) -> PageFacts:
        self.happen()
        rows = self.rows[(number - 1) * PER_PAGE : number * PER_PAGE]
        return PageFacts(
            ids=tuple(ident for ident, *_ in rows),
            digests=tuple(f"{ident}.{version}".encode() for ident, _, version in rows),
            total=len(self.rows) if self.with_total else None,
            created=tuple(f"{created:06}" for _, created, _ in rows),
        )

    def sweep(self) -> tuple[Certificate, set[str], set[str]]:
        """The certificate, what was read, and what was there from beginning to end: that must not be missed."""
        before = {ident for ident, *_ in self.rows}
        pages = [self.read(1)]
        last = -(-(pages[0].total or 10 * PER_PAGE) // PER_PAGE)
        number = 2
        while number <= last or len(pages[-1].ids) == PER_PAGE:
            pages.append(self.read(number))
            if not pages[-1].ids:
                break
            number += 1
        again = self.read(1) if len(pages) > 1 else pages[0]
        after = {ident for ident, *_ in self.rows}
        seen = {ident for one in pages for ident in one.ids}
        return certify(pages, again), seen, before & after


@settings(max_examples=SEEDS // 4, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_a_certified_sweep_of_a_newest_first_list_misses_nothing(seed: int, with_total: bool) -> None:
    studio = Studio(Random(seed), newest_first=True, with_total=with_total)
    certificate, seen, there = studio.sweep()
    if certificate.certified and certificate.ordered:
        assert there <= seen


@settings(max_examples=SEEDS // 4, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_two_identical_certified_sweeps_of_any_list_miss_nothing(seed: int, with_total: bool) -> None:
    studio = Studio(Random(seed), newest_first=False, with_total=with_total)
    first, _, _ = studio.sweep()
    second, seen, there = studio.sweep()
    if first.certified and second.certified and first.digest == second.digest:
        assert there <= seen


def test_quiet_lists_are_certified_often_enough_to_be_of_use() -> None:
    certified = sum(
        Studio(Random(seed), newest_first=True, with_total=True).sweep()[0].certified for seed in range(300)
    )
    assert certified > 50


@pytest.mark.parametrize(
    ("certified", "ordered", "before", "said"),
    [
        (True, True, None, True),
        (True, False, b"same", True),
        (True, False, b"other", False),
        (True, False, None, False),
        (True, True, b"other", True),
        (False, True, b"same", False),
        (False, False, b"same", False),
    ],
)
def test_a_sweep_stands_that_is_certified_and_newest_first_or_came_out_the_same_twice(
    certified: bool, ordered: bool, before: bytes | None, said: bool
) -> None:
    assert stands(Certificate(certified, ordered, b"same"), before) is said


@pytest.mark.parametrize(
    ("absent", "known", "asked"), [(3, 4, 3), (4, 4, None), (4, 200, 4), (5, 250, 5), (5, 249, None)]
)
def test_three_may_vanish_at_once_or_two_in_a_hundred(absent: int, known: int, asked: int | None) -> None:
    found = to_ask_for([str(n) for n in range(absent)], known, lambda _: 2)
    assert (found if found is None else len(found)) == asked


def test_who_is_absent_for_the_second_time_is_asked_for() -> None:
    times = {"once": 1, "twice": 2, "often": 3}
    assert to_ask_for(list(times), 10, times.__getitem__) == ["twice", "often"]
