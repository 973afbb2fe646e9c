"""Reads that retry and writes that never do, over one session (delivery.md §1 and §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import structlog
from whenever import Instant

from selftimer.errors import Drifted, NotApplied, RateLimited, StudioError, Unclear, Unreachable
from selftimer.studio.answers import (
    Answer,
    Lost,
    expired,
    judge_read,
    judge_upload,
    judge_write,
    lost_read,
    lost_write,
    retry_after,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from selftimer.primitives.clock import Clock
    from selftimer.studio.auth import Auth
    from selftimer.studio.endpoints import Endpoints
    from selftimer.studio.limiter import RateLimiter
    from selftimer.studio.transport import Transport

TRIES = 4
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0
_log = structlog.get_logger()


class Http:
    """What the resources speak through: JSON in, JSON out, every failure a `StudioError`."""

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        limiter: RateLimiter,
        endpoints: Endpoints,
        clock: Clock,
        random: Random,
    ) -> None:
        self.endpoints = endpoints
        self._transport = transport
        self._auth = auth
        self._limiter = limiter
        self._clock = clock
        self._random = random

    @property
    def skew(self) -> float | None:
        """Seconds that the studio's clock (the last `Date` header) is ahead of ours; None before any answer."""
        if self._transport.last_date is None:
            return None
        text, seen = self._transport.last_date
        try:
            return (Instant.parse_rfc2822(text) - seen).total("seconds")
        except ValueError:
            return None

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """GET, tried up to four times: 429, 408, 5xx, a lost connection and torn JSON; an expired session once."""
        renewed = False
        attempt = 1
        while True:
            generation, pause = 0, None
            try:
                await self._limiter.take()
                generation = await self._auth.ensure()
                answer = await self._transport.read(path, query)
                pause = self._learn(answer)
                if not renewed and (expired(answer) or (answer.status == 200 and answer.html)):
                    self._auth.expire(generation)
                    renewed = True
                    continue
                return judge_read(answer, self._clock.now())
            except Lost as lost:
                error = lost_read(lost)
            except StudioError as raised:
                error = raised
            if attempt >= TRIES or not _worth_another_try(error):
                raise error
            pause = min(pause, _LONGEST_PAUSE) if pause is not None else self._jitter(attempt)
            _log.warning(
                "request.retried",
                request=f"GET {path}",
                attempt=attempt,
                status=error.status,
                error=type(error).__name__,
                pause=round(pause, 3),
            )
            await self._clock.sleep(pause)
            attempt += 1

    async def write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """One POST or PUT: its JSON when applied, else `NotApplied`, `Unclear` or `Drifted`. Never tried again."""
        payload = orjson.dumps(dict(body))
        await self._limiter.take(urgent=True)
        with not_sent(f"{method} {path}"):
            generation = await self._auth.ensure()
            token = await self._auth.csrf()
        try:
            answer = await self._transport.write(method, path, payload, token)
        except Lost as lost:
            raise lost_write(lost) from lost
        self._learn(answer)
        if expired(answer):
            self._auth.expire(generation, certain=True)
        return judge_write(answer, self._clock.now())

    async def upload(
        self, method: str, url: str, fields: Mapping[str, str], file: tuple[str, bytes, str], label: str
    ) -> None:
        """Send a file to where the studio says, once. `Refused` where it isn't taken, `Unclear` where nobody knows."""
        await self._limiter.take(urgent=True)
        try:
            answer = await self._transport.upload(method, url, fields, file, label)
        except Lost as lost:
            raise lost_write(lost) from lost
        judge_upload(answer)

    async def account(self) -> str | None:
        """The account's id, by the cheap request (studio-api.md, Conventions); None where the answer has none."""
        return self._auth.verify(await self.read(self.endpoints["account"].path))

    def _learn(self, answer: Answer) -> float | None:
        headers = answer.headers
        after = retry_after(answer, self._clock.now()) if "retry-after" in headers else None
        if after is not None or "x-ratelimit-remaining" in headers or "x-ratelimit-limit" in headers:
            self._limiter.learn(
                _number(headers.get("x-ratelimit-limit")), _number(headers.get("x-ratelimit-remaining")), after
            )
        return after

    def _jitter(self, attempt: int) -> float:
        return self._random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**attempt))


class not_sent:  # noqa: N801 - a context manager, named as it reads
    """What fails inside happened before the write: whatever it was, the write was not applied."""

    def __init__(self, request: str) -> None:
        self._request = request

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, StudioError) and not isinstance(error, NotApplied):
            raise Unreachable(
                f"nothing was sent: {error.message}", status=error.status, code=error.code, request=self._request
            ) from error


def _worth_another_try(error: StudioError) -> bool:
    return isinstance(error, (RateLimited, Unreachable, Unclear)) or (
        isinstance(error, Drifted) and error.code == "broken_json"
    )


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.strip().isdigit() else None
