from __future__ import annotations

import ast
import importlib
import io
import json
import logging
import re
import stat
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from pydantic import SecretStr
from structlog.contextvars import bound_contextvars
from whenever import Instant

import selftimer
from selftimer.errors import ConfigError
from selftimer.log import FIRST, HIDDEN, configure
from selftimer.primitives.clock import VirtualClock
from selftimer.settings import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(selftimer.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "logs.md"
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}
log = structlog.get_logger("selftimer.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def written(**keys: Any) -> dict[str, Any]:
    out = io.StringIO()
    configure(Log(), stream=out)
    log.info("thing.done", **keys)
    return lines(out)[0]


def test_a_pipe_gets_json_lines_that_begin_with_the_same_keys() -> None:
    line = written(client="cl_1", count=3)

    assert tuple(line)[:4] == FIRST
    assert line["event"] == "thing.done"
    assert line["logger"] == "selftimer.test"
    assert line["level"] == "info"
    assert (line["client"], line["count"]) == ("cl_1", 3)
    assert "wall" not in line
    assert abs((Instant.now() - Instant.parse_iso(line["timestamp"])).total("seconds")) < 60


def test_simulated_time_stands_beside_the_machine_s() -> None:
    out = io.StringIO()
    configure(Log(), stream=out, clock=VirtualClock(Instant.from_utc(2026, 3, 4, 9)))

    log.info("thing.done")

    assert lines(out)[0]["timestamp"] == "2026-03-04T09:00:00.000Z"
    assert Instant.parse_iso(lines(out)[0]["wall"]) > Instant.from_utc(2026, 3, 5)


def test_a_terminal_gets_lines_in_the_studio_s_zone_without_control_signs() -> None:
    out = Terminal()
    configure(Log(), stream=out, clock=VirtualClock(Instant.from_utc(2026, 3, 4, 9)), zone="Europe/Berlin")

    log.warning("thing.done", client="\x1b]0;owned\x07")

    assert "2026-03-04 10:00:00" in out.getvalue()
    assert "thing.done" in out.getvalue()
    assert "\x1b]0;" not in out.getvalue()


def test_the_format_can_be_forced() -> None:
    out, terminal = io.StringIO(), Terminal()
    configure(Log(format="console"), stream=out)
    log.info("thing.done")
    configure(Log(format="json"), stream=terminal)
    log.info("thing.done")

    assert not out.getvalue().startswith("{")
    assert lines(terminal)[0]["event"] == "thing.done"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "hunter2"),
        ("csrf_token", "hunter2"),
        ("Authorization", "hunter2"),
        ("set-cookie", "hunter2"),
        ("text", "Dear hunter2"),
        ("content", "Dear hunter2"),
        ("body", {"content": "hunter2"}),
        ("anything", SecretStr("hunter2")),
        ("deep", {"list": [{"password": "hunter2"}, SecretStr("hunter2"), ({"body": "hunter2"},)]}),
        ("deep", {"a": {"b": {"c": {"d": {"e": {"f": {"g": "hunter2"}}}}}}}),
    ],
)
def test_secrets_and_the_words_of_messages_never_pass(key: str, value: Any) -> None:
    line = written(**{key: value})

    assert "hunter2" not in json.dumps(line)
    assert HIDDEN in json.dumps(line)


def test_what_is_being_done_is_in_every_line() -> None:
    out = io.StringIO()
    configure(Log(), stream=out)

    with bound_contextvars(studio="nord", rule="lead-answer"):
        log.info("thing.done")
        logging.getLogger("somebody").warning("else")

    assert [(line["studio"], line["rule"]) for line in lines(out)] == [("nord", "lead-answer")] * 2


def test_other_libraries_go_the_same_road_and_http_stays_quiet() -> None:
    out = io.StringIO()
    configure(Log(level="debug"), stream=out)

    logging.getLogger("somebody").warning("it is %s", "odd")
    logging.getLogger("httpx").info("GET https://studio.example/clients?email=anna")
    logging.getLogger("httpcore.connection").debug("connect")

    assert [line["event"] for line in lines(out)] == ["it is odd"]


def test_lines_below_the_level_are_left_out() -> None:
    out = io.StringIO()
    configure(Log(level="warning"), stream=out)

    log.info("thing.done")
    log.warning("thing.odd")

    assert [line["event"] for line in lines(out)] == ["thing.odd"]


def test_a_traceback_shows_no_local_variables() -> None:
    out, terminal = io.StringIO(), Terminal()
    password = "hunter2"
    for stream in (out, terminal):
        configure(Log(), stream=stream)
        try:
            int(password[:0])
        except ValueError:
            log.exception("thing.failed")

    assert "ValueError" in lines(out)[0]["exception"]
    assert "ValueError" in terminal.getvalue()
    assert "hunter2" not in out.getvalue() + terminal.getvalue()


def test_the_file_gets_json_for_its_owner_only_also_beside_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "selftimer.log"
    configure(Log(), stream=Terminal(), file=file)

    log.info("thing.done")

    assert json.loads(file.read_text())["event"] == "thing.done"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_is_found_again_after_a_rotation(tmp_path: Path) -> None:
    file = tmp_path / "selftimer.log"
    configure(Log(), stream=io.StringIO(), file=file)
    log.info("thing.first")

    file.rename(tmp_path / "selftimer.log.1")
    log.info("thing.second")

    assert json.loads(file.read_text())["event"] == "thing.second"


def test_a_file_that_cant_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"\[log\] file: .*can't be written"):
        configure(Log(), stream=io.StringIO(), file=tmp_path / "file" / "selftimer.log")


def test_configuring_twice_doubles_no_line() -> None:
    out = io.StringIO()
    configure(Log(), stream=io.StringIO())
    configure(Log(), stream=out)

    log.info("thing.done")

    assert len(lines(out)) == 1


# The names of events are a contract ---------------------------------------------------------------------------------


@cache
def logged() -> dict[str, tuple[set[str], set[str]]]:
    """Event to its levels and keys, from the source."""
    found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        if "log." not in text:
            continue
        module = ".".join(("selftimer", *path.relative_to(SOURCE).with_suffix("").parts))
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            target = node.func.value
            if isinstance(target, ast.Name) and target.id in {"log", "_log"} and node.func.attr in LEVELS:
                for name in names_of(node.args[0], module):
                    found[name][0].add(LEVELS[node.func.attr])
                    found[name][1].update(str(keyword.arg) for keyword in node.keywords)
    return found


def names_of(node: ast.expr, module: str) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    assert isinstance(node, ast.Subscript), f"{module}: an event's name is a text, or one of a table"
    assert isinstance(node.value, ast.Name)
    return list(getattr(importlib.import_module(module), node.value.id).values())


def documented() -> dict[str, tuple[set[str], set[str]]]:
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| ([^|]*)\|", PAGE.read_text("utf-8"), re.MULTILINE)
    return {name: ({level}, set(re.findall(r"`(\w+)`", keys))) for name, level, keys in rows}


def test_every_event_is_a_noun_and_a_verb() -> None:
    odd = [name for name in logged() if not re.fullmatch(r"[a-z_]+\.[a-z_]+", name)]
    assert odd == []


def test_the_page_lists_every_event_with_its_level_and_keys() -> None:
    assert documented() == dict(logged())
