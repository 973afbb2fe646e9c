"""`selftimer login` and `logout`: prompts, what is kept, what never shows, and a service that takes up a new login."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.acceptance.cli_kit import ENTRY, SOURCE, Commands, Studio, bare, make_workspace
from tests.unit.studio.ring import in_use

from selftimer.sandbox.profile import StudioProfile
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PASSWORD = "correct-horse-battery"
PROFILE = StudioProfile(password=PASSWORD)


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    with Studio(World.empty(profile=PROFILE, mode="real")) as served:
        yield served


@pytest.fixture
def workspace(studio: Studio, tmp_path: Path) -> Path:
    """One that nobody has signed in from."""
    folder = make_workspace(tmp_path / "nord", studio.origin, more="[account]\nrequests_per_minute = 600\n")
    (folder / ".env").write_text(f"SELFTIMER_ACCOUNT__URL={studio.origin}\n")
    return folder


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)


@pytest.fixture
def selftimer(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(workspace, capsys)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What stands on standard input, from a program."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def browser_cookie(studio: Studio) -> str:
    """Of somebody who signs in with a browser."""
    with httpx.Client(base_url=studio.origin) as browser:
        browser.post("/login", data={"email": PROFILE.email, "password": PASSWORD})
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def expire(studio: Studio) -> None:
    httpx.post(f"{studio.origin}/_sandbox/logins", json={"action": "expire"}).raise_for_status()


def everything(selftimer: Commands) -> str:
    """All that was printed and logged."""
    log = selftimer.workspace / "selftimer.log"
    return selftimer.out + selftimer.err + (log.read_text() if log.exists() else "")


# Signing in ----------------------------------------------------------------------------------------------------------


def test_without_a_login_every_command_that_needs_one_says_how(selftimer: Commands) -> None:
    for command in ("once", "doctor", "run"):
        assert selftimer(command) == 2
        assert "run 'selftimer login', or set SELFTIMER_EMAIL and SELFTIMER_PASSWORD in .env" in selftimer.err


def test_a_login_is_tried_and_kept_for_its_owner_alone(selftimer: Commands, typed: Callable[[str], None]) -> None:
    typed(f"{PROFILE.email}\n{PASSWORD}\n")
    assert selftimer("login") == 0
    assert f"Signed in to account {PROFILE.account_id}" in selftimer.out
    assert PASSWORD not in everything(selftimer)
    files = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (selftimer.workspace / ".selftimer").glob("*.json")
    }
    assert files == dict.fromkeys(("login.json", "session.json", "account.json"), 0o600)
    assert selftimer("once") == 0
    assert PASSWORD not in everything(selftimer)


def test_a_wrong_password_is_kept_nowhere_and_shown_nowhere(selftimer: Commands, typed: Callable[[str], None]) -> None:
    typed(f"{PROFILE.email}\nwrong-canary\n")
    assert selftimer("login", "--json") == 3
    assert "did not accept the e-mail and password; try again" in selftimer.err
    assert "canary" not in everything(selftimer)
    assert not (selftimer.workspace / ".selftimer" / "login.json").exists()
    traced = subprocess.run(
        [*ENTRY, "login", "--workspace", str(selftimer.workspace)],
        input=f"{PROFILE.email}\nwrong-canary\n",
        env={**os.environ, "PYTHONPATH": str(SOURCE), "SELFTIMER_DEBUG": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" in traced.stderr
    assert "canary" not in traced.stdout + traced.stderr


def test_tries_count_together_however_often_the_command_is_started(
    selftimer: Commands, typed: Callable[[str], None]
) -> None:
    for _ in range(3):
        typed(f"{PROFILE.email}\nwrong-canary\n")
        assert selftimer("login") == 3
    typed(f"{PROFILE.email}\n{PASSWORD}\n")
    assert selftimer("login") == 3
    assert "signed in 3 times within an hour" in selftimer.err


def test_another_account_is_refused_until_the_first_one_is_forgotten(
    selftimer: Commands, typed: Callable[[str], None]
) -> None:
    (selftimer.workspace / ".selftimer").mkdir(mode=0o700)
    url = (selftimer.workspace / ".env").read_text().partition("=")[2].strip()
    (selftimer.workspace / ".selftimer" / "account.json").write_text(f'{{"url": "{url}", "account_id": "acc_first"}}')
    typed(f"{PROFILE.email}\n{PASSWORD}\n")
    assert selftimer("login") == 3
    assert "but this workspace is account acc_first's" in selftimer.err
    assert selftimer("logout") == 0
    assert "still account acc_first's; --forget-account ends that" in selftimer.out
    assert selftimer("logout", "--forget-account") == 0
    typed(f"{PROFILE.email}\n{PASSWORD}\n")
    assert selftimer("login") == 0


def test_a_password_in_the_settings_goes_first_so_login_refuses_to_store_a_second(selftimer: Commands) -> None:
    with (selftimer.workspace / ".env").open("a") as dotenv:
        dotenv.write(f"SELFTIMER_EMAIL={PROFILE.email}\nSELFTIMER_PASSWORD={PASSWORD}\n")
    assert selftimer("login") == 2
    assert "SELFTIMER_PASSWORD (.env:3) goes before what 'selftimer login' keeps: remove it there" in selftimer.err


@pytest.mark.parametrize("curl", [False, True])
def test_a_pasted_cookie_signs_in(
    selftimer: Commands, studio: Studio, typed: Callable[[str], None], curl: bool
) -> None:
    cookie = browser_cookie(studio)
    typed(f"curl '{studio.origin}/api/v1/clients/' \\\n  -b '{cookie}'\n" if curl else f"Cookie: {cookie}\n")
    assert selftimer("login", "--cookie") == 0
    assert selftimer("once") == 0
    secret = cookie.partition("=")[2].partition(";")[0]
    assert secret not in everything(selftimer)
    assert selftimer.json("logout") == {"forgotten": True, "account_id": PROFILE.account_id}
    assert selftimer("once") == 2
    assert secret not in "".join(path.read_text() for path in (selftimer.workspace / ".selftimer").glob("*.json"))


def test_a_cookie_that_is_no_session_is_refused(selftimer: Commands, typed: Callable[[str], None]) -> None:
    typed("studio_session=canary\n")
    assert selftimer("login", "--cookie") == 3
    assert "the session cookie is not valid any more; copy a new one" in selftimer.err
    assert "canary" not in everything(selftimer)


def test_the_keyring_keeps_it_where_it_is_asked_to(selftimer: Commands, typed: Callable[[str], None]) -> None:
    with in_use() as ring:
        typed(f"{PROFILE.email}\n{PASSWORD}\n")
        assert selftimer.json("login", "--keyring")["kept_in"] == "keyring"
        assert selftimer("once") == 0
        assert PASSWORD not in "".join(p.read_text() for p in (selftimer.workspace / ".selftimer").glob("*.json"))
        assert any(PASSWORD in entry for entry in ring.entries.values())


# At a terminal, and with a service ------------------------------------------------------------------------------------


def at_a_terminal(workspace: Path, words: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """A process whose standard streams are a terminal: waits for each prompt, types the answer; all that it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*ENTRY, *words, "--workspace", str(workspace)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        start_new_session=True,
    )
    os.close(theirs)
    shown, deadline = "", time.monotonic() + 60
    while True:
        ready, _, _ = select.select([ours], [], [], 0.2)
        if ready:
            try:
                shown += os.read(ours, 4096).decode("utf-8", "replace")
            except OSError:  # the other side is closed
                break
        elif process.poll() is not None:
            break
        assert time.monotonic() < deadline, shown
        if answers and answers[0][0] in shown:
            time.sleep(0.2)  # the echo is switched off after the prompt
            os.write(ours, answers.pop(0)[1].encode())
    os.close(ours)
    return process.wait(20), shown


def test_at_a_terminal_the_password_is_asked_for_and_never_shown(workspace: Path) -> None:
    answers = [("E-mail address", f"{PROFILE.email}\n"), ("Password", f"{PASSWORD}\n")]
    code, shown = at_a_terminal(workspace, ["login"], answers)
    assert (code, answers) == (0, []), shown
    assert "Signed in" in shown
    assert PASSWORD not in shown


def test_at_a_terminal_a_long_paste_is_taken_whole_and_never_shown(workspace: Path, studio: Studio) -> None:
    cookie = browser_cookie(studio)
    long = f"{cookie}; padding={'x' * 6_000}"  # a terminal's own editing cuts at 4096
    code, shown = at_a_terminal(workspace, ["login", "--cookie"], [("Nothing of it is shown", f"{long}\n\n")])
    assert code == 0, shown
    assert cookie not in shown
    assert "xxx" not in shown


def test_a_running_service_takes_up_a_new_cookie_without_a_restart(
    selftimer: Commands, studio: Studio, typed: Callable[[str], None]
) -> None:
    typed(browser_cookie(studio))
    assert selftimer("login", "--cookie") == 0
    with (selftimer.workspace / "selftimer.toml").open("a") as toml:
        toml.write("[polling]\nsignals = 0\npage_one = 30\n")
    service = subprocess.Popen(
        [*ENTRY, "run", "--workspace", str(selftimer.workspace)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        log = selftimer.workspace / "selftimer.log"
        wait_for(lambda: log.exists() and '"poll.done"' in log.read_text())
        expire(studio)
        order_a_poll(selftimer)
        wait_for(lambda: "Selftimer can't work with the studio" in notices(selftimer))
        assert "'selftimer login --cookie'" in notices(selftimer)
        assert selftimer.json("status")["healthy"] is False
        assert notices(selftimer).count("Selftimer can't work with the studio") == 1
        cookie = browser_cookie(studio)
        typed(cookie)
        assert selftimer("login", "--cookie") == 0
        assert "The running service takes it up at once." in selftimer.out
        wait_for(lambda: "Selftimer works with the studio again" in notices(selftimer))
        assert service.poll() is None
        assert cookie.partition("=")[2].partition(";")[0] not in log.read_text()
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(60)


def order_a_poll(selftimer: Commands) -> None:
    """As after a login by hand: the service looks at once, whenever its next poll was due."""
    os.utime(selftimer.workspace / ".selftimer" / "login.json")


def notices(selftimer: Commands) -> str:
    return " ".join(f"{one['subject']} {one['text']}" for one in selftimer.json("status")["notices"])


def wait_for(what: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
