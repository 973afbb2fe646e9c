from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from selftimer.simulation.processes import Child, ChildError

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013 - a type only

SANDBOX = "selftimer.simulation.sandbox_process"
SERVICE = "selftimer.simulation.service_process"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_says_where_it_is_and_is_ended_in_any_case(tmp_path: Path) -> None:
    with Child(SANDBOX, ["--days", "1"], tmp_path / "logs" / "sandbox.log") as child:
        assert child.said(within=30)["origin"].startswith("http://127.0.0.1:")
        assert child.running
        assert not child.ended(within=0.01)
        child.check()
    assert child.code == 0


def test_a_child_ends_with_its_standard_input(tmp_path: Path) -> None:
    with Child(SANDBOX, ["--days", "1"], tmp_path / "sandbox.log") as child:
        child.said(within=30)
        stdin = child._process.stdin
        assert stdin is not None
        stdin.close()
        assert child.ended(within=10)
    assert child.code == 0


def test_a_child_that_dies_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with Child(SERVICE, ["--workspace", str(tmp_path), "--sandbox", "http://127.0.0.1:1"], tmp_path / "s.log") as child:
        assert child.ended(within=30)
        with pytest.raises(ChildError, match=r"(?s)ended with code 1.*is not a workspace"):
            child.check()
        with pytest.raises(ChildError, match="said nothing"):
            child.said(within=1)


def test_a_child_gets_no_settings_of_a_real_studio(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("SELFTIMER_ACCOUNT__URL", "https://studio.example")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with Child(SANDBOX, [], tmp_path / "sandbox.log") as child:
        child.said(within=30)
        environment = Path(f"/proc/{child._process.pid}/environ").read_bytes()
    assert b"SELFTIMER_ACCOUNT" not in environment
    assert b"CREDENTIALS_DIRECTORY" not in environment


def test_leaving_with_an_error_ends_the_child_too(tmp_path: Path) -> None:
    started: list[int] = []

    def fail() -> None:
        with Child(SANDBOX, [], tmp_path / "sandbox.log") as child:
            started.append(child._process.pid)
            raise RuntimeError("oops")

    with pytest.raises(RuntimeError, match="oops"):
        fail()
    assert not alive(started[0])
