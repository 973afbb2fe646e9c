"""Caps: the windows and their counting in the real table against a list of sends (delivery.md §3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chaos.machine_store import Tables
from chaos.outside import T0, effect
from selftimer.engine.caps import full_until
from selftimer.plan.policy import Caps
from selftimer.plan.state import Delivery, DeliveryState, Verb

if TYPE_CHECKING:
    from whenever import Instant

S = DeliveryState
HOUR, DAY, WEEK = 3_600, 86_400, 604_800
CAPS = Caps(
    rule_per_hour=3,
    rule_per_day=5,
    studio_per_hour=5,
    studio_per_day=9,
    client_per_day=4,
    marketing_per_day=1,
    marketing_per_week=3,
)
"""Small ones, so that fifty steps fill them."""
LIMITS: dict[str, dict[str, int]] = {"a": {}, "b": {"per_day": 2}, "c": {"per_hour": 1, "per_day": 500}}
"""What rules set themselves; a larger figure than the studio's counts for nothing."""
COUNTS = {S.SENT, S.IN_FLIGHT, S.UNKNOWN}
"""What reached a client, or may have."""


@dataclass(frozen=True, slots=True)
class Bound:
    """At most `most` in `seconds` of the sends that are alike in `what`."""

    most: int
    seconds: int
    what: tuple[str, ...]


def bounds(row: Delivery) -> list[Bound]:
    """The bounds of one effect, as delivery.md has them."""
    own = LIMITS[row.rule_id]
    found = [
        Bound(min(3, own.get("per_hour", 3)), HOUR, ("rule_id",)),
        Bound(min(5, own.get("per_day", 5)), DAY, ("rule_id",)),
        Bound(5, HOUR, ()),
        Bound(9, DAY, ()),
    ]
    if row.client_id is not None:
        found.append(Bound(4, DAY, ("client_id",)))
        if row.purpose == "marketing":
            found += [Bound(1, DAY, ("client_id", "purpose")), Bound(3, WEEK, ("client_id", "purpose"))]
    return found


class CapsMachine(RuleBasedStateMachine):
    """Effects that want to go out, one after another, and time that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = Tables()
        self.now = T0
        self.sends: list[Delivery] = []
        self.waiting: tuple[Delivery, Instant, str] | None = None
        """The last one that was put off, and until when."""
        self.count = 0

    def teardown(self) -> None:
        """Empty the tables."""
        self.tables.clear()

    @rule(
        seconds=st.sampled_from([1, 60, 600, 1_800, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR, DAY - 1, DAY, DAY + 1, 3 * DAY])
    )
    def wait(self, seconds: int) -> None:
        """Time passes, to the edges of windows above all."""
        self.now = self.now.add(seconds=seconds)

    @rule(
        rule_id=st.sampled_from(["a", "a", "b", "c"]),
        client=st.sampled_from(["cl_1", "cl_1", "cl_2", "cl_3", None]),
        purpose=st.sampled_from(["service", "marketing"]),
        verb=st.sampled_from([Verb.MESSAGE, Verb.MESSAGE, Verb.INVOICE, Verb.NOTIFY, Verb.UPDATE]),
        became=st.sampled_from([S.SENT, S.SENT, S.SENT, S.IN_FLIGHT, S.UNKNOWN, S.FAILED]),
        dry=st.sampled_from([False, False, False, True]),
    )
    def send(
        self, *, rule_id: str, client: str | None, purpose: str, verb: Verb, became: DeliveryState, dry: bool
    ) -> None:
        """One wants to go out: it may where a list of all sends has room for it, and not else."""
        self.count += 1
        row = replace(
            effect(verb),
            id=f"d{self.count}",
            key=f"key|{self.count}",
            rule_id=rule_id,
            client_id=client,
            purpose=purpose,
            dry=dry,
        )
        full = self._asked(row)
        wanted = self._full(row)
        assert (full is not None) == bool(wanted), f"{full} against {wanted}"
        if full is not None:
            self.waiting = (row, *full)
            return
        self._went(replace(row, state=became))

    @precondition(lambda self: self.waiting is not None)
    @rule(early=st.booleans())
    def again(self, *, early: bool) -> None:
        """What was put off comes again: a second early that window is still full, in time it isn't."""
        assert self.waiting is not None
        row, free_at, what = self.waiting
        assert free_at > T0
        at = free_at.subtract(seconds=2) if early else free_at
        self.now = max(self.now, at)
        full = self._asked(row)
        assert (full is not None) == bool(self._full(row))
        if self.now == at and early:
            assert full is not None, "put off for longer than needed"
        elif self.now == free_at and full is not None:
            assert (full[0], full[1]) != (free_at, what), "put off for nothing"
        if full is None:
            self.waiting = None
            self._went(replace(row, state=S.SENT))
        else:
            self.waiting = (row, *full)

    def _asked(self, row: Delivery) -> tuple[Instant, str] | None:
        now = self.now
        return self.tables(lambda tx: full_until(tx, row, CAPS, LIMITS[row.rule_id], now))

    def _went(self, row: Delivery) -> None:
        gone = replace(row, intent_at=self.now, sent_at=self.now if row.state is S.SENT else None)
        assert self.tables(lambda tx: tx.deliveries.add(gone))
        if gone.state in COUNTS and not gone.dry and gone.verb in {Verb.MESSAGE, Verb.INVOICE}:
            self.sends.append(gone)

    def _full(self, row: Delivery) -> list[Bound]:
        """The bounds that one more send now would break, counted one by one."""
        if row.verb not in {Verb.MESSAGE, Verb.INVOICE}:
            return []
        return [bound for bound in bounds(row) if self._within(row, bound) >= bound.most]

    def _within(self, row: Delivery, bound: Bound) -> int:
        since = self.now.subtract(seconds=bound.seconds)
        return sum(1 for sent in self.sends if _at(sent) >= since and _alike(sent, row, bound))

    @invariant()
    def no_window_anywhere_holds_too_many(self) -> None:
        """Of the sends so far, whichever window ends with the last one of its kind."""
        if not self.sends:
            return
        last = self.sends[-1]
        if last.dry or _at(last) != self.now:
            return
        for bound in bounds(last):
            assert self._within(last, bound) <= bound.most, f"more than {bound}"


def _at(sent: Delivery) -> Instant:
    at = sent.sent_at or sent.intent_at
    assert at is not None
    return at


def _alike(sent: Delivery, row: Delivery, bound: Bound) -> bool:
    return all(getattr(sent, name) == getattr(row, name) for name in bound.what)
