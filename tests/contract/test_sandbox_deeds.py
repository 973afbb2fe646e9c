"""What a person does by hand in the sandbox: each form of its page over HTTP, and what the API shows afterwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.page_kit import browser, forms, path_of, send, shown
from whenever import Instant

from selftimer.sandbox.book import money, papers, people, sessions
from selftimer.sandbox.catalog import template_named
from selftimer.sandbox.faults import ABOUT
from selftimer.sandbox.page.deeds import DEEDS
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from selftimer.sandbox.model import Client


@pytest.fixture
def world() -> World:
    return World.empty()


@pytest.fixture
def anna(world: World) -> Client:
    return people.add_client(
        world, first_name="Anna", last_name="Quorbelovazq", email="anna@example.com", client_type="lead"
    )


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(world) as client:
        yield client


# The deeds of a client ------------------------------------------------------------------------------------------


async def test_somebody_new_asks_for_a_session_and_is_a_lead(http: httpx.AsyncClient) -> None:
    page = await send(
        http,
        "/_sandbox/",
        "act",
        "inquire",
        first_name="Ada",
        last_name="Lovelace",
        email="ada@example.com",
        session_type="wedding",
        date="2026-08-01",
        time="11:00",
        text="Is the first of August free?",
    )
    assert "Ada Lovelace has asked about: Wedding day." in page.text
    [lead] = await shown(http, "/clients/")
    assert (lead["first_name"], lead["type"]) == ("Ada", "lead")
    [asked] = await shown(http, "/sessions")
    assert (asked["status"], asked["start_at"]) == ("inquiry", "2026-08-01T09:00:00.000000Z")
    [thread] = await shown(http, "/conversations/", message="true")
    assert [m["content"] for m in thread["messages"]] == ["Is the first of August free?"]


async def test_a_reply_is_an_unread_message_of_the_client(http: httpx.AsyncClient, anna: Client) -> None:
    await send(http, path_of(anna), "act", "write", text="Yes, please!")
    assert (await shown(http, "/conversations/unread/count"))["unread_count"] == 1
    [thread] = await shown(http, "/conversations/", message="true")
    assert (thread["messages"][0]["sender_type"], thread["messages"][0]["content"]) == ("client", "Yes, please!")


async def test_the_owner_writes_by_hand(http: httpx.AsyncClient, anna: Client) -> None:
    await send(http, path_of(anna), "act", "write", as_="studio", text="Gladly.")
    [thread] = await shown(http, "/conversations/", message="true")
    assert thread["messages"][0]["sender_type"] == "photographer"


async def test_a_booking_is_confirmed_at_once_and_makes_a_client(http: httpx.AsyncClient, anna: Client) -> None:
    page = await send(http, path_of(anna), "act", "book", session_type="portrait", date="2026-03-20", time="10:00")
    assert "has booked" in page.text
    [booked] = await shown(http, "/sessions")
    assert (booked["status"], booked["start_at"]) == ("confirmed", "2026-03-20T09:00:00.000000Z")
    assert (await shown(http, f"/clients/{anna.id}"))["type"] == "client"


async def test_a_session_goes_from_inquiry_over_pending_to_confirmed_or_is_declined(
    http: httpx.AsyncClient, world: World, anna: Client
) -> None:
    kind = next(iter(world.tables.session_types))
    first = sessions.add_session(world, anna.id, kind, world.now.add(hours=24 * 90), "inquiry")
    await send(http, path_of(anna), "act", "confirm")
    assert (await shown(http, f"/sessions/{first.id}"))["status"] == "pending"
    await send(http, path_of(anna), "act", "agree")
    assert (await shown(http, f"/sessions/{first.id}"))["status"] == "confirmed"
    second = sessions.add_session(world, anna.id, kind, world.now.add(hours=24 * 91), "inquiry")
    await send(http, path_of(anna), "act", "decline")
    assert (await shown(http, f"/sessions/{second.id}"))["status"] == "declined"


async def test_a_time_that_is_not_free_is_refused_with_those_that_are(
    http: httpx.AsyncClient, world: World, anna: Client
) -> None:
    await send(http, path_of(anna), "act", "book", session_type="portrait", date="2026-03-20", time="10:00")
    taken = await send(http, path_of(anna), "act", "book", session_type="portrait", date="2026-03-20", time="10:00")
    assert taken.status_code == 422
    [times] = re.findall(r"Free on 2026-03-20: ([0-9:, ]+)\.", taken.text)
    assert "10:00" not in times.split(", ")
    free = times.split(", ")[-1]
    await send(http, path_of(anna), "act", "move", date="2026-03-20", time=free)
    [moved] = await shown(http, "/sessions")
    assert Instant.parse_iso(moved["start_at"]).to_tz("Europe/Berlin").time().format_iso()[:5] == free


async def test_a_session_that_is_canceled_takes_its_unpaid_invoice_along(http: httpx.AsyncClient, anna: Client) -> None:
    await send(http, path_of(anna), "act", "book", session_type="portrait", date="2026-03-20", time="10:00")
    assert [row["status"] for row in await shown(http, "/invoices/")] == ["Unpaid"]
    await send(http, path_of(anna), "act", "cancel")
    assert [row["status"] for row in await shown(http, "/sessions")] == ["canceled"]
    assert [row["status"] for row in await shown(http, "/invoices/")] == ["Canceled"]


async def test_whoever_asks_again_under_the_same_address_is_the_same_client(
    http: httpx.AsyncClient, anna: Client
) -> None:
    again = {"first_name": "A.", "email": "ANNA@example.com", "session_type": "mini", "date": ""}
    page = await send(http, "/_sandbox/", "act", "inquire", **again)
    assert "Anna Quorbelovazq has asked about" in page.text
    assert len(await shown(http, "/clients/")) == 1


async def test_a_coupon_and_a_gift_card_are_used_when_paying(
    http: httpx.AsyncClient, world: World, anna: Client
) -> None:
    today = world.now.to_tz(world.profile.zone).date()
    item = money.line(world, anna.id, "Session", 25_000)
    invoice = money.add_invoice(world, anna.id, [item], today.add(days=7), by="studio")
    page = await send(http, path_of(anna), "act", "pay", coupon="welcome10", gift_card="GIFT-4712")
    assert "€0.00 is open" in page.text
    whole = await shown(http, f"/invoices/{invoice.id}", expand="all")
    assert whole["status"] == "Paid"
    assert [p["payment_method"] for p in whole["payments"]] == ["gift_card", "card"]
    refused = await send_unpaid(http, world, anna, coupon="NONE")
    assert "coupon" in refused.text.lower()


async def send_unpaid(http: httpx.AsyncClient, world: World, client: Client, **typed: str) -> httpx.Response:
    today = world.now.to_tz(world.profile.zone).date()
    money.add_invoice(world, client.id, [money.line(world, client.id, "Album", 9_000)], today.add(days=7), by="studio")
    answer = await send(http, path_of(client), "act", "pay", **typed)
    assert answer.status_code == 422
    return answer


async def test_choices_of_a_questionnaire_are_offered_and_the_optional_ones_may_stay_open(
    http: httpx.AsyncClient, world: World, anna: Client
) -> None:
    form = papers.add_questionnaire(world, anna.id, template_named(world, "questionnaire", "family"), by="studio")
    page = await send(http, path_of(anna), "act", "answer", **{"answers.question_1": "Two and five"})
    assert "has answered the questionnaire" in page.text
    answers = (await shown(http, f"/questionnaires/{form.id}"))["responses"]
    assert [a["response"] for a in answers] == ["Two and five", "Yes"]


async def test_an_invoice_is_paid_in_part_and_then_whole(http: httpx.AsyncClient, world: World, anna: Client) -> None:
    today = world.now.to_tz(world.profile.zone).date()
    item = money.line(world, anna.id, "Session", 25_000)
    invoice = money.add_invoice(world, anna.id, [item], today.add(days=7), by="studio")
    page = await send(http, path_of(anna), "act", "pay", sum="100.50", method="paypal")
    assert "has paid €100.50" in page.text
    half = await shown(http, f"/invoices/{invoice.id}", expand="all")
    assert (half["status"], half["payments"][0]["amount"]) == ("Partially Paid", 10_050)
    too_much = await send(http, path_of(anna), "act", "pay", sum="900")
    assert too_much.status_code == 422
    assert "€149.50" in too_much.text
    await send(http, path_of(anna), "act", "pay")
    assert (await shown(http, f"/invoices/{invoice.id}"))["status"] == "Paid"


async def test_a_contract_for_two_wants_two_signatures(http: httpx.AsyncClient, world: World, anna: Client) -> None:
    contract = papers.add_contract(world, anna.id, template_named(world, "contract", "wedding"), by="studio")
    await send(http, path_of(anna), "act", "sign")
    assert (await shown(http, f"/contracts/{contract.id}"))["status"] == "partially_signed"
    await send(http, path_of(anna), "act", "sign")
    assert (await shown(http, f"/contracts/{contract.id}"))["status"] == "signed"


async def test_a_questionnaire_is_answered_question_by_question(
    http: httpx.AsyncClient, world: World, anna: Client
) -> None:
    form = papers.add_questionnaire(world, anna.id, template_named(world, "questionnaire", "portrait"), by="studio")
    empty = await send(http, path_of(anna), "act", "answer")
    assert empty.status_code == 422
    answers = {"answers.question_1": "A book", "answers.question_2": "The harbour"}
    await send(http, path_of(anna), "act", "answer", **answers)
    row = await shown(http, f"/questionnaires/{form.id}")
    assert row["status"] == "completed"
    assert [r["response"] for r in row["responses"]] == ["A book", "The harbour"]


@pytest.mark.parametrize(("deed", "status"), [("accept", "accepted"), ("decline", "declined")])
async def test_a_quote_is_accepted_or_declined(
    http: httpx.AsyncClient, world: World, anna: Client, deed: str, status: str
) -> None:
    template = template_named(world, "quote", "wedding")
    quote = papers.add_quote(world, anna.id, template, [money.line(world, anna.id, "Day", 90_000)], by="studio")
    await send(http, path_of(anna), "act", deed)
    assert (await shown(http, f"/quotes/{quote.id}"))["status"] == status


async def test_a_client_is_archived_once(http: httpx.AsyncClient, anna: Client) -> None:
    await send(http, path_of(anna), "act", "archive")
    assert (await shown(http, f"/clients/{anna.id}"))["status_name"] == "Archived"
    again = await http.post("/_sandbox/act", json={"as": "studio", "deed": "archive", "client": anna.id})
    assert again.json()["error"].endswith("is archived already.")


# As JSON --------------------------------------------------------------------------------------------------------


async def act(http: httpx.AsyncClient, **order: Any) -> tuple[int, str]:
    answer = await http.post("/_sandbox/act", json={("as" if k == "as_" else k): v for k, v in order.items()})
    body = answer.json()
    return answer.status_code, body.get("done") or body["error"]


async def test_a_script_acts_by_the_same_deeds(http: httpx.AsyncClient, world: World, anna: Client) -> None:
    item = money.line(world, anna.id, "Session", 25_000)
    today = world.now.to_tz(world.profile.zone).date()
    first = money.add_invoice(world, anna.id, [item], today.add(days=7), by="studio")
    second = money.add_invoice(world, anna.id, [item], today.add(days=9), by="studio")
    status, said = await act(http, as_="client", deed="pay", client="quorb")
    assert status == 422
    assert first.id in said
    assert second.id in said
    assert await act(http, as_="client", deed="pay", client="anna@example.com", invoice=second.number) == (
        200,
        f"Anna Quorbelovazq has paid €250.00 on invoice {second.number}; €0.00 is open.",
    )
    assert (await act(http, as_="client", deed="pay", client=anna.id, amount=10_000))[0] == 200
    assert first.balance == 15_000


@pytest.mark.parametrize(
    ("order", "part"),
    [
        ({}, "`as` must be client or studio"),
        ({"as_": "client", "deed": "fly"}, "As client there is no deed 'fly'; there are: write"),
        ({"as_": "client", "deed": "pay"}, "Say client"),
        ({"as_": "client", "deed": "pay", "client": "zz"}, "Nobody is called 'zz'"),
        ({"as_": "client", "deed": "pay", "client": ["x"]}, "client must be a text"),
        ({"as_": "client", "deed": "write", "client": "anna"}, "Say text"),
        ({"as_": "client", "deed": "write", "client": "anna", "text": "x" * 5_001}, "may have 5000 characters"),
        ({"as_": "client", "deed": "sign", "client": "anna"}, "has no contract to sign"),
        ({"as_": "client", "deed": "inquire", "first_name": "B"}, "Say session_type"),
        ({"as_": "client", "deed": "inquire", "first_name": "B", "email": "b", "session_type": "mini"}, "no e-mail"),
        (
            {"as_": "client", "deed": "book", "client": "anna", "session_type": "moon"},
            "no session type 'moon' on offer; there are: wedding",
        ),
        (
            {"as_": "client", "deed": "book", "client": "anna", "session_type": "mini", "date": "soon"},
            "like 2026-05-09 and 14:30",
        ),
        (
            {"as_": "client", "deed": "book", "client": "anna", "session_type": "mini", "date": "2020-01-01"},
            "has gone by",
        ),
    ],
)
async def test_a_deed_that_cannot_be_done_says_why(
    http: httpx.AsyncClient, world: World, anna: Client, order: dict[str, Any], part: str
) -> None:
    before = world.version
    status, said = await act(http, **order)
    assert status == 422
    assert part in said
    assert world.version == before


async def test_every_deed_is_on_the_page(http: httpx.AsyncClient, world: World, anna: Client) -> None:
    kind = next(iter(world.tables.session_types))
    for status in ("inquiry", "pending"):
        sessions.add_session(world, anna.id, kind, world.now.add(hours=24 * 90), status)
    today = world.now.to_tz(world.profile.zone).date()
    money.add_invoice(world, anna.id, [money.line(world, anna.id, "Session", 100)], today, by="studio")
    papers.add_contract(world, anna.id, template_named(world, "contract", "portrait"), by="studio")
    papers.add_questionnaire(world, anna.id, template_named(world, "questionnaire", "portrait"), by="studio")
    papers.add_quote(world, anna.id, template_named(world, "quote", "wedding"), [], by="studio")
    pages = [(await http.get(where)).text for where in ("/_sandbox/", path_of(anna))]
    offered = {(form.get("as"), form.get("deed")) for page in pages for form in forms(page)}
    assert offered >= {(deed.actor, deed.name) for deed in DEEDS}


def test_the_guide_names_every_deed_with_its_members_and_every_fault() -> None:
    guide = (Path(__file__).parents[2] / "docs/guide/sandbox.md").read_text(encoding="utf-8")
    for deed in DEEDS:
        needs = ", ".join(f"`{name}`" for name in deed.needs) or "-"
        assert f"| {deed.actor} | `{deed.name}`: {deed.about} | {needs} |" in guide
    for kind, about in ABOUT.items():
        assert f"| `{kind}` | {about} |" in guide
