"""Every call that is known of the API is in the client, in the sandbox, in the tests and in the reference."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from tests.contract.api.kit import Seen, empty, meet, not_made

from selftimer.studio import ENDPOINTS

ROOT = Path(__file__).parents[3]
TOOL = runpy.run_path(str(ROOT / "docs" / "tools" / "api.py"))
ROWS = TOOL["rows"]()
DOCUMENTED = """\
GET /clients/
POST /clients/
GET /clients/{}
PUT /clients/{}
GET /clients/search
GET /clients/{}/cgCollections/
GET /clients/{}/documents
GET /clients/download_csv
GET /session_types/
GET /session_types/{}
PUT /session_types/{}
DELETE /session_types/{}
POST /session_types
PUT /session_types/{}/update_status
GET /session_types/{}/check-day-avail/{}
GET /session_types/{}/check-month-avail/{}
GET /session_type_schedules/
GET /session_type_schedules/{}/interval_overrides/
GET /session_type_schedules/{}/interval_overrides_list/
PUT /session_type_schedules/{}/session_type_schedule_intervals/{}
PUT /session_types/{}/templates/contract/{}
PUT /session_types/{}/templates/questionnaire/{}
POST /session_types/{}/taxes
GET /sessions
GET /sessions/inquiry/count
GET /invoices/
GET /invoices/{}
POST /invoices/
GET /invoices/invoice_summary
GET /invoices/currencies/list
GET /invoices/payments/list/
GET /invoices/{}/payments/{}/
GET /invoices/payments/disputed,needs-response/count
GET /invoices_summary/currencies
GET /invoices_summary/totals/{}
GET /contracts/
GET /contracts/{}
GET /questionnaires/
GET /questionnaires/{}
GET /conversations/
GET /conversations/{}/
GET /conversations/unread/count
POST /conversation_messages
GET /conversation_message_attachments/upload_url
GET /templates/emails
GET /templates/emails/{}
GET /templates/emails/{}/fetch_content
POST /templates/emails/{}/preview
GET /templates/contracts
GET /templates/contracts/{}
PUT /templates/contracts/{}
POST /templates/contracts/{}/preview
GET /templates/invoices
GET /templates/invoices/{}
POST /templates/invoices/{}/preview
GET /templates/questionnaires
GET /templates/questionnaires/{}
POST /templates/questionnaires/{}/preview
GET /templates/quotes
GET /templates/quotes/{}
POST /templates/quotes/{}/preview
GET /coupons
POST /coupons
GET /coupons/{}/
PUT /coupons/{}
DELETE /coupons/{}
PUT /coupons/{}/disable
GET /coupons/{}/activity
GET /gift_cards
GET /collections/{}
PUT /collections/{}
GET /collections/{}/edit
GET /collections/{}/galleries
GET /collections/{}/before_show
GET /collections/{}/before_download_settings
GET /collections/{}/clients
GET /collections/{}/visitor_emails
GET /collections/{}/photo_downloads
GET /collections/{}/gallery_video_downloads
GET /collections/{}/downloads/
GET /collections/{}/photo_sharing_links
GET /collections/{}/favorites
GET /photos/starred
GET /data/bootstrap
GET /notifications/all
"""
INFERRED = """\
GET /sessions/{}
POST /contracts/
POST /questionnaires/
GET /quotes/
GET /quotes/{}
POST /quotes/
POST /conversations/
"""


def listed(*, documented: bool) -> set[str]:
    return {f"{e.method} {TOOL['_blank'](e.path)}" for e in ENDPOINTS.values() if e.documented is documented}


def test_the_client_has_every_call_that_is_documented_and_says_which_are_inferred() -> None:
    documented, inferred = DOCUMENTED.splitlines(), INFERRED.splitlines()
    assert listed(documented=True) == set(documented)
    assert listed(documented=False) == set(inferred)
    assert len(ENDPOINTS) == len(documented) + len(inferred)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_no_cell_of_the_table_is_empty(row: tuple[str, ...]) -> None:
    assert all(row)


def test_the_table_has_every_call_once() -> None:
    text = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    for row in ROWS:
        assert text.count(f"*{row.name}*") == 1
    assert {row.name for row in ROWS} >= ENDPOINTS.keys()


async def test_a_mark_for_a_call_that_is_not_made_is_found_out() -> None:
    m = meet(empty())
    await m.studio.clients.list()
    assert not_made({"client.list", "login"}) == ""
    assert not_made({"client.list", "client.get"}).endswith("didn't make: client.get")
    assert not_made({"client.lists"}) == "no such call: client.lists"


def test_every_request_is_told_apart_by_its_path() -> None:
    for name, endpoint in ENDPOINTS.items():
        path = re.sub(r"\{when\}", "2026-5-1-Europe/Berlin", endpoint.path)
        path = re.sub(r"\{\w+\}", "x_1", path)
        assert Seen(endpoint.method, f"/api/v1{path}", {}, 200, {}, b"").call == name
