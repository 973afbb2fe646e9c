"""`selftimer doctor`'s tour over the sandbox: what it asks, what it finds, and what it never says."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx
import pytest
from tests.contract.tour_kit import Visit, found, full_world

from selftimer.cli.checkup import show
from selftimer.sandbox import bulk
from selftimer.sandbox.book import galleries
from selftimer.sandbox.faults import Fault
from selftimer.sandbox.profile import ServerOptions
from selftimer.sandbox.world import World
from selftimer.studio.endpoints import ENDPOINTS
from selftimer.studio.tour_plan import CLIENTS_TRIED, LEFT_OUT, OF_A_CLIENT, visited

# --- what it asks ---


async def test_a_studio_as_it_is_known_gives_no_finding() -> None:
    report = await Visit().report()
    assert [one.sentence for one in report.findings] == []
    assert not report.differs
    assert {row.endpoint for row in report.rows} == set(visited())
    assert all(row.readable or row.note.startswith("not visited") for row in report.rows)


async def test_nothing_is_written_and_the_sign_in_is_the_only_post() -> None:
    visit = Visit()
    before = visit.world.ledger.to_json(0)["writes"]
    await visit.report()
    assert [asked for asked in visit.recorded.asked if not asked.startswith("GET ")] == ["POST /login"]
    assert visit.world.ledger.to_json(0)["writes"] == before


async def test_an_endpoint_is_asked_once_and_how_many_requests_that_made_is_said() -> None:
    visit = Visit()
    report = await visit.report()
    assert report.requests == len(visit.recorded.asked)
    counts = Counter(visit.recorded.asked)
    assert counts.pop("GET /api/v1/notifications/all") == 2  # the sign-in's probe, and the visit
    assert set(counts.values()) == {1}
    assert len(visit.recorded.asked) <= len(visited()) + len(OF_A_CLIENT) * (CLIENTS_TRIED - 1) + 4


def test_every_call_that_reads_is_visited_or_left_out_for_a_reason() -> None:
    reads = {name for name, endpoint in ENDPOINTS.items() if endpoint.method == "GET"}
    assert set(visited()) | LEFT_OUT.keys() == reads
    assert not set(visited()) & LEFT_OUT.keys()
    assert all(LEFT_OUT.values())


async def test_clients_are_asked_for_their_collections_until_one_has_some_but_not_all_of_them() -> None:
    world = World.empty()
    clients = bulk.add_clients(world, 9)
    galleries.publish(world, clients[0].id, "Beyond the last try", 3)
    visit = Visit(world)
    report = await visit.report()
    assert sum(asked.endswith("/cgCollections/") for asked in visit.recorded.asked) == CLIENTS_TRIED
    rows = {row.endpoint: row for row in report.rows}
    assert rows["collection.get"].note == "not visited: client.collections is empty"
    assert rows["client.collections"].note == "an empty list"
    galleries.publish(world, clients[-2].id, "Of the last but one", 3)
    visit = Visit(world)
    rows = {row.endpoint: row for row in (await visit.report()).rows}
    assert sum(asked.endswith("/cgCollections/") for asked in visit.recorded.asked) == 2
    assert rows["collection.galleries"].readable


async def test_an_empty_list_is_said_as_such_and_its_record_is_not_visited() -> None:
    report = await Visit(World.empty()).report()
    rows = {row.endpoint: row for row in report.rows}
    assert rows["client.list"].note == "an empty list"
    assert rows["client.get"].note == "not visited: client.list is empty"
    assert not report.differs


async def test_a_page_full_of_the_rate_limit_is_waited_out() -> None:
    visit = Visit(options=ServerOptions(rate_limit=6_000))
    visit.faults.order(Fault(fault="status", path="/contracts/", status=429, headers={"Retry-After": "1"}))
    assert not (await visit.report()).differs


# --- what it finds ---

DRIFTS: dict[str, tuple[dict[str, Any], list[tuple[str, str]], bool]] = {
    "an extra field": (
        {"drift": "extra_field", "path": "v1/clients/[^/]*$", "field": "loyalty", "value": 3},
        [("client.loyalty", "new field")],
        False,
    ),
    "a missing field that is read": (
        {"drift": "missing_field", "path": "/sessions", "field": "timezone"},
        [("session.timezone", "missing field")],
        True,
    ),
    "a missing field that is not": (
        {"drift": "missing_field", "path": "v1/clients/[^/]*$", "field": "avatar_color"},
        [("client.avatar_color", "missing field")],
        False,
    ),
    "null where a list was": (
        {"drift": "null_list", "path": "/invoices/", "field": "line_items"},
        [("invoice.line_items", "null list")],
        True,
    ),
    "a new word": (
        {"drift": "new_word", "path": "/sessions", "field": "status", "value": "waitlisted"},
        [("session.status", "unknown word")],
        True,
    ),
    "ids of 29 characters": ({"drift": "id_29", "path": "v1/contracts/"}, [("contract.id", "shorter id")], False),
    "numeric ids": ({"drift": "id_number", "path": "v1/quotes/"}, [("quote.id", "other id")], True),
    "another order": ({"drift": "order", "path": "/conversations/$"}, [("conversation.list", "other order")], True),
    "a page size that is ignored": (
        {"drift": "page_size", "path": "/sessions$"},
        [("session.list", "page size ignored")],
        False,
    ),
    "no rate headers": ({"drift": "no_rate_headers"}, [("the studio", "no rate limit told")], False),
    "a clock ahead": ({"drift": "clock_skew", "seconds": 300}, [("the studio", "clock skew")], True),
    "a clock behind": ({"drift": "clock_skew", "seconds": -300}, [("the studio", "clock skew")], True),
}


@pytest.mark.parametrize(("order", "expected", "matters"), DRIFTS.values(), ids=DRIFTS)
async def test_each_drift_is_named_and_nothing_else(
    order: dict[str, Any], expected: list[tuple[str, str]], matters: bool
) -> None:
    visit = Visit()
    visit.order(**order)
    report = await visit.report()
    assert found(report) == expected
    assert report.differs is matters


async def test_all_drifts_at_once_are_all_named() -> None:
    visit = Visit()
    for name, (order, _, _) in DRIFTS.items():
        if name != "a clock behind":
            visit.order(**order)
    report = await visit.report()
    assert found(report) == sorted({one for _, expected, _ in DRIFTS.values() for one in expected})
    assert report.differs


async def test_an_endpoint_that_answers_otherwise_is_named_with_its_status_and_error_shape() -> None:
    visit = Visit()
    visit.faults.order(Fault(fault="status", path=r"v1/quotes/", status=404, shape="3", times=9))
    visit.faults.order(Fault(fault="bad_json", path=r"/coupons", times=9))
    report = await visit.report()
    rows = {row.endpoint: row for row in report.rows}
    assert (rows["quote.list"].status, rows["quote.list"].error_shape) == (404, 3)
    assert rows["quote.get"].note == "not visited: quote.list can't be read"
    assert found(report) == [("coupon.list", "not readable"), ("quote.list", "not readable")]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"fault": "status", "status": 401}, "the Gallery API doesn't take the studio's session"),
        ({"fault": "drop_before"}, "the Gallery API gives no answer"),
    ],
)
async def test_galleries_that_are_shut_are_asked_once_and_do_not_count_as_a_difference_that_matters(
    fault: dict[str, Any], why: str
) -> None:
    visit = Visit(full_world())
    visit.faults.order(Fault(path="/(photos|data|collections)/", times=99, **fault))
    report = await visit.report()
    assert found(report) == [("photo.starred", "not readable")]
    assert not report.differs
    notes = {row.note for row in report.rows if ENDPOINTS[row.endpoint].api == "gallery"}
    assert notes - {f"not visited: {why}"} == {row.note for row in report.rows if row.endpoint == "photo.starred"}
    assert not any("/collections/" in asked for asked in visit.recorded.asked)


async def test_a_link_in_a_document_and_what_a_request_could_ask_for_changes_by_are_said() -> None:
    visit = Visit()
    visit.order(drift="extra_field", path="/questionnaires/", field="public_url", value="https://example.test/q/1")
    report = await visit.report()
    assert {row.endpoint: row.links for row in report.rows if row.links} == {
        "questionnaire.list": ("public_url",),
        "questionnaire.get": ("public_url",),
    }


# --- what it never says ---


class Canaries(httpx.AsyncBaseTransport):
    """Puts a canary into every text of every answer, enums and ids apart: lists are as they were otherwise."""

    kept = frozenset({"id", "type", "status", "status_name", "sender_type", "created_at", "currency", "payment_date"})

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        headers = {key: value for key, value in response.headers.items() if key != "content-length"}
        if "csv" in response.headers.get("content-type", ""):
            self.count += 2
            return httpx.Response(
                200, headers=headers, text="canary@example.com,Canary\r\nCanary,Canary Person,Canary\r\n"
            )
        if "json" not in response.headers.get("content-type", "") or "/api/" not in request.url.path:
            return response
        return httpx.Response(response.status_code, headers=headers, json=self._canaried("", response.json()))

    def _canaried(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            marked = {key: self._canaried(key, inner) for key, inner in value.items()}
            return marked | {"Canary Person": "canary"} if name in {"client", "content", "variables"} else marked
        if isinstance(value, list):
            return [self._canaried(name, inner) for inner in value]
        if isinstance(value, str) and name not in self.kept and not name.endswith("_id"):
            self.count += 1
            return f"Canary{self.count} <canary@example.com>"
        return value


@pytest.mark.parametrize("as_json", [False, True])
async def test_nothing_that_stands_in_a_field_comes_out(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    visit = Visit(full_world())
    for path, field in (
        ("/clients/", "type"),
        ("/invoices/", "status"),
        ("/sessions", "status"),
        ("/coupons", "status"),
        ("/templates/", "status"),
        ("/collections/[0-9]+/clients", "access_level"),
    ):
        visit.order(drift="new_word", path=path, field=field, value="Canary Person <canary@example.com>")
    for path in ("/clients/", "/collections/", "/templates/", "/data/bootstrap", "/notifications/"):
        visit.order(drift="extra_field", path=path, field="Canary Person", value="canary")
    canaries = Canaries(visit.transport)
    visit.transport = canaries
    report = await visit.report()
    assert canaries.count > 500
    assert all(row.readable for row in report.rows), "a canary is seen everywhere"
    assert report.differs
    capsys.readouterr()
    show(report, fields=True, as_json=as_json)
    out = "".join(capsys.readouterr())
    assert "anary" not in out
    if as_json:
        assert json.loads(out)["differs"]
