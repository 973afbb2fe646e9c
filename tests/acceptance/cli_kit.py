"""What the tests of commands share: a sandbox on a socket, a workspace that talks to it, commands in process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
from whenever import Instant

from selftimer.cli.main import main
from selftimer.sandbox.server import serve
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parents[2] / "src"
ENTRY = [sys.executable, "-c", "import sys; from selftimer.cli.main import main; sys.exit(main())"]
"""The installed script, without the need to install it."""
RULES = """\
rules:
  - id: hello
    title: Ask me, then answer a new lead
    when: lead.created
    if: client.type == 'lead' and not client.contacted
    mode: approve
    repeat: after 30 days per client.email
    ignore_quiet_hours: true
    late: 7 days
    then:
      - send: hello
"""
WORDS = "Hi {{ client.first_name }},\n\nthank you for writing.\n"


class Studio:
    """A sandbox that another thread serves."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.origin = ""
        self._born = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(self.world, ready=self._ready, stop=self._stop)

    def _ready(self, origin: str) -> None:
        self.origin = origin
        self._born.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._born.wait(20)
        return self

    def __exit__(self, *_rest: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def hours_pass(self, hours: int) -> None:
        """Life goes on while nobody looks."""
        now = Instant.parse_iso(httpx.get(f"{self.origin}/_sandbox/state").json()["now"])
        to = now.add(hours=hours).format_iso()
        httpx.post(f"{self.origin}/_sandbox/advance", json={"to": to}).raise_for_status()

    def messages(self) -> list[str]:
        """The words of the messages that the studio's ledger has from the API."""
        ledger = httpx.get(f"{self.origin}/_sandbox/ledger").json()
        return [json.dumps(row["content"]) for row in ledger["writes"] if row["kind"] == "message"]


def bare(patch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests, and no colours."""
    for name in [name for name in os.environ if name.startswith("SELFTIMER_") or name in {"EDITOR", "VISUAL"}]:
        patch.delenv(name)
    patch.setenv("NO_COLOR", "1")
    patch.setenv("COLUMNS", "200")


def make_workspace(folder: Path, origin: str, *, rules: str = RULES, more: str = "") -> Path:
    """A workspace of one rule that talks to the sandbox."""
    (folder / "rules").mkdir(parents=True)
    (folder / "automations" / "messages").mkdir(parents=True)
    (folder / "rules" / "rules.yaml").write_text(rules)
    (folder / "automations" / "messages" / "hello.md").write_text(WORDS)
    (folder / "selftimer.toml").write_text(
        '[studio]\nname = "Studio Nord"\ntime_zone = "Europe/Berlin"\nquiet_hours = ""\n'
        f'[fallbacks]\n"client.first_name" = "there"\n[log]\nfile = "selftimer.log"\n{more}'
    )
    profile = World.empty().profile
    dotenv = folder / ".env"
    dotenv.touch(mode=0o600)
    dotenv.write_text(
        f"SELFTIMER_ACCOUNT__URL={origin}\nSELFTIMER_EMAIL={profile.email}\nSELFTIMER_PASSWORD={profile.password}\n"
    )
    return folder


class Commands:
    """`selftimer … -w WORKSPACE` in this process."""

    def __init__(self, workspace: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.workspace = workspace
        self._capture = capture
        self.out = ""
        self.err = ""

    def __call__(self, *words: str) -> int:
        """Carry one out; what it printed is in `out` and `err`."""
        self._capture.readouterr()
        code = main([*words, "--workspace", str(self.workspace)])
        self.out, self.err = self._capture.readouterr()
        return code

    def json(self, *words: str) -> Any:
        """What it prints as JSON, whatever it returns."""
        self(*words, "--json")
        return json.loads(self.out)


@contextmanager
def patched() -> Iterator[pytest.MonkeyPatch]:
    """A monkeypatch for fixtures that live longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        bare(patch)
        yield patch
