"""What the studio offers: session types and opening hours, and how a change of them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.primitives.ids import ScheduleIntervalId, SessionTypeId
from selftimer.sandbox.model import OpenDay, SessionType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Date

    from selftimer.sandbox.model import Schedule
    from selftimer.sandbox.studio import Studio

Hours = list[tuple[int, int]]
"""Spans of minutes since midnight."""


def add_type(world: Studio, **fields: Any) -> SessionType:
    """A new session type. Nobody in the sandbox asks for it by themselves."""
    row = SessionType(
        id=world.new_id(SessionTypeId, "bot"), created_at=world.now, key="", lead_days=(0, 0), weight=0.0, **fields
    )
    world.tables.session_types.add(row)
    world.changed()
    return row


def change_type(world: Studio, kind: SessionType, **fields: Any) -> None:
    """Other fields of a session type; its sessions, which show its name, change with it but keep their times."""
    for name, value in fields.items():
        setattr(kind, name, value)
    world.tables.session_types.touch(kind.id)
    for session in world.tables.sessions:
        if session.type_id == kind.id:
            world.tables.sessions.touch(session.id)
    world.changed()


def set_hours(world: Studio, schedule: Schedule, day: OpenDay, hours: Hours) -> None:
    """Other hours on a weekday or a date; whatever is booked stays booked."""
    day.hours = hours
    _changed(world, schedule)


def set_overrides(world: Studio, schedule: Schedule, different: Mapping[Date, Hours]) -> None:
    """These dates are different, and no others; a date that was there keeps its id."""
    before = schedule.overrides
    schedule.overrides = {}
    for date, hours in sorted(different.items()):
        day = before.get(str(date)) or OpenDay(id=world.new_id(ScheduleIntervalId, schedule.id), date=date)
        day.hours = hours
        schedule.overrides[str(date)] = day
    _changed(world, schedule)


def merged(spans: Sequence[tuple[int, int]]) -> Hours:
    """The spans in order; those that touch or overlap become one."""
    found: Hours = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _changed(world: Studio, schedule: Schedule) -> None:
    world.tables.schedules.touch(schedule.id)
    for kind in world.tables.session_types:
        if kind.schedule_id == schedule.id:
            world.tables.session_types.touch(kind.id)
    world.changed()
