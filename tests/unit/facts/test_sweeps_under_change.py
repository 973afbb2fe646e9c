"""Lists that change while they are read: the quick column of the campaign `sweeps` (delivery.md §2 and §7)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos import sweeps

if TYPE_CHECKING:
    import pytest

    from selftimer.facts.sweep import Certificate

SEEDS = sweeps.CAMPAIGN.counts["quick"] // (sweeps.LISTS * sweeps.SWEEPS)


def test_no_sweep_that_stands_lacks_what_was_there_and_nothing_that_is_there_is_taken_for_removed() -> None:
    notes: Counter[str] = Counter()
    swept, violations = 0, list[str]()
    for seed in range(SEEDS):
        result = sweeps.run(seed)
        swept += result.count
        violations += result.violations
        notes.update(result.notes)
    print(f"\n{swept:,} sweeps: {dict(notes)}")  # noqa: T201 - with -s
    assert violations == []
    assert swept == sweeps.CAMPAIGN.counts["quick"]
    assert notes["moved while read"] > swept / 5  # else nothing was met
    assert notes["certified though moved"] > 0
    assert min(notes["torn"], notes["stand"], notes["removed"], notes["kept by the 404 that didn't come"]) > swept / 50


def test_a_seed_tells_the_same_story_twice() -> None:
    assert sweeps.run(7) == sweeps.run(7)


def test_one_sweep_is_not_enough_where_the_order_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(certificate: Certificate, before: bytes | None) -> bool:
        return certificate.certified

    monkeypatch.setattr(sweeps, "stands", once)
    assert any(sweeps.run(seed).violations for seed in range(SEEDS))


def test_a_torn_sweep_would_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def always(certificate: Certificate, before: bytes | None) -> bool:
        return True

    monkeypatch.setattr(sweeps, "stands", always)
    assert any(sweeps.run(seed).violations for seed in range(5))
