"""Reading a workspace from a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selftimer.errors import WorkspaceError
from selftimer.facts.world import StudioFacts
from selftimer.rulebook.files import read_workspace
from selftimer.rulebook.loader import load_workspace
from selftimer.rulebook.yaml12 import MAX_BYTES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for name in ("rules/b.yaml", "rules/a.yaml", "automations/c.yaml", "automations/messages/d.md"):
        path = tmp_path / "studio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"# nothing\n")
    return tmp_path / "studio"


def test_files_come_sorted_by_their_relative_path(workspace: Path) -> None:
    assert list(read_workspace(workspace)) == [
        "automations/c.yaml", "automations/messages/d.md", "rules/a.yaml", "rules/b.yaml",
    ]  # fmt: skip


def test_tests_and_hidden_files_are_left_alone(workspace: Path) -> None:
    (workspace / "rules/tests").mkdir()
    (workspace / "rules/tests/a.yaml").write_text("tests: []\n")
    (workspace / "rules/.a.yaml.swp").write_text("x")

    assert len(read_workspace(workspace)) == 4


def test_folders_that_are_not_there_are_empty(tmp_path: Path) -> None:
    assert read_workspace(tmp_path) == {}


def test_a_workspace_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="selftimer init"):
        read_workspace(tmp_path / "nowhere")


def test_a_link_out_of_the_workspace_is_refused(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("rules: []\n")
    (workspace / "rules/z.yaml").symlink_to(tmp_path / "secret.yaml")

    with pytest.raises(WorkspaceError, match=r"rules/z\.yaml is a link that leads out of the workspace"):
        read_workspace(workspace)


def test_a_folder_that_is_a_link_out_of_the_workspace_is_refused(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (workspace / "automations").rename(tmp_path / "elsewhere/automations")
    (workspace / "automations").symlink_to(tmp_path / "elsewhere/automations")

    with pytest.raises(WorkspaceError, match="leads out of the workspace"):
        read_workspace(workspace)


def test_a_link_within_the_workspace_is_followed(workspace: Path) -> None:
    (workspace / "rules/z.yaml").symlink_to(workspace / "rules/a.yaml")

    assert read_workspace(workspace)["rules/z.yaml"] == b"# nothing\n"


def test_a_file_that_is_too_large_is_read_as_far_as_it_takes_to_say_so(workspace: Path) -> None:
    (workspace / "rules/a.yaml").write_bytes(b"#" * (MAX_BYTES + 500))

    files = read_workspace(workspace)

    assert len(files["rules/a.yaml"]) == MAX_BYTES + 1
    result = load_workspace(files, StudioFacts(name="Studio Nord", zone="Europe/Berlin"))
    assert [problem.file for problem in result.errors] == ["automations/messages/d.md", "rules/a.yaml"][1:]
