"""The telling lane: notes to the owner go out by every channel that is set, grouped, and never hold up the others.

A note is a row that is written with what it is about; here it only leaves. At most one message a minute and channel:
what came to be meanwhile is in the next, as one digest. A channel that fails is tried again, later and later, for as
long as the note is worth it; what is told and what isn't is in the store, so a restart neither loses nor repeats much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog
from structlog.contextvars import bound_contextvars
from whenever import Instant

from selftimer.errors import TellError
from selftimer.ports import Note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.engine.context import Context
    from selftimer.ports import Notice, Teller, Tx

log = structlog.get_logger(__name__)
GAP = 60
"""Seconds between two messages of a channel."""
MOST = 40
"""Notes that a digest tells in full; of more it says how many there are."""
LONGEST = 600
"""Characters of one note in a digest."""
STALE_HOURS = 24
"""Notes that couldn't be told for so long, or are older than the channel, are in `selftimer status` alone."""
_LONGEST_PAUSE = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """How far a channel has got: the id of the last note that it told, and when it may say more."""

    id: int
    again_at: Instant | None = None
    failures: int = 0

    @classmethod
    def load(cls, value: Any) -> _Told:
        if not isinstance(value, dict):
            return cls(id=0)
        again = value.get("again_at")
        at = Instant.parse_iso(again) if again else None
        return cls(id=int(value.get("id", 0)), again_at=at, failures=int(value.get("failures", 0)))

    def dump(self) -> dict[str, Any]:
        again = self.again_at.format_iso() if self.again_at is not None else None
        return {"id": self.id, "again_at": again, "failures": self.failures}


class Tell:
    """Tells the owner of one studio."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.due_at: Instant = Instant.MIN

    async def step(self, now: Instant) -> Instant:
        """Tell what is there to tell; when it is next wanted (a new note wakes it too)."""
        with bound_contextvars(studio=self._context.studio_id):
            times = [await self._by(teller, now) for teller in self._context.tellers]
        self.due_at = min(times, default=Instant.MAX)
        return self.due_at

    async def _by(self, teller: Teller, now: Instant) -> Instant:
        name, old = f"told:{teller.name}", now.subtract(hours=STALE_HOURS)

        def waiting(tx: Tx) -> tuple[_Told, list[Notice], int, int]:
            told = _Told.load(tx.control.get(name))
            return told, *tx.control.notices_after(told.id, since=old, limit=MOST)

        told, notes, count, last = await self._context.store.read(waiting)
        if not notes:
            return Instant.MAX
        if told.again_at is not None and told.again_at > now:
            return told.again_at
        try:
            await teller.tell(digest_of(notes, count, self._context.facts.name))
        except TellError as error:
            after = self._failed(told, now)
            log.warning("owner.untold", channel=teller.name, error=str(error), notes=count)
        else:
            after = _Told(id=last, again_at=now.add(seconds=GAP))
            log.info("owner.told", channel=teller.name, notes=count)
        await self._context.store.write(lambda tx: tx.control.put(name, after.dump()))
        return after.again_at or Instant.MAX

    @staticmethod
    def _failed(told: _Told, now: Instant) -> _Told:
        pause = min(GAP * 2**told.failures, _LONGEST_PAUSE)
        return replace(told, again_at=now.add(seconds=pause), failures=told.failures + 1)


def digest_of(notes: Sequence[Notice], count: int, studio: str) -> Note:
    """One note as it is, several as a list; of more than are shown, how many."""
    if count == 1:
        return Note(subject=notes[0].subject, text=notes[0].text)
    told = [f"{note.subject}\n{_short(note.text)}" for note in notes]
    more = [f"… and {count - len(notes)} more: `selftimer status` has them."] if count > len(notes) else []
    return Note(subject=f"{studio}: {count} notes from Selftimer", text="\n\n".join([*told, *more]))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} …"
