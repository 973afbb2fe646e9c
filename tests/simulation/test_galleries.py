"""Galleries are looked for client by client, once a day each, and nobody is told of one that was there (8, 9)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulation.studio_day import ProcessDied, StudioDay, berlin, workspace_files
from whenever import Date

from selftimer.plan.looks import slot_after
from selftimer.sandbox.book import galleries
from selftimer.simulation.harness import SETTINGS, Simulation

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from selftimer.sandbox.model import Client
    from selftimer.sandbox.model_galleries import Collection

REVIEW = """
- id: pictures
  when: gallery.published
  if: gallery.photo_count >= 10
  ignore_quiet_hours: true
  then:
    - send: pictures
"""
WORDS = {
    "pictures": "{{ gallery.name or 'pictures' }} {{ gallery.photo_count }} {{ client.first_name }}\n",
    "ends": "ends {{ gallery.expiry_date | date }} {{ client.first_name }}\n",
}
OTHER = """
- id: hello
  when: session.canceled
  then:
    - send: hello
"""


class GalleryDay(StudioDay):
    """A studio's day in which every look for galleries is counted."""

    def __init__(self, folder: Path, rules: str = REVIEW, **given: Any) -> None:
        given.setdefault("words", WORDS)
        super().__init__(folder, rules, **given)
        self.looks: list[str] = []
        inner = self.transport.handle_async_request

        async def counting(request: httpx.Request) -> httpx.Response:
            answer = await inner(request)
            if "cgCollections" in request.url.path and answer.status_code == 200:  # else it is asked once more
                self.looks.append(request.url.path.split("/")[-3])
            return answer

        self.transport.handle_async_request = counting  # type: ignore[method-assign]  # it only looks on

    def publish(self, client: Client, name: str = "Pictures", photos: int = 40, **given: Any) -> Collection:
        return galleries.publish(self.world, client.id, name, photos, **given)

    def unpublish(self, collection: Collection) -> None:
        table = self.world.tables.collections
        del table.rows[collection.id]
        table.of_client(collection.client_id).remove(collection)
        table.touch(collection.id)
        self.world.changed()

    async def photographed(self, name: str = "Anna") -> Client:
        """A client whose session was yesterday, known to the service for a day."""
        client = self.known(name)
        self.session(client, "2026-03-03 10:00")
        await self.until("2026-03-04 12:00")
        return client


async def test_a_gallery_is_seen_within_a_day_and_told_once(tmp_path: Path) -> None:
    async with GalleryDay(tmp_path) as day:
        await day.until("2026-03-02 09:00")
        anna = await day.photographed()
        day.publish(anna, "Portraits", 40)
        await day.until("2026-03-05 12:30")
        assert [row.split(" ", 2)[2] for row in day.sent()] == ["Portraits 40 Anna"]
        await day.until("2026-03-12 12:00")
        assert len(day.sent()) == 1
        assert [event.name for event in await day.events() if event.name.startswith("gallery")] == ["gallery.published"]
        day.publish(anna, "Few", 3)
        day.publish(anna, "Second", 60)
        await day.until("2026-03-14 12:00")
        assert [row.split(" ", 2)[2] for row in day.sent()][1:] == ["Second 60 Anna"]


async def test_galleries_that_were_there_at_the_first_look_are_told_to_nobody(tmp_path: Path) -> None:
    day = GalleryDay(tmp_path)
    anna = day.known()
    day.session(anna, "2026-02-20 10:00")
    old = day.publish(anna, "Old")
    day.clock_to("2026-03-05 08:00")
    async with day:
        await day.until("2026-03-08 12:00")
        assert day.sent() == []
        assert await day.ids("gallery") == [old.id]
        assert (await day.stored("gallery", old.id)).baseline


async def test_each_client_who_was_photographed_is_looked_at_once_a_day_at_an_hour_of_their_own(tmp_path: Path) -> None:
    async with GalleryDay(tmp_path) as day:
        await day.until("2026-03-02 08:30")
        clients = [day.known(f"C{number}") for number in range(12)]
        for client in clients[:10]:
            day.session(client, "2026-03-02 10:00")
        day.session(clients[10], "2026-03-20 10:00")  # to come: looked at once before, so that the old ones are known
        day.session(clients[11], "2026-03-02 10:00", status="canceled")
        await day.until("2026-03-04 08:30")
        day.looks.clear()
        await day.until("2026-03-14 08:30")
        counts = Counter(day.looks)
        assert [counts[client.id] for client in clients] == [10] * 10 + [0, 0]
        await day.until("2026-03-22 08:30")
        assert day.looks.count(clients[10].id) in {1, 2}
        hours = {slot_after(client.id, day.now).to_tz("UTC").time().hour for client in clients}
        assert len(hours) > 4


async def test_after_120_days_nobody_looks_any_more(tmp_path: Path) -> None:
    async with GalleryDay(tmp_path) as day:
        await day.until("2026-03-02 09:00")
        anna = await day.photographed()
        day.looks.clear()
        await day.until("2026-07-20 09:00")
        assert 117 <= len(day.looks) <= 120
        assert set(day.looks) == {anna.id}
        assert await day.service.store.read(lambda tx: tx.looks.next_due()) is None


async def test_where_no_rule_asks_for_galleries_nobody_is_looked_at_and_later_on_not_all_at_once(
    tmp_path: Path,
) -> None:
    async with GalleryDay(tmp_path, OTHER) as day:
        await day.until("2026-03-02 09:00")
        for number in range(12):
            day.session(day.known(f"C{number}"), "2026-03-02 10:00")
        await day.until("2026-03-06 09:00")
        assert day.looks == []
        await day.aclose()
        day.rules(REVIEW, words=WORDS)
        await day.start()
        await day.until("2026-03-06 09:00")
        assert len(day.looks) == 5
        await day.until("2026-03-06 09:10")
        assert sorted(Counter(day.looks).values()) == [1] * 12


async def test_a_moment_before_the_last_day_moves_with_it_and_is_judged_on_fresh_data(tmp_path: Path) -> None:
    rule = """
    - id: ends
      when: 7 days before gallery.expiry_date at 10:00
      if: not gallery.expired and client.galleries | count == 1
      then:
        - send: ends
    """
    async with GalleryDay(tmp_path, rule) as day:
        await day.until("2026-03-02 09:00")
        anna = await day.photographed()
        ben = await day.photographed("Ben")
        first = day.publish(anna, expiry=Date(2026, 4, 1))
        second = day.publish(ben, expiry=Date(2026, 4, 1))
        await day.until("2026-03-10 12:00")
        galleries.change(day.world, first, expiry_date=Date(2026, 4, 10))
        await day.until("2026-03-25 09:55")
        day.publish(ben, "Another")  # at ten there are two, whenever the next look is
        await day.until("2026-03-25 12:00")
        assert day.sent() == []
        await day.until("2026-04-05 12:00")
        assert day.sent() == ["04-03 10:00 ends 10 April 2026 Anna"]
        assert second.expiry_date == Date(2026, 4, 1)


async def test_a_gallery_that_is_gone_twice_is_removed_and_its_moments_with_it(tmp_path: Path) -> None:
    rule = """
    - id: ends
      when: 7 days before gallery.expiry_date at 10:00
      then:
        - send: ends
    - id: gone
      when: gallery.removed
      then:
        - notify: gone
    """
    async with GalleryDay(tmp_path, rule, words={**WORDS, "gone": "gone\n"}) as day:
        await day.until("2026-03-02 09:00")
        anna = await day.photographed()
        collection = day.publish(anna, expiry=Date(2026, 4, 1))
        await day.until("2026-03-06 12:00")
        day.unpublish(collection)
        await day.until("2026-03-07 12:00")
        assert await day.deliveries() == []
        await day.until("2026-03-09 12:00")
        assert [d.words for d in await day.deliveries()] == ["gone"]
        await day.until("2026-03-30 12:00")
        assert day.sent() == []


async def test_a_look_that_fails_is_made_again_and_misses_nothing(tmp_path: Path) -> None:
    async with GalleryDay(tmp_path) as day:
        await day.until("2026-03-02 09:00")
        anna = await day.photographed()
        day.publish(anna)
        fault = day.fault("status", method="GET", path="cgCollections", status=500, times=15)
        await day.until("2026-03-06 14:00")
        assert fault.hits == 15
        assert len(day.sent()) == 1


async def test_a_process_that_dies_between_looks_tells_of_each_gallery_once(tmp_path: Path) -> None:
    async with GalleryDay(tmp_path) as day:
        await day.until("2026-03-02 09:00")
        anna, ben = await day.photographed(), await day.photographed("Ben")
        day.publish(anna)
        day.publish(ben)
        left = 1

        def die(name: str) -> None:
            nonlocal left
            if name == "observe.gallery" and left:
                left -= 1
                raise ProcessDied

        day.service.context.crash_point = die
        with pytest.raises(ProcessDied):
            await day.until("2026-03-05 14:00")
        await day.aclose()
        await day.start()
        await day.until("2026-03-07 14:00")
        assert sorted(row.rsplit(" ", 1)[1] for row in day.sent()) == ["Anna", "Ben"]


async def test_a_quiet_poll_makes_as_few_requests_with_galleries_as_without(tmp_path: Path) -> None:
    async with GalleryDay(tmp_path) as day:
        await day.until("2026-03-02 09:00")
        for number in range(10):
            day.session(day.known(f"C{number}"), "2026-03-02 10:00")
        await day.until("2026-03-04 09:00")
        day.service.observe.poll_at = day.now
        await day.poll()  # with what is due four times a day
        before, looks = day.transport.requests, len(day.looks)
        day.service.observe.poll_at = day.now
        await day.service.observe.step(day.now)
        assert day.transport.requests - before - (len(day.looks) - looks) <= 8


async def test_in_a_studio_that_lives_each_gallery_is_told_of_once_and_no_old_one(tmp_path: Path) -> None:
    rule = REVIEW.replace("  if: gallery.photo_count >= 10\n", "")
    files = workspace_files(rule, words=WORDS)
    async with Simulation(tmp_path, seed=5, rules=files, owner=False, settings=SETTINGS) as living:
        start = living.now
        await living.run_days(24)
        end = living.now
        seen = await living.service.store.read(
            lambda tx: [event.record_id for event in tx.events.in_state("done") if event.name == "gallery.published"]
        )
        made = {row.id: row.created_at for row in living.world.tables.collections}
        sure = {ident for ident, at in made.items() if start.add(hours=25) < at < end.subtract(hours=25)}
        assert len(sure) >= 3
        assert sure <= set(seen)
        assert {ident for ident in seen if made[ident] < start} == set()
        assert len(seen) == len(set(seen))
        told = Counter(row["client_id"] for row in living.messages())
        published = Counter(living.world.tables.collections.rows[ident].client_id for ident in seen)
        assert not told - published
        assert not living.verdict().misdirected


async def test_an_hour_of_ones_own_is_the_same_every_day() -> None:
    start = berlin("2026-03-02 09:00")
    for number in range(50):
        first = slot_after(f"cl_{number}", start)
        assert start < first <= start.add(hours=24)
        assert slot_after(f"cl_{number}", first) == first.add(hours=24)
        assert slot_after(f"cl_{number}", first.subtract(seconds=1)) == first
