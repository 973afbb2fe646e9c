"""The studio's errors as outcomes of an attempt (delivery.md §1, Classify)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.errors import (
    Conflict,
    Drifted,
    NotAllowed,
    NotApplied,
    NotFound,
    RateLimited,
    Refused,
    StudioError,
    Unclear,
)
from selftimer.plan.attempt import NotSent, Outcome, SentUnnamed, Unsure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_FOR_GOOD = (Refused, NotAllowed, NotFound, Conflict)
"""The same request again would be refused again."""


def outcome_of(error: StudioError) -> Outcome:
    """What an error says about a write."""
    if isinstance(error, RateLimited):
        return NotSent(reason=error.message, retry_after=error.retry_after)
    if isinstance(error, NotApplied):
        return NotSent(reason=_said(error), permanent=isinstance(error, _FOR_GOOD))
    if isinstance(error, Drifted):
        return SentUnnamed(reason=error.message)
    return Unsure(reason=error.message)


def _said(error: StudioError) -> str:
    """The sentence of a refusal, with the fields that it names."""
    named = ", ".join(sorted(map(str, error.details)))
    return f"{error.message} ({named})" if named else error.message


async def attempt(send: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Carry out one attempt; whatever the studio does becomes an outcome."""
    try:
        return await send()
    except StudioError as error:
        return outcome_of(error)


async def readable(look: Callable[[], Awaitable[list[str]]]) -> list[str] | None:
    """Carry out a look; None if the studio couldn't be read."""
    try:
        return await look()
    except (NotApplied, Unclear, Drifted):
        return None
