"""Session types, their schedules, what is free, and sessions (studio-api.md, Session types, availability, sessions).

What `check-day-avail`, `check-month-avail` and the overrides answer is not documented: those models are inferred, and
read several spellings.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, model_validator

from selftimer.studio import wire as w
from selftimer.studio.models.base import Entry
from selftimer.studio.wire_models import ScheduleWire, SessionTypeWire, SessionWire


class PaymentMethod(Entry):
    """A way to pay for a session; `id` is a manual one's (inferred)."""

    id: w.Name | None = None
    name: w.Text = None
    enabled: w.Flag = False
    type: w.Text = None
    instructions: w.Text = None


class Tax(Entry):
    """A tax on a session's price, in percent (inferred)."""

    name: w.Text = None
    rate: Decimal | None = None


class Hours(Entry):
    """A span of a day in the schedule's zone, like `09:00` to `24:00`, which is the day's end (inferred)."""

    start_time: w.Text = None
    end_time: w.Text = None


class Interval(Entry):
    """When a schedule is open on a weekday (1 is Monday) or on a date that is different; without hours it is closed.

    Documented is its id (`sa_…`), the rest is inferred.
    """

    id: w.ScheduleIntervalId
    day_of_week: int | None = None
    date: w.Day = None
    intervals: Annotated[tuple[Hours, ...], w.ListOf] = ()


class Schedule(ScheduleWire, Entry):
    """When a session type can be booked, in `display_timezone`."""

    id: w.ScheduleId
    name: w.Text = None
    schedule_type: w.Text = None
    session_type_schedule_intervals: Annotated[tuple[Interval, ...], w.ListOf] = ()


class SessionType(SessionTypeWire, Entry):
    """What can be booked. Amounts are in the smallest unit of `currency`.

    `duration` and the buffers are minutes, notices are days. Buffers, taxes and the questionnaire are inferred.
    """

    description: w.Text = None
    payment_amount_full: w.Minor | None = None
    payment_amount_partial: w.Minor | None = None
    currency: w.Currency | None = None
    collect_payment: w.Flag = False
    minimum_notice_duration: int | None = None
    maximum_notice_duration: int | None = None
    buffer_before_duration: int | None = None
    buffer_after_duration: int | None = None
    payment_methods: Annotated[tuple[PaymentMethod, ...], w.ListOf] = ()
    taxes: Annotated[tuple[Tax, ...], w.ListOf] = ()
    session_type_schedule: Schedule | None = None
    contract_template_id: w.Name | None = None
    auto_send_contract: w.Flag = False
    contract_required_for_booking: w.Flag = False
    questionnaire_template_id: w.Name | None = None
    created_at: w.Stamp = None


class Slot(Entry):
    """A time that can be booked (inferred)."""

    start_at: w.Stamp = Field(default=None, validation_alias=AliasChoices("start_at", "start", "starts_at"))
    end_at: w.Stamp = Field(default=None, validation_alias=AliasChoices("end_at", "end", "ends_at"))


def _rows(value: Any, *names: str) -> Any:
    """A bare list becomes an object with that list; a list under another name comes under the first."""
    if isinstance(value, list):
        return {names[0]: value}
    if isinstance(value, dict) and names[0] not in value:
        for name in names[1:]:
            if isinstance(value.get(name), list):
                return value | {names[0]: value[name]}
    return value


class DayAvailability(Entry):
    """The free times of a day (inferred)."""

    date: w.Day = None
    timezone: w.Text = None
    slots: Annotated[tuple[Slot, ...], w.ListOf] = ()

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        return _rows(value, "slots", "available_slots", "times")


class FreeDay(Entry):
    """A day of a month, and whether anything is free on it (inferred)."""

    date: w.Day
    available: w.Flag = False
    slot_count: int | None = None


class MonthAvailability(Entry):
    """The days of a month (inferred)."""

    month: w.Text = None
    timezone: w.Text = None
    days: Annotated[tuple[FreeDay, ...], w.ListOf] = ()

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        return _rows(value, "days", "dates", "available_days")


class Session(SessionWire, Entry):
    """A booking (inferred). There is no *completed*: that is a confirmed session whose end has passed."""

    updated_at: w.Stamp = None


SessionTypeStatus = Literal["published", "draft"]
