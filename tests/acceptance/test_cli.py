"""Commands as people meet them: what they print, what they refuse, and the codes they exit with."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.acceptance.cli_kit import ENTRY, SOURCE, Commands, bare, make_workspace

from selftimer.cli.main import _COMMANDS, app, main
from selftimer.cli.problems import show_github
from selftimer.errors import Problem, StoreCorrupt, WorkspaceError

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)


@pytest.fixture
def selftimer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands in a workspace whose studio can't be reached."""
    return Commands(make_workspace(tmp_path / "nord", NOWHERE), capsys)


# The command line itself --------------------------------------------------------------------------------------------


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from selftimer.cli.main import main; main(['--help'])\n"
        "heavy = {'sqlalchemy', 'httpx', 'uvicorn', 'pydantic', 'jinja2', 'babel', 'selftimer.engine', 'structlog'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run(
        [ENTRY[0], "-c", code], check=True, capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE)}
    ).stdout
    assert said.splitlines()[-1] == "[]"
    assert "approve" in said


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    commands = re.findall(r"^│ ([a-z][a-z-]*) +\S", capsys.readouterr().out, re.MULTILINE)
    assert sorted(commands) == sorted(
        command.__name__.replace("_", "-") for some in _COMMANDS.values() for command in some
    )
    for command in commands:
        assert main([command, "--help"]) == 0
        assert len(capsys.readouterr().out) > 200, command


def test_a_wrong_command_is_a_usage_error_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["aprove"]) == 2
    assert 'Did you mean "approve"?' in " ".join(capsys.readouterr().err.split())
    assert main(["status", "--jsn"]) == 2
    assert main(["pause", "everybody"]) == 2


def test_an_error_is_one_sentence_and_a_traceback_only_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["status", "-w", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"{tmp_path} is not a workspace: it has no selftimer.toml. Make one with")
    assert said.err.count("\n") == 1

    monkeypatch.setenv("SELFTIMER_DEBUG", "1")
    with pytest.raises(WorkspaceError):
        main(["status", "-w", str(tmp_path)])


def test_the_workspace_can_be_a_variable(
    selftimer: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SELFTIMER_WORKSPACE", str(selftimer.workspace))
    assert main(["check"]) == 0
    assert "1 rule ready" in capsys.readouterr().out


# init and check -----------------------------------------------------------------------------------------------------


def test_init_makes_a_workspace_that_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new" / "studio"

    assert main(["init", str(target)]) == 0
    assert f"selftimer run -w {target}" in capsys.readouterr().out
    assert {path.name for path in target.iterdir()} == {
        ".selftimer-packs",
        "rules",
        "automations",
        "selftimer.toml",
        ".env.example",
        ".gitignore",
        ".schemas",
    }
    assert "SELFTIMER_PASSWORD=" in (target / ".env.example").read_text()
    assert ".env\n" in (target / ".gitignore").read_text()
    assert main(["check", "-w", str(target)]) == 0
    assert re.search(r"\d+ rules ready; no errors", capsys.readouterr().out)


WRONG = "rules:\n  - id: hello\n    title: Hello\n    when: lead.creatd\n    then:\n      - send: hello\n"


def test_check_shows_the_line_and_marks_the_place(selftimer: Commands) -> None:
    (selftimer.workspace / "rules" / "rules.yaml").write_text(WRONG)
    assert selftimer("check") == 1
    said = selftimer.out.splitlines()
    at = next(i for i, line in enumerate(said) if line.startswith("rules/rules.yaml:4:11: "))
    assert "did you mean 'lead.created'" in said[at]
    assert said[at + 1] == "    4 |     when: lead.creatd"
    assert said[at + 2] == "      |           ^"
    assert said[at + 2].index("^") == said[at + 1].index("lead.creatd")


def test_check_shows_a_very_long_line_around_the_place(selftimer: Commands) -> None:
    long = " or ".join(["client.type == 'lead'"] * 40) + " or client.typ == 'x'"
    (selftimer.workspace / "rules" / "rules.yaml").write_text(
        f"rules:\n  - id: hello\n    title: Hello\n    when: lead.created\n    if: {long}\n    repeat: once\n"
        "    then:\n      - send: hello\n"
    )
    assert selftimer("check") == 1
    line, mark = selftimer.out.splitlines()[1:3]
    assert len(line) < 130
    assert line[mark.index("^") :].startswith("client.typ")


def test_check_speaks_to_code_hosts(selftimer: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    (selftimer.workspace / "rules" / "rules.yaml").write_text(WRONG)
    monkeypatch.chdir(selftimer.workspace.parent)
    name = selftimer.workspace.name

    assert selftimer("check", "--format", "github") == 1
    assert f"::error file={name}/rules/rules.yaml,line=4,col=11::" in selftimer.out
    assert selftimer("check", "--format", "sarif") == 1
    report = json.loads(selftimer.out)
    assert report["version"] == "2.1.0"
    (result,) = [r for r in report["runs"][0]["results"] if "lead.creatd" in r["message"]["text"]]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": f"{name}/rules/rules.yaml"}
    assert place["region"] == {"startLine": 4, "startColumn": 11}
    assert selftimer("check", "--format", "yaml") == 2


def test_what_github_reads_as_signs_of_its_own_is_escaped(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show_github([Problem(str(tmp_path / "a,b:c.yaml"), 1, 2, "100 %\nsure", "warning")], tmp_path)
    said = capsys.readouterr().out
    assert said.startswith("::warning file=")
    assert "a%2Cb%3Ac.yaml,line=1,col=2::100 %25%0Asure" in said


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "selftimer.toml").write_text("mine")

    assert main(["init", str(tmp_path)]) == 2
    assert "has selftimer.toml already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["selftimer.toml"]
    assert (tmp_path / "selftimer.toml").read_text() == "mine"


def test_check_says_every_problem_with_its_place(selftimer: Commands) -> None:
    rules = selftimer.workspace / "rules" / "rules.yaml"
    rules.write_text(rules.read_text().replace("client.type", "client.tpye").replace("send: hello", "send: helo"))

    assert selftimer("check") == 1
    assert "rules/rules.yaml:5:16: client has no field 'tpye'" in selftimer.out
    assert "did you mean" in selftimer.out
    assert "there is no message 'helo'" in selftimer.out
    assert selftimer.out.splitlines()[-1].endswith("the rules can't be used")


def test_check_for_programs(selftimer: Commands) -> None:
    assert selftimer.json("check") == {"rules": 1, "tests": {"hello": 0}, "problems": [], "notes": []}
    (selftimer.workspace / "rules" / "rules.yaml").write_text("rules: 3\n")
    said = selftimer.json("check")
    assert said["rules"] is None
    assert {"file", "line", "column", "message", "severity", "hint"} == set(said["problems"][0])


def test_warnings_don_t_fail_a_check(selftimer: Commands) -> None:
    (selftimer.workspace / "automations" / "messages" / "unused.md").write_text("Nobody says this.\n")
    assert selftimer("check") == 0
    assert "1 warning" in selftimer.out


def test_settings_that_are_wrong_stop_every_command_with_their_line(selftimer: Commands) -> None:
    toml = selftimer.workspace / "selftimer.toml"
    toml.write_text(toml.read_text().replace("time_zone", "timezone"))
    for command in ("check", "status", "once", "runs", "log"):
        assert selftimer(command) == 2
        assert "selftimer.toml:3: [studio] has no key 'timezone'; did you mean 'time_zone'?" in selftimer.err


def test_an_env_that_others_can_read_is_noted(selftimer: Commands) -> None:
    (selftimer.workspace / ".env").chmod(0o644)
    selftimer("check")
    assert "Note: " in selftimer.err
    assert "chmod 600" in selftimer.err


# What is not there --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["status"], ["runs"], ["deliveries"], ["show", "run_1"], ["approve", "1"]])
def test_before_the_first_run_there_is_nothing_to_show(selftimer: Commands, command: list[str]) -> None:
    assert selftimer(*command) == 2
    assert "nothing has been recorded" in selftimer.err
    assert "'selftimer run' or 'selftimer once' begins" in selftimer.err


def test_a_studio_that_cant_be_reached_is_code_3(selftimer: Commands) -> None:
    assert selftimer("once") == 3
    assert "Traceback" not in selftimer.err


def test_without_a_password_nothing_begins(selftimer: Commands) -> None:
    (selftimer.workspace / ".env").write_text("")
    assert selftimer("once") == 2
    assert "password" in selftimer.err
    assert "SELFTIMER_PASSWORD" in selftimer.err


def test_rules_that_cant_be_used_stop_the_service_with_all_problems(selftimer: Commands) -> None:
    (selftimer.workspace / "rules" / "rules.yaml").write_text("rules:\n  - id: x\n")
    assert selftimer("run") == 1
    assert "rules/rules.yaml:2:" in selftimer.err


def test_a_damaged_database_is_code_4(selftimer: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    (selftimer.workspace / ".selftimer").mkdir()
    (selftimer.workspace / ".selftimer" / "selftimer.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 8_000)
    assert selftimer("status") == 4
    assert "restore" in selftimer.err or "damaged" in selftimer.err
    monkeypatch.setenv("SELFTIMER_DEBUG", "1")
    with pytest.raises(StoreCorrupt):
        selftimer("once")


def test_a_clock_that_isn_t_the_studio_s_own_is_refused(selftimer: Commands) -> None:
    assert selftimer("run", "--sandbox-clock", "http://127.0.0.1:10") == 2
    assert "is not the origin of the studio" in selftimer.err


# The page about commands --------------------------------------------------------------------------------------------


def test_the_page_names_every_command_with_its_options_and_no_others() -> None:
    page = (SOURCE.parent / "docs" / "reference" / "cli.md").read_text("utf-8")
    sections = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    commands = {name for name in app if not name.startswith("-")}
    assert set(sections) - {"codes", "ids"} == commands
    for name in commands:
        options = {
            spoken
            for argument in app[name].assemble_argument_collection()
            for spoken in argument.names
            if spoken.startswith("--") and not spoken.startswith("--no-")
        }
        said = set(re.findall(r"`(--[a-z-]+)", sections[name]))
        assert said - {"--json"} == options - {"--workspace", "--json"}, name


# The log ------------------------------------------------------------------------------------------------------------

LINES = [
    {"timestamp": "2026-03-04T09:00:00Z", "level": "info", "event": "run.begun", "rule": "hello", "client": "cl_a"},
    {"timestamp": "2026-03-04T09:05:00Z", "level": "warning", "event": "list.failed", "list": "client"},
    {
        "timestamp": "2026-03-05T09:00:00Z",
        "level": "error",
        "event": "lane.failed",
        "exception": "Traceback\n  boom \x1b[31m",
    },
]


@pytest.fixture
def logged(selftimer: Commands) -> Commands:
    text = "".join(json.dumps(line) + "\n" for line in LINES)
    (selftimer.workspace / "selftimer.log").write_text(text + "another program\n" + '{"torn": ')
    return selftimer


def test_the_log_is_shown_in_the_studio_s_time(logged: Commands) -> None:
    assert logged("log") == 0
    assert logged.out.splitlines()[0] == ("2026-03-04 10:00:00 info     run.begun              rule=hello client=cl_a")
    assert "\n  Traceback\n    boom" in logged.out
    assert "\x1b" not in logged.out


@pytest.mark.parametrize(
    ("words", "events"),
    [
        (["--level", "warning"], ["list.failed", "lane.failed"]),
        (["--rule", "hello"], ["run.begun"]),
        (["--client", "cl_a"], ["run.begun"]),
        (["--event", "list"], ["list.failed"]),
        (["--since", "2026-03-04T09:05:00Z"], ["list.failed", "lane.failed"]),
        (["--since", "1 hour"], []),
    ],
)
def test_the_log_is_filtered(logged: Commands, words: list[str], events: list[str]) -> None:
    assert logged("log", "--json", *words) == 0
    assert [json.loads(line)["event"] for line in logged.out.splitlines()] == events


def test_a_log_that_isn_t_there_is_explained(selftimer: Commands) -> None:
    assert selftimer("log") == 2
    assert "can't be read" in selftimer.err
    assert selftimer("log", "--since", "tomorrow", "--file", "x") == 2
    assert "--since 'tomorrow': write '2 hours'" in selftimer.err

    toml = selftimer.workspace / "selftimer.toml"
    toml.write_text(toml.read_text().replace('[log]\nfile = "selftimer.log"\n', ""))
    assert selftimer("log") == 2
    assert "no log file is set" in selftimer.err
