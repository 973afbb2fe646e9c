from __future__ import annotations

import pytest

from selftimer.errors import ConfigError, Refused
from selftimer.facts.records import LISTED, Kind
from selftimer.studio.endpoints import ENDPOINTS, Endpoints


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("client.list", "/clients/"), ("invoice.list", "/invoices/"), ("conversation.list", "/conversations/"),
        ("contract.list", "/contracts/"), ("questionnaire.list", "/questionnaires/"), ("session.list", "/sessions"),
        ("session_type.list", "/session_types/"), ("coupon.list", "/coupons"),
        ("payment.list", "/invoices/payments/list/"), ("message.create", "/conversation_messages"),
    ],
)  # fmt: skip
def test_trailing_slashes_are_as_written(name: str, path: str) -> None:
    assert ENDPOINTS[name].path == path


def test_every_list_that_a_poll_reads_is_there_with_its_record() -> None:
    table = Endpoints()
    for kind in LISTED:
        assert table.listing(kind).page(2)["page"] == "2"
        assert "{id}" in table[f"{kind}.get"].path


def test_page_parameters_differ_by_endpoint() -> None:
    table = Endpoints()
    assert table.listing(Kind.CLIENT).page(1) == {"page": "1", "per_page": "100"}
    assert table.listing(Kind.CONVERSATION).page(3) == {"page": "3", "page_size": "100"}
    assert table.listing(Kind.PAYMENT).page(1) == {"page": "1", "page_size": "100", "expand": "all"}
    assert table["client.search"].page(1, 500) == {"page": "1", "pageSize": "100"}
    assert table["coupon.list"].page(1) == {"page": "1"}
    assert table["photo.starred"].page(3, 7) == {"offset": "14", "limit": "7"}
    assert table["schedule.list"].page(1) == {}


def test_what_is_inferred_is_marked() -> None:
    inferred = {name for name, endpoint in ENDPOINTS.items() if not endpoint.documented}
    assert inferred == {
        "session.get", "contract.create", "questionnaire.create", "quote.list", "quote.get", "quote.create",
        "conversation.create",
    }  # fmt: skip


def test_a_path_is_changed_in_the_settings() -> None:
    table = Endpoints({"quote.list": "/estimates", "session.list": {"size_param": "limit", "size": 50}})
    assert table.listing(Kind.QUOTE).path == "/estimates"
    assert table.listing(Kind.SESSION).page(1)["limit"] == "50"
    assert Endpoints().listing(Kind.QUOTE).path == "/quotes/"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"qoute.list": "/quotes"}, "did you mean 'quote.list'"),
        ({"xyz": "/quotes"}, "there is no endpoint 'xyz'$"),
        ({"quote.list": "quotes"}, "starts with a slash"),
        ({"quote.get": "/quotes/{quote}"}, "quote"),
        ({"quote.list": {"pth": "/x"}}, "pth"),
        ({"quote.list": 3}, "can't be 3"),
    ],
)
def test_a_wrong_override_says_what_is_wrong(overrides: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Endpoints(overrides)


def test_a_time_zone_goes_into_the_path_as_it_is() -> None:
    day = ENDPOINTS["session_type.day"].at(id="set_a/b", when="2025-8-7-Europe/London")
    assert day == "/session_types/set_a%2Fb/check-day-avail/2025-8-7-Europe/London"


def test_an_id_stays_one_segment_of_the_path() -> None:
    get = ENDPOINTS["client.get"]
    assert get.at(id="cl_a/../b?x=1") == "/clients/cl_a%2F..%2Fb%3Fx%3D1"
    for wrong in ("", ".", ".."):
        with pytest.raises(Refused):
            get.at(id=wrong)
