"""The doctor on every endpoint that shows records: what is known of them is whole, and what drifts is named."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.tour_kit import Visit, found, full_world, path_of

from selftimer.sandbox.openapi import document
from selftimer.sandbox.profile import ServerOptions
from selftimer.sandbox.world import World
from selftimer.studio.drift import Shape, shape
from selftimer.studio.endpoints import ENDPOINTS
from selftimer.studio.har import judge_har
from selftimer.studio.known import FACTS
from selftimer.studio.tour_plan import is_list, subject_of, visited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOWING = {name: kind for name in visited() if (kind := subject_of(name)) is not None}
"""Endpoint → the kind of record that it shows."""


def one_of_each_kind() -> dict[str, str]:
    """Kind → an endpoint that shows it."""
    return {kind: name for name, kind in SHOWING.items()}


# --- what is known is whole ---


@cache
def description() -> dict[str, Any]:
    """The sandbox's own description of itself."""
    return document(full_world().profile, ServerOptions(), "http://sandbox")


def described(name: str) -> dict[str, Any]:
    """What it says of a record of that endpoint."""
    whole = description()
    shown = ENDPOINTS[name].path
    [path] = [one for one in whole["paths"] if blank(one) == blank(shown) and "get" in whole["paths"][one]]
    answer = whole["paths"][path]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    data = resolved(resolved(schema)["properties"]["data"])
    return resolved(data["items"]) if data.get("type") == "array" else data


def blank(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Without references, and without the null that it may be."""
    while True:
        if "$ref" in schema:
            schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
        else:
            return schema


def unknown(schema: dict[str, Any], known: Shape, at: str) -> Iterator[str]:
    """Members that the sandbox describes and the table of known fields hasn't."""
    for name, member in schema.get("properties", {}).items():
        if not known.knows(name):
            yield f"{at}.{name}"
        inner = known.fields[name].inner if name in known.fields else None
        found = resolved(member)
        if inner is not None:
            yield from unknown(resolved(found.get("items", found)), inner, f"{at}.{name}")


@pytest.mark.parametrize(("kind", "name"), one_of_each_kind().items())
def test_every_field_that_the_sandbox_shows_is_known_and_every_expected_one_is_shown(kind: str, name: str) -> None:
    seen, known = described(name), shape(kind)
    assert known is not None
    assert list(unknown(seen, known, kind)) == []
    assert {field for field, one in known.fields.items() if one.expected} <= seen["properties"].keys()


def test_so_are_the_fields_of_messages_which_come_inside_conversations() -> None:
    known = shape("message")
    assert known is not None
    messages = resolved(described("conversation.get")["properties"]["messages"])
    assert list(unknown(resolved(messages["items"]), known, "message")) == []


def test_every_kind_that_is_known_is_shown_by_some_endpoint() -> None:
    inside = {"message"}
    assert FACTS.keys() == set(SHOWING.values()) | inside


async def test_a_studio_that_has_some_of_everything_gives_no_finding_and_nothing_is_left_unseen() -> None:
    report = await Visit(full_world()).report()
    assert [one.sentence for one in report.findings] == []
    assert [row.endpoint for row in report.rows if not row.readable] == []
    assert [row.endpoint for row in report.rows if row.records == 0] == []
    rows = {row.endpoint: row for row in report.rows}
    assert [name for name in rows if is_list(name) and not rows[name].total] == []
    assert rows["photo.starred"].page_size == rows["client.search"].page_size == "honoured"
    assert rows["schedule.list"].page_size == "all at once"
    assert "first_name" in {one.name for one in rows["client.csv"].fields}


# --- what drifts is named, and nothing else ---


@pytest.mark.parametrize("name", SHOWING)
async def test_a_new_field_is_named_wherever_it_comes(name: str) -> None:
    visit = Visit(full_world())
    visit.order(drift="extra_field", path=path_of(name), field="loyalty", value=3)
    report = await visit.report()
    assert found(report) == [(f"{SHOWING[name]}.loyalty", "new field")]
    assert report.findings[0].seen_at == (name,)
    assert not report.differs


@pytest.mark.parametrize(("kind", "name"), one_of_each_kind().items())
async def test_a_field_that_is_missing_is_named_and_matters_if_it_is_read(kind: str, name: str) -> None:
    known = shape(kind)
    assert known is not None
    field = [one for one, about in known.fields.items() if about.expected and not one.endswith("id")][-1]
    visit = Visit(full_world())
    visit.order(drift="missing_field", path=path_of(name), field=field)
    report = await visit.report()
    assert found(report) == [(f"{kind}.{field}", "missing field")]
    assert report.differs is known.fields[field].read


ODD: dict[str, tuple[str, dict[str, Any], tuple[str, str]]] = {
    "a coupon's status": (
        "coupon.list",
        {"drift": "new_word", "field": "status", "value": "frozen"},
        ("coupon.status", "unknown word"),
    ),
    "a gift card's": (
        "gift_card.list",
        {"drift": "new_word", "field": "status", "value": "lost"},
        ("gift_card.status", "unknown word"),
    ),
    "a template's": (
        "template.quote.list",
        {"drift": "new_word", "field": "status", "value": "hidden"},
        ("quote_template.status", "unknown word"),
    ),
    "a template's variables": (
        "template.email.get",
        {"drift": "null_list", "field": "variables"},
        ("email_template.variables", "null list"),
    ),
    "a day's times": (
        "session_type.day",
        {"drift": "null_list", "field": "slots"},
        ("day_availability.slots", "null list"),
    ),
    "a gallery's private": (
        "collection.galleries",
        {"drift": "new_word", "field": "private", "value": "maybe"},
        ("gallery.private", "other type"),
    ),
    "the ids of coupons": ("coupon.get", {"drift": "id_number"}, ("coupon.id", "other id")),
    "the ids of gift cards": ("gift_card.list", {"drift": "id_29"}, ("gift_card.id", "shorter id")),
    "the ids of schedules' days": ("schedule.overrides", {"drift": "id_number"}, ("schedule_interval.id", "other id")),
    "the ids of uses": ("coupon.activity", {"drift": "id_number"}, ("coupon_activity.id", "other id")),
    "the ids of galleries": ("collection.galleries", {"drift": "id_29"}, ("gallery.id", "other id")),
    "the ids of collections": ("collection.get", {"drift": "id_29"}, ("collection.id", "other id")),
    "the size of a list by offset": ("photo.starred", {"drift": "page_size"}, ("photo.starred", "page size ignored")),
}


@pytest.mark.parametrize(("name", "order", "expected"), ODD.values(), ids=ODD)
async def test_other_drift_is_named_too(name: str, order: dict[str, Any], expected: tuple[str, str]) -> None:
    visit = Visit(full_world())
    visit.order(path=path_of(name), **order)
    report = await visit.report()
    assert found(report) == [expected]
    assert not report.differs, "the service doesn't live on it"


@pytest.mark.parametrize("field", ["loyalty", "status"])
async def test_the_documents_of_a_client_are_judged_each_as_its_kind(field: str) -> None:
    visit = Visit(World(seed=7, population=12))
    visit.order(drift="extra_field", path=path_of("client.documents"), field=field, value="on_hold")
    report = await visit.report()
    what = "new field" if field == "loyalty" else "unknown word"
    assert found(report) == [(f"{kind}.{field}", what) for kind in ("contract", "invoice", "questionnaire")]
    assert {one.seen_at for one in report.findings} == {("client.documents",)}
    assert report.differs is (field == "status")
    row = next(row for row in report.rows if row.endpoint == "client.documents")
    assert {"contract.contract_number", "invoice.amount"} <= {one.name for one in row.fields}


# --- and from an export as well ---


async def test_an_export_of_all_that_a_tour_asks_is_judged_as_the_tour_was(tmp_path: Path) -> None:
    visit = Visit(full_world())
    visit.order(drift="extra_field", path=path_of("collection.favorites"), field="loyalty", value=3)
    visit.order(drift="page_size", path=path_of("photo.starred"))
    toured = await visit.report()
    file = tmp_path / "studio.har"
    entries = [
        {
            "request": {"method": request.method, "url": str(request.url)},
            "response": {
                "status": response.status_code,
                "headers": [{"name": name, "value": value} for name, value in response.headers.items()],
                "content": {"text": response.text},
            },
        }
        for request, response in visit.recorded.exchanges
    ]
    file.write_text(json.dumps({"log": {"entries": entries}}), "utf-8")
    judged = judge_har(file, "http://sandbox")
    assert found(judged) == found(toured) == [("favorite.loyalty", "new field"), ("photo.starred", "page size ignored")]
    assert {(row.endpoint, row.records, row.page_size) for row in judged.rows if row.endpoint != "account"} == {
        (row.endpoint, row.records, row.page_size) for row in toured.rows if row.endpoint != "account"
    }
    assert judged.notes == ["2 requests went elsewhere than to the studio's API"]
