"""A session that ends and can't be renewed: the owner is told once, and told again when it is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr
from tests.simulation.studio_day import StudioDay
from whenever import Instant

from selftimer.signing import keep_of
from selftimer.studio import Credentials

if TYPE_CHECKING:
    from pathlib import Path

BILL = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - send: bill
"""
STOPPED = "Selftimer can't work with the studio"
MENDED = "Selftimer works with the studio again"


async def test_the_owner_is_told_when_a_person_is_needed_and_when_it_is_mended(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.fault("status", method="POST", path="/login", times=1_000, status=422, shape="html")
        await day.expire_logins()
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:50")
        assert day.sent() == []
        assert await day.notices() == [STOPPED]
        day.faults.clear()
        await day.until("2026-03-02 11:00")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert await day.notices() == [STOPPED, MENDED]


async def test_each_time_it_happens_it_is_told_again(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        day.known("Anna")
        await day.until("2026-03-02 09:01")
        for hour in (10, 13):
            day.fault("status", method="POST", path="/login", times=1_000, status=422, shape="html")
            await day.expire_logins()
            day.world.changed()
            await day.until(f"2026-03-02 {hour}:00")
            day.faults.clear()
            await day.until(f"2026-03-02 {hour + 2}:00")
        assert await day.notices() == [STOPPED, MENDED] * 2


async def test_a_new_cookie_is_taken_up_while_the_service_runs(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, BILL)
    dotenv = day.workspace / ".env"
    lines = [line for line in dotenv.read_text().splitlines() if "PASSWORD" not in line and "EMAIL" not in line]
    dotenv.write_text("\n".join(lines) + "\n")
    await _paste(day)
    async with day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        await day.expire_logins()
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:20")
        assert day.sent() == []
        assert await day.notices() == [STOPPED]
        await _paste(day)
        await day.until("2026-03-02 09:40")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert await day.notices() == [STOPPED, MENDED]


async def _paste(day: StudioDay) -> None:
    """The owner signs in with a browser and gives Selftimer its cookie."""
    import httpx

    from selftimer.settings import Settings

    profile = day.world.profile
    async with httpx.AsyncClient(transport=httpx.ASGITransport(day.app), base_url="http://localhost") as browser:
        await browser.post("/login", data={"email": profile.email, "password": profile.password})
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    keep = keep_of(Settings.load(day.workspace))
    keep.store(Credentials(cookie=SecretStr(cookie)), Instant.now(), in_keyring=False)
