"""A made-up studio that lives beside the workspace's own rules, in this process (`selftimer simulate`).

The service is wired as in production; only the studio is a sandbox, the database a file that nobody needs afterwards,
and the owner says yes to whatever waits. Nothing leaves the process, and nothing of the real studio is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx
from whenever import Date, Instant, Time

from selftimer import wiring
from selftimer.runtime.lockstep import SandboxClock, run
from selftimer.sandbox.app import create_app
from selftimer.sandbox.profile import ServerOptions, StudioProfile
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World
from selftimer.simulation.owner import ScriptedOwner
from selftimer.simulation.scratch import scratch_store
from selftimer.simulation.story import Deed, Story, effects_of
from selftimer.simulation.turns import settle

if TYPE_CHECKING:
    from selftimer.facts.records import Kind
    from selftimer.ports import Page, StudioApi
    from selftimer.rulebook.model import Rulebook
    from selftimer.runtime.lockstep import Lane
    from selftimer.settings import Settings
    from selftimer.simulation.story import Progress
    from selftimer.store.store import SqlStore

ORIGIN = "http://localhost"
FIRST_DAY = Date(2026, 3, 2)
"""A Monday: the day on which the made-up studio opens, unless another one is asked for."""
_OPENS = Time(8)
_FOR_EVER = 10**9
"""Seconds that a web session lives: signing in again each morning is no part of the story."""
_AS_MANY = 1e9
"""Requests a minute: a full day isn't to be slowed down."""
_INSIDE = frozenset(
    {"message", "conversation", "invoice", "quote", "contract", "questionnaire", "update", "coupon", "lead", "notify"}
)
"""The verbs that end in the studio, or in the service's own rows; all others would leave this machine."""


async def live(
    settings: Settings,
    book: Rulebook,
    *,
    days: int,
    seed: int,
    first_day: Date = FIRST_DAY,
    progress: Progress = lambda _share: None,
) -> Story:
    """So many days of the studio of that seed under those rules, from eight in the morning on.

    The same seed, rules and settings are the same story.
    """
    world = _world(settings, days, seed, first_day)
    with scratch_store() as store:
        return await _lived(settings, book, world, store, progress)


def _world(settings: Settings, days: int, seed: int, first_day: Date) -> World:
    facts = settings.facts()
    profile = StudioProfile(name=facts.name, owner=facts.owner or facts.name, zone=facts.zone, currency=facts.currency)
    start = first_day.at(_OPENS).assume_tz(facts.zone, disambiguation="compatible").to_instant()
    return World(seed=seed, start=start, end=start.add(hours=24 * days), profile=profile)


async def _lived(settings: Settings, book: Rulebook, world: World, store: SqlStore, progress: Progress) -> Story:
    app = create_app(world, ServerOptions(rate_limit=None, idle_seconds=_FOR_EVER))
    clock = SandboxClock(ORIGIN, httpx.ASGITransport(app))
    await clock.start()
    service = await wiring.build(
        _inside(settings, world),
        clock=clock,
        transport=FaultTransport(app),
        seed=world.seed,
        book=book,
        store=store,
    )
    try:
        _close_in(service, world)
        await service.start()
        lanes: list[Lane] = [service.deliver, ScriptedOwner(store, no_every=0)]
        assert world.end is not None
        hours = (world.end - world.start).total("hours")
        until = world.start
        while until < world.end:
            until = min(until.add(hours=24), world.end)
            await run(clock, service.observe, lanes, until=until)
            progress((until - world.start).total("hours") / hours)
        await settle(clock, service.observe, lanes)
        return await _story(world, store)
    finally:
        await service.aclose()
        await clock.aclose()


def _inside(settings: Settings, world: World) -> Settings:
    """The workspace's settings for a studio in this process."""
    inside = settings.at_studio(ORIGIN, email=world.profile.email, password=world.profile.password)
    account = inside.account.model_copy(update={"requests_per_minute": _AS_MANY, "endpoints": {}})
    return inside.model_copy(update={"account": account})


def _close_in(service: wiring.Service, world: World) -> None:
    """Let nothing out of this process; a pause of the workspace is about its real studio."""
    context = service.context
    context.api = cast("StudioApi", Unmoved(service.api, world))
    context.channels = {
        verb: channel if verb.value in _INSIDE else context.dry_channels[verb]
        for verb, channel in context.channels.items()
    }
    context.stop_file = lambda: None


class Unmoved:
    """The studio's client, which asks for a page again only where the sandbox's table has changed since.

    A poll reads eight lists, of which mostly one has changed. What a page says depends on its table alone, as the
    sandbox keeps its pages by that too. Everything else goes to the client itself.
    """

    def __init__(self, inner: StudioApi, world: World) -> None:
        self._inner, self._tables = inner, world.tables
        self._pages: dict[tuple[object, ...], tuple[int, Page]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def page(self, kind: Kind, number: int, **filters: str) -> Page:
        """The page as it was read, or as it is now."""
        version = getattr(self._tables, f"{kind.value}s").version
        key = (kind, number, *sorted(filters.items()))
        known = self._pages.get(key)
        if known is None or known[0] != version:
            known = self._pages[key] = (version, await self._inner.page(kind, number, **filters))
        return known[1]


async def _story(world: World, store: SqlStore) -> Story:
    end = world.now
    deeds = [
        Deed(at=Instant.parse_iso(line.at), client_id=line.client_id, text=line.text.split(" ", 2)[2])
        for line in world.ledger.story
        if not line.kind.startswith("bot_")
    ]
    return Story(
        begins=world.start,
        ends=end,
        effects=await store.read(lambda tx: effects_of(tx, end)),
        deeds=tuple(deeds),
        names={client.id: client.name for client in world.tables.clients},
    )
