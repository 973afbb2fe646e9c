"""The service in real time: its lanes go on, whatever they meet."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from selftimer import wiring
from selftimer.runtime import local
from selftimer.sandbox.world import World
from selftimer.settings import Settings
from selftimer.simulation.harness import SETTINGS, Simulation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import pytest
    from whenever import Instant


class SlowTransport(httpx.AsyncBaseTransport):
    """A studio that takes its time with each answer."""

    def __init__(self, inner: httpx.AsyncBaseTransport, seconds: float) -> None:
        self._inner, self._seconds = inner, seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._seconds)
        return await self._inner.handle_async_request(request)


@asynccontextmanager
async def running(folder: Path, seconds: float, toml: str = "") -> AsyncIterator[tuple[wiring.Service, local.Local]]:
    eager = SETTINGS + "[polling]\nsignals = 1\npage_one = 30\n" + toml
    sim = Simulation(folder, world=World.empty(mode="real"), rules={"rules/none.yaml": "rules: []\n"}, settings=eager)
    settings = Settings.load(sim.workspace)
    service = await wiring.build(settings, transport=SlowTransport(sim.transport, seconds), seed=1)
    runtime = local.Local(service)
    task = asyncio.create_task(runtime.run())
    yield service, runtime
    runtime.stop()
    await task
    await service.aclose()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_look_that_takes_longer_than_the_time_to_the_next_one_is_followed_by_it(tmp_path: Path) -> None:
    # A first look at a big studio takes minutes; the next one is then due before it is done.
    async with running(tmp_path, 0.3) as (service, _):
        looks: set[Instant] = set()

        def looked() -> bool:
            looks.add(service.observe.poll_at)
            return len(looks) >= 4

        await until(looked)


async def test_a_mail_server_that_never_says_a_word_holds_no_other_lane_up(tmp_path: Path) -> None:
    taken, over = asyncio.Event(), asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    toml = (
        f'[notify.email]\nhost = "127.0.0.1"\nport = {server.sockets[0].getsockname()[1]}\nsecurity = "none"\n'
        'sender = "a@nord.example"\nto = "b@nord.example"\n'
    )
    async with running(tmp_path, 0, toml) as (service, runtime):
        await until(lambda: service.observe.polls >= 1)
        now = service.context.clock.now()
        await service.store.write(lambda tx: tx.control.notice(now, "a note", "its text", key="n"))
        runtime.wake("tell")
        await taken.wait()
        looks: set[Instant] = set()

        def looked() -> bool:
            looks.add(service.observe.poll_at)
            return len(looks) >= 3

        order = await service.store.write(lambda tx: tx.control.add_order(now, "pause", {"scope": "all"}))
        await until(looked)

        async def answered() -> bool:
            return await service.store.read(lambda tx: tx.control.order_result(order)) is not None

        async with asyncio.timeout(20):
            while not await answered():  # the delivering lane carries orders out
                runtime.wake("deliver")
                await asyncio.sleep(0.02)
        over.set()
    server.close()
    await server.wait_closed()


async def test_a_lane_that_is_woken_while_it_is_at_work_steps_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, 0.05) as (service, runtime):
        await until(lambda: service.observe.polls >= 1)
        step, steps = service.observe.step, 0

        async def woken_at_work(now: Instant) -> Instant:
            nonlocal steps
            steps += 1
            if steps == 1:
                runtime.wake("observe")
            await step(now)
            return now.add(hours=1)

        monkeypatch.setattr(service.observe, "step", woken_at_work)
        runtime.wake("observe")
        await until(lambda: steps >= 2)


async def test_a_fault_of_ours_in_a_lane_is_logged_and_the_lane_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "AFTER_A_FAULT", 0)
    async with running(tmp_path, 0) as (service, _):
        await until(lambda: service.observe.polls >= 1)
        look, looks = service.observe._poll, 0

        async def stumbles(now: Instant) -> None:
            nonlocal looks
            looks += 1
            if looks <= 3:
                raise RuntimeError("a fault of ours")
            await look(now)

        monkeypatch.setattr(service.observe, "_poll", stumbles)
        await until(lambda: looks >= 5)
