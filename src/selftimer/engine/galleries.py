"""Galleries: no list shows all of them, so they are looked for client by client, where one is to be expected.

Each client whose session ended in the last 120 days is looked at once a day, at an hour of their own, so that the looks
are spread over the day; before the session once, so that what is there already is known. A row says when. Only where a
rule asks for galleries is anybody looked at.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from whenever import Instant

from selftimer.engine.gather import Gather
from selftimer.engine.intake import Intake
from selftimer.engine.world import parsed
from selftimer.errors import NotFound, StudioError
from selftimer.facts.derive import session_end
from selftimer.facts.records import Kind, Session
from selftimer.plan.looks import GALLERY_DAYS, slot_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.engine.context import Context
    from selftimer.facts.records import RawRecord
    from selftimer.facts.stored import Look
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
AT_ONCE = 5
"""Clients in one step: of a day's looks that were missed not all come at once."""
PAUSE = 60
"""Seconds until the next few."""
AGAIN = 3_600
"""Seconds until a look that failed is tried again."""
NEVER = Instant.MAX


class GalleryLooks:
    """Looks at those who are due, a few at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rests_until = Instant.MIN

    async def step(self, now: Instant, *, everywhere: bool = False) -> Instant:
        """Look at a few of those who are due, or `everywhere` at all at once; when the next look is due."""
        if not self._context.rules.ask_for_galleries:
            return NEVER
        if now < self._rests_until and not everywhere:
            return self._rests_until
        until, most = (NEVER, 1_000_000) if everywhere else (now, AT_ONCE)
        due = await self._context.store.read(lambda tx: tx.looks.due(until, most))
        for look in due:
            await self._look(look, now)
            self._context.crash_point("observe.gallery")
        following = await self._context.store.read(lambda tx: tx.looks.next_due())
        if following is None:
            return NEVER
        if following <= now:  # more than a few are due
            self._rests_until = following = now.add(seconds=PAUSE)
        return following

    async def _look(self, look: Look, now: Instant) -> None:
        past, coming = await self._context.store.read(lambda tx: _sessions(tx, self._context, look.client_id, now))
        wanted = now if past else coming
        following = slot_after(look.client_id, wanted) if wanted is not None else None
        if not past and (look.looked_at is not None or coming is None):
            await self._context.store.write(lambda tx: _put(tx, look, following))
            return
        try:
            found = await self._context.api.galleries(look.client_id)
        except NotFound:
            await self._context.store.write(lambda tx: tx.looks.drop(look.client_id))
            return
        except StudioError as error:
            log.warning("gallery.unread", client=look.client_id, error=type(error).__name__)
            later = replace(look, due_at=now.add(seconds=AGAIN))
            await self._context.store.write(lambda tx: tx.looks.put(later))
            return
        await self._take(look, found, following, now)

    async def _take(self, look: Look, found: Sequence[RawRecord], following: Instant | None, now: Instant) -> None:
        ids = [raw.id for raw in found]
        known = await self._context.store.read(lambda tx: tx.records.digests(Kind.GALLERY, ids))
        changes = await Gather(self._context, now).parse([raw for raw in found if known.get(raw.id) != raw.digest])

        def take(tx: Tx) -> None:
            intake = Intake(tx, self._context, now, 0)
            if changes:
                intake.apply(changes)
            absent = set(tx.records.ids_of_client(Kind.GALLERY, look.client_id)).difference(ids)
            for gone in sorted(absent.intersection(look.absent)):
                record = intake.matcher.desk.world.get(Kind.GALLERY, gone)
                if record is not None:
                    intake.gone(record)
            left = tuple(sorted(absent.difference(look.absent)))
            _put(tx, replace(look, looked_at=now, absent=left), following)

        await self._context.store.write(take)
        log.info("gallery.looked", client=look.client_id, galleries=len(found), changed=len(changes))


def _put(tx: Tx, look: Look, following: Instant | None) -> None:
    """The next look; without one the client is forgotten until a session brings them back."""
    if following is None:
        tx.looks.drop(look.client_id)
    else:
        tx.looks.put(replace(look, due_at=following))


def _sessions(tx: Tx, context: Context, client_id: str, now: Instant) -> tuple[bool, Instant | None]:
    """Whether a session of the client ended in the last 120 days, and when the next one that is to come ends."""
    rows = (parsed(context.api, stored) for stored in tx.records.of_client(Kind.SESSION, client_id))
    ends = [session_end(row) for row in rows if isinstance(row, Session) and row.status == "confirmed"]
    since = now.subtract(hours=24 * GALLERY_DAYS)
    past = any(end is not None and since < end <= now for end in ends)
    return past, min((end for end in ends if end is not None and end > now), default=None)
