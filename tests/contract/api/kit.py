"""The client and the sandbox, with a note of each request that passes between them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from selftimer.primitives.clock import VirtualClock
from selftimer.sandbox.app import create_app
from selftimer.sandbox.faults import Fault, Faults
from selftimer.sandbox.profile import ServerOptions, StudioProfile
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World
from selftimer.studio import ENDPOINTS, Credentials, Studio

if TYPE_CHECKING:
    from collections.abc import Callable

API = "/api/v1"
BESIDES = {"login": ("POST", re.compile("/login")), "attachment.upload": ("POST", re.compile("/_uploads/[^/]+"))}
"""Requests that are no paths below the API's address."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that was made, and the status of its answer, 0 where none came."""

    method: str
    path: str
    query: dict[str, str]
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def call(self) -> str:
        """Its name in the client's table; "" for none of them."""
        for name, (method, pattern) in BESIDES.items():
            if method == self.method and pattern.fullmatch(self.path):
                return name
        path = self.path.removeprefix(API)
        plain = {f"{e.method} {e.path}": name for name, e in ENDPOINTS.items()}
        if f"{self.method} {path}" in plain:
            return plain[f"{self.method} {path}"]
        fits = (name for name, e in ENDPOINTS.items() if e.method == self.method and _pattern(e.path).fullmatch(path))
        return next(fits, "")


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", path)
    shown = {"{when}": ".+"}
    return re.compile("".join(shown.get(p, "[^/]+") if p.startswith("{") else re.escape(p) for p in parts))


class Notebook(httpx.AsyncBaseTransport):
    """Notes what passes."""

    made: list[Seen] = []  # noqa: RUF012 - one for the whole test, however many clients it has

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        body = await request.aread()
        status = 0
        try:
            response = await self._inner.handle_async_request(request)
            status = response.status_code
        finally:
            url, headers = request.url, dict(request.headers)
            self.made.append(Seen(request.method, url.path, dict(url.params), status, headers, body))
        return response

    async def aclose(self) -> None:
        """Close the inner one."""
        await self._inner.aclose()


def not_made(said: set[str]) -> str:
    """What is wrong with a test that says that it makes these calls; "" for nothing."""
    if unknown := said - ENDPOINTS.keys() - BESIDES.keys():
        return f"no such call: {', '.join(sorted(unknown))}"
    if missing := said - {seen.call for seen in Notebook.made}:
        return f"the test is marked with calls that it didn't make: {', '.join(sorted(missing))}"
    return ""


@dataclass(slots=True)
class Meeting:
    """A client, and the sandbox that it talks to."""

    world: World
    faults: Faults
    clock: VirtualClock
    studio: Studio
    transport: Notebook
    started: int = field(default_factory=lambda: len(Notebook.made))

    @property
    def made(self) -> list[Seen]:
        """The requests of the API so far, without those of signing in."""
        return [seen for seen in Notebook.made[self.started :] if seen.call not in {"", "login", "account"}]

    def last(self, call: str) -> Seen:
        """The last request of that call."""
        return next(seen for seen in reversed(self.made) if seen.call == call)

    def wrote(self, kind: str) -> list[Any]:
        """What the sandbox's ledger says was applied."""
        return [write for write in self.world.ledger.writes if write.kind == kind]

    def fault(self, fault: Any, **order: Any) -> None:
        """Order a fault."""
        self.faults.order(Fault(fault=fault, **order))


def meet(
    world: World | None = None,
    *,
    options: ServerOptions | None = None,
    wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] | None = None,
    **settings: Any,
) -> Meeting:
    """A client and a sandbox of sixty clients, where nothing happens by itself."""
    world = world or World(population=60, living=False)
    faults = Faults()
    inner: httpx.AsyncBaseTransport = FaultTransport(create_app(world, options, faults))
    transport = Notebook(wrap(inner) if wrap else inner)
    clock = VirtualClock(world.now)
    studio = Studio(
        Credentials(email=world.profile.email, password=SecretStr(world.profile.password)),
        clock,
        Random(1),
        base_url=f"http://sandbox{API}",
        transport=transport,
        **{"requests_per_minute": 600_000, **settings},
    )
    return Meeting(world, faults, clock, studio, transport)


def empty(**profile: Any) -> World:
    """A studio with templates and session types and nothing else."""
    return World.empty(profile=StudioProfile(**profile))
