from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in

from selftimer.sandbox import bulk
from selftimer.sandbox.book import papers
from selftimer.sandbox.catalog import template_named
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from selftimer.sandbox.model import Template

SIGNER = {"type": "client", "required": True, "order": 1, "title": ""}
KINDS = ("email", "contract", "invoice", "questionnaire", "quote")


@pytest.fixture
def quiet() -> World:
    return World.empty()


@pytest.fixture
async def http(quiet: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(quiet) as client:
        yield client


@pytest.fixture
def contract(quiet: World) -> Template:
    return template_named(quiet, "contract", "release")


async def preview(http: httpx.AsyncClient, row: Template, **body: Any) -> httpx.Response:
    return await http.post(f"{API}/templates/{row.kind}s/{row.id}/preview", json=body)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_is_listed_by_status_in_pages_and_found_by_id(
    http: httpx.AsyncClient, quiet: World, kind: str
) -> None:
    rows = [row for row in quiet.tables.templates if row.kind == kind]
    rows[0].status = "archived"
    quiet.tables.templates.touch(rows[0].id)
    whole = await read(http, f"/templates/{kind}s")
    assert {row["id"] for row in whole["data"]} == {row.id for row in rows}
    assert (await read(http, f"/templates/{kind}s", status="archived"))["meta"]["total"] == 1
    assert (await read(http, f"/templates/{kind}s", status="draft"))["data"] == []
    last = await read(http, f"/templates/{kind}s", page=len(rows), per_page=1)
    assert (await read(http, f"/templates/{kind}s/{last['data'][0]['id']}"))["data"] == last["data"][0]
    assert (await http.get(f"{API}/templates/{kind}s", params={"status": "lost"})).status_code == 422
    prefix = rows[0].id.partition("_")[0]
    assert code(await http.get(f"{API}/templates/{kind}s/{prefix}_{'x' * 30}")) == (404, "template_not_found")
    assert code(await http.get(f"{API}/templates/{kind}s/cl_{'x' * 30}")) == (400, "invalid_id_format")


async def test_values_are_put_into_html_escaped_and_into_text_as_they_are(
    http: httpx.AsyncClient, contract: Template
) -> None:
    contract.body = "<h1>Release &amp; terms</h1><p>By {{ studio_name }} for {{client_name}}.</p>"
    shown = (await preview(http, contract, variables={"client_name": "<b>Žofie & Sön</b>"})).json()["data"]
    assert shown["html_content"] == (
        "<h1>Release &amp; terms</h1><p>By Studio Nord for &lt;b&gt;Žofie &amp; Sön&lt;/b&gt;.</p>"
    )
    assert shown["text_content"] == "Release & terms\nBy Studio Nord for <b>Žofie & Sön</b>."
    assert shown["rendered_variables"] == {"client_name": "<b>Žofie & Sön</b>", "studio_name": "Studio Nord"}
    only = (await preview(http, contract, variables={"client_name": "A"}, format="html")).json()["data"]
    assert "text_content" not in only
    nested = (await preview(http, contract, variables={"client_name": "{{studio_name}}"})).json()["data"]
    assert "for {{studio_name}}." in nested["text_content"], "a value is no template"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", ["x", ""], [7, True, None, ["x"], {}]),
        ("email", ["a@example.com"], ["nobody", 1]),
        ("date", ["2028-02-29"], ["2026-02-29", "tomorrow", 20260301]),
        ("time", ["09:30"], ["25:00", "9", 9.5]),
        ("number", [7, -1.5, "12"], ["many", True, None]),
        ("currency", [5000, "€450.00"], ["much", []]),
        ("boolean", [True, "false"], ["maybe", 1.5]),
        ("url", ["https://example.com/x"], ["example.com", "javascript:alert(1)", 1]),
    ],
)
async def test_a_value_is_held_to_the_type_of_its_variable(
    http: httpx.AsyncClient, contract: Template, kind: str, good: list[Any], bad: list[Any]
) -> None:
    contract.variables = [
        {
            "name": "thing",
            "type": kind,
            "required": False,
            "default_value": None,
            "format": None,
            "description": None,
            "validation": None,
        }
    ]
    contract.body = "<p>{{thing}}</p>"
    for value in good:
        shown = await preview(http, contract, variables={"thing": value})
        assert shown.status_code == 200, shown.text
    for value in bad:
        refused = await preview(http, contract, variables={"thing": value})
        assert code(refused) == (422, "invalid_variable_type")
        assert set(refused.json()["error"]["details"]) == {"thing"}


async def test_a_preview_refuses_what_is_missing_or_unknown_and_an_email_only_says_it(
    http: httpx.AsyncClient, quiet: World, contract: Template
) -> None:
    missing = await preview(http, contract)
    assert code(missing) == (422, "missing_required_variables")
    assert missing.json()["error"]["details"] == {"missing_variables": ["client_name"]}
    unknown = await preview(http, contract, variables={"nonsense": 1})
    assert code(unknown) == (400, "invalid_template_variable")
    assert unknown.json()["error"]["details"]["available_variables"] == ["client_name", "studio_name"]
    assert code(await preview(http, contract, format="pdf")) == (422, "validation_failed")
    assert code(await preview(http, contract, variables=["client_name"])) == (400, "validation_error")
    mail = template_named(quiet, "email", "details")
    content = f"/templates/emails/{mail.id}/fetch_content"
    shown = (await read(http, content, format="text"))["data"]
    assert shown["missing_variables"] == ["client_name", "session_date"]
    assert shown["text_content"] == "Hello {{client_name}},\nsee you on {{session_date}}."
    assert "html_content" not in shown
    given = json.dumps({"client_name": "Jo", "session_date": "2026-05-01"})
    shown = (await read(http, content, variables=given))["data"]
    assert (shown["subject"], shown["missing_variables"]) == ("Your session on 2026-05-01", [])
    assert shown["html_content"] == "<p>Hello Jo,</p><p>see you on 2026-05-01.</p>"
    assert code(await http.get(API + content, params={"variables": "[1]"})) == (400, "validation_error")
    assert code(await http.get(API + content, params={"variables": "{"})) == (400, "validation_error")
    wrong = json.dumps({"session_date": "soon"})
    assert code(await http.get(API + content, params={"variables": wrong})) == (422, "invalid_variable_type")
    assert (await http.get(API + content, params={"format": "pdf"})).status_code == 422


async def test_a_contract_template_is_changed_and_contracts_made_of_it_stay(
    http: httpx.AsyncClient, quiet: World, contract: Template
) -> None:
    [client] = bulk.add_clients(quiet, 1, conversations=False)
    old = papers.add_contract(quiet, client.id, contract, by="studio")
    before = (await read(http, f"/contracts/{old.id}"))["data"]["content"]
    quiet.advance_to(quiet.now.add(hours=1))
    path = f"{API}/templates/contracts/{contract.id}"
    body = {
        "name": "Release 2",
        "due_days": 3,
        "html_body": "<p>{{client_name}}, {{place}}</p>",
        "variables": [
            *contract.variables[:1],
            {**contract.variables[1], "name": "place", "default_value": "Kiel"},
        ],
        "signers": [
            {"type": "photographer", "required": True, "order": 2, "title": "Studio"},
            {"type": "client", "required": True, "order": 1, "title": "Client"},
        ],
        "reminders": {"enabled": True, "days_before_due": 1, "reminder_subject": "Soon", "reminder_message": "…"},
    }
    changed = (await http.put(path, json=body)).json()["data"]
    assert [signer["type"] for signer in changed["signers"]] == ["client", "photographer"], "in their order"
    assert {name: changed[name] for name in ("name", "due_days", "html_body", "variables", "reminders")} == {
        name: body[name] for name in ("name", "due_days", "html_body", "variables", "reminders")
    }
    assert changed["updated_at"] > changed["created_at"]
    assert (await http.put(path, json=changed)).json()["data"] == changed, "a whole record put back changes nothing"
    assert (await read(http, f"/contracts/{old.id}"))["data"]["content"] == before
    made = await http.post(f"{API}/contracts/", json={"client_id": client.id, "template_id": contract.id})
    assert made.json()["data"]["content"]["rendered_html"] == f"<p>{client.name}, Kiel</p>"
    assert [write.kind for write in quiet.ledger.writes] == ["template_update", "template_update", "contract"]


async def test_a_locked_template_refuses_a_change_and_an_archived_one_comes_back(
    http: httpx.AsyncClient, contract: Template
) -> None:
    path = f"{API}/templates/contracts/{contract.id}"
    contract.status = "locked"
    assert code(await http.put(path, json={"name": "Mine"})) == (403, "insufficient_permissions")
    assert contract.name == "Model release"
    assert (await preview(http, contract, variables={"client_name": "A"})).status_code == 200, "it can still be used"
    for status in ("archived", "draft", "active"):
        contract.status = "active"
        assert (await http.put(path, json={"status": status})).json()["data"]["status"] == status
    assert code(await http.put(path, json={"status": "locked"})) == (422, "validation_failed")


@pytest.mark.parametrize(
    ("body", "expected", "fields"),
    [
        ({"html_body": "<p>{{who}}</p>"}, "invalid_template_variable", {"available_variables"}),
        ({"variables": []}, "invalid_template_variable", {"available_variables"}),
        ({"variables": [{"name": "a b"}]}, "validation_failed", None),
        ({"signers": []}, "validation_failed", {"signers"}),
        ({"signers": [{**SIGNER, "type": "witness"}]}, "validation_failed", {"signers.0.type"}),
        ({"reminders": {"enabled": "yes"}}, "validation_failed", None),
        ({"due_days": -1}, "validation_failed", {"due_days"}),
        ({"name": ""}, "validation_failed", {"name"}),
        ({"html_body": None}, "validation_failed", {"html_body"}),
    ],
)  # fmt: skip
async def test_a_change_that_would_break_a_template_is_refused(
    http: httpx.AsyncClient,
    quiet: World,
    contract: Template,
    body: dict[str, Any],
    expected: str,
    fields: set[str] | None,
) -> None:
    path = f"/templates/contracts/{contract.id}"
    before = (await read(http, path))["data"]
    answer = await http.put(API + path, json=body)
    assert code(answer) == (422, expected)
    if fields:
        assert set(answer.json()["error"]["details"]) == fields
    assert (await read(http, path))["data"] == before
    assert quiet.ledger.writes == []


async def test_a_default_of_the_wrong_type_is_refused(http: httpx.AsyncClient, contract: Template) -> None:
    dated = {**contract.variables[1], "type": "date", "default_value": "someday"}
    answer = await http.put(
        f"{API}/templates/contracts/{contract.id}", json={"variables": [contract.variables[0], dated]}
    )
    assert code(answer) == (422, "invalid_variable_type")
