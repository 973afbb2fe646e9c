from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.sandbox_kit import API, read, signed_in
from whenever import Date, Instant

from selftimer.sandbox import bulk
from selftimer.sandbox.book import offers, sessions
from selftimer.sandbox.book.availability import Calendar, at_minute
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.life.bookings import session_type
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from selftimer.sandbox.model import Schedule, Session, SessionType

BERLIN = "Europe/Berlin"
MONDAY = "2026-3-9"
"""A week after the empty world's start."""


@pytest.fixture
def quiet() -> World:
    return World.empty()


@pytest.fixture
async def http(quiet: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(quiet) as client:
        yield client


def hours_of(world: World, kind: SessionType) -> Schedule:
    return world.tables.schedules.rows[kind.schedule_id]


def berlin(text: str) -> Instant:
    date, _, time = text.partition(" ")
    hour, minute = map(int, time.split(":"))
    return at_minute(Date.parse_iso(date), 60 * hour + minute, BERLIN)


async def free(http: httpx.AsyncClient, kind: SessionType, day: str, zone: str = BERLIN) -> list[dict[str, Any]]:
    answer = (await read(http, f"/session_types/{kind.id}/check-day-avail/{day}-{zone}"))["data"]
    assert answer["timezone"] == zone
    slots: list[dict[str, Any]] = answer["slots"]
    return slots


async def times(http: httpx.AsyncClient, kind: SessionType, day: str, zone: str = BERLIN) -> list[str]:
    return [slot["time"] for slot in await free(http, kind, day, zone)]


async def test_a_day_offers_its_opening_hours_in_half_hours_and_no_session_over_lunch(
    http: httpx.AsyncClient, quiet: World
) -> None:
    portrait = session_type(quiet, "portrait")
    offered = await times(http, portrait, MONDAY)
    morning = ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00"]
    assert offered[:8] == [*morning, "13:30"], "hours are 9 to 13 and 13:30 to 19"
    assert offered[-1] == "18:00"
    first = (await free(http, portrait, MONDAY))[0]
    assert (first["start_at"], first["end_at"]) == ("2026-03-09T08:00:00.000000Z", "2026-03-09T09:00:00.000000Z")
    assert await times(http, portrait, "2026-3-15") == [], "closed on Sundays"


async def test_short_sessions_begin_on_a_finer_grid(http: httpx.AsyncClient, quiet: World) -> None:
    mini = session_type(quiet, "mini")
    assert (await times(http, mini, MONDAY))[:4] == ["09:00", "09:20", "09:40", "10:00"]


@pytest.mark.parametrize("status", ["pending", "confirmed"])
async def test_a_booking_blocks_its_time_and_the_longer_of_the_two_buffers_around_it(
    http: httpx.AsyncClient, quiet: World, status: Any
) -> None:
    [client] = bulk.add_clients(quiet, 1)
    portrait, newborn = session_type(quiet, "portrait"), session_type(quiet, "newborn")
    sessions.add_session(quiet, client.id, portrait, berlin("2026-03-13 10:30"), status)
    assert (await times(http, portrait, "2026-3-13"))[:3] == ["09:00", "12:00", "13:30"], (
        "15 minutes must stay free after a portrait: not before 12, as 11:30 is its very end"
    )
    offers.change_type(quiet, portrait, buffer_after=0)
    assert (await times(http, portrait, "2026-3-13"))[:5] == ["09:00", "09:30", "11:30", "12:00", "13:30"]
    assert (await times(http, newborn, "2026-3-13"))[:1] == ["13:30"], "half an hour around a newborn, two hours long"


@pytest.mark.parametrize("status", ["inquiry", "declined", "canceled"])
async def test_what_is_not_booked_blocks_nothing(http: httpx.AsyncClient, quiet: World, status: Any) -> None:
    [client] = bulk.add_clients(quiet, 1)
    portrait = session_type(quiet, "portrait")
    before = await times(http, portrait, MONDAY)
    sessions.add_session(quiet, client.id, portrait, berlin("2026-03-09 10:00"), status)
    assert await times(http, portrait, MONDAY) == before


async def test_a_booking_of_any_type_is_in_the_way_of_every_type(http: httpx.AsyncClient, quiet: World) -> None:
    [client] = bulk.add_clients(quiet, 1)
    wedding, portrait = session_type(quiet, "wedding"), session_type(quiet, "portrait")
    sessions.add_session(quiet, client.id, wedding, berlin("2026-03-14 11:00"), "confirmed")
    assert await times(http, portrait, "2026-3-14") == ["09:00"], "a wedding on Saturday leaves an hour"


async def test_nothing_is_offered_sooner_or_later_than_the_notices_allow(http: httpx.AsyncClient, quiet: World) -> None:
    portrait = session_type(quiet, "portrait")
    quiet.advance_to(berlin("2026-03-02 10:10"))
    assert await times(http, portrait, "2026-3-6") == []
    assert (await times(http, portrait, "2026-3-7"))[0] == "10:30", "five days of 24 hours from now"
    last = await times(http, portrait, "2026-4-6")
    assert last[-1] == "11:00", "35 days of 24 hours, over a change of the clocks"
    assert await times(http, portrait, "2026-4-7") == []
    offers.change_type(quiet, portrait, minimum_notice=0)
    assert (await times(http, portrait, "2026-3-2"))[0] == "10:30", "today, but not what has gone by"


async def test_a_full_day_offers_nothing_and_a_cancellation_opens_it_again(
    http: httpx.AsyncClient, quiet: World
) -> None:
    [client] = bulk.add_clients(quiet, 1)
    portrait = session_type(quiet, "portrait")
    booked: list[Session] = []
    while len(booked) < 30 and (slots := await free(http, portrait, MONDAY)):
        booked.append(sessions.book(quiet, client.id, portrait, Instant.parse_iso(slots[0]["start_at"])))
    assert len(booked) == 7, "with a quarter of an hour after each, on half hours"
    days = (await read(http, f"/session_types/{portrait.id}/check-month-avail/2026-3-{BERLIN}"))["data"]["days"]
    assert days[8] == {"date": "2026-03-09", "available": False, "slot_count": 0}
    with pytest.raises(DeedError, match="choose a time on offer"):
        sessions.book(quiet, client.id, portrait, booked[2].start_at)
    sessions.cancel(quiet, booked[2])
    assert [slot["start_at"] for slot in await free(http, portrait, MONDAY)] == [
        booked[2].start_at.format_iso(unit="microsecond")
    ]


async def test_a_month_counts_the_slots_of_each_of_its_days(http: httpx.AsyncClient, quiet: World) -> None:
    portrait = session_type(quiet, "portrait")
    month = (await read(http, f"/session_types/{portrait.id}/check-month-avail/2026-03-America/New_York"))["data"]
    assert (month["month"], month["timezone"], len(month["days"])) == ("2026-03", "America/New_York", 31)
    for day in month["days"][5:12]:
        slots = await free(http, portrait, day["date"], "America/New_York")
        assert (day["slot_count"], day["available"]) == (len(slots), bool(slots))
    february = (await read(http, f"/session_types/{portrait.id}/check-month-avail/2028-2-UTC"))["data"]
    assert len(february["days"]) == 29


async def test_asked_in_another_zone_the_same_times_are_on_other_clocks_and_dates(
    http: httpx.AsyncClient, quiet: World
) -> None:
    portrait = session_type(quiet, "portrait")
    here = await free(http, portrait, MONDAY)
    london = await free(http, portrait, MONDAY, "Europe/London")
    assert [slot["start_at"] for slot in london] == [slot["start_at"] for slot in here]
    assert (london[0]["time"], here[0]["time"]) == ("08:00", "09:00")
    tokyo = [await free(http, portrait, day, "Asia/Tokyo") for day in ("2026-3-9", "2026-3-10")]
    assert tokyo[0][0]["time"] == "17:00"
    assert tokyo[1][0]["time"] == "00:00", "Berlin's 16:00 is the next day there"
    both = [slot["start_at"] for day in tokyo for slot in day]
    assert set(both) >= {slot["start_at"] for slot in here}
    assert both == sorted(set(both)), "no time twice at midnight"
    deep = await free(http, portrait, MONDAY, "America/Argentina/Buenos_Aires")
    assert [slot["start_at"] for slot in deep] == [slot["start_at"] for slot in here]


async def test_the_schedules_own_zone_decides_when_it_opens(http: httpx.AsyncClient, quiet: World) -> None:
    portrait = session_type(quiet, "portrait")
    hours_of(quiet, portrait).zone = "America/New_York"
    assert (await free(http, portrait, MONDAY, "UTC"))[0]["start_at"] == "2026-03-09T13:00:00.000000Z"


@pytest.mark.parametrize(
    ("date", "hours", "expected"),
    [
        ("2026-03-29", (60, 300), ["01:00", "01:30", "03:00", "03:30", "04:00"]),
        ("2026-10-25", (60, 240), ["01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]),
        ("2026-03-29", (150, 240), ["03:00"]),
        ("2026-03-28", (1380, 1440), ["23:00"]),
    ],
    ids=["an hour less", "an hour more", "an opening that never comes", "until midnight"],
)
async def test_days_with_a_change_of_the_clocks_come_out_right(date: str, hours: Any, expected: list[str]) -> None:
    start = berlin("2026-03-25 09:00") if date < "2026-06" else berlin("2026-10-20 09:00")
    world = World.empty(start=start)
    portrait = session_type(world, "portrait")
    offers.change_type(world, portrait, minimum_notice=0)
    offers.set_overrides(world, hours_of(world, portrait), {Date.parse_iso(date): [hours]})
    async with signed_in(world) as http:
        slots = await free(http, portrait, date)
    assert [slot["time"] for slot in slots] == expected
    starts = [Instant.parse_iso(slot["start_at"]) for slot in slots]
    assert all((b - a).total("minutes") == 30 for a, b in pairwise(starts))


async def test_a_draft_and_a_deleted_type_offer_nothing(http: httpx.AsyncClient, quiet: World) -> None:
    portrait = session_type(quiet, "portrait")
    path = f"/session_types/{portrait.id}"
    await http.put(f"{API}{path}/update_status", json={"status": "draft"})
    assert await times(http, portrait, MONDAY) == []
    await http.put(f"{API}{path}/update_status", json={"status": "published"})
    assert await times(http, portrait, MONDAY)
    await http.delete(API + path)
    assert (await http.get(f"{API}{path}/check-day-avail/{MONDAY}-{BERLIN}")).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        "check-day-avail/2026-3-9",
        "check-day-avail/2026-3-9-Europe",
        "check-day-avail/2026-3-9-Europe/Atlantis",
        "check-day-avail/2026-2-30-Europe/Berlin",
        "check-day-avail/9999-12-31-Europe/Berlin",
        "check-day-avail/soon-Europe/Berlin",
        "check-day-avail/2026-3-9-../../etc/passwd",
        "check-month-avail/2026-13-Europe/Berlin",
        "check-month-avail/2026-3-9-Europe/Berlin",
        "check-month-avail/2026-3",
    ],
)
async def test_a_day_or_zone_that_there_is_not_is_refused_with_how_to_write_it(
    http: httpx.AsyncClient, quiet: World, asked: str
) -> None:
    answer = await http.get(f"{API}/session_types/{session_type(quiet, 'portrait').id}/{asked}")
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["code"] == "validation_error"
    assert error["details"]["expected_format"].endswith("Area/City")


async def test_weekly_hours_and_single_dates_are_changed_by_their_intervals(
    http: httpx.AsyncClient, quiet: World
) -> None:
    portrait = session_type(quiet, "portrait")
    shown = await read(http, "/session_type_schedules/")
    schedule = next(row for row in shown["data"] if row["id"] == portrait.schedule_id)
    assert shown["meta"] == {"total": 2}
    assert [day["day_of_week"] for day in schedule["session_type_schedule_intervals"]] == [1, 2, 3, 4, 5, 6, 7]
    monday = schedule["session_type_schedule_intervals"][0]
    path = f"{API}/session_type_schedules/{schedule['id']}/session_type_schedule_intervals/{monday['id']}"
    hours = [{"start_time": "15:00", "end_time": "24:00"}, {"start_time": "10:00", "end_time": "12:00"}]
    other = [{"date": "2026-03-16", "intervals": []}, {"date": "2026-03-15", "intervals": hours[1:]}]
    changed = await http.put(path, json={"intervals": hours, "overrides": other})
    assert changed.status_code == 200
    assert [span["start_time"] for span in changed.json()["data"]["intervals"]] == ["10:00", "15:00"]
    assert await times(http, portrait, MONDAY) == [
        *("10:00", "10:30", "11:00"),
        *(f"{hour}:{half}" for hour in range(15, 23) for half in ("00", "30")),
        "23:00",
    ]
    assert await times(http, portrait, "2026-3-16") == [], "that Monday is closed"
    assert await times(http, portrait, "2026-3-15") == ["10:00", "10:30", "11:00"], "and that Sunday open"
    detail = (await read(http, f"/session_types/{portrait.id}"))["data"]["session_type_schedule"]
    assert detail["session_type_schedule_intervals"][0] == changed.json()["data"], "the type shows it at once"
    listed = await read(http, f"/session_type_schedules/{schedule['id']}/interval_overrides_list/", per_page=1)
    assert [day["date"] for day in listed["data"]] == ["2026-03-16"]
    assert (listed["meta"]["total"], listed["meta"]["last_page"]) == (2, 2)
    sunday = (await read(http, f"/session_type_schedules/{schedule['id']}/interval_overrides_list/", page=2))["data"]
    assert sunday == []
    quiet.advance_to(berlin("2026-03-16 01:00"))
    async with signed_in(quiet) as later:
        coming = await read(later, f"/session_type_schedules/{schedule['id']}/interval_overrides/")
        assert [day["date"] for day in coming["data"]] == ["2026-03-16"], "what has gone by is left out"
        again = path.rpartition("/")[0] + "/" + coming["data"][0]["id"]
        await later.put(again, json={"intervals": hours[1:]})
        coming = await read(later, f"/session_type_schedules/{schedule['id']}/interval_overrides/")
        assert coming["data"][0]["intervals"] == hours[1:], "a date has an interval of its own"
        await later.put(again, json={"overrides": []})
        assert (await read(later, f"/session_type_schedules/{schedule['id']}/interval_overrides/"))["data"] == []
    kinds = [write.kind for write in quiet.ledger.writes]
    assert kinds == ["schedule_update"] * 3


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"intervals"}),
        ({"intervals": "always"}, {"intervals"}),
        ({"intervals": [{"start_time": "9", "end_time": "12:00"}]}, {"intervals.0.start_time"}),
        ({"intervals": [{"start_time": "12:00", "end_time": "09:00"}]}, {"intervals.0.end_time"}),
        ({"intervals": [{"start_time": "24:30"}]}, {"intervals.0.start_time", "intervals.0.end_time"}),
        ({"overrides": [{"date": "2026-02-30", "intervals": []}]}, {"overrides.0.date"}),
        ({"overrides": [{"date": "2026-03-01"}]}, {"overrides.0.intervals"}),
        ({"overrides": [{"date": "2026-03-01", "intervals": []}] * 2}, {"overrides.1.date"}),
        (
            {"overrides": [{"date": "2026-03-01", "intervals": [{"start_time": "x", "end_time": "10:00"}]}]},
            {"overrides.0.intervals.0.start_time"},
        ),
    ],
)
async def test_what_is_wrong_with_hours_is_said_place_by_place(
    http: httpx.AsyncClient, quiet: World, body: dict[str, Any], fields: set[str]
) -> None:
    schedule = next(iter(quiet.tables.schedules))
    path = f"{API}/session_type_schedules/{schedule.id}/session_type_schedule_intervals"
    answer = await http.put(f"{path}/{schedule.week[0].id}", json=body)
    assert answer.status_code == 422
    assert set(answer.json()["error"]["details"]) == fields
    assert quiet.ledger.writes == []
    other = next(row for row in quiet.tables.schedules if row is not schedule)
    assert (await http.put(f"{path}/{other.week[0].id}", json={"intervals": []})).status_code == 404
    assert (await http.put(f"{path}/sch_1", json={"intervals": []})).status_code == 400


spans = st.lists(
    st.tuples(st.integers(0, 47), st.integers(1, 24)).map(lambda t: (30 * t[0], min(1440, 30 * (t[0] + t[1])))),
    max_size=3,
).map(offers.merged)


@settings(max_examples=40, deadline=None)
@given(
    date=st.sampled_from(["2026-03-28", "2026-03-29", "2026-03-30", "2026-04-02"]),
    zone=st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu", "UTC"]),
    days=st.lists(spans, min_size=3, max_size=3),
    lengths=st.lists(st.tuples(st.integers(10, 200), st.integers(0, 90), st.integers(0, 90)), min_size=2, max_size=2),
    booked=st.lists(st.tuples(st.booleans(), st.integers(0, 4 * 24 * 4)), max_size=6),
)
def test_no_slot_overlaps_a_booking_or_leaves_the_hours_and_every_slot_can_be_booked(
    date: str, zone: str, days: list[Any], lengths: list[tuple[int, int, int]], booked: list[tuple[bool, int]]
) -> None:
    world = World.empty(start=berlin("2026-03-27 09:00"))
    kinds = [session_type(world, "portrait"), session_type(world, "family")]
    for kind, (minutes, before, after) in zip(kinds, lengths, strict=True):
        fields = {"duration": minutes, "buffer_before": before, "buffer_after": after, "minimum_notice": 0}
        offers.change_type(world, kind, **fields)
    schedule = hours_of(world, kinds[0])
    day = Date.parse_iso(date)
    around = [day.subtract(days=1), day, day.add(days=1)]
    offers.set_overrides(world, schedule, dict(zip(around, days, strict=True)))
    [client] = bulk.add_clients(world, 1)
    for which, quarter in booked:
        start = berlin("2026-03-28 00:00").add(minutes=15 * quarter)
        sessions.add_session(world, client.id, kinds[which], start, "confirmed")
    busy = list(world.tables.sessions)
    kind = kinds[0]
    slots = Calendar(world, kind).day(day, zone)
    opened = [
        (at_minute(one, start, schedule.zone), at_minute(one, end, schedule.zone))
        for one in around
        for start, end in schedule.on(one).hours
    ]
    for slot in slots:
        assert slot.start_at.to_tz(zone).date() == day
        assert (slot.end_at - slot.start_at).total("minutes") == kind.duration
        assert any(start <= slot.start_at and slot.end_at <= end for start, end in opened)
        for session in busy:
            other = world.tables.session_types.rows[session.type_id]
            gap_before = max(kind.buffer_before, other.buffer_after)
            gap_after = max(kind.buffer_after, other.buffer_before)
            assert (
                session.end_at.add(minutes=gap_before) <= slot.start_at
                or slot.end_at.add(minutes=gap_after) <= session.start_at
            )
        made = sessions.book(world, client.id, kind, slot.start_at)
        assert slot.start_at not in [other.start_at for other in Calendar(world, kind).day(day, zone)]
        sessions.cancel(world, made)
    assert Calendar(world, kind).day(day, zone) == slots
