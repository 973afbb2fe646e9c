"""Signing in, staying signed in, and knowing when to stop (studio-api.md, Conventions; delivery.md §4).

One sign-in at a time whoever asks, at most three an hour over all processes, and after each one a probe: the account
must be the pinned one. A session is a generation number: who meets an expired one says which, so that a renewed session
isn't thrown away. Before a sign-in the kept session is tried, and credentials that were given meanwhile are taken up.
"""

from __future__ import annotations

import asyncio
import html
import re
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import structlog

from selftimer.errors import ConfigError, Drifted, NotSignedIn, Unclear
from selftimer.studio.answers import Answer, Lost, expired, judge_read, login_page, lost_read, lost_write, to_login
from selftimer.studio.endpoints import LOGIN_PATH
from selftimer.studio.memory import Credentials, Forgetful, KeptCookie, KeptSession, Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr
    from whenever import Instant

    from selftimer.primitives.clock import Clock
    from selftimer.studio.limiter import RateLimiter
    from selftimer.studio.transport import Transport

LOGINS_PER_HOUR = 3
_HOUR = 3600.0
_COOKIE_OVER = "the session cookie is not valid any more"
_META = re.compile(
    r"""<meta\b(?=[^>]*\bname\s*=\s*["']csrf-token["'])[^>]*\bcontent\s*=\s*["']([^"']+)["']""", re.IGNORECASE
)
_log = structlog.get_logger()


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
        memory: Memory | None = None,
    ) -> None:
        self._memory: Memory = memory or Forgetful()
        self.account_id = account_id or self._memory.account_id()
        self.opened_at: Instant | None = None
        """When the present session was opened; None before there is one."""
        self._transport = transport
        self._limiter = limiter
        self._clock = clock
        self._credentials = credentials
        self._account_path = account_path
        self._generation = 0
        self._alive = False
        self._opened = False
        self._restored = False
        self._certain = False
        self._refusal: tuple[float, str, str] | None = None
        self._flight: asyncio.Task[None] | None = None
        self._page_token: str | None = None

    @property
    def by_cookie(self) -> bool:
        """Whether somebody else signs in, and gives the session's cookie."""
        return self._credentials.cookie is not None

    @property
    def expires_at(self) -> int | None:
        """When the last cookie of the session ends by its own word, in seconds since 1970; None where none says."""
        return max((cookie.expires for cookie in self._transport.jar if cookie.expires), default=None)

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
                f"nothing is read or sent; {self._credentials.hint}, or, if it is to change accounts, run "
                "'selftimer logout --forget-account' and look at account_id in selftimer.toml",
                code="wrong_account",
            )
        if found is not None and self.account_id is None:
            self.account_id = found
            self._remember(lambda: self._memory.pin(found))
        return found

    async def aclose(self) -> None:
        """Stop a sign-in that is under way; a session that lives is kept as it is now."""
        if self._alive:
            self._keep()
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # retrieved here too: every waiter may have been cancelled

    async def _sign_in(self) -> None:
        self._take_newest()
        self._check_refusal()
        if not self._opened:
            self._restore()
        if self._opened and not self._certain and await self._still_alive():
            self._alive = True
            if self._restored:
                self._restored = False
                self._generation += 1
                _log.info("session.resumed", since=str(self.opened_at))
            return
        if self._credentials.cookie is None:
            await self._log_in()
        elif self._opened and not self._restored:
            self._certain = False
            raise NotSignedIn(f"{_COOKIE_OVER}; {self._credentials.hint}", request=f"GET {self._account_path}")
        else:
            self._use_cookie(self._credentials.cookie)
        self._opened, self._certain, self._restored = True, False, False
        try:
            await self._probe()
        except NotSignedIn as error:
            if error.code == "wrong_account":
                raise
            what = _COOKIE_OVER if self.by_cookie else "the login did not last"
            raise NotSignedIn(
                f"{what}; {self._credentials.hint}", status=error.status, request=error.request
            ) from error
        self._generation += 1
        self._alive = True
        self.opened_at = self._clock.now()
        self._keep()
        _log.info("session.signed_in", generation=self._generation, logins_this_hour=len(self._recent()))

    def _take_newest(self) -> None:
        """Credentials that were given since: a cookie that somebody pasted, a corrected password."""
        newest = self._memory.newest()
        if newest is None or newest == self._credentials:
            return
        self._credentials = newest
        self._opened, self._certain, self._refusal = False, False, None
        self._transport.clear_cookies()
        _log.info("session.replaced", by="cookie" if self.by_cookie else "password")

    def _restore(self) -> None:
        """The session that this workspace opened last, if one is kept: it is tried before another one is opened."""
        try:
            kept = self._memory.session(self._credentials)
        except ConfigError as error:
            _log.warning("session.unkept", error=str(error))
            return
        if kept is None:
            return
        self._transport.clear_cookies()
        for cookie in kept.cookies:
            self._transport.add_cookie(_cookie(cookie.name, cookie.value, cookie.domain, cookie.path, cookie.expires))
        self.opened_at = kept.opened_at
        self._opened = self._restored = True

    def _keep(self) -> None:
        if self.opened_at is None:
            return
        cookies = tuple(
            KeptCookie(name=c.name, value=c.value or "", domain=c.domain, path=c.path, expires=c.expires)
            for c in self._transport.jar
        )
        session = KeptSession(cookies=cookies, opened_at=self.opened_at)
        self._remember(lambda: self._memory.keep(self._credentials, session))

    def _remember(self, write: Callable[[], None]) -> None:
        try:
            write()
        except (OSError, ConfigError) as error:
            _log.warning("session.unkept", error=str(error))

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
        self._transport.clear_cookies()
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
        before = self._recent()
        self._count([*before, self._clock.now()])  # before it leaves: a process that dies now has signed in
        try:
            answer = await self._transport.submit(LOGIN_PATH, form, token)
        except Lost as lost:
            if lost.before_body:
                self._count(before)
            raise lost_write(lost) from lost
        if answer.status in {408, 429} or answer.status >= 500:
            self._count(before)  # it was not a login
        self._judge_login(answer)
        self._page_token = None  # the token is another one from here on

    def _recent(self) -> list[Instant]:
        """The sign-ins of the last hour, by whichever process of the workspace."""
        now = self._clock.now()
        return [at for at in self._memory.sign_ins() if abs((now - at).total("seconds")) < _HOUR]

    def _count(self, times: list[Instant]) -> None:
        self._remember(lambda: self._memory.put_sign_ins(times))

    def _check_budget(self) -> None:
        recent = self._recent()
        if len(recent) >= LOGINS_PER_HOUR:
            free_at = recent[-LOGINS_PER_HOUR].add(seconds=round(_HOUR))
            wait = max(1, round((free_at - self._clock.now()).total("minutes")))
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
            judge_read(answer, self._clock.now())  # raises
        if to_login(answer) or login_page(answer) or status in {400, 401, 403, 422}:
            raise self._refused(
                f"the studio did not accept the e-mail and password; {self._credentials.hint}. "
                "They are tried again in an hour, or at once when they have changed",
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


def _cookie(name: str, value: str, domain: str, path: str = "/", expires: int | None = None) -> Cookie:
    return Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=False,
        domain_initial_dot=False,
        path=path,
        path_specified=True,
        secure=False,
        expires=expires,
        discard=expires is None,
        comment=None,
        comment_url=None,
        rest={},
    )
