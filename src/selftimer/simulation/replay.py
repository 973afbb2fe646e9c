"""The rules as they are, played again over what polls saw in the past (`selftimer simulate --since`).

Beside it stands what was really sent. The service is wired as in production; only the studio is its history, the clock
is virtual and nothing leaves. What the owner ordered then is ordered again; what people would have answered to messages
that they never got can't be known.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from whenever import Instant

from selftimer import wiring
from selftimer.engine.deliver import Deliver
from selftimer.engine.observe import Observe
from selftimer.engine.start import take_over
from selftimer.errors import WorkspaceError
from selftimer.plan.state import Verb
from selftimer.primitives.clock import VirtualClock
from selftimer.simulation.past import PastChannel, PastStudio, sent_before
from selftimer.simulation.scratch import scratch_store
from selftimer.simulation.story import Deed, Effect, Story, effects_of, in_order, shows, when
from selftimer.store.history import HistoryReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx
    from selftimer.ports.store import Order
    from selftimer.rulebook.model import Rulebook
    from selftimer.settings import Settings
    from selftimer.simulation.story import Progress
    from selftimer.store.store import SqlStore

STILL = 50
"""Steps without time passing after which it is moved on by a second."""
_SWEEPS = 3
"""Looks at whole lists: two that agree make a sweep, and what is gone has to be missing from two sweeps."""
_ANSWERS = frozenset({"approve", "skip"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What would have been sent by these rules, what was, and since when there is a past."""

    known_since: Instant
    told: Story
    """What the rules would have done."""
    real: Story
    """What the service did."""


async def play_again(
    settings: Settings, book: Rulebook, since: Instant, *, progress: Progress = lambda _share: None
) -> Replay:
    """Play the rules over the whole history, and tell of it from `since` on; the database is only read.

    It begins where the history does, since a run that matters may have begun long before. `WorkspaceError` where there
    is no history yet, `StoreError` where it can't be read.
    """
    reader = HistoryReader(settings.database_path, wiring.STUDIO)
    try:
        known = reader.known_since()
        if known is None:
            raise WorkspaceError("the studio's lists weren't read whole yet: there is no past to play the rules over")
        poll = reader.status(upcoming=0).last_poll
        end = max(known, (poll.ended_at or poll.begun_at) if poll is not None else known)
        begins = min(max(known, since), end)
        with scratch_store() as store:
            await _Player(settings, book, store, reader, known).run(end, progress)
            effects = await store.read(lambda tx: effects_of(tx, end))
        told = _story(reader, effects, begins, end)
        real = in_order(Effect(at=when(one), delivery=one) for one in reader.all_deliveries() if shows(one, end))
        return Replay(known_since=known, told=told, real=_story(reader, real, begins, end))
    finally:
        reader.close()


def _story(reader: HistoryReader, effects: Iterable[Effect], begins: Instant, end: Instant) -> Story:
    """Those effects, beside what was seen to happen."""
    within = tuple(effect for effect in effects if begins <= effect.at <= end)
    deeds = tuple(
        Deed(at=event.at, client_id=event.client_id or "", text=f"{event.name} {event.record_id}")
        for event in sorted(reader.all_events(), key=lambda event: (event.at, event.id))
        if begins <= event.at <= end and not event.own
    )
    clients = {one.delivery.client_id or "" for one in within} | {deed.client_id for deed in deeds}
    return Story(begins=begins, ends=end, effects=within, deeds=deeds, names=reader.client_names(clients - {""}))


class _Player:
    def __init__(
        self, settings: Settings, book: Rulebook, store: SqlStore, reader: HistoryReader, begins: Instant
    ) -> None:
        self._store, self._begins = store, begins
        self._clock = VirtualClock(begins)
        self._api = PastStudio(store, reader, self._clock)
        self._context = wiring.make_context(settings, book, store=store, api=self._api, clock=self._clock)
        done = {one.key: one for one in sent_before(reader)}
        self._context.channels = dict.fromkeys(Verb, PastChannel(self._api, done))
        self._context.stop_file = self._context.free_space = lambda: None
        self._observe, self._deliver = Observe(self._context), Deliver(self._context)
        gone = set(self._api.removals())
        self._polls = deque((at, at in gone) for at in sorted({*self._api.instants(), *gone}) if at > begins)
        keys = {one.id: one.key for one in reader.all_deliveries()}
        self._orders = deque(
            (at, order, keys.get(str(order.args.get("id")))) for at, order in reader.all_orders() if at >= begins
        )

    async def run(self, end: Instant, progress: Progress) -> None:
        """From the first whole look at the studio to `end`."""
        whole = max(1.0, (end - self._begins).total("seconds"))
        await take_over(self._context)
        await self._poll(whole=True)
        still = 0
        while True:
            now = self._clock.now()
            if self._polls and self._polls[0][0] <= now:
                await self._poll(whole=self._polls.popleft()[1])
                progress((now - self._begins).total("seconds") / whole)
            await self._step()
            while self._orders and self._orders[0][0] <= now:  # people answer what is there
                await self._store.write(partial(_order_again, *self._orders.popleft()))
                await self._step()
            due = min(self._observe.due_at, self._deliver.due_at)
            still = still + 1 if due <= now else 0
            if still > STILL:
                due, still = now.add(seconds=1), 0
            due = min([due, *(waiting[0][0] for waiting in (self._polls, self._orders) if waiting)])
            if due > end:
                return
            self._clock.move_to(max(due, now))

    async def _poll(self, *, whole: bool) -> None:
        for _ in range(_SWEEPS if whole else 1):
            self._api.look(whole=whole)
            self._observe.poll_at = Instant.MIN
            await self._step()

    async def _step(self) -> None:
        now = self._clock.now()
        await self._observe.step(now)
        self._observe.poll_at = Instant.MAX
        await self._deliver.step(now)


def _order_again(at: Instant, order: Order, key: str | None, tx: Tx) -> None:
    """Let the owner say the same of the same delivery, whatever it says by these rules; of one that isn't, nothing."""
    args = dict(order.args)
    if order.what in _ANSWERS:
        mine: Delivery | None = tx.deliveries.by_key(key) if key is not None else None
        if mine is None:
            return
        args |= {"id": mine.id} | ({"seen": mine.text} if "seen" in args else {})
    tx.control.add_order(at, order.what, args)
