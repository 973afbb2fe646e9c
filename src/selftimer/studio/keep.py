"""What is kept of sign-ins in a workspace's state folder, or in the desktop's keyring.

`login.json` is what `selftimer login` was given, `session.json` the cookies of the last session, `account.json` which
account it is and when it was signed in. All are for their owner alone and replaced whole. With the keyring, secrets are
there and nowhere else: `login.json` then only says so.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import SecretStr
from whenever import Instant

from selftimer.errors import ConfigError
from selftimer.studio.memory import Credentials, KeptCookie, KeptSession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import ModuleType

LOGIN, SESSION, ACCOUNT = "login.json", "session.json", "account.json"
SERVICE = "selftimer"
"""Under which the keyring lists it."""
_AGAIN = "run 'selftimer login' again"
_COOKIE_AGAIN = "sign in to the studio in a browser and give Selftimer the new cookie with 'selftimer login --cookie'"


class Keep:
    """The memory of one workspace's sign-ins at one studio (`url`). Implements `selftimer.studio.memory.Memory`.

    What was kept for another address is as if it weren't there. Reading raises `ConfigError` for a file that somebody
    broke and for a keyring that can't be used; writing raises `OSError`.
    """

    def __init__(self, folder: Path, url: str, newest: Callable[[], Credentials | None] | None = None) -> None:
        self._folder = folder
        self._url = url
        self._newest = newest

    # --- what `selftimer login` was given ------------------------------------------------------------------------

    def login_stamp(self) -> int:
        """Another number after somebody signed in or out by hand."""
        try:
            return (self._folder / LOGIN).stat().st_mtime_ns
        except OSError:
            return 0

    def login(self) -> Credentials | None:
        """What `selftimer login` stored; None where there is nothing for this studio."""
        kept = self._secret(LOGIN)
        if kept.get("url") != self._url:
            return None
        cookie, password = kept.get("cookie"), kept.get("password")
        if not cookie and not (kept.get("email") and password):
            return None
        return Credentials(
            email=kept.get("email"),
            password=SecretStr(password) if password else None,
            cookie=SecretStr(cookie) if cookie else None,
            hint=_COOKIE_AGAIN if cookie else _AGAIN,
        )

    def store(self, credentials: Credentials, at: Instant, *, in_keyring: bool) -> None:
        """Store it; what was stored before is forgotten, the session too."""
        self.forget()
        kept = {"url": self._url, "stored_at": at.format_iso()}
        if credentials.cookie is not None:
            kept["cookie"] = credentials.cookie.get_secret_value()
        elif credentials.email and credentials.password is not None:
            kept |= {"email": credentials.email, "password": credentials.password.get_secret_value()}
        if in_keyring:
            _ring_write(self._entry(LOGIN), kept)
            kept = {"keyring": True, "stored_at": at.format_iso()}  # type: ignore[dict-item]  # a flag among texts
        _write(self._folder / LOGIN, kept)

    def forget(self) -> bool:
        """Forget the login and the session, not the account; whether there was anything to forget."""
        ringed = self._in_keyring()
        there = [name for name in (LOGIN, SESSION) if (self._folder / name).exists()]
        for name in (LOGIN, SESSION):
            if ringed:
                _ring_delete(self._entry(name))
            (self._folder / name).unlink(missing_ok=True)
        return bool(there)

    # --- what a sign-in remembers --------------------------------------------------------------------------------

    def newest(self) -> Credentials | None:
        """The credentials as they are now."""
        return self._newest() if self._newest is not None else None

    def session(self, credentials: Credentials) -> KeptSession | None:
        """The session that was opened last with those credentials."""
        kept = self._secret(SESSION)
        if kept.get("url") != self._url or kept.get("for") != _mark(credentials):
            return None
        try:
            cookies = tuple(KeptCookie(**cookie) for cookie in kept["cookies"])
            return KeptSession(cookies=cookies, opened_at=Instant.parse_iso(kept["opened_at"]))
        except (KeyError, TypeError, ValueError):
            return None  # of another version: a sign-in costs less than a question

    def keep(self, credentials: Credentials, session: KeptSession) -> None:
        """Remember it."""
        kept = {
            "url": self._url,
            "for": _mark(credentials),
            "opened_at": session.opened_at.format_iso(),
            "cookies": [asdict(cookie) for cookie in session.cookies],
        }
        if self._in_keyring():
            _ring_write(self._entry(SESSION), kept)
        else:
            _write(self._folder / SESSION, kept)

    def account_id(self) -> str | None:
        """The account that was signed in to first."""
        found = self._account().get("account_id")
        return found if isinstance(found, str) else None

    def pin(self, account_id: str) -> None:
        """Pin it."""
        _write(self._folder / ACCOUNT, {**self._account(), "url": self._url, "account_id": account_id})

    def unpin(self) -> None:
        """Forget which account it is; when it was signed in is kept."""
        self.put_sign_ins(self.sign_ins(), account_id=None)

    def sign_ins(self) -> Sequence[Instant]:
        """When it was signed in, the latest last; whatever can't be read is left out."""
        times = self._account().get("sign_ins")
        found = []
        for text in times if isinstance(times, list) else ():
            with suppress(ValueError):
                found.append(Instant.parse_iso(str(text)))
        return found

    def put_sign_ins(self, times: Sequence[Instant], **changed: str | None) -> None:
        """Remember those instead."""
        kept = {**self._account(), "url": self._url, "sign_ins": [at.format_iso() for at in times], **changed}
        _write(self._folder / ACCOUNT, kept)

    # --- files and the keyring -----------------------------------------------------------------------------------

    def _account(self) -> dict[str, Any]:
        kept = _read(self._folder / ACCOUNT)
        return kept if kept.get("url") == self._url else {}

    def _in_keyring(self) -> bool:
        return bool(_read(self._folder / LOGIN).get("keyring"))

    def _secret(self, name: str) -> dict[str, Any]:
        return _ring_read(self._entry(name)) if self._in_keyring() else _read(self._folder / name)

    def _entry(self, name: str) -> str:
        return f"{self._folder.resolve()}: {name.removesuffix('.json')}"


def _mark(credentials: Credentials) -> str:
    """The same for the same credentials; nothing can be learnt of a password from it."""
    cookie = credentials.cookie.get_secret_value() if credentials.cookie is not None else ""
    return blake2b(f"{credentials.email if not cookie else ''}\n{cookie}".encode(), digest_size=16).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    except orjson.JSONDecodeError:
        raise ConfigError(f"{path} is broken: remove it, and {_AGAIN}") from None
    return found if isinstance(found, dict) else {}


def _write(path: Path, kept: object) -> None:
    """Replace the file whole, for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as out:
            out.write(orjson.dumps(kept))
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)  # half a secret is one too
        raise


def _keyring() -> ModuleType:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise ConfigError(
            "the keyring needs one more package: pip install 'selftimer[keyring]'; or leave --keyring out, then the "
            "login is kept in a file for you alone"
        ) from None
    return keyring


def _ring_read(entry: str) -> dict[str, Any]:
    ring = _keyring()
    try:
        text = ring.get_password(SERVICE, entry)
    except ring.errors.KeyringError as error:
        raise _unusable(error) from None
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        found = {}
    return found if isinstance(found, dict) else {}


def _ring_write(entry: str, kept: object) -> None:
    ring = _keyring()
    try:
        ring.set_password(SERVICE, entry, orjson.dumps(kept).decode())
    except ring.errors.KeyringError as error:
        raise _unusable(error) from None


def _ring_delete(entry: str) -> None:
    ring = _keyring()
    try:
        ring.delete_password(SERVICE, entry)
    except ring.errors.PasswordDeleteError:
        pass
    except ring.errors.KeyringError as error:
        raise _unusable(error) from None


def _unusable(error: Exception) -> ConfigError:
    return ConfigError(
        f"this machine's keyring can't be used ({type(error).__name__}): unlock it, or leave --keyring out, then the "
        "login is kept in a file for you alone"
    )
