"""Three hundred examples of the state machines, and a mistake for each that it finds (delivery.md §7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from chaos.machines import CAMPAIGN, EXAMPLES, MACHINES, examples, run

from selftimer.engine import caps
from selftimer.facts import diff
from selftimer.plan.limits import Window, windows
from selftimer.store.deliveries import SqlDeliveries
from selftimer.store.records import SqlRecords
from selftimer.studio import auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from selftimer.facts.records import Kind
    from selftimer.plan.state import Delivery

QUICK = CAMPAIGN.counts["quick"] // len(MACHINES)
Mistake = tuple[object, str, object]


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_done_in_whatever_order_the_model_agrees(name: str) -> None:
    assert examples(MACHINES[name], QUICK, seed=2026) is None


def no_fence(update: Callable[..., bool]) -> Mistake:
    def wrong(group: SqlDeliveries, delivery: Delivery, **how: Any) -> bool:
        return update(group, delivery, expect=how["expect"])

    return SqlDeliveries, "update", wrong


def no_client_windows(delivery: Delivery, *given: Any) -> Iterator[Window]:
    return (window for window in windows(delivery, *given) if window.purpose is None)


def only_more(group: SqlRecords, kind: Kind, idents: Sequence[str]) -> None:
    for ident in idents:
        row = group.get(kind, ident)
        assert row is not None
        group.put([replace(row, missing=row.missing + 1)])


MISTAKES: dict[str, tuple[str, Mistake]] = {
    "a service that was replaced still writes": ("delivery", no_fence(SqlDeliveries.update)),
    "a client's deliveries go side by side": (
        "delivery",
        (SqlDeliveries, "_next", lambda group, now, limit: ids(group, now)[:limit]),
    ),
    "a status is news though it was seen": ("diff", (diff, "_status_of", lambda record: None)),
    "who was absent once and is back counts as absent still": ("diff", (SqlRecords, "mark_missing", only_more)),
    "a fourth login": ("session", (auth, "LOGINS_PER_HOUR", 4)),
    "another account is let in": ("session", (auth, "_account_id", lambda body: "acc_1")),
    "marketing isn't counted by itself": ("caps", (caps, "windows", no_client_windows)),
    "an hour is counted as less": ("caps", ("selftimer.plan.limits.HOUR", "", 3_000)),
}


def ids(group: SqlDeliveries, now: object) -> list[str]:
    """All that are due and not leased, whosoever they are."""
    rows = [row for state in ("ready", "unknown") for row in group.in_state(state)]  # type: ignore[arg-type]  # its word
    free = [row for row in rows if row.due_at <= now and (row.lease_until is None or row.lease_until <= now)]  # type: ignore[operator]  # an instant
    return [row.id for row in sorted(free, key=lambda row: (row.due_at, row.planned_at, row.id))]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, (where, what, wrong) = MISTAKES[mistake]
    if isinstance(where, str):
        monkeypatch.setattr(where, wrong)
    else:
        monkeypatch.setattr(where, what, wrong)
    found = next((said for seed in range(12) if (said := examples(MACHINES[name], EXAMPLES, seed=seed))), None)
    assert found is not None
    assert "state = " in found  # the steps that lead there


def test_a_seed_is_of_one_machine() -> None:
    one = run(3)
    assert (one.violations, one.count, one.notes) == ((), EXAMPLES, {"caps examples": EXAMPLES})
