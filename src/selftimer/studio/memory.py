"""What outlives the process of a sign-in: the session's cookies, the account, and when it was signed in.

Without it every start would sign in anew, and a service that is restarted in a loop would get round the three sign-ins
an hour (delivery.md §4). `selftimer.studio.keep` keeps it in the workspace; nothing is kept where nobody asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from selftimer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr
    from whenever import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """E-mail and password of the studio's web login, or the `Cookie` header of a session that somebody signed in.

    `hint` says where they came from and what to do about them, for the sentences that the owner reads.
    """

    email: str | None = None
    password: SecretStr | None = None
    cookie: SecretStr | None = None
    hint: str = field(default="check SELFTIMER_EMAIL and SELFTIMER_PASSWORD", compare=False)

    def __post_init__(self) -> None:
        if self.cookie is None and not (self.email and self.password):
            raise ConfigError(f"the studio's e-mail and password, or a session cookie, are missing; {self.hint}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCookie:
    """A cookie of a session; `expires` in seconds since 1970, None for one that ends with the browser."""

    name: str
    value: str = field(repr=False)
    domain: str
    path: str = "/"
    expires: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSession:
    """A session that was opened, by its cookies."""

    cookies: tuple[KeptCookie, ...]
    opened_at: Instant


class Memory(Protocol):
    """What a sign-in remembers. An `OSError` of what writes is reported and doesn't stop the sign-in."""

    def newest(self) -> Credentials | None:
        """The credentials as they are now: somebody may have given others meanwhile. None where they can't be had."""
        ...

    def session(self, credentials: Credentials) -> KeptSession | None:
        """The session that was opened last with those credentials."""
        ...

    def keep(self, credentials: Credentials, session: KeptSession) -> None:
        """Remember it."""
        ...

    def account_id(self) -> str | None:
        """The pinned account."""
        ...

    def pin(self, account_id: str) -> None:
        """Pin it."""
        ...

    def sign_ins(self) -> Sequence[Instant]:
        """When it was signed in, the latest last."""
        ...

    def put_sign_ins(self, times: Sequence[Instant]) -> None:
        """Remember those instead."""
        ...


@dataclass(slots=True)
class Forgetful:
    """A memory for one process only."""

    times: list[Instant] = field(default_factory=list)

    def newest(self) -> Credentials | None:
        """None: they stay what they are."""
        return None

    def session(self, credentials: Credentials) -> KeptSession | None:  # noqa: ARG002 - the protocol's signature
        """None."""
        return None

    def keep(self, credentials: Credentials, session: KeptSession) -> None:
        """Nothing is kept."""

    def account_id(self) -> str | None:
        """None."""
        return None

    def pin(self, account_id: str) -> None:
        """Nothing is kept."""

    def sign_ins(self) -> Sequence[Instant]:
        """Those of this process."""
        return self.times

    def put_sign_ins(self, times: Sequence[Instant]) -> None:
        """Until the process ends."""
        self.times = list(times)
