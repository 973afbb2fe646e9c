"""Whom the studio's client trusts, and to whom it shows its cookies."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.simulation.listeners import Receiver, listening
from tests.unit.channels.test_outgoing import certificate

from selftimer.primitives.clock import SystemClock
from selftimer.studio.answers import Lost
from selftimer.studio.transport import Transport

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["certificate"]


async def test_a_studio_whose_certificate_nobody_vouches_for_is_not_talked_to(certificate: Path) -> None:
    one = Receiver()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    async with listening(one, tls=server_side):
        transport = Transport(f"https://localhost:{one.port}/api/v1", SystemClock())
        for send in (transport.read("/account"), transport.write("POST", "/clients/", b"{}", "token")):
            with pytest.raises(Lost) as lost:
                await send
            assert lost.value.before_body
        await transport.aclose()
    assert one.calls == []


async def test_cookies_go_back_to_the_host_that_set_them_and_to_no_other() -> None:
    seen: dict[str, str] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        seen[request.url.host] = request.headers.get("cookie", "")
        cookies = [
            ("set-cookie", "session=ours; Path=/"),
            ("set-cookie", "planted=theirs; Domain=elsewhere.example; Path=/"),
        ]
        return httpx.Response(302, headers=[*cookies, ("location", "https://elsewhere.example/")])

    transport = Transport(
        "https://studio.example/api/v1",
        SystemClock(),
        transport=httpx.MockTransport(answer),
        gallery_url="https://galleries.example/api",
    )
    await transport.read("/account")
    await transport.write("POST", "/clients/", b"{}", "token")
    await transport.read("/galleries", api="gallery")
    await transport.upload(
        "PUT", "https://elsewhere.example/upload", {}, ("a.pdf", b"x", "application/pdf"), "PUT file"
    )
    assert seen == {"studio.example": "session=ours", "galleries.example": "", "elsewhere.example": ""}
    assert {cookie.name for cookie in transport.jar} == {"session"}
    await transport.aclose()
