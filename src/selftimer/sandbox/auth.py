"""The web login: session cookie, CSRF token, expiry after inactivity, rate limit (studio-api.md, Conventions)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from html import escape
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Literal

from selftimer.sandbox.http import dump, shape1

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.sandbox.profile import ServerOptions
    from selftimer.sandbox.studio import Studio

SESSION_COOKIE = "studio_session"
CSRF_COOKIES = ("csrf_token", "XSRF-TOKEN")
WRITES = frozenset({"POST", "PUT", "DELETE", "PATCH"})
Denial = Literal["login", "csrf"]


@dataclass(slots=True)
class Login:
    """One web session."""

    csrf: str
    used_at: Instant


class Logins:
    """Who is signed in, by the sandbox's clock. Tokens are counted, not secret: this is a toy on loopback."""

    def __init__(self, world: Studio, options: ServerOptions) -> None:
        self._world = world
        self._options = options
        self._open: dict[str, Login] = {}
        self._count = 0

    def sign_in(self, email: str, password: str) -> tuple[str, str] | None:
        """A new session's cookie and CSRF token, or None for the wrong words."""
        profile = self._world.profile
        if email != profile.email or password != profile.password:
            return None
        token, csrf = self._token("session"), self._token("csrf")
        self._open[token] = Login(csrf, self._world.now)
        return token, csrf

    def denied(self, method: str, cookies: str, csrf: str) -> Denial | None:
        """Why a request isn't let in; one that is let in keeps its session alive."""
        if not self._options.require_login:
            return None
        login = self.current(cookies)
        if login is None:
            return "login"
        if method in WRITES and csrf != login.csrf:
            return "csrf"
        login.used_at = self._world.now
        return None

    def current(self, cookies: str) -> Login | None:
        """The session that a Cookie header names, unless it has expired."""
        morsel = _cookie(cookies, SESSION_COOKIE)
        login = self._open.get(morsel)
        if login is None:
            return None
        if (self._world.now - login.used_at).total("seconds") > self._options.idle_seconds:
            del self._open[morsel]
            return None
        return login

    def expire_all(self) -> None:
        """Every session ends."""
        self._open.clear()

    def rotate_csrf(self) -> None:
        """Every session gets another CSRF token, as after a deployment; the cookies out there are stale."""
        for login in self._open.values():
            login.csrf = self._token("csrf")

    def _token(self, kind: str) -> str:
        self._count += 1
        return blake2b(f"{self._world.seed}/{kind}/{self._count}".encode(), digest_size=20).hexdigest()


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def set_cookies(session: str, csrf: str) -> list[tuple[bytes, bytes]]:
    """The Set-Cookie headers of a login."""
    jar = SimpleCookie()
    jar[SESSION_COOKIE] = session
    jar[SESSION_COOKIE]["path"] = "/"
    jar[SESSION_COOKIE]["httponly"] = True
    jar[SESSION_COOKIE]["samesite"] = "Lax"
    for name in CSRF_COOKIES:
        jar[name] = csrf
        jar[name]["path"] = "/"
        jar[name]["samesite"] = "Lax"
    return [(b"set-cookie", morsel.OutputString().encode()) for morsel in jar.values()]


class RateLimit:
    """Requests a minute of the sandbox's clock, over all callers."""

    def __init__(self, world: Studio, limit: int | None) -> None:
        self._world = world
        self.limit = limit
        self._minute = -1
        self._used = 0

    def take(self) -> tuple[list[tuple[bytes, bytes]], int]:
        """The headers to send, and how many seconds to wait (0: let in)."""
        if self.limit is None:
            return [], 0
        second = self._world.now.timestamp()
        if second // 60 != self._minute:
            self._minute, self._used = second // 60, 0
        self._used += 1
        left = max(0, self.limit - self._used)
        headers = [
            (b"x-ratelimit-limit", str(self.limit).encode()),
            (b"x-ratelimit-remaining", str(left).encode()),
        ]
        if self._used <= self.limit:
            return headers, 0
        wait = 60 - second % 60
        return [*headers, (b"retry-after", str(wait).encode())], wait


def login_page(name: str, csrf: str, fault: str = "") -> bytes:
    """The login page, as HTML."""
    note = f'<p class="error">{escape(fault)}</p>' if fault else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="csrf-token" content="{csrf}">'
        f"<title>Log in - {escape(name)}</title></head><body><h1>Log in</h1>{note}"
        '<form method="post" action="/login"><input type="hidden" name="_token" value="'
        f'{csrf}"><input name="email" type="email" autocomplete="username">'
        '<input name="password" type="password" autocomplete="current-password"><button>Log in</button></form>'
        "</body></html>"
    ).encode()


def home_page(name: str, csrf: str) -> bytes:
    """What the web app shows once one is signed in; its meta element holds the CSRF token."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="csrf-token" content="{csrf}">'
        f"<title>{escape(name)}</title></head><body><h1>{escape(name)}</h1></body></html>"
    ).encode()


def unauthorized() -> bytes:
    """The body of a 401."""
    return dump(shape1(401, "authentication_required", "You are not signed in, or your session has expired.").body)


def csrf_mismatch() -> bytes:
    """The body of a 419."""
    return dump({"error": "Page expired", "message": "CSRF token mismatch."})


def forbidden(path: str) -> bytes:
    """The body of a 403: the login is somebody's who may not see this."""
    place = path.split("/")[1]
    message = f"Your login doesn't have the permission to use {place}; the studio's owner can give it."
    return dump(shape1(403, "insufficient_permissions", message, {"resource": place}).body)
