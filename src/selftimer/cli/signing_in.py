"""Asking for a login, trying it, keeping it. Secrets come from a prompt or standard input and go nowhere else."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from selftimer.cli.output import note, print_json, say
from selftimer.cli.pasted import cookies_in
from selftimer.cli.workspace import load_settings, log_to_file, make_state_folder, running
from selftimer.errors import ConfigError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selftimer.settings import Settings
    from selftimer.studio.memory import Credentials

_LONGEST = 256 * 1024
"""Bytes of what is pasted: more than any browser's cookies take."""


def log_in(workspace: Path, *, cookie: bool, keyring: bool, as_json: bool) -> int:
    """Ask, try, keep; errors are `ConfigError` and the studio's."""
    from selftimer.signing import sign_in

    settings = load_settings(workspace)
    _refuse_doubles(settings)
    make_state_folder(settings)
    credentials = _by_cookie(settings) if cookie else _by_password(settings)
    log_to_file(settings)
    with _written(settings):
        account = asyncio.run(sign_in(settings, credentials, in_keyring=keyring))
    served = running(settings) is not None
    if as_json:
        print_json({"account_id": account, "kept_in": "keyring" if keyring else "file", "running": served})
        return 0
    whose = f"account {account}" if account else "the account (the studio doesn't tell its id)"
    where = "this machine's keyring" if keyring else f"{settings.state_folder}, in a file for you alone"
    say(f"Signed in to {whose}. The login is kept in {where}.")
    say("The running service takes it up at once." if served else "Next: selftimer doctor, then selftimer run.")
    return 0


def log_out(workspace: Path, *, forget_account: bool, as_json: bool) -> int:
    """Forget."""
    from selftimer.signing import keep_of

    settings = load_settings(workspace)
    keep = keep_of(settings)
    account = settings.account.account_id or keep.account_id()
    with _written(settings):
        forgotten = keep.forget()
        if forget_account:
            keep.unpin()
    if as_json:
        print_json({"forgotten": forgotten, "account_id": None if forget_account else account})
        return 0
    say("The login is forgotten." if forgotten else "There was no login to forget.")
    if account and not forget_account:
        say(f"The workspace is still account {account}'s; --forget-account ends that.")
    for name in ("password", "cookie"):
        if getattr(settings, name) is not None:
            note(f"Note: {settings.where(name)} is still there, and used")
    return 0


@contextmanager
def _written(settings: Settings) -> Iterator[None]:
    """What can't be written is said."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(f"{settings.state_folder} can't be written: {error.strerror}") from error


def _refuse_doubles(settings: Settings) -> None:
    """What the settings say goes before what is stored: storing something that nobody uses would mislead."""
    for name in ("cookie", "password"):
        if getattr(settings, name) is not None:
            raise ConfigError(
                f"{settings.where(name)} goes before what 'selftimer login' keeps: remove it there, then sign in again"
            )


def _by_password(settings: Settings) -> Credentials:
    from selftimer.studio.memory import Credentials

    known, password = settings.account.email or "", ""
    if sys.stdin.isatty():
        sys.stderr.write(f"E-mail address{f' ({known})' if known else ''}: ")
        sys.stderr.flush()
        email = sys.stdin.readline().strip() or known
        with suppress(EOFError):
            password = getpass.getpass("Password: ", stream=sys.stderr) if email else ""
    else:
        lines = sys.stdin.read(_LONGEST).splitlines()
        email = known if known and len(lines) < 2 else (lines.pop(0).strip() if lines else "")
        password = lines.pop(0) if lines else ""
    if not email or not password:
        raise ConfigError(
            "an e-mail address and a password are needed; from a program, write them to standard input, a line each"
        )
    return Credentials(email=email, password=SecretStr(password), hint="try again")


def _by_cookie(settings: Settings) -> Credentials:
    from selftimer.studio.memory import Credentials

    host = urlsplit(settings.account.url).hostname or ""
    if sys.stdin.isatty():
        note(f"Paste the Cookie header of a browser that is signed in to {host}, or one of its requests as cURL,")
        note("then press Enter on an empty line. Nothing of it is shown.")
        text = _paste()
    else:
        text = sys.stdin.read(_LONGEST)
    return Credentials(cookie=SecretStr(cookies_in(text, host)), hint="copy a new one from a browser that is signed in")


def _paste() -> str:
    """Lines up to an empty one, without echo; a terminal's own line editing would cut long lines off at 4096 signs."""
    parts = bytearray()
    number = sys.stdin.fileno()
    with _unseen(number):
        while len(parts) < _LONGEST and (got := os.read(number, 4096)):
            parts += got.replace(b"\r", b"\n")
            if b"\x04" in got or parts.lstrip(b"\n").endswith(b"\n\n"):
                break
    return parts.replace(b"\x04", b"").decode("utf-8", "replace")


@contextmanager
def _unseen(number: int) -> Iterator[None]:
    """The terminal without echo and without line editing; as it was, afterwards."""
    import termios

    before = termios.tcgetattr(number)
    raw = termios.tcgetattr(number)
    raw[3] &= ~(termios.ECHO | termios.ICANON)
    try:
        termios.tcsetattr(number, termios.TCSAFLUSH, raw)
        yield
    finally:
        termios.tcsetattr(number, termios.TCSAFLUSH, before)
