from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in

from selftimer.sandbox import bulk
from selftimer.sandbox.book import people, sessions
from selftimer.sandbox.book.availability import Calendar
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.life.bookings import session_type
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from whenever import Instant

    from selftimer.sandbox.model import Client, SessionType


@pytest.fixture
def quiet() -> World:
    return World.empty()


@pytest.fixture
async def http(quiet: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(quiet) as client:
        yield client


def days(world: World, count: int) -> Instant:
    return world.now.add(hours=24 * count)


def slot(world: World, kind: SessionType, *, after: int = 10) -> Instant:
    start = Calendar(world, kind).nearest(days(world, after), within_days=20)
    assert start is not None
    return start


def lead(world: World) -> Client:
    [client] = bulk.add_clients(world, 1, client_type="lead", conversations=False)
    return client


async def put(http: httpx.AsyncClient, path: str, **body: Any) -> Any:
    answer = await http.put(API + path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


# Session types --------------------------------------------------------------------------------------------------


async def test_a_session_type_is_made_changed_published_and_taken_away(http: httpx.AsyncClient, quiet: World) -> None:
    made = await http.post(f"{API}/session_types", json={"name": "Pets 🐕", "duration": 45})
    assert made.status_code == 201
    kind = made.json()["data"]
    assert (kind["status"], kind["payment_amount_full"], kind["currency"]) == ("draft", 0, "eur")
    assert (await read(http, "/session_types/"))["data"][0] == kind, "the newest first"
    path = f"/session_types/{kind['id']}"
    changed = await put(http, path, payment_amount_full=9_000, payment_amount_partial=1_000, location="Park")
    assert (changed["payment_amount_full_formatted"], changed["duration"]) == ("€90.00", 45)
    assert await put(http, path, **changed) == changed, "a whole record put back changes nothing"
    assert (await put(http, f"{path}/update_status", status="published"))["status"] == "published"
    gone = await http.delete(API + path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await http.get(API + path)).json()["error"]["code"] == "resource_not_found"
    assert (await http.delete(API + path)).status_code == 404
    assert kind["id"] not in [row["id"] for row in (await read(http, "/session_types/"))["data"]]
    assert [write.kind for write in quiet.ledger.writes] == [
        "session_type",
        "session_type_update",
        "session_type_update",
        "session_type_update",
        "session_type_delete",
    ]


async def test_sessions_show_their_types_new_name_and_outlive_it(http: httpx.AsyncClient, quiet: World) -> None:
    portrait = session_type(quiet, "portrait")
    session = sessions.book(quiet, lead(quiet).id, portrait, slot(quiet, portrait))
    before = (await read(http, f"/sessions/{session.id}"))["data"]
    await put(http, f"/session_types/{portrait.id}", name="Portraits", duration=30)
    after = (await read(http, f"/sessions/{session.id}"))["data"]
    assert after["session_type"] == {"id": portrait.id, "name": "Portraits", "duration": 30}
    assert after["end_at"] == before["end_at"], "what is booked keeps its time"
    await http.delete(f"{API}/session_types/{portrait.id}")
    assert (await read(http, "/sessions"))["data"] == [after]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "duration"}),
        ({"name": " ", "duration": 0}, {"name", "duration"}),
        ({"name": "x", "duration": 1441}, {"duration"}),
        ({"name": "x", "duration": True}, {"duration"}),
        ({"name": "x", "duration": 30, "payment_amount_partial": 1}, {"payment_amount_partial"}),
        ({"name": "x", "duration": 30, "minimum_notice_duration": 400}, {"minimum_notice_duration"}),
        ({"name": "x", "duration": 30, "status": "hidden"}, {"status"}),
        ({"name": "x", "duration": 30, "contract_required_for_booking": True}, {"contract_required_for_booking"}),
        ({"name": "x", "duration": 30, "session_type_schedule_id": "sch_x"}, {"session_type_schedule_id"}),
        ({"name": "x", "duration": 30, "contract_template_id": f"ct_{'a' * 30}"}, {"contract_template_id"}),
        ({"name": "x", "duration": 30, "payment_methods": [{"name": "x", "type": "x"}]}, {"payment_methods.0.type"}),
        ({"name": "x", "duration": 30, "taxes": [{"name": "VAT", "rate": 101}]}, {"taxes.0.rate"}),
        ({"name": "x", "duration": 30, "taxes": "all"}, {"taxes"}),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_session_type_is_said_field_by_field(
    http: httpx.AsyncClient, quiet: World, body: dict[str, Any], fields: set[str]
) -> None:
    before = len(quiet.tables.session_types)
    answer = await http.post(f"{API}/session_types", json=body)
    assert answer.status_code == 422
    assert set(answer.json()["error"]["details"]) == fields
    assert len(quiet.tables.session_types) == before


async def test_other_currencies_templates_and_ids_are_refused_with_their_own_codes(
    http: httpx.AsyncClient, quiet: World
) -> None:
    portrait = session_type(quiet, "portrait")
    path = f"{API}/session_types/{portrait.id}"

    async def refused(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["error"]["code"]

    assert await refused(await http.put(path, json={"currency": "usd"})) == (422, "invalid_currency")
    assert await refused(await http.put(f"{API}/session_types/in_1", json={})) == (400, "invalid_id_format")
    nobody = f"{path}/templates/contract/ct_{'x' * 30}"
    assert await refused(await http.put(nobody)) == (404, "template_not_found")
    form = next(t for t in quiet.tables.templates if t.kind == "questionnaire")
    assert await refused(await http.put(f"{path}/templates/contract/{form.id}")) == (400, "invalid_id_format")
    form.status = "archived"
    assert await refused(await http.put(f"{path}/templates/questionnaire/{form.id}")) == (422, "validation_failed")


async def test_taxes_and_templates_of_a_type_reach_those_who_book(http: httpx.AsyncClient, quiet: World) -> None:
    portrait = session_type(quiet, "portrait")
    path = f"/session_types/{portrait.id}"
    contract = next(t for t in quiet.tables.templates if t.name == "Model release")
    form = next(t for t in quiet.tables.templates if t.kind == "questionnaire")
    assert (await put(http, f"{path}/templates/contract/{contract.id}"))["contract_template_id"] == contract.id
    assert (await put(http, f"{path}/templates/questionnaire/{form.id}"))["questionnaire_template_id"] == form.id
    for rate in (7, 7.5):
        taxed = await http.post(f"{API}{path}/taxes", json={"name": "City", "rate": rate})
        assert taxed.status_code == 201
    assert taxed.json()["data"]["taxes"] == [{"name": "City", "rate": 7.5}], "one of the same name is replaced"
    await put(http, path, contract_required_for_booking=True)
    client = lead(quiet)
    session = sessions.book(quiet, client.id, portrait, slot(quiet, portrait))
    invoice = (await read(http, f"/invoices/{session.invoice_id}"))["data"]
    assert [(line["name"], line["amount"]) for line in invoice["line_items"]] == [
        ("Portrait session: deposit", 7_500),
        ("City 7.5 %", 563),
    ]
    assert (await read(http, f"/contracts/{session.contract_id}"))["data"]["status"] == "signed"
    assert (await read(http, f"/questionnaires/{session.questionnaire_id}"))["data"]["status"] == "pending"


async def test_a_type_that_collects_nothing_bills_nothing_and_one_without_deposit_its_price(quiet: World) -> None:
    mini, portrait = session_type(quiet, "mini"), session_type(quiet, "portrait")
    portrait.collect_payment = False
    free = sessions.book(quiet, lead(quiet).id, portrait, slot(quiet, portrait))
    whole = sessions.book(quiet, lead(quiet).id, mini, slot(quiet, mini))
    assert free.invoice_id is None
    assert quiet.tables.invoices.rows[whole.invoice_id or ""].amount == 9_900


# Sessions -------------------------------------------------------------------------------------------------------


async def test_who_asks_is_a_lead_and_who_books_a_client(http: httpx.AsyncClient, quiet: World) -> None:
    portrait = session_type(quiet, "portrait")
    person = people.contact(quiet, email="New@example.com", first_name="Łucja")
    assert people.contact(quiet, email="new@EXAMPLE.com", first_name="Other") is person, "known by the address"
    session = sessions.ask(quiet, person.id, portrait, slot(quiet, portrait))
    assert (await read(http, f"/clients/{person.id}"))["data"]["type"] == "lead"
    assert (await read(http, "/sessions/inquiry/count"))["data"] == {"count": 1}
    told = (await read(http, "/notifications/all"))["data"]["notifications"]
    assert [(entry["type"], entry["id"]) for entry in told] == [("session_inquiry", session.id)]
    sessions.accept(quiet, session)
    assert (await read(http, "/sessions/inquiry/count"))["data"] == {"count": 0}
    assert (await read(http, f"/clients/{person.id}"))["data"]["type"] == "lead", "the studio's yes is no booking yet"
    sessions.confirm(quiet, session)
    shown = (await read(http, "/sessions", status="confirmed", client_id=person.id))["data"]
    assert [row["id"] for row in shown] == [session.id]
    assert (await read(http, f"/clients/{person.id}"))["data"]["type"] == "client"


async def test_an_inquiry_becomes_the_booking_and_the_deposit_is_billed(quiet: World) -> None:
    portrait, client = session_type(quiet, "portrait"), lead(quiet)
    asked = sessions.ask(quiet, client.id, portrait, days(quiet, 12))
    start = slot(quiet, portrait)
    booked = sessions.book(quiet, client.id, portrait, start, asked=asked)
    assert booked is asked
    assert (booked.status, booked.start_at, client.type) == ("confirmed", start, "client")
    invoice = quiet.tables.invoices.rows[booked.invoice_id or ""]
    assert (invoice.amount, invoice.session_id, invoice.status) == (7_500, booked.id, "unpaid")


def test_a_time_that_is_not_offered_cannot_be_booked_or_moved_to(quiet: World) -> None:
    portrait = session_type(quiet, "portrait")
    one, two = lead(quiet), lead(quiet)
    start = slot(quiet, portrait)
    session = sessions.book(quiet, one.id, portrait, start)
    other = sessions.book(quiet, two.id, portrait, slot(quiet, portrait, after=20))
    for wrong in (start, start.add(minutes=30), start.add(minutes=7), quiet.now, days(quiet, 400)):
        with pytest.raises(DeedError, match="choose a time on offer"):
            sessions.book(quiet, two.id, portrait, wrong)
        with pytest.raises(DeedError, match="choose a time on offer"):
            sessions.reschedule(quiet, other, wrong)
    before = slot(quiet, portrait, after=15)
    sessions.reschedule(quiet, session, before)
    assert session.start_at == before
    sessions.reschedule(quiet, session, before.add(minutes=30))
    assert (session.end_at - session.start_at).total("minutes") == 60, "its own time isn't in its way"
    sessions.reschedule(quiet, other, start)


def test_deeds_out_of_turn_are_refused_and_change_nothing(quiet: World) -> None:
    portrait, client = session_type(quiet, "portrait"), lead(quiet)
    session = sessions.ask(quiet, client.id, portrait, days(quiet, 9))
    with pytest.raises(DeedError, match="is inquiry"):
        sessions.confirm(quiet, session)
    with pytest.raises(DeedError, match="gone by"):
        sessions.ask(quiet, client.id, portrait, quiet.now)
    sessions.decline(quiet, session)
    for deed in (sessions.decline, sessions.accept, sessions.confirm, sessions.cancel):
        with pytest.raises(DeedError, match="is declined"):
            deed(quiet, session)
    portrait.status = "draft"
    with pytest.raises(DeedError, match="isn't offered"):
        sessions.ask(quiet, client.id, portrait, days(quiet, 9))
    assert (session.status, client.type) == ("declined", "lead")


async def test_a_cancellation_voids_what_is_open_and_gives_money_back(http: httpx.AsyncClient, quiet: World) -> None:
    from selftimer.sandbox.book import money

    portrait = session_type(quiet, "portrait")
    portrait.auto_send_contract = True
    unpaid = sessions.book(quiet, lead(quiet).id, portrait, slot(quiet, portrait))
    paid = sessions.book(quiet, lead(quiet).id, portrait, slot(quiet, portrait, after=20))
    money.pay(quiet, quiet.tables.invoices.rows[paid.invoice_id or ""], 7_500)
    for session in (unpaid, paid):
        sessions.cancel(quiet, session)
        invoice = (await read(http, f"/invoices/{session.invoice_id}", expand="all"))["data"]
        assert invoice["status"] == "Canceled"
        contract = (await read(http, f"/contracts/{session.contract_id}"))["data"]
        assert contract["status"] == "cancelled"
    [payment] = invoice["payments"]
    assert payment["status"] in {"refunded", "partially_refunded"}
    assert payment["amount_refunded"] in {7_500, 3_750}


def test_people_of_the_studio_never_book_over_each_other() -> None:
    world = World(population=150, leads_per_day=4)
    world.advance_to(days(world, 60))
    taken = sorted(
        (row.start_at, row.end_at) for row in world.tables.sessions if row.status in {"pending", "confirmed"}
    )
    assert len(taken) > 60
    overlapping = sum(one[1] > two[0] for one, two in pairwise(taken))
    assert overlapping <= len(taken) // 20, "only where the owner works overtime"


def test_whoever_asks_from_outside_is_answered_by_the_owner_within_days() -> None:
    world = World(population=0, leads_per_day=0)
    portrait = session_type(world, "portrait")
    visitor = people.contact(world, email="visitor@example.com", first_name="Vera")
    good = sessions.ask(world, visitor.id, portrait, slot(world, portrait))
    bad = sessions.ask(world, visitor.id, portrait, days(world, 6).add(hours=12))
    world.advance_to(days(world, 3))
    assert (good.status, bad.status) == ("pending", "declined"), "at night the studio is closed"
    sessions.confirm(world, good)
    world.advance_to(good.end_at.add(hours=1))
    assert any(line.kind == "session_over" and line.client_id == visitor.id for line in world.ledger.story)


async def test_the_session_list_pages_to_both_ends_and_refuses_a_status_there_is_not(
    http: httpx.AsyncClient, quiet: World
) -> None:
    assert await read(http, "/sessions") == {
        "data": [],
        "meta": {"current_page": 1, "per_page": 25, "total": 0, "last_page": 1, "from": None, "to": None},
    }
    portrait, client = session_type(quiet, "portrait"), lead(quiet)
    for number in range(5):
        sessions.ask(quiet, client.id, portrait, days(quiet, number + 1))
    last = await read(http, "/sessions", page=3, per_page=2)
    assert (len(last["data"]), last["meta"]["from"], last["meta"]["to"]) == (1, 5, 5)
    assert (await read(http, "/sessions", page=4, per_page=2))["data"] == []
    assert (await http.get(f"{API}/sessions", params={"status": "completed"})).status_code == 422


# Clients --------------------------------------------------------------------------------------------------------


async def test_clients_are_found_by_name_address_and_telephone_whatever_the_case(
    http: httpx.AsyncClient, quiet: World
) -> None:
    people.add_client(quiet, first_name="Zoë", last_name="Čapek", email="z@example.org", phone="+49 (151) 234-56")
    people.add_client(quiet, first_name="Ümit", last_name="", email="u@example.net", client_type="client")

    async def found(q: str, **more: str) -> list[str]:
        return [row["first_name"] for row in (await read(http, "/clients/search", q=q, **more))["data"]]

    assert (
        await found("ČAPEK") == await found("Z@EXAMPLE") == await found("15123456") == await found("151 23") == ["Zoë"]
    )
    assert await found("ümit") == ["Ümit"]
    assert await found("") == ["Ümit", "Zoë"]
    assert await found("", types="lead") == ["Zoë"]
    assert await found("nobody") == []
    page = await read(http, "/clients/search", q="example", page=2, pageSize=1)
    assert (len(page["data"]), page["meta"]["last_page"], "from" in page["meta"]) == (1, 2, False)
    assert (await http.get(f"{API}/clients/search", params={"types": "friend"})).status_code == 422
    assert (await http.get(f"{API}/clients/", params={"types": "client,friend"})).status_code == 422


async def test_the_export_keeps_every_character_of_every_name(http: httpx.AsyncClient, quiet: World) -> None:
    names = ['=HYPERLINK("http://x")', "+49", "-1", "@SUM(A1)", "Tom\nBcc: x", 'He said "hi", twice', "明子 🌸", "a;b"]
    for number, name in enumerate(names):
        people.add_client(quiet, first_name=name, last_name="", email=f"{number}@example.com")
    answer = await http.get(f"{API}/clients/download_csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.count("\r\n") == len(names) + 1
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["first_name"] for row in rows] == names[::-1]
    assert [row["email"] for row in rows] == [f"{number}@example.com" for number in range(len(names))][::-1]


async def test_a_lead_becomes_a_client_by_hand_and_a_wrong_field_changes_nothing(
    http: httpx.AsyncClient, quiet: World
) -> None:
    client = lead(quiet)
    path = f"{API}/clients/{client.id}"
    moved = await http.put(path, json={"type": "client", "address_info": {"city": "Kiel", "country": "DE"}})
    assert (moved.json()["data"]["type"], moved.json()["data"]["address_info"]["city"]) == ("client", "Kiel")
    moved = await http.put(path, json={"address_info": {"city": None}})
    assert (moved.json()["data"]["address_info"]["city"], moved.json()["data"]["address_info"]["country"]) == (
        None,
        "DE",
    )
    for body, field in (
        ({"email": "no"}, "email"),
        ({"email": ""}, "email"),
        ({"type": None}, "type"),
        ({"status_name": "Gone"}, "status_name"),
        ({"address_info": "Kiel"}, "address_info"),
        ({"address_info": {"city": 7}}, "address_info.city"),
        ({"notes": "x" * 2001}, "notes"),
    ):
        answer = await http.put(path, json={"first_name": "Changed", **body})
        assert (answer.status_code, set(answer.json()["details"])) == (422, {field})
    assert client.first_name != "Changed"
    assert (await http.put(f"{API}/clients/cl_{'a' * 30}", json={})).json()["error"]["code"] == "resource_not_found"


async def test_a_clients_documents_are_all_there_in_pages(http: httpx.AsyncClient, quiet: World) -> None:
    from selftimer.sandbox.book import papers
    from selftimer.sandbox.catalog import template_named

    client = lead(quiet)
    assert (await read(http, f"/clients/{client.id}/documents"))["data"] == []
    bulk.add_invoices(quiet, [client], 26)
    papers.add_contract(quiet, client.id, template_named(quiet, "contract", "model"), by="studio")
    first = await read(http, f"/clients/{client.id}/documents", expand="all")
    second = await read(http, f"/clients/{client.id}/documents", page=2)
    assert (len(first["data"]), len(second["data"]), first["meta"]["total"]) == (25, 2, 27)
    assert {row["document_type"] for row in first["data"] + second["data"]} == {"invoice", "contract"}
