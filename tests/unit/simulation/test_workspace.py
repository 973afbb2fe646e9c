from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from selftimer.errors import WorkspaceError
from selftimer.settings import Settings
from selftimer.simulation.workspace import copy_starter, point_to, starter_folder, write_files

if TYPE_CHECKING:
    from pathlib import Path


def test_the_starter_is_copied_whole_and_nothing_else(tmp_path: Path) -> None:
    files = copy_starter(tmp_path / "here")
    found = {path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*") if path.is_file()}
    assert found == set(files)
    assert {"selftimer.toml", "rules/leads.yaml", "automations/messages/lead-answer.md"} <= {str(f) for f in files}
    assert all((tmp_path / "here" / f).read_bytes() == (starter_folder() / f).read_bytes() for f in files)


def test_nothing_of_anybodys_is_overwritten(tmp_path: Path) -> None:
    write_files(tmp_path, {"rules/leads.yaml": "mine"})
    with pytest.raises(WorkspaceError, match=r"rules/leads\.yaml already"):
        copy_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["rules"]


def test_a_workspace_that_points_to_a_sandbox_is_read_by_its_owner_only_and_loads(tmp_path: Path) -> None:
    copy_starter(tmp_path)
    point_to(
        tmp_path, "http://127.0.0.1:8765", email="owner@studio.example", password="secret words", account_id="acc_1"
    )
    settings = Settings.load(tmp_path)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert settings.account.url == "http://127.0.0.1:8765"
    assert settings.account.account_id == "acc_1"
    assert settings.account.email == "owner@studio.example"
    assert settings.password is not None
    assert settings.password.get_secret_value() == "secret words"
    assert settings.notes() == []
