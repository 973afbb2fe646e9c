"""A studio as polls saw it at the instant where a clock stands, for rules to be played again over it.

The engine works on it as on the real one. What the service itself had sent or made is not there until the replay does
the same: else it would find messages in the studio that it never wrote.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.facts.records import LISTED, Kind, RawRecord
from selftimer.plan.attempt import Sent
from selftimer.plan.state import DeliveryState, Verb
from selftimer.simulation.snapshot import PlanChannel, SnapshotStudio, page_of_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selftimer.plan.attempt import Outcome
    from selftimer.plan.state import Delivery
    from selftimer.ports import Page, Store
    from selftimer.primitives.clock import Clock
    from selftimer.store.history import HistoryReader, Version

Key = tuple[Kind, str]
_SEEN = attrgetter("seen_at")
_MADE_AT = ("created_at", "payment_date")
_CHANGED_AT = ("updated_at",)
_WRITTEN_AT = ("sent_at",)
"""Fields by which a record says since when it is what it is; `sent_at` says it of messages alone."""


class PastStudio(SnapshotStudio):
    """`selftimer.ports.StudioApi` over a store's history. `look` says what the next poll is to find."""

    def __init__(self, store: Store, reader: HistoryReader, clock: Clock) -> None:
        super().__init__(store)
        self._reader, self._clock = reader, clock
        self._places = reader.places()
        self._polled: dict[Key, list[Version]] = defaultdict(list)
        self._answered: dict[Key, Version] = {}
        for version in reader.all_versions():
            key = (version.kind, version.record_id)
            if version.digest:
                self._polled[key].append(version)
            else:
                self._answered[key] = version
        self._of_clients: dict[tuple[Kind, str], list[str]] = defaultdict(list)
        self._of_parents: dict[tuple[Kind, str], list[str]] = defaultdict(list)
        for (kind, ident), place in self._places.items():
            if place.client_id is not None:
                self._of_clients[kind, place.client_id].append(ident)
            if place.parent_id is not None:
                self._of_parents[kind, place.parent_id].append(ident)
        self._hidden = {
            made for one in sent_before(reader) if (made := _made(one)) is not None and self._new(made, one)
        }
        self._order = sorted((one for some in self._polled.values() for one in some), key=_SEEN)
        self._looked = 0
        """How many versions the looks have passed."""
        self._known: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        self._pages: dict[Kind, tuple[RawRecord, ...]] = {}
        self._totals: dict[Kind, int] = {}
        self._late: set[Key] = set()
        """What is there although it was seen before the last look: the replay made it only now."""

    def _new(self, key: Key, delivery: Delivery) -> bool:
        """Whether no poll had seen it before: else it was there, and the delivery only found it."""
        seen = self._polled.get(key)
        return not seen or seen[0].seen_at >= (delivery.intent_at or delivery.planned_at)

    def instants(self) -> list[Instant]:
        """When polls found something, in order."""
        return sorted({version.seen_at for version in self._order})

    def removals(self) -> list[Instant]:
        """When records were found to be gone, in order."""
        return sorted({place.gone_at for place in self._places.values() if place.gone_at is not None})

    # --- what a poll finds -------------------------------------------------------------------------------------------

    def look(self, *, whole: bool) -> None:
        """Let polls at this instant find what was new then, or the lists as they were: a removal shows in them alone.

        A page that holds less than its total is no sweep to the engine: nothing is taken as removed by it.
        """
        now = self._clock.now()
        found = {key: version for key in self._late if (version := self._version(key, now)) is not None}
        end = bisect_right(self._order, now, key=_SEEN)
        for version in self._order[self._looked : end]:
            self._known[version.kind].add(version.record_id)
            found[version.kind, version.record_id] = version
        self._looked = end
        self._late.clear()
        if whole:
            known = ((kind, ident) for kind in LISTED for ident in self._known[kind])
            found = {key: version for key in known if (version := self._version(key, now)) is not None}
        records: dict[Kind, list[RawRecord]] = {kind: [] for kind in LISTED}
        for (kind, ident), version in found.items():
            if kind in records and self._there(kind, ident, now):
                records[kind].append(self._raw(version))
        self._pages = {kind: tuple(some) for kind, some in records.items()}
        self._totals = {kind: len(some) if whole else len(self._known[kind]) for kind, some in records.items()}

    def _version(self, key: Key, now: Instant) -> Version | None:
        """The last that a poll had seen."""
        versions = self._polled.get(key, [])
        place = bisect_right(versions, now, key=_SEEN)
        return versions[place - 1] if place else None

    async def page(self, kind: Kind, number: int, **filters: str) -> Page:
        """What `look` prepared; a client's records as a fresh read would have had them."""
        if "client_id" in filters:
            return await super().page(kind, number, **filters)
        records = self._pages.get(kind, ()) if number == 1 else ()
        return page_of_all(kind, number, records, total=self._totals.get(kind, 0))

    # --- what a fresh read finds -------------------------------------------------------------------------------------

    async def _of_client(self, kind: Kind, client_id: str) -> tuple[RawRecord, ...]:
        return self._present(kind, self._of_clients[kind, client_id])

    async def _one(self, kind: Kind, record_id: str, inner: Kind | None) -> tuple[RawRecord, ...]:
        found = self._present(kind, [record_id])
        return found + self._present(inner, self._of_parents[inner, record_id]) if found and inner else found

    def _present(self, kind: Kind, ids: Iterable[str]) -> tuple[RawRecord, ...]:
        return tuple(raw for ident in ids if (raw := self._now(kind, ident)) is not None)

    def _now(self, kind: Kind, ident: str) -> RawRecord | None:
        """As it was last seen, or as the next poll found it where that says of itself that it was so already."""
        now, versions = self._clock.now(), self._polled.get((kind, ident), ())
        if not versions or not self._there(kind, ident, now):
            return None
        place = bisect_right(versions, now, key=_SEEN)
        found = self._raw(versions[place - 1]) if place else None
        for version in versions[place:]:
            coming = self._raw(version)
            by = _WRITTEN_AT if kind is Kind.MESSAGE else _MADE_AT if found is None else _CHANGED_AT
            said = _stamp(coming.raw, by)
            if said is None or said > now:
                break
            found = coming
        return found

    def _there(self, kind: Kind, ident: str, now: Instant) -> bool:
        place = self._places.get((kind, ident))
        gone = place is not None and place.gone_at is not None and place.gone_at <= now
        return not gone and (kind, ident) not in self._hidden

    def _raw(self, version: Version) -> RawRecord:
        return RawRecord(version.kind, version.record_id, dict(self._reader.content(version.number)), version.digest)

    # --- what the service did ----------------------------------------------------------------------------------------

    def adopt(self, kind: Kind, ident: str) -> RawRecord | None:
        """What came of it is there from now on, since the replay did it too; as the studio answered, if it is known."""
        self._hidden.discard((kind, ident))
        self._late.add((kind, ident))
        answered = self._answered.get((kind, ident))
        return None if answered is None else self._raw(answered)


class PastChannel(PlanChannel):
    """Every effect's way out in a replay: nothing leaves, and what was really done for the same reason is what is done.

    So a message that was sent then is known as ours, and a document has the id that it got.
    """

    def __init__(self, api: PastStudio, done: Mapping[str, Delivery]) -> None:
        super().__init__(api)
        self._past, self._done = api, done

    async def deliver(self, delivery: Delivery) -> Outcome:
        """As it was done, or as in a plan."""
        before = self._done.get(delivery.key)
        made = _made(before) if before is not None else None
        if before is None or made is None:
            return await super().deliver(delivery)
        record = self._past.adopt(*made)
        return Sent(result_id=before.result_id, result_kind=before.result_kind, record=record)


def sent_before(reader: HistoryReader) -> list[Delivery]:
    """What was really done."""
    return [one for one in reader.all_deliveries() if one.state is DeliveryState.SENT and not one.dry]


def _made(delivery: Delivery) -> Key | None:
    """The record that a delivery left in the studio; none for what changed one, or went elsewhere."""
    if delivery.result_id is None or delivery.verb in {Verb.UPDATE, Verb.NOTIFY}:
        return None
    kind = delivery.result_kind or delivery.verb.value
    return (Kind(kind), delivery.result_id) if kind in set(Kind) else None


def _stamp(raw: Mapping[str, Any], names: Iterable[str]) -> Instant | None:
    """The first of these fields that tells an instant."""
    for name in names:
        text = raw.get(name)
        if isinstance(text, str):
            try:
                return Instant.parse_iso(text)
            except ValueError:
                continue
    return None
