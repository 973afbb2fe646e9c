"""What a sign-in remembers beyond its process: session, account, and how often it was signed in."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import keyring.errors
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from tests.unit.studio.ring import Ring, in_use
from tests.unit.studio.scripted import CLIENT, START, Bench, Reply, Script, bench, client, error

from selftimer.errors import ConfigError, NotSignedIn
from selftimer.facts.records import Kind
from selftimer.studio import Credentials
from selftimer.studio.keep import Keep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from whenever import Instant

URL = "http://studio.test"
PASSWORD = Credentials(email="owner@studio.test", password=SecretStr("secret"))


class Process:
    """The same studio and state folder, met by one process after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = Script()

    def start(self, credentials: Credentials = PASSWORD, *, at: Instant = START, url: str = URL) -> Bench:
        """One process."""
        keep = Keep(self.folder, url, lambda: Keep(self.folder, url).login())
        return bench(credentials=credentials, memory=keep, script=self.script, at=at)


@pytest.fixture
def process(tmp_path: Path) -> Process:
    return Process(tmp_path / "state")


@pytest.fixture
def ring() -> Iterator[Ring]:
    with in_use() as own:
        yield own


def kept(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.iterdir())


# --- a session outlives its process ---


async def test_the_next_process_goes_on_with_the_session(process: Process) -> None:
    first = process.start()
    await first.studio.account()
    await first.studio.aclose()
    second = process.start()
    assert await second.studio.account() == "acc_1"
    assert process.script.logins == 1


async def test_also_where_the_first_one_was_killed(process: Process) -> None:
    await process.start().studio.account()  # nobody closes it
    await process.start().studio.account()
    assert process.script.logins == 1


async def test_a_kept_session_that_has_ended_is_replaced_by_a_sign_in(process: Process) -> None:
    await process.start().studio.account()
    process.script.expire()
    assert await process.start().studio.account() == "acc_1"
    assert process.script.logins == 2


async def test_a_session_is_never_used_for_another_login_or_another_studio(process: Process) -> None:
    await process.start().studio.account()
    other = Credentials(email="other@studio.test", password=SecretStr("secret"))
    with pytest.raises(NotSignedIn, match="did not accept"):
        await process.start(other).studio.account()
    assert Keep(process.folder, "http://elsewhere.test").session(PASSWORD) is None


async def test_what_is_kept_is_for_its_owner_alone_and_holds_no_password(process: Process) -> None:
    await process.start().studio.account()
    assert {stat.S_IMODE(path.stat().st_mode) for path in process.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(process.folder.stat().st_mode) == 0o700
    assert "secret" not in kept(process.folder)


async def test_a_folder_that_cannot_be_written_is_reported_and_stops_nothing(process: Process, tmp_path: Path) -> None:
    process.folder = tmp_path / "a file" / "state"
    (tmp_path / "a file").write_text("")
    with capture_logs() as lines:
        assert await process.start().studio.account() == "acc_1"
    assert "session.unkept" in {line["event"] for line in lines}


def test_a_write_that_fails_leaves_no_secret_behind(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    keep = Keep(process.folder, URL)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keep.store(PASSWORD, START, in_keyring=False)
    assert list(process.folder.iterdir()) == []


# --- three sign-ins an hour, over all processes ---


async def test_a_restart_loop_does_not_get_round_the_three_sign_ins_an_hour(process: Process) -> None:
    for minute in range(3):
        await process.start(at=START.add(minutes=minute)).studio.account()
        process.script.expire()
    for minute in range(3, 50, 9):
        with pytest.raises(NotSignedIn, match="signed in 3 times within an hour") as told:
            await process.start(at=START.add(minutes=minute)).studio.account()
        assert told.value.code == "too_many_logins"
    assert process.script.logins == 3
    await process.start(at=START.add(minutes=61)).studio.account()
    assert process.script.logins == 4


async def test_a_process_that_dies_in_the_middle_of_a_sign_in_has_signed_in(process: Process) -> None:
    for _ in range(3):
        dying = process.start()
        dying.faults.next["POST /login"].append(RuntimeError("the process is gone"))
        with pytest.raises(RuntimeError):
            await dying.studio.account()
    with pytest.raises(NotSignedIn, match="signed in 3 times"):
        await process.start().studio.account()


async def test_times_that_cannot_be_read_are_left_out(process: Process) -> None:
    keep = Keep(process.folder, URL)
    keep.put_sign_ins([START])
    file = process.folder / "account.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sign_ins": ["soon", 7, START.format_iso()]}))
    assert keep.sign_ins() == [START]


# --- the account ---


async def test_the_first_account_is_the_workspaces_for_good(process: Process) -> None:
    await process.start().studio.account()
    process.script.account_id = "acc_2"
    process.script.expire()
    with pytest.raises(NotSignedIn, match="belong to account acc_2, but this workspace is account acc_1's") as told:
        await process.start().studio.account()
    assert told.value.code == "wrong_account"
    Keep(process.folder, URL).unpin()
    assert await process.start().studio.account() == "acc_2"


async def test_a_kept_session_of_another_account_is_refused_too(process: Process) -> None:
    await process.start().studio.account()
    process.script.account_id = "acc_2"
    with pytest.raises(NotSignedIn, match="acc_2"):
        await process.start().studio.account()


# --- a login that somebody gives while it runs ---


async def test_a_cookie_that_is_pasted_while_it_runs_is_taken_up(process: Process) -> None:
    keep = Keep(process.folder, URL)
    old, new = (Credentials(cookie=SecretStr(f"session={name}")) for name in ("old", "new"))
    process.script.valid.add("old")
    keep.store(old, START, in_keyring=False)
    running = process.start(old)
    await running.studio.account()
    process.script.expire()
    with pytest.raises(NotSignedIn, match="give Selftimer the new cookie with 'selftimer login --cookie'"):
        await process.start(keep.login() or old).studio.account()
    with pytest.raises(NotSignedIn):
        await running.studio.account()
    process.script.valid.add("new")
    keep.store(new, START, in_keyring=False)
    process.script.always[f"GET /clients/{CLIENT}"] = lambda _request: Reply(json={"data": client()})
    (record,) = await running.studio.record(Kind.CLIENT, CLIENT)
    assert record.id == CLIENT
    assert process.script.logins == 0


async def test_a_corrected_password_is_tried_at_once_though_the_wrong_one_waits(process: Process) -> None:
    wrong = Credentials(email="owner@studio.test", password=SecretStr("wrong"))
    keep = Keep(process.folder, URL)
    keep.store(wrong, START, in_keyring=False)
    running = process.start(wrong)
    for _ in range(2):
        with pytest.raises(NotSignedIn, match="did not accept"):
            await running.studio.account()
    assert running.count("POST /login") == 1
    keep.store(PASSWORD, START, in_keyring=False)
    assert await running.studio.account() == "acc_1"


@pytest.mark.parametrize(
    "expiry",
    [
        Reply(401, error("authentication_required")),
        Reply(419, {"message": "CSRF token mismatch."}),
        Reply(302, {}, headers={"location": "/login"}),
        Reply(content=b'<html><form><input type="password"></form></html>'),
    ],
    ids=["401", "419", "redirect", "login page"],
)
async def test_however_a_cookies_session_ends_a_person_is_asked_and_nothing_is_signed_in(
    process: Process, expiry: Reply
) -> None:
    process.script.valid.add("given")
    b = process.start(Credentials(cookie=SecretStr("session=given"), hint="paste a new one"))
    await b.studio.account()
    process.script.expiry = expiry
    process.script.expire()
    with pytest.raises(NotSignedIn, match="the session cookie is not valid any more; paste a new one") as told:
        await b.studio.account()
    assert "given" not in str(told.value)
    assert "POST /login" not in process.script.asked


# --- the keyring ---


async def test_with_the_keyring_no_secret_is_in_a_file(process: Process, ring: Ring) -> None:
    keep = Keep(process.folder, URL)
    keep.store(PASSWORD, START, in_keyring=True)
    assert keep.login() == PASSWORD
    await process.start().studio.account()
    await process.start().studio.account()
    assert process.script.logins == 1
    assert "secret" not in kept(process.folder)
    assert not (process.folder / "session.json").exists()
    assert {service for service, _ in ring.entries} == {"selftimer"}
    assert len(ring.entries) == 2
    assert keep.forget()
    assert ring.entries == {}
    assert keep.login() is None


@pytest.mark.usefixtures("ring")
def test_what_was_in_the_keyring_goes_when_the_login_is_kept_in_a_file(process: Process, ring: Ring) -> None:
    keep = Keep(process.folder, URL)
    keep.store(PASSWORD, START, in_keyring=True)
    keep.store(PASSWORD, START, in_keyring=False)
    assert ring.entries == {}
    assert keep.login() == PASSWORD


def test_a_keyring_that_is_not_installed_is_said_with_how_to_install_it(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"pip install 'selftimer\[keyring\]'"):
        Keep(process.folder, URL).store(PASSWORD, START, in_keyring=True)
    assert not process.folder.exists()


def test_a_keyring_that_cannot_be_used_is_said(process: Process, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_words: Any) -> None:
        raise keyring.errors.KeyringLocked

    monkeypatch.setattr(ring, "set_password", locked)
    with pytest.raises(ConfigError, match="unlock it, or leave --keyring out") as told:
        Keep(process.folder, URL).store(PASSWORD, START, in_keyring=True)
    assert "secret" not in str(told.value)


def test_a_file_that_somebody_broke_is_said(process: Process) -> None:
    process.folder.mkdir()
    (process.folder / "login.json").write_text("{")
    with pytest.raises(ConfigError, match=r"login.json is broken: remove it, and run 'selftimer login' again"):
        Keep(process.folder, URL).login()
