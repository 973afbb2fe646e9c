"""Calls from outside over real HTTP, to the service as a user runs it: 202 means kept, whatever comes after."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from tests.acceptance.cli_kit import ENTRY, SOURCE, Commands, Studio, bare, make_workspace

from selftimer.channels.webhooks import signed
from selftimer.receiver import server
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = bytes(range(32))
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
TOKEN = "a-token-that-nobody-can-guess"
RULES = """\
rules:
  - id: website-form
    title: The contact form of the website becomes a lead
    when: webhook contact-form
    then:
      - create: lead
        set: {email: "{{ webhook.email }}", first_name: "{{ webhook.name }}"}
"""
MORE = '[webhooks.contact-form]\nfields = ["name", "email"]\n[receiver]\nlisten = "127.0.0.1:{port}"\n'


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)


@pytest.fixture
def studio() -> Iterator[Studio]:
    with Studio(World.empty(mode="real")) as served:
        yield served


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def workspace(studio: Studio, port: int, tmp_path: Path) -> Path:
    folder = make_workspace(tmp_path / "nord", studio.origin, rules=RULES, more=MORE.format(port=port))
    with (folder / ".env").open("a") as file:
        file.write(f"SELFTIMER_WEBHOOKS__CONTACT_FORM__SECRET={SECRET}\n")
        file.write(f"SELFTIMER_WEBHOOKS__CONTACT_FORM__TOKEN={TOKEN}\n")
    return folder


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def service(workspace: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*ENTRY, "run", "-w", str(workspace)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: listens(port) or process.poll() is not None)
        yield process
    finally:
        process.kill()
        process.wait()


def call(port: int, name: str, **given: Any) -> httpx.Response:
    body = json.dumps({"name": name, "email": f"{name.lower()}@example.com"}).encode()
    headers = signed(given.get("ident", name), int(time.time()) + given.get("off", 0), body, given.get("key", KEY))
    headers["content-type"] = "application/json"
    return httpx.post(f"http://127.0.0.1:{port}/webhooks/contact-form", content=body, headers=headers)


def entered(studio: Studio) -> list[str]:
    ledger = httpx.get(f"{studio.origin}/_sandbox/ledger").json()
    return sorted(row["content"]["first_name"] for row in ledger["writes"] if row["kind"] == "client")


def test_a_signed_call_and_a_form_become_leads_within_seconds_and_a_forged_one_nothing(
    studio: Studio, workspace: Path, port: int
) -> None:
    with service(workspace, port) as process:
        assert call(port, "Anna").status_code == 202
        assert call(port, "Anna").status_code == 202
        form = {"name": "Ben", "email": "ben@example.com", "utm": "x"}
        address = f"http://127.0.0.1:{port}/webhooks/contact-form"
        assert httpx.post(f"{address}/{TOKEN}", data=form).status_code == 202
        assert call(port, "Mallory", key=bytes(32)).status_code == 401
        assert call(port, "Mallory", off=-600).status_code == 401
        too_large = httpx.post(f"{address}/{TOKEN}", json={"name": "x" * 70_000})
        assert (too_large.status_code, too_large.content) == (413, b"")
        assert "server" not in too_large.headers
        wait_for(lambda: entered(studio) == ["Anna", "Ben"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not listens(port)
    log = (workspace / "selftimer.log").read_text()
    assert '"webhook.taken"' in log
    assert not [word for word in ("Anna", "ben@", "Mallory", TOKEN, SECRET) if word in log]


def test_what_was_answered_202_outlives_a_process_that_is_killed_at_once(
    studio: Studio, workspace: Path, port: int
) -> None:
    names = [f"Guest{number}" for number in range(2)]
    kept = []
    for name in names:
        with service(workspace, port) as process:
            if call(port, name).status_code == 202:
                process.kill()
                kept.append(name)
    assert kept == names
    with service(workspace, port):
        wait_for(lambda: entered(studio) == names)
        assert call(port, names[0]).status_code == 202
        time.sleep(1.5)
        assert entered(studio) == names


async def test_whoever_sends_letter_by_letter_is_cut_off_and_others_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("served")(scope, receive, send)

    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    async with server.serving(app, ("127.0.0.1", 0), ()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /webhooks/contact-form HTTP/1.1\r\nHost: x\r\n")
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"http://127.0.0.1:{port}/")).text == "served"
        async with asyncio.timeout(10):
            assert await reader.read(100) == b""
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("proxies", "said", "wanted"),
    [
        (("127.0.0.1",), "198.51.100.7", "198.51.100.7"),
        (("127.0.0.1",), "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (("127.0.0.0/8",), "198.51.100.7", "198.51.100.7"),
        ((), "198.51.100.7", "127.0.0.1"),
        (("10.0.0.1",), "198.51.100.7", "127.0.0.1"),
    ],
)
async def test_for_whom_a_call_comes_is_believed_of_our_own_proxies_alone(
    proxies: tuple[str, ...], said: str, wanted: str
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(scope["client"][0])(scope, receive, send)

    async with server.serving(app, ("127.0.0.1", 0), proxies) as port, httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{port}/", headers={"x-forwarded-for": said})
        assert answer.text == wanted


def test_a_port_that_is_taken_is_said_with_what_to_do(
    workspace: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        selftimer = Commands(workspace, capsys)
        assert selftimer("run") != 0
        assert f"[receiver] listen: 127.0.0.1:{port} can't be used" in selftimer.err


def test_a_service_without_such_a_webhook_carries_no_web_server() -> None:
    program = (
        "import sys; import selftimer.wiring, selftimer.runtime.local; "
        "print([m for m in ('starlette', 'uvicorn', 'selftimer.receiver.app') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
