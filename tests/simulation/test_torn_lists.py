"""A list that tore while it was read takes nothing away and completes nothing (delivery.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import orjson
from tests.acceptance.support_meddler import Meddler
from tests.simulation.studio_day import StudioDay
from tests.simulation.test_first_sight import ANSWER

from selftimer.facts.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selftimer.facts.stored import Resource


def meddled(day: StudioDay, path: str, spoil: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Meddler:
    """Answers to that path have other rows; their totals are as they were."""

    def answer(response: httpx.Response) -> httpx.Response:
        body = orjson.loads(response.content)
        body["data"] = spoil(body["data"])
        return httpx.Response(200, content=orjson.dumps(body), headers={"content-type": "application/json"})

    meddler = Meddler(day.transport, path=path, spoil=answer)
    day.transport = meddler  # type: ignore[assignment] # it counts requests too
    return meddler


async def list_of(day: StudioDay, kind: str) -> Resource | None:
    return await day.service.store.read(lambda tx: tx.records.resource(Kind(kind)))


async def test_nothing_is_removed_on_the_word_of_a_sweep_that_tore(tmp_path: Path) -> None:
    day = StudioDay(tmp_path)
    anna = day.known()
    lost, _ = day.session(anna, "2026-04-01 12:00"), day.session(anna, "2026-04-02 12:00")
    meddler = meddled(day, "$^", lambda rows: [row for row in rows if row["id"] != lost.id])
    async with day:
        await day.until("2026-03-02 09:01")
        meddler.path = r"GET /api/v1/sessions\?"
        day.fault("status", method="GET", path=f"/sessions/{lost.id}", times=1_000, status=404)
        for hour in (10, 16, 22):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        assert meddler.hits >= 3
        assert (await day.stored("session", lost.id)).gone_at is None
        meddler.let_be()
        day.hide("sessions", lost.id)  # and now the list is whole without it
        for hour in (6, 12, 18):
            day.world.changed()
            await day.until(f"2026-03-03 {hour:02}:06")
        assert (await day.stored("session", lost.id)).gone_at is not None


async def test_a_payment_that_no_list_shows_is_gone_when_its_invoice_doesnt_show_it_either(tmp_path: Path) -> None:
    """It has no address of its own to be asked for by."""
    day = StudioDay(tmp_path)
    invoice = day.invoice(day.known(), "2026-04-01")
    kept, lost = day.pay(invoice, 2_000), day.pay(invoice, 3_000)
    async with day:
        await day.until("2026-03-02 09:01")
        for payment in (kept, lost):
            day.hide("payments", payment.id)
        invoice.payments.remove(lost)
        day.world.tables.invoices.touch(invoice.id)
        for hour in (16, 22):
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:06")
        assert (await day.stored("payment", kept.id)).gone_at is None
        assert (await day.stored("payment", lost.id)).gone_at is not None


async def test_a_baseline_is_not_done_while_its_list_comes_torn(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, ANSWER)
    day.lead("Old")
    meddler = meddled(day, r"GET /api/v1/clients/\?", lambda rows: rows[:-1])
    async with day:
        await day.until("2026-03-02 08:30")
        assert not await day.baseline_done("client")
        day.lead("Early")
        await day.until("2026-03-02 09:00")
        meddler.let_be()
        await day.until("2026-03-02 09:30")
        assert await day.baseline_done("client")
        day.lead("Anna")
        await day.until("2026-03-02 12:00")
        assert day.sent() == ["03-02 09:35 hello Anna"]


async def test_a_list_whose_first_page_changed_while_it_was_read_is_not_whole(tmp_path: Path) -> None:
    """One record goes from page one and a new one comes: every page's total is right, and the new one is on none."""
    day = StudioDay(tmp_path)
    for n in range(101):
        day.client(f"C{n}")
    newest = day.world.tables.clients.newest()[0]
    meddler = meddled(day, r"GET /api/v1/clients/\?page=2&", lambda rows: rows)

    async def come_and_go() -> None:
        if meddler.hits == 1:
            day.vanish("clients", newest.id)
            day.client("New")

    meddler.before = come_and_go
    async with day:
        await day.until("2026-03-02 08:00")
        assert meddler.hits == 1
        assert not await day.baseline_done("client")
        await day.until("2026-03-02 08:20")
        assert await day.baseline_done("client")


async def test_a_list_that_is_not_newest_first_is_whole_after_two_equal_looks(tmp_path: Path) -> None:
    day = StudioDay(tmp_path)
    for name in ("Anna", "Ben", "Cleo"):
        day.client(name)
        day.clock_to(f"2026-03-02 08:0{len(day.world.tables.clients.rows)}")
    meddled(day, r"GET /api/v1/clients/\?", lambda rows: rows[::-1])
    async with day:
        await day.until("2026-03-02 08:03")
        first = await list_of(day, "client")
        assert first is not None
        assert (first.ordered, first.baseline_at) == (False, None)
        await day.until("2026-03-02 08:20")
        assert await day.baseline_done("client")
