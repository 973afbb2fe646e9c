"""Only the open internet is called, and only by https, whatever a name leads to."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulation.listeners import Receiver, listening, receiver

from selftimer.channels.outgoing import MAX_BODY, Caller, CallFailed, Target, may_call

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "198.18.0.1",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::",
    ],
)
def test_an_address_that_only_this_machine_can_reach_is_never_called(text: str) -> None:
    assert not may_call(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2002:101:101::"])
def test_an_address_of_the_open_internet_can_be_called(text: str) -> None:
    assert may_call(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["10.0.0.1", "1.1.1.1", "::ffff:127.0.0.1"])
def test_a_local_target_is_this_machine_and_no_other(text: str) -> None:
    assert not may_call(ipaddress.ip_address(text), local=True)
    assert may_call(ipaddress.ip_address("127.0.0.1"), local=True)


@given(st.ip_addresses(v=4))
def test_what_is_not_called_as_it_is_is_not_called_in_the_clothes_of_ipv6_either(
    address: ipaddress.IPv4Address,
) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    nat64 = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))
    if not may_call(address):
        assert not may_call(mapped)
        assert not may_call(nat64)


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://10.0.0.1/x", "https://169.254.169.254/"],
)
async def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(CallFailed, match="private network") as caught:
        await Caller().post(Target(url=url), {}, b"{}")
    assert caught.value.refused


@pytest.mark.parametrize("url", ["http://1.1.1.1/x", "ftp://1.1.1.1/x"])
async def test_nothing_goes_out_in_the_clear(url: str) -> None:
    with pytest.raises(CallFailed, match="https") as caught:
        await Caller().post(Target(url=url), {}, b"{}")
    assert caught.value.refused


async def test_a_body_that_is_too_large_is_refused() -> None:
    with pytest.raises(CallFailed, match="more than") as caught:
        await Caller().post(Target(url="https://example.com/"), {}, b"x" * (MAX_BODY + 1))
    assert caught.value.refused


async def test_a_call_that_gets_no_answer_ends_and_may_be_made_again() -> None:
    async with receiver(0) as here:
        with pytest.raises(CallFailed, match="no answer") as caught:
            await Caller().post(Target(url=here.url, local=True), {}, b"{}")
    assert not caught.value.refused


async def test_an_answer_is_read_so_far_and_no_further() -> None:
    async with receiver((200, "X-Long: " + "x" * 1000 + "\r\n")) as here:
        reply = await Caller().post(Target(url=here.url, local=True), {"A": "b"}, b"{}")
    assert reply.taken
    assert here.calls[0].headers["a"] == "b"


# --- over TLS ---


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost alone, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(cert)]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*command, *files, *subject], check=True, capture_output=True)
    cert.write_text(cert.read_text() + key.read_text())
    return cert


async def called(certificate: Path, host: str) -> Receiver:
    """A call of a server that has that certificate, which is trusted."""
    one = Receiver()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    caller = Caller()
    caller._tls = ssl.create_default_context(cafile=str(certificate))
    async with listening(one, tls=server_side):
        await caller.post(Target(url=f"https://{host}:{one.port}/hook", local=True), {}, b"{}")
    return one


async def test_the_address_is_pinned_and_the_certificate_is_that_of_the_name(certificate: Path) -> None:
    one = await called(certificate, "localhost")
    assert one.calls[0].headers["host"] == f"localhost:{one.port}"


async def test_a_name_that_leads_elsewhere_when_it_is_asked_again_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever holds a domain can let it lead to an open address while it is checked, and inside while it is called."""
    real, asked = socket.getaddrinfo, []

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        if host in {"turns.test", b"turns.test"}:
            asked.append(host)
            return real("127.0.0.1" if len(asked) == 1 else "127.0.0.66", *rest, **more)
        return real(host, *rest, **more)

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    one = Receiver()
    async with listening(one):
        await Caller().post(Target(url=f"http://turns.test:{one.port}/hook", local=True), {}, b"{}")
    assert len(asked) == 1
    assert one.calls[0].headers["host"] == f"turns.test:{one.port}"


async def test_a_certificate_of_another_name_is_not_to_be_trusted(certificate: Path) -> None:
    with pytest.raises(CallFailed, match="no answer"):
        await called(certificate, "127.0.0.1")


async def test_a_certificate_that_nobody_vouches_for_is_not_to_be_trusted(certificate: Path) -> None:
    one = Receiver()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    async with listening(one, tls=server_side):
        with pytest.raises(CallFailed, match="no answer"):
            await Caller().post(Target(url=f"https://localhost:{one.port}/hook", local=True), {}, b"{}")
    assert one.calls == []
