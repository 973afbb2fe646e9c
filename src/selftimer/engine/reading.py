"""Read one of the studio's lists as deep as is due, and say which of its records changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selftimer.facts.sweep import Certificate, PageFacts, certify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.facts.records import Kind, RawRecord, Unreadable
    from selftimer.facts.stored import Resource
    from selftimer.ports import Page, Store, StudioApi

PARALLEL = 4
"""Pages of one list read at once."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page as it came: the ids on it, and how many entries are no records at all."""

    number: int
    ids: tuple[str, ...]
    unusable: int


@dataclass(slots=True, kw_only=True)
class Reading:
    """What reading a list came to."""

    kind: Kind
    depth: str
    """`page_one`, `open` or `full`."""
    changed: list[RawRecord] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)
    total: int | None = None
    pages: int = 0
    certificate: Certificate | None = None
    sheets: list[Sheet] = field(default_factory=list)


class ListReader:
    """Reads pages and compares digests in bulk; nothing is parsed here."""

    def __init__(self, api: StudioApi, store: Store) -> None:
        self._api = api
        self._store = store

    async def read(self, kind: Kind, depth: str, resource: Resource | None) -> Reading:
        """Read the list to that depth. Any failure is the studio's error, and what was read of this list is left."""
        if depth == "full" or resource is None:
            return await self._full(kind)
        first = await self._api.page(kind, 1)
        reading = Reading(kind=kind, depth="full" if first.last else depth)
        await self._take(reading, first)
        if first.last:  # one page holds it all: a sweep
            reading.certificate = certify([_facts(first)], _facts(first))
            return reading
        numbers = await self._open_pages(reading, first.per_page) if depth == "open" else set()
        await self._further(reading, numbers - {1})
        await self._down(reading, first, resource)
        return reading

    async def _take(self, reading: Reading, page: Page) -> None:
        known = await self._store.read(
            lambda tx: tx.records.digests(reading.kind, [r.id for r in page.records]) if page.records else {}
        )
        self._compare(reading, page, known)

    @staticmethod
    def _compare(reading: Reading, page: Page, known: dict[str, bytes]) -> None:
        reading.pages += 1
        reading.total = page.total
        reading.unreadable += page.unreadable
        reading.sheets.append(Sheet(page.number, tuple(r.id for r in page.records), len(page.unreadable)))
        for record in page.records:
            if record.id not in reading.seen and known.get(record.id) != record.digest:
                reading.changed.append(record)
                if record.id not in known:
                    reading.new.add(record.id)
            reading.seen.add(record.id)
        reading.seen |= {entry.id for entry in page.unreadable if entry.id}

    async def _further(self, reading: Reading, numbers: set[int]) -> None:
        for page in await _pages(self._api, reading.kind, sorted(numbers)):
            await self._take(reading, page)

    async def _open_pages(self, reading: Reading, per_page: int) -> set[int]:
        """The pages on which records that are still open should lie: by the stored order, below what is new."""
        order = await self._store.read(lambda tx: tx.records.order(reading.kind))
        return {(place + len(reading.new)) // per_page + 1 for place, (_, is_open) in enumerate(order) if is_open}

    async def _down(self, reading: Reading, first: Page, resource: Resource) -> None:
        """Go on down to the first page of known records: while all of a page is new, or the total says there is more.

        What has vanished meanwhile makes the total say too little, so a page of nothing but new records counts alone.
        """
        known = await self._store.read(lambda tx: tx.records.count(reading.kind))
        moved = resource.total != reading.total or bool(reading.new)
        number, page = 1, first
        while moved and not page.last and (_all_new(reading, page) or (reading.total or 0) > known + len(reading.new)):
            number, before = number + 1, len(reading.new)
            page = await self._api.page(reading.kind, number)
            await self._take(reading, page)
            if len(reading.new) == before:
                return

    async def _full(self, kind: Kind) -> Reading:
        reading = Reading(kind=kind, depth="full")
        pages, reading.certificate = await sweep(self._api, kind)
        known = await self._store.read(lambda tx: tx.records.digests(kind))
        for page in pages:
            self._compare(reading, page, known)
        return reading


async def sweep(api: StudioApi, kind: Kind) -> tuple[list[Page], Certificate]:
    """All pages of a list in their order, page one again at the end, and what that is worth."""
    first = await api.page(kind, 1)
    pages = [first]
    if not first.last and first.total is not None:
        last = -(-first.total // first.per_page)
        pages += await _pages(api, kind, range(2, last + 1))
    while not pages[-1].last:
        pages.append(await api.page(kind, pages[-1].number + 1))
    again = await api.page(kind, 1) if len(pages) > 1 else first
    return pages, certify([_facts(page) for page in pages], _facts(again))


async def _pages(api: StudioApi, kind: Kind, numbers: Sequence[int]) -> list[Page]:
    gate = asyncio.Semaphore(PARALLEL)

    async def one(number: int) -> Page:
        async with gate:
            return await api.page(kind, number)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(n)) for n in numbers]
    return [task.result() for task in tasks]


def _mark(entry: Unreadable, page: Page, place: int) -> str:
    """The id of an entry that is no record; without one its place, since two of them are not one that came twice."""
    return entry.id or f"?{page.number}:{place}"


def _all_new(reading: Reading, page: Page) -> bool:
    return bool(page.records) and all(record.id in reading.new for record in page.records)


def _facts(page: Page) -> PageFacts:
    def created(record: RawRecord) -> str | None:
        text = record.raw.get("created_at") or record.raw.get("payment_date")
        return text if isinstance(text, str) else None

    return PageFacts(
        ids=tuple(r.id for r in page.records) + tuple(_mark(u, page, n) for n, u in enumerate(page.unreadable)),
        digests=tuple(r.digest for r in page.records),
        total=page.total,
        created=tuple(created(r) for r in page.records),
    )
