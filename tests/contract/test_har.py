"""`selftimer doctor --har`: the same look from a browser's export, whatever is in the file."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from selftimer.cli.main import main
from selftimer.errors import ConfigError
from selftimer.studio import har
from selftimer.studio.endpoints import ENDPOINTS
from selftimer.studio.har import judge_har

SAMPLES = Path(__file__).parent / "samples"
ORIGIN = "https://studio.pixieset.com"
EXPORT = "/api/v1/clients/download_csv"
GALLERY = "https://galleries.pixieset.com"
SCHEDULE = "sch_" + "a" * 30
SHORT = json.dumps(
    {"data": [{"id": "sa_" + "a" * 30, "day_of_week": 1, "date": None, "intervals": []}], "meta": {"total": 3}}
)
AT = "2026-03-02T10:00:00.000+01:00"
DATE = "Mon, 02 Mar 2026 09:00:00 GMT"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def listed(*records: Any) -> str:
    return json.dumps({"data": list(records), "meta": {"current_page": 1, "total": len(records)}})


def entry(
    path: str, text: str = "", *, method: str = "GET", status: int = 200, kind: str = "application/json", **content: Any
) -> dict[str, Any]:
    """One request as a browser exports it."""
    return {
        "startedDateTime": AT,
        "time": 12.5,
        "request": {"method": method, "url": path if "://" in path else f"{ORIGIN}{path}", "headers": []},
        "response": {
            "status": status,
            "headers": [
                {"name": "Content-Type", "value": kind},
                {"name": "Date", "value": DATE},
                {"name": "X-RateLimit-Limit", "value": "60"},
            ],
            "content": {"size": len(text.encode()), "mimeType": kind, "text": text} | content,
        },
    }


CLIENTS = entry("/api/v1/clients/?page=1&per_page=25", listed(sample("client-full")))


def export(folder: Path, *entries: Any, data: bytes | None = None) -> Path:
    file = folder / "studio.har"
    file.write_bytes(data if data is not None else json.dumps({"log": {"version": "1.2", "entries": entries}}).encode())
    return file


def found(file: Path) -> list[tuple[str, str]]:
    return sorted((one.subject, one.what) for one in judge_har(file).findings)


def test_an_export_of_a_studio_as_it_is_known_gives_no_finding(tmp_path: Path) -> None:
    invoice = entry("/api/v1/invoices/in_" + "b" * 30 + "?expand=all", json.dumps({"data": sample("invoice-full")}))
    summary = entry("/api/v1/invoices/invoice_summary", json.dumps({"data": {"total_invoices": 1}}))
    report = judge_har(export(tmp_path, CLIENTS, invoice))
    assert report.findings == []
    assert [row.endpoint for row in report.rows] == ["client.list", "invoice.get"]
    assert (report.requests, report.skew, report.rate_headers) == (2, 0, ("x-ratelimit-limit",))
    assert [row.endpoint for row in judge_har(export(tmp_path, summary)).rows] == ["invoice.summary"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"loyalty": 3}, ("client.loyalty", "new field")),
        ({"type": "patron"}, ("client.type", "unknown word")),
        ({"id": 4711}, ("client.id", "other id")),
    ],
)
def test_drift_is_found_as_on_a_tour(tmp_path: Path, changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert found(export(tmp_path, entry("/api/v1/clients/", listed(sample("client-full") | changes)))) == [expected]


def test_a_last_page_is_shorter_by_rights_and_a_first_one_that_is_not_is_named(tmp_path: Path) -> None:
    text = json.dumps({"data": [sample("client-full")], "meta": {"current_page": 1, "total": 60}})
    assert found(export(tmp_path, entry("/api/v1/clients/?page=2&per_page=25", text))) == []
    assert found(export(tmp_path, entry("/api/v1/clients/?page=1&per_page=25", text))) == [
        ("client.list", "page size ignored")
    ]


def test_a_list_by_offset_has_its_first_page_at_nought(tmp_path: Path) -> None:
    photo = {
        "id": "4711",
        "gallery_id": "1" * 9,
        "collection_id": "1" * 8,
        "url": "/a",
        "starred_at": "2026-03-02T09:00:00Z",
    }
    text = json.dumps({"data": [photo], "meta": {"total": 60, "limit": 25, "offset": 0}})
    for query in ("limit=25", "limit=25&offset=0"):
        assert found(export(tmp_path, entry(f"{GALLERY}/api/v1/photos/starred?{query}", text))) == [
            ("photo.starred", "page size ignored")
        ]
    assert found(export(tmp_path, entry(f"{GALLERY}/api/v1/photos/starred?limit=25&offset=50", text))) == []


def test_a_list_without_pages_that_is_not_whole_is_named_as_its_rest_is_not_read(tmp_path: Path) -> None:
    report = judge_har(export(tmp_path, entry(f"/api/v1/session_type_schedules/{SCHEDULE}/interval_overrides/", SHORT)))
    assert [one.sentence for one in report.findings] == [
        "schedule.overrides came without pages and yet not whole: the rest is not read (1 of 3)"
    ]
    assert report.differs


def test_the_galleries_answer_at_their_own_address(tmp_path: Path) -> None:
    text = json.dumps({"data": []})
    at = "/api/v1/collections/12345678/galleries"
    assert [row.endpoint for row in judge_har(export(tmp_path, entry(f"{GALLERY}{at}", text))).rows] == [
        "collection.galleries"
    ]
    assert judge_har(export(tmp_path, entry(at, text))).rows == []
    assert judge_har(export(tmp_path, entry(f"{GALLERY}/api/v1/clients/", text))).rows == []


def test_a_time_zone_in_a_path_has_a_slash_as_it_is_or_escaped(tmp_path: Path) -> None:
    text = json.dumps({"data": {"date": "2026-03-02", "timezone": "Europe/London", "slots": []}})
    for when in ("2026-3-2-Europe/London", "2026-3-2-Europe%2FLondon"):
        path = f"/api/v1/session_types/set_{'a' * 30}/check-day-avail/{when}"
        report = judge_har(export(tmp_path, entry(path, text)))
        assert [row.endpoint for row in report.rows] == ["session_type.day"]
        assert report.findings == []


def test_the_export_of_clients_is_judged_by_its_form_and_no_person_in_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "id,email,Canary\r\ncl_1,canary@example.com,canary\r\ncl_2,,\r\n"
    report = judge_har(export(tmp_path, entry(EXPORT, good, kind="text/csv")))
    assert report.findings == []
    assert {one.name: one.count for one in report.rows[0].fields} == {"id": 2, "email": 1, "<a name of 6 signs>": 1}
    assert report.rows[0].records == 2
    headless = "Canary,canary@example.com\r\nCanary,canary@example.com,Canary\r\n"
    file = export(tmp_path, entry(EXPORT, headless, kind="text/csv"))
    assert found(file) == [("client.csv", "other answer")]
    assert main(["doctor", "--har", str(file), "--fields"]) == 1
    assert "anary" not in capsys.readouterr().out
    page = entry(EXPORT, "<html><body>Maintenance</body></html>", kind="text/html")
    assert found(export(tmp_path, page)) == [("client.csv", "not readable")]


@pytest.mark.parametrize("name", ["invoice.currencies", "invoice.summary_currencies"])
@pytest.mark.parametrize(
    ("data", "fits"), [(["eur"], True), ([{"code": "eur"}], True), ([], True), ([1], False), ("eur", False)]
)
def test_currencies_are_a_list_of_codes(tmp_path: Path, name: str, data: Any, fits: bool) -> None:
    entries = entry(f"/api/v1{ENDPOINTS[name].path}", json.dumps({"data": data}))
    assert found(export(tmp_path, entries)) == ([] if fits else [(name, "other answer")])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([{"id": "zz_1"}], [("client.documents", "other id")]),
        (["in_1"], [("client.documents.id", "other id")]),
    ],
)
def test_what_is_no_document_among_them_is_named(tmp_path: Path, data: Any, expected: list[tuple[str, str]]) -> None:
    path = f"/api/v1/clients/cl_{'a' * 30}/documents"
    assert found(export(tmp_path, entry(path, json.dumps({"data": data})))) == expected


def test_addresses_that_visitors_left_may_be_bare_texts(tmp_path: Path) -> None:
    path = f"{GALLERY}/api/v1/collections/12345678/visitor_emails"
    assert found(export(tmp_path, entry(path, json.dumps({"data": ["canary@example.com"]})))) == []
    assert found(export(tmp_path, entry(path, json.dumps({"data": [7]})))) == [("visitor.id", "other id")]


def test_what_nothing_is_known_of_may_be_a_list_as_well_as_an_object(tmp_path: Path) -> None:
    for path in ("/api/v1/notifications/all", f"/api/v1/session_types/set_{'a' * 30}/check-month-avail/2026-3-UTC"):
        assert found(export(tmp_path, entry(path, json.dumps({"data": []})))) == []
        assert [what for _, what in found(export(tmp_path, entry(path, json.dumps({"data": 7}))))] == ["other answer"]


def test_a_body_in_base64_is_read(tmp_path: Path) -> None:
    text = listed(sample("client-full") | {"loyalty": 3})
    coded = base64.b64encode(text.encode()).decode()
    assert found(export(tmp_path, entry("/api/v1/clients/", coded, encoding="base64", size=len(text)))) == [
        ("client.loyalty", "new field")
    ]


def test_what_the_export_cut_off_says_nothing_of_the_studio(tmp_path: Path) -> None:
    text = listed(sample("client-full"))
    cut = entry("/api/v1/clients/", text[:100], size=len(text))
    empty = entry("/api/v1/contracts/")
    broken = entry("/api/v1/quotes/", "!!!", encoding="base64")
    report = judge_har(export(tmp_path, cut, empty, broken))
    assert (report.rows, report.findings) == ([], [])
    assert "1 answers were exported without their content: save with content" in report.notes
    assert any("cut off" in note for note in report.notes)


def test_a_web_page_instead_of_data_is_a_finding(tmp_path: Path) -> None:
    page = entry("/api/v1/clients/", "<!doctype html><html><body>Maintenance</body></html>")
    assert found(export(tmp_path, page)) == [("client.list", "not readable")]


def test_writes_other_hosts_pages_and_pictures_are_passed_over(tmp_path: Path) -> None:
    report = judge_har(
        export(
            tmp_path,
            CLIENTS,
            entry("/api/v1/conversation_messages", "{}", method="POST", status=201),
            entry("https://cdn.example.com/app.js", "let a"),
            entry("https://other.example.com/api/v1/clients/", listed({"id": "cl_1"})),
            entry(f"{ORIGIN}/dashboard", "<html>"),
            entry("/api/v1/brand_new/thing", "{}"),
            entry("/api/v1/clients/", "", status=0),
            "not an entry",
            {"request": None, "response": []},
        )
    )
    assert [row.endpoint for row in report.rows] == ["client.list"]
    assert report.findings == []
    assert "1 requests that write were passed over" in report.notes


def test_how_long_the_cookies_last_is_said_and_never_what_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = json.loads(json.dumps(CLIENTS))
    for value in (
        "studio_session=canary; Max-Age=7200; path=/",
        "XSRF-TOKEN=canary; expires=Mon, 02 Mar 2026 10:00:00 GMT",
    ):
        signed["response"]["headers"].append({"name": "Set-Cookie", "value": value})
    file = export(tmp_path, signed)
    assert judge_har(file).session.cookie_seconds == 7_200
    assert main(["doctor", "--har", str(file), "--json"]) == 0
    assert main(["doctor", "--har", str(file)]) == 0
    assert "canary" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is no whole JSON"),
        (b'{"log": {"entries": [', "is no whole JSON"),
        (b"[]", "is no HAR file"),
        (b'{"log": {}}', "is no HAR file"),
        (b"\x89PNG", "is no whole JSON"),
    ],
)
def test_a_file_that_is_no_export_is_refused_with_what_to_do(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        judge_har(export(tmp_path, data=data))


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "huge.har"
    with file.open("wb") as out:
        out.truncate(har.MOST_BYTES + 1)  # no block of it is on the disk
    with pytest.raises(ConfigError, match="200 MB"):
        judge_har(file)


def test_a_byte_order_mark_is_no_reason_to_refuse(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + json.dumps({"log": {"entries": [CLIENTS]}}).encode()
    assert found(export(tmp_path, data=data)) == []


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--har", str(tmp_path / "none.har")]) == 2
    assert "can't be read: No such file" in capsys.readouterr().err
