"""`selftimer doctor` as a person runs it: over loopback, against a sandbox that drifts when it is told to."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.acceptance.cli_kit import ENTRY, SOURCE, Commands, Studio, bare, make_workspace

from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAST = "[account]\nrequests_per_minute = 600\n"


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    with Studio(World(seed=7, population=12, living=False, mode="real")) as served:
        yield served


@pytest.fixture(scope="module")
def stepped() -> Iterator[Studio]:
    """One whose clock moves when somebody waits: a tour at the usual pace takes no time."""
    with Studio(World(seed=7, population=12, living=False)) as served:
        yield served


@pytest.fixture(scope="module")
def workspace(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("nord"), studio.origin, more=FAST)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, studio: Studio, stepped: Studio) -> Iterator[None]:
    bare(monkeypatch)
    yield
    for one in (studio, stepped):
        httpx.delete(f"{one.origin}/_sandbox/drift").raise_for_status()


@pytest.fixture
def selftimer(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(workspace, capsys)


@pytest.fixture(scope="module")
def stepped_workspace(stepped: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("stepped"), stepped.origin)


@pytest.fixture
def by_its_clock(stepped_workspace: Path, stepped: Studio, capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(Commands(stepped_workspace, capsys), stepped)


class Doctor:
    """`selftimer doctor` by the clock of a stepped sandbox."""

    def __init__(self, selftimer: Commands, studio: Studio) -> None:
        self.selftimer, self.studio = selftimer, studio
        self._words = ("doctor", "--sandbox-clock", studio.origin)

    def __call__(self, *options: str) -> int:
        return self.selftimer(*self._words, *options)

    def json(self) -> Any:
        return self.selftimer.json(*self._words)

    @property
    def out(self) -> str:
        return self.selftimer.out


def order(studio: Studio, **drift: Any) -> None:
    httpx.post(f"{studio.origin}/_sandbox/drift", json=drift).raise_for_status()


def writes(studio: Studio) -> int:
    return len(httpx.get(f"{studio.origin}/_sandbox/ledger").json()["writes"])


def test_a_studio_as_it_is_known_is_said_to_be_and_nothing_is_written(selftimer: Commands, studio: Studio) -> None:
    before = writes(studio)
    assert selftimer("doctor") == 0
    assert selftimer.out.rstrip().endswith("All is as Selftimer knows it.")
    assert "client.list" in selftimer.out
    assert "quote.list" in selftimer.out
    assert "inferred" in selftimer.out
    assert "page size" in selftimer.out
    assert "rate limit headers: x-ratelimit-limit, x-ratelimit-remaining" in selftimer.out
    assert writes(studio) == before


def test_what_differs_and_matters_is_named_and_the_exit_code_says_so(by_its_clock: Doctor) -> None:
    order(by_its_clock.studio, drift="new_word", path="/invoices/", field="status", value="on_hold")
    order(by_its_clock.studio, drift="extra_field", path="/clients/", field="loyalty", value="gold")
    assert by_its_clock() == 1
    matters, _, harmless = by_its_clock.out.partition("Differs, and does no harm:")
    assert "invoice.status has a word that Selftimer doesn't know (on_hold): such records are set aside" in matters
    assert "client.loyalty is new: it is kept, and no rule sees it (text)" in harmless
    assert "gold" not in by_its_clock.out


def test_what_differs_and_does_no_harm_exits_with_0(by_its_clock: Doctor) -> None:
    order(by_its_clock.studio, drift="no_rate_headers")
    assert by_its_clock() == 0
    assert "the studio tells no rate limit; Selftimer keeps to its own" in by_its_clock.out


def test_programs_get_the_same_as_data(by_its_clock: Doctor) -> None:
    order(by_its_clock.studio, drift="clock_skew", seconds=600)
    said = by_its_clock.json()
    assert said["differs"]
    assert [(one["subject"], one["what"], one["matters"]) for one in said["findings"]] == [
        ("the studio", "clock skew", True)
    ]
    rows = {row["endpoint"]: row for row in said["rows"]}
    assert rows["client.list"]["path"] == "/clients/"
    fields = {one["name"]: one["types"] for one in rows["client.list"]["fields"]}
    assert fields["sample"] == {"yes/no": rows["client.list"]["records"]}
    assert said["session"]["kind"] == "password"


def test_every_field_is_listed_with_its_types_where_that_is_asked_for(by_its_clock: Doctor) -> None:
    assert by_its_clock("--fields") == 0
    assert "client.list (15 records):" in by_its_clock.out
    assert re.search(r"address_info\.city +(text|null) \d+", by_its_clock.out)


def test_a_stepped_sandbox_is_as_known_by_its_own_clock_and_apart_by_this_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Studio(World.empty()) as stepped:
        selftimer = Commands(make_workspace(tmp_path, stepped.origin, more=FAST), capsys)
        assert selftimer("doctor", "--sandbox-clock", stepped.origin) == 0
        assert selftimer("doctor") == 1
        assert "the studio has a clock that disagrees with this machine's" in selftimer.out


def test_status_has_a_line_for_what_is_set_aside_and_one_for_what_is_new(
    studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    selftimer = Commands(make_workspace(tmp_path, studio.origin, more=FAST), capsys)
    order(studio, drift="new_word", path="/clients/", field="type", value="patron", every=1_000)
    order(studio, drift="extra_field", path="/clients/", field="loyalty", value="gold")
    assert selftimer("once") == 0
    assert selftimer("status") == 0
    lines = selftimer.out.splitlines()
    assert "Set aside, as they can't be understood: 1 client (client.type: the word 'patron' is not known)" in lines
    assert any(
        re.match(r"New fields, which no rule sees: client.loyalty \(since .*, 14 records\)", line) for line in lines
    )
    said = selftimer.json("status")["status"]
    assert [(one["kind"], one["records"]) for one in said["set_aside"]] == [("client", 1)]
    assert [(one["kind"], one["name"], one["records"]) for one in said["new_fields"]] == [("client", "loyalty", 14)]


def test_a_session_is_kept_so_that_many_doctors_sign_in_once(by_its_clock: Doctor) -> None:
    for _ in range(4):
        assert by_its_clock() == 0
    assert by_its_clock.json()["session"]["seconds_so_far"] > 60, "a tour takes half a minute"


def test_where_there_is_no_studio_it_says_so_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = Commands(make_workspace(tmp_path, "http://127.0.0.1:9"), capsys)
    assert lost("doctor") == 3
    assert "no connection to the studio" in lost.err


def test_an_export_is_judged_by_a_process_without_any_workspace(tmp_path: Path) -> None:
    records = {"data": [{"id": "cl_" + "a" * 30, "type": "patron"}]}
    entry = {
        "startedDateTime": "2026-03-02T10:00:00Z",
        "request": {"method": "GET", "url": "https://studio.pixieset.com/api/v1/clients/"},
        "response": {"status": 200, "headers": [], "content": {"text": json.dumps(records)}},
    }
    (tmp_path / "studio.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    done = subprocess.run(
        [*ENTRY, "doctor", "--har", "studio.har"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "client.type has a word that Selftimer doesn't know (patron)" in done.stdout
