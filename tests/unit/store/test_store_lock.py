from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.unit.store.stores import environment

from selftimer.errors import WorkspaceError
from selftimer.store.lock import WorkspaceLock, locked_by

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys
from pathlib import Path
from selftimer.store.lock import WorkspaceLock
WorkspaceLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_workspace_is_locked_once_and_says_by_whom(tmp_path: Path) -> None:
    assert locked_by(tmp_path) is None
    with WorkspaceLock(tmp_path):
        assert locked_by(tmp_path) == os.getpid()
        with pytest.raises(WorkspaceError, match=f"in use by process {os.getpid()}"):
            WorkspaceLock(tmp_path).acquire()
    assert locked_by(tmp_path) is None
    with WorkspaceLock(tmp_path):
        pass


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert locked_by(tmp_path) == holder.pid
        with pytest.raises(WorkspaceError, match=f"process {holder.pid}"):
            WorkspaceLock(tmp_path).acquire()
        holder.kill()
    assert locked_by(tmp_path) is None
    WorkspaceLock(tmp_path).acquire().release()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="must exist"):
        WorkspaceLock(tmp_path / "nowhere").acquire()
    assert locked_by(tmp_path / "nowhere") is None


def test_giving_back_twice_is_harmless(tmp_path: Path) -> None:
    lock = WorkspaceLock(tmp_path).acquire()
    lock.release()
    lock.release()
