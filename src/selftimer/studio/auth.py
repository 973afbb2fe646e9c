"""Signing in, staying signed in, and knowing when to stop (studio-api.md, Conventions; delivery.md §4).

One sign-in at a time whoever asks, at most three an hour, and after each one a probe: the account must be the pinned
one. A session is a generation number: who meets an expired one says which, so that a renewed session isn't thrown away.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections import deque
from dataclasses import dataclass
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import structlog

from selftimer.errors import ConfigError, Drifted, NotSignedIn, Unclear
from selftimer.studio.answers import Answer, Lost, expired, judge_read, login_page, lost_read, lost_write, to_login
from selftimer.studio.endpoints import LOGIN_PATH

if TYPE_CHECKING:
    from pydantic import SecretStr

    from selftimer.primitives.clock import Clock
    from selftimer.studio.limiter import RateLimiter
    from selftimer.studio.transport import Transport

LOGINS_PER_HOUR = 3
_HOUR = 3600.0
_META = re.compile(
    r"""<meta\b(?=[^>]*\bname\s*=\s*["']csrf-token["'])[^>]*\bcontent\s*=\s*["']([^"']+)["']""", re.IGNORECASE
)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """E-mail and password of the studio's web login, or the `Cookie` header of a session that somebody signed in.

    `hint` names the settings they came from, for the sentences that the owner reads.
    """

    email: str | None = None
    password: SecretStr | None = None
    cookie: SecretStr | None = None
    hint: str = "check SELFTIMER_EMAIL and SELFTIMER_PASSWORD"

    def __post_init__(self) -> None:
        if self.cookie is None and not (self.email and self.password):
            raise ConfigError(f"the studio's e-mail and password, or a session cookie, are missing; {self.hint}")


class Auth:
    """The session of one studio. `account_id` is the pinned account, None until one was seen."""

    def __init__(
        self,
        transport: Transport,
        limiter: RateLimiter,
        clock: Clock,
        credentials: Credentials,
        *,
        account_path: str,
        account_id: str | None = None,
    ) -> None:
        self.account_id = account_id
        self._transport = transport
        self._limiter = limiter
        self._clock = clock
        self._credentials = credentials
        self._account_path = account_path
        self._generation = 0
        self._alive = False
        self._logins: deque[float] = deque(maxlen=LOGINS_PER_HOUR)
        self._opened = False
        self._certain = False
        self._refusal: tuple[float, str, str] | None = None
        self._flight: asyncio.Task[None] | None = None
        self._page_token: str | None = None

    async def ensure(self) -> int:
        """The generation of a live session, signing in first if there is none.

        `NotSignedIn` when the studio refuses or three logins within the hour didn't last; `Unreachable` or `Unclear`
        when it can't be reached.
        """
        while not self._alive:
            if self._flight is None:
                self._flight = asyncio.create_task(self._sign_in())
                self._flight.add_done_callback(self._landed)
            await asyncio.shield(self._flight)
        return self._generation

    def expire(self, generation: int, *, certain: bool = False) -> None:
        """Somebody met what looks like an expired session: look before the next request, unless that was done already.

        Not `certain`: the probe decides first, so that one path that always answers 401 can't use up the logins.
        """
        if self._alive and generation == self._generation:
            self._alive = False
            self._certain = certain
            self._page_token = None
            _log.info("session.expired", generation=generation, certain=certain)

    async def csrf(self) -> str | None:
        """The token that writes carry: the CSRF cookie, or else the meta tag of the web app's page."""
        for cookie in self._transport.jar:
            if "csrf" in cookie.name.lower() or "xsrf" in cookie.name.lower():
                return unquote(cookie.value or "") or None
        if self._page_token is None:
            answer = await self._page("/")
            self._page_token = _token_in(answer)
        return self._page_token

    def verify(self, body: Any) -> str | None:
        """The account's id in a probe's answer (inferred: `data.account_id`), None where it has none.

        `NotSignedIn` if it is another account than the pinned one; the first one seen is pinned.
        """
        found = _account_id(body)
        if found is not None and self.account_id is not None and found != self.account_id:
            self._alive = False
            raise self._refused(
                f"these credentials belong to account {found}, but this workspace is account {self.account_id}'s: "
                f"nothing is read or sent; {self._credentials.hint}",
                code="wrong_account",
            )
        self.account_id = self.account_id or found
        return found

    async def aclose(self) -> None:
        """Stop a sign-in that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # retrieved here too: every waiter may have been cancelled

    async def _sign_in(self) -> None:
        self._check_refusal()
        if self._opened and not self._certain and await self._still_alive():
            self._generation = max(1, self._generation)
            self._alive = True
            return
        if self._credentials.cookie is not None:
            self._use_cookie(self._credentials.cookie)
        else:
            await self._log_in()
        self._opened, self._certain = True, False
        try:
            await self._probe()
        except NotSignedIn as error:
            if error.code == "wrong_account":
                raise
            what = "the session cookie is not valid any more" if self._credentials.cookie else "the login did not last"
            raise NotSignedIn(
                f"{what}; {self._credentials.hint}", status=error.status, request=error.request
            ) from error
        self._generation += 1
        self._alive = True
        _log.info("session.signed_in", generation=self._generation, logins_this_hour=len(self._logins))

    async def _still_alive(self) -> bool:
        try:
            await self._probe()
        except (NotSignedIn, Drifted) as error:
            if error.code == "wrong_account":
                raise
            return False
        return True

    async def _probe(self) -> None:
        await self._limiter.take(urgent=True)
        try:
            answer = await self._transport.read(self._account_path)
        except Lost as lost:
            raise lost_read(lost) from lost
        self.verify(judge_read(answer, self._clock.now()))

    def _use_cookie(self, cookie: SecretStr) -> None:
        if self._opened:
            return  # the jar holds it, or what the studio renewed it to
        host = self._transport.host
        domain = host if "." in host else f"{host}.local"
        for pair in cookie.get_secret_value().split(";"):
            name, _, value = pair.strip().partition("=")
            if name:
                self._transport.add_cookie(_cookie(name, value, domain))

    async def _log_in(self) -> None:
        self._check_budget()
        self._transport.clear_cookies()
        self._page_token = None
        page = await self._page(LOGIN_PATH)
        self._page_token = _token_in(page)
        token = await self.csrf()
        form = {
            "email": self._credentials.email or "",
            "password": self._credentials.password.get_secret_value() if self._credentials.password else "",
        }
        await self._limiter.take(urgent=True)
        self._logins.append(self._clock.monotonic())
        try:
            answer = await self._transport.submit(LOGIN_PATH, form, token)
        except Lost as lost:
            if lost.before_body:
                self._logins.pop()
            raise lost_write(lost) from lost
        self._judge_login(answer)
        self._page_token = None  # the token is another one from here on

    def _check_budget(self) -> None:
        now = self._clock.monotonic()
        while self._logins and now - self._logins[0] >= _HOUR:
            self._logins.popleft()
        if len(self._logins) >= LOGINS_PER_HOUR:
            wait = max(1, round((_HOUR - (now - self._logins[0])) / 60))
            _log.error("session.refused", code="too_many_logins", minutes=wait)
            raise NotSignedIn(
                f"signed in {LOGINS_PER_HOUR} times within an hour and no session lasted: the next try is in {wait} "
                f"minutes; {self._credentials.hint}, and whether someone else signs in with them",
                code="too_many_logins",
                request=f"POST {LOGIN_PATH}",
            )

    def _judge_login(self, answer: Answer) -> None:
        status = answer.status
        if status in {408, 429} or status >= 500:
            self._logins.pop()  # it was not a login
            judge_read(answer, self._clock.now())  # raises
        if to_login(answer) or login_page(answer) or status in {400, 401, 403, 422}:
            raise self._refused(
                f"the studio did not accept the e-mail and password; {self._credentials.hint}. "
                "They are tried again in an hour, or when Selftimer is restarted",
                code="wrong_credentials",
            )
        if status == 419:
            raise Unclear("the login form's token was not accepted", status=status, request=answer.request)
        if status >= 400:
            raise NotSignedIn(
                f"the login page answered {status}; check the studio's base URL", status=status, request=answer.request
            )

    def _refused(self, sentence: str, *, code: str) -> NotSignedIn:
        """A refusal that asking again won't change: the same sentence for an hour, without another login."""
        self._refusal = (self._clock.monotonic(), sentence, code)
        _log.error("session.refused", code=code)
        return NotSignedIn(sentence, code=code, request=f"POST {LOGIN_PATH}")

    def _check_refusal(self) -> None:
        if self._refusal is not None:
            at, sentence, code = self._refusal
            if self._clock.monotonic() - at < _HOUR:
                raise NotSignedIn(sentence, code=code, request=f"POST {LOGIN_PATH}")
            self._refusal = None

    async def _page(self, path: str) -> Answer:
        await self._limiter.take(urgent=True)
        try:
            answer = await self._transport.read_page(path)
        except Lost as lost:
            raise lost_read(lost) from lost
        if answer.status >= 400 and not expired(answer):
            raise Unclear(f"the page answered {answer.status}", status=answer.status, request=answer.request)
        return answer


def _token_in(page: Answer) -> str | None:
    match = _META.search(page.body.decode("utf-8", "replace"))
    return html.unescape(match[1]) if match else None


def _account_id(body: Any) -> str | None:
    data = body.get("data", body) if isinstance(body, dict) else None
    found = data.get("account_id") if isinstance(data, dict) else None
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) and found != "" else None


def _cookie(name: str, value: str, domain: str) -> Cookie:
    return Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=False,
        domain_initial_dot=False,
        path="/",
        path_specified=True,
        secure=False,
        expires=None,
        discard=True,
        comment=None,
        comment_url=None,
        rest={},
    )
