"""Calls of addresses that the owner set: https, the address resolved once, checked and pinned, no redirects, bounded.

A name that leads into a private network is refused, so that a setting (or whoever holds a domain) can't make Selftimer
speak to what only this machine can reach (delivery.md §6). Loopback is allowed where the setting says so.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from selftimer import __version__

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

DEADLINE = 20.0
"""Seconds over a whole call, resolving included. Real seconds."""
MAX_BODY = 256 * 1024
MAX_ANSWER = 64 * 1024
"""An answer is read so far and no further; nothing is made of what it says."""
_EMBEDDED = ipaddress.IPv6Network("64:ff9b::/96")

for _name in ("httpx", "httpcore"):  # they log URLs, and those of webhooks can hold a secret
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address that may be called. `local`: this machine, and then without TLS too."""

    url: str
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. `retry_after` are the seconds that the other side asks for."""

    status: int
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        """Whether it was accepted."""
        return 200 <= self.status < 300


class CallFailed(Exception):  # noqa: N818 - mapped to an outcome before it leaves the channels
    """No answer, as a sentence without the address. `refused`: nothing was tried, and nothing will be by itself."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused


class Caller:
    """Posts to targets, each time on a connection of its own."""

    def __init__(self, *, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._tls: ssl.SSLContext | None = None

    async def post(self, target: Target, headers: Mapping[str, str], content: bytes) -> Reply:
        """POST once. `CallFailed` where there is no answer, or the target may not be called."""
        if len(content) > MAX_BODY:
            raise CallFailed(f"{len(content):,} bytes are more than {MAX_BODY:,}", refused=True)
        url = httpx.URL(target.url)
        if url.scheme != "https" and not (target.local and url.scheme == "http"):
            raise CallFailed("its address doesn't begin with https://", refused=True)
        try:
            async with asyncio.timeout(self._deadline):
                address = await _resolved(url, local=target.local)
                return await self._send(url, address, headers, content)
        except TimeoutError as error:
            raise CallFailed(f"no answer within {self._deadline:g} seconds") from error
        except httpx.HTTPError as error:
            raise CallFailed(f"no answer ({type(error).__name__})") from error

    async def _send(self, url: httpx.URL, address: Address, headers: Mapping[str, str], content: bytes) -> Reply:
        """To the very address that was checked; the name is for the certificate and the Host header."""
        name, port = url.host, f":{url.port}" if url.port is not None else ""
        shown = f"[{name}]" if ":" in name else name
        sent = {**headers, "Host": f"{shown}{port}", "User-Agent": f"Selftimer/{__version__}"}
        async with httpx.AsyncClient(
            verify=self._context() if url.scheme == "https" else False,
            trust_env=False,  # a proxy would resolve the name again
            follow_redirects=False,
            timeout=httpx.Timeout(self._deadline, connect=5.0),
        ) as client:
            request = client.build_request("POST", url.copy_with(host=str(address)), headers=sent, content=content)
            request.extensions["sni_hostname"] = name
            response = await client.send(request, stream=True)
            try:
                await _skim(response)
            finally:
                await response.aclose()
        after = response.headers.get("retry-after", "")
        return Reply(status=response.status_code, retry_after=float(after) if after.isdigit() else None)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return self._tls


async def _skim(response: httpx.Response) -> None:
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > MAX_ANSWER:
            return


async def _resolved(url: httpx.URL, *, local: bool) -> Address:
    """The address of a name, every one of which may be called; `CallFailed` otherwise."""
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise CallFailed("its name can't be resolved") from error
    addresses = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    if not addresses:
        raise CallFailed("its name can't be resolved")
    for address in addresses:
        if not may_call(address, local=local):
            raise CallFailed("its name leads into a private network, which is never called", refused=True)
    return addresses[0]


def may_call(address: Address, *, local: bool = False) -> bool:
    """Whether an address is one of the open internet, or (`local`) of this machine and no other."""
    if local:
        return address.is_loopback
    inner = _inner(address)
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in (address, *inner))


def _inner(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 one stands for."""
    if not isinstance(address, ipaddress.IPv6Address):
        return []
    inner: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _EMBEDDED:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in inner if one is not None]
