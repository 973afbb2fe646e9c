"""A doctor at a sandbox, over real HTTP."""

from __future__ import annotations

import re
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from selftimer.primitives.clock import VirtualClock
from selftimer.sandbox.app import create_app
from selftimer.sandbox.book import codes, galleries
from selftimer.sandbox.drift import Drifts, parse_drift
from selftimer.sandbox.faults import Faults
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World
from selftimer.studio import ENDPOINTS, Credentials, Studio
from selftimer.studio.tour import Tour

if TYPE_CHECKING:
    from selftimer.sandbox.profile import ServerOptions
    from selftimer.studio.tour_report import Report


class Recording(httpx.AsyncBaseTransport):
    """Passes requests on and keeps what was asked and answered."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.exchanges: list[tuple[httpx.Request, httpx.Response]] = []

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request, _ in self.exchanges]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        self.exchanges.append((request, response))
        return response


class Visit:
    """A doctor at a sandbox."""

    def __init__(self, world: World | None = None, options: ServerOptions | None = None) -> None:
        self.world = world or World(seed=7, population=60)
        self.drifts, self.faults = Drifts(), Faults()
        self.recorded = Recording(FaultTransport(create_app(self.world, options, self.faults, self.drifts)))
        self.transport: httpx.AsyncBaseTransport = self.recorded
        self.clock = VirtualClock(self.world.now)

    def order(self, **drift: Any) -> None:
        self.drifts.order(parse_drift(drift))

    async def report(self) -> Report:
        profile = self.world.profile
        studio = Studio(
            Credentials(email=profile.email, password=SecretStr(profile.password)),
            self.clock,
            Random(1),
            base_url="http://sandbox/api/v1",
            requests_per_minute=6_000,
            transport=self.transport,
        )
        try:
            return await Tour(studio, self.clock).run()
        finally:
            await studio.aclose()


def found(report: Report) -> list[tuple[str, str]]:
    return sorted((one.subject, one.what) for one in report.findings)


@cache
def full_world() -> World:
    """A studio that has some of everything. Tours only read, so one world is enough for all of them."""
    world = World(seed=7, population=60)
    tables = world.tables
    invoice = next(one for one in tables.invoices.newest() if one.status == "unpaid")
    codes.use_coupon(world, invoice, next(iter(tables.coupons)))
    for client_id in {one.client_id for one in tables.collections}:
        row = galleries.publish(world, client_id, "All of it", 40, videos=2)
        visitor = galleries.visit_as(world, row, tables.clients.rows[client_id])
        gallery = next(one for one in row.galleries if one.photo_count)
        photo = str(gallery.photos()[0])
        galleries.favor(world, row, visitor, photo)
        galleries.share(world, row, visitor, photo)
        galleries.download(world, row, visitor, gallery, "photo", photo_id=photo)
        galleries.download(world, row, visitor, gallery, "video")
    return world


def path_of(name: str) -> str:
    """A regular expression for the paths of an endpoint, and of no other."""
    places = {"when": ".+", "currency": "[a-z]{3}"}
    an_id = "(?:[a-z]+_[A-Za-z0-9]{12,}|[0-9]+)"
    path = re.sub(r"\\\{(\w+)\\\}", lambda place: places.get(place[1], an_id), re.escape(ENDPOINTS[name].path))
    return rf"^/api/v1{path}$"
