"""Lists that change while they are read: what a certificate says is there, and what is taken for removed.

A studio's list, in one of the orders that lists have, is read page by page by the product's own reading (`engine/
reading.py:sweep`, up to four pages at once); between any two reads, and before page one is read again, records are
entered, deleted, moved and changed. The judgement is the product's own too (`facts/sweep.py`); what was there from
beginning to end is known here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Literal, cast

from chaos.campaign import Campaign, Result
from selftimer.engine.reading import sweep
from selftimer.facts.records import Kind, RawRecord
from selftimer.facts.sweep import stands, to_ask_for
from selftimer.ports import Page

if TYPE_CHECKING:
    from selftimer.facts.sweep import Certificate
    from selftimer.ports import StudioApi

LISTS, SWEEPS = 10, 20
"""Lists of a seed, and how often each is swept."""
Order = Literal["created", "updated", "name", "dated"]
"""Newest first; last touched first; by name; by a date that people set, such as a payment's."""
RATES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
"""How often something happens before a page is read."""


@dataclass(slots=True)
class Row:
    """One record: its place in the list is by `key`, the highest first."""

    id: str
    created: int
    key: float
    raw: RawRecord


@dataclass(slots=True)
class Shelf:
    """A list of a studio, of which pages can be read. Implements what `sweep` needs of `StudioApi`."""

    random: Random
    order: Order
    per_page: int
    rate: float
    tells_total: bool
    tells_last: bool
    clock: int = 1_000
    rows: list[Row] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    """Who left the list and can still be read by id."""
    happened: int = 0
    reading: bool = False

    def fill(self, count: int) -> None:
        """What is there before anything is read."""
        for _ in range(count):
            self.enter()

    # --- what the studio's people do ---------------------------------------------------------------------------------

    def enter(self) -> None:
        """A new record; two in a second happen, and where people set the date, it may be an older one."""
        self.clock += self.random.choice((0, 1, 1, 1))
        created = self.clock
        if self.order == "dated":
            created -= self.random.choice((0, 0, 3, 30))
        ident = f"r{len(self.rows)}.{self.random.getrandbits(40):x}"
        key = self.random.random() if self.order == "name" else float(created)
        self._put(Row(ident, created, key, _raw(ident, created, 0)))

    def _put(self, row: Row) -> None:
        place = next((n for n, other in enumerate(self.rows) if other.key <= row.key), len(self.rows))
        self.rows.insert(place, row)

    def delete(self) -> None:
        """One is deleted, or leaves the list and can still be read."""
        if self.rows:
            row = self.rows.pop(self.random.randrange(len(self.rows)))
            if self.random.random() < 0.3:
                self.left.add(row.id)

    def exchange(self) -> None:
        """One goes and one comes before anybody looks: the total is what it was."""
        self.delete()
        self.enter()

    def touch(self) -> None:
        """One is changed, which moves it where the order is by that; its own content may be what it was."""
        if not self.rows:
            return
        row = self.rows.pop(self.random.randrange(len(self.rows)))
        if self.order == "updated":
            self.clock += 1
            row.key = float(self.clock)
        elif self.order == "name":
            row.key = self.random.random()
        if self.random.random() < 0.5:
            row.raw = _raw(row.id, row.created, self.random.getrandbits(40))
        self._put(row)

    def to_and_fro(self) -> None:
        """Two change places, as a move that is taken back half-way does."""
        if len(self.rows) > 1 and self.order in {"updated", "name"}:
            one, other = self.random.sample(range(len(self.rows)), 2)
            first, second = self.rows[one], self.rows[other]
            first.key, second.key = second.key, first.key
            self.rows[one], self.rows[other] = second, first

    def happen(self) -> None:
        """Something, once in a while."""
        while self.random.random() < self.rate:
            self.random.choice((self.enter, self.delete, self.exchange, self.touch, self.to_and_fro))()
            self.happened += self.reading

    # --- what the API does -------------------------------------------------------------------------------------------

    async def page(self, kind: Kind, number: int) -> Page:
        """One page, as it is at that moment; of several that are asked for at once any may be first."""
        for _ in range(self.random.choice((0, 0, 1, 3)) if number > 1 else 0):
            await asyncio.sleep(0)
        self.happen()
        start = (number - 1) * self.per_page
        rows = self.rows[start : start + self.per_page]
        more = len(self.rows) > start + self.per_page
        return Page(
            kind=kind,
            number=number,
            per_page=self.per_page,
            records=tuple(row.raw for row in rows),
            total=len(self.rows) if self.tells_total else None,
            last=not more if self.tells_last else len(rows) < self.per_page,
        )

    def ids(self) -> set[str]:
        """Who is in the list."""
        return {row.id for row in self.rows}


def _raw(ident: str, created: int, version: int) -> RawRecord:
    stamp = f"{created:09}"
    return RawRecord(Kind.CLIENT, ident, {"created_at": stamp}, f"{ident}.{version}".encode())


# --- what the service makes of it ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Service:
    """What is known of the list, as the store keeps it."""

    shelf: Shelf
    notes: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    """Id → in how many sweeps running it was absent, of those that stand."""
    digest: bytes | None = None
    """Of the last certified sweep."""
    since: set[str] = field(default_factory=set)
    """Who was there when that one began."""
    there: dict[str, int] = field(default_factory=dict)
    """Id → for how many sweeps that stand it has been there all the time."""

    async def sweep(self) -> None:
        """Read the list once and judge it."""
        shelf, before = self.shelf, self.shelf.ids()
        happened, shelf.reading = shelf.happened, True
        pages, certificate = await sweep(cast("StudioApi", shelf), Kind.CLIENT)
        shelf.reading = False
        stood = before & shelf.ids()
        seen = {record.id for page in pages for record in page.records}
        self.notes["moved while read"] += shelf.happened > happened
        self.notes["certified"] += certificate.certified
        self.notes["certified though moved"] += certificate.certified and shelf.happened > happened
        if stands(certificate, self.digest):
            self.notes["stand"] += 1
            self.notes["stand, by a date that people set"] += shelf.order == "dated"
            self._whole(certificate, stood, seen)
            self._absent(stood, seen)
        else:
            self.notes["torn" if not certificate.certified else "certified, once more needed"] += 1
            self.there = {ident: count for ident, count in self.there.items() if ident in stood}
        if certificate.certified:
            self.digest, self.since = certificate.digest, before
        self.known |= {ident: 0 for ident in seen if ident not in self.known}

    def _whole(self, certificate: Certificate, stood: set[str], seen: set[str]) -> None:
        """Whether it has all that was there: of two that are the same, while both were read."""
        promised = stood if certificate.ordered else stood & self.since
        missed = sorted(promised - seen)
        if missed and self.shelf.order == "dated":
            self.notes["missed where people set the date (not promised)"] += 1
        elif missed:
            self.violations.append(f"a sweep of a list by {self.shelf.order} stands and lacks {', '.join(missed)}")
        elif stood - seen:
            self.notes["missed what came between two that are the same (not promised)"] += 1

    def _absent(self, stood: set[str], seen: set[str]) -> None:
        """As engine/removals.py: absent twice, then asked for by id."""
        shelf = self.shelf
        self.there = {ident: self.there.get(ident, 0) + 1 for ident in stood}
        absent = [ident for ident in self.known if ident not in seen]
        known = len(self.known)
        self.known = {ident: count + 1 if ident not in seen else 0 for ident, count in self.known.items()}
        asked = to_ask_for(absent, known, lambda ident: self.known[ident])
        if asked is None:
            self.notes["frozen"] += 1
            return
        listed = shelf.ids()
        for ident in asked:
            if self.there.get(ident, 0) >= 2:
                self.violations.append(f"{ident} was there all the time and absent from two sweeps that stand")
            if ident in listed or ident in shelf.left:
                self.notes["kept by the 404 that didn't come"] += 1
                continue
            self.notes["removed"] += 1
            del self.known[ident]


def shelf_of(random: Random) -> Shelf:
    """A list of some order, length, page and liveliness."""
    shelf = Shelf(
        random=random,
        order=random.choice(("created", "created", "updated", "name", "dated")),
        per_page=random.choice((2, 3, 4, 7)),
        rate=random.choice(RATES),
        tells_total=random.random() < 0.8,
        tells_last=random.random() < 0.8,
    )
    shelf.fill(random.choice((random.randrange(3), random.randrange(2, 12), random.randrange(8, 40))))
    return shelf


async def _live(random: Random) -> Service:
    service = Service(shelf_of(random))
    for _ in range(SWEEPS):
        await service.sweep()
        rate, service.shelf.rate = service.shelf.rate, random.choice((0.0, 0.0, 0.3, 0.6))
        service.shelf.happen()
        service.shelf.rate = rate
    return service


async def _all(random: Random) -> list[Service]:
    return [await _live(random) for _ in range(LISTS)]


def run(seed: int) -> Result:
    """Some lists, each swept some times."""
    notes: Counter[str] = Counter()
    violations: list[str] = []
    for service in asyncio.run(_all(Random(seed))):
        notes.update(service.notes)
        violations += service.violations
    return Result(seed=seed, count=LISTS * SWEEPS, violations=tuple(violations), notes=dict(notes))


CAMPAIGN = Campaign(
    name="sweeps",
    title="lists that change while they are read: certified misses, false removals",
    unit="sweeps",
    run=run,
    each=200,
    counts={"quick": 20_000, "night": 1_000_000, "release": 10_000_000},
    minutes={"quick": 0.3, "night": 1, "release": 10},
)
