"""The guards as a person uses them: a backup put back, a list of who gets no advertising, a client forgotten."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

import httpx
import pytest
import structlog
from tests.acceptance.cli_kit import RULES, Commands, Studio, bare, make_workspace
from whenever import Instant

from selftimer.ports import Pause
from selftimer.sandbox.world import World
from selftimer.simulation.oracles import judge
from selftimer.store.lock import WorkspaceLock
from selftimer.store.store import SqlStore
from selftimer.wiring import STUDIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)


@pytest.fixture
def studio() -> Iterator[Studio]:
    start = Instant.now().subtract(hours=24 * 4)
    with Studio(World(seed=5, start=start, population=6, leads_per_day=4, by_hand=0.0)) as served:
        yield served


class Life:
    """A workspace whose studio lives on between two passes."""

    def __init__(self, folder: Path, studio: Studio, capture: pytest.CaptureFixture[str], rules: str) -> None:
        self.folder = make_workspace(folder, studio.origin, rules=rules)
        self.selftimer = Commands(self.folder, capture)
        self.studio = studio
        self.once()

    def once(self, hours: int = 0) -> None:
        if hours:
            self.studio.hours_pass(hours)
        assert self.selftimer("once", "--sandbox-clock", self.studio.origin) == 0, self.selftimer.err

    @property
    def database(self) -> Path:
        return self.folder / ".selftimer" / "selftimer.db"

    def pause(self, scope: str, why: str) -> None:
        async def put() -> None:
            store = SqlStore(self.database, STUDIO)
            now = Instant.now()
            await store.write(lambda tx: tx.control.put_pause(Pause(scope=scope, id="", since=now, why=why)))
            await store.aclose()

        asyncio.run(put())


@pytest.fixture
def asking(tmp_path: Path, studio: Studio, capsys: pytest.CaptureFixture[str]) -> Life:
    """The rule asks before it writes."""
    return Life(tmp_path / "nord", studio, capsys, RULES)


@pytest.fixture
def sending(tmp_path: Path, studio: Studio, capsys: pytest.CaptureFixture[str]) -> Life:
    """The rule writes by itself."""
    return Life(tmp_path / "nord", studio, capsys, RULES.replace("    mode: approve\n", ""))


# --- restore ---------------------------------------------------------------------------------------------------------


def test_a_backup_that_is_put_back_sends_nothing_twice_and_nothing_at_all_before_a_resume(sending: Life) -> None:
    selftimer, studio = sending.selftimer, sending.studio
    sending.once(12)
    copy = sending.folder / "copy.db"
    assert selftimer("backup", str(copy)) == 0
    sending.once(20)
    sent = studio.messages()
    assert len(sent) > 1

    assert selftimer("restore", str(copy)) == 0
    assert "the one that was there is" in selftimer.out
    (aside,) = sending.database.parent.glob("selftimer-until-*.db")
    assert aside.stat().st_size > 0
    assert not [*sending.database.parent.glob("*.new*")]
    assert [pause["why"] for pause in selftimer.json("status")["status"]["pauses"]] == ["restored from copy.db"]
    sending.once()
    sending.once(1)
    assert selftimer("status") == 0
    assert "the send journal knows" in selftimer.out
    assert studio.messages() == sent

    assert selftimer("resume") == 0
    sending.once(1)
    sending.once(20)
    after = studio.messages()
    assert judge(httpx.get(f"{studio.origin}/_sandbox/ledger").json()).doubled == ()
    assert len(after) > len(sent)


def test_what_was_replaced_can_be_put_back_again(sending: Life) -> None:
    selftimer = sending.selftimer
    copy = sending.folder / "copy.db"
    assert selftimer("backup", str(copy)) == 0
    sending.once(20)
    before = len(selftimer.json("deliveries"))
    assert before > 0
    assert selftimer("restore", str(copy)) == 0
    assert selftimer.json("deliveries") == []
    (aside,) = sending.database.parent.glob("selftimer-until-*.db")
    assert selftimer("restore", str(aside)) == 0
    assert len([*sending.database.parent.glob("selftimer-until-*.db")]) == 2
    assert len(selftimer.json("deliveries")) == before


def test_what_is_no_backup_changes_nothing(sending: Life) -> None:
    selftimer, folder = sending.selftimer, sending.folder
    (folder / "garbage.db").write_bytes(b"garbage " * 2_000)
    before = sending.database.read_bytes()
    for name, said in (
        ("garbage.db", "is damaged"),
        ("nothing.db", "there is no database"),
        (".selftimer/selftimer.db", "is the database itself"),
    ):
        assert selftimer("restore", str(folder / name)) == 4
        assert said in selftimer.err
    assert sending.database.read_bytes() == before
    assert [*sending.database.parent.glob("selftimer-until-*")] == []


def test_a_backup_is_not_put_back_while_a_service_runs(sending: Life) -> None:
    copy = sending.folder / "copy.db"
    assert sending.selftimer("backup", str(copy)) == 0
    with WorkspaceLock(sending.database.parent):
        assert sending.selftimer("restore", str(copy)) == 2
    assert "in use by process" in sending.selftimer.err


# --- who gets no advertising, who is forgotten ----------------------------------------------------------------------


def test_the_list_of_who_gets_no_advertising(asking: Life) -> None:
    selftimer = asking.selftimer
    assert selftimer("suppress", "--list") == 0
    assert "Nobody" in selftimer.out
    asking.once(24)
    client = selftimer.json("deliveries")[0]["client_id"]
    assert selftimer("suppress", client, "--why", "asked by phone") == 0
    assert selftimer("suppress", "Nobody.Yet@example.com") == 0
    assert selftimer("suppress", client) == 0  # twice is once
    assert selftimer("suppress", "--list") == 0
    assert client in selftimer.out
    assert "asked by phone" in selftimer.out
    assert "somebody who isn't known" in selftimer.out
    assert len(selftimer.json("suppress", "--list")) == 2
    content = b"".join(file.read_bytes() for file in asking.database.parent.glob("selftimer.db*"))
    assert b"obody.yet@example.com" not in content.lower()
    assert selftimer("unsuppress", "nobody.yet@EXAMPLE.com") == 0
    assert selftimer("unsuppress", client) == 0
    assert selftimer("unsuppress", client) == 1
    assert "is not on the list" in selftimer.out
    assert selftimer.json("suppress", "--list") == []
    assert selftimer("suppress") == 2
    assert selftimer("suppress", client, "--list") == 2


def test_a_client_is_forgotten_only_by_who_says_so(asking: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    selftimer = asking.selftimer
    asking.once(24)
    one = selftimer.json("deliveries")[0]
    words = one["text"].splitlines()[0]
    assert selftimer("purge", "client", one["client_id"]) == 2
    assert "say --yes" in selftimer.err
    for answer, code in (("no\n", 1), ("yes\n", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        assert selftimer("purge", "client", one["client_id"]) == code
        gone = next(row for row in selftimer.json("deliveries") if row["id"] == one["id"])
        assert (gone["text"] is None) == (code == 0)
    assert (gone["state"], gone["reason"]) == ("cancelled", "purged")
    content = b"".join(file.read_bytes() for file in asking.database.parent.glob("selftimer.db*"))
    assert words.encode() not in content
    assert selftimer("purge", "client", one["client_id"], "--yes") == 2
    assert "there is no client" in selftimer.err
    journal = asking.database.with_name("sends.jsonl")
    assert not journal.exists() or words not in journal.read_text()


class Terminal:
    """Somebody who types an answer."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._answer


# --- what is printed -------------------------------------------------------------------------------------------------


def test_a_command_prints_its_answer_and_nothing_else_where_no_service_runs(asking: Life) -> None:
    selftimer = asking.selftimer
    asking.once(24)
    one = selftimer.json("deliveries", "--state", "held")[0]
    client, held = one["client_id"], one["id"]
    log = asking.folder / "selftimer.log"
    for words, event in (
        (("pause",), "service.paused"),
        (("resume",), "service.resumed"),
        (("pause", "client", client), "service.paused"),
        (("suppress", client), None),
        (("unsuppress", client), None),
        (("explain", client), None),
        (("status",), None),
        (("approve", held), "delivery.approved"),
        (("skip", held), "delivery.skipped"),
        (("start", "hello", client), None),
        (("backup", str(asking.folder / "copy.db")), None),
        (("purge", "client", client, "--yes"), None),
        (("restore", str(asking.folder / "copy.db")), None),
    ):
        structlog.reset_defaults()  # as in a process of its own, where nothing has set up the log
        for handler in [*logging.getLogger().handlers]:
            if getattr(handler, "selftimer", False):
                logging.getLogger().removeHandler(handler)
                handler.close()
        before = len(log.read_text())
        assert selftimer(*words) == 0, (words, selftimer.err)
        assert selftimer.err == "", words
        assert not re.search(r"\[(info|warning|debug) *\]|\"level\":", selftimer.out), words
        assert event is None or f'"{event}"' in log.read_text()[before:], words


# --- the owner's word -----------------------------------------------------------------------------------------------


def test_all_that_is_held_of_a_rule_is_approved_at_once(asking: Life) -> None:
    selftimer = asking.selftimer
    assert selftimer("approve", "--all-held", "hello") == 2
    assert "nothing of rule 'hello' waits for you" in selftimer.err
    asking.once(24)
    held = selftimer.json("deliveries", "--state", "held")
    assert len(held) > 2
    assert selftimer("approve", held[0]["id"], "--all-held", "hello") == 2
    assert selftimer("approve", "--all-held", "hello") == 0
    assert selftimer.json("deliveries", "--state", "held") == []
    assert selftimer("approve") == 2


def test_an_open_breaker_is_something_to_call_somebody_for(asking: Life) -> None:
    selftimer = asking.selftimer
    asking.pause("breaker", "3 outcomes within an hour are unclear")
    said = selftimer.json("status")
    assert [trouble for trouble in said["troubles"] if "the breaker is open" in trouble]
    assert selftimer("status") == 0
    assert "3 outcomes within an hour are unclear; nothing is sent before 'selftimer resume breaker'" in selftimer.out
    assert selftimer("resume") == 1
    assert "selftimer resume breaker" in selftimer.out
    assert selftimer("resume", "breaker", "now") == 2
    assert selftimer("resume", "breaker") == 0
    assert not [one for one in selftimer.json("status")["troubles"] if "breaker" in one]
    assert selftimer("resume", "breaker") == 1


def test_a_full_disk_is_something_to_call_somebody_for(asking: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selftimer.wiring.free_bytes", lambda _: 1_000_000)
    assert [one for one in asking.selftimer.json("status")["troubles"] if one.startswith("only 1 MB are free")]
