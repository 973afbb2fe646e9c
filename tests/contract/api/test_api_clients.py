from __future__ import annotations

from typing import Any

import pytest
from tests.contract.api.kit import empty, meet

from selftimer.errors import NotFound, NotSignedIn, Refused, Unclear
from selftimer.sandbox import bulk
from selftimer.sandbox.world import World
from selftimer.studio import models

NOBODY = "cl_" + "x" * 30
ADA: dict[str, Any] = {"first_name": "Åda 👩‍👩‍👧", "last_name": "Łukasz-王", "email": "ada@example.com", "type": "lead"}


@pytest.mark.calls("client.list")
@pytest.mark.parametrize("types", ["client", "lead", "other", "client,lead", "client,lead,other"])
async def test_clients_are_listed_by_type(types: str) -> None:
    m = meet()
    found = await m.studio.clients.list(types)
    wanted = [row for row in m.world.tables.clients.newest() if row.type in types.split(",")]
    assert [client.id for client in found] == [row.id for row in wanted]
    assert {client.type for client in found} <= set(types.split(","))


@pytest.mark.calls("client.list")
async def test_a_client_is_typed_and_keeps_what_is_new() -> None:
    m = meet(empty())
    bulk.add_clients(m.world, 1)
    m.fault(
        "broken_record", path="/clients/", record={"new_field": {"deep": [1]}, "address_info": {"postal_code": 123}}
    )
    (client,) = await m.studio.clients.list()
    assert isinstance(client, models.Client)
    assert client.raw["new_field"] == {"deep": [1]}
    assert client.address_info is not None
    assert client.address_info.postal_code == "123"
    assert client.status == "active"
    assert client.created_at == m.world.tables.clients.newest()[0].created_at


@pytest.mark.calls("client.list")
async def test_an_empty_studio_has_an_empty_list() -> None:
    m = meet(empty())
    clients = m.studio.clients.list()
    assert [client async for client in clients] == []
    assert clients.total == 0
    assert len(m.made) == 1


@pytest.mark.calls("client.create", "client.get")
async def test_a_contact_of_any_script_is_made_and_read_back() -> None:
    m = meet(empty())
    made = await m.studio.clients.create(ADA | {"address_info": {"city": "Kraków"}})
    assert (made.name, made.type, made.email) == ("Åda 👩‍👩‍👧 Łukasz-王", "lead", "ada@example.com")
    read = await m.studio.clients.get(made.id)
    assert read == made
    assert read.raw == made.raw
    assert read.address_info is not None
    assert read.address_info.city == "Kraków"


@pytest.mark.calls("client.create")
async def test_a_contact_that_can_not_be_is_refused_with_its_fields() -> None:
    m = meet(empty())
    with pytest.raises(Refused) as told:
        await m.studio.clients.create({"type": "martian", "email": "nonsense"})
    assert told.value.status == 422
    assert told.value.details.keys() == {"type", "email"}
    assert m.wrote("client") == []


@pytest.mark.calls("client.create")
@pytest.mark.parametrize("value", [2**70, "\ud800", object()])
async def test_what_is_no_json_is_refused_before_it_is_sent(value: object) -> None:
    m = meet(empty())
    with pytest.raises(Refused) as told:
        await m.studio.clients.create({"notes": value})
    assert told.value.code == "not_json"
    assert m.made == []
    await m.studio.clients.create(ADA)


@pytest.mark.calls("client.get")
async def test_an_id_that_is_none_and_one_that_nobody_has_are_told_apart() -> None:
    m = meet()
    with pytest.raises(Refused) as wrong:
        await m.studio.clients.get("nonsense")
    assert wrong.value.status == 400
    with pytest.raises(NotFound):
        await m.studio.clients.get(NOBODY)
    with pytest.raises(Refused, match="not an id"):
        await m.studio.clients.get("..")


@pytest.mark.calls("client.update")
async def test_a_lead_becomes_a_client_and_the_rest_stays() -> None:
    m = meet(empty())
    lead = await m.studio.clients.create(ADA | {"address_info": {"city": "Kraków"}})
    after = await m.studio.clients.update(lead.id, {"type": "client", "address_info": {"state": "MP"}})
    assert after.type == "client"
    assert after.name == lead.name
    assert after.address_info is not None
    assert (after.address_info.city, after.address_info.state) == ("Kraków", "MP")


@pytest.mark.calls("client.update", "client.get")
async def test_an_update_that_the_studio_takes_and_forgets_is_unclear() -> None:
    m = meet(empty())
    lead = await m.studio.clients.create(ADA)
    with pytest.raises(Unclear) as told:
        await m.studio.clients.update(lead.id, {"nickname": "Ad"})
    assert told.value.details == {"fields": ["nickname"]}


@pytest.mark.calls("client.search")
@pytest.mark.parametrize("types", ["all", "client", "lead"])
async def test_search_finds_by_name_and_address_within_a_type(types: Any) -> None:
    m = meet()
    one = next(row for row in m.world.tables.clients if types in {"all", row.type})
    for words in (one.email, one.last_name):
        assert one.id in [client.id async for client in m.studio.clients.search(words, types)]
    assert m.last("client.search").query["pageSize"] == "100"
    assert await m.studio.clients.search("nobody has this name", types) == ()


@pytest.mark.calls("client.search")
async def test_search_is_read_over_all_pages() -> None:
    world = empty()
    bulk.add_clients(world, 55)
    m = meet(world, page_size=20)
    found = await m.studio.clients.search("@")
    assert [client.id for client in found] == [row.id for row in world.tables.clients.newest()]
    assert sorted(seen.query["page"] for seen in m.made) == ["1", "2", "3"]


@pytest.mark.calls("client.collections", "client.documents")
async def test_a_clients_galleries_and_papers_are_listed() -> None:
    m = meet(World(population=120, living=False, seed=3))
    tables = m.world.tables
    kinds: set[type] = set()
    for row in list(tables.clients)[:80]:
        documents = await m.studio.clients.documents(row.id)
        wanted = [
            *tables.contracts.of_client(row.id), *tables.invoices.of_client(row.id),
            *tables.quotes.of_client(row.id), *tables.questionnaires.of_client(row.id),
        ]  # fmt: skip
        assert {document.id for document in documents} == {document.id for document in wanted}
        kinds |= {type(document) for document in documents}
        galleries = await m.studio.clients.collections(row.id)
        assert [gallery.id for gallery in galleries] == [g.id for g in tables.collections.of_client(row.id)[::-1]]
    assert {models.Contract, models.Invoice} <= kinds
    with pytest.raises(NotFound):
        await m.studio.clients.documents(NOBODY)
    with pytest.raises(Refused):
        await m.studio.clients.collections("nonsense")


@pytest.mark.calls("client.documents")
async def test_a_document_of_an_unknown_kind_is_set_aside() -> None:
    m = meet()
    owner = next(iter(m.world.tables.invoices)).client_id
    whole = await m.studio.clients.documents(owner)
    m.fault("broken_record", path="/documents", record={"id": "zz_" + "z" * 30})
    documents = m.studio.clients.documents(owner)
    assert len(await documents) == len(whole) - 1
    assert [aside.id for aside in documents.unreadable] == ["zz_" + "z" * 30]


@pytest.mark.calls("client.csv")
async def test_the_export_is_read_row_by_row() -> None:
    world = empty()
    m = meet(world)
    for notes in ("plain", 'with "quotes", commas\nand a line', "=1+1", "ünï\u2028code"):
        await m.studio.clients.create(ADA | {"first_name": notes})
    rows = [row async for row in m.studio.clients.export()]
    assert [row["first_name"] for row in rows] == [row.first_name for row in world.tables.clients.newest()]
    assert {row["email"] for row in rows} == {"ada@example.com"}


@pytest.mark.calls("client.csv")
async def test_an_export_that_is_none_is_drift_and_a_lost_one_is_asked_for_again() -> None:
    m = meet()
    m.fault("drop_after", path="download_csv", times=2)
    assert len([row async for row in m.studio.clients.export()]) == len(m.world.tables.clients)
    m.fault("html200", path="download_csv", times=9)
    with pytest.raises(NotSignedIn):
        [row async for row in m.studio.clients.export()]
