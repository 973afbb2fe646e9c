"""What the rules of a workspace would do in the days ahead, on a copy of what Selftimer knows (`selftimer plan`).

The copy is taken over by the service as it is wired in production; only the studio is its snapshot, the clock is
virtual and nothing leaves. What the studio's people and clients will do can't be known: it stands still.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from whenever import Instant

from selftimer import wiring
from selftimer.engine.deliver import Deliver
from selftimer.engine.observe import Observe
from selftimer.engine.start import take_over
from selftimer.errors import RuleFileError
from selftimer.plan.state import RunState, Verb
from selftimer.primitives.clock import VirtualClock
from selftimer.simulation.snapshot import PlanChannel, SnapshotStudio
from selftimer.simulation.story import Effect, all_deliveries, in_order, shows, when
from selftimer.store.backup import backup
from selftimer.store.engine import open_database
from selftimer.store.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.engine.context import Context
    from selftimer.ports import RuleRow, Tx
    from selftimer.rulebook.model import Rulebook
    from selftimer.settings import Settings

STILL = 50
"""Steps without time passing after which it is moved on by a second."""
_ALL = 10_000_000
_GOING = (RunState.ACTIVE, RunState.WAITING, RunState.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """How a rule of the files differs from what the service last worked by."""

    rule_id: str
    title: str
    what: str
    """`new`, `counts anew` (its trigger or `if` is another), `changed`, `removed`."""
    runs: int
    """Runs under way of any version."""
    moments: int
    """Moments to come of records that are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The days ahead."""

    begins: Instant
    ends: Instant
    changes: tuple[RuleChange, ...]
    under_way: Mapping[str, Mapping[str, int]]
    """Runs under way by rule and version; the rule's present version comes as `now`."""
    effects: tuple[Effect, ...]
    paused: tuple[str, ...]
    """What keeps messages from going out at present."""


async def plan_ahead(settings: Settings, now: Instant, days: float, *, book: Rulebook | None = None) -> Plan:
    """The plan of the workspace's rule files (or of other rules) for so many days; the real store is copied only.

    `RuleFileError` where the files can't be used, `StoreError` where there is no database.
    """
    if book is None:
        loaded = wiring.load_rules(settings)
        if loaded.rulebook is None:
            raise RuleFileError(list(loaded.errors))
        book = loaded.rulebook
    with tempfile.TemporaryDirectory(prefix="selftimer-plan-") as folder:
        copy = Path(folder) / settings.database_path.name
        backup(settings.database_path, copy)
        store = SqlStore(open_database(copy, synchronous="OFF"), wiring.STUDIO)
        try:
            return await _Planner(settings, book, store, now).run(now.add(seconds=days * 86_400))
        finally:
            await store.aclose()
            await store.database.aclose()


class _Planner:
    def __init__(self, settings: Settings, book: Rulebook, store: SqlStore, now: Instant) -> None:
        self._store, self._now, self._book = store, now, book
        self._clock = VirtualClock(now)
        api = SnapshotStudio(store)
        self._context: Context = wiring.make_context(settings, book, store=store, api=api, clock=self._clock)
        # What is held is asked again with each poll; where nothing changes once an hour is enough.
        policy = self._context.policy
        self._context.policy = replace(policy, cadence=replace(policy.cadence, page_one=3_600))
        channel = PlanChannel(api)
        self._context.channels = dict.fromkeys(Verb, channel)
        self._observe, self._deliver = Observe(self._context), Deliver(self._context)

    async def run(self, end: Instant) -> Plan:
        before = await self._store.read(lambda tx: dict(tx.rules.rows()))
        states = {one.id: one.state for one in await self._store.read(all_deliveries)}
        under_way = await self._store.read(self._under_way)
        paused = await self._store.read(lambda tx: tuple(f"{p.scope} {p.id}".strip() for p in tx.control.pauses()))
        await take_over(self._context)
        self._observe.poll_at = Instant.MAX
        await self._steps(self._now)
        changes = await self._store.read(lambda tx: self._changes(tx, before))
        first = {one.id: one for one in await self._store.read(all_deliveries)}
        await self._steps(end)
        after = await self._store.read(all_deliveries)
        effects = in_order(
            Effect(at=when(one), delivery=one, at_once=one.id in first and first[one.id].state is one.state)
            for one in after
            if states.get(one.id) is not one.state and shows(one, end)
        )
        return Plan(
            begins=self._now,
            ends=end,
            changes=tuple(changes),
            under_way=under_way,
            effects=effects,
            paused=paused,
        )

    async def _steps(self, end: Instant) -> None:
        """Both lanes until nothing is due before `end`; time moves from one due instant to the next."""
        still = 0
        while True:
            now = self._clock.now()
            await self._observe.step(now)
            await self._deliver.step(now)
            due = min(self._observe.due_at, self._deliver.due_at)
            still = still + 1 if due <= now else 0
            if still > STILL:
                due, still = now.add(seconds=1), 0
            if due > end:
                return
            self._clock.move_to(max(due, now))

    def _under_way(self, tx: Tx) -> dict[str, dict[str, int]]:
        found: dict[str, Counter[str]] = {}
        for state in _GOING:
            for run in tx.runs.in_state(state):
                rule = self._book.rules.get(run.rule_id)
                version = "now" if rule is not None and rule.version == run.rule_version else run.rule_version
                found.setdefault(run.rule_id, Counter())[version] += 1
        return {rule: dict(counts) for rule, counts in sorted(found.items())}

    def _changes(self, tx: Tx, before: Mapping[str, RuleRow]) -> list[RuleChange]:
        moments = Counter(timer.rule_id for timer in tx.timers.due(Instant.MAX, _ALL))
        runs = Counter(run.rule_id for state in _GOING for run in tx.runs.in_state(state))
        found = []
        for rule_id, row in sorted(tx.rules.rows().items()):
            what = _change(before.get(rule_id), row)
            if what is not None:
                found.append(
                    RuleChange(
                        rule_id=rule_id, title=row.title, what=what, runs=runs[rule_id], moments=moments[rule_id]
                    )
                )
        return found


def _change(old: RuleRow | None, new: RuleRow) -> str | None:
    if new.removed_at is not None:
        return "removed" if old is None or old.removed_at is None else None
    if old is None or old.removed_at is not None:
        return "new"
    if old.activation != new.activation:
        return "counts anew"
    return "changed" if (old.version, old.mode) != (new.version, new.mode) else None
