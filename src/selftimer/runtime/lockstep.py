"""Time in lock-step with a sandbox: one clock, the sandbox's, which stands still while the service works.

The service waits by `POST /_sandbox/clock`; the answer comes when the clock stands where something is due, or at the
first whole poll after the world changed. So leases, settle windows, caps and nights mean what they mean in a studio
(DESIGN.md, Time). The same loop runs over a socket (the demo) and in process (tests, simulation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import orjson
import structlog
from whenever import Instant

from selftimer.errors import ConfigError, Unreachable

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from selftimer.engine.observe import Observe

log = structlog.get_logger(__name__)
PATIENCE = 200
"""Rounds without the clock moving after which a lane is thought to be stuck and the clock moved on by a second."""


class Lane(Protocol):
    """Something that does what is due and says when it is next wanted."""

    due_at: Instant

    async def step(self, now: Instant) -> Instant:
        """Do what is due."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """Where the clock stands after a wait, whether a poll could see something new, whether the story is over."""

    now: Instant
    poll: bool
    ended: bool


class SandboxClock:
    """The sandbox's clock as the service sees it. A sleep moves it: nobody else would."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=url, transport=transport, timeout=httpx.Timeout(60.0), trust_env=False)
        self._now = Instant.MIN
        self._origin = Instant.MIN
        self._poll = False

    def now(self) -> Instant:
        """Where it stood at the last answer."""
        return self._now

    def monotonic(self) -> float:
        """Simulated seconds since it was first read."""
        return (self._now - self._origin).total("seconds")

    async def sleep(self, seconds: float) -> None:
        """Let that much of the studio's time pass; beyond the end of its story only this clock goes on."""
        end = _whole(self._now.add(seconds=max(seconds, 0.0)))
        while self._now < end:
            waited = await self._ask(end, 300)
            self._poll = self._poll or waited.poll
            if waited.ended:
                self._now = end

    async def start(self) -> Instant:
        """Read it for the first time; `Unreachable` if there is no sandbox."""
        body = await self._request("GET", "/_sandbox/state", None)
        self._now = self._origin = Instant.parse_iso(body["now"])
        return self._now

    async def wait(self, due: Instant, poll_every: int) -> Waited:
        """Until `due`, or the first whole poll after the world changed."""
        waited = await self._ask(due, poll_every)
        missed, self._poll = self._poll, False
        return Waited(now=waited.now, poll=waited.poll or missed, ended=waited.ended)

    async def _ask(self, due: Instant, poll_every: int) -> Waited:
        text = None if due == Instant.MAX else _whole(due).format_iso()
        body = await self._request("POST", "/_sandbox/clock", {"due": text, "poll_every": poll_every})
        self._now = max(self._now, Instant.parse_iso(body["now"]))
        return Waited(now=self._now, poll=body["poll"], ended=body["ended"])

    async def _request(self, method: str, path: str, body: object) -> dict[str, Any]:
        try:
            answer = await self._http.request(method, path, content=orjson.dumps(body) if body is not None else None)
            answer.raise_for_status()
            found: dict[str, Any] = orjson.loads(answer.content)
        except (httpx.HTTPError, orjson.JSONDecodeError) as error:
            raise Unreachable(f"the sandbox's clock doesn't answer: {error}", request=f"{method} {path}") from error
        return found

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()


def _whole(instant: Instant) -> Instant:
    """Rounded up to the microseconds that the sandbox counts in: it would stand for ever a little before any other."""
    over = instant.timestamp(unit="nanosecond") % 1_000
    return instant.add(nanoseconds=1_000 - over) if over else instant


def check_origin(clock_url: str, studio_url: str) -> None:
    """Refuse a clock that isn't the studio's own sandbox on this machine: live time must not be anybody's to set."""
    clock, studio = httpx.URL(clock_url), httpx.URL(studio_url)
    same = (clock.scheme, clock.host, clock.port) == (studio.scheme, studio.host, studio.port)
    if not same or clock.host not in {"127.0.0.1", "localhost", "::1"}:
        raise ConfigError(
            f"--sandbox-clock {clock_url} is not the origin of the studio ({studio_url}) on this machine; "
            "a stepped clock is for a local sandbox only"
        )


async def run(
    clock: SandboxClock,
    observe: Observe,
    lanes: Sequence[Lane],
    *,
    poll_every: int = 300,
    until: Instant | None = None,
    stop: asyncio.Event | None = None,
) -> Instant:
    """Step `observe` and the other lanes and let time pass, until the story ends, `until`, or `stop` is set.

    What is due at the very end is done too.
    """
    now, still, over = clock.now(), 0, False
    while not (stop and stop.is_set()):
        await observe.step(now)
        for lane in lanes:
            await lane.step(now)
        due = min(observe.due_at, *(lane.due_at for lane in lanes))
        still = still + 1 if due <= now else 0
        if due <= now and still < PATIENCE:
            continue
        if over or (until is not None and now >= until):
            break
        if still >= PATIENCE:
            log.error("clock.stuck", due=due.format_iso(), now=now.format_iso())
            due, still = now.add(seconds=1), 0
        waited = await clock.wait(due if until is None else min(due, until), poll_every)
        observe.poll_at = waited.now if waited.poll else Instant.MAX
        now, over = waited.now, waited.ended
    return now
