from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.api.kit import empty, meet
from whenever import Instant

from selftimer.errors import Drifted, NotFound, Refused
from selftimer.sandbox import bulk
from selftimer.sandbox.book import papers
from selftimer.sandbox.catalog import template_named

if TYPE_CHECKING:
    from tests.contract.api.kit import Meeting

    from selftimer.studio import models

DUE = Instant.from_utc(2026, 6, 1, 12)
NOBODY = "cl_" + "x" * 30
PREFIX = {"contract": "co_", "questionnaire": "qu_", "quote": "qo_"}
KINDS = list(PREFIX)


def group(m: Meeting, kind: str) -> Any:
    return getattr(m.studio, f"{kind}s")


def studio_with_papers(kind: str, count: int, clients: int = 3, **settings: Any) -> tuple[Meeting, list[Any]]:
    m = meet(empty(), **settings)
    owners = bulk.add_clients(m.world, clients)
    template = template_named(m.world, kind, "")
    made: list[Any] = []
    for number in range(count):
        owner = owners[number % clients]
        match kind:
            case "contract":
                made.append(papers.add_contract(m.world, owner.id, template, by="studio"))
            case "questionnaire":
                made.append(papers.add_questionnaire(m.world, owner.id, template, by="studio"))
            case _:
                items = papers.package_items(m.world, owner.id, template, by="studio")
                made.append(papers.add_quote(m.world, owner.id, template, items, by="studio"))
    return m, made


def values_for(template: models.ContractTemplate) -> dict[str, Any]:
    fitting = {"text": "Łódź & Söhne", "currency": "¥1,000,000", "date": "2026-05-01", "boolean": True}
    return {variable.name: fitting[variable.type or ""] for variable in template.variables}


@pytest.mark.calls("contract.create", "contract.get", "template.contract.get")
async def test_a_contract_is_made_of_a_template_and_its_variables() -> None:
    m = meet(empty())
    (client,) = bulk.add_clients(m.world, 1)
    template = max(await m.studio.contract_templates.list(), key=lambda one: len(one.variables))
    assert await m.studio.contract_templates.get(template.id) == template
    words = values_for(template)
    made = await m.studio.contracts.create(client.id, template.id, variables=words, due_date=DUE, send_email=True)
    assert (made.status, made.due_date, made.of_template[0]) == ("sent", DUE, template.id)
    assert made.client is not None
    assert made.client.id == client.id
    read = await m.studio.contracts.get(made.id)
    assert read == made
    assert read.content is not None
    assert read.content.rendered_html is not None
    assert "Łódź &amp; Söhne" in read.content.rendered_html
    assert {signature.signer_type for signature in read.signatures} >= {"client"}
    assert read.signed_date is None


@pytest.mark.calls("contract.create")
async def test_a_contract_without_a_date_is_due_when_its_template_says() -> None:
    m = meet(empty())
    (client,) = bulk.add_clients(m.world, 1)
    for template in await m.studio.contract_templates.list():
        assert template.due_days is not None
        made = await m.studio.contracts.create(client.id, template.id, variables=values_for(template))
        assert made.status == "draft"
        assert made.due_date is not None
        assert made.created_at is not None
        assert made.due_date == made.created_at.add(hours=24 * template.due_days)
    assert {write.content["send_email"] for write in m.wrote("contract")} == {False}


@pytest.mark.calls("questionnaire.create", "questionnaire.get")
async def test_a_questionnaire_is_made_and_read_back() -> None:
    m = meet(empty())
    (client,) = bulk.add_clients(m.world, 1)
    (template, *_) = await m.studio.questionnaire_templates.list()
    made = await m.studio.questionnaires.create(client.id, template.id, due_date=DUE, send_email=True)
    assert (made.status, made.due_date, made.responses) == ("pending", DUE, ())
    assert await m.studio.questionnaires.get(made.id) == made


@pytest.mark.calls("quote.create", "quote.get")
@pytest.mark.parametrize(("currency", "price"), [("usd", 1_000_000), ("jpy", 1_000_000)])
async def test_a_quote_holds_its_items_or_its_templates_packages(currency: str, price: int) -> None:
    m = meet(empty(currency=currency))
    (client,) = bulk.add_clients(m.world, 1)
    (template, *_) = await m.studio.quote_templates.list()
    items = [{"name": "撮影", "amount": price, "quantity": 2}]
    made = await m.studio.quotes.create(client.id, template.id, items=items, send_email=True)
    assert (made.status, made.amount, made.currency) == ("sent", 2 * price, currency)
    assert [(item.name, item.amount, item.quantity) for item in made.items] == [("撮影", price, 2)]
    assert await m.studio.quotes.get(made.id) == made
    usual = await m.studio.quotes.create(client.id, template.id)
    assert (usual.status, bool(usual.items)) == ("draft", True)


@pytest.mark.calls("contract.list", "questionnaire.list", "quote.list")
async def test_papers_are_listed_over_all_pages_and_by_client() -> None:
    for kind in KINDS:
        m, made = studio_with_papers(kind, 23, page_size=5)
        found = await group(m, kind).list()
        assert [paper.id for paper in found] == [row.id for row in made[::-1]]
        assert all(paper.id.startswith(PREFIX[kind]) for paper in found)
        assert m.last(f"{kind}.list").query["per_page"] == "5"
        owner = made[0].client_id
        own = [row.id for row in made[::-1] if row.client_id == owner]
        assert [paper.id for paper in await group(m, kind).list(client_id=owner)] == own
        assert await group(m, kind).list(client_id=NOBODY) == ()


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_studio_has_no_papers(kind: str) -> None:
    assert await group(meet(empty()), kind).list() == ()


@pytest.mark.calls("contract.get", "questionnaire.get", "quote.get")
async def test_a_wrong_id_and_a_paper_that_is_gone_are_told_apart() -> None:
    for kind in KINDS:
        m = meet(empty())
        with pytest.raises(Refused) as wrong:
            await group(m, kind).get("nonsense")
        assert wrong.value.details["expected_prefix"] == PREFIX[kind]
        with pytest.raises(NotFound):
            await group(m, kind).get(PREFIX[kind] + "x" * 30)


@pytest.mark.calls("contract.create", "questionnaire.create", "quote.create")
async def test_a_paper_for_nobody_or_of_no_template_is_refused() -> None:
    for kind in KINDS:
        m = meet(empty())
        (client,) = bulk.add_clients(m.world, 1)
        template_id = template_named(m.world, kind, "").id
        with pytest.raises(Refused) as nobody:
            await group(m, kind).create(NOBODY, template_id)
        assert "client_id" in nobody.value.details
        with pytest.raises(NotFound) as nothing:
            await group(m, kind).create(client.id, "zz_" + "x" * 30)
        assert nothing.value.code == "template_not_found"
        assert m.wrote(kind) == []


@pytest.mark.calls("contract.create")
async def test_variables_that_do_not_fit_the_template_are_refused_with_what_would() -> None:
    m = meet(empty())
    (client,) = bulk.add_clients(m.world, 1)
    template = template_named(m.world, "contract", "licence")
    for variables, code, said in (
        ({"nonsense": "x"}, "invalid_template_variable", "available_variables"),
        ({"usage": 3}, "invalid_variable_type", "usage"),
        ({"usage": "Print"}, "missing_required_variables", "missing_variables"),
    ):
        with pytest.raises(Refused) as told:
            await m.studio.contracts.create(client.id, template.id, variables=variables)
        assert (told.value.status, told.value.code) == (422, code)
        assert said in told.value.details
    assert m.wrote("contract") == []


@pytest.mark.calls("contract.create")
async def test_another_answer_than_a_paper_means_that_it_was_made_but_is_not_known() -> None:
    m = meet(empty())
    (client,) = bulk.add_clients(m.world, 1)
    m.fault("bad_json", method="POST", path="/contracts/")
    with pytest.raises(Drifted):
        await m.studio.contracts.create(client.id, template_named(m.world, "contract", "").id)
    assert len(m.wrote("contract")) == 1
