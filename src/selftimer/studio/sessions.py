"""Session types, schedules and sessions (studio-api.md, Session types, availability, sessions)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.primitives.time import check_zone
from selftimer.studio.calls import Group, asked, call
from selftimer.studio.models.bookings import (
    DayAvailability,
    Interval,
    MonthAvailability,
    Schedule,
    Session,
    SessionType,
    SessionTypeStatus,
)
from selftimer.studio.pages import count_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Date, YearMonth

    from selftimer.studio.stream import Stream


def day_in(date: Date, zone: str) -> str:
    """A date in a time zone as paths have it: `2025-8-7-Europe/London`. `ValueError` for a zone that doesn't exist."""
    return f"{date.year}-{date.month}-{date.day}-{check_zone(zone)}"


def month_in(month: YearMonth, zone: str) -> str:
    """A month in a time zone as paths have it: `2025-8-Europe/London`. `ValueError` for a zone that doesn't exist."""
    return f"{month.year}-{month.month}-{check_zone(zone)}"


class SessionTypes(Group):
    """Requests on `/session_types/`: what can be booked, and when it is free."""

    @call("session_type.list")
    def list(self) -> Stream[SessionType]:
        """`GET /session_types/` (documented)."""
        return self._list("session_type.list", SessionType)

    @call("session_type.get")
    async def get(self, type_id: str) -> SessionType:
        """`GET /session_types/{id}` (documented)."""
        return await self._get("session_type.get", SessionType, id=type_id)

    @call("session_type.create")
    async def create(self, fields: Mapping[str, Any]) -> SessionType:
        """`POST /session_types` (documented), once: name, duration (minutes) and the session type's other fields."""
        return await self._put("session_type.create", SessionType, fields)

    @call("session_type.update")
    async def update(self, type_id: str, fields: Mapping[str, Any]) -> SessionType:
        """`PUT /session_types/{id}` (documented), once, with those fields."""
        return await self._put("session_type.update", SessionType, fields, id=type_id)

    @call("session_type.delete")
    async def delete(self, type_id: str) -> None:
        """`DELETE /session_types/{id}` (documented), once."""
        await self._write("session_type.delete", id=type_id)

    @call("session_type.update_status")
    async def update_status(self, type_id: str, status: SessionTypeStatus) -> SessionType:
        """`PUT /session_types/{id}/update_status` (documented): publish it, or make it a draft."""
        return await self._put("session_type.update_status", SessionType, {"status": status}, id=type_id)

    @call("session_type.contract")
    async def use_contract(self, type_id: str, template_id: str) -> SessionType:
        """`PUT /session_types/{id}/templates/contract/{ct}` (documented): bookings get this contract."""
        return await self._put("session_type.contract", SessionType, {}, id=type_id, template_id=template_id)

    @call("session_type.questionnaire")
    async def use_questionnaire(self, type_id: str, template_id: str) -> SessionType:
        """`PUT /session_types/{id}/templates/questionnaire/{qt}` (documented): bookings get this questionnaire."""
        return await self._put("session_type.questionnaire", SessionType, {}, id=type_id, template_id=template_id)

    @call("session_type.taxes")
    async def add_tax(self, type_id: str, fields: Mapping[str, Any]) -> SessionType:
        """`POST /session_types/{id}/taxes` (documented; `name` and `rate` in percent are inferred), once."""
        return await self._put("session_type.taxes", SessionType, fields, id=type_id)

    @call("session_type.day")
    async def free_on(self, type_id: str, date: Date, zone: str) -> DayAvailability:
        """`GET /session_types/{id}/check-day-avail/2025-8-7-Europe/London` (documented; its answer is inferred).

        `ValueError` for a zone that doesn't exist.
        """
        return await self._told("session_type.day", DayAvailability, id=type_id, when=day_in(date, zone))

    @call("session_type.month")
    async def free_in(self, type_id: str, month: YearMonth, zone: str) -> MonthAvailability:
        """`GET /session_types/{id}/check-month-avail/2025-8-Europe/London` (documented; its answer is inferred).

        `ValueError` for a zone that doesn't exist.
        """
        return await self._told("session_type.month", MonthAvailability, id=type_id, when=month_in(month, zone))


class Schedules(Group):
    """Requests on `/session_type_schedules/`: when session types can be booked."""

    @call("schedule.list")
    def list(self) -> Stream[Schedule]:
        """`GET /session_type_schedules/` (documented)."""
        return self._list("schedule.list", Schedule)

    @call("schedule.overrides")
    def overrides(self, schedule_id: str) -> Stream[Interval]:
        """`GET /session_type_schedules/{sch}/interval_overrides/` (documented): dates that are different (inferred)."""
        return self._list("schedule.overrides", Interval, id=schedule_id)

    @call("schedule.overrides_list")
    def overrides_list(self, schedule_id: str) -> Stream[Interval]:
        """`GET /session_type_schedules/{sch}/interval_overrides_list/` (documented): those gone by too (inferred)."""
        return self._list("schedule.overrides_list", Interval, id=schedule_id)

    @call("schedule.update_interval")
    async def update_interval(self, schedule_id: str, interval_id: str, fields: Mapping[str, Any]) -> Interval:
        """`PUT /session_type_schedules/{sch}/session_type_schedule_intervals/{sa}` (documented), once.

        What a body may say is inferred: `intervals`, the hours of that weekday or date, each with `start_time` and
        `end_time`; `overrides`, all dates that are different, each with its `intervals`.
        """
        return await self._put("schedule.update_interval", Interval, fields, id=schedule_id, interval_id=interval_id)


class Sessions(Group):
    """Requests on `/sessions`. The list is documented, its record is inferred."""

    @call("session.list")
    def list(self, *, client_id: str | None = None, status: str | None = None) -> Stream[Session]:
        """`GET /sessions` (documented; the filters are inferred), newest first."""
        return self._list("session.list", Session, asked(client_id=client_id, status=status))

    @call("session.get")
    async def get(self, session_id: str) -> Session:
        """`GET /sessions/{id}` (inferred)."""
        return await self._get("session.get", Session, id=session_id)

    @call("session.inquiries")
    async def inquiries(self) -> int | None:
        """`GET /sessions/inquiry/count` (documented): how many wait for the studio; a cheap change signal."""
        body = await self._read("session.inquiries")
        return count_in(body.content, "count", "inquiry_count")
