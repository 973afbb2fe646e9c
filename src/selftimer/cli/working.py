"""Putting the service to work from a command: lock, log, build, run, close."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from selftimer import lean  # noqa: F401 - for what it does, before structlog is imported
from selftimer.cli.output import note, print_json, say
from selftimer.cli.workspace import load_settings, locked, open_reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from selftimer.ports.reader import StatusView
    from selftimer.primitives.clock import Clock
    from selftimer.runtime.lockstep import SandboxClock
    from selftimer.runtime.tried import TryOut
    from selftimer.settings import Settings
    from selftimer.wiring import Service

_LOOK_EVERY = 3.0
"""Seconds between two lines about the first sync."""


def run_service(workspace: Path, sandbox_clock: str | None) -> int:
    """Until SIGTERM or SIGINT."""
    settings = _ready(workspace)
    with locked(settings):
        asyncio.run(_live(settings) if sandbox_clock is None else _stepped(settings, sandbox_clock))
    return 0


def work_once(workspace: Path, sandbox_clock: str | None, *, as_json: bool) -> int:
    """One pass of both lanes; 3 where something couldn't be read."""
    settings = _ready(workspace)
    with locked(settings):
        asyncio.run(_once(settings, sandbox_clock))
    with open_reader(settings) as reader:
        status = reader.status()
    if as_json:
        print_json(status)
    else:
        say(_sentence(status))
    return 3 if status.failing else 0


def _ready(workspace: Path) -> Settings:
    settings = load_settings(workspace)
    for sentence in settings.notes():
        note(f"Note: {sentence}")
    return settings


def _log(settings: Settings, clock: Clock | None = None) -> None:
    from selftimer.log import configure

    configure(settings.log, file=settings.log_file, clock=clock, zone=settings.studio.time_zone)


@asynccontextmanager
async def _service(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Service]:
    from selftimer import wiring

    _log(settings, clock)
    service = await wiring.build(settings, clock=clock)
    watching = asyncio.create_task(_first_sync(settings)) if sys.stderr.isatty() else None
    try:
        yield service
    finally:
        if watching is not None:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        await service.aclose()


async def _live(settings: Settings) -> None:
    from selftimer.runtime import local

    async with _service(settings) as service:
        await local.run(service, _try_out(settings))


def _try_out(settings: Settings) -> TryOut | None:
    from selftimer.ruletests.tryout import ChildTryOut

    return ChildTryOut(workspace=settings.workspace) if settings.rules.test_on_reload else None


async def _stepped(settings: Settings, url: str) -> None:
    """In lock-step with the sandbox's clock, until its story ends or a signal comes."""
    from selftimer.runtime import lockstep
    from selftimer.runtime.reload import watching

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with stepped_clock(settings, url) as clock, _service(settings, clock) as service:
        await service.start()
        every = settings.polling.page_one
        async with watching(service, _try_out(settings)):
            await lockstep.run(clock, service.observe, [service.deliver, service.tell], poll_every=every, stop=stop)


@asynccontextmanager
async def stepped_clock(settings: Settings, url: str) -> AsyncIterator[SandboxClock]:
    """The clock of the sandbox at that address, which must be the studio's own."""
    from selftimer.runtime import lockstep

    lockstep.check_origin(url, settings.account.url)
    clock = lockstep.SandboxClock(url)
    try:
        await clock.start()
        yield clock
    finally:
        await clock.aclose()


async def _once(settings: Settings, url: str | None) -> None:
    async with AsyncExitStack() as stack:
        clock = None if url is None else await stack.enter_async_context(stepped_clock(settings, url))
        service = await stack.enter_async_context(_service(settings, clock))
        await service.api.account()  # nothing is begun for a studio that can't be reached
        await service.start()
        await service.observe.step(service.context.clock.now())
        await service.deliver.step(service.context.clock.now())
        await service.tell.step(service.context.clock.now())


async def _first_sync(settings: Settings) -> None:
    """Say now and then how far the first look at the studio is; ends when its baseline is done."""
    told = ""
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        status = await asyncio.to_thread(_status, settings)
        if status is not None and status.baseline_done:
            return
        counts = {kind.value: view.count for kind, view in status.kinds.items()} if status else {}
        sentence = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
        if sentence and sentence != told:
            note(f"First look at the studio: {sentence} so far")
            told = sentence


def _status(settings: Settings) -> StatusView | None:
    from selftimer.errors import SelftimerError

    with suppress(SelftimerError), open_reader(settings) as reader:
        return reader.status(upcoming=0)
    return None


def _sentence(status: StatusView) -> str:
    poll = status.last_poll
    counts = [f"{status.deliveries[state]} {state.value.replace('_', ' ')}" for state in status.deliveries]
    said = [
        f"Read {sum(view.count for view in status.kinds.values())} records"
        + (f", {poll.changed} changed" if poll is not None and poll.changed is not None else ""),
        f"deliveries: {', '.join(counts)}" if counts else "nothing to send",
    ]
    if status.failing:
        said.append("could not be read: " + ", ".join(view.resource.kind.value for view in status.failing))
    return "; ".join(said) + "."
