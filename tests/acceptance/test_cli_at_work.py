"""Commands around a studio that lives: a pass, what waits, the owner's decisions, with and without the service."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.acceptance.cli_kit import ENTRY, SOURCE, Commands, Studio, bare, make_workspace, patched
from whenever import Instant

from selftimer.cli.output import print_table, say
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAYS = 3


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """Its clock is a little behind the machine's, which orders follow where no service runs."""
    start = Instant.now().subtract(hours=24 * DAYS + 1)
    with Studio(World(seed=5, start=start, population=6, leads_per_day=4, by_hand=0.0)) as served:
        yield served


@pytest.fixture(scope="module")
def workspace(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """After the first look and some days of life, in which the rule began for new leads and asks the owner."""
    folder = make_workspace(tmp_path_factory.mktemp("nord"), studio.origin)
    with patched():
        from selftimer.cli.main import main

        pass_by = ["once", "--sandbox-clock", studio.origin, "-w", str(folder)]
        assert main(pass_by) == 0
        for _ in range(DAYS):
            studio.hours_pass(24)
            assert main(pass_by) == 0
        yield folder


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)


@pytest.fixture
def selftimer(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(workspace, capsys)


def held(selftimer: Commands) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = selftimer.json("deliveries", "--state", "held")
    return found


def wait_for(what: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


# Looking ------------------------------------------------------------------------------------------------------------


def test_once_says_what_it_did(selftimer: Commands, studio: Studio) -> None:
    assert selftimer("once", "--sandbox-clock", studio.origin) == 0
    assert selftimer.out.startswith("Read ")
    assert "held" in selftimer.out
    assert selftimer.json("once", "--sandbox-clock", studio.origin)["deliveries"]["held"] >= 3


def test_status_shows_what_waits_for_the_owner(selftimer: Commands) -> None:
    assert selftimer("status") == 0
    assert "Studio Nord: not running" in selftimer.out
    assert "Waiting for you (selftimer approve ID, or skip ID):" in selftimer.out
    assert "held: approval" in selftimer.out


def test_status_for_a_monitor_fails_while_nothing_runs(selftimer: Commands) -> None:
    assert selftimer("status", "--check") == 1
    said = selftimer.json("status")
    assert (said["running"], said["healthy"]) == (False, False)
    assert said["troubles"] == ["no service works on this workspace: start it with 'selftimer run'"]
    assert said["status"]["kinds"]["client"]["count"] > 6


def test_lists_show_names_and_take_filters(selftimer: Commands) -> None:
    first = held(selftimer)[0]
    assert selftimer("deliveries", "--client", first["client_id"]) == 0
    assert first["id"][:10] in selftimer.out
    assert len(selftimer.out.splitlines()) == 2
    assert selftimer("runs", "--rule", "hello") == 0
    assert first["run_id"][:10] in selftimer.out
    assert selftimer("runs", "--rule", "other") == 0
    assert "No runs" in selftimer.out
    assert len(selftimer.json("deliveries", "-n", "1")) == 1


def test_a_client_that_isn_t_there_is_said(selftimer: Commands) -> None:
    assert selftimer("deliveries", "--client", "Nobody Atall") == 2
    assert "there is no client 'Nobody Atall'; give an id, an e-mail address" in selftimer.err
    assert selftimer("deliveries", "--client", "e") == 2
    assert "can mean several clients" in selftimer.err


def test_show_tells_a_delivery_s_words_and_why(selftimer: Commands) -> None:
    first = held(selftimer)[0]
    assert selftimer("show", first["id"][4:12]) == 0
    assert "held: approval" in selftimer.out
    assert "  thank you for writing." in selftimer.out
    assert "Why:" in selftimer.out
    assert selftimer.json("show", first["id"])["delivery"]["id"] == first["id"]


def test_show_tells_a_run_with_its_deliveries(selftimer: Commands) -> None:
    first = held(selftimer)[0]
    assert selftimer("show", first["run_id"]) == 0
    assert first["id"][:10] in selftimer.out
    assert set(selftimer.json("show", first["run_id"])) == {"run", "client", "deliveries", "traces"}


def test_explain_tells_what_each_rule_made_of_a_client_and_makes_of_them_now(selftimer: Commands) -> None:
    first = held(selftimer)[0]
    assert selftimer("explain", first["client_id"]) == 0
    said = selftimer.out
    assert first["client_id"] in said.splitlines()[0]
    assert "lead.created: began" in said
    assert "message hello held: approval, until " in said
    assert "now: would not begin: 'repeat' says that it is too soon" in said
    told = selftimer.json("explain", first["client_id"], "hello")
    assert [row["verdict"] for row in told["traces"]] == ["begun"]
    assert [one["refusal"]["word"] for one in told["now"]] == ["repeat"]
    assert told["client"]["id"] == first["client_id"]


def test_explain_tells_why_a_rule_would_not_begin(selftimer: Commands, workspace: Path) -> None:
    rules = workspace / "rules" / "rules.yaml"
    good = rules.read_text()
    other = good.replace("client.type == 'lead'", "client.type == 'client'").replace("id: hello", "id: never")
    (workspace / "rules" / "never.yaml").write_text(other)
    try:
        client = held(selftimer)[0]["client_id"]
        assert selftimer("explain", client, "never") == 0
        assert "now: would not begin: 'if' doesn't hold" in selftimer.out
        assert "client.type == 'client', it is 'lead'" in selftimer.out
        (workspace / "rules" / "never.yaml").write_text("rules: [")
        assert selftimer("explain", client) == 0
        assert "How the rules stand now can't be said: rules/never.yaml:" in selftimer.err
    finally:
        (workspace / "rules" / "never.yaml").unlink()


def test_explain_asks_back_for_a_client_or_rule_that_there_is_not(selftimer: Commands) -> None:
    assert selftimer("explain", "nobody-of-that-name") == 2
    assert "there is no client 'nobody-of-that-name'" in selftimer.err
    assert selftimer("explain", held(selftimer)[0]["client_id"], "nope") == 2
    assert "there is no rule 'nope'; rules are: hello" in selftimer.err


def test_plan_tells_the_days_ahead_and_changes_nothing(selftimer: Commands, studio: Studio, workspace: Path) -> None:
    before, waiting = len(studio.messages()), [one["id"] for one in held(selftimer)]
    rules = workspace / "rules" / "rules.yaml"
    good = rules.read_text()
    rules.write_text(good.replace("title: Ask me, then answer", "title: Answer").replace("    mode: approve\n", ""))
    try:
        assert selftimer("plan", "--words") == 0
        assert "Nothing is sent." in selftimer.out
        assert re.search(r"hello +changed", selftimer.out)
        told = selftimer.json("plan", "--days", "10")
        assert [(one["rule_id"], one["what"]) for one in told["changes"]] == [("hello", "changed")]
        assert selftimer("plan", "--by", "client", "--client", "nobody-of-that-name") == 2
    finally:
        rules.write_text(good)
    assert len(studio.messages()) == before
    assert [one["id"] for one in held(selftimer)] == waiting


def test_ids_that_mean_none_or_several_are_asked_back(selftimer: Commands) -> None:
    assert selftimer("show", "zzz") == 2
    assert "there is no run or delivery that begins with 'zzz'" in selftimer.err
    assert selftimer("approve", "dlv_") == 2
    assert "can mean several: dlv_" in selftimer.err


def test_a_backup_is_a_file_that_can_be_read(selftimer: Commands, tmp_path: Path) -> None:
    assert selftimer("backup", str(tmp_path)) == 0
    (copy,) = tmp_path.iterdir()
    assert f"{copy} (" in selftimer.out
    assert selftimer("backup", str(copy)) == 4
    assert "name a new file" in selftimer.err


def test_what_strangers_typed_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("client",), [("[bold]Anna[/x] \x1b[31m:smile:\n[/]",)], empty="none")
    say("[red]Hi[/nope]")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["client", "[bold]Anna[/x]  [31m:smile: [/]", "[red]Hi[/nope]"]


# Deciding without a service -----------------------------------------------------------------------------------------


def test_the_owner_decides_while_nothing_runs(
    selftimer: Commands, studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waiting = held(selftimer)
    yes, edited, no = (one["id"] for one in waiting[:3])
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "Dear you, my own words" > "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(editor))

    assert selftimer("approve", yes) == 0
    assert "approved" in selftimer.out
    assert selftimer("approve", edited, "--edit") == 0
    assert selftimer("skip", no) == 0
    assert "skipped" in selftimer.out
    assert selftimer("approve", yes) == 1
    assert "by now; nothing was changed" in selftimer.out
    before = len(studio.messages())
    studio.hours_pass(2)
    assert selftimer("once", "--sandbox-clock", studio.origin) == 0

    sent = studio.messages()[before:]
    assert len(sent) == 2
    assert sum("Dear you, my own words" in words for words in sent) == 1
    assert no not in {one["id"] for one in selftimer.json("deliveries", "--state", "sent")}


def test_mistakes_in_approvals_change_nothing(selftimer: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    first = held(selftimer)[-1]["id"]
    for words, said in (
        ([first, "--was-sent", "--send-again"], "exclude each other"),
        ([first, "dlv_x", "--text", "Hi"], "one delivery at a time"),
        ([first, "--edit"], "no editor is set"),
    ):
        assert selftimer("approve", *words) == 2
        assert said in selftimer.err
    monkeypatch.setenv("EDITOR", "false")
    assert selftimer("approve", first, "--edit") == 2
    assert "gave no words back" in selftimer.err
    assert first in {one["id"] for one in held(selftimer)}


def test_a_pause_holds_and_a_resume_lets_go(selftimer: Commands) -> None:
    assert selftimer("pause", "rule", "nothing-like-it") == 1
    assert "there is no rule 'nothing-like-it'" in selftimer.out
    assert selftimer("pause", "rule", "hello", "--why", "holidays") == 0
    assert selftimer("pause", "client", held(selftimer)[-1]["client_id"]) == 0
    assert selftimer("pause") == 0
    assert selftimer("status") == 0
    assert "rule hello (holidays)" in selftimer.out
    assert len(selftimer.json("status")["status"]["pauses"]) == 3

    assert selftimer("resume") == 0
    assert selftimer("resume", "rule", "hello") == 0
    assert selftimer("resume", "client", held(selftimer)[-1]["client_id"]) == 0
    assert selftimer("resume") == 1
    assert "all isn't paused" in selftimer.out
    assert selftimer("pause", "rule") == 2
    assert selftimer("pause", "all", "x") == 2


def test_a_rule_is_started_by_hand_or_refused_with_a_reason(selftimer: Commands) -> None:
    assert selftimer("start", "hello", "cl_nobody") == 1
    assert "there is no record 'cl_nobody'" in selftimer.out
    assert selftimer.json("start", "nope", "cl_nobody")[0]["ok"] is False


# With the service ---------------------------------------------------------------------------------------------------


@pytest.fixture
def service(workspace: Path, studio: Studio) -> Iterator[subprocess.Popen[str]]:
    """`selftimer run` on this machine's time, as a process."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    process = subprocess.Popen(
        [*ENTRY, "run", "-w", str(workspace), "--sandbox-clock", studio.origin],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_the_service_carries_out_orders_and_stops_when_told(
    service: subprocess.Popen[str], selftimer: Commands, workspace: Path
) -> None:
    wait_for(lambda: selftimer.json("status")["running"])
    wait_for(lambda: "service.started" in (workspace / "selftimer.log").read_text())

    assert selftimer("run") == 2
    assert f"in use by process {service.pid}" in selftimer.err
    assert selftimer("status", "--check") == 0
    assert "running (process" in selftimer.out
    begun = time.monotonic()
    assert selftimer("pause", "--why", "while a test looks") == 0
    assert time.monotonic() - begun < 5
    assert selftimer("pause", "rule", "nothing-like-it") == 1
    assert selftimer("resume") == 0

    service.send_signal(signal.SIGTERM)
    assert service.wait(30) == 0
    assert selftimer.json("status")["running"] is False


def test_an_order_that_nobody_answers_is_said_to_wait(
    service: subprocess.Popen[str], selftimer: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(lambda: selftimer.json("status")["running"])
    service.send_signal(signal.SIGSTOP)
    try:
        with monkeypatch.context() as patch:
            patch.setattr("selftimer.cli.deciding.PATIENCE", 0.3)
            assert selftimer("pause") == 1
        assert "carries this out as soon as it can" in selftimer.out
    finally:
        service.send_signal(signal.SIGCONT)
    wait_for(lambda: selftimer.json("status")["status"]["pauses"])
    assert selftimer("resume") == 0


# The sandbox --------------------------------------------------------------------------------------------------------


def test_the_sandbox_says_how_to_reach_it_and_keeps_its_state(tmp_path: Path) -> None:
    state = tmp_path / "world"
    command = [*ENTRY, "sandbox", "--port", "0", "--population", "3", "--state", str(state)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        while "Stop with Ctrl-C" not in said[-1]:
            said.append(process.stdout.readline())
            assert said[-1], "it ended before it had said all"
        origin = next(line for line in said if "ACCOUNT__URL=" in line).split("=")[1].strip()
        assert httpx.get(f"{origin}/_sandbox/state").json()["seed"] == 7
        assert any("--sandbox-clock" in line for line in said)
        for path in ("/_sandbox/", "/openapi.json", "/_sandbox/faults", "/_sandbox/drift"):
            assert any(f"{origin}{path}" in line for line in said)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert World.load(state).seed == 7


def test_a_port_that_is_taken_is_said(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    from selftimer.cli.main import main

    port = studio.origin.rpartition(":")[2]
    assert main(["sandbox", "--port", port, "--population", "0"]) == 2
    assert f"port {port} can't be used" in capsys.readouterr().err


def test_a_file_that_is_no_state_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from selftimer.cli.main import main

    (tmp_path / "world").write_text("not a world")
    assert main(["sandbox", "--state", str(tmp_path / "world")]) == 2
    assert "is not a state" in capsys.readouterr().err
    assert (tmp_path / "world").read_text() == "not a world"
