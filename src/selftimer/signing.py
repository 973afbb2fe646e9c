"""Signing in, put together: which credentials count, where they are kept, and a client that uses them.

Beside `selftimer.wiring`, and without the engine: `login` and `doctor` need no service.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from selftimer.errors import ConfigError, SelftimerError
from selftimer.primitives.clock import SystemClock
from selftimer.settings import Settings
from selftimer.studio.api import Studio
from selftimer.studio.endpoints import Endpoints
from selftimer.studio.keep import Keep
from selftimer.studio.memory import Credentials

if TYPE_CHECKING:
    import httpx

    from selftimer.primitives.clock import Clock
    from selftimer.studio.memory import KeptSession
    from selftimer.studio.tour_report import Report

API_PATH = "/api/v1"
"""Below the studio's address (studio-api.md); the settings name the bare address."""
BUDGET = "budget"
"""File of the state folder: the requests per minute that all processes of a workspace share."""


def base_url(settings: Settings) -> str:
    """Where the API is."""
    return f"{settings.account.url}{API_PATH}"


def keep_of(settings: Settings) -> Keep:
    """What the workspace remembers of sign-ins; it reads settings and stored login again whenever it is asked."""

    def newest() -> Credentials | None:
        try:
            return credentials_of(Settings.load(settings.workspace), keep)
        except SelftimerError:
            return None  # half-written settings, a locked keyring: those that are in use go on

    keep = Keep(settings.state_folder, settings.account.url, newest)
    return keep


def credentials_of(settings: Settings, keep: Keep | None) -> Credentials:
    """Those of the settings, else what `selftimer login` stored; `ConfigError` where there are none."""
    if settings.cookie is not None:
        where = settings.where("cookie")
        hint = f"sign in to the studio in a browser and put the new cookie in {where}, or remove it there and "
        return Credentials(cookie=settings.cookie, hint=f"{hint}use 'selftimer login --cookie'")
    if settings.password is not None and settings.account.email:
        return Credentials(
            email=settings.account.email,
            password=settings.password,
            hint="check SELFTIMER_EMAIL and SELFTIMER_PASSWORD",
        )
    stored = keep.login() if keep is not None else None
    if stored is None:
        lacking = "SELFTIMER_EMAIL is" if settings.password is not None else "the studio's e-mail and password are"
        raise ConfigError(
            f"{lacking} missing: run 'selftimer login', or set SELFTIMER_EMAIL and SELFTIMER_PASSWORD in .env"
        )
    return stored


def open_studio(
    settings: Settings,
    credentials: Credentials,
    keep: Keep | None,
    *,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    seed: int | None = None,
    guest: bool = False,
) -> Studio:
    """The account's client. `clock`, `transport` and `seed` (of the jitter) are given by simulations and tests.

    On the machine's clock it shares the requests per minute with the workspace's other processes; a `guest` leaves
    half of each burst to the service.
    """
    return Studio(
        credentials,
        clock or SystemClock(),
        random.Random(seed),
        base_url=base_url(settings),
        account_id=settings.account.account_id,
        requests_per_minute=settings.account.requests_per_minute,
        endpoints=Endpoints(settings.account.endpoints),
        budget=settings.state_folder / BUDGET if clock is None else None,
        guest=guest,
        transport=transport,
        memory=keep,
    )


async def tour(
    settings: Settings, *, clock: Clock | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> Report:
    """A read-only tour over the account; `StudioError` where there is no session to be had."""
    from selftimer.studio.tour import Tour  # with all that is known of every field: a service needs none of it

    keep = keep_of(settings)
    studio = open_studio(settings, credentials_of(settings, keep), keep, clock=clock, transport=transport, guest=True)
    try:
        return await Tour(studio, clock or SystemClock()).run()
    finally:
        await studio.aclose()


async def sign_in(
    settings: Settings,
    credentials: Credentials,
    *,
    in_keyring: bool = False,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> str | None:
    """Try the credentials and store them if they are good; the account's id, None where the studio doesn't tell it.

    `NotSignedIn` where they are not, or are another account's than the one that this workspace began with.
    """
    time = clock or SystemClock()
    trial = _Trial(settings.state_folder, settings.account.url)
    studio = open_studio(settings, credentials, trial, clock=clock, transport=transport)
    try:
        await studio.account()
        trial.store(credentials, time.now(), in_keyring=in_keyring)
        trial.good = True
    finally:
        await studio.aclose()  # which keeps the session, if it is one
    return studio.account_id


class _Trial(Keep):
    """A memory for credentials on trial: an older session says nothing about them, and theirs is kept if they are good.

    Which account it is, and how often it was signed in, counts in any case.
    """

    good = False

    def session(self, credentials: Credentials) -> KeptSession | None:  # noqa: ARG002 - the protocol's signature
        """None."""
        return None

    def keep(self, credentials: Credentials, session: KeptSession) -> None:
        """Once they are stored."""
        if self.good:
            super().keep(credentials, session)
