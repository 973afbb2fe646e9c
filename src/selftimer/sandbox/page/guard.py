"""Who may drive the sandbox: whoever sits at this machine, and no web page from elsewhere in their browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import Request

_LOOPBACK = ("127.0.0.1", "::1", "localhost", "testclient")
_NAMES = ("127.0.0.1", "localhost", "::1")


def from_here(request: Request) -> bool:
    """Whether the request comes from this machine."""
    return request.client is None or request.client.host in _LOOPBACK


def called_here(request: Request) -> bool:
    """Whether it was sent to a loopback name: a foreign name that was made to point here is refused."""
    return urlsplit(f"//{request.headers.get('host', '')}").hostname in _NAMES


def asked_here(request: Request) -> bool:
    """Whether no web page of another origin asked for it; programs name no origin, browsers do for all but reading."""
    origin = request.headers.get("origin")
    return origin is None or (called_here(request) and urlsplit(origin).netloc == request.headers.get("host"))
