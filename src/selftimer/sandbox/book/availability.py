"""When a session can be booked: opening hours less what is booked already (studio-api.md, Session types, availability).

A slot is offered where the whole session lies within one span of the schedule's hours on that day, in the schedule's
own zone; where it begins between the minimum and the maximum notice; and where the pause to each session that is
pending or confirmed is at least the longer of the two types' buffers between them. Slots begin on a grid of half hours
from the opening (of the session's length where that is shorter), counted in elapsed time, so that a day with a
change of the clocks has an hour's slots more or less.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from whenever import Instant, Time

from selftimer.primitives.time import from_micros, local, start_of_day, to_micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whenever import Date

    from selftimer.sandbox.model import Schedule, SessionType
    from selftimer.sandbox.studio import Studio

GRID = 30
"""Minutes between two slots' beginnings, for sessions that are at least as long."""
DAY = 1440
"""Minutes of a day; no session and no buffer is longer."""
_MINUTE = 60_000_000
_BLOCKING = ("pending", "confirmed")
_NOBODY = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked."""

    start_at: Instant
    end_at: Instant


@dataclass(frozen=True, slots=True)
class _Booking:
    """A session that is in the way, and what it wants around it; all in microseconds."""

    start: int
    end: int
    before: int
    after: int
    session_id: str


class Calendar:
    """What is free for one session type; `moving` is a session that isn't in its own way."""

    def __init__(self, world: Studio, kind: SessionType, *, moving: str = _NOBODY) -> None:
        self._world = world
        self._kind = kind
        self._schedule: Schedule = world.tables.schedules.rows[kind.schedule_id]
        self._moving = moving
        self._bookings: Sequence[_Booking] = world.tables.sessions.kept(
            ("bookings", world.tables.session_types.version), lambda: _bookings(world)
        )

    def day(self, date: Date, zone: str) -> list[Slot]:
        """The slots that are offered and begin on that date of that zone, in order."""
        start, end = start_of_day(date, zone), start_of_day(date.add(days=1), zone)
        return [slot for slot in self._between(start, end) if self._in_notice(slot)] if self._bookable else []

    def offers(self, start_at: Instant) -> bool:
        """Whether a slot is offered that begins just then."""
        date = start_at.to_tz(self._schedule.zone).date()
        return any(slot.start_at == start_at for slot in self.day(date, self._schedule.zone))

    def free_by_hand(self, start_at: Instant) -> bool:
        """Whether the studio itself can take a session just then: within its hours and free, whatever the notices."""
        return any(slot.start_at == start_at for slot in self._free_on(start_at.to_tz(self._schedule.zone).date()))

    def nearest(self, wish: Instant, *, within_days: int, by_hand: bool = False) -> Instant | None:
        """The beginning of the free slot nearest to a wish, on the nearest day that has any; None if there is none.

        By hand the studio may look beyond the notices, but never into the past.
        """
        zone = self._schedule.zone
        date = wish.to_tz(zone).date()
        for distance in range(within_days + 1):
            for sign in (1, -1) if distance else (1,):
                day = date.add(days=sign * distance)
                free = self._free_on(day) if by_hand else self.day(day, zone)
                if free:
                    wished = local(day, wish.to_tz(zone).time(), zone).to_instant()
                    return min(free, key=lambda slot: abs((slot.start_at - wished).total("seconds"))).start_at
        return None

    @property
    def _bookable(self) -> bool:
        return self._kind.status == "published" and not self._kind.deleted

    def _free_on(self, date: Date) -> list[Slot]:
        return [slot for slot in self._open_on(date) if slot.start_at > self._world.now]

    def _between(self, start: Instant, end: Instant) -> Iterator[Slot]:
        """The free slots that begin from `start` to before `end`; the schedule's dates are its own zone's."""
        date = start.to_tz(self._schedule.zone).date()
        while start_of_day(date, self._schedule.zone) < end:
            yield from (slot for slot in self._open_on(date) if start <= slot.start_at < end)
            date = date.add(days=1)

    def _open_on(self, date: Date) -> Iterator[Slot]:
        """The free slots of a date of the schedule."""
        zone = self._schedule.zone
        length = self._kind.duration * _MINUTE
        step = min(GRID * _MINUTE, length)
        for opening, closing in self._schedule.on(date).hours:
            start, close = (to_micros(at_minute(date, minute, zone)) for minute in (opening, closing))
            near = self._near(start, close)
            while start + length <= close:
                if self._free(start, start + length, near):
                    yield Slot(from_micros(start), from_micros(start + length))
                start += step

    def _near(self, start: int, end: int) -> Sequence[_Booking]:
        """The bookings that could be in the way of anything between."""
        reach = 2 * DAY * _MINUTE
        first = bisect_left(self._bookings, start - reach, key=attrgetter("start"))
        last = bisect_left(self._bookings, end + reach, lo=first, key=attrgetter("start"))
        return self._bookings[first:last]

    def _free(self, start: int, end: int, near: Sequence[_Booking]) -> bool:
        before, after = self._kind.buffer_before * _MINUTE, self._kind.buffer_after * _MINUTE
        return all(
            booking.session_id == self._moving
            or end + max(after, booking.before) <= booking.start
            or start - max(before, booking.after) >= booking.end
            for booking in near
        )

    def _in_notice(self, slot: Slot) -> bool:
        now = self._world.now
        first = now.add(hours=24 * self._kind.minimum_notice)
        return max(now, first) <= slot.start_at <= now.add(hours=24 * self._kind.maximum_notice)


def at_minute(date: Date, minute: int, zone: str) -> Instant:
    """That many minutes after local midnight by the clock on the wall; 1440 is the next day's first instant."""
    if minute >= DAY:
        return start_of_day(date.add(days=1), zone)
    return local(date, Time(*divmod(minute, 60)), zone).to_instant()


def _bookings(world: Studio) -> list[_Booking]:
    """What blocks, in order; what was over a day before this was asked can't be in anybody's way."""
    found = []
    for row in world.tables.sessions:
        if row.status in _BLOCKING and row.end_at > world.now.subtract(hours=24):
            kind = world.tables.session_types.rows[row.type_id]
            start, end = to_micros(row.start_at), to_micros(row.end_at)
            found.append(_Booking(start, end, kind.buffer_before * _MINUTE, kind.buffer_after * _MINUTE, row.id))
    return sorted(found, key=attrgetter("start", "session_id"))
