"""The studio's ids come in another form than before: nobody is new, nobody is gone (delivery.md §2 to §4)."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.facts.records import Kind
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
- id: welcome
  title: Somebody new
  when: client.created
  then:
    - send: welcome
- id: bill
  title: A bill went out
  when: invoice.sent
  then:
    - send: bill
- id: open
  title: Something is open
  when: becomes invoice.balance > 0
  then:
    - send: open
- id: gone
  title: Somebody is gone
  when: [client.removed, invoice.removed]
  then:
    - notify: gone
- id: soon
  title: It is due soon
  if: invoice.outstanding
  then:
    - when: 7 days before invoice.due_date at 10:00
      send: soon
"""
WORDS = {"gone": "gone\n"}


async def lived(day: StudioDay, before: int, since: int) -> None:
    """Clients with a bill each, some from before the first look and some from since then."""
    for n in range(before):
        day.invoice(day.known(f"Old{n}"), "2026-03-20")
    await day.until("2026-03-02 09:01")
    for n in range(since):
        day.invoice(day.known(f"New{n}"), "2026-03-20")
        await day.poll()
    await day.until("2026-03-02 15:30")


@pytest.mark.parametrize(("before", "since"), [(1, 1), (2, 4), (60, 4)])
async def test_ids_of_another_length_begin_nothing_end_nothing_and_are_told(
    tmp_path: Path, before: int, since: int
) -> None:
    async with StudioDay(tmp_path, RULES, words=WORDS) as day:
        await lived(day, before, since)
        sent, planned = day.sent(), len(await day.deliveries())
        assert len(sent) == 3 * since
        await day.drift(drift="id_29")
        await day.until("2026-03-03 12:00")
        assert day.sent() == sent
        assert len(await day.deliveries()) == planned
        for kind in (Kind.CLIENT, Kind.INVOICE, Kind.CONVERSATION):
            ids = await day.ids(kind.value)
            assert len(ids) == before + since
        told = [text for text in await day.notices() if "under other ids" in text]
        assert len(told) == 1
        assert [text for text in await day.notices() if "vanished" in text] == []
        await day.no_drift()
        await day.until("2026-03-04 12:00")
        assert day.sent() == sent
        assert len(await day.deliveries()) == planned
        assert len(await day.ids("invoice")) == before + since


async def test_what_that_look_yields_besides_is_held_and_what_comes_later_is_not(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES, words=WORDS) as day:
        await lived(day, 2, 1)
        sent = len(day.sent())
        day.known("Zoe")
        await day.drift(drift="id_29", path="/invoices")
        await day.until("2026-03-02 16:00")
        assert len(day.sent()) == sent
        (held,) = await day.held()
        assert held.reason == "the studio shows 3 invoices under other ids than before: held for you"
        day.known("Yan")
        await day.until("2026-03-02 16:30")
        assert [row[12:] for row in day.sent()[sent:]] == ["welcome Yan"]


@pytest.mark.parametrize(("before", "since"), [(1, 1), (30, 3)])
async def test_ids_that_are_numbers_are_set_aside_and_nobody_is_taken_as_removed(
    tmp_path: Path, before: int, since: int
) -> None:
    async with StudioDay(tmp_path, RULES, words=WORDS) as day:
        await lived(day, before, since)
        sent, clients = day.sent(), await day.ids("client")
        await day.drift(drift="id_number", path="/(clients|invoices)/$")
        day.fault("status", method="GET", path="/(clients/cl_|invoices/in_)", times=100_000, status=404)
        for _ in range(3):
            day.world.changed()
            await day.poll()
        assert day.sent() == sent
        assert sorted(await day.ids("client")) == sorted(clients)
        assert [one for one in await day.deliveries() if one.rule_id == "gone"] == []
        said = await day.notices()
        assert any("can't be understood" in text and "client" in text for text in said)
        with closing(SqlReader(day.database)) as reader:
            status = reader.status()
        assert before > 3 or Kind.CLIENT in {one.kind for one in status.set_aside}
        assert before < 3 or Kind.CLIENT in {one.resource.kind for one in status.failing}
        await day.no_drift()
        day.faults.clear()
        await day.until("2026-03-02 22:00")
        assert day.sent() == sent
        assert sorted(await day.ids("client")) == sorted(clients)


async def test_many_old_records_that_turn_up_at_once_are_adopted_and_held(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES, words=WORDS) as day:
        await lived(day, 2, 0)
        bills = [day.invoice(day.known(f"C{n}"), "2026-03-20") for n in range(4)]
        rows = getattr(day.world.tables, "invoices")  # noqa: B009 - its methods are put back as they were
        shown = rows.newest
        for bill in bills:
            day.hide("invoices", bill.id)
        await day.until("2026-03-03 12:00")
        sent = day.sent()
        rows.newest = shown
        rows.touch(bills[0].id)
        day.world.changed()
        await day.until("2026-03-03 13:00")
        assert day.sent() == sent
        assert "The studio shows 4 invoices under other ids than before" in await day.notices()
