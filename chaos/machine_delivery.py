"""Deliveries: the real table against a dict. Keys, leases, one a client at a time, and fences (delivery.md §1, §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chaos.machine_store import Tables
from chaos.outside import POLICY, T0, effect
from selftimer.plan.attempt import NotSent, Outcome, Sent, SentUnnamed, Unsure, after_attempt, after_look, orphaned
from selftimer.plan.state import FINAL, Delivery, DeliveryState, Hold, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.ports import Tx

S = DeliveryState
UNSETTLED = {S.IN_FLIGHT, S.UNKNOWN}
CLIENTS = st.sampled_from(["cl_1", "cl_1", "cl_2", "cl_3", None])
OUTCOMES: list[Outcome] = [
    Sent(result_id="x", result_kind="message"),
    SentUnnamed(reason="broken"),
    NotSent(reason="busy"),
    NotSent(reason="no", permanent=True),
    Unsure(reason="timeout"),
]
WHICH = st.integers(0, 99)
WOKEN, COMPARE = 2, 8
"""Every so many steps the next due time is asked for, and all rows are compared: else that takes most of the time."""


class DeliveryMachine(RuleBasedStateMachine):
    """What the service, a second one, the owner and the clock may do to deliveries, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = Tables()
        self.rows: dict[str, Delivery] = {}
        self.now = T0
        self.epoch = 1
        self.steps = 0

    def teardown(self) -> None:
        """A last look, and empty the tables."""
        self.tables(self._compare)
        self.tables.clear()

    # --- what is done ------------------------------------------------------------------------------------------------

    @rule(client=CLIENTS, verb=st.sampled_from([Verb.MESSAGE, Verb.MESSAGE, Verb.INVOICE, Verb.LEAD]), due=WHICH)
    def plan(self, client: str | None, verb: Verb, due: int) -> None:
        """An effect is planned; the same effect a second time is none."""
        number = len(self.rows)
        row = replace(
            effect(verb), id=f"d{number:02}", key=f"key|{number}", client_id=client, due_at=self.now.add(seconds=due)
        )
        assert self.tables(lambda tx: tx.deliveries.add(row))
        assert not self.tables(lambda tx: tx.deliveries.add(replace(row, id="other", text="another"))), "twice a key"
        self.rows[row.id] = row

    @rule(seconds=st.sampled_from([1, 30, 60, 130, 400]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.now = self.now.add(seconds=seconds)

    @rule(limit=st.integers(1, 4), lease=st.sampled_from([5, 300]))
    def claim(self, limit: int, lease: int) -> None:
        """The lane takes those whose turn it is: exactly those, in due order."""
        until = self.now.add(seconds=lease)
        wanted = self._turns(limit)
        now, epoch = self.now, self.epoch
        got = self.tables(lambda tx: tx.deliveries.claim(now, limit=limit, lease_until=until, epoch=epoch))
        assert [row.id for row in got] == wanted
        for row in got:
            assert row == replace(self.rows[row.id], lease_until=until, epoch=epoch)
            self.rows[row.id] = row

    def _turns(self, limit: int) -> list[str]:
        taken: set[str] = set()
        wanted: list[str] = []
        for row in sorted(self.rows.values(), key=lambda r: (r.due_at, r.planned_at, r.id)):
            if row.client_id in taken or not self._may_be_claimed(row) or len(wanted) >= limit:
                continue
            wanted.append(row.id)
            if row.client_id is not None:
                taken.add(row.client_id)
        return wanted

    def _may_be_claimed(self, row: Delivery) -> bool:
        if row.state not in {S.READY, S.UNKNOWN} or row.due_at > self.now or self._leased(row):
            return False
        return not any(self._blocks(other, row) for other in self.rows.values())

    def _blocks(self, other: Delivery, row: Delivery) -> bool:
        if other.id == row.id or row.client_id is None or other.client_id != row.client_id:
            return False
        in_the_way = {S.IN_FLIGHT} if row.state is S.UNKNOWN else UNSETTLED
        return other.state in in_the_way or self._leased(other)

    def _leased(self, row: Delivery) -> bool:
        return row.state in {S.READY, S.UNKNOWN} and row.lease_until is not None and row.lease_until > self.now

    @precondition(lambda self: self.rows)
    @rule(which=WHICH)
    def give_back(self, which: int) -> None:
        """A lease is given back; what is in flight or settled has none to give."""
        row = self._one(self.rows.values(), which)
        self.tables(lambda tx: tx.deliveries.release(row.id))
        if row.state in {S.READY, S.UNKNOWN}:
            self.rows[row.id] = replace(row, lease_until=None)

    @precondition(lambda self: self.rows)
    @rule(which=WHICH, old=st.booleans())
    def intend(self, *, which: int, old: bool) -> None:
        """The intent: only of a ready one, and only by the service that holds it now."""
        row = self._one(self.rows.values(), which)
        epoch = self.epoch - old
        flying = replace(row, state=S.IN_FLIGHT, attempt=row.attempt + 1, intent_at=self.now, epoch=epoch)
        self._put(flying, [S.READY], epoch, held=row)

    @precondition(lambda self: self._in(S.IN_FLIGHT))
    @rule(which=WHICH, outcome=st.sampled_from(OUTCOMES), old=st.booleans())
    def answer(self, *, which: int, outcome: Outcome, old: bool) -> None:
        """The POST came to something; a service that was replaced meanwhile writes nothing."""
        row = self._one(self._in(S.IN_FLIGHT), which)
        named = replace(outcome, result_id=f"x_{row.id}") if isinstance(outcome, Sent) else outcome
        done = after_attempt(row, named, self.now, POLICY)
        self._put(done, [S.READY, S.IN_FLIGHT, S.UNKNOWN], row.epoch - old, held=row)

    @precondition(lambda self: self._in(S.UNKNOWN))
    @rule(which=WHICH, found=st.sampled_from([[], [], ["y"], ["y", "z"], None]))
    def look(self, which: int, found: list[str] | None) -> None:
        """An unknown one is looked for."""
        row = self._one(self._in(S.UNKNOWN), which)
        named = None if found is None else [f"{ident}_{row.id}" for ident in found]
        self._put(after_look(row, named, self.now, POLICY), [S.UNKNOWN], row.epoch, held=row)

    @precondition(lambda self: self._in(S.READY))
    @rule(which=WHICH, hold=st.sampled_from([Hold.APPROVAL, Hold.WORDS]))
    def hold(self, which: int, hold: Hold) -> None:
        """It waits for somebody."""
        row = self._one(self._in(S.READY), which)
        waiting = replace(row, state=S.HELD, hold=hold, lease_until=None, due_at=self.now.add(hours=1))
        self._put(waiting, [S.READY], None, held=row)

    @precondition(lambda self: self._in(S.HELD))
    @rule(which=WHICH, yes=st.booleans())
    def decide(self, *, which: int, yes: bool) -> None:
        """The owner decides; who decides second is too late."""
        row = self._one(self._in(S.HELD), which)
        decided = replace(row, state=S.READY if yes else S.SKIPPED, hold=None, due_at=self.now)
        self._put(decided, [S.HELD], None, held=row)
        assert not self.tables(lambda tx: tx.deliveries.update(decided, expect=[S.HELD])), "decided twice"

    @rule()
    def start(self) -> None:
        """Another service takes over: what was in flight is unknown at once, leases lapse, the old one is fenced."""
        flying = self._in(S.IN_FLIGHT)
        unclear = [orphaned(row, POLICY) for row in flying]
        self.epoch += 1

        def take_over(tx: Tx) -> None:
            for row in unclear:
                assert tx.deliveries.update(row, expect=[S.IN_FLIGHT])
            assert tx.deliveries.adopt_orphans(self.epoch, self.now) == 0
            for row in flying:
                late = replace(row, state=S.SENT, result_id="late")
                assert not tx.deliveries.update(late, expect=[S.IN_FLIGHT], epoch=late.epoch), "an old one wrote"

        self.tables(take_over)
        self.rows |= {row.id: row for row in unclear}
        self.rows = {row.id: replace(row, lease_until=None) for row in self.rows.values()}

    @rule()
    def start_blindly(self) -> None:
        """The fence alone: what is in flight under an older epoch becomes unknown, due now."""
        flying = self._in(S.IN_FLIGHT)
        self.epoch += 1
        assert self.tables(lambda tx: tx.deliveries.adopt_orphans(self.epoch, self.now)) == len(flying)
        self.rows |= {row.id: replace(row, state=S.UNKNOWN, due_at=self.now) for row in flying}
        self.rows = {row.id: replace(row, lease_until=None) for row in self.rows.values()}

    def _put(self, row: Delivery, expect: list[DeliveryState], epoch: int | None, *, held: Delivery) -> None:
        may = held.state in expect and epoch in {None, held.epoch}
        assert self.tables(lambda tx: tx.deliveries.update(row, expect=expect, epoch=epoch)) is may
        if may:
            self.rows[row.id] = row

    def _in(self, *states: DeliveryState) -> list[Delivery]:
        return [row for row in self.rows.values() if row.state in states]

    @staticmethod
    def _one(rows: Iterable[Delivery], which: int) -> Delivery:
        some = list(rows)
        return some[which % len(some)]

    # --- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def who_has_something_to_do_is_woken(self) -> None:
        """And every few steps the whole table is the dict."""
        self.steps += 1
        if self.steps % WOKEN == 0:
            self.tables(self._due)
        if self.steps % COMPARE == 0:
            self.tables(self._compare)

    def _due(self, tx: Tx) -> None:
        due = tx.deliveries.next_due()
        if self._turns(1):
            assert due is not None, "there is something to do, and nobody would wake for it"
            assert due <= self.now
        if all(row.state in FINAL | {S.IN_FLIGHT} for row in self.rows.values()):
            assert due is None, "woken for nothing"
        ends = [row.due_at for row in self._in(S.HELD)] + [row.lease_until for row in self._in(S.IN_FLIGHT)]
        assert tx.deliveries.next_over() == min((end for end in ends if end is not None), default=None)

    def _compare(self, tx: Tx) -> None:
        found = {row.id: row for state in S for row in tx.deliveries.in_state(state)}
        assert found == self.rows
        for client in ("cl_1", "cl_2"):
            wanted = any(r.client_id == client and r.verb is Verb.MESSAGE for r in self._in(*UNSETTLED))
            assert tx.deliveries.unresolved(client, "message") is wanted
        for row in self._in(S.SENT)[-1:]:
            if row.result_kind and row.result_id:
                assert tx.deliveries.made(row.result_kind, row.result_id) == row
        for row in list(self.rows.values())[-1:]:
            assert tx.deliveries.by_key(row.key) == tx.deliveries.get(row.id) == row
        held = [row.id for row in self._in(S.HELD) if row.due_at <= self.now]
        assert sorted(row.id for row in tx.deliveries.held_due(self.now)) == sorted(held)
