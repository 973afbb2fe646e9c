"""The studio's own sums are a checksum over the invoices that are known here (delivery.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay

if TYPE_CHECKING:
    from pathlib import Path

SUBJECT = "The studio's invoices come to another sum than is known here"
SWEEPS = "[polling]\nfull = 3600\nsignals = 0\n"


async def told(day: StudioDay) -> list[str]:
    notices, _, _ = await day.service.store.read(
        lambda tx: tx.control.notices_after(0, since=day.world.start, limit=100)
    )
    return [notice.text for notice in notices if notice.subject == SUBJECT]


async def hours(day: StudioDay, count: int) -> None:
    """With a look at the studio in each, also where nothing has changed."""
    for _ in range(count):
        day.service.observe.poll_at = day.now
        await day.run_until(day.now.add(hours=1))


async def kept(day: StudioDay) -> dict[str, object]:
    found: dict[str, object] = await day.service.store.read(lambda tx: tx.control.get("checksum"))
    return found


async def test_while_the_sums_agree_nobody_hears_of_them(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, toml=SWEEPS) as day:
        anna = day.known("Anna")
        paid = day.invoice(anna, "2026-03-20", 20_000)
        day.invoice(anna, "2026-03-20", 5_000, sent=False)
        await hours(day, 4)
        day.pay(paid, 7_000)
        day.invoice(anna, "2026-04-20", 10_000)
        await hours(day, 4)
        assert await told(day) == []
        state = await kept(day)
        assert (state["agreed"], state["differs"]) == (True, 0)


async def test_an_invoice_that_no_list_shows_any_more_is_missed_and_told_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, toml=SWEEPS) as day:
        anna = day.known("Anna")
        day.invoice(anna, "2026-03-20", 20_000)
        await hours(day, 4)
        day.hide("invoices", day.invoice(anna, "2026-03-20", 12_345).id)
        await hours(day, 4)
        (said,) = await told(day)
        assert "323.45" in said
        assert "200.00" in said


async def test_a_difference_that_reading_again_settles_is_not_told(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, toml=SWEEPS) as day:
        anna = day.known("Anna")
        day.invoice(anna, "2026-03-20", 20_000)
        await hours(day, 4)
        late = day.invoice(anna, "2026-03-20", 12_345)
        table = day.world.tables.invoices
        day.hide("invoices", late.id)
        while not (await kept(day))["differs"]:
            day.service.observe.poll_at = day.now
            await day.run_until(day.now.add(minutes=1))
        del table.newest  # the list shows it again
        table.touch(late.id)
        day.world.changed()
        await hours(day, 4)
        assert await told(day) == []
        assert (await kept(day))["differs"] == 0


async def test_sums_that_never_agreed_mean_something_else_and_are_not_used(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, toml=SWEEPS) as day:
        anna = day.known("Anna")
        day.hide("invoices", day.invoice(anna, "2026-03-20", 12_345).id)
        day.invoice(anna, "2026-03-20", 20_000)
        await hours(day, 4)
        assert await told(day) == []
        assert (await kept(day))["agreed"] is False
