"""One error tree; foreign errors are mapped into it at the border.

::

    SelftimerError
    ├── ConfigError            selftimer.toml, environment, command line        exit 2
    ├── RuleFileError          rules/, automations/, messages: a list of Problems exit 1
    ├── WorkspaceError         no workspace, locked, not writable               exit 2
    ├── TellError              a note to the owner couldn't be told; told again later
    ├── StoreError
    │   ├── StoreFull          no space left: nothing was committed
    │   └── StoreCorrupt       the file is damaged: stop, keep it, restore
    └── StudioError            an answer, or the lack of one, from the Studio API
        ├── NotApplied         provably had no effect: may be sent again, or never
        │   ├── Unreachable    failed before the request's body left
        │   ├── RateLimited    429 (retry_after seconds)
        │   ├── NotSignedIn    401, 419, login page or redirect to it
        │   ├── NotAllowed     403
        │   ├── NotFound       404
        │   ├── Conflict       409
        │   └── Refused        400, 413, 422: the request itself is wrong (details)
        ├── Unclear            may or may not have had an effect: time-out, reset, 5xx, HTML with 200, 408
        └── Drifted            the answer can't be understood (applied, id unknown, for a 2xx to a write)
            └── ClockApart     the studio's clock and this machine's disagree
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class SelftimerError(Exception):
    """The root: everything that Selftimer raises on purpose."""


class ConfigError(SelftimerError):
    """A setting is missing, unknown or wrong; the message names the file and line."""


class WorkspaceError(SelftimerError):
    """The workspace folder can't be used: not there, locked by another process, not writable."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a file that people edit: where, what, and what to do about it."""

    file: str
    line: int
    column: int
    message: str
    severity: str = "error"
    hint: str = field(default="", compare=False)

    def __str__(self) -> str:
        tail = f"; {self.hint}" if self.hint else ""
        kind = "" if self.severity == "error" else f"{self.severity}: "
        return f"{self.file}:{self.line}:{self.column}: {kind}{self.message}{tail}"


class RuleFileError(SelftimerError):
    """Rule files that can't be used, with every problem at once."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


class TellError(SelftimerError):
    """A note to the owner couldn't be told by one of the ways to them; the message names no address."""


class StoreError(SelftimerError):
    """The database refused; nothing of the transaction was kept."""


class StoreFull(StoreError):  # noqa: N818 - a state, named as the field names it
    """No space left on the device: nothing of the transaction was kept."""


class StoreCorrupt(StoreError):  # noqa: N818 - a state
    """The database file is damaged. Stop, keep the file, restore a backup."""


class StudioError(SelftimerError):
    """An answer of the Studio API that isn't the one asked for. `status` is None where no answer came."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        details: dict[str, Any] | None = None,
        request: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.details = details or {}
        self.request = request

    def __str__(self) -> str:
        where = f" ({self.request})" if self.request else ""
        return f"{self.message}{where}"


class NotApplied(StudioError):  # noqa: N818 - the three kinds that delivery branches on are states
    """The request provably had no effect."""


class Unreachable(NotApplied):
    """No connection, or it broke before the first byte of the body left."""


class RateLimited(NotApplied):
    """429: wait `retry_after` seconds (None where the studio didn't say)."""

    def __init__(self, message: str, *, retry_after: float | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.retry_after = retry_after


class NotSignedIn(NotApplied):
    """No valid session: 401, 419, a redirect to the login page or its HTML with 200 on a read."""


class NotAllowed(NotApplied):
    """403: the account may not do this."""


class NotFound(NotApplied):
    """404 in JSON: there is no such record (an HTML 404 is `Drifted`)."""


class Conflict(NotApplied):
    """409: taken already."""


class Refused(NotApplied):
    """400, 413 or 422: the request is wrong as it stands; `details` maps fields to messages."""


class Unclear(StudioError):  # noqa: N818 - a state
    """It may or may not have happened: time-out, reset, any 5xx, 408, HTML with 200 on a write."""


class Drifted(StudioError):  # noqa: N818 - a state
    """The answer can't be understood. For a 2xx to a write: applied, but its id is unknown."""


class ClockApart(Drifted):
    """The studio's `Date` and this machine's clock are too far apart to say what is new and what is due."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the studio's clock and this machine's are {abs(seconds):,.0f} seconds apart: nothing is taken in and "
            "nothing is sent until they agree; set this machine's clock (a stepped sandbox needs --sandbox-clock)"
        )
