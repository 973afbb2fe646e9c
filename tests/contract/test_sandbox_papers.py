"""Contracts, questionnaires and quotes: made by the API, seen through by clients and the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in

from selftimer.sandbox import bulk
from selftimer.sandbox.book import money, papers
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.catalog import template_named
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from selftimer.sandbox.model import Client, Contract, Questionnaire, Quote

LICENCE = {"usage": "Posters", "licence_fee": "€450.00", "licence_ends": "2027-03-31"}


@pytest.fixture
def world() -> World:
    return World.empty()


@pytest.fixture
def client(world: World) -> Client:
    [made] = bulk.add_clients(world, 1, client_type="lead")
    made.first_name, made.last_name = "Zoë <i>", "O'Brien & 王"
    return made


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(world) as signed:
        yield signed


def a_contract(world: World, client: Client, name: str = "wedding", **more: Any) -> Contract:
    return papers.add_contract(world, client.id, template_named(world, "contract", name), by="studio", **more)


def a_form(world: World, client: Client, name: str = "family", **more: Any) -> Questionnaire:
    return papers.add_questionnaire(world, client.id, template_named(world, "questionnaire", name), by="studio", **more)


def a_quote(world: World, client: Client, *, sent: bool = True) -> Quote:
    template = template_named(world, "quote", "wedding")
    items = [money.line(world, client.id, "Day", 100_000, 2, description="Both days", taxable=True)]
    return papers.add_quote(world, client.id, template, items, by="studio", sent=sent)


async def make(
    http: httpx.AsyncClient, world: World, client: Client, kind: str, name: str, **more: Any
) -> httpx.Response:
    template = template_named(world, kind, name)
    body = {"client_id": client.id, "template_id": template.id, "send_email": True, **more}
    return await http.post(f"{API}/{kind}s/", json=body)


def seen_as(rows: list[dict[str, Any]]) -> list[str]:
    return [row["status"] for row in rows]


# Contracts: what they say -------------------------------------------------------------------------------------------


async def test_a_contract_says_what_its_template_says_with_the_variables_put_in_and_escaped(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    given = {**LICENCE, "usage": "<script>{{client_name}}</script>", "exclusive": True}
    made = (await make(http, world, client, "contract", "licence", variables=given)).json()["data"]
    html = made["content"]["rendered_html"]
    assert "Between Studio Nord and Zoë &lt;i&gt; O&#x27;Brien &amp; 王." in html
    assert "&lt;script&gt;{{client_name}}&lt;/script&gt; in Germany until 2027-03-31: €450.00. Exclusive: yes." in html
    assert made["content"]["variables"] == {
        **given,
        "client_name": "Zoë <i> O'Brien & 王",
        "studio_name": "Studio Nord",
        "territory": "Germany",
    }


async def test_a_variable_that_nobody_gave_leaves_nothing_behind(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    made = (await make(http, world, client, "contract", "licence", variables=LICENCE)).json()["data"]
    assert "Exclusive: ." in made["content"]["rendered_html"]
    assert "{{" not in made["content"]["rendered_html"]


async def test_a_contract_keeps_its_words_when_the_template_gets_others(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    made = (await make(http, world, client, "contract", "release")).json()["data"]
    template_named(world, "contract", "release").body = "<p>Other words</p>"
    assert (await read(http, f"/contracts/{made['id']}"))["data"] == made


async def test_a_contract_is_due_after_its_templates_days_or_when_it_is_told(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    made = (await make(http, world, client, "contract", "wedding")).json()["data"]
    assert (made["created_at"], made["due_date"]) == ("2026-03-02T07:00:00.000000Z", "2026-03-16T07:00:00.000000Z")
    told = (await make(http, world, client, "contract", "wedding", due_date="2026-03-28")).json()["data"]
    assert told["due_date"] == "2026-03-28T23:00:00.000000Z"
    for wrong in ("2026-02-30", "20260328", "soon", "9999-12-31"):
        answer = await make(http, world, client, "contract", "wedding", due_date=wrong)
        assert (answer.status_code, set(answer.json()["error"]["details"])) == (422, {"due_date"})


@pytest.mark.parametrize(
    ("variables", "code", "details"),
    [
        ({**LICENCE, "colour": "red"}, "invalid_template_variable", "available_variables"),
        ({"usage": "Posters", "licence_ends": " "}, "invalid_variable_type", "licence_ends"),
        ({"usage": "Posters"}, "missing_required_variables", "missing_variables"),
        ({**LICENCE, "usage": ""}, "missing_required_variables", "missing_variables"),
        ({**LICENCE, "usage": 7}, "invalid_variable_type", "usage"),
        ({**LICENCE, "usage": None}, "invalid_variable_type", "usage"),
        ({**LICENCE, "usage": ["Posters"]}, "invalid_variable_type", "usage"),
        ({**LICENCE, "licence_fee": "much"}, "invalid_variable_type", "licence_fee"),
        ({**LICENCE, "licence_fee": True}, "invalid_variable_type", "licence_fee"),
        ({**LICENCE, "licence_ends": "31.03.2027"}, "invalid_variable_type", "licence_ends"),
        ({**LICENCE, "licence_ends": "2027-02-30"}, "invalid_variable_type", "licence_ends"),
        ({**LICENCE, "exclusive": "perhaps"}, "invalid_variable_type", "exclusive"),
        (["usage"], "validation_failed", "variables"),
    ],
)
async def test_variables_are_held_to_the_template_and_no_contract_is_made(
    http: httpx.AsyncClient, world: World, client: Client, variables: Any, code: str, details: str
) -> None:
    answer = await make(http, world, client, "contract", "licence", variables=variables)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], set(error["details"])) == (422, code, {details})
    assert not len(world.tables.contracts)


async def test_what_is_missing_and_what_there_is_are_named(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    missing = (await make(http, world, client, "contract", "licence")).json()["error"]["details"]
    assert missing == {"missing_variables": ["usage", "licence_fee", "licence_ends"]}
    unknown = (await make(http, world, client, "contract", "release", variables={"x": 1})).json()["error"]["details"]
    assert unknown == {"available_variables": ["client_name", "studio_name"]}


@pytest.mark.parametrize("fee", [450, 450.5, "450", "€1,450.00", "1.450,00 EUR", "-5"])
async def test_numbers_and_yes_or_no_may_come_as_texts_that_spell_them(
    http: httpx.AsyncClient, world: World, client: Client, fee: Any
) -> None:
    given = {**LICENCE, "licence_fee": fee, "exclusive": "false"}
    answer = await make(http, world, client, "contract", "licence", variables=given)
    assert answer.status_code == 201, answer.text


# Contracts: what becomes of them ------------------------------------------------------------------------------------


async def test_a_contract_is_sent_seen_signed_by_one_and_signed_by_all(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    contract = a_contract(world, client)
    path = f"/contracts/{contract.id}"
    steps = [(await read(http, path))["data"]]
    for deed in (papers.view, papers.view, papers.sign, papers.view, papers.sign):
        world.advance_to(world.now.add(hours=1))
        deed(world, contract.id)
        steps.append((await read(http, path))["data"])
    assert seen_as(steps) == ["sent", "viewed", "viewed", "partially_signed", "partially_signed", "signed"]
    assert [s["signed_date"] for s in steps] == [None] * 5 + ["2026-03-02T12:00:00.000000Z"]
    signed = [(s["signer_type"], s["signed_at"]) for s in steps[-1]["signatures"]]
    first, last = "2026-03-02T10:00:00.000000Z", "2026-03-02T12:00:00.000000Z"
    assert signed == [("client", first), ("client", last), ("photographer", last)], "the studio signs last by itself"


def test_the_photographer_may_sign_first_and_a_signer_is_known_by_type_mail_or_name(
    world: World, client: Client
) -> None:
    contract = a_contract(world, client, "portrait")
    seen = [papers.sign(world, contract, "photographer").status]
    with pytest.raises(DeedError, match="photographer has signed this contract already"):
        papers.sign(world, contract, "photographer")
    with pytest.raises(DeedError, match="Mallory is no signer of this contract"):
        papers.sign(world, contract, "Mallory")
    seen.append(papers.sign(world, contract, client.email).status)
    assert seen == ["partially_signed", "signed"]
    other = a_contract(world, client, "release")
    assert papers.sign(world, other, client.name).status == "signed"


def test_a_signature_that_nobody_needs_does_not_hold_a_contract_up(world: World, client: Client) -> None:
    template = template_named(world, "contract", "wedding")
    template.extra["signers"][1]["required"] = False
    contract = a_contract(world, client)
    papers.sign(world, contract)
    assert contract.status == "signed"
    assert [s.signed_at is not None for s in contract.signatures] == [True, False, True]


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        ("draft", "contract_draft", "The studio hasn't sent this contract yet."),
        ("signed", "contract_signed", "This contract has been signed by all."),
        ("cancelled", "contract_cancelled", "The studio has cancelled this contract."),
        ("expired", "contract_expired", "This contract could be signed until 2026-03-16."),
    ],
)
def test_a_contract_that_cannot_be_signed_says_why(
    world: World, client: Client, status: Any, code: str, sentence: str
) -> None:
    contract = a_contract(world, client, sent=status != "draft")
    if status == "expired":
        world.advance_to(contract.due_date)
    elif status != "draft":
        papers.set_contract(world, contract, status)
    assert contract.status == status
    with pytest.raises(DeedError) as refused:
        papers.sign(world, contract)
    assert (refused.value.code, str(refused.value)) == (code, sentence)
    if status == "draft":
        with pytest.raises(DeedError, match="hasn't sent"):
            papers.view(world, contract)
    else:
        assert papers.view(world, contract).status == status, "looking changes nothing"


def test_a_contract_expires_on_the_second_unless_all_have_signed(world: World, client: Client) -> None:
    left, half, whole = (a_contract(world, client) for _ in range(3))
    papers.sign(world, half)
    papers.set_contract(world, whole, "signed")
    world.advance_to(left.due_date.subtract(seconds=1))
    before = [c.status for c in (left, half, whole)]
    world.advance_to(left.due_date)
    assert before == ["sent", "partially_signed", "signed"]
    assert [c.status for c in (left, half, whole)] == ["expired", "expired", "signed"]


# Questionnaires -----------------------------------------------------------------------------------------------------


async def test_answers_come_back_in_the_order_of_the_questions(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    form = a_form(world, client)
    world.advance_to(world.now.add(hours=5))
    answers = {"question_3": ["Cousins", "Friends"], "question_2": "No", "question_1": "Fünf & «sieben» 👶"}
    papers.answer(world, form.id, answers)
    seen = (await read(http, f"/questionnaires/{form.id}", expand="responses"))["data"]
    assert [(r["field_name"], r["field_label"], r["response"]) for r in seen["responses"]] == [
        ("question_1", "How old are the children?", "Fünf & «sieben» 👶"),
        ("question_2", "Do you bring a pet?", "No"),
        ("question_3", "Who comes along?", "Cousins, Friends"),
    ]
    times = (seen["status"], seen["completed_at"], seen["updated_at"])
    assert times == ("completed", "2026-03-02T12:00:00.000000Z", "2026-03-02T12:00:00.000000Z")


def test_a_question_that_need_not_be_answered_may_be_left_out(world: World, client: Client) -> None:
    form = papers.answer(world, a_form(world, client), {"question_1": "4", "question_2": "Yes", "question_3": " "})
    assert [r["field_name"] for r in form.responses] == ["question_1", "question_2"]


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"question_1": " "}, {"question_1": "Please answer this question."}),
        ({"question_2": "Perhaps"}, {"question_2": "Please choose from: Yes, No."}),
        ({"question_2": ["Yes", "No"]}, {"question_2": "Only one answer is possible."}),
        ({"question_3": ["Friends", "Dogs"]}, {"question_3": "Please choose from: Grandparents, Cousins, Friends."}),
        ({"question_9": "x"}, {"question_9": "The questionnaire doesn't ask this."}),
        ({"question_1": "x" * 5_001}, {"question_1": "Please use at most 5000 characters."}),
    ],
)
def test_answers_that_cannot_be_are_named_and_the_questionnaire_stays_open(
    world: World, client: Client, changed: dict[str, Any], wrong: dict[str, str]
) -> None:
    form = a_form(world, client)
    with pytest.raises(DeedError) as refused:
        papers.answer(world, form, {"question_1": "4", "question_2": "Yes", **changed})
    assert refused.value.details == wrong
    assert (form.status, form.responses) == ("pending", [])


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("number", "2,5", "two"), ("email", "a@b.example", "a at b"), ("date", "2026-03-31", "31 March")],
)
def test_an_answer_is_of_the_questions_kind(world: World, client: Client, kind: str, good: str, bad: str) -> None:
    template_named(world, "questionnaire", "portrait").extra["questions"][0]["field_type"] = kind
    form = a_form(world, client, "portrait")
    with pytest.raises(DeedError):
        papers.answer(world, form, {"question_1": bad, "question_2": "The harbour"})
    assert papers.answer(world, form, {"question_1": good, "question_2": "The harbour"}).status == "completed"


def test_a_questionnaire_that_is_closed_says_why(world: World, client: Client) -> None:
    good = {"question_1": "4", "question_2": "Yes"}
    draft, done, late = a_form(world, client, sent=False), a_form(world, client), a_form(world, client)
    papers.answer(world, done, good)
    world.advance_to(late.due_date)
    assert (draft.status, done.status, late.status) == ("draft", "completed", "expired")
    for form, sentence in (
        (draft, "hasn't sent this questionnaire"),
        (done, "has been answered"),
        (late, "could be answered until 2026-03-23"),
    ):
        with pytest.raises(DeedError, match=sentence):
            papers.answer(world, form, good)


# Quotes -------------------------------------------------------------------------------------------------------------


async def test_a_quote_without_items_holds_the_packages_that_its_template_has_by_default(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    template = template_named(world, "quote", "wedding")
    template.extra["package_items"][0]["default_quantity"] = 2
    nothing: tuple[dict[str, Any], ...] = ({}, {"items": None}, {"items": []})
    for empty in nothing:
        made = (await make(http, world, client, "quote", "wedding", **empty)).json()["data"]
        assert [(i["name"], i["quantity"], i["amount"]) for i in made["items"]] == [("Wedding collection", 2, 280_000)]
        assert (made["amount"], made["valid_until"]) == (560_000, "2026-03-16T07:00:00.000000Z")
    wrong = await make(http, world, client, "quote", "wedding", items=[{"name": "x"}])
    assert set(wrong.json()["error"]["details"]) == {"items.0.amount"}


async def test_an_accepted_quote_becomes_an_invoice_with_its_items_and_a_client_of_the_lead(
    http: httpx.AsyncClient, world: World, client: Client
) -> None:
    quote = a_quote(world, client)
    invoice = papers.accept_quote(world, quote.id)
    shown = (await read(http, f"/quotes/{quote.id}"))["data"]
    assert (shown["status"], shown["invoice_id"]) == ("accepted", invoice.id)
    billed = (await read(http, f"/invoices/{invoice.id}", expand="all"))["data"]
    assert billed["associated_documents"] == [{"type": "quote", "id": quote.id}]
    assert (billed["amount"], billed["due_date"], billed["status"]) == (shown["amount"], "2026-03-16", "Unpaid")
    assert shown["amount"] == 238_000, "two days at 1000 euros, and 19 % of tax"
    ours, theirs = ([{**item, "id": ""} for item in rows] for rows in (billed["line_items"], shown["items"]))
    assert ours == theirs
    assert client.type == "client"


def test_a_declined_quote_bills_nothing_and_makes_nobody_a_client(world: World, client: Client) -> None:
    quote = papers.decline_quote(world, a_quote(world, client))
    assert (quote.status, quote.invoice_id, client.type) == ("declined", None, "lead")
    assert not len(world.tables.invoices)


@pytest.mark.parametrize("deed", [papers.accept_quote, papers.decline_quote])
def test_a_quote_is_answered_once_and_in_time(world: World, client: Client, deed: Any) -> None:
    draft, accepted, declined, late = (a_quote(world, client, sent=sent) for sent in (False, True, True, True))
    papers.accept_quote(world, accepted)
    papers.decline_quote(world, declined)
    world.advance_to(late.valid_until)
    assert late.status == "expired"
    for quote, sentence in (
        (draft, "hasn't sent this quote"),
        (accepted, "has been accepted"),
        (declined, "has been declined"),
        (late, "was valid until 2026-03-16"),
    ):
        before = quote.status
        with pytest.raises(DeedError, match=sentence):
            deed(world, quote)
        assert quote.status == before


def test_a_person_whose_quote_was_billed_is_not_billed_again_when_they_book() -> None:
    world = World(population=150)
    for person in world.people.values():
        if person.stage == "lead":
            papers.accept_quote(world, a_quote(world, world.tables.clients.rows[person.client_id]))
    world.advance_to(world.now.add(hours=24 * 20))
    booked = [s for s in world.tables.sessions for i in [s.invoice_id] if i and world.tables.invoices.rows[i].quote_id]
    assert booked, "some of them have booked by now"
    for session in booked:
        invoices = [i for i in world.tables.invoices.of_client(session.client_id) if i.session_id == session.id]
        assert [i.id for i in invoices] == [session.invoice_id]


# All of them --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["contract", "questionnaire", "quote"])
async def test_papers_are_listed_newest_first_by_client_and_to_both_ends(
    http: httpx.AsyncClient, world: World, client: Client, kind: str
) -> None:
    path = f"/{kind}s/"
    assert (await read(http, path))["data"] == []
    [other] = bulk.add_clients(world, 1)
    makers: dict[str, Any] = {"contract": a_contract, "questionnaire": a_form, "quote": a_quote}
    made = [makers[kind](world, client).id for _ in range(3)]
    theirs = makers[kind](world, other).id
    assert [row["id"] for row in (await read(http, path))["data"]] == [theirs, *made[::-1]]
    mine = await read(http, path, client_id=client.id, per_page=2, page=2)
    assert [row["id"] for row in mine["data"]] == made[:1]
    assert mine["meta"] == {"current_page": 2, "per_page": 2, "total": 3, "last_page": 2, "from": 3, "to": 3}
    assert (await read(http, path, page=9))["data"] == []


@pytest.mark.parametrize(
    ("kind", "prefix", "code"),
    [("contract", "co_", "contract_not_found"), ("questionnaire", "qu_", "resource_not_found"), ("quote", "qo_", "")],
)
async def test_a_paper_that_is_not_there_and_an_id_that_is_none(
    http: httpx.AsyncClient, kind: str, prefix: str, code: str
) -> None:
    missing = await http.get(f"{API}/{kind}s/{prefix}{'0' * 30}")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, code or "resource_not_found")
    wrong = await http.get(f"{API}/{kind}s/in_{'0' * 30}")
    assert wrong.json()["error"]["details"]["expected_prefix"] == prefix
    assert wrong.status_code == 400


def test_a_deed_on_a_paper_that_is_not_there_is_refused(world: World) -> None:
    for deed in (papers.view, papers.sign, papers.accept_quote, papers.decline_quote):
        with pytest.raises(DeedError, match=r"There is no (contract|quote) with this id"):
            deed(world, "nothing")
    with pytest.raises(DeedError, match="There is no questionnaire with this id"):
        papers.answer(world, "nothing", {})
