"""`repeat:`: whether a rule may begin again (rule-language.md, On a rule)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.primitives.time import move

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.rulebook.model import Rule
    from selftimer.rulebook.scope import Scope


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn a run takes: no other with this `key` may have its start after `since` (ever, where None)."""

    key: str
    since: Instant | None


def turn_of(rule: Rule, scope: Scope, subject_id: str, zone: str, start: Instant) -> Turn | None:
    """The turn that a run with that `start` would take; None where each occurrence stands for itself.

    Counted from start to start, not by when a run was begun: a tick three days after another is three days after it,
    however many seconds either took.
    """
    repeat = rule.repeat
    if not repeat.once and repeat.after is None:
        return None
    key = subject_id
    if repeat.per is not None:
        value: object = scope
        for name in repeat.per:
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        if repeat.per == ("client",):
            value = scope.client.id if scope.client else None
        # An absent value is nobody else's: each subject then stands for itself.
        key = f"={str(value).strip().casefold()}" if value is not None else subject_id
    if rule.mode == "dry_run":
        key = f"dry|{key}"  # what was only tried out takes nobody's turn (19)
    since = move(start, repeat.after, -1, zone) if repeat.after is not None else None
    return Turn(key, since)
