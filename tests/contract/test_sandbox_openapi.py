"""What `/openapi.json` says of the sandbox's API; that it is true is shown by test_sandbox_described.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from tests.contract.sandbox_kit import API

from selftimer.primitives.ids import ID_TYPES
from selftimer.sandbox.app import create_app
from selftimer.sandbox.dispatch import CALLS
from selftimer.sandbox.openapi import document
from selftimer.sandbox.profile import ServerOptions, StudioProfile
from selftimer.sandbox.view_types import id_schema
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = "http://127.0.0.1:8765"
READS_NOTHING = {
    "coupons.disable",
    "coupons.delete",
    "session_types.delete",
    "session_types.link_contract",
    "session_types.link_questionnaire",
}
"""Writes whose path says all."""


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return document(StudioProfile(), ServerOptions(), ORIGIN)


def operations(said: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


async def test_anybody_may_read_it_under_the_origin_that_they_asked() -> None:
    transport = httpx.ASGITransport(create_app(World.empty()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:4711") as http:
        answer = await http.get("/openapi.json")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json()["servers"] == [{"url": f"http://localhost:4711{API}"}]
        assert (await http.get(f"{API}/clients/")).status_code == 401


def test_it_is_openapi_and_can_be_read_by_tools(said: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(said).validate()
    assert said["openapi"] == "3.1.0"


def test_every_call_is_in_it_once_with_a_name_a_summary_and_its_resource(said: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(said)]
    assert len(names) == len(set(names)) == len(CALLS)
    tags = {tag["name"] for tag in said["tags"]}
    for _, _, operation in operations(said):
        assert operation["summary"].endswith(".")
        assert set(operation["tags"]) <= tags
    assert {tag for _, _, operation in operations(said) for tag in operation["tags"]} == tags


def test_every_answer_and_every_body_is_described(said: dict[str, Any]) -> None:
    for _, method, operation in operations(said):
        statuses = {int(status) for status in operation["responses"]}
        [success] = [status for status in statuses if status < 300]
        for status in statuses - {204}:
            assert operation["responses"][str(status)]["content"], operation["operationId"]
        assert (success == 204) == (method == "delete")
        writes = method != "get"
        assert {401, 429} <= statuses
        assert (419 in statuses) == writes
        assert operation["security"] == [{"session": [], "csrf": []} if writes else {"session": []}]
        assert ("requestBody" in operation) == (writes and operation["operationId"] not in READS_NOTHING)
    late = said["paths"]["/clients/"]["get"]["responses"]["429"]
    assert set(late["headers"]) == {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"}


def test_the_four_shapes_of_errors_stand_where_they_are_used(said: dict[str, Any]) -> None:
    def shape(path: str, method: str, status: int) -> list[str]:
        schema = said["paths"][path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
        return [ref["$ref"].rpartition("/")[2] for ref in schema.get("anyOf", [schema])]

    assert shape("/invoices/{id}", "get", 404) == ["Error1"]
    assert shape("/clients/{id}", "get", 400) == ["Error2"]
    assert shape("/clients/{id}", "put", 400) == ["Error1", "Error2"]
    assert shape("/conversations/{id}/", "get", 404) == ["Error3"]
    assert shape("/conversation_message_attachments/upload_url", "get", 413) == ["Error3"]
    assert shape("/clients/", "post", 422) == ["Error4"]
    assert shape("/coupons", "post", 409) == ["Error4"]


def test_ids_have_the_patterns_of_their_kinds(said: dict[str, Any]) -> None:
    for path, _, operation in operations(said):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                assert f"{{{parameter['name']}}}" in path
                assert "pattern" in parameter["schema"]
    [place] = said["paths"]["/clients/{id}"]["get"]["parameters"]
    assert place["schema"] == {"type": "string", "pattern": "^cl_[A-Za-z0-9]{29,30}$", "format": "client-id"}
    assert len({id_schema(kind)["format"] for kind in ID_TYPES}) == len(ID_TYPES)


def test_what_is_documented_nowhere_is_marked(said: dict[str, Any]) -> None:
    inferred = {operation["operationId"] for _, _, operation in operations(said) if operation.get("x-inferred")}
    assert {"documents.create_contract", "conversations.create", "documents.quotes", "sessions.detail"} <= inferred
    assert not {"clients.listing", "invoices.create", "conversations.post_message"} & inferred


def test_records_that_are_made_or_listed_lead_to_what_can_be_done_with_them(said: dict[str, Any]) -> None:
    def links(path: str, method: str, status: str) -> dict[str, Any]:
        found: dict[str, Any] = said["paths"][path][method]["responses"][status]["links"]
        return found

    made = links("/coupons", "post", "201")
    assert set(made) == {
        "coupons.detail",
        "coupons.update",
        "coupons.delete",
        "coupons.disable",
        "coupons.activity",
    }
    assert made["coupons.detail"]["parameters"] == {"path.id": "$response.body#/data/id"}
    listed = links("/clients/", "get", "200")
    assert listed["clients.detail"]["parameters"] == {"path.id": "$response.body#/data/0/id"}
    assert listed["invoices.listing"]["parameters"] == {"query.client_id": "$response.body#/data/0/id"}


@pytest.mark.parametrize(("style", "status"), [("401", "401"), ("419", "419"), ("redirect", "302")])
def test_how_a_session_ends_is_described_as_this_sandbox_is_told_to_end_it(style: Any, status: str) -> None:
    told = document(StudioProfile(), ServerOptions(expiry_style=style), ORIGIN)
    answers = told["paths"]["/clients/"]["get"]["responses"]
    assert status in answers
    assert {"401", "419", "302"} & answers.keys() == {status}


def test_a_login_page_with_status_200_is_described_beside_the_answer() -> None:
    told = document(StudioProfile(), ServerOptions(expiry_style="html"), ORIGIN)
    answer = told["paths"]["/clients/"]["get"]["responses"]["200"]
    assert set(answer["content"]) == {"application/json", "text/html"}
    assert {"401", "419", "302"}.isdisjoint(told["paths"]["/clients/"]["get"]["responses"])


def test_a_login_without_permission_is_described_where_the_sandbox_refuses_it() -> None:
    told = document(StudioProfile(), ServerOptions(forbidden=("/invoices",)), ORIGIN)
    assert "403" in told["paths"]["/invoices/"]["get"]["responses"]
    assert "403" not in told["paths"]["/clients/"]["get"]["responses"]
