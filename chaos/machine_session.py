"""The sign-in against a small studio: expiry in every form, a budget of logins, one account (delivery.md §4).

The product's client (`studio/api.py`: its auth, transport and kept session) talks to a server that knows its sessions;
beside them a few variables say what each read has to come to.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pydantic import SecretStr

from chaos.outside import T0
from selftimer.errors import StudioError
from selftimer.facts.records import Kind
from selftimer.primitives.clock import VirtualClock
from selftimer.studio import Credentials, Studio
from selftimer.studio.keep import Keep

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.facts.records import RawRecord

BASE = "http://studio.test/api/v1"
CLIENT = "cl_" + "C" * 30
LOGIN_PAGE = (
    '<html><head><meta name="csrf-token" content="t"></head><body><form><input type="password" name="password"></form>'
)
MOST, HOUR = 3, 3_600
DOUBT = 120
"""Seconds around an hour after a login in which either answer is right: retries take a few."""
_PLACES = Path("/dev/shm")
"""Memory where there is some: nothing here has to survive."""


class Server:
    """The studio: who signed in, as which account, and how it says that somebody isn't."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.sessions: dict[str, str] = {}
        """Token → account."""
        self.account = "acc_1"
        self.password = "right"
        self.expiry = "401"
        self.trouble: str | None = None
        """`down`: 503 for all; `login lost`: a login is carried out and its answer lost."""
        self.logins: list[Instant] = []
        """POSTs of the login that a studio would count: not those that it answered with 503."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        if self.trouble == "down":
            return httpx.Response(503, json={})
        if request.url.path == "/login":
            return self._login(request)
        account = self.sessions.get(_cookie(request))
        if account is None:
            return self._expired()
        if request.url.path.endswith("/notifications/all"):
            return httpx.Response(200, json={"data": {"account_id": account}})
        return httpx.Response(200, json={"data": {"id": CLIENT, "email": f"anna@{account}.example"}})

    def _login(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, html=LOGIN_PAGE)
        self.logins.append(self.clock.now())
        if f"password={self.password}" not in request.content.decode():
            return httpx.Response(302, headers={"location": "/login"})
        token = f"s{len(self.logins)}"
        self.sessions[token] = self.account
        if self.trouble == "login lost":
            raise httpx.ReadError("cut", request=request)
        return httpx.Response(302, headers={"location": "/dashboard", "set-cookie": f"session={token}; path=/"})

    def _expired(self) -> httpx.Response:
        match self.expiry:
            case "redirect":
                return httpx.Response(302, headers={"location": "/login"})
            case "login page":
                return httpx.Response(200, html=LOGIN_PAGE)
            case status:
                return httpx.Response(int(status), json={"message": "Unauthenticated."})


def _cookie(request: httpx.Request) -> str:
    pairs = (pair.partition("=") for pair in request.headers.get("cookie", "").split("; "))
    return next((value for name, _, value in pairs if name == "session"), "")


class SessionMachine(RuleBasedStateMachine):
    """Reads, sessions that end, passwords and accounts that change, a studio that is down, and new processes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(prefix="selftimer-session-", dir=_PLACES if _PLACES.is_dir() else None)
        self.loop = asyncio.new_event_loop()
        self.clock = VirtualClock(T0)
        self.server = Server(self.clock)
        self.token: str | None = None
        """The session that the client has, as far as it should know."""
        self.kept: str | None = None
        """And the one that a new process would find."""
        self.pinned: str | None = None
        self.refused: tuple[Instant, str] | None = None
        """Since when this process knows that asking again is of no use, and why."""
        self.studio = self._studio()

    def _studio(self) -> Studio:
        return Studio(
            Credentials(email="kim@studio.test", password=SecretStr("right")),
            self.clock,
            Random(1),
            base_url=BASE,
            requests_per_minute=60_000,
            transport=httpx.MockTransport(self.server.answer),
            memory=Keep(Path(self.folder.name), BASE),
        )

    def teardown(self) -> None:
        """Close it all."""
        self.loop.run_until_complete(self.studio.aclose())
        self.loop.close()
        self.folder.cleanup()

    # --- what happens at the studio ----------------------------------------------------------------------------------

    @rule(how=st.sampled_from(["401", "419", "redirect", "login page"]))
    def every_session_ends(self, how: str) -> None:
        """And this is how the studio says so."""
        self.server.sessions.clear()
        self.server.expiry = how

    @rule(password=st.sampled_from(["right", "right", "new"]))
    def set_password(self, password: str) -> None:
        """The owner changes it, or back."""
        self.server.password = password

    @rule(account=st.sampled_from(["acc_1", "acc_1", "acc_2"]))
    def set_account(self, account: str) -> None:
        """The same credentials lead to another account from now on; older sessions stay what they were."""
        self.server.account = account

    @rule(trouble=st.sampled_from([None, None, None, "down", "login lost"]))
    def set_trouble(self, trouble: str | None) -> None:
        """Something is wrong, or nothing is any more."""
        self.server.trouble = trouble

    @rule(minutes=st.sampled_from([1, 10, 25, 40, 63, 130]))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.clock.move_to(self.clock.now().add(seconds=60 * minutes))

    @rule()
    def restart(self) -> None:
        """Another process, with what the last one kept."""
        self.loop.run_until_complete(self.studio.aclose())
        self.studio = self._studio()
        self.token, self.refused = self.kept, None

    # --- what the service does ---------------------------------------------------------------------------------------

    @rule(together=st.integers(1, 3))
    def read(self, together: int) -> None:
        """So many reads at once: all get the pinned account's data, or all hear why not."""
        logins, wanted = len(self.server.logins), self._wanted()
        outcomes = self.loop.run_until_complete(self._read(together))
        new = len(self.server.logins) - logins
        data = [outcome for outcome in outcomes if isinstance(outcome, dict)]
        said = {"data" if isinstance(outcome, dict) else str(outcome.code) for outcome in outcomes}
        if self.server.trouble == "down":
            assert not data
            assert new == 0, "a login that can't be"
            return
        if new and data:
            self.token = self.kept = f"s{len(self.server.logins)}"
        if data:
            self.pinned = self.pinned or self.server.sessions[self.token or ""]
        for found in data:
            assert found["email"] == f"anna@{self.pinned}.example", "another account's data"
        if self.server.trouble is None:
            assert new <= 1, "not one flight"
            assert len(said) == 1, f"one question, several answers: {said}"
            assert wanted is None or (*said, new) == wanted, f"{said} by {new} logins, not {wanted}"
        self._learn(said, new)

    async def _read(self, together: int) -> list[dict[str, object] | StudioError]:
        async def one() -> dict[str, object] | StudioError:
            try:
                found: tuple[RawRecord, ...] = await self.studio.record(Kind.CLIENT, CLIENT)
            except StudioError as error:
                return error
            return found[0].raw

        return list(await asyncio.gather(*(one() for _ in range(together))))

    def _wanted(self) -> tuple[str, int] | None:
        """(what every read has to come to, how many logins it takes); None where either answer is right."""
        now, server = self.clock.now(), self.server
        if self.token in server.sessions and self.refused is None:
            return "data", 0
        if self.refused is not None and (now - self.refused[0]).total("seconds") < HOUR - DOUBT:
            return self.refused[1], 0
        ages = [(now - at).total("seconds") for at in server.logins]
        if self.refused is not None or any(abs(age - HOUR) < DOUBT for age in ages):
            return None
        if sum(age < HOUR for age in ages) >= MOST:
            return "too_many_logins", 0
        if server.password != "right":
            return "wrong_credentials", 1
        if self.pinned not in {None, server.account}:
            return "wrong_account", 1
        return "data", 1

    def _learn(self, said: set[str], new: int) -> None:
        """What the client should know now."""
        if "data" in said:
            self.refused = None
            return
        self.token = None
        for code in said & {"wrong_credentials", "wrong_account"}:
            if new or self.refused is None:
                self.refused = (self.clock.now(), code)

    # --- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def at_most_three_logins_in_any_hour(self) -> None:
        """Over all processes, and whatever went wrong."""
        times = self.server.logins
        for first, fourth in zip(times, times[MOST:], strict=False):
            assert (fourth - first).total("seconds") >= HOUR, f"{MOST + 1} logins within an hour of {first}"

    @invariant()
    def the_account_that_was_seen_first_is_the_only_one(self) -> None:
        """Whatever the credentials lead to now."""
        if self.pinned is not None:
            assert self.studio.account_id == self.pinned
