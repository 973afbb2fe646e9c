"""Secrets stand where they were put and nowhere else, whatever goes wrong."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.acceptance.cli_kit import RULES, Commands, Studio, bare, make_workspace
from whenever import Instant

from selftimer.sandbox.profile import StudioProfile
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIGNING = "whsec_c2VjcmV0LWNhbmFyeS1vZi10aGUtaG9vay0xMjM0NTY3OA=="
TOKEN = "token-canary-that-nobody-can-guess-4711"
PASSWORD = "password-canary-of-the-account"
MAIL = "mail-canary-password"
MORE = """
[account]
requests_per_minute = 600
[webhooks.office]
url = "https://hooks.example.com/x"
[webhooks.contact-form]
fields = ["email"]
[notify.email]
to = "kim@studio-nord.example"
sender = "selftimer@studio-nord.example"
host = "127.0.0.1"
port = 9
security = "none"
username = "kim"
"""
FAULTS = (
    {"fault": "status", "status": 500, "match": {"path": "/api/"}, "times": 3},
    {"fault": "html200", "match": {"path": "/api/v1/clients"}, "times": 2},
    {"fault": "drop_after", "match": {"method": "POST", "path": "/conversation_messages"}},
    {"fault": "status", "status": 422, "match": {"method": "POST", "path": "/conversation_messages"}},
    {"fault": "bad_json", "match": {"path": "/api/v1/invoices"}},
    {"fault": "drop_before", "match": {"path": "/login"}},
)
COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("deliveries", "--json"),
    ("runs", "--json"),
    ("check", "--json"),
    ("log",),
    ("explain", "nobody-of-this-name"),
    ("pause",),
    ("resume",),
    ("run", "--sandbox-clock", "http://127.0.0.1:9"),
)


@pytest.fixture
def studio() -> Iterator[Studio]:
    start = Instant.now().subtract(hours=24 * 3)
    profile = StudioProfile(password=PASSWORD)
    world = World(seed=5, start=start, population=6, leads_per_day=4, by_hand=0.0, profile=profile)
    with Studio(world) as served:
        yield served


def cookies(workspace: Path) -> set[str]:
    """The values of the cookies that are kept of the last session."""
    kept = json.loads((workspace / ".selftimer" / "session.json").read_text())
    return {cookie["value"] for cookie in kept["cookies"]}


def test_no_secret_is_printed_logged_or_stored_whatever_goes_wrong(
    tmp_path: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare(monkeypatch)
    monkeypatch.setenv("SELFTIMER_LOG__LEVEL", "debug")
    rules = RULES.replace("    mode: approve\n", "")
    workspace = make_workspace(tmp_path / "nord", studio.origin, rules=rules, more=MORE)
    with (workspace / ".env").open("a") as file:
        file.write(f"SELFTIMER_WEBHOOKS__OFFICE__SECRET={SIGNING}\nSELFTIMER_WEBHOOKS__CONTACT_FORM__TOKEN={TOKEN}\n")
        file.write(f"SELFTIMER_NOTIFY__EMAIL__PASSWORD={MAIL}\n")
    dotenv = workspace / ".env"
    dotenv.write_text(dotenv.read_text().replace("PASSWORD=sandbox\n", f"PASSWORD={PASSWORD}\n"))
    selftimer, said, held = Commands(workspace, capsys), [], set[str]()

    def carry_out(*words: str) -> int:
        code = selftimer(*words)
        said.append(selftimer.out + selftimer.err)
        return code

    once = ("once", "--sandbox-clock", studio.origin)
    assert carry_out(*once) == 0, said
    held |= cookies(workspace)
    for fault in FAULTS:
        studio.hours_pass(3)
        httpx.post(f"{studio.origin}/_sandbox/faults", json=fault).raise_for_status()
        if fault["match"] == {"path": "/login"}:
            httpx.post(f"{studio.origin}/_sandbox/logins", json={"action": "expire"}).raise_for_status()
        carry_out(*once)
        held |= cookies(workspace)
    httpx.delete(f"{studio.origin}/_sandbox/faults").raise_for_status()
    for command in COMMANDS:
        carry_out(*command)
    assert carry_out("backup", str(workspace / "copy.db")) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("another-canary\n"))
    carry_out("login", "--email", "kim@example.com")
    dotenv.write_text(dotenv.read_text() + f"SELFTIMER_PASWORD={PASSWORD}x\n")
    assert carry_out("status") == 2  # the mistake is told by its name

    secrets = {PASSWORD, SIGNING, SIGNING.removeprefix("whsec_"), TOKEN, MAIL, "another-canary", *held}
    assert len(secrets) >= 7
    printed = "".join(said)
    assert len(printed) > 2_000
    assert sorted(secret for secret in secrets if secret in printed) == []
    for path in sorted(path for path in workspace.rglob("*") if path.is_file() and path.name != ".env"):
        content = path.read_bytes()
        own = held if path.name == "session.json" else set()
        assert [secret for secret in secrets - own if secret.encode() in content] == [], path.name
        assert path.parent.name != ".selftimer" or path.stat().st_mode & 0o077 == 0, path.name
