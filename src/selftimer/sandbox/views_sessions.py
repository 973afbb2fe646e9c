"""The JSON of session types, schedules, availability and sessions (studio-api.md, the section of that name).

Buffers, taxes and the questionnaire of a session type, the shape of hours and of what is free, and the whole session
are inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.model import SessionStatus, SessionTypeStatus
from selftimer.sandbox.money_words import formatted
from selftimer.sandbox.view_types import Count, Currency, Day, FromOne, MinorFromZero, Stamp, closed
from selftimer.sandbox.views import ClientBrief, client_brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whenever import Date

    from selftimer.sandbox import model
    from selftimer.sandbox.book import availability
    from selftimer.sandbox.studio import Studio

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$", examples=["09:00"])]
"""A time on the wall; 24:00 is the end of the day."""
Minutes = Annotated[int, Field(ge=0, le=1440)]
"""A length of at most a day."""
Days = Annotated[int, Field(ge=0, le=3650)]
"""Whole days of 24 hours."""


@closed
class Hours(TypedDict):
    """A span of a day in which the studio is open, in the schedule's zone."""

    start_time: Clock
    end_time: Clock


@closed
class Interval(TypedDict):
    """When a schedule is open on a weekday (1 is Monday) or on one date; without hours it is closed."""

    id: str
    day_of_week: Annotated[int, Field(ge=1, le=7)] | None
    date: Day | None
    intervals: list[Hours]


@closed
class Schedule(TypedDict):
    """Opening hours: seven weekdays. Dates that are different are `interval_overrides`."""

    id: str
    name: str
    schedule_type: Literal["weekly"]
    display_timezone: str
    session_type_schedule_intervals: list[Interval]


@closed
class WayToPay(TypedDict):
    """A way to pay for a session; `id` is null for the cards that the product takes itself."""

    id: str | None
    name: str
    enabled: bool
    type: str
    instructions: str | None


@closed
class Tax(TypedDict):
    """A tax on a session's price, in percent."""

    name: str
    rate: Annotated[float, Field(ge=0, le=100)]


@closed
class SessionType(TypedDict):
    """What can be booked; lengths and buffers in minutes, notices in days."""

    id: str
    name: str
    status: SessionTypeStatus
    duration: FromOne
    location: str | None
    description: str
    payment_amount_full: MinorFromZero
    payment_amount_full_formatted: str
    payment_amount_partial: MinorFromZero
    payment_amount_partial_formatted: str
    currency: Currency
    collect_payment: bool
    minimum_notice_duration: Days
    maximum_notice_duration: Days
    buffer_before_duration: Minutes
    buffer_after_duration: Minutes
    payment_methods: list[WayToPay]
    taxes: list[Tax]
    session_type_schedule: Schedule
    contract_template_id: str | None
    auto_send_contract: bool
    contract_required_for_booking: bool
    questionnaire_template_id: str | None
    created_at: Stamp


@closed
class TypeOfSession(TypedDict):
    """A session's type in short."""

    id: str
    name: str
    duration: FromOne


@closed
class Session(TypedDict):
    """A session; a confirmed one whose end has passed took place."""

    id: str
    status: SessionStatus
    start_at: Stamp
    end_at: Stamp
    timezone: str
    location: str | None
    created_at: Stamp
    updated_at: Stamp
    client: ClientBrief | None
    session_type: TypeOfSession
    invoice_id: str | None
    contract_id: str | None
    questionnaire_id: str | None


@closed
class Slot(TypedDict):
    """A time that can be booked; `time` is its beginning on the wall in the zone that was asked in."""

    start_at: Stamp
    end_at: Stamp
    time: Clock


@closed
class DayAvailability(TypedDict):
    """What is free on a date of a zone, in order."""

    date: Day
    timezone: str
    slots: list[Slot]


@closed
class DayInMonth(TypedDict):
    """How much is free on a date."""

    date: Day
    available: bool
    slot_count: Count


@closed
class MonthAvailability(TypedDict):
    """The days of a month, all of them, in a zone."""

    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    timezone: str
    days: list[DayInMonth]


def interval(row: model.OpenDay) -> Interval:
    """The hours of a weekday or a date."""
    return {
        "id": row.id,
        "day_of_week": row.weekday,
        "date": str(row.date) if row.date else None,
        "intervals": [{"start_time": clock(start), "end_time": clock(end)} for start, end in row.hours],
    }


def clock(minute: int) -> str:
    """`09:30` for 570 minutes after midnight."""
    return "{:02}:{:02}".format(*divmod(minute, 60))


def schedule(row: model.Schedule) -> Schedule:
    """A schedule with its week."""
    return {
        "id": row.id,
        "name": row.name,
        "schedule_type": "weekly",
        "display_timezone": row.zone,
        "session_type_schedule_intervals": [interval(day) for day in row.week],
    }


def session_type(world: Studio, row: model.SessionType) -> SessionType:
    """A session type with its schedule."""
    currency = world.profile.currency
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "duration": row.duration,
        "location": row.location or None,
        "description": row.description,
        "payment_amount_full": row.price,
        "payment_amount_full_formatted": formatted(row.price, currency),
        "payment_amount_partial": row.deposit,
        "payment_amount_partial_formatted": formatted(row.deposit, currency),
        "currency": currency,
        "collect_payment": row.collect_payment,
        "minimum_notice_duration": row.minimum_notice,
        "maximum_notice_duration": row.maximum_notice,
        "buffer_before_duration": row.buffer_before,
        "buffer_after_duration": row.buffer_after,
        "payment_methods": [
            {
                "id": way.id,
                "name": way.name,
                "enabled": way.enabled,
                "type": way.type,
                "instructions": way.instructions or None,
            }
            for way in row.payment_methods
        ],
        "taxes": [{"name": tax.name, "rate": tax.rate / 100} for tax in row.taxes],
        "session_type_schedule": schedule(world.tables.schedules.rows[row.schedule_id]),
        "contract_template_id": row.contract_template_id,
        "auto_send_contract": row.auto_send_contract,
        "contract_required_for_booking": row.contract_required,
        "questionnaire_template_id": row.questionnaire_template_id,
        "created_at": stamp(row.created_at),
    }


def session(world: Studio, row: model.Session) -> Session:
    """A session."""
    kind = world.tables.session_types.rows[row.type_id]
    return {
        "id": row.id,
        "status": row.status,
        "start_at": stamp(row.start_at),
        "end_at": stamp(row.end_at),
        "timezone": world.profile.zone,
        "location": row.location or None,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "client": client_brief(world, row.client_id),
        "session_type": {"id": kind.id, "name": kind.name, "duration": kind.duration},
        "invoice_id": row.invoice_id,
        "contract_id": row.contract_id,
        "questionnaire_id": row.questionnaire_id,
    }


def day(date: Date, zone: str, slots: Sequence[availability.Slot]) -> DayAvailability:
    """What is free on a date."""
    return {
        "date": str(date),
        "timezone": zone,
        "slots": [
            {
                "start_at": stamp(slot.start_at),
                "end_at": stamp(slot.end_at),
                "time": "{0.hour:02}:{0.minute:02}".format(slot.start_at.to_tz(zone)),
            }
            for slot in slots
        ],
    }


def month(name: str, zone: str, counts: Sequence[tuple[Date, int]]) -> MonthAvailability:
    """How much is free on each day of a month."""
    return {
        "month": name,
        "timezone": zone,
        "days": [{"date": str(date), "available": count > 0, "slot_count": count} for date, count in counts],
    }
