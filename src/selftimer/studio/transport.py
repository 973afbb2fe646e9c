"""The one seam to the network: two httpx clients over one cookie jar, and a whole answer or the proof of its lack.

Reads keep connections; each write gets a fresh one, so that a connection which died idle can't eat it. Redirects are
never followed (a followed 302 becomes the login page with 200), answers are at most 10 MB, cookies go to the two
addresses that were given and to no other: a file's upload, whose address the studio names, has a client without any.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import httpx

from selftimer import __version__
from selftimer.errors import ConfigError, Drifted
from selftimer.studio.answers import MAX_BYTES, Answer, Lost

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.cookiejar import Cookie
    from urllib.parse import SplitResult

    from whenever import Instant

    from selftimer.primitives.clock import Clock
    from selftimer.studio.endpoints import Api

READ_TIMEOUT = httpx.Timeout(15.0, connect=5.0, pool=30.0)
WRITE_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
WRITE_DEADLINE = 30.0
"""Seconds over a whole write, connection and answer included (delivery.md §1.3). Real seconds."""
READ_DEADLINE = 60.0
"""Seconds over a whole read: a body that drips in would pass every single time-out."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_READS = httpx.Limits(max_connections=20, max_keepalive_connections=6)
"""Each request asks every idle connection whether it is still there: few are kept."""
_BODY_LEFT = "http11.send_request_body.started"
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

for _name in ("httpx", "httpcore"):  # they log URLs (delivery.md §6)
    logging.getLogger(_name).setLevel(logging.WARNING)


class Transport:
    """Sends one request and returns one `Answer`; raises `Lost`, nothing else. No retries, no judgement."""

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        gallery_url: str | None = None,
        write_deadline: float = WRITE_DEADLINE,
        read_timeout: httpx.Timeout = READ_TIMEOUT,
    ) -> None:
        parts = _address(base_url, "base_url", inside=transport is not None)
        gallery = _address(gallery_url or base_url, "gallery_url", inside=transport is not None)
        host = parts.hostname or ""
        self.host = host
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.jar = CookieJar()
        self.last_date: tuple[str, Instant] | None = None
        self.requests = 0
        """How many were begun."""
        self._clock = clock
        self._bases: dict[Api, str] = {"studio": base_url.rstrip("/"), "gallery": (gallery_url or base_url).rstrip("/")}
        self._gallery_host = gallery.hostname or ""
        self._deadline = write_deadline
        shared: dict[str, Any] = {
            "cookies": self.jar,
            "headers": {
                "Accept": "application/json",
                "X-Requested-With": "XMLHttpRequest",
                "User-Agent": f"Selftimer/{__version__}",
            },
            "follow_redirects": False,
            "transport": transport,
            "trust_env": host not in _LOOPBACK,
        }
        if transport is None and "https" in {parts.scheme, gallery.scheme}:
            shared["verify"] = httpx.create_ssl_context()
        self._cookie_headers: dict[Api, str] = {}
        self._reads = httpx.AsyncClient(timeout=read_timeout, limits=_READS, **shared)
        self._writes = httpx.AsyncClient(
            timeout=WRITE_TIMEOUT, limits=httpx.Limits(max_connections=20, max_keepalive_connections=0), **shared
        )
        self._bare = {name: value for name, value in shared.items() if name not in {"cookies", "headers"}}
        self._strangers: httpx.AsyncClient | None = None

    async def read(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        api: Api = "studio",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET below the base URL.

        Built without httpx's merging of URLs and copying of cookie jars, which take a third of a small read's time.
        """
        base = self._bases[api]
        url = f"{base}{path}?{urlencode(query)}" if query else f"{base}{path}"
        if api not in self._cookie_headers:
            self._cookie_headers[api] = self._cookies_for(url)
        sent = list(self._reads.headers.raw)
        if cookies := self._cookie_headers[api]:
            sent.append((b"cookie", cookies.encode("latin-1")))
        if headers:
            sent.extend((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items())
        request = httpx.Request("GET", url, headers=sent)
        return await self._exchange(self._reads, request, f"GET {path}", _Progress(), READ_DEADLINE)

    async def read_page(self, path: str) -> Answer:
        """GET a web page of the origin: the login page, or the web app's."""
        request = self._reads.build_request("GET", f"{self.origin}{path}", headers={"Accept": "text/html"})
        return await self._exchange(self._reads, request, f"GET {path}", _Progress(), READ_DEADLINE)

    def clear_cookies(self) -> None:
        """Forget every cookie."""
        self.jar.clear()
        self._cookie_headers.clear()

    def add_cookie(self, cookie: Cookie) -> None:
        """Put a cookie into the jar; one that somebody handed over is for the Gallery API too."""
        self.jar.set_cookie(cookie)
        if self._gallery_host != self.host:
            twin = copy.copy(cookie)
            twin.domain = self._gallery_host if "." in self._gallery_host else f"{self._gallery_host}.local"
            self.jar.set_cookie(twin)
        self._cookie_headers.clear()

    def _cookies_for(self, url: str) -> str:
        request = httpx.Request("GET", url)
        httpx.Cookies(self.jar).set_cookie_header(request)
        return str(request.headers.get("cookie", ""))

    async def write(
        self, method: str, path: str, body: bytes | None, csrf: str | None, *, api: Api = "studio"
    ) -> Answer:
        """POST, PUT or DELETE on a fresh connection, once, under one deadline; the body is JSON, or none."""
        headers = {"Content-Type": "application/json"} | ({"X-CSRF-Token": csrf} if csrf else {})
        request = self._writes.build_request(method, f"{self._bases[api]}{path}", content=body, headers=headers)
        return await self._once(self._writes, request, f"{method} {path}")

    async def upload(
        self, method: str, url: str, fields: Mapping[str, str], file: tuple[str, bytes, str], label: str
    ) -> Answer:
        """Send a file (name, content, type) as a multipart form to where the studio says, without its cookies.

        Once, on a fresh connection, under one deadline. `Drifted` for an address that is neither https nor the
        studio's own. The file comes last in the form: object stores ignore what follows it.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and f"{parts.scheme}://{parts.netloc}" != self.origin:
            raise Drifted("the studio names an address for the file that is not https", request=label)
        if self._strangers is None:
            limits = httpx.Limits(max_connections=4, max_keepalive_connections=0)
            self._strangers = httpx.AsyncClient(timeout=WRITE_TIMEOUT, limits=limits, **self._bare)
        try:
            request = self._strangers.build_request(method, url, data=dict(fields), files={"file": file})
        except (httpx.InvalidURL, TypeError, ValueError) as error:
            raise Drifted("the studio's answer doesn't say where the file goes", request=label) from error
        return await self._once(self._strangers, request, label)

    async def submit(self, path: str, form: Mapping[str, str], csrf: str | None) -> Answer:
        """POST a form of the origin (the login) on a fresh connection, once, under one deadline."""
        headers = {"X-CSRF-Token": csrf} if csrf else None
        request = self._writes.build_request("POST", f"{self.origin}{path}", data=dict(form), headers=headers)
        return await self._once(self._writes, request, f"POST {path}")

    async def _once(self, client: httpx.AsyncClient, request: httpx.Request, label: str) -> Answer:
        progress = _Progress()
        request.extensions["trace"] = progress.trace
        return await self._exchange(client, request, label, progress, self._deadline)

    async def _exchange(
        self, client: httpx.AsyncClient, request: httpx.Request, label: str, progress: _Progress, deadline: float
    ) -> Answer:
        self.requests += 1
        try:
            async with asyncio.timeout(deadline):
                response = await client.send(request, stream=True)
                try:
                    progress.status = response.status_code
                    body = await _body(response, label)
                finally:
                    await response.aclose()
        except (httpx.RequestError, TimeoutError) as error:
            late = isinstance(error, TimeoutError)
            raise Lost(
                f"no whole answer within {deadline:g} s" if late else _reason(error),
                request=label,
                kind="timeout" if late or isinstance(error, httpx.TimeoutException) else "broken",
                before_body=isinstance(error, _NEVER_SENT) or progress.proves_unsent,
                status=progress.status,
            ) from error
        headers = response.headers
        if "set-cookie" in headers:
            self._cookie_headers.clear()
        if client is not self._strangers and (date := headers.get("date")):
            self.last_date = (date, self._clock.now())
        return Answer(status=response.status_code, headers=headers, body=body, request=label)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._reads.aclose()
        await self._writes.aclose()
        if self._strangers is not None:
            await self._strangers.aclose()


def _address(url: str, name: str, *, inside: bool) -> SplitResult:
    """A base URL in its parts; `ConfigError` if it is none, or is sent in the clear. `inside`: without a network."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"studio.{name} is a web address like https://…/api/v1; got {url!r}")
    if parts.scheme == "http" and not inside and host not in _LOOPBACK:
        raise ConfigError(f"studio.{name} must be https outside this machine; got {url!r}")
    return parts


class _Progress:
    """How far a request got. Only the real network traces; where nothing was traced, nothing is proven."""

    def __init__(self) -> None:
        self.status: int | None = None
        self._traced = False
        self._body_left = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        """What httpcore's trace extension calls."""
        self._traced = True
        self._body_left = self._body_left or event == _BODY_LEFT or event.startswith("http2.")

    @property
    def proves_unsent(self) -> bool:
        """Whether it is certain that no byte of the body left."""
        return self._traced and not self._body_left and self.status is None


async def _body(response: httpx.Response, label: str) -> bytes:
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BYTES:
        raise Lost("too large", request=label, kind="too_large", status=response.status_code)
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_BYTES:
            raise Lost("too large", request=label, kind="too_large", status=response.status_code)
        parts.append(part)
    return b"".join(parts)


def _reason(error: Exception) -> str:
    """The error's kind in plain words; httpx's own text may hold a URL."""
    words: dict[type[Exception], str] = {
        httpx.ConnectError: "the connection was refused or the name isn't known",
        httpx.ConnectTimeout: "the connection took too long",
        httpx.PoolTimeout: "no free connection",
        httpx.ReadTimeout: "the answer took too long",
        httpx.WriteTimeout: "sending took too long",
        httpx.RemoteProtocolError: "the connection was closed in the middle",
        httpx.ReadError: "the connection broke while reading",
        httpx.WriteError: "the connection broke while sending",
        httpx.DecodingError: "the answer's compression is broken",
    }
    return words.get(type(error), type(error).__name__)
