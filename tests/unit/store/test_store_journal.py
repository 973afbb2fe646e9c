from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.store.builders import T0, entry

from selftimer.errors import StoreError, StoreFull
from selftimer.store.journal import FileJournal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path) -> FileJournal:
    return FileJournal(tmp_path / "sends.jsonl", "s")


def test_no_file_is_an_empty_journal(journal: FileJournal) -> None:
    assert list(journal.entries()) == []
    assert not journal.path.exists()


def test_lines_are_kept_over_reopening_and_only_added(journal: FileJournal) -> None:
    journal.append(entry(client_id=None))
    journal.close()
    before = journal.path.read_bytes()
    journal.append(entry(at=T0.add(seconds=0.000_001), outcome="sent", result_id="msg_1"))

    assert journal.path.read_bytes().startswith(before)
    assert list(FileJournal(journal.path, "s").entries()) == [
        entry(client_id=None),
        entry(at=T0.add(seconds=0.000_001), outcome="sent", result_id="msg_1"),
    ]


def test_nobody_else_may_read_it(journal: FileJournal) -> None:
    journal.append(entry())
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_an_intent_and_the_name_of_a_new_file_are_synced_and_an_outcome_need_not_be(
    journal: FileJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    real = os.fsync

    def fsync(file: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(file).st_mode))
        real(file)

    monkeypatch.setattr("os.fsync", fsync)
    journal.append(entry())
    journal.append(entry(outcome="sent"), sync=False)
    journal.append(entry(attempt=2))

    assert synced == [True, False, False]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), junk=st.sampled_from([b"", b"\0\0\0", b'{"at": 1}', b"[]"]))
def test_a_torn_last_line_is_skipped_and_harms_no_later_one(tmp_path: Path, cut: int, junk: bytes) -> None:
    journal = FileJournal(tmp_path / "sends.jsonl", "s")
    journal.path.unlink(missing_ok=True)
    journal.append(entry(attempt=1))
    whole = journal.path.read_bytes()
    journal.append(entry(attempt=2))
    journal.close()
    full = journal.path.read_bytes()
    kept = full[: len(whole) + min(cut, len(full) - len(whole))]
    journal.path.write_bytes(kept + junk)

    again = FileJournal(journal.path, "s")
    read = [e.attempt for e in again.entries()]
    again.append(entry(attempt=3))
    again.close()

    assert read[:1] == [1]
    assert [e.attempt for e in again.entries()] == [*read, 3]
    assert again.path.read_bytes().startswith(kept)


def test_a_full_disk_is_said_and_the_journal_goes_on(journal: FileJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append(entry(attempt=1))
    real = os.write

    def half(file: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data[:-20])

    with monkeypatch.context() as patched:
        patched.setattr("os.write", half)
        with pytest.raises(StoreFull, match=r"sends\.jsonl.*nothing was sent"):
            journal.append(entry(attempt=2))
    journal.append(entry(attempt=3))

    assert [e.attempt for e in journal.entries()] == [1, 3]


def test_a_disk_that_refuses_to_sync_is_said(journal: FileJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(StoreError, match="nothing was sent"):
        journal.append(entry())
