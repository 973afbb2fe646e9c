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
from selftimer.studio.har import judge_har

SAMPLES = Path(__file__).parent / "samples"
ORIGIN = "https://studio.pixieset.com"
AT = "2026-03-02T10:00:00.000+01:00"
DATE = "Mon, 02 Mar 2026 09:00:00 GMT"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def listed(*records: Any) -> str:
    return json.dumps({"data": list(records), "meta": {"current_page": 1, "total": len(records)}})


def entry(path: str, text: str = "", *, method: str = "GET", status: int = 200, **content: Any) -> dict[str, Any]:
    """One request as a browser exports it."""
    return {
        "startedDateTime": AT,
        "time": 12.5,
        "request": {"method": method, "url": path if "://" in path else f"{ORIGIN}{path}", "headers": []},
        "response": {
            "status": status,
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "Date", "value": DATE},
                {"name": "X-RateLimit-Limit", "value": "60"},
            ],
            "content": {"size": len(text.encode()), "mimeType": "application/json", "text": text} | content,
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
