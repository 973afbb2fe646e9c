from __future__ import annotations

from typing import Any

import pytest
from tests.contract.api.kit import Meeting, empty, meet
from whenever import Date, YearMonth

from selftimer.errors import NotFound, Refused
from selftimer.sandbox import bulk
from selftimer.sandbox.book import sessions
from selftimer.sandbox.world import World

NEW: dict[str, Any] = {"name": "Münster 撮影", "duration": 45, "payment_amount_full": 1_000_000, "status": "published"}
NO_TYPE = "set_" + "x" * 30
NO_SCHEDULE = "sch_" + "x" * 30


def at_work() -> World:
    return World(population=40, living=False, seed=3)


# Session types -------------------------------------------------------------------------------------------------------


@pytest.mark.calls("session_type.list", "session_type.get")
async def test_session_types_are_listed_and_read() -> None:
    m = meet(empty())
    found = await m.studio.session_types.list()
    assert [kind.id for kind in found] == [row.id for row in m.world.tables.session_types.newest()]
    assert [seen.call for seen in m.made] == ["session_type.list"]
    for kind in found:
        assert await m.studio.session_types.get(kind.id) == kind
        row = m.world.tables.session_types.rows[kind.id]
        assert (kind.name, kind.duration, kind.payment_amount_full, kind.currency) == (
            row.name, row.duration, row.price, "eur",
        )  # fmt: skip
        assert kind.session_type_schedule is not None
        assert kind.session_type_schedule.display_timezone == "Europe/Berlin"
    with pytest.raises(NotFound):
        await m.studio.session_types.get(NO_TYPE)
    with pytest.raises(Refused) as wrong:
        await m.studio.session_types.get("nonsense")
    assert wrong.value.details["expected_prefix"] == "set_"


@pytest.mark.calls("session_type.create", "session_type.update", "session_type.update_status", "session_type.delete")
@pytest.mark.parametrize("currency", ["eur", "jpy"])
async def test_a_session_type_is_made_changed_published_and_deleted(currency: str) -> None:
    m = meet(empty(currency=currency))
    made = await m.studio.session_types.create(NEW | {"status": "draft"})
    assert (made.name, made.payment_amount_full, made.currency) == (NEW["name"], 1_000_000, currency)
    changed = await m.studio.session_types.update(made.id, {"duration": 60, "description": "für zwei"})
    assert (changed.duration, changed.description, changed.name) == (60, "für zwei", NEW["name"])
    assert (await m.studio.session_types.update_status(made.id, "published")).status == "published"
    await m.studio.session_types.delete(made.id)
    with pytest.raises(NotFound):
        await m.studio.session_types.get(made.id)
    assert made.id not in {kind.id async for kind in m.studio.session_types.list()}


@pytest.mark.calls("session_type.create", "session_type.update", "session_type.update_status", "session_type.delete")
async def test_each_refusal_of_a_session_type_is_read() -> None:
    m = meet(empty())
    with pytest.raises(Refused) as told:
        await m.studio.session_types.create({"name": "", "duration": 0})
    assert told.value.details.keys() == {"name", "duration"}
    kind = (await m.studio.session_types.list())[0]
    with pytest.raises(Refused) as status:
        await m.studio.session_types.update_status(kind.id, "martian")  # type: ignore[arg-type]  # on purpose
    assert "status" in status.value.details
    with pytest.raises(NotFound):
        await m.studio.session_types.update(NO_TYPE, {"duration": 60})
    with pytest.raises(NotFound):
        await m.studio.session_types.delete(NO_TYPE)
    with pytest.raises(Refused):
        await m.studio.session_types.delete("nonsense")
    assert m.world.ledger.writes == []


@pytest.mark.calls("session_type.contract", "session_type.questionnaire", "session_type.taxes")
async def test_templates_and_taxes_are_tied_to_a_session_type() -> None:
    m = meet(empty())
    made = await m.studio.session_types.create(NEW)
    contract = (await m.studio.contract_templates.list())[0]
    questionnaire = (await m.studio.questionnaire_templates.list())[0]
    assert (await m.studio.session_types.use_contract(made.id, contract.id)).contract_template_id == contract.id
    after = await m.studio.session_types.use_questionnaire(made.id, questionnaire.id)
    assert after.questionnaire_template_id == questionnaire.id
    taxed = await m.studio.session_types.add_tax(made.id, {"name": "MwSt.", "rate": 8.88})
    assert [(tax.name, str(tax.rate)) for tax in taxed.taxes] == [("MwSt.", "8.88")]
    with pytest.raises(Refused) as wrong:
        await m.studio.session_types.add_tax(made.id, {"name": "x", "rate": 101})
    assert wrong.value.details.keys() == {"rate"}
    with pytest.raises(NotFound) as gone:
        await m.studio.session_types.use_contract(made.id, "ct_" + "x" * 30)
    assert gone.value.code == "template_not_found"
    with pytest.raises(Refused):
        await m.studio.session_types.use_questionnaire(made.id, contract.id)


# What is free --------------------------------------------------------------------------------------------------------


@pytest.mark.calls("session_type.day", "session_type.month")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Pacific/Kiritimati", "Etc/GMT+5"])
async def test_free_times_are_asked_for_in_any_zone_whose_slashes_stay(zone: str) -> None:
    m = meet(empty())
    kind = await m.studio.session_types.create(NEW)
    date = m.world.now.to_tz("UTC").date().add(days=7)
    day = await m.studio.session_types.free_on(kind.id, date, zone)
    path = m.last("session_type.day").path
    assert path.endswith(f"/check-day-avail/{date.year}-{date.month}-{date.day}-{zone}")
    assert (day.date, day.timezone) == (date, zone)
    assert all(slot.start_at is not None and slot.start_at.to_tz(zone).date() == date for slot in day.slots)
    assert all(slot.start_at and slot.end_at == slot.start_at.add(minutes=45) for slot in day.slots)
    month = await m.studio.session_types.free_in(kind.id, YearMonth(date.year, date.month), zone)
    assert m.last("session_type.month").path.endswith(f"/check-month-avail/{date.year}-{date.month}-{zone}")
    assert len(month.days) in range(28, 32)
    (same,) = [one for one in month.days if one.date == date]
    assert (same.available, same.slot_count) == (bool(day.slots), len(day.slots))


@pytest.mark.calls("session_type.day")
async def test_a_time_that_was_booked_is_not_free_any_more() -> None:
    m = meet(empty())
    kind = await m.studio.session_types.create(NEW)
    (client,) = bulk.add_clients(m.world, 1)
    date = m.world.now.to_tz("Europe/Berlin").date().add(days=7)
    before = (await m.studio.session_types.free_on(kind.id, date, "Europe/Berlin")).slots
    assert before
    taken = before[0].start_at
    assert taken is not None
    sessions.book(m.world, client.id, m.world.tables.session_types.rows[kind.id], taken)
    after = (await m.studio.session_types.free_on(kind.id, date, "Europe/Berlin")).slots
    assert taken not in {slot.start_at for slot in after}
    assert len(after) < len(before)


@pytest.mark.calls("session_type.day")
async def test_a_zone_that_is_none_is_refused_before_it_is_asked() -> None:
    m = meet(empty())
    kind = await m.studio.session_types.create(NEW)
    for zone in ("Middle/Earth", "../../clients", "", "Europe/Berlin/"):
        with pytest.raises(ValueError, match="time zone"):
            await m.studio.session_types.free_on(kind.id, Date(2026, 5, 1), zone)
        with pytest.raises(ValueError, match="time zone"):
            await m.studio.session_types.free_in(kind.id, YearMonth(2026, 5), zone)
    assert [seen.call for seen in m.made] == ["session_type.create"]
    with pytest.raises(NotFound):
        await m.studio.session_types.free_on(NO_TYPE, Date(2026, 5, 1), "UTC")


# Schedules -----------------------------------------------------------------------------------------------------------


@pytest.mark.calls("schedule.list", "schedule.update_interval", "schedule.overrides", "schedule.overrides_list")
async def test_opening_hours_are_read_and_changed() -> None:
    m = meet(empty())
    (schedule, *_) = await m.studio.schedules.list()
    monday = schedule.session_type_schedule_intervals[0]
    assert monday.day_of_week == 1
    hours = [{"start_time": "10:00", "end_time": "24:00"}]
    today = m.world.now.to_tz("UTC").date()
    dates = [str(today.add(days=number)) for number in (-3, 4, 5)]
    fields = {"intervals": hours, "overrides": [{"date": date, "intervals": hours} for date in dates]}
    changed = await m.studio.schedules.update_interval(schedule.id, monday.id, fields)
    assert [(span.start_time, span.end_time) for span in changed.intervals] == [("10:00", "24:00")]
    coming = await m.studio.schedules.overrides(schedule.id)
    assert [str(day.date) for day in coming] == dates[1:]
    assert [str(day.date) for day in await m.studio.schedules.overrides_list(schedule.id)] == dates[::-1]
    assert all(day.day_of_week is None and day.intervals for day in coming)


@pytest.mark.calls("schedule.overrides_list")
async def test_dates_that_are_different_are_read_over_all_pages() -> None:
    m = meet(empty(), page_size=10)
    (schedule, *_) = await m.studio.schedules.list()
    first = Date(2026, 1, 1)
    closed = [{"date": str(first.add(days=number)), "intervals": []} for number in range(35)]
    monday = schedule.session_type_schedule_intervals[0].id
    await m.studio.schedules.update_interval(schedule.id, monday, {"overrides": closed})
    found = await m.studio.schedules.overrides_list(schedule.id)
    assert [str(day.date) for day in found] == [day["date"] for day in closed[::-1]]
    assert [seen.call for seen in m.made].count("schedule.overrides_list") == 4


@pytest.mark.calls("schedule.update_interval", "schedule.overrides", "schedule.overrides_list")
async def test_each_refusal_of_a_schedule_is_read() -> None:
    m = meet(empty())
    (schedule, *_) = await m.studio.schedules.list()
    monday = schedule.session_type_schedule_intervals[0]
    late = {"intervals": [{"start_time": "12:00", "end_time": "09:00"}]}
    with pytest.raises(Refused) as wrong:
        await m.studio.schedules.update_interval(schedule.id, monday.id, late)
    assert "intervals.0.end_time" in wrong.value.details
    with pytest.raises(NotFound):
        await m.studio.schedules.update_interval(schedule.id, "sa_" + "x" * 30, {"intervals": []})
    for refused, error in ((NO_SCHEDULE, NotFound), ("nonsense", Refused)):
        with pytest.raises(error):
            await m.studio.schedules.overrides(refused)
        with pytest.raises(error):
            await m.studio.schedules.overrides_list(refused)
    assert m.world.ledger.writes == []


# Sessions ------------------------------------------------------------------------------------------------------------


def newest(m: Meeting) -> list[Any]:
    return m.world.tables.sessions.newest()


@pytest.mark.calls("session.list", "session.get")
async def test_sessions_are_listed_over_all_pages_and_read() -> None:
    m = meet(at_work(), page_size=7)
    found = await m.studio.sessions.list()
    assert [session.id for session in found] == [row.id for row in newest(m)]
    for session in found[:3]:
        assert await m.studio.sessions.get(session.id) == session
        row = m.world.tables.sessions.rows[session.id]
        assert (session.start_at, session.end_at, session.of_client) == (row.start_at, row.end_at, row.client_id)
        assert session.session_type is not None
        assert session.session_type.id == row.type_id
    with pytest.raises(NotFound):
        await m.studio.sessions.get("ses_" + "x" * 30)
    with pytest.raises(Refused):
        await m.studio.sessions.get("nonsense")
    assert await meet(empty()).studio.sessions.list() == ()


@pytest.mark.calls("session.list", "session.inquiries")
async def test_sessions_are_filtered_and_inquiries_counted() -> None:
    m = meet(at_work())
    (client,) = bulk.add_clients(m.world, 1)
    kind = next(row for row in m.world.tables.session_types if row.status == "published")
    date = m.world.now.to_tz("Europe/Berlin").date().add(days=kind.minimum_notice + 14)
    free = (await m.studio.session_types.free_on(kind.id, date, "Europe/Berlin")).slots
    assert free[0].start_at is not None
    sessions.ask(m.world, client.id, kind, free[0].start_at)
    asked = await m.studio.sessions.list(status="inquiry")
    assert client.id in {session.of_client for session in asked}
    assert {session.status for session in asked} == {"inquiry"}
    assert await m.studio.sessions.inquiries() == len(asked)
    (own,) = await m.studio.sessions.list(client_id=client.id)
    assert own.of_client == client.id
    assert m.last("session.list").query["client_id"] == client.id
    assert await meet(empty()).studio.sessions.inquiries() == 0
